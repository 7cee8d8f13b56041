"""Tests of `mystax.io.video_times`: proven rates, gaps, joined files."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mystax.core.clock import Gap
from mystax.core.frames import adjacency
from mystax.io.video_times import Timing, around_gaps, join_timings, shown_stamps, time_frames

MS = Fraction(1, 1000)
NTSC = Fraction(30000, 1001)


def stamps_of(rate: Fraction, n: int, time_base: Fraction, first: int = 0) -> np.ndarray:
    return np.array([first + round(k / rate / time_base) for k in range(n)], np.int64)


def timed(
    stamps: np.ndarray, time_base: Fraction = MS, *stated: Fraction | None, container: str = "matroska,webm"
) -> Timing:
    return time_frames(stamps, time_base, stated, container)


@pytest.mark.parametrize("rate", [NTSC, Fraction(30), Fraction(25), Fraction(250), Fraction(60000, 1001)])
def test_rounding_to_milliseconds_is_removed_where_the_rate_is_proven(rate: Fraction) -> None:
    timing = timed(stamps_of(rate, 3000, MS), MS, rate)
    assert (timing.kind, timing.period) == ("constant", 1 / rate)
    clock = timing.clock()
    assert clock is not None
    assert all(Fraction(int(clock.ticks[k])) * clock.tick == k / rate for k in (0, 1, 1234, 2999))


def test_six_hours_of_ntsc_drift_by_no_tick() -> None:
    n = 6 * 3600 * 30
    timing = time_frames(np.arange(n, dtype=np.int64) * 1001, Fraction(1, 30000), [NTSC], "mp4")
    clock = timing.clock()
    assert clock is not None
    assert int(clock.ticks[-1]) * clock.tick == (n - 1) / NTSC


def test_common_rate_is_found_where_none_is_stated() -> None:
    assert timed(stamps_of(NTSC, 500, MS)).period == 1 / NTSC


def test_rate_of_thirty_three_thousand_microseconds_is_not_thirty() -> None:
    timing = timed(np.arange(2330, dtype=np.int64) * 33333, Fraction(1, 10**6), Fraction(30))
    assert timing.period == Fraction(33333, 10**6)


def test_wrong_stated_rate_is_not_believed() -> None:
    timing = timed(stamps_of(Fraction(25), 500, MS), MS, Fraction(30))
    assert timing.period == Fraction(1, 25)


def test_first_stamp_is_time_zero_and_is_kept_beside() -> None:
    timing = timed(stamps_of(Fraction(30), 50, MS, first=1400), MS, Fraction(30))
    clock = timing.clock()
    assert clock is not None
    assert clock.seconds[0] == 0.0
    assert timing.first == Fraction(7, 5)


@pytest.mark.parametrize("lost", [1, 2, 30, 300])
def test_hole_is_a_gap_with_its_number_of_frames(lost: int) -> None:
    stamps = np.delete(stamps_of(Fraction(30), 600, MS), range(100, 100 + lost))
    timing = timed(stamps, MS, Fraction(30))
    assert timing.kind == "constant_with_gaps"
    assert timing.period == Fraction(1, 30)
    assert [(gap.after, gap.missing) for gap in timing.gaps] == [(99, lost)]
    assert timing.gaps[0].seconds == pytest.approx((lost + 1) / 30, abs=2e-3)
    assert not timing.is_constant


def test_mean_rate_that_a_hole_distorts_is_not_taken_for_the_rate() -> None:
    stamps = np.delete(np.arange(200, dtype=np.int64) * 512, 100)
    distorted = Fraction(198 * 15360, 512 * 199)
    assert timed(stamps, Fraction(1, 15360), distorted).period == Fraction(1, 30)


def test_changing_intervals_are_a_variable_rate() -> None:
    rng = np.random.default_rng(0)
    stamps = np.cumsum(rng.integers(20, 60, 300)).astype(np.int64)
    timing = timed(stamps, MS, Fraction(25), Fraction(90000))
    assert (timing.kind, timing.period) == ("variable", None)
    clock = timing.clock()
    assert clock is not None
    assert clock.period is None
    assert clock.seconds[7] == pytest.approx((stamps[7] - stamps[0]) / 1000)


def test_container_that_holds_a_rate_says_so() -> None:
    assert (
        timed(np.arange(50, dtype=np.int64), Fraction(1, 30), Fraction(30), container="avi").kind
        == "container_rate"
    )


def test_dropped_slots_of_an_avi_are_gaps() -> None:
    stamps = np.delete(np.arange(50, dtype=np.int64), [20, 21])
    timing = timed(stamps, Fraction(1, 30), Fraction(30), container="avi")
    assert timing.kind == "container_rate"
    assert timing.gaps == (Gap(19, 2, 0.1),)


def test_file_without_stamps_has_no_clock() -> None:
    timing = time_frames(None, MS, [Fraction(25)], "h264")
    assert timing.kind == "none"
    assert timing.clock() is None


@pytest.mark.parametrize("n", [0, 1])
def test_fewer_than_two_frames_take_the_stated_rate(n: int) -> None:
    timing = timed(np.zeros(n, np.int64), MS, Fraction(30))
    assert timing.period == Fraction(1, 30)
    assert timing.clock() is not None


@settings(deadline=None, max_examples=40)
@given(
    rate=st.fractions(min_value=1, max_value=500, max_denominator=1001),
    n=st.integers(3, 400),
    first=st.integers(-(10**6), 10**6),
)
def test_any_rounded_constant_rate_is_proven_constant(rate: Fraction, n: int, first: int) -> None:
    time_base = Fraction(1, 90000)
    timing = timed(stamps_of(rate, n, time_base, first), time_base, rate)
    assert timing.is_constant
    clock = timing.clock()
    assert clock is not None
    exact = np.array([float(k / rate) for k in range(n)])
    assert np.abs(clock.seconds - exact).max() <= float(time_base) * 1.5


def test_equal_files_join_to_one_constant_clock() -> None:
    timing = timed(stamps_of(NTSC, 100, MS), MS, NTSC)
    clock, proven = join_timings([timing, timing], [100, 100])
    assert clock is not None
    assert (clock.n, clock.period, proven) == (200, 1 / NTSC, [False])
    assert clock.seconds[100] == pytest.approx(100 / float(NTSC))


def test_stamps_that_go_on_prove_that_files_are_contiguous() -> None:
    first = timed(stamps_of(Fraction(30), 90, MS), MS, Fraction(30))
    second = timed(stamps_of(Fraction(30), 90, MS, first=3000), MS, Fraction(30))
    assert join_timings([first, second], [90, 90])[1] == [True]


def test_files_of_different_time_bases_join_exactly() -> None:
    first = timed(np.array([0, 30, 90, 130], np.int64), MS)
    second = timed(np.array([0, 3000, 9000], np.int64), Fraction(1, 90000))
    clock, proven = join_timings([first, second], [4, 3])
    assert clock is not None
    start = Fraction(130, 1000) + first.interval
    expected = [0, 0.03, 0.09, 0.13, *(float(start + Fraction(k, 90000)) for k in (0, 3000, 9000))]
    np.testing.assert_allclose(clock.seconds, expected, rtol=0, atol=1e-12)
    assert proven == [False]


def test_one_file_without_times_leaves_all_without() -> None:
    timing = timed(stamps_of(Fraction(30), 10, MS), MS, Fraction(30))
    assert join_timings([timing, time_frames(None, MS, [], "h264")], [10, 10]) == (None, [False])


@pytest.mark.parametrize("rate", [Fraction(500), Fraction(400), Fraction(333), Fraction(450)])
@pytest.mark.parametrize("lost", [250, 500, 700])
@pytest.mark.parametrize("is_stated", [True, False])
def test_frame_lost_in_a_fast_film_of_coarse_stamps_is_a_gap(
    rate: Fraction, lost: int, is_stated: bool
) -> None:
    """With two ticks to a frame no stamp of such a film is farther than a tick off its mean rate."""
    stamps = np.delete(stamps_of(rate, 1000, MS), lost)
    timing = timed(stamps, MS, *([rate] if is_stated else []))
    assert [(gap.after, gap.missing) for gap in timing.gaps] == [(lost - 1, 1)]
    assert not timing.is_constant
    clock = timing.clock()
    assert clock is not None
    np.testing.assert_allclose(clock.seconds, stamps / 1000, atol=1e-3)
    assert np.flatnonzero(~adjacency(clock.seconds)).tolist() == [0, lost]


def test_many_files_of_odd_rates_join_without_overflow() -> None:
    """Each has a mean rate of its own; their common unit is too short for whole numbers of 64 bits."""
    counts = [7001, 7919, 6997, 8111, 7507, 6857, 8009, 7213]
    timings = [timed(stamps_of(Fraction(317, 10) + Fraction(k, 977), n, MS)) for k, n in enumerate(counts)]
    assert len({timing.period for timing in timings}) == len(counts)
    clock, _ = join_timings(timings, counts)
    assert clock is not None
    start, wanted = Fraction(0), []
    for timing, n in zip(timings, counts, strict=True):
        assert timing.ticks is not None
        wanted += [float(start + int(tick) * timing.tick) for tick in timing.ticks]
        start += int(timing.ticks[n - 1]) * timing.tick + timing.interval
    np.testing.assert_allclose(clock.seconds, wanted, rtol=0, atol=2e-9)


# ---------------------------------------------------------------------- pictures that are stored out of order


def decode_stamps(shown: np.ndarray, delay: int) -> np.ndarray:
    """Stamp packets as x264 does: the first ones early, then with the times of the pictures before them."""
    return np.sort(np.concatenate([shown[:delay] - shown[delay], shown[: len(shown) - delay]]))


@pytest.mark.parametrize("delay", [0, 1, 2, 4])
@pytest.mark.parametrize("hole", [1, 2, 30, 50])
def test_pictures_get_the_times_at_which_they_are_shown(hole: int, delay: int) -> None:
    shown = np.arange(60, dtype=np.int64) + np.where(np.arange(60) >= hole, 40, 0)
    found = shown_stamps(decode_stamps(shown, delay), delay)
    np.testing.assert_array_equal(found - found[0], shown - shown[0])


@pytest.mark.parametrize("delay", [1, 2, 4])
def test_rate_is_proven_from_decode_stamps_in_milliseconds_too(delay: int) -> None:
    shown = stamps_of(NTSC, 300, MS)
    assert timed(shown_stamps(decode_stamps(shown, delay), delay), MS, NTSC).kind == "constant"


@pytest.mark.parametrize("n", [0, 1, 2])
def test_few_stamps_stay_what_they_are(n: int) -> None:
    assert shown_stamps(np.arange(n, dtype=np.int64), 2).tolist() == list(range(n))
    assert around_gaps(np.arange(n, dtype=np.int64), 1, 1) == []


def test_frames_near_gaps_are_listed() -> None:
    stamps = np.array([0, 1, 2, 3, 9, 10, 11, 12, 13, 20], np.int64)
    assert around_gaps(stamps, 0, 0) == [4, 9]
    assert around_gaps(stamps, 2, 1) == [2, 3, 4, 5, 7, 8, 9]
    assert around_gaps(stamps[:4], 2, 1) == []
