"""Traces over time: nothing of a long trace is lost, holes stay holes, axes are readable."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure

from mystax.plot.series import (
    MAX_POINTS,
    MAX_ROWS,
    TimeAxis,
    draw_holes,
    gap_spans,
    gaps,
    outline,
    spans,
    thinned,
    time_axis,
    trace,
)
from tests.fixtures.plot_outcomes import motion


@pytest.mark.parametrize(
    ("span", "factor", "unit"), [(600, 1, "s"), (601, 1 / 60, "min"), (10801, 1 / 3600, "h")]
)
def test_the_unit_of_the_axis_follows_its_length(span: float, factor: float, unit: str) -> None:
    assert time_axis(float(span)) == (factor, unit)


def test_a_short_trace_is_drawn_as_it_is() -> None:
    x, y = outline(np.arange(10.0), np.arange(10.0) ** 2)
    np.testing.assert_array_equal(x, np.arange(10.0))
    np.testing.assert_array_equal(y, np.arange(10.0) ** 2)


def test_a_missing_value_breaks_the_line() -> None:
    _, y = outline(np.arange(5.0), np.array([1.0, 2.0, np.nan, 4.0, 5.0]))
    np.testing.assert_array_equal(y, [1.0, 2.0, np.nan, 4.0, 5.0])


def test_a_gap_in_time_breaks_the_line() -> None:
    x, _ = outline(np.array([0.0, 1.0, 2.0, 9.0, 10.0]), np.ones(5))
    np.testing.assert_array_equal(x, [0.0, 1.0, 2.0, np.nan, 9.0, 10.0])


def test_a_trace_without_values_has_no_points() -> None:
    assert len(outline(np.arange(4.0), np.full(4, np.nan))[0]) == 0


def test_one_sample_of_a_million_keeps_its_peak() -> None:
    values = np.zeros(1_000_000, np.float32)
    values[123_456], values[654_321] = 7.0, -3.0
    x, y = outline(np.arange(1e6) / 100, values)
    assert len(x) <= MAX_POINTS
    assert (np.nanmax(y), np.nanmin(y)) == (7.0, -3.0)
    assert x[np.nanargmax(y)] == 1234.56
    assert (x[0], x[-1]) == (0.0, 9999.99)


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 999), n=st.integers(MAX_POINTS + 1, 30_000))
def test_each_column_of_a_long_trace_keeps_its_range(seed: int, n: int) -> None:
    values = np.random.default_rng(seed).normal(size=n)
    x, y = outline(np.arange(float(n)), values)
    x, y = x[np.isfinite(x)], y[np.isfinite(x)]
    column = np.minimum((np.arange(n) / (n - 1) * 900).astype(int), 899)
    drawn = np.minimum((x / (n - 1) * 900).astype(int), 899)
    for number in (0, 450, 899):
        assert y[drawn == number].max() == values[column == number].max()
        assert y[drawn == number].min() == values[column == number].min()


def test_a_hole_in_a_long_trace_stays_a_hole() -> None:
    values = np.ones(20_000)
    values[5_000:6_000] = np.nan
    x, y = outline(np.arange(20_000.0), values)
    assert not ((x >= 5_000) & (x < 6_000)).any()
    assert np.isnan(y).sum() == 1


def test_a_single_value_between_two_holes_is_drawn() -> None:
    axes = Figure().subplots()
    trace(axes, np.arange(5.0), np.array([1.0, np.nan, 3.0, np.nan, 5.0]), colour="black")
    dots = [line for line in axes.get_lines() if line.get_marker() == "."]
    assert dots[0].get_xdata().tolist() == [0.0, 2.0, 4.0]  # type: ignore[union-attr] # an array, as it was given


def test_gaps_are_steps_above_one_and_a_half_intervals() -> None:
    times = np.array([0.0, 1.0, 2.0, 3.4, 5.0, 6.0])
    np.testing.assert_array_equal(gaps(times), [4])
    assert [item.tolist() for item in gap_spans(times)] == [[3.4], [pytest.approx(1.6)]]


def test_runs_of_missing_frames_become_spans() -> None:
    chosen = np.zeros(100, bool)
    chosen[10:20] = True
    starts, lengths = spans(np.arange(100.0), chosen)
    assert (starts.tolist(), lengths.tolist()) == ([9.5], [10.0])


def test_a_single_missing_frame_of_an_hour_is_wide_enough_to_be_seen() -> None:
    chosen = np.zeros(108_000, bool)
    chosen[50_000] = True
    _, lengths = spans(np.arange(108_000) / 30, chosen)
    assert lengths[0] >= 3600 / 601


def test_thousands_of_runs_become_as_many_bars_as_can_be_told_apart() -> None:
    chosen = np.arange(60_000) % 10 == 0
    starts, lengths = spans(np.arange(60_000.0), chosen)
    assert 1 <= len(starts) <= 600
    assert starts[-1] + lengths[-1] >= 59_900


def test_frames_without_times_are_still_shaded() -> None:
    places = np.array([0.0, 1.0, np.nan, np.nan, 4.0])
    starts, lengths = spans(places, np.array([False, False, True, True, False]))
    assert np.isfinite(starts).all()
    assert (lengths > 0).all()


def test_holes_are_shaded_by_kind() -> None:
    axes = Figure().subplots()
    draw_holes(axes, np.array([0.0, 1.0, 2.0, 9.0]), np.array([0, 1, 0, 0], np.uint8))
    assert len(axes.collections) == 2
    draw_holes(axes, np.arange(4.0), np.zeros(4, np.uint8))
    assert len(axes.collections) == 2


def test_an_axis_without_times_counts_frames() -> None:
    dataset = motion().assign_coords(time=("time", np.full(60, np.nan)))
    axis = TimeAxis([dataset, motion()])
    assert axis.label == "frame"
    assert axis.limits == (0.0, 59.0)
    assert np.isnan(axis.events(np.array([1.0]))).all()


def test_an_axis_reaches_from_the_first_frame_to_the_last() -> None:
    axis, axes = TimeAxis([motion()]), Figure().subplots()
    axis.finish(axes)
    assert axes.get_xlim() == (0.0, 59 / 30)
    assert axis.label == "time [s]"


def test_tables_of_long_traces_are_thinned_evenly() -> None:
    (short,) = thinned(np.arange(10.0))
    (long,) = thinned(np.arange(20_001.0))
    assert len(short) == 10
    assert len(long) <= MAX_ROWS
    assert set(np.diff(long)) == {5.0}
