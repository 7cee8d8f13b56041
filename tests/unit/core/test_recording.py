"""Frames, chunks and array sources."""

from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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


# what does not fit together -----------------------------------------------------------------------------


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


# parts of chunks ----------------------------------------------------------------------------------------


@settings(deadline=None)
@given(
    n=st.integers(1, 40),
    size=st.integers(1, 50),
    lost=st.sets(st.integers(0, 39)),
    cuts=st.lists(st.integers(0, 40), max_size=3).map(sorted),
)
def test_pairs_are_the_same_however_frames_are_cut(
    n: int, size: int, lost: set[int], cuts: list[int]
) -> None:
    """The rule itself: both frames good, and one interval apart."""
    reason = np.array([2 if k in lost else 0 for k in range(n)], np.uint8)
    source = ArraySource(frames(n, (2, 2)), reason=reason)
    wanted = [k > 0 and not reason[k] and not reason[k - 1] for k in range(n)]
    found: list[bool] = []
    before_is_good = False
    for chunk in source.chunks(size=size):
        edges = [0, *(cut for cut in cuts if cut < len(chunk)), len(chunk)]
        for start, stop in pairwise(edges):
            part = chunk.part(start, stop)
            if not len(part):
                continue
            pairs = part.pairs()
            pairs[0] &= before_is_good
            before_is_good = bool(part.valid[-1])
            found += pairs.tolist()
    assert found == wanted


@given(st.integers(9, 16), st.booleans())
def test_grey_of_any_depth_is_the_grey_of_8_bits_times_its_scale(bits: int, limited: bool) -> None:
    made = GreyMap.limited(bits) if limited else GreyMap.full(bits)
    table = made.table().astype(np.float64)
    codes = np.arange(2**bits)
    grey = np.clip((codes - made.offset) * made.gain, 0, (2**bits - 1) / 2 ** (bits - 8))
    np.testing.assert_allclose(table / 2 ** (bits - 8), grey, atol=0.5 / 2 ** (bits - 8) + 1e-9)
    assert (np.diff(table) >= 0).all()


@given(st.lists(st.one_of(st.floats(0, 100), st.just(float("nan"))), max_size=30))
def test_adjacency_is_the_rule_of_one_and_a_half_medians(values: list[float]) -> None:
    times = np.array(values)
    steps = [after - before for before, after in pairwise(values)]
    known = sorted(step for step in steps if np.isfinite(step))
    wanted = [False] * min(1, len(values))
    wanted += [bool(known) and step <= 1.5 * float(np.median(known)) for step in steps]
    assert adjacency(times).tolist() == wanted


@given(st.tuples(st.integers(1, 5000), st.integers(1, 5000)), st.sampled_from([1, 2]))
def test_chunks_have_16_to_512_frames_and_larger_pictures_fewer(
    shape: tuple[int, int], itemsize: int
) -> None:
    n = chunk_length(shape, itemsize)
    assert 16 <= n <= 512
    assert chunk_length((2 * shape[0], shape[1]), itemsize) <= n


def test_a_recording_lets_go_of_all_its_cameras() -> None:
    closed: list[str] = []

    class Closing(ArraySource):
        def close(self) -> None:
            closed.append("closed")

    recording = Recording("day1", {name: Camera(name, Closing(frames())) for name in ("left", "right")})
    recording.close()
    assert closed == ["closed", "closed"]
    assert recording.renamed("day2").cameras is recording.cameras
