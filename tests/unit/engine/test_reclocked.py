"""Frames with other times."""

from fractions import Fraction

import numpy as np
import pytest

from mystax.core.clock import Clock
from mystax.core.recording import ArraySource, FrameSource, Reason
from mystax.engine.reclocked import Reclocked, with_times

FRAMES = np.random.default_rng(0).integers(1, 255, (20, 6, 8), dtype=np.uint8)


def _lost(*frames: int) -> np.ndarray:
    lost = np.zeros(20, bool)
    lost[list(frames)] = True
    return lost


def test_other_times_and_the_same_pictures() -> None:
    source = Reclocked(ArraySource(FRAMES), Clock.from_rate(Fraction(10), 20, Fraction(5)), _lost())
    assert isinstance(source, FrameSource)
    (chunk,) = source.chunks()
    assert np.array_equal(chunk.data, FRAMES)
    assert chunk.time[0] == 5.0
    assert source.shape == (6, 8)
    assert source.bits == 8
    assert source.identity == ArraySource(FRAMES).identity


def test_frame_without_time_is_missing() -> None:
    source = Reclocked(ArraySource(FRAMES), Clock.from_rate(Fraction(10), 20), _lost(7))
    for size in (3, 20):
        chunks = list(source.chunks(size=size))
        reason = np.concatenate([chunk.reason for chunk in chunks])
        valid = np.concatenate([chunk.valid for chunk in chunks])
        times = np.concatenate([chunk.time for chunk in chunks])
        adjacent = np.concatenate([chunk.adjacent for chunk in chunks])
        assert np.flatnonzero(reason == Reason.NO_TIME).tolist() == [7]
        assert np.flatnonzero(~valid).tolist() == [7]
        assert np.flatnonzero(np.isnan(times)).tolist() == [7]
        assert np.flatnonzero(~adjacent).tolist() == [0, 7, 8]
    assert not source.frame_at(7).valid[0]
    assert 7 not in source.sample(20).index


def test_pixels_of_a_frame_without_time_are_not_given() -> None:
    source = Reclocked(ArraySource(FRAMES), Clock.from_rate(Fraction(10), 20), _lost(7))
    assert not source.frame_at(7).codes.any()
    assert not source.frame_at(7).codes.flags.writeable


def test_reason_of_a_damaged_frame_is_kept() -> None:
    reason = np.zeros(20, np.uint8)
    reason[7] = Reason.CORRUPT
    source = Reclocked(ArraySource(FRAMES, reason=reason), Clock.from_rate(Fraction(10), 20), _lost(7))
    assert source.frame_at(7).reason[0] == Reason.CORRUPT


def test_shift_keeps_which_frames_follow_each_other() -> None:
    times = np.arange(20) / 30
    times[10:] += 1.0
    inner = ArraySource(FRAMES, times=times)
    moved = with_times(inner, inner.clock.shifted(-0.35))
    (before,), (after,) = inner.chunks(), moved.chunks()
    assert np.array_equal(before.adjacent, after.adjacent)
    assert np.allclose(after.time, before.time - 0.35)
    assert np.allclose(moved.times, times - 0.35)


def test_other_reader_has_the_same_times() -> None:
    source = Reclocked(ArraySource(FRAMES), Clock.from_rate(Fraction(10), 20, Fraction(5)), _lost(3))
    other = source.copy()
    assert np.array_equal(other.times, source.times, equal_nan=True)
    other.close()


def test_what_says_the_old_times_is_not_passed_on() -> None:
    class _Told(ArraySource):
        def spec(self) -> dict[str, str]:
            return {"clock": "old"}

        n_claimed = 25

    source = Reclocked(_Told(FRAMES), Clock.from_rate(Fraction(10), 20), _lost())
    assert source.n_claimed == 25
    with pytest.raises(AttributeError):
        source.spec  # noqa: B018 - the access itself is the test


def test_source_with_a_way_of_its_own_is_asked() -> None:
    class _Own(ArraySource):
        def with_clock(self, clock: Clock, no_time: np.ndarray) -> ArraySource:
            return ArraySource(FRAMES, times=clock.seconds, reason=5 * no_time)

    made = with_times(_Own(FRAMES), Clock.from_rate(Fraction(10), 20, Fraction(5)), _lost())
    assert type(made) is ArraySource
    assert made.times[0] == 5.0
