"""Frames: grey maps, neighbours, pairs, lengths of chunks."""

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from mystax.core.array_source import ArraySource
from mystax.core.frames import GreyMap, adjacency, chunk_length


def frames(n: int = 10, shape: tuple[int, int] = (6, 8), dtype: type = np.uint8) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 255, (n, *shape)).astype(dtype)


def test_adjacency_ends_at_one_and_a_half_intervals() -> None:
    times = np.array([0.0, 1.0, 2.0, 3.0, 4.5, 6.1])
    assert adjacency(times).tolist() == [False, True, True, True, True, False]
    assert adjacency(np.array([0.0, 1.0, np.nan, 3.0])).tolist() == [False, True, False, False]


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
