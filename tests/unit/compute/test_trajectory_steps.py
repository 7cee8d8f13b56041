"""Tests of `mystax.compute.trajectory_steps`: equations against differences of the cost, and their use."""

from dataclasses import replace

import numpy as np
import pytest

from mystax.compute.kernels.trajectory import GEMAN, HUBER, SOFT_L1
from mystax.compute.limb_lengths import Limb
from mystax.compute.projection import project_rig
from mystax.compute.trajectory import difference_operator
from mystax.compute.trajectory_steps import Iterate, Pixels, descend, likely_strength, one_step, uncertainty
from tests.fixtures.rigs import rig_of

N_TIME, N_POINTS = 6, 2
STRENGTH = np.array([0.3, 2.0])
LIMBS = [Limb(0, 1, 9.0, 0.05)]


def begun(loss: int = SOFT_L1, *, away: float = 0.3, order: int = 2) -> Iterate:
    """Two points on smooth ways, seen with noise by three cameras; the places are `away` [mm]."""
    rng = np.random.default_rng(5)
    rig, times = rig_of(3), np.arange(N_TIME) / 10
    way = np.stack([np.sin(times), np.cos(times), times], axis=1)
    truth = np.stack([way, way + np.array([8.0, 2.0, 1.0])], axis=1)
    uv = project_rig(rig, truth.reshape(-1, 3)).reshape(3, N_TIME, N_POINTS, 2)
    pixels = Pixels(uv + rng.normal(0, 1, uv.shape), np.tile([1.0, 0.2, 0.8], (3, N_TIME, N_POINTS, 1)))
    coefficients, weights = difference_operator(times, order)
    x = truth + rng.normal(0, away, truth.shape)
    return Iterate(rig.rows(), rig.fisheye(), pixels, coefficients, weights, x, loss, 1.0)


def cost(state: Iterate, x: np.ndarray) -> float:
    return state.measure(state.loss, x=x) + state.prior(STRENGTH, LIMBS, x)


@pytest.mark.parametrize("loss", [GEMAN, HUBER, SOFT_L1], ids=["geman-mcclure", "huber", "soft_l1"])
def test_right_side_is_half_the_fall_of_the_cost(loss: int) -> None:
    state = begun(loss)
    state.measure(loss)
    _, right = state.equations(STRENGTH, LIMBS)
    numeric = np.empty(state.x.size)
    for i in range(state.x.size):
        step = np.zeros(state.x.size)
        step[i] = 1e-5
        change = step.reshape(state.x.shape)
        numeric[i] = (cost(state, state.x - change) - cost(state, state.x + change)) / 4e-5
    np.testing.assert_allclose(right, numeric, rtol=1e-4, atol=1e-4 * np.abs(numeric).max())


def test_camera_that_says_nothing_adds_nothing() -> None:
    state = begun()
    blind = replace(
        state.pixels, uv=np.where(np.arange(3)[:, None, None, None] == 2, np.nan, state.pixels.uv)
    )
    without = Pixels(state.pixels.uv[:2], state.pixels.precision[:2])
    fewer = replace(state, rows=state.rows[:2], fisheye=state.fisheye[:2], pixels=without)
    missing = replace(state, pixels=blind)
    assert missing.measure(SOFT_L1) == fewer.measure(SOFT_L1)
    np.testing.assert_array_equal(missing.info, fewer.info)
    assert np.isnan(missing.m2[:, 2]).all()


def test_one_step_lowers_the_cost() -> None:
    state = begun()
    state.measure(SOFT_L1)
    before = cost(state, state.x)
    assert one_step(state, STRENGTH, LIMBS)
    assert cost(state, state.x) < before


def test_descent_ends_where_no_direction_goes_down() -> None:
    state = begun(away=1.0)
    found = descend(state, STRENGTH, list(LIMBS), n_steps=60, tolerance=1e-13, free_lengths=False)
    rng = np.random.default_rng(0)
    assert found == pytest.approx(cost(state, state.x))
    for _ in range(20):
        away = rng.normal(0, 0.02, state.x.shape)
        assert cost(state, state.x + away) > found


def test_descent_finds_free_lengths() -> None:
    state, limbs = begun(), [Limb(0, 1, 5.0, 0.005)]
    descend(state, STRENGTH, limbs, n_steps=60, tolerance=1e-12, free_lengths=True)
    assert limbs[0].length == pytest.approx(np.sqrt(69), rel=0.02)


def test_smoother_ways_ask_for_more_strength() -> None:
    """The same pixels about a straight and about a bent way."""
    rig, n = rig_of(3), 300
    times = np.arange(n) / 50
    found = []
    for speed in (0.2, 12.0):
        truth = np.stack([3 * np.sin(speed * times), 0 * times, 0 * times], axis=1)
        uv = project_rig(rig, truth).reshape(3, n, 1, 2)
        uv = uv + np.random.default_rng(1).normal(0, 1, uv.shape)
        start = truth[:, None] + np.random.default_rng(2).normal(0, 0.2, (n, 1, 3))
        pixels = Pixels(uv, np.tile([1.0, 0.0, 1.0], (3, n, 1, 1)))
        state = Iterate(rig.rows(), rig.fisheye(), pixels, *difference_operator(times), start, GEMAN, 1.0)
        state.measure(GEMAN)
        found.append(likely_strength(state, 0))
    assert found[0] > 100 * found[1]


def test_uncertainty_is_the_inverse_of_the_dense_equations() -> None:
    state = begun(away=0.0)
    covariance, scale = uncertainty(state, STRENGTH, LIMBS)
    np.testing.assert_array_equal(scale, 1)  # too few residuals to judge the noise by
    band, _ = state.equations(STRENGTH, LIMBS)
    n, width = band.shape
    dense = np.zeros((n, n))
    for j in range(n):
        for k in range(min(width, n - j)):
            dense[j + k, j] = dense[j, j + k] = band[j, k]
    inverse = np.linalg.inv(dense)
    for t in range(N_TIME):
        for k in range(N_POINTS):
            at = 3 * (t * N_POINTS + k)
            block = inverse[at : at + 3, at : at + 3]
            np.testing.assert_allclose(covariance[t, k], block[np.triu_indices(3)], rtol=1e-6)
