"""Frames from arrays: parts, steps, boxes, missing frames, and what does not fit together."""

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from mystax.core.array_source import ArraySource
from mystax.core.frames import FrameSource
from mystax.core.geometry import Box
from mystax.errors import RecipeError


def frames(n: int = 10, shape: tuple[int, int] = (6, 8), dtype: type = np.uint8) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 255, (n, *shape)).astype(dtype)


def test_array_source_is_a_frame_source() -> None:
    assert isinstance(ArraySource(frames()), FrameSource)


@pytest.mark.parametrize("size", [1, 3, 64])
def test_chunks_of_any_size_give_the_same_frames(size: int) -> None:
    source = ArraySource(frames())
    chunks = list(source.chunks(size=size))
    assert np.array_equal(np.concatenate([chunk.data for chunk in chunks]), frames())
    assert np.concatenate([chunk.index for chunk in chunks]).tolist() == list(range(10))


def test_part_and_step_and_box_are_read() -> None:
    (chunk,) = ArraySource(frames()).chunks(1, 9, 3, box=Box(2, 1, 7, 5))
    assert chunk.index.tolist() == [1, 4, 7]
    assert chunk.origin == (2, 1)
    assert np.array_equal(chunk.codes, frames()[[1, 4, 7], 1:5, 2:7])
    assert not chunk.adjacent.any()


def test_frame_at_equals_the_sequential_frame() -> None:
    source = ArraySource(frames())
    assert np.array_equal(source.frame_at(7).data[0], frames()[7])


@pytest.mark.parametrize("index", [-1, 10])
def test_frame_outside_is_an_index_error_with_the_range(index: int) -> None:
    with pytest.raises(IndexError, match=r"0\.\.9"):
        ArraySource(frames()).frame_at(index)


def test_missing_frames_hold_the_poison_and_break_pairs() -> None:
    reason = np.zeros(10, np.uint8)
    reason[4] = 2
    (chunk,) = ArraySource(frames(), reason=reason, poison=77).chunks()
    assert (chunk.codes[4] == 77).all()
    assert chunk.valid.tolist() == [True] * 4 + [False] + [True] * 5
    assert chunk.pairs().tolist() == [False, True, True, True, False, False, True, True, True, True]


def test_frames_are_read_only() -> None:
    (chunk,) = ArraySource(frames()).chunks()
    with pytest.raises(ValueError, match="read-only"):
        chunk.codes[0, 0, 0] = 1


def test_sample_gives_the_same_valid_frames_to_everybody() -> None:
    reason = np.zeros(10, np.uint8)
    reason[::2] = 1
    source = ArraySource(frames(), reason=reason)
    assert source.sample(3).index.tolist() == [1, 5, 9]
    assert source.sample(3).index.tolist() == source.copy().sample(3).index.tolist()
    assert source.sample(64).valid.all()


def test_sample_of_nothing_valid_is_empty() -> None:
    assert len(ArraySource(frames(), reason=np.ones(10, np.uint8)).sample(4)) == 0


def test_rate_is_kept_exactly() -> None:
    source = ArraySource(frames(), Fraction(30000, 1001))
    assert source.times[9] == float(Fraction(9 * 1001, 30000))


def test_given_times_make_gaps() -> None:
    times = np.arange(10) / 30
    times[5:] += 1.0
    source = ArraySource(frames(), times=times)
    (chunk,) = source.chunks()
    assert np.flatnonzero(~chunk.adjacent).tolist() == [0, 5]


@pytest.mark.parametrize("wrong", [np.zeros((4, 4), np.uint8), np.zeros((2, 4, 4), np.float32)])
def test_other_arrays_are_refused(wrong: np.ndarray) -> None:
    with pytest.raises(RecipeError, match=r"expected dimensions|Expected dimensions"):
        ArraySource(wrong)


def test_identity_depends_on_every_pixel_and_time() -> None:
    changed = frames()
    changed[3, 2, 1] ^= 1
    source = ArraySource(frames())
    assert source.identity == ArraySource(frames()).identity
    assert source.identity != ArraySource(changed).identity
    assert source.identity != ArraySource(frames(), 25).identity


@pytest.mark.parametrize(
    ("more", "where"),
    [
        ({"rate": 0}, "rate of frames"),
        ({"rate": -30.0}, "rate of frames"),
        ({"rate": float("nan")}, "rate of frames"),
        ({"rate": float("inf")}, "rate of frames"),
        ({"times": np.arange(9.0)}, "times of frames"),
        ({"times": np.zeros((10, 1))}, "times of frames"),
        ({"times": np.zeros(10)}, "times of frames"),
        ({"times": np.arange(10.0)[::-1]}, "times of frames"),
        ({"times": np.array([*range(9), np.nan])}, "times of frames"),
        ({"bits": 9}, "array of frames"),
        ({"bits": -1}, "array of frames"),
        ({"reason": np.zeros(9, np.uint8)}, "reason of frames"),
    ],
    ids=str,
)
def test_what_does_not_fit_the_frames_is_refused(more: dict[str, Any], where: str) -> None:
    with pytest.raises(RecipeError) as caught:
        ArraySource(frames(), **more)
    assert (caught.value.code, caught.value.where) == ("P403", where)
    assert caught.value.expected


def test_the_first_time_that_does_not_rise_is_named() -> None:
    times = np.arange(10.0)
    times[6] = 4.5
    with pytest.raises(RecipeError, match=r"4\.5 at row 6"):
        ArraySource(frames(), times=times)


@pytest.mark.parametrize("rate", [1e-9, 29.97, 1e6, Fraction(30000, 1001)])
def test_any_rate_above_zero_gives_its_interval(rate: float) -> None:
    source = ArraySource(frames(3), rate)
    np.testing.assert_allclose(np.diff(source.times), 1 / float(rate), rtol=1e-6)


@pytest.mark.parametrize("n", [0, 1])
def test_no_frames_and_one_frame_are_sources_too(n: int) -> None:
    for source in (ArraySource(frames(n)), ArraySource(frames(n), times=np.arange(n, dtype=float))):
        assert source.n_frames == n
        assert sum(len(chunk) for chunk in source.chunks()) == n
        assert len(source.sample(5)) == n
