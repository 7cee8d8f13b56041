"""Averages of filtered samples inside bins, against NumPy."""

import numpy as np
import pytest

from mystax.compute.kernels.windows import window_means


@pytest.mark.parametrize("lag", [-6, 0, 9])
@pytest.mark.parametrize("share", [0.0, 0.05, 0.5])
def test_means_equal_numpy_around_holes_and_ends(lag: int, share: float) -> None:
    rng = np.random.default_rng(lag + 7)
    n, window = 120, rng.random(11)
    window /= window.sum()
    valid = rng.random(n) >= share
    valid[60:90] &= share == 0.0  # in one case a hole longer than the window
    values = np.where(valid, rng.normal(size=(3, n)), 0.0)
    first = np.arange(0, n - 4, 3)
    stop = first + rng.integers(1, 5, len(first))
    sizes, kinds = np.unique(stop - first, return_inverse=True)
    templates = np.zeros((len(sizes), len(window) + sizes.max() - 1))
    for row, size in zip(templates, sizes, strict=True):
        row[: len(window) + size - 1] = np.convolve(window[::-1], np.ones(size)) / size
    out = np.full((3, len(first)), np.nan)
    before = np.concatenate([[0], np.cumsum(valid)])
    window_means(values, valid, before, window, lag, first, stop, kinds, templates, out)
    lags = np.subtract.outer(np.arange(n), np.arange(n)) - lag
    weights = np.where((lags >= 0) & (lags < 11), window[np.clip(lags, 0, 10)], 0.0) * valid
    mass = weights.sum(1, keepdims=True)
    every = np.where(mass > 1e-6, weights @ values.T / np.where(mass > 1e-6, mass, 1), 0.0)
    wanted = [every[a:b].mean(0) for a, b in zip(first, stop, strict=True)]
    np.testing.assert_allclose(out.T, wanted, atol=1e-12)
