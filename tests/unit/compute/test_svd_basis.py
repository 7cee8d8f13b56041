"""The random start, and orthonormal bases of good and bad columns."""

import numpy as np
import pytest

from mystax.compute.svd_basis import orthonormal, random_basis
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
