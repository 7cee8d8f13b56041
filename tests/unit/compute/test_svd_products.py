"""Rows of a matrix, their products with a basis, and the sums over a reading."""

import numpy as np
import pytest

from mystax.compute.svd_products import GROUP, PART_BYTES, Products
from mystax.compute.svd_rows import Matrix
from mystax.compute.tiles import TilePool

POOL = TilePool(1)
N, P, WIDTH = 70, 2500, 6
BINS = np.random.default_rng(0).integers(0, 4080, (N + 1, P)).astype(np.uint16)
BASIS = np.random.default_rng(1).normal(size=(P, WIDTH)).astype(np.float32)
SHIFT = np.random.default_rng(2).uniform(0, 900, P)
USED = np.arange(N) % 9 != 4


def truth(*, centred: bool = False) -> np.ndarray:
    """Return the rows of differences in float64."""
    rows = np.abs(np.diff(BINS.astype(np.float64), axis=0)) - SHIFT
    if centred:
        rows -= rows.mean(1, keepdims=True)
    return np.asarray(rows * USED[:, None])


@pytest.mark.parametrize("centred", [False, True])
def test_rows_are_differences_minus_the_shift_and_zero_where_unused(centred: bool) -> None:
    made = Products(Matrix("m", True, None, P), POOL, centred=centred)
    rows = made.rows(BINS, USED, SHIFT)
    np.testing.assert_allclose(rows, truth(centred=centred), atol=1e-3)
    assert made.power(rows) == pytest.approx((truth(centred=centred) ** 2).sum(), rel=1e-6)


def test_the_shift_is_not_rounded_before_it_is_taken_off() -> None:
    shift = np.full(P, 1000 + 1e-5)
    made = Products(Matrix("m", False, None, P), POOL, centred=False)
    rows = made.rows(np.full((3, P), 1000, np.uint16), np.ones(2, bool), shift)
    np.testing.assert_allclose(rows, -1e-5, rtol=1e-3)


def test_products_and_their_sums_equal_the_plain_ones() -> None:
    made = Products(Matrix("m", True, None, P), POOL, centred=False)
    made.begin(WIDTH)
    for block in (0, 1, GROUP, 3 * GROUP):
        made.enter(block)
        rows = made.rows(BINS, USED, SHIFT)
        scores = made.project(rows, BASIS)
        made.collect(rows, scores)
    expected = truth() @ BASIS
    np.testing.assert_allclose(scores, expected, rtol=1e-3, atol=1e-5 * np.abs(expected).max())
    total = 4 * truth().T @ expected
    np.testing.assert_allclose(made.take(), total, atol=1e-5 * np.abs(total).max())


def test_a_reading_begins_with_sums_of_zero() -> None:
    made = Products(Matrix("m", True, None, P), POOL, centred=False)
    made.begin(WIDTH)
    rows = made.rows(BINS, USED, SHIFT)
    made.collect(rows, made.project(rows, BASIS))
    made.begin(WIDTH)
    assert not made.take().any()


def test_no_bit_depends_on_threads_or_on_a_stop_between_blocks() -> None:
    def run(pool: TilePool, stop: int | None) -> np.ndarray:
        made = Products(Matrix("m", True, None, P), pool, centred=False)
        made.begin(WIDTH)
        for block in range(3):
            made.enter(block * GROUP // 2)
            rows = made.rows(BINS, USED, SHIFT + block)
            made.collect(rows, made.project(rows, BASIS))
            if block == stop:
                state = made.state()
                made = Products(Matrix("m", True, None, P), pool, centred=False)
                made.restore(state)
        return made.take()

    whole = run(POOL, None)
    with TilePool(3) as pool:
        np.testing.assert_array_equal(run(pool, None), whole)
        np.testing.assert_array_equal(run(pool, 1), whole)


def test_a_state_is_not_changed_by_later_rows() -> None:
    made = Products(Matrix("m", True, None, P), POOL, centred=False)
    made.begin(WIDTH)
    rows = made.rows(BINS, USED, SHIFT)
    made.collect(rows, made.project(rows, BASIS))
    state = made.state()
    before = {name: array.copy() for name, array in state.items()}
    made.collect(rows, made.project(rows, BASIS))
    made.enter(GROUP)
    for name, array in before.items():
        np.testing.assert_array_equal(state[name], array)


@pytest.mark.parametrize(("n_bins", "part"), [(100, 256), (19_200, 256), (76_800, 128), (307_200, 32)])
def test_a_part_of_a_block_is_small_and_a_power_of_two(n_bins: int, part: int) -> None:
    assert Products(Matrix("m", True, None, n_bins), POOL, centred=False).part == part
    assert part * n_bins * 4 <= PART_BYTES
