"""The random start, and orthonormal bases of good and bad columns."""

import numpy as np
import pytest

from mystax.compute.svd_basis import combined, new_directions, orthonormal, random_basis, remainder
from mystax.compute.tiles import TilePool

POOL = TilePool(1)


def test_the_start_is_normal_and_the_same_for_the_same_seed() -> None:
    basis = random_basis(2500, 40, 7)
    np.testing.assert_array_equal(basis, random_basis(2500, 40, 7))
    assert not np.array_equal(basis, random_basis(2500, 40, 8))
    assert basis.mean() == pytest.approx(0, abs=0.02)
    assert basis.std() == pytest.approx(1, abs=0.02)


def test_bins_have_numbers_of_their_own() -> None:
    basis = random_basis(3000, 10, 0)
    assert len(np.unique(basis[:, 0])) > 2990
    np.testing.assert_array_equal(random_basis(5000, 10, 0)[:2048], basis[:2048])


@pytest.mark.parametrize("spread", [0.0, 3.0, 5.5])
def test_a_basis_becomes_orthonormal_and_keeps_its_span(spread: float) -> None:
    generator = np.random.default_rng(1)
    vectors = np.linalg.qr(generator.normal(size=(2000, 12)))[0] * 10 ** -np.linspace(0, spread, 12)
    values = vectors @ generator.normal(size=(12, 12))
    basis = orthonormal(values.copy(), POOL)
    assert basis.shape == (2000, 12)
    assert np.abs(basis.T @ basis - np.eye(12)).max() < 1e-5
    lost = values - basis @ (basis.T @ values)
    assert np.abs(lost).max() < 1e-5 * np.abs(values).max()


def test_columns_of_very_different_length_are_no_dependence() -> None:
    values = np.random.default_rng(1).normal(size=(500, 6)) * 10.0 ** -np.arange(0, 18, 3)
    basis = orthonormal(values, POOL)
    assert basis.shape == (500, 6)
    assert np.abs(basis.T @ basis - np.eye(6)).max() < 1e-5


def test_dependent_columns_give_a_smaller_basis() -> None:
    generator = np.random.default_rng(2)
    values = generator.normal(size=(500, 3)) @ generator.normal(size=(3, 10))
    basis = orthonormal(values.copy(), POOL)
    assert basis.shape == (500, 3)
    assert np.abs(basis.T @ basis - np.eye(3)).max() < 1e-5


@pytest.mark.parametrize("n", [0, 4])
def test_columns_of_zeros_give_no_basis(n: int) -> None:
    assert orthonormal(np.zeros((50, n)), POOL).shape == (50, 0)


def test_bases_do_not_depend_on_threads() -> None:
    values = np.random.default_rng(3).normal(size=(6000, 20)) * 10.0 ** -np.linspace(0, 4, 20)
    with TilePool(3) as pool:
        np.testing.assert_array_equal(orthonormal(values.copy(), pool), orthonormal(values.copy(), POOL))


def blocks_of(n_bins: int, widths: list[int]) -> list[np.ndarray]:
    """Make orthonormal blocks that are orthonormal to each other."""
    vectors = np.linalg.qr(np.random.default_rng(5).normal(size=(n_bins, sum(widths))))[0].astype(np.float32)
    return [np.ascontiguousarray(part) for part in np.split(vectors, np.cumsum(widths)[:-1], axis=1)]


def test_blocks_are_turned_as_if_they_stood_side_by_side() -> None:
    blocks = blocks_of(3000, [5, 2, 9])
    turn = np.random.default_rng(0).normal(size=(16, 4)).astype(np.float32)
    np.testing.assert_allclose(combined(blocks, turn, POOL), np.hstack(blocks) @ turn, atol=1e-6)
    assert combined([], turn[:0], POOL).shape == (0, 4)


@pytest.mark.parametrize("is_known", [True, False])
def test_the_remainder_is_orthogonal_to_all_blocks(is_known: bool) -> None:
    blocks = blocks_of(3000, [5, 2, 9])
    whole = np.hstack(blocks).astype(np.float64)
    values = np.random.default_rng(1).normal(size=(3000, 6))
    left = values.copy()
    remainder(left, blocks, whole.T @ values if is_known else None, POOL)
    assert np.abs(whole.T @ left).max() < 1e-5
    np.testing.assert_allclose(left, values - whole @ (whole.T @ values), atol=1e-5)


def test_the_remainder_of_what_lies_in_the_blocks_is_rounding() -> None:
    blocks = blocks_of(500, [4, 4])
    values = np.hstack(blocks).astype(np.float64) @ np.random.default_rng(2).normal(size=(8, 3))
    remainder(values, blocks, None, POOL)
    assert np.abs(values).max() < 1e-6


def test_remainders_do_not_depend_on_threads() -> None:
    blocks = blocks_of(5000, [6, 3])
    values = np.random.default_rng(3).normal(size=(5000, 7))
    one, other = values.copy(), values.copy()
    remainder(one, blocks, None, POOL)
    with TilePool(3) as pool:
        remainder(other, blocks, None, pool)
        turn = np.random.default_rng(4).normal(size=(9, 4)).astype(np.float32)
        np.testing.assert_array_equal(combined(blocks, turn, pool), combined(blocks, turn, POOL))
    np.testing.assert_array_equal(one, other)


def test_columns_inside_a_span_add_no_direction_to_it() -> None:
    generator = np.random.default_rng(3)
    block, other = np.split(np.linalg.qr(generator.normal(size=(500, 12)))[0].astype(np.float32), [8], axis=1)
    inside = block @ generator.normal(size=(8, 5)).astype(np.float32)
    values = np.hstack([1e-8 * inside, other]).astype(np.float64)
    new = new_directions(values, [block], POOL)
    assert new.shape == (500, 4)
    np.testing.assert_allclose(block.T @ new, 0, atol=1e-6)
    np.testing.assert_allclose(new.T @ new, np.eye(4), atol=1e-6)
    np.testing.assert_allclose(new @ (new.T @ other), other, atol=1e-6)
