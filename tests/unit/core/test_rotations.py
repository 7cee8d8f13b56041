"""Rotations against their defining properties, half turns included."""

import numpy as np
import pytest

from mystax.core.rotations import (
    angle_between,
    mean_rotation,
    nearest_rotation,
    rigid_fit,
    rotation_of,
    vector_of,
)


@pytest.mark.parametrize("angle", [0.0, 1e-9, 1e-4, 1.0, 3.0, np.pi - 1e-7, np.pi])
def test_vector_and_matrix_are_inverse(angle: float) -> None:
    axis = np.array([2.0, -1.0, 0.5]) / np.linalg.norm([2.0, -1.0, 0.5])
    matrix = rotation_of(axis * angle)
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(3), atol=1e-14)
    np.testing.assert_allclose(rotation_of(vector_of(matrix)), matrix, atol=1e-7)


def test_nearest_rotation_is_proper() -> None:
    found = nearest_rotation(np.diag([1.0, 2.0, -0.1]))
    assert np.linalg.det(found) == pytest.approx(1.0)


def test_mean_of_rotations_about_half_a_turn_is_between_them() -> None:
    a, b = rotation_of(np.array([np.pi - 0.1, 0, 0])), rotation_of(np.array([-(np.pi - 0.1), 0, 0]))
    mean = mean_rotation(np.stack([a, b]))
    assert angle_between(mean, rotation_of(np.array([np.pi, 0, 0]))) < 1e-9


def test_rigid_fit_recovers_a_movement() -> None:
    points = np.random.default_rng(0).normal(size=(10, 3))
    turn, shift = rotation_of(np.array([0.4, 2.0, -0.3])), np.array([1.0, -2.0, 3.0])
    found, moved = rigid_fit(points, points @ turn.T + shift)
    np.testing.assert_allclose(found, turn, atol=1e-12)
    np.testing.assert_allclose(moved, shift, atol=1e-12)
