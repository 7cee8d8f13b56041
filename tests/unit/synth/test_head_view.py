"""Cameras and lights about the head: proper geometry, both sides, distances and scales as asked."""

import numpy as np
import pytest

from mystax.synth.draws import Draw
from mystax.synth.head_view import FOCUS, HeadCamera, draw_camera, draw_lights, look_at
from mystax.synth.kernels import head
from tests.fixtures.inner import called

undistort = called(head.undistort)

SIZE = 256


def camera(azimuth: float = 0.0, elevation: float = 0.0, roll: float = 0.0, side: int = 1) -> HeadCamera:
    """Camera at 100 mm from the origin."""
    turn = np.radians([azimuth, elevation, roll])
    rotation, translation = look_at(turn[0], turn[1], turn[2], side, np.zeros(3), 100.0)
    return HeadCamera(rotation, translation, 500.0, (127.5, 127.5), (SIZE, SIZE))


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("angles", [(0, 0, 0), (40, 0, 0), (0, 50, 10), (-30, -20, 25), (65, 45, -25)])
def test_cameras_are_proper_rotations_that_look_at_their_focus(
    angles: tuple[float, float, float], side: int
) -> None:
    seen = camera(angles[0], angles[1], angles[2], side)
    np.testing.assert_allclose(seen.rotation @ seen.rotation.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(seen.rotation) == pytest.approx(1)
    np.testing.assert_allclose(seen.project(np.zeros((1, 3)))[0], [127.5, 127.5, 100], atol=1e-9)
    assert np.sign(seen.position[1]) == side


def test_up_is_up_and_the_nose_is_on_the_right_of_a_left_view() -> None:
    up, nose = camera().project(np.array([[0.0, 0, 10], [-10.0, 0, 0]]))
    assert up[1] < 127.5
    assert nose[0] > 127.5
    assert camera(side=-1).project(np.array([[-10.0, 0, 0]]))[0, 0] < 127.5


def test_positive_azimuth_comes_from_the_front() -> None:
    assert camera(30).position[0] < 0 < camera(-30).position[0]
    assert camera(0, 30).position[2] > 0


def test_distortion_is_undone() -> None:
    for x, y in ((0.1, 0.05), (0.3, -0.2), (0.0, 0.0)):
        square = x * x + y * y
        bend = 1 + 0.2 * square - 0.05 * square**2
        assert undistort(x * bend, y * bend, 0.2, -0.05) == pytest.approx((x, y), abs=1e-5)


def test_strong_distortion_does_not_fold_the_far_world_into_the_picture() -> None:
    rotation, translation = look_at(0.0, 0.0, 0.0, 1, np.zeros(3), 100.0)
    barrel = HeadCamera(rotation, translation, 300.0, (127.5, 127.5), (SIZE, SIZE), (-0.4, 0.0))
    places = np.stack([-np.linspace(0, 900, 200), np.zeros(200), np.zeros(200)], axis=1)
    x = barrel.project(places)[:, 0]
    assert (np.diff(x) > 0).all()


def test_finer_grids_of_pixels_keep_their_places() -> None:
    fine = camera().lens(2)
    assert fine[0] == 1000
    assert fine[1] == pytest.approx(2 * (127.5 + 0.5) - 0.5)


def test_drawn_cameras_cover_sides_angles_and_distances() -> None:
    found = [draw_camera(Draw((k,)), SIZE, 12.0) for k in range(400)]
    sides = np.array([side for _, side in found])
    assert abs(sides.mean()) < 0.2
    away = np.array([seen.position - FOCUS * 12 for seen, _ in found])
    distance = np.linalg.norm(away, axis=1)
    assert 40 < distance.min() < 70
    assert 300 < distance.max() < 401
    azimuth = np.degrees(np.arctan2(-away[:, 0], np.abs(away[:, 1])))
    assert azimuth.min() < -25
    assert azimuth.max() > 50
    assert 0.7 < ((azimuth > -20.01) & (azimuth < 35.01)).mean() < 0.95


def test_lights_are_as_strong_at_the_face_whatever_their_distance() -> None:
    seen, side = draw_camera(Draw((1,)), SIZE, 12.0)
    for k in range(60):
        lights = draw_lights(Draw((k,)), seen, side, 12.0)
        assert 1 <= len(lights.lamps) <= 4
        distance = np.linalg.norm(lights.lamps[0, :3] - FOCUS)
        assert 0.2 < lights.lamps[0, 3] / distance**2 < 5
        assert np.linalg.norm(lights.ambient[1:]) == pytest.approx(1)
        assert 0.015 < lights.ambient[0] < 2
