"""Frames, chunks and array sources."""

from fractions import Fraction

import numpy as np
import pytest

from mystax.core.geometry import Box
from mystax.core.recording import (
    ArraySource,
    Camera,
    FrameSource,
    GreyMap,
    Recording,
    adjacency,
    chunk_length,
)
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


def test_adjacency_ends_at_one_and_a_half_intervals() -> None:
    times = np.array([0.0, 1.0, 2.0, 3.0, 4.5, 6.1])
    assert adjacency(times).tolist() == [False, True, True, True, True, False]
    assert adjacency(np.array([0.0, 1.0, np.nan, 3.0])).tolist() == [False, True, False, False]


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


def test_limited_range_maps_black_and_white_exactly() -> None:
    table = GreyMap.limited(8).table()
    assert (table[16], table[235], table[0], table[255]) == (0, 255, 0, 255)
    assert len(np.unique(table[16:236])) == 220


def test_limited_range_of_ten_bits_keeps_877_levels() -> None:
    table = GreyMap.limited(10).table()
    assert (table[64], table[940]) == (0, 1023)
    assert len(np.unique(table[64:941])) == 877


def test_grey_of_full_range_is_the_code_itself() -> None:
    (chunk,) = ArraySource(frames(dtype=np.uint16), bits=10).chunks()
    assert chunk.data is chunk.codes
    assert chunk.grey_map.gain == 0.25


def test_chunk_length_is_8_mib_within_16_to_512() -> None:
    assert chunk_length((480, 640), 1) == 27
    assert chunk_length((480, 640), 2) == 16
    assert chunk_length((4, 4), 1) == 512
    assert chunk_length((4000, 4000), 2) == 16


def test_recording_finds_its_cameras_and_names_the_nearest() -> None:
    source = ArraySource(frames())
    recording = Recording("day1", {"left": Camera("left", source), "right": Camera("right", source)})
    assert recording.reference == "left"
    assert recording.video() is source
    with pytest.raises(RecipeError, match="did you mean 'left'"):
        recording.video("lefft")


def test_recording_without_camera_is_refused() -> None:
    with pytest.raises(RecipeError, match="at least one camera"):
        Recording("empty", {})
