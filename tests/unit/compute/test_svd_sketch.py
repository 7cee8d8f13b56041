"""Tests of `mystax.compute.svd_sketch`: sums of rows with random signs."""

import numpy as np
import pytest

from mystax.compute.svd_rows import Matrix
from mystax.compute.svd_sketch import RowSketch
from mystax.compute.tiles import TilePool
from tests.fixtures.measure import random_movie

BINS = random_movie(301, (40, 60), 5).reshape(301, 2400).astype(np.uint16) * 16
USED = np.random.default_rng(3).random(300) > 0.1
POOL = TilePool(1)


def matrix(*, is_motion: bool = False, weights: np.ndarray | None = None) -> Matrix:
    return Matrix("m", is_motion, None, 2400, weights)


def made(whole: Matrix, width: int = 20, *, cuts: tuple[int, ...] = (), threads: int = 1) -> RowSketch:
    sketch = RowSketch(whole, width, 7)
    with TilePool(threads) as tiles:
        for first, last in zip((0, *cuts), (*cuts, 300), strict=True):
            sketch.add(BINS[first : last + 1], USED[first:last], tiles)
    return sketch


def rows_of(whole: Matrix) -> np.ndarray:
    values = BINS.astype(np.float64)
    rows = np.abs(np.diff(values, axis=0)) if whole.is_motion else values[1:]
    return np.asarray(rows[USED])


@pytest.mark.parametrize("is_motion", [True, False])
def test_every_used_row_is_in_one_sum_with_one_sign(is_motion: bool) -> None:
    whole = matrix(is_motion=is_motion)
    rows = rows_of(whole)
    sums = made(whole).take(np.zeros(2400), centred=False)
    signs = np.rint(np.linalg.lstsq(rows.T, sums, rcond=None)[0])
    np.testing.assert_array_equal(np.abs(signs).sum(1), np.ones(len(rows)))
    np.testing.assert_allclose(rows.T @ signs, sums, rtol=1e-6)
    assert set(np.abs(signs).sum(0)) <= {len(rows) // 20, len(rows) // 20 + 1}


def test_signs_of_both_kinds_come_about_equally_often() -> None:
    whole = matrix()
    signs = np.linalg.lstsq(rows_of(whole).T, made(whole).take(np.zeros(2400), centred=False), rcond=None)[0]
    assert 0.35 < (np.rint(signs).sum(1) > 0).mean() < 0.65


def test_a_centre_and_the_mean_over_bins_are_taken_off_every_row() -> None:
    whole = matrix(weights=np.linspace(0.5, 2.0, 2400))
    rows = rows_of(whole)
    centre = rows.mean(0)
    signs = np.rint(
        np.linalg.lstsq(rows.T, made(matrix()).take(np.zeros(2400), centred=False), rcond=None)[0]
    )
    lessened = (rows - centre) * whole.scale
    lessened -= lessened.mean(1, keepdims=True)
    sums = made(whole).take(centre, centred=True)
    np.testing.assert_allclose(sums, lessened.T @ signs, atol=1e-3 * np.abs(sums).max())


@pytest.mark.parametrize("cuts", [(7, 64), (150,), (1, 2, 3, 299)])
def test_cuts_and_threads_change_no_bit(cuts: tuple[int, ...]) -> None:
    whole = matrix(is_motion=True)
    once = made(whole).take(np.zeros(2400), centred=False)
    pieces = made(whole, cuts=cuts, threads=2).take(np.zeros(2400), centred=False)
    np.testing.assert_array_equal(once, pieces)


def test_a_sketch_goes_on_from_its_state() -> None:
    whole = matrix()
    first = RowSketch(whole, 20, 7)
    first.add(BINS[:131], USED[:130], POOL)
    second = RowSketch(whole, 20, 7)
    second.restore(first.state())
    second.add(BINS[130:], USED[130:], POOL)
    np.testing.assert_array_equal(
        second.take(np.zeros(2400), centred=False), made(whole).take(np.zeros(2400), centred=False)
    )


def test_no_sum_is_empty_where_there_are_rows_enough() -> None:
    n = int(USED.sum())
    sums = made(matrix(), width=n).take(np.zeros(2400), centred=False)
    assert np.linalg.matrix_rank(sums) == np.linalg.matrix_rank(rows_of(matrix()))


def test_rows_that_are_not_used_leave_no_trace() -> None:
    sketch = RowSketch(matrix(), 20, 7)
    sketch.add(BINS, np.zeros(300, bool), POOL)
    assert not sketch.take(np.zeros(2400), centred=False).any()
