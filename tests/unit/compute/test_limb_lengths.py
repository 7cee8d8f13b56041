"""Tests of `mystax.compute.limb_lengths`: lengths and stiffness from places, and lengths as unknowns."""

import numpy as np
import pytest

from mystax.compute.kernels.trajectory import factor_band
from mystax.compute.limb_lengths import Limb, limb_terms, solve_with_lengths

N, LENGTH = 4000, 8.0


def rod(spread: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Two points a rod apart that turns freely and whose length varies: places (time, 2, 3) and lengths."""
    rng = np.random.default_rng(seed)
    way = rng.normal(size=(N, 3))
    way /= np.linalg.norm(way, axis=1)[:, None]
    length = LENGTH * (1 + spread * rng.normal(size=N))
    first = rng.uniform(-20, 20, (N, 3))
    return np.stack([first, first + length[:, None] * way], axis=1), length


def test_rigid_rod_has_its_length_and_the_least_spread() -> None:
    places, _ = rod(0.0)
    (limb,) = limb_terms([(1, 0)], places, np.zeros((N, 2, 6)))
    assert (limb.a, limb.b) == (0, 1)
    assert limb.length == pytest.approx(LENGTH)
    assert limb.sd == 0.005


def test_spread_that_covariances_do_not_explain_is_that_of_the_limb() -> None:
    places, length = rod(0.05)
    (limb,) = limb_terms([(0, 1)], places, np.zeros((N, 2, 6)))
    assert limb.length == pytest.approx(np.median(length), rel=1e-6)
    assert limb.sd == pytest.approx(0.05, rel=0.1)


def test_spread_that_covariances_explain_is_none_of_the_limb() -> None:
    """Noise of equal size in all directions moves the length by what both ends have along the rod."""
    places, _ = rod(0.0)
    sd = 0.1
    noisy = places + np.random.default_rng(1).normal(0, sd, places.shape)
    (limb,) = limb_terms([(0, 1)], noisy, np.tile([sd**2, 0, 0, sd**2, 0, sd**2], (N, 2, 1)))
    assert limb.sd < 0.007
    (blind,) = limb_terms([(0, 1)], noisy, np.zeros((N, 2, 6)))
    assert blind.sd == pytest.approx(np.sqrt(2) * sd / LENGTH, rel=0.1)


def test_only_good_frames_tell_the_length() -> None:
    places, _ = rod(0.0)
    covariance = np.zeros((N, 2, 6))
    places[: N // 2, 1] += 30.0
    covariance[: N // 2, 1] = [25, 0, 0, 25, 0, 25]
    (limb,) = limb_terms([(0, 1)], places, covariance)
    # Half of the places are wrong, and known to be uncertain.
    assert limb.length == pytest.approx(LENGTH)


def test_limb_of_a_point_that_is_never_found_is_left_out() -> None:
    places, _ = rod(0.0)
    places[:, 1] = np.nan
    assert limb_terms([(0, 1)], places, np.zeros((N, 2, 6))) == []


@pytest.mark.parametrize(("step", "length"), [(1.0, 9.0), (-1.0, 7.0), (-100.0, 4.0), (100.0, 16.0)])
def test_one_step_neither_removes_nor_more_than_doubles_a_limb(step: float, length: float) -> None:
    assert Limb(0, 1, LENGTH, 0.01).longer(step).length == length


def test_places_and_lengths_are_solved_like_one_dense_system() -> None:
    rng = np.random.default_rng(2)
    n_time, n_points = 4, 3
    x = rng.uniform(-5, 5, (n_time, n_points, 3))
    limbs = [Limb(0, 1, 6.0, 0.02), Limb(1, 2, 3.0, 0.05)]
    residual, by_place, by_length = [], [], []
    for t in range(n_time):
        for k, limb in enumerate(limbs):
            d = x[t, limb.a] - x[t, limb.b]
            norm = float(np.linalg.norm(d))
            row = np.zeros(x.shape)
            row[t, limb.a] = d / norm / (limb.sd * limb.length)
            row[t, limb.b] = -row[t, limb.a]
            column = np.zeros(len(limbs))
            column[k] = -norm / (limb.sd * limb.length**2)
            residual.append((norm / limb.length - 1) / limb.sd)
            by_place.append(row.ravel())
            by_length.append(column)
    own = np.diag(rng.uniform(1, 3, x.size))  # what pixels and smoothness say of the places
    pull = rng.normal(size=x.size)
    jacobian = np.concatenate([np.array(by_place), np.array(by_length)], axis=1)
    dense = jacobian.T @ jacobian
    dense[: x.size, : x.size] += own
    right = -jacobian.T @ np.array(residual)
    right[: x.size] += pull
    expected = np.linalg.solve(dense, right)

    width = 3 * n_points
    band = np.zeros((x.size, width))
    for j in range(x.size):
        band[j, : min(width, x.size - j)] = dense[j : min(j + width, x.size), j]
    assert np.isfinite(factor_band(band))
    places = right[: x.size].copy()
    steps = solve_with_lengths(band, places, x, limbs, 0.0)
    np.testing.assert_allclose(steps, expected[x.size :], rtol=1e-9)
    np.testing.assert_allclose(places, expected[: x.size], rtol=1e-9, atol=1e-12)
