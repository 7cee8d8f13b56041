"""Projection against OpenCV's formula and against its own inverse."""

import numpy as np
import pytest

from mystax.compute.projection import growth_limit, project_rig, undistort_camera
from mystax.core.rig_model import CameraModel, make_rig
from mystax.core.rotations import rotation_of, vector_of

LENSES = {False: [-0.2, 0.08, 1e-3, -8e-4, 0.02], True: [0.05, -0.02, 0.01, -0.003]}


def camera_with(is_fisheye: bool) -> CameraModel:
    matrix = np.array([[1400.0, 0, 640], [0, 1390, 500], [0, 0, 1]])
    turn, shift = rotation_of(np.array([0.1, -0.2, 0.3])), np.array([3.0, 4, 300])
    return CameraModel("a", (1280, 1024), matrix, np.array(LENSES[is_fisheye]), turn, shift, is_fisheye)


@pytest.mark.parametrize("is_fisheye", [False, True])
def test_projection_equals_opencv(is_fisheye: bool) -> None:
    cv2 = pytest.importorskip("cv2", reason='pip install "mystax[calib]"')
    camera = camera_with(is_fisheye)
    points = np.random.default_rng(0).uniform(-60, 60, (10_000, 3))
    project = cv2.fisheye.projectPoints if is_fisheye else cv2.projectPoints
    theirs, _ = project(
        points[:, None], vector_of(camera.rotation), camera.translation, camera.matrix, camera.distortion
    )
    assert np.abs(theirs[:, 0] - project_rig(make_rig([camera]), points)[0]).max() < 1e-6


@pytest.mark.parametrize("is_fisheye", [False, True])
def test_undistortion_is_the_inverse_inside_the_picture(is_fisheye: bool) -> None:
    camera = camera_with(is_fisheye)
    pixels = np.random.default_rng(1).uniform(0, 1, (2000, 2)) * np.array(camera.size)
    plain = undistort_camera(camera, pixels)
    places = (
        np.concatenate([plain, np.ones((2000, 1))], axis=1) * 300 - camera.translation
    ) @ camera.rotation
    assert np.abs(project_rig(make_rig([camera]), places)[0] - pixels).max() < 1e-6


def test_points_behind_a_camera_are_missing() -> None:
    assert np.isnan(project_rig(make_rig([camera_with(False)]), np.array([[0.0, 0, -400]]))).all()


def test_pixels_beyond_the_growing_lens_are_missing() -> None:
    camera = camera_with(False)
    fold = CameraModel("a", camera.size, camera.matrix, np.array([-1.5, 0, 0, 0, 0]), np.eye(3), np.zeros(3))
    # r (1 - 1.5 r^2) grows up to r = 1 / sqrt(4.5)
    assert growth_limit(fold) == pytest.approx(1 / np.sqrt(4.5))
    top = growth_limit(fold) * (1 - 1.5 * growth_limit(fold) ** 2)
    inside, outside = (np.array([[640 + 1400 * top * share, 500.0]]) for share in (0.99, 1.01))
    assert np.isfinite(undistort_camera(fold, inside)).all()
    assert np.isnan(undistort_camera(fold, outside)).all()
