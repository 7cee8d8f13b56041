"""Ranges that are left out: missing rows, no pair across them, remarks."""

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mystax.core.geometry import Box
from mystax.core.recording import ArraySource, FrameChunk
from mystax.engine.skipping import SkippingSource, merge_ranges
from mystax.errors import NumbersError
from tests.fixtures.engine_toys import frames_of

FRAMES = frames_of(1, 40, (6, 8))


def _source(*ranges: tuple[int, int]) -> SkippingSource:
    return SkippingSource(ArraySource(FRAMES, Fraction(10)), ranges)


def _rows(source: SkippingSource, **request: Any) -> dict[str, np.ndarray]:
    chunks = list(source.chunks(**request))
    names = ("index", "time", "valid", "reason", "adjacent", "codes")
    return {name: np.concatenate([getattr(chunk, name) for chunk in chunks]) for name in names}


@settings(max_examples=40)
@given(
    ranges=st.lists(st.tuples(st.integers(-3, 45), st.integers(-3, 45)), max_size=4),
    size=st.integers(1, 50),
    start=st.integers(0, 39),
)
def test_rows_outside_are_unchanged_and_rows_inside_are_missing(
    ranges: list[tuple[int, int]], size: int, start: int
) -> None:
    source = _source(*ranges)
    out = np.zeros(40, bool)
    for first, stop in ranges:
        out[max(0, first) : max(0, stop)] = True
    if out.all():
        return
    rows = _rows(source, start=start, size=size)
    out = out[start:]
    np.testing.assert_array_equal(rows["index"], np.arange(start, 40))
    np.testing.assert_array_equal(rows["valid"], ~out)
    np.testing.assert_array_equal(rows["reason"], out.astype(np.uint8))
    np.testing.assert_array_equal(rows["time"], np.arange(start, 40) / 10)
    np.testing.assert_array_equal(rows["codes"][~out], FRAMES[start:][~out])


def test_no_pair_reaches_across_a_range() -> None:
    chunk = next(iter(_source((10, 20)).chunks(size=40)))
    rows = _rows(_source((10, 20)), size=7)
    usable = rows["valid"] & rows["adjacent"]
    usable[1:] &= rows["valid"][:-1]
    assert not usable[10:21].any()
    assert usable[21:].all()
    assert len(chunk) == 10


def test_steps_are_kept_across_a_range() -> None:
    assert _rows(_source((10, 21)), step=3)["index"].tolist() == list(range(0, 40, 3))


def test_a_box_is_cut_from_missing_frames_too() -> None:
    chunks = list(_source((0, 5)).chunks(box=Box(2, 1, 5, 4), size=10))
    assert {chunk.codes.shape[1:] for chunk in chunks} == {(3, 3)}
    assert {chunk.origin for chunk in chunks} == {(2, 1)}


def test_single_frames_inside_are_missing() -> None:
    source = _source((10, 20))
    assert not source.frame_at(10).valid[0]
    assert source.frame_at(9).valid[0]
    np.testing.assert_array_equal(source.frame_at(20).codes[0], FRAMES[20])


def test_samples_come_from_outside() -> None:
    chunk: FrameChunk = _source((0, 30)).sample(8)
    assert chunk.index.tolist() == sorted(set(chunk.index.tolist()))
    assert chunk.index.min() >= 30
    assert chunk.valid.all()


def test_ranges_are_told_with_their_code() -> None:
    flags = _source((10, 20), (15, 22)).flags
    assert [(flag.code, flag.n_frames) for flag in flags] == [("V107", 12)]


def test_nothing_left_is_refused() -> None:
    with pytest.raises(NumbersError, match="N303"):
        next(iter(_source((0, 40)).chunks()))


def test_everything_else_is_that_of_the_source() -> None:
    source, plain = _source((1, 2)), ArraySource(FRAMES, Fraction(10))
    assert (source.shape, source.bits, source.n_frames) == (plain.shape, plain.bits, plain.n_frames)
    assert source.identity == plain.identity
    np.testing.assert_array_equal(source.times, plain.times)
    assert source.copy().flags == source.flags


def test_ranges_are_sorted_joined_and_cut() -> None:
    assert merge_ranges([(8, 9), (-2, 3), (3, 5), (20, 99), (7, 7)], 30) == ((0, 5), (8, 9), (20, 30))
