"""Tests of `mystax.compute.kernels.trajectory`: banded equations against dense algebra."""

import numpy as np
import pytest

from mystax.compute.kernels.trajectory import factor_band, inverse_blocks, solve_band


def test_banded_factor_solves_and_inverts_like_dense_algebra() -> None:
    rng = np.random.default_rng(0)
    n, width = 12, 7
    lower = np.tril(np.triu(rng.normal(size=(n, n)), -(width - 1)))
    dense = lower @ lower.T + 3 * np.eye(n)
    dense = np.where(np.abs(np.subtract.outer(np.arange(n), np.arange(n))) < width, dense, 0)
    band = np.zeros((n, width))
    for j in range(n):
        band[j, : min(width, n - j)] = dense[j : j + width, j]
    right = rng.normal(size=n)
    expected = np.linalg.solve(dense, right)
    assert factor_band(band) == pytest.approx(np.linalg.slogdet(dense)[1])
    solve_band(band, right)
    np.testing.assert_allclose(right, expected)
    blocks = np.empty((n // 3, 6))
    inverse_blocks(band, blocks)
    inverse = np.linalg.inv(dense)
    for i in range(n // 3):
        block = inverse[3 * i : 3 * i + 3, 3 * i : 3 * i + 3]
        np.testing.assert_allclose(blocks[i], block[np.triu_indices(3)])
