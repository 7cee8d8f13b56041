"""Epipolar curves against closed forms: parallel cameras, the fundamental matrix, and points seen twice."""

from dataclasses import replace

import numpy as np
import pytest

from mystax.compute.epipolar import epipolar_curve
from mystax.compute.projection import project_rig, undistort_camera
from mystax.core.rig_model import CameraModel, RigModel
from mystax.core.rotations import rotation_of

MATRIX = np.array([[500.0, 0.0, 319.5], [0.0, 520.0, 239.5], [0.0, 0.0, 1.0]])


def camera(
    name: str, centre: tuple[float, float, float], turn: tuple[float, float, float], k1: float = 0.0
) -> CameraModel:
    rotation = rotation_of(np.array(turn, np.float64))
    translation = -rotation @ np.array(centre, np.float64)
    lens = np.array([k1, 0.0, 0.001 * bool(k1), 0.0, 0.0])
    return CameraModel(name, (640, 480), MATRIX, lens, rotation, translation)


LEFT = camera("left", (0, 0, 0), (0, 0, 0))
TURNED = camera("turned", (120, 10, 20), (0.1, 0.5, 0.05))
BENT = camera("bent", (120, 10, 20), (0.1, 0.5, 0.05), k1=-0.2)


def cross(v: np.ndarray) -> np.ndarray:
    return np.array([[0, -v[2], v[1]], [v[2], 0, -v[0]], [-v[1], v[0], 0]])


def fundamental(one: CameraModel, two: CameraModel) -> np.ndarray:
    """Return F with x2' F x1 = 0, by the book."""
    rotation = two.rotation @ one.rotation.T
    translation = two.translation - rotation @ one.translation
    return np.asarray(np.linalg.inv(two.matrix).T @ cross(translation) @ rotation @ np.linalg.inv(one.matrix))


def test_cameras_side_by_side_see_a_point_in_the_same_row() -> None:
    beside = camera("beside", (60, 0, 0), (0, 0, 0))
    curve = epipolar_curve(LEFT, beside, 400.25, 123.75)
    np.testing.assert_allclose(curve[:, 1], 123.75, atol=1e-9)
    assert (np.diff(curve[:, 0]) > 0).all(), "the farther, the less it moves to the left"
    assert curve[-1, 0] == pytest.approx(400.25 - 500 / 200, abs=1e-6)
    assert curve[0, 0] < 0


def test_without_distortion_the_curve_is_the_line_of_the_fundamental_matrix() -> None:
    line = fundamental(LEFT, TURNED) @ np.array([300.0, 200.0, 1.0])
    curve = epipolar_curve(LEFT, TURNED, 300.0, 200.0)
    assert len(curve) > 50
    assert np.linalg.norm(np.diff(curve, axis=0), axis=1).max() < 30
    off = (curve @ line[:2] + line[2]) / np.hypot(*line[:2])
    np.testing.assert_allclose(off, 0.0, atol=1e-8)


def test_with_distortion_it_is_that_line_once_the_lens_is_taken_away() -> None:
    curve = epipolar_curve(LEFT, BENT, 300.0, 200.0)
    rays = undistort_camera(BENT, curve)
    ideal = rays @ MATRIX[:2, :2].T + MATRIX[:2, 2]
    line = fundamental(LEFT, BENT) @ np.array([300.0, 200.0, 1.0])
    np.testing.assert_allclose((ideal @ line[:2] + line[2]) / np.hypot(*line[:2]), 0.0, atol=1e-5)
    straight = np.polynomial.Polynomial.fit(curve[:, 0], curve[:, 1], 1)
    assert np.abs(straight(curve[:, 0]) - curve[:, 1]).max() > 1.0, "it is bent"


@pytest.mark.parametrize("other", [TURNED, BENT])
def test_a_point_of_the_scene_lies_on_the_curve_of_its_picture(other: CameraModel) -> None:
    scene = np.random.default_rng(0).uniform((-20, -20, 200), (60, 20, 260), (40, 3))
    pictures = project_rig(RigModel((LEFT, other)), scene)
    is_seen = ((pictures >= 0) & (pictures <= [639, 479])).all(axis=(0, 2))
    assert is_seen.sum() > 10
    for one, two in zip(*pictures[:, is_seen], strict=True):
        curve = epipolar_curve(LEFT, other, *one)
        ends, begins = curve[1:], curve[:-1]
        along = ends - begins
        share = np.clip(((two - begins) * along).sum(1) / (along**2).sum(1), 0, 1)
        assert np.linalg.norm(begins + share[:, None] * along - two, axis=1).min() < 0.05


def test_a_cut_picture_moves_the_curve_with_it() -> None:
    cut = replace(TURNED, crop=(40.0, 30.0))
    whole = epipolar_curve(LEFT, TURNED, 300.0, 200.0)
    moved = epipolar_curve(LEFT, cut, 300.0, 200.0) + np.array([40.0, 30.0])
    line = fundamental(LEFT, TURNED) @ np.array([300.0, 200.0, 1.0])
    for curve in (whole, moved):
        assert len(curve) > 50
        np.testing.assert_allclose(curve @ line[:2] + line[2], 0.0, atol=1e-6)


def test_there_is_no_curve_without_a_ray_or_a_base() -> None:
    assert epipolar_curve(LEFT, TURNED, np.nan, 0.0).shape == (0, 2)
    assert epipolar_curve(LEFT, replace(LEFT, name="same"), 10.0, 10.0).shape == (0, 2)


def test_a_ray_that_the_other_camera_does_not_see_has_none() -> None:
    away = camera("away", (60, 0, 0), (0, np.pi, 0))
    assert epipolar_curve(LEFT, away, 320.0, 240.0).shape == (0, 2)
