"""Smoothing over time against truth, dense algebra and its own covariance."""

from dataclasses import replace

import numpy as np
import pytest

from mystax.compute.confirmed import confirmed_pixels
from mystax.compute.limb_lengths import Limb, limb_terms
from mystax.compute.projection import project_rig
from mystax.compute.trajectory import Smoothed, difference_operator, smooth_trajectory
from mystax.compute.trajectory_steps import Pixels
from mystax.compute.triangulation import triangulate
from tests.fixtures.rigs import moving_points


def smoothed(
    n_cameras: int, rate: float, *, n_frames: int = 1000, points: int = 13, seed: int = 3
) -> tuple[np.ndarray, ...]:
    rig, times, truth, uv = moving_points(n_cameras, rate, n_frames, seed=seed)
    uv, truth = uv[:, :, :points], truth[:, :points]
    precision = np.tile(np.array([1.0, 0, 1]), (n_cameras, n_frames, points, 1))
    flat = np.ascontiguousarray(uv.reshape(n_cameras, -1, 2))
    start = triangulate(rig, flat, precision.reshape(n_cameras, -1, 3)).position.reshape(n_frames, points, 3)
    place, cov = np.empty_like(start), np.empty((n_frames, points, 6))
    for k in range(points):
        raw = triangulate(rig, np.ascontiguousarray(uv[:, :, k]), precision[:, :, k])
        one = Pixels(uv[:, :, [k]], precision[:, :, [k]], confirmed_pixels(raw, times)[:, :, None])
        smooth = smooth_trajectory(rig, one, start[:, k : k + 1], times)
        place[:, k], cov[:, k] = smooth.position[:, 0], smooth.covariance[:, 0]
    return place, cov, truth, start


@pytest.mark.parametrize(
    ("n_cameras", "rate", "most"), [(2, 50, 0.70), (4, 50, 0.30), (2, 250, 0.30), (3, 250, 0.18)]
)
def test_automatic_strength_reaches_the_error_that_is_promised(
    n_cameras: int, rate: float, most: float
) -> None:
    place, cov, truth, _ = smoothed(n_cameras, rate)
    off = place - truth
    assert np.sqrt((off**2).sum(axis=2).mean()) <= most
    full = cov[..., [0, 1, 2, 1, 3, 4, 2, 4, 5]].reshape(*off.shape, 3)
    distance = np.einsum("tki,tkij,tkj->tk", off, np.linalg.inv(full), off)
    assert (0.80 if n_cameras == 2 else 0.85) <= (distance < 6.251).mean() <= 0.99


def test_a_whisk_of_twenty_hertz_keeps_its_amplitude_without_lag() -> None:
    rig, _, _, _ = moving_points(3, 250, 2)
    times = np.arange(1000) / 250
    truth = np.zeros((1000, 1, 3))
    truth[:, 0, 0] = np.sin(2 * np.pi * 20 * times)
    uv = project_rig(rig, truth[:, 0]).reshape(3, 1000, 1, 2)
    uv = uv + np.random.default_rng(0).normal(0, 1, uv.shape)
    precision = np.tile(np.array([1.0, 0, 1]), (3, 1000, 1, 1))
    start = triangulate(rig, uv[:, :, 0], precision[:, :, 0]).position[:, None]
    found = smooth_trajectory(rig, Pixels(uv, precision), start, times).position[:, 0, 0]
    phase = 2 * np.pi * 20 * times
    sine, cosine = 2 * (found * np.sin(phase)).mean(), 2 * (found * np.cos(phase)).mean()
    assert np.hypot(sine, cosine) >= 0.89
    assert abs(np.arctan2(cosine, sine)) / (2 * np.pi * 20) < 0.1 / 250


def swing(
    share: float, frequency: float, *, noise: float, outliers: float = 0.0, cutoff: float | None = None
) -> tuple[float, float]:
    """Return how much is left of a swing of 2 mm in a share of the time, and the RMSE meanwhile in SD."""
    rig, _, _, _ = moving_points(3, 100, 2)
    generator = np.random.default_rng(0)
    times = np.arange(2000) / 100
    moves = times % 10 < 10 * share
    sine = np.sin(2 * np.pi * frequency * times)
    truth = np.zeros((2000, 3))
    truth[:, 1] = 2 * sine * moves
    uv = project_rig(rig, truth) + generator.normal(0, noise, (3, 2000, 2))
    off = generator.random((3, 2000)) < outliers
    uv[off] += 60 * np.sign(generator.normal(size=(off.sum(), 2)))
    precision = np.tile(np.array([1.0, 0, 1]) / noise**2, (3, 2000, 1))
    found = triangulate(rig, uv, precision)
    pixels = Pixels(uv[:, :, None], precision[:, :, None], confirmed_pixels(found, times)[:, :, None])
    smooth = smooth_trajectory(rig, pixels, found.position[:, None], times, cutoff=cutoff)
    place, sd = smooth.position[moves, 0], np.sqrt(smooth.covariance[moves, 0][:, [0, 3, 5]].sum(axis=1))
    gain = float(place[:, 1] @ sine[moves] / (2 * sine[moves] @ sine[moves]))
    error = np.linalg.norm(place - truth[moves], axis=1)
    return gain, float(np.sqrt((error**2).mean() / (sd**2).mean()))


@pytest.mark.parametrize("share", [0.05, 0.2])
@pytest.mark.parametrize("outliers", [0.0, 0.05])
def test_rare_and_fast_movement_that_all_cameras_see_is_no_outlier(share: float, outliers: float) -> None:
    """Against a path that rest has made stiff, what every camera sees lay far off and was let go."""
    gain, error = swing(share, 10, noise=1.0, outliers=outliers)
    assert gain > 0.8
    assert error < 2.5


@pytest.mark.parametrize(("frequency", "cutoff", "noise"), [(2, 4, 0.1), (2, 5, 0.1), (5, 8, 0.3), (2, 2, 1)])
def test_a_given_cut_off_holds_however_exact_the_pixels_are(
    frequency: float, cutoff: float, noise: float
) -> None:
    gain, _ = swing(1.0, frequency, noise=noise, cutoff=cutoff)
    assert gain == pytest.approx(1 / (1 + (frequency / cutoff) ** 4), abs=0.12)


@pytest.mark.parametrize("order", [2, 3])
def test_half_of_a_swing_at_the_cut_off_is_left(order: int) -> None:
    rig, _, _, _ = moving_points(4, 100, 2)
    times, phase = np.arange(600) / 100, 2 * np.pi * 5 * np.arange(600) / 100
    truth = np.zeros((600, 1, 3))
    truth[:, 0, 1] = 0.05 * np.sin(phase)
    uv = project_rig(rig, truth[:, 0]).reshape(4, 600, 1, 2)
    pixels = Pixels(uv, np.tile(np.array([1.0, 0, 1]), (4, 600, 1, 1)))
    found = smooth_trajectory(rig, pixels, truth, times, cutoff=5.0, order=order)
    amplitude = 2 * (found.position[100:500, 0, 1] * np.sin(phase[100:500])).mean() / 0.05
    # what the cameras tell across their ring of views, and what they tell on the average of three axes
    row = project_rig(rig, np.array([[0.0, 0, 0], [0, 1e-3, 0], [1e-3, 0, 0], [0, 0, 1e-3]]))
    told = (((row[:, 1:] - row[:, :1]) * 1e3) ** 2).sum(axis=(0, 2))
    assert amplitude == pytest.approx(told[0] / (told[0] + told.mean()), abs=0.02)
    assert found.cutoff[0] == pytest.approx(5.0, rel=0.02)


def test_point_that_is_never_found_takes_nothing_from_the_one_that_a_limb_joins_to_it() -> None:
    rig, times, _, uv = moving_points(3, 50, 200, outliers=0.0)
    uv = np.ascontiguousarray(uv[:, :, [4, 5]])
    uv[:, :, 0] = np.nan
    precision = np.tile(np.array([1.0, 0, 1]), (3, 200, 2, 1))
    start = np.stack([triangulate(rig, uv[:, :, k], precision[:, :, k]).position for k in range(2)], axis=1)
    found = smooth_trajectory(rig, Pixels(uv, precision), start, times, limbs=[Limb(0, 1, 10.0, 0.01)])
    alone = smooth_trajectory(rig, Pixels(uv[:, :, 1:], precision[:, :, 1:]), start[:, 1:], times)
    np.testing.assert_array_equal(found.position[:, 1], alone.position[:, 0])
    np.testing.assert_array_equal(found.covariance[:, 1], alone.covariance[:, 0])
    assert np.isfinite(alone.covariance).all()
    assert np.isnan(found.position[:, 0]).all()
    assert np.isnan(found.strength[0])
    assert found.limbs == ()


@pytest.mark.parametrize("order", [2, 3])
def test_differences_vanish_for_polynomials_on_uneven_times(order: int) -> None:
    times = np.cumsum(np.random.default_rng(0).uniform(0.5, 1.5, 10))
    coefficients, weights = difference_operator(times, order)
    values = times ** (order - 1) + 3
    rows = [coefficients[r] @ values[r : r + order + 1] for r in range(len(coefficients))]
    np.testing.assert_allclose(rows, 0, atol=1e-9)
    assert (weights > 0).all()


def test_limbs_hold_distances() -> None:
    place, _, truth, start = smoothed(2, 50, n_frames=300, points=2)
    rig, times, _, uv = moving_points(2, 50, 300, seed=3)
    limbs = limb_terms([(0, 1)], start, np.full((300, 2, 6), 0.01))
    length = np.linalg.norm(truth[:, 0] - truth[:, 1], axis=1).mean()
    assert limbs[0].length == pytest.approx(length, rel=0.02)
    precision = np.tile(np.array([1.0, 0, 1]), (2, 300, 2, 1))
    stiff = [Limb(0, 1, length, 0.005)]
    joint = smooth_trajectory(rig, Pixels(uv[:, :, :2], precision), start, times, limbs=stiff, n_steps=10)
    spread = np.linalg.norm(joint.position[:, 0] - joint.position[:, 1], axis=1).std()
    assert spread <= np.linalg.norm(place[:, 0] - place[:, 1], axis=1).std()
    assert spread < 0.005 * length


def test_lengths_of_limbs_are_found_together_with_the_places() -> None:
    """At the minimum no length can be changed without raising the cost; few steps lead there."""
    rig, times, truth, uv = moving_points(3, 50, 120, seed=3)
    start = truth[:, :3] + np.random.default_rng(0).normal(0, 0.3, (120, 3, 3))
    pixels = Pixels(uv[:, :, :3], np.tile(np.array([1.0, 0, 1]), (3, 120, 3, 1)))
    limbs = [Limb(0, 1, 5.0, 0.005), Limb(1, 2, 60.0, 0.005), Limb(0, 2, 20.0, 0.005)]  # far from the truth

    def solved(terms: list[Limb], n_steps: int, *, free: bool) -> Smoothed:
        return smooth_trajectory(
            rig,
            pixels,
            start,
            times,
            strength=1e-3,
            limbs=terms,
            free_lengths=free,
            loss="soft_l1",
            loss_scale=5.0,
            n_steps=n_steps,
            tolerance=1e-12,
        )

    found = solved(limbs, 40, free=True)
    for limb in found.limbs:
        expected = np.linalg.norm(truth[:, limb.a] - truth[:, limb.b], axis=1).mean()
        assert limb.length == pytest.approx(expected, rel=0.02)
    for k in range(3):
        for factor in (0.999, 1.001):
            other = list(found.limbs)
            other[k] = replace(other[k], length=other[k].length * factor)
            assert solved(other, 40, free=False).cost > found.cost


def test_strengths_that_cannot_be_solved_do_not_disturb_the_search() -> None:
    """A short movement seen in half of its frames, with two cameras: no warning, and a finite strength."""
    rig, times, _, uv = moving_points(2, 20, 30, seed=1)
    uv = uv[:, :, :1].copy()
    uv[:, 1::2] = np.nan
    precision = np.tile(np.array([1.0, 0, 1]), (2, 30, 1, 1))
    start = triangulate(rig, uv[:, :, 0], precision[:, :, 0]).position[:, None]
    found = smooth_trajectory(rig, Pixels(uv, precision * 1e-14), start, times)
    assert np.isfinite(found.strength).all()
