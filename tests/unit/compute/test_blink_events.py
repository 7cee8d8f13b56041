"""From darkness to openness, and from openness to blinks and closures."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mystax.compute.blink_events import BlinkEvents, closed_state, find_blinks, open_level, openness_of

RATE = 100.0


def events(
    openness: np.ndarray, times: np.ndarray | None = None, lowest: float = 0.03, longest: float = 0.5
) -> BlinkEvents:
    at = np.arange(len(openness)) / RATE if times is None else times
    closed = closed_state(openness, np.ones(len(openness)), 0.4)
    return find_blinks(openness, closed, at, min_duration=lowest, max_duration=longest)


def lids(n: int, *runs: tuple[int, int]) -> np.ndarray:
    """Openness 1, and 0.1 in the runs of frames."""
    openness = np.ones(n)
    for first, last in runs:
        openness[first:last] = 0.1
    return openness


def test_open_level_is_the_running_percentile() -> None:
    darkness = np.tile([10.0, 20.0, 30.0, 40.0, 50.0], 40)
    level = open_level(darkness, np.arange(200) / 10.0, 5.0)
    for i in (40, 77, 140):
        assert level[i] == pytest.approx(np.percentile(darkness[i - 25 : i + 26], 80.0))


def test_open_level_never_falls_below_a_fifth_of_the_recording() -> None:
    darkness = np.concatenate([np.full(500, 50.0), np.full(500, 1.0)])
    level = open_level(darkness, np.arange(1000) / 10.0, 5.0)
    assert level[-1] == pytest.approx(10.0)
    assert level[0] == pytest.approx(50.0)


def test_long_closure_keeps_the_open_level_of_the_window() -> None:
    darkness = np.full(1000, 50.0)
    darkness[400:450] = 0.0
    assert open_level(darkness, np.arange(1000) / 10.0, 60.0)[425] == pytest.approx(50.0)


def test_openness_is_clipped_at_one_and_a_half() -> None:
    found = openness_of(np.array([0.0, 5.0, 10.0, 100.0, np.nan]), np.full(5, 10.0))
    np.testing.assert_array_equal(found, [0.0, 0.5, 1.0, 1.5, np.nan])


def test_region_that_is_never_dark_is_neither_open_nor_closed() -> None:
    openness = openness_of(np.zeros(3), np.zeros(3))
    np.testing.assert_array_equal(openness, [0.0, 0.0, 0.0])
    np.testing.assert_array_equal(closed_state(openness, np.zeros(3), 0.4), [0, 0, 0])


def test_missing_stays_missing() -> None:
    found = closed_state(np.array([0.2, np.nan, 0.4]), np.ones(3), 0.4)
    np.testing.assert_array_equal(found, [1, -1, 0])


def test_empty_trace_has_no_level() -> None:
    assert np.isnan(open_level(np.full(4, np.nan), np.arange(4.0), 5.0)).all()


def test_blink_lasts_from_the_first_closed_to_the_first_open_frame() -> None:
    found = events(lids(100, (40, 52)))
    np.testing.assert_allclose(found.start, [0.40])
    np.testing.assert_allclose(found.stop, [0.52])
    np.testing.assert_allclose(found.depth, [0.9])
    assert found.kind.tolist() == [0]
    assert found.cut.tolist() == [0]
    assert found.starts_seen == 1


def test_depth_comes_from_the_lowest_openness() -> None:
    openness = lids(50, (10, 20))
    openness[14] = 0.02
    np.testing.assert_allclose(events(openness).depth, [0.98])


def test_long_closing_is_a_closure_and_no_blink() -> None:
    found = events(lids(300, (50, 101), (200, 250)))
    assert found.kind.tolist() == [1, 0]
    assert found.starts_seen == 1


def test_short_closing_is_left_out() -> None:
    assert len(events(lids(100, (40, 42))).start) == 0
    assert len(events(lids(100, (40, 43))).start) == 1


def test_closing_beside_a_missing_frame_is_cut() -> None:
    openness = lids(100, (20, 30), (50, 60), (80, 90))
    openness[30] = openness[49] = np.nan
    assert events(openness).cut.tolist() == [1, 1, 0]


def test_stop_that_was_not_seen_is_the_end_of_the_last_closed_frame() -> None:
    openness = lids(100, (20, 30))
    openness[30:35] = np.nan
    np.testing.assert_allclose(events(openness).stop, [0.30])


def test_closing_at_either_end_of_the_recording_is_cut() -> None:
    found = events(lids(60, (0, 10), (50, 60)))
    assert found.cut.tolist() == [1, 1]
    np.testing.assert_allclose(found.stop, [0.10, 0.60])
    assert found.starts_seen == 1


def test_gap_in_time_cuts_a_closing_in_two() -> None:
    times = np.arange(100) / RATE
    times[25:] += 3.0
    found = events(lids(100, (20, 30)), times)
    assert found.cut.tolist() == [1, 1]
    np.testing.assert_allclose(found.start, [0.20, 3.25])
    np.testing.assert_allclose(found.stop, [0.25, 3.30])


def test_nothing_closed_gives_no_event() -> None:
    found = events(np.ones(20))
    assert len(found.start) == len(found.stop) == len(found.depth) == len(found.kind) == 0


def test_one_frame_and_no_frame_are_fine() -> None:
    assert len(events(np.array([0.1]), lowest=0.0).start) == 1
    assert len(events(np.empty(0)).start) == 0


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 10_000), n=st.integers(1, 150))
def test_events_cover_exactly_the_closed_frames(seed: int, n: int) -> None:
    generator = np.random.default_rng(seed)
    openness = np.repeat(generator.choice([0.1, 1.0, np.nan], n, p=[0.4, 0.5, 0.1]), 3)
    times = np.arange(3 * n) / RATE
    found = events(openness, times, lowest=0.0)
    covered = np.zeros(3 * n, bool)
    for start, stop in zip(found.start, found.stop, strict=True):
        inside = (times >= start - 1e-9) & (times < stop - 1e-9)
        assert not covered[inside].any()
        covered |= inside
    np.testing.assert_array_equal(covered, openness < 0.4)
