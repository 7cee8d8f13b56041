"""Alignment: what was moved, turned and scaled comes back."""

import numpy as np
import pytest

from mystax.compute.alignment import align_frames, make_template, mirrored_frames, rotation_vectors
from tests.fixtures.hmm_worlds import talking_face

ALL = np.arange(6)


def random_rotations(n: int, space: int, seed: int = 0) -> np.ndarray:
    q, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(n, space, space)))
    q[:, :, 0] *= np.sign(np.linalg.det(q))[:, None]
    return q


@pytest.mark.parametrize("space", [2, 3])
@pytest.mark.parametrize("mode", ["rigid", "similarity"])
def test_moved_shapes_come_back_to_the_template(space: int, mode: str) -> None:
    generator = np.random.default_rng(1)
    template = generator.normal(size=(6, space))
    rotation = random_rotations(40, space)
    scale = generator.uniform(0.5, 2, 40) if mode == "similarity" else np.ones(40)
    shift = generator.normal(size=(40, 1, space))
    moved = scale[:, None, None] * np.einsum("tij,kj->tki", rotation, template) + shift
    found = align_frames(moved, template, ALL, mode)  # type: ignore[arg-type] # one of four words
    np.testing.assert_allclose(found.points, np.broadcast_to(template, moved.shape), atol=1e-9)
    np.testing.assert_allclose(found.rotation, rotation, atol=1e-9)
    np.testing.assert_allclose(found.scale, scale, rtol=1e-9)


def test_a_mirrored_shape_is_turned_but_never_mirrored() -> None:
    template = np.random.default_rng(2).normal(size=(6, 3))
    found = align_frames((template * [-1, 1, 1])[None], template, ALL, "rigid")
    assert np.linalg.det(found.rotation[0]) == pytest.approx(1)
    assert np.abs(found.points[0] - template).max() > 0.1


def test_flat_rigid_points_are_allowed() -> None:
    template = np.random.default_rng(3).normal(size=(6, 3)) * [1, 1, 0]
    rotation = random_rotations(10, 3, 5)
    found = align_frames(np.einsum("tij,kj->tki", rotation, template), template, ALL, "rigid")
    np.testing.assert_allclose(found.rotation, rotation, atol=1e-7)


def test_frames_with_too_few_rigid_points_are_missing() -> None:
    template = np.random.default_rng(4).normal(size=(6, 3))
    frames = np.repeat(template[None], 3, axis=0)
    frames[1, :4] = np.nan  # two points left
    frames[2] = np.outer(np.arange(6), [1, 2, 3])  # on a line
    found = align_frames(frames, template, ALL, "rigid")
    assert np.isfinite(found.points[0]).all()
    assert np.isnan(found.points[1:]).all()


def test_translation_puts_the_rigid_middle_where_the_template_has_it() -> None:
    template = np.random.default_rng(5).normal(size=(6, 2))
    found = align_frames((template + np.array([5, -3]))[None], template, ALL[:3], "translate")
    np.testing.assert_allclose(found.points[0], template, atol=1e-12)


def test_template_is_the_shape_that_was_simulated() -> None:
    _, points, _ = talking_face(0, 300, turn=0.5)
    template = make_template(points, np.arange(4), "rigid")
    distances = np.linalg.norm(points[:, :4, None] - points[:, None, :4], axis=3).mean(0)
    found = np.linalg.norm(template[:4, None] - template[None, :4], axis=2)
    np.testing.assert_allclose(found, distances, atol=0.1)


@pytest.mark.parametrize("angle", [0.0, 1e-6, 0.5, 3.0])
def test_rotation_vector_has_axis_and_angle(angle: float) -> None:
    axis = np.array([1.0, 2.0, 2.0]) / 3
    k = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    rotation = np.eye(3) + np.sin(angle) * k + (1 - np.cos(angle)) * k @ k
    np.testing.assert_allclose(rotation_vectors(rotation[None])[0], angle * axis, atol=1e-9)


def test_swapped_sides_are_seen() -> None:
    template = np.random.default_rng(6).normal(size=(6, 2)) * 10
    swap = np.array([1, 0, 3, 2, 4, 5])
    frames = np.repeat(template[None], 4, axis=0)
    frames[2] = frames[2][swap]
    assert mirrored_frames(frames, template, swap).tolist() == [False, False, True, False]
