"""Stamps and frames that differ in count."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from mystax.core.clock import Clock
from mystax.core.clock_pairing import _spread, check_policy, pair_stamps, unwrap_counter
from mystax.errors import ClockError, ParameterError
from tests.fixtures.refusals import attempt

RATE = Fraction(30)


def _stamps(slots: np.ndarray, shift: float = 50.0) -> Clock:
    return Clock.from_seconds(shift + slots / 30, "pulses.csv")


def test_equal_counts_are_paired_one_to_one() -> None:
    paired = pair_stamps(_stamps(np.arange(100)), 100, Clock.from_rate(RATE, 100))
    assert not paired.no_time.any()
    assert paired.flags == ()
    assert paired.clock.seconds[10] == pytest.approx(50 + 10 / 30, abs=1e-9)
    assert paired.report["residual_max"] == pytest.approx(0, abs=1e-8)


def test_different_counts_are_refused_with_both_numbers_and_residuals() -> None:
    with pytest.raises(ClockError, match="C202") as caught:
        pair_stamps(_stamps(np.arange(103)), 100, Clock.from_rate(RATE, 100))
    text = str(caught.value)
    for part in ("100 stamps", "got 103", "drop_tail would leave", "drop_head would leave"):
        assert part in text
    assert "do not tell the ends apart" in text


def test_refusal_suggests_the_policy_that_fits() -> None:
    rng = np.random.default_rng(1)
    times = np.cumsum(rng.uniform(0.02, 0.05, 103))
    video = Clock.from_seconds(times[3:] - times[3])
    with pytest.raises(ClockError) as caught:
        pair_stamps(Clock.from_seconds(times, "pulses.csv"), 100, video)
    assert caught.value.hint.startswith("drop_head fits better")


def test_different_counts_are_refused_also_without_stamps_of_the_video() -> None:
    with pytest.raises(ClockError, match="C202"):
        pair_stamps(_stamps(np.arange(3)), 2)


def test_drop_tail_leaves_surplus_stamps_unused() -> None:
    paired = pair_stamps(_stamps(np.arange(103)), 100, None, "drop_tail")
    assert paired.clock.seconds[0] == pytest.approx(50.0, abs=1e-9)
    assert paired.report["unused_stamps"] == {"head": 0, "inside": 0, "tail": 3}
    assert [flag.code for flag in paired.flags] == ["C202"]


def test_drop_head_takes_the_last_stamps() -> None:
    paired = pair_stamps(_stamps(np.arange(103)), 100, None, "drop_head")
    assert paired.clock.seconds[0] == pytest.approx(50.1, abs=1e-9)
    assert paired.report["unused_stamps"] == {"head": 3, "inside": 0, "tail": 0}


def test_surplus_frames_have_no_time_but_a_rising_filler() -> None:
    paired = pair_stamps(_stamps(np.arange(97)), 100, None, "drop_tail")
    assert paired.no_time.tolist() == [False] * 97 + [True] * 3
    assert np.all(np.diff(paired.clock.seconds) > 0)
    assert paired.report["frames_without_time"] == 3
    assert paired.flags[0].frames == (97, 98, 99)


def test_surplus_frames_at_the_head_have_no_time() -> None:
    paired = pair_stamps(_stamps(np.arange(97)), 100, None, "drop_head")
    assert np.flatnonzero(paired.no_time).tolist() == [0, 1, 2]
    assert paired.clock.seconds[3] == pytest.approx(50.0, abs=1e-9)
    assert np.all(np.diff(paired.clock.seconds) > 0)


def test_fillers_rise_also_where_ticks_are_coarse() -> None:
    stamps = Clock(np.arange(4), Fraction(1), Fraction(10))
    paired = pair_stamps(stamps, 4, None, "counter:n", np.array([0, 1, 2, 3]))
    assert paired.clock is stamps
    lost = pair_stamps(Clock(np.array([0, 1, 2, 3, 4, 5]), Fraction(1)), 8, None, "drop_tail")
    assert np.all(np.diff(lost.clock.ticks) > 0)


def test_match_finds_pulses_lost_inside() -> None:
    slots = np.delete(np.arange(300), [100, 200])
    paired = pair_stamps(_stamps(slots), 300, Clock.from_rate(RATE, 300), "match")
    assert np.flatnonzero(paired.no_time).tolist() == [100, 200]
    assert np.allclose(paired.clock.seconds, 50 + np.arange(300) / 30, atol=1e-6)
    assert paired.report["unused_stamps"] == {"head": 0, "inside": 0, "tail": 0}


def test_match_without_stamps_of_the_video_is_refused() -> None:
    with pytest.raises(ClockError, match="C202"):
        pair_stamps(_stamps(np.arange(99)), 100, None, "match")


def test_counter_says_which_pulses_gave_no_frame() -> None:
    kept = np.delete(np.arange(100), [40, 41, 70])
    paired = pair_stamps(_stamps(np.arange(100)), 97, None, "counter:frame_id", kept + 1000)
    assert np.allclose(paired.clock.seconds, 50 + kept / 30, atol=1e-8)
    assert paired.report["unused_stamps"] == {"head": 0, "inside": 3, "tail": 0}
    assert not paired.no_time.any()


def test_counter_beyond_the_pulses_leaves_frames_without_time() -> None:
    paired = pair_stamps(_stamps(np.arange(9)), 10, None, "counter:frame_id", np.arange(10))
    assert np.flatnonzero(paired.no_time).tolist() == [9]


def test_counter_needs_one_row_per_frame() -> None:
    with pytest.raises(ClockError, match=r"C202.*10 rows"):
        pair_stamps(_stamps(np.arange(9)), 10, None, "counter:frame_id", np.arange(9))
    with pytest.raises(ClockError, match="no counter"):
        pair_stamps(_stamps(np.arange(9)), 10, None, "counter:frame_id")


def test_video_without_frames_has_no_times_to_give() -> None:
    with pytest.raises(ClockError, match="no frame gets a time"):
        pair_stamps(_stamps(np.arange(9)), 0, None, "drop_tail")


@given(
    st.lists(st.integers(1, 100), min_size=1, max_size=40),
    st.integers(0, 255),
    st.sampled_from([8, 16, 32]),
)
def test_counters_are_unwrapped(steps: list[int], start: int, bits: int) -> None:
    true = start + np.concatenate([[0], np.cumsum(steps)])
    assert np.array_equal(unwrap_counter((true % 2**bits).astype(np.int64)), true)


def test_counter_that_stands_still_or_falls_is_refused_with_its_row() -> None:
    with pytest.raises(ClockError, match=r"C206.*row 2"):
        unwrap_counter(np.array([5, 6, 6, 7]))
    with pytest.raises(ClockError, match="C206"):
        unwrap_counter(np.array([10**10, 5]))


def test_drift_is_told_in_ppm_and_per_hour() -> None:
    stamps = Clock.from_seconds(np.arange(1000) / 30 * 1.0001)
    report = pair_stamps(stamps, 1000, Clock.from_rate(RATE, 1000)).report
    assert report["drift_ppm"] == pytest.approx(100, abs=0.01)
    assert report["drift_per_hour"] == pytest.approx(0.36, abs=1e-4)


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        ("drop", "no such policy.*drop_tail"),
        ("counter", "column is missing"),
        ("counter:", "column is missing"),
        ("match:3", "nothing can follow match"),
        ("drop_tail:x", "nothing can follow drop_tail"),
    ],
)
def test_policy_that_cannot_be_used_is_refused(policy: str, said: str) -> None:
    with pytest.raises(ParameterError, match=f"P401.*{said}"):
        check_policy(policy)


def test_policy_is_split_from_its_column() -> None:
    assert check_policy("counter:frame_id") == ("counter", "frame_id")
    assert check_policy(None) == ("", "")


@given(st.integers(1, 60), st.integers(1, 60), st.sampled_from(["drop_tail", "drop_head"]))
def test_cutting_pairs_one_end_and_loses_the_surplus_of_the_other(
    n_stamps: int, n_frames: int, policy: str
) -> None:
    stamps = _stamps(np.arange(n_stamps))
    paired = pair_stamps(stamps, n_frames, None, policy)
    common, known = min(n_stamps, n_frames), np.flatnonzero(~paired.no_time)
    ends = slice(None, common) if policy == "drop_tail" else slice(-common, None)
    np.testing.assert_array_equal(known, np.arange(n_frames)[ends])
    np.testing.assert_allclose(paired.clock.seconds[known], stamps.seconds[ends], atol=1e-9)
    assert paired.clock.n == n_frames
    assert (np.diff(paired.clock.ticks) > 0).all()
    assert (paired.flags == ()) == (n_stamps == n_frames)


@given(
    st.sets(st.integers(0, 120), min_size=1, max_size=80).map(sorted),
    st.integers(1, 130),
    st.integers(0, 2**16 - 200),
)
def test_counted_frames_get_the_stamp_of_their_count(kept: list[int], n_stamps: int, first: int) -> None:
    stamps = _stamps(np.arange(n_stamps))
    counts = np.array(kept) - kept[0]
    assume(len(kept) != n_stamps or counts[-1] < n_stamps)  # else stamps of frames, which are refused
    paired = pair_stamps(stamps, len(kept), None, "counter:n", counts + first)
    has_time = counts < n_stamps
    np.testing.assert_array_equal(~paired.no_time, has_time)
    np.testing.assert_allclose(paired.clock.seconds[has_time], stamps.seconds[counts[has_time]], atol=1e-9)
    assert (np.diff(paired.clock.ticks) > 0).all()
    unused = paired.report["unused_stamps"]
    assert isinstance(unused, dict)
    assert sum(unused.values()) == n_stamps - has_time.sum()


@example([1, -(2**63)])
@given(st.lists(st.integers(-(2**63), 2**63 - 1), max_size=6))
@example([1, -(2**63)])
@example([-(2**63), 2**63 - 1])
def test_any_counter_rises_or_is_refused(counts: list[int]) -> None:
    counter = np.array(counts, np.int64)
    found, refusal = attempt(lambda: unwrap_counter(counter))
    if refusal is not None:
        assert refusal.code == "C206"
        is_falling = any(after <= before for before, after in pairwise(counts))
        assert is_falling or counts[-1] - counts[0] >= 2**62
    else:
        assert found is not None
        assert all(after > before for before, after in pairwise(found.tolist()))


def test_fillers_of_coarse_ticks_lie_between_their_neighbours() -> None:
    """Stamps of whole seconds, frames every third of one: fillers need a finer tick."""
    stamps = Clock(np.array([0, 1, 2, 3]), Fraction(1), Fraction(5))
    frames, used = np.array([0, 3, 6, 9]), np.arange(4)
    clock = _spread(stamps, frames, used, 10)
    np.testing.assert_allclose(clock.seconds, 5 + np.arange(10) / 3, atol=1e-3)
    np.testing.assert_array_equal(clock.seconds[frames], stamps.seconds)


@pytest.mark.parametrize("policy", [None, "drop_tail", "drop_head", "match"])
def test_policies_change_nothing_where_counts_agree(policy: str | None) -> None:
    stamps = _stamps(np.arange(50))
    paired = pair_stamps(stamps, 50, Clock.from_rate(RATE, 50), policy)
    assert paired.clock is stamps
    assert paired.report["frames_without_time"] == 0


def test_stamps_of_frames_are_not_taken_for_triggers() -> None:
    """A table of one row per frame, with the stamp and the counter of each: a lost trigger has no row."""
    counter = np.delete(np.arange(101), 40)
    with pytest.raises(ClockError, match="C202") as caught:
        pair_stamps(_stamps(counter), 100, None, "counter:n", counter)
    assert "no policy" in caught.value.hint


def test_stamp_that_repeats_the_one_before_shifts_no_other() -> None:
    slots = np.arange(200)
    kept = np.ones(200, bool)
    kept[[70, 199]] = False
    paired = pair_stamps(_stamps(slots[kept]), 200, kept=kept)
    np.testing.assert_array_equal(np.flatnonzero(paired.no_time), [70, 199])
    np.testing.assert_allclose(paired.clock.seconds[kept], 50 + slots[kept] / 30)
    assert [flag.code for flag in paired.flags] == ["C202"]


def test_trigger_that_repeats_the_one_before_keeps_its_place() -> None:
    slots, counter = np.arange(100), np.delete(np.arange(100), [10, 90])
    kept = np.ones(100, bool)
    kept[50] = False
    paired = pair_stamps(_stamps(slots[kept]), 98, None, "counter:n", counter, kept)
    np.testing.assert_array_equal(np.flatnonzero(paired.no_time), [49])
    known = ~paired.no_time
    np.testing.assert_allclose(paired.clock.seconds[known], 50 + counter[known] / 30)
