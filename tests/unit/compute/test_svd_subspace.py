"""The random start, and orthonormal bases of good and bad columns."""

import numpy as np
import pytest

from mystax.compute.svd_rows import Matrix, Moments
from mystax.compute.svd_subspace import Subspace, orthonormal, random_basis
from mystax.compute.tiles import TilePool
from mystax.engine.passes import MemorySpool

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


def subspace(n_bins: int, n_frames: int, *, streamed: bool = False, n_components: int = 500) -> Subspace:
    matrix = Matrix("m", True, None, n_bins)
    return Subspace(
        matrix,
        Moments(matrix),
        n_components=n_components,
        n_frames=n_frames,
        compat=False,
        tiles=POOL,
        open_spool=lambda _, width, dtype: MemorySpool(width, dtype),
        streamed=streamed,
        tolerance=0.02,
        seed=0,
    )


@pytest.mark.parametrize(("streamed", "n_readings"), [(False, 3), (True, 2)])
def test_spooled_bins_are_read_three_times_and_streamed_ones_twice(streamed: bool, n_readings: int) -> None:
    assert subspace(6000, 5000, streamed=streamed).n_readings_at_least == n_readings


def test_all_blocks_make_the_basis_up_to_65536_rows() -> None:
    made = subspace(100, 65_536)
    made.n_readings = 1
    assert all(made.wants(block) for block in range(256))


def test_beyond_65536_rows_evenly_spaced_blocks_make_the_basis() -> None:
    made = subspace(100, 500_000)
    assert made.wants(3)
    made.n_readings = 1
    chosen = [block for block in range(-(-500_000 // 256)) if made.wants(block)]
    assert len(chosen) == 256
    assert chosen[0] == 0
    assert set(np.diff(chosen)) <= {7, 8}


def test_the_last_reading_takes_every_row() -> None:
    made = subspace(100, 500_000)
    made.n_readings = 2
    assert all(made.wants(block) for block in range(0, 1954, 100))
