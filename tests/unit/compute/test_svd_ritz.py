"""Tests of `mystax.compute.svd_ritz`: Ritz pairs and sums about the mean against dense algebra."""

import numpy as np
import pytest

from mystax.compute.svd_ritz import centre_sums, missing_share, ritz_pairs
from mystax.compute.tiles import TilePool

POOL = TilePool(1)


def test_ritz_pairs_are_the_leading_eigenvectors() -> None:
    rng = np.random.default_rng(0)
    turn = np.linalg.qr(rng.normal(size=(30, 30)))[0]
    known = 2.0 ** -np.arange(30)
    values, vectors = ritz_pairs((turn * known) @ turn.T, 5)
    np.testing.assert_allclose(values, known[:5], rtol=1e-9)
    np.testing.assert_allclose(np.abs(np.einsum("ij,ij->j", vectors, turn[:, :5])), 1, atol=1e-9)
    assert vectors.flags.c_contiguous


def test_directions_that_rounding_made_are_left_out() -> None:
    rows = np.random.default_rng(1).normal(size=(3, 20)).astype(np.float32).astype(np.float64)
    values, vectors = ritz_pairs(rows.T @ rows, 10)
    assert (len(values), vectors.shape) == (3, (20, 3))


def test_nothing_is_missing_where_all_lies_among_the_columns() -> None:
    assert missing_share(np.zeros((50, 4)), np.eye(4), np.array([4.0, 3, 2, 1]), POOL) == 0
    assert missing_share(np.ones((50, 4)), np.zeros((4, 0)), np.zeros(0), POOL) == 0


@pytest.mark.parametrize("n_products", [1, 2])
def test_missing_share_bounds_what_a_basis_lacks(n_products: int) -> None:
    """A basis of a few products with A'A, and the variance of the true leading components."""
    rng = np.random.default_rng(2)
    rows = rng.normal(size=(300, 200)) @ np.diag(0.97 ** np.arange(200))
    gram, k = rows.T @ rows, 10
    basis = np.linalg.qr(rng.normal(size=(200, 40)))[0]
    for _ in range(n_products):
        basis = np.linalg.qr(gram @ basis)[0]
    product = gram @ basis
    inner = basis.T @ product
    values, turn = ritz_pairs(inner, k)
    beyond = product - basis @ inner
    best = np.linalg.eigvalsh(gram)[::-1][:k].sum()
    lacking = 1 - values.sum() / best
    said = missing_share(beyond, turn, values, POOL)
    assert lacking > 0
    assert lacking <= said <= 100 * lacking


def test_sums_about_a_shift_become_those_about_the_centre() -> None:
    rng = np.random.default_rng(3)
    rows, shift, centre = rng.normal(5, 1, (40, 700)), rng.normal(5, 0.1, 700), rng.normal(5, 0.2, 700)
    drawn = rng.normal(size=(700, 6)).astype(np.float32)
    sums = (rows - shift).T @ ((rows - shift) @ drawn)
    centre_sums(sums, drawn, centre - shift, rows.mean(0) - shift, len(rows), POOL)
    np.testing.assert_allclose(sums, (rows - centre).T @ ((rows - centre) @ drawn), rtol=1e-9, atol=1e-9)
