"""Log densities and moments as products, against SciPy and plain sums."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from mystax.compute.hmm_emissions import (
    density_weights,
    emission_update,
    floored,
    frame_moments,
    log_densities,
)
from mystax.compute.hmm_frames import make_frames
from tests.fixtures.hmm_worlds import random_model


@pytest.mark.parametrize("covariance", ["full", "diagonal"])
@pytest.mark.parametrize("d", [1, 2, 5])
def test_log_density_equals_scipy(d: int, covariance: str) -> None:
    model = random_model(d, 3, d, covariance)
    values = np.random.default_rng(d).normal(size=(20, d))
    frames = make_frames(values)
    weights = density_weights(model.means, model.covariances, frames.patterns, covariance == "diagonal")
    found = log_densities(frames, 0, np.arange(20), weights[0])
    for k in range(3):
        want = multivariate_normal.logpdf(values, model.means[k], model.covariances[k])
        np.testing.assert_allclose(found[:, k], want, rtol=1e-10, atol=1e-10)


def test_moments_equal_plain_sums() -> None:
    generator = np.random.default_rng(0)
    values, model = generator.normal(size=(50, 3)), random_model(1, 2, 3)
    posterior = generator.dirichlet([1, 1], 50)
    found = frame_moments(make_frames(values), posterior, model.means, model.covariances, False)
    np.testing.assert_allclose(found.weight, posterior.sum(0))
    np.testing.assert_allclose(found.first, posterior.T @ values)
    np.testing.assert_allclose(found.second, np.einsum("tk,ti,tj->kij", posterior, values, values))


def test_moments_of_hidden_columns_are_conditional_expectations() -> None:
    generator = np.random.default_rng(1)
    values, model = generator.normal(size=(8, 3)), random_model(2, 2, 3)
    values[:, 1] = np.nan
    posterior = generator.dirichlet([1, 1], 8)
    found = frame_moments(make_frames(values), posterior, model.means, model.covariances, False)
    seen = [0, 2]
    for k in range(2):
        cov, mean = model.covariances[k], model.means[k]
        gain = cov[1, seen] @ np.linalg.inv(cov[np.ix_(seen, seen)])
        filled = values.copy()
        filled[:, 1] = mean[1] + (values[:, seen] - mean[seen]) @ gain
        rest = cov[1, 1] - gain @ cov[seen, 1]
        want = np.einsum("t,ti,tj->ij", posterior[:, k], filled, filled)
        want[1, 1] += posterior[:, k].sum() * rest
        np.testing.assert_allclose(found.second[k], want, rtol=1e-10)
        np.testing.assert_allclose(found.first[k], posterior[:, k] @ filled, rtol=1e-10)


def test_floor_raises_small_eigenvalues_only() -> None:
    vectors = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
    found = floored(((vectors * [4.0, 1.0, 1e-6]) @ vectors.T)[None], 0.1)[0]
    np.testing.assert_allclose(np.sort(np.linalg.eigvalsh(found)), [0.1, 1.0, 4.0], rtol=1e-9)
    np.testing.assert_allclose(found, (vectors * [4.0, 1.0, 0.1]) @ vectors.T, atol=1e-12)


def test_update_gives_weighted_mean_and_covariance() -> None:
    generator = np.random.default_rng(3)
    values, model = generator.normal(size=(60, 2)), random_model(3, 2, 2)
    posterior = generator.dirichlet([1, 1], 60)
    moments = frame_moments(make_frames(values), posterior, model.means, model.covariances, False)
    means, covariances = emission_update(moments, model.means, model.covariances, "full", 0.0)
    for k in range(2):
        np.testing.assert_allclose(means[k], np.average(values, axis=0, weights=posterior[:, k]))
        want = np.cov(values.T, aweights=posterior[:, k], bias=True)
        np.testing.assert_allclose(covariances[k], want, rtol=1e-9)
    _, tied = emission_update(moments, model.means, model.covariances, "tied", 0.0)
    pooled = sum(posterior[:, k].sum() * covariances[k] for k in range(2)) / 60
    np.testing.assert_allclose(tied[1], pooled, rtol=1e-9)
