"""Loops of the hidden Markov model: against plain NumPy, where numbers are small too."""

import numpy as np
import pytest

from mystax.compute.kernels.hmm import fill_products, forward_backward, take_peaks


@pytest.mark.parametrize("is_full", [True, False])
@pytest.mark.parametrize("n_features", [1, 2, 5])
def test_products_are_those_of_numpy(n_features: int, is_full: bool) -> None:
    generator = np.random.default_rng(n_features)
    values, rows = generator.normal(size=(20, n_features)), generator.permutation(20)[:11]
    i, j = np.triu_indices(n_features) if is_full else (np.arange(n_features),) * 2
    x = values[rows]
    found = np.empty((1 + n_features + len(i), len(rows)))
    fill_products(values, rows, is_full, found)
    np.testing.assert_array_equal(found, np.hstack([np.ones((11, 1)), x, x[:, i] * x[:, j]]).T)


def test_peaks_are_taken_and_what_is_far_below_counts_as_impossible() -> None:
    density = np.array([[-3.0, 2.0, -4.5], [-5.0, -1e4, -660.0], [np.nan, 1.0, 2.0]])
    peak = np.zeros(6)
    take_peaks(density, np.array([5, 0, 2]), peak)
    np.testing.assert_array_equal(density[:2], [[-5.0, 0.0, -6.5], [0.0, -np.inf, -655.0]])
    np.testing.assert_array_equal(peak[[5, 0]], [2.0, -5.0])
    assert np.isnan(density[2]).any()  # no number is made of what is none


def in_logarithms(log_density: np.ndarray, start: np.ndarray, moves: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the log of the posterior and the log-likelihood, by sums of logarithms alone."""
    n = len(log_density)
    before, after = np.zeros_like(log_density), np.zeros_like(log_density)
    before[0] = np.log(start) + log_density[0]
    for t in range(1, n):
        before[t] = np.logaddexp.reduce(before[t - 1][:, None] + np.log(moves), axis=0) + log_density[t]
    for t in range(n - 2, -1, -1):
        after[t] = np.logaddexp.reduce(np.log(moves) + log_density[t + 1] + after[t + 1], axis=1)
    total = np.logaddexp.reduce(before[-1])
    return before + after - total, float(total)


@pytest.mark.parametrize("distance", [1.0, 30.0, 250.0, 640.0, 3000.0])
def test_passes_equal_those_in_logarithms_however_far_states_are_apart(distance: float) -> None:
    generator = np.random.default_rng(3)
    n, k = 300, 4
    start, moves = np.full(k, 1 / k), 0.01 / k + 0.99 * np.eye(k)
    log_density = -distance * generator.random((n, k))
    log_density[np.arange(n), np.repeat(np.arange(n // 10) % k, 10)] = 0.0
    expected, total = in_logarithms(log_density, start, moves)

    shifted, peak = log_density.copy(), np.zeros(n)
    take_peaks(shifted, np.arange(n), peak)
    posterior, scale, pairs, starts = np.empty((n, k)), np.empty(n), np.empty((k, k)), np.empty(k)
    is_start = np.arange(n) == 0
    forward_backward(np.exp(shifted), is_start, start, moves, posterior, scale, pairs, starts)

    assert float((np.log(scale) + peak).sum()) == pytest.approx(total, rel=1e-12)
    np.testing.assert_allclose(posterior, np.exp(expected), rtol=1e-9, atol=1e-200)
    assert (pairs * moves).sum() == pytest.approx(n - 1, rel=1e-12)
    is_slow = (posterior > 0) & (posterior < np.finfo(float).tiny)  # numbers that processors do by hand
    assert not is_slow.any()
