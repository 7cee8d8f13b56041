"""Triangulation against truth, brute force and its own covariance."""

import numpy as np
import pytest

from mystax.compute.projection import project_rig
from mystax.compute.tiles import TilePool
from mystax.compute.triangulation import Triangulated, camera_pairs, pixel_noise, triangulate
from tests.fixtures.rigs import moving_points, rig_of


def found_of(
    n_cameras: int, *, outliers: float = 0.05, n_frames: int = 400, robust: bool = True
) -> tuple[Triangulated, np.ndarray]:
    rig, _, truth, uv = moving_points(n_cameras, 50, n_frames, outliers=outliers)
    flat = uv.reshape(n_cameras, -1, 2)
    precision = np.tile(np.array([1.0, 0, 1]), (*flat.shape[:2], 1))
    return triangulate(rig, flat, precision, robust=robust), truth.reshape(-1, 3)


def test_exact_pixels_give_exact_places() -> None:
    rig, points = rig_of(3), np.random.default_rng(0).uniform(-15, 15, (50, 3))
    found = triangulate(rig, project_rig(rig, points), np.tile(np.array([1.0, 0, 1]), (3, 50, 1)))
    np.testing.assert_allclose(found.position, points, atol=1e-6)
    assert (found.used == 1).all()


def test_outliers_are_rejected() -> None:
    found, truth = found_of(3)
    error = np.linalg.norm(found.position - truth, axis=1)
    error = error[np.isfinite(error)]
    assert np.median(error) <= 0.36
    assert error.mean() <= 1.0
    assert np.percentile(error, 95) <= 1.2


def test_without_outliers_robust_is_as_good_as_plain() -> None:
    robust, truth = found_of(4, outliers=0)
    plain, _ = found_of(4, outliers=0, robust=False)
    medians = [np.nanmedian(np.linalg.norm(f.position - truth, axis=1)) for f in (robust, plain)]
    assert medians[0] <= 1.02 * medians[1]


@pytest.mark.parametrize(("n_cameras", "low"), [(2, 0.80), (3, 0.85), (4, 0.85)])
def test_ellipsoids_of_ninety_per_cent_hold_the_truth(n_cameras: int, low: float) -> None:
    found, truth = found_of(n_cameras)
    good = np.isfinite(found.position[:, 0]) & ~found.disagree
    off = (found.position - truth)[good]
    full = found.covariance[good][:, [0, 1, 2, 1, 3, 4, 2, 4, 5]].reshape(-1, 3, 3)
    distance = np.einsum("ni,nij,nj->n", off, np.linalg.inv(full), off)
    assert low <= (distance < 6.251).mean() <= 0.99  # 0.9 point of chi-square with 3 degrees of freedom


def test_noise_of_the_pixels_is_found_in_spite_of_leverage() -> None:
    for n_cameras in (2, 4):
        found, _ = found_of(n_cameras)
        noise = pixel_noise(found, np.zeros(len(found.position), np.int64), 1)
        np.testing.assert_allclose(noise, 1.0, atol=0.05)


def test_blocks_and_threads_change_no_bit() -> None:
    rig, _, _, uv = moving_points(3, 50, 100)
    flat = uv.reshape(3, -1, 2)
    precision = np.tile(np.array([1.0, 0, 1]), (*flat.shape[:2], 1))
    whole = triangulate(rig, flat, precision)
    with TilePool(2) as pool:
        parts = triangulate(rig, flat, precision, block=97, run=pool.map)
    for name in ("position", "covariance", "used", "residual", "left_out", "ray_angle"):
        np.testing.assert_array_equal(getattr(whole, name), getattr(parts, name))


def test_points_of_one_camera_or_none_are_missing() -> None:
    rig = rig_of(3)
    uv = project_rig(rig, np.zeros((3, 3)))
    uv[1:, 1] = np.nan
    uv[:, 2] = np.nan
    found = triangulate(rig, uv, np.tile(np.array([1.0, 0, 1]), (3, 3, 1)))
    assert np.isfinite(found.position[:, 0]).tolist() == [True, False, False]
    assert found.used[1].tolist() == [1 - 1, -1, -1]


def test_two_cameras_that_contradict_are_told() -> None:
    rig = rig_of(2)
    uv = project_rig(rig, np.zeros((2, 3)))
    uv[1, 1, 1] += 30  # across the epipolar line
    found = triangulate(rig, uv, np.tile(np.array([1.0, 0, 1]), (2, 2, 1)))
    assert found.disagree.tolist() == [False, True]
    assert np.isfinite(found.position[1]).all()
    assert found.covariance[1, 0] > 50 * found.covariance[0, 0]


def test_left_out_residual_is_that_of_the_other_cameras() -> None:
    rig, uv = rig_of(3), project_rig(rig_of(3), np.zeros((1, 3)))
    uv[0, 0] += np.array([1.0, 0.5])
    precision = np.tile(np.array([1.0, 0, 1]), (3, 1, 1))
    found = triangulate(rig, uv, precision)
    others = uv.copy()
    others[0] = np.nan
    place = triangulate(rig, others, precision).position
    expected = np.linalg.norm(project_rig(rig, place)[0, 0] - uv[0, 0])
    assert found.left_out[0, 0] == pytest.approx(expected, rel=1e-6)


def test_many_cameras_try_the_widest_pairs() -> None:
    pairs = camera_pairs(rig_of(12, step=10))
    assert len(pairs) == 28
    assert [0, 9] in pairs.tolist()
    assert [0, 1] not in pairs.tolist()
