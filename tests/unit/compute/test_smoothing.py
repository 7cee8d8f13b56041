"""Running order statistics, bridges over holes, robust spread."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mystax.compute.smoothing import bridge_gaps, robust_sd, running_median, running_percentile


def brute_percentile(values: np.ndarray, times: np.ndarray, window: float, percentile: float) -> np.ndarray:
    """The definition, one window at a time."""
    result = np.full(len(values), np.nan)
    for i in np.flatnonzero(np.isfinite(times)):
        inside = (np.abs(times - times[i]) <= window / 2 + 1e-6) & np.isfinite(values)
        if inside.any():
            result[i] = np.percentile(values[inside], percentile)
    return result


@settings(deadline=None, max_examples=25)
@given(
    seed=st.integers(0, 10_000),
    n=st.integers(1, 120),
    window=st.sampled_from([0.0, 0.1, 0.35, 1.0, 50.0]),
    percentile=st.sampled_from([0.0, 25.0, 50.0, 80.0, 100.0]),
)
def test_percentile_equals_its_definition(seed: int, n: int, window: float, percentile: float) -> None:
    generator = np.random.default_rng(seed)
    values = generator.integers(0, 12, n).astype(np.float64)
    values[generator.random(n) < 0.3] = np.nan
    times = np.cumsum(generator.choice([0.05, 0.05, 0.4], n))
    times[generator.random(n) < 0.1] = np.nan
    found = running_percentile(values, times, window, percentile)
    np.testing.assert_allclose(found, brute_percentile(values, times, window, percentile), atol=1e-12)


def test_percentile_is_the_same_across_inner_blocks() -> None:
    generator = np.random.default_rng(3)
    values, times = generator.normal(size=9000), np.arange(9000) / 100.0
    found = running_percentile(values, times, 1.0, 80.0)
    near = slice(4000, 4200)
    np.testing.assert_allclose(
        found[near], brute_percentile(values[3900:4300], times[3900:4300], 1.0, 80.0)[100:300]
    )


def test_frames_on_the_border_of_the_window_count_however_times_round() -> None:
    times = np.arange(1000) / 30.0
    values = (np.arange(1000) % 2).astype(np.float64)
    # 0.2 s at 30 frames per second are 3 frames before and 3 after: 7 values, never 5 or 6.
    found = running_median(values, times, 0.2)[10:-10]
    assert np.array_equal(found, 1 - values[10:-10])


def test_median_of_a_zero_window_is_the_trace_itself() -> None:
    values = np.array([3.0, np.nan, -1.0, 7.0])
    np.testing.assert_array_equal(running_median(values, np.arange(4.0), 0.0), values)


def test_a_trace_without_values_stays_without_values() -> None:
    assert np.isnan(running_median(np.full(5, np.nan), np.arange(5.0), 2.0)).all()


def test_an_empty_trace_gives_an_empty_trace() -> None:
    assert len(running_median(np.empty(0), np.empty(0), 1.0)) == 0


def test_samples_without_a_time_have_no_median_and_take_no_part() -> None:
    times = np.array([0.0, np.nan, 1.0])
    found = running_median(np.array([1.0, 100.0, 3.0]), times, 2.0)
    np.testing.assert_array_equal(found, [2.0, np.nan, 2.0])


def test_short_hole_becomes_a_straight_line_in_time() -> None:
    times = np.array([0.0, 1.0, 3.0, 4.0])
    filled = bridge_gaps(np.array([0.0, np.nan, np.nan, 8.0]), times, 4.0)
    np.testing.assert_allclose(filled, [0.0, 2.0, 6.0, 8.0])


def test_hole_longer_than_the_limit_stays() -> None:
    trace = np.array([0.0, np.nan, np.nan, 8.0])
    np.testing.assert_array_equal(bridge_gaps(trace, np.arange(4.0), 2.9), trace)


def test_hole_of_exactly_the_limit_is_bridged() -> None:
    times = np.arange(10) / 10.0
    trace = np.arange(10.0)
    trace[3:5] = np.nan
    np.testing.assert_allclose(bridge_gaps(trace, times, 0.3), np.arange(10.0))


def test_holes_at_the_ends_stay() -> None:
    trace = np.array([np.nan, 1.0, 2.0, np.nan])
    np.testing.assert_array_equal(bridge_gaps(trace, np.arange(4.0), 10.0), trace)


def test_bridging_leaves_good_samples_and_the_input_alone() -> None:
    trace = np.array([5.0, np.nan, 6.0], np.float64)
    kept = trace.copy()
    filled = bridge_gaps(trace, np.arange(3.0), 10.0)
    np.testing.assert_array_equal(trace, kept)
    assert filled[0] == 5.0
    assert filled[2] == 6.0


def test_zero_limit_bridges_nothing() -> None:
    trace = np.array([5.0, np.nan, 6.0])
    np.testing.assert_array_equal(bridge_gaps(trace, np.arange(3.0), 0.0), trace)


def test_robust_sd_of_normal_values_is_their_sd() -> None:
    values = np.random.default_rng(0).normal(3.0, 2.5, 20_000)
    assert robust_sd(values) == pytest.approx(2.5, rel=0.03)


def test_robust_sd_does_not_mind_outliers_and_holes() -> None:
    values = np.random.default_rng(0).normal(0.0, 1.0, 5000)
    values[:100] = 1e9
    values[100:200] = np.nan
    assert robust_sd(values) == pytest.approx(1.0, rel=0.08)


def test_robust_sd_of_nothing_is_missing() -> None:
    assert np.isnan(robust_sd(np.full(3, np.nan)))
