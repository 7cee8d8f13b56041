"""Rotations against their defining properties, half turns included."""

import numpy as np
import pytest

from mystax.core.rotations import (
    angle_between,
    angles_among,
    mean_rotation,
    nearest_rotation,
    rigid_fit,
    rotation_of,
    rotations_of,
    vector_of,
)


@pytest.mark.parametrize("angle", [0.0, 1e-9, 1e-4, 1.0, 3.0, np.pi - 1e-7, np.pi])
def test_vector_and_matrix_are_inverse(angle: float) -> None:
    axis = np.array([2.0, -1.0, 0.5]) / np.linalg.norm([2.0, -1.0, 0.5])
    matrix = rotation_of(axis * angle)
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(3), atol=1e-14)
    np.testing.assert_allclose(rotation_of(vector_of(matrix)), matrix, atol=1e-7)


def many_vectors() -> np.ndarray:
    vectors = np.random.default_rng(1).normal(size=(6, 3))
    vectors[4] = 0.0
    vectors[5] = [0.0, 3e-10, 0.0]
    return vectors


def test_many_rotations_are_those_of_one_by_one() -> None:
    vectors = many_vectors()
    np.testing.assert_allclose(rotations_of(vectors), [rotation_of(one) for one in vectors], atol=1e-15)


def test_angles_among_rotations_are_those_of_pairs() -> None:
    turns = np.concatenate([rotations_of(many_vectors()), np.diag([1.0, -1.0, -1.0])[None]])
    wanted = [[angle_between(a, b) for b in turns] for a in turns]
    np.testing.assert_allclose(angles_among(turns), wanted, atol=1e-9)
    assert angles_among(turns)[4, 6] == pytest.approx(np.pi)


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
