"""Blocks, exact moments, and small helpers of the decompositions."""

import numpy as np
import pytest

from mystax.compute.svd_rows import (
    BLOCK,
    ArrayScores,
    Block,
    BlockScores,
    Matrix,
    Moments,
    bin_tiles,
    fill,
    fix_signs,
    gram_of,
    orthogonality,
    row_tiles,
)
from mystax.compute.tiles import TilePool
from mystax.engine.passes import MemorySpool

POOL = TilePool(1)


def block_of(rows: np.ndarray, number: int = 0, *, valid: np.ndarray | None = None) -> Block:
    """Make a block of bins whose row before is zero."""
    bins = np.concatenate([np.zeros((1, rows.shape[1]), rows.dtype), rows])
    good = np.ones(len(rows), bool) if valid is None else valid
    pairs = good.copy()
    pairs[1:] &= good[:-1]
    pairs[0] &= number > 0
    return Block(number, bins, good, pairs)


def some_rows(n: int, n_bins: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 4080, (n, n_bins)).astype(np.uint16)


def test_moments_are_exact() -> None:
    rows = some_rows(40, 9)
    moments = Moments(Matrix("m", False, None, 9))
    moments.add(block_of(rows), block_of(rows).bins)
    centred = rows - rows.mean(0)
    assert moments.n_rows == 40
    np.testing.assert_allclose(moments.mean, rows.mean(0), rtol=1e-15)
    assert moments.variance == pytest.approx((centred**2).sum(), rel=1e-13)


def test_variance_keeps_its_digits_on_a_bright_and_still_picture() -> None:
    rows = np.full((1000, 5), 65_000, np.uint16)
    rows[0, 0] += 1
    moments = Moments(Matrix("m", False, None, 5))
    for number in range(4):
        block = block_of(rows[250 * number : 250 * number + 250], number)
        moments.add(block, block.bins)
    assert moments.variance == pytest.approx(1 - 1 / 1000, rel=1e-12)


def test_the_shift_is_a_whole_number_from_the_first_block_with_a_row() -> None:
    matrix = Matrix("m", False, None, 4)
    moments = Moments(matrix)
    empty = block_of(some_rows(8, 4), valid=np.zeros(8, bool))
    moments.add(empty, empty.bins)
    assert (moments.shift == 0).all()
    first, second = block_of(some_rows(8, 4, 1), 1), block_of(some_rows(8, 4, 2), 2)
    moments.add(first, first.bins)
    shift = moments.shift.copy()
    moments.add(second, second.bins)
    np.testing.assert_array_equal(shift, np.rint(first.bins[1:].mean(0)))
    np.testing.assert_array_equal(moments.shift, shift)


def test_the_sampled_mean_takes_differences_inside_the_segments_only() -> None:
    rows = some_rows(20, 3)
    moments = Moments(Matrix("m", True, None, 3), [(2, 6), (10, 13)])
    moments.add(block_of(rows), block_of(rows).bins)
    change = np.abs(np.diff(rows.astype(int), axis=0))
    wanted = (change[2:5].mean(0) + change[10:12].mean(0)) / 2
    np.testing.assert_allclose(moments.sampled_mean, wanted)


def test_moments_come_back_from_their_state() -> None:
    rows = some_rows(30, 6)
    whole, first = (Moments(Matrix("m", True, None, 6), [(0, 20)]) for _ in range(2))
    blocks = [block_of(rows[:15]), block_of(rows[15:], 1)]
    for block in blocks:
        whole.add(block, block.bins)
    first.add(blocks[0], blocks[0].bins)
    again = Moments(Matrix("m", True, None, 6), [(0, 20)])
    again.restore(first.state())
    again.add(blocks[1], blocks[1].bins)
    for name, value in whole.state().items():
        np.testing.assert_array_equal(again.state()[name], value)


def test_rows_of_a_region_are_minus_the_shift_and_weighted() -> None:
    rows = some_rows(12, 8)
    matrix = Matrix("m", False, np.array([1, 4, 6]), 3, np.array([1.0, 0.5, 2.0]))
    block = block_of(rows, valid=np.arange(12) != 5)
    out = np.empty((12, 3))
    fill(matrix, block.of(matrix), block.used(matrix), np.array([10.0, 20.0, 30.0]), out)
    wanted = (rows[:, [1, 4, 6]] - np.array([10.0, 20, 30])) * [1, 0.5, 2]
    wanted[5] = 0
    np.testing.assert_array_equal(out, wanted)


def test_a_component_points_where_its_sum_is_positive() -> None:
    mask = np.array([[-0.6, 0.6, 0.5], [-0.8, 0.8, -0.5], [0.0, 0.0, 0.0]])
    np.testing.assert_array_equal(fix_signs(mask), [-1, 1, 1])


def test_a_component_without_a_sum_points_where_its_largest_entry_is_positive() -> None:
    mask = np.array([[0.5, -0.5], [-1.0, 1.0], [0.5, -0.5]])
    np.testing.assert_array_equal(fix_signs(mask), [-1, 1])


def test_orthogonality_is_the_largest_error_of_the_products() -> None:
    mask = np.linalg.qr(np.random.default_rng(0).normal(size=(300, 5)))[0]
    assert orthogonality(mask, POOL) < 1e-14
    mask[:, 1] = mask[:, 0]
    assert orthogonality(mask, POOL) == pytest.approx(1)
    assert orthogonality(mask[:, :0], POOL) == 0


def test_products_of_columns_do_not_depend_on_threads() -> None:
    values = np.random.default_rng(0).normal(size=(5000, 7)).astype(np.float32)
    total = gram_of(values, POOL)
    np.testing.assert_allclose(total, values.astype(np.float64).T @ values.astype(np.float64), rtol=1e-12)
    with TilePool(3) as pool:
        np.testing.assert_array_equal(gram_of(values, pool), total)


@pytest.mark.parametrize("n", [0, 1, 1024, 1025, 4000])
def test_tiles_cover_everything_once(n: int) -> None:
    for cuts in (bin_tiles(n), row_tiles(n)):
        places = [place for cut in cuts for place in range(n)[cut]]
        assert places == list(range(n))


def test_turned_rows_are_the_same_for_every_way_of_asking() -> None:
    generator = np.random.default_rng(0)
    n = 3 * BLOCK + 17
    spool = MemorySpool(40, "float32")
    spool.append(generator.normal(size=(n, 40)).astype(np.float32))
    scores = BlockScores([spool], n, generator.normal(size=(40, 12)).astype(np.float32))
    whole = scores.read(0, n)
    for start, stop in ((0, 1), (5, 300), (BLOCK, 2 * BLOCK), (700, n), (n - 1, n)):
        np.testing.assert_array_equal(scores.read(start, stop), whole[start:stop])


def test_rows_of_several_readings_stand_side_by_side() -> None:
    generator = np.random.default_rng(1)
    n = BLOCK + 30
    parts = [generator.normal(size=(n, width)).astype(np.float32) for width in (7, 3, 5)]
    spools = [MemorySpool(part.shape[1], "float32") for part in parts]
    for spool, part in zip(spools, parts, strict=True):
        spool.append(part)
    turn = generator.normal(size=(15, 4)).astype(np.float32)
    scores = BlockScores(spools, n, turn)
    np.testing.assert_allclose(scores.read(200, n), np.hstack(parts)[200:] @ turn, atol=1e-5)


def test_rows_in_memory_are_float32() -> None:
    scores = ArrayScores(np.arange(12.0).reshape(4, 3))
    assert scores.read(1, 3).dtype == np.float32
    np.testing.assert_array_equal(scores.read(1, 3), [[3, 4, 5], [6, 7, 8]])
