"""Calibrated cameras as values: what is refused, subsets, frames, fingerprints."""

from dataclasses import replace

import numpy as np
import pytest

from mystax.compute.projection import project_rig
from mystax.core.rig_model import make_rig
from mystax.core.rotations import rotation_of
from mystax.errors import FormatError, RecipeError
from tests.fixtures.rigs import rig_of


def test_mirrored_rotation_is_refused_with_its_determinant() -> None:
    camera = rig_of(1).cameras[0]
    with pytest.raises(FormatError, match=r"determinant -1\.0"):
        make_rig([replace(camera, rotation=camera.rotation * np.array([1, 1, -1.0]))])


def test_rotation_that_is_nearly_one_is_made_one() -> None:
    camera = rig_of(1).cameras[0]
    found = make_rig([replace(camera, rotation=camera.rotation * (1 + 2e-4))]).cameras[0].rotation
    np.testing.assert_allclose(found @ found.T, np.eye(3), atol=1e-12)


def test_focal_length_of_zero_is_refused() -> None:
    camera = rig_of(1).cameras[0]
    with pytest.raises(FormatError, match="focal lengths above 0"):
        make_rig([replace(camera, matrix=camera.matrix * np.array([[0], [1], [1]]))])


def test_two_cameras_of_one_name_are_refused() -> None:
    camera = rig_of(1).cameras[0]
    with pytest.raises(FormatError, match="different names"):
        make_rig([camera, camera])


def test_unknown_camera_is_answered_with_the_nearest() -> None:
    with pytest.raises(RecipeError, match="did you mean 'cam1'"):
        rig_of(2).camera("cam11")


def test_subset_keeps_the_order_asked_for() -> None:
    assert rig_of(3).subset(["cam2", "cam0"]).names == ("cam2", "cam0")


def test_aligned_rig_sees_aligned_points_alike() -> None:
    rig, points = rig_of(3), np.random.default_rng(0).uniform(-15, 15, (20, 3))
    turn, origin = rotation_of(np.array([0.3, -1.2, 0.5])), np.array([4.0, 5.0, -6.0])
    moved = (points - origin) @ turn.T
    np.testing.assert_allclose(
        project_rig(rig.aligned(turn, origin), moved), project_rig(rig, points), atol=1e-9
    )


def test_fingerprint_tells_rigs_apart() -> None:
    assert rig_of(2).fingerprint == rig_of(2).fingerprint != rig_of(2, seed=1).fingerprint


@pytest.mark.parametrize("kind", ["transposed", "skewed", "scaled"])
def test_matrix_with_numbers_that_would_be_forgotten_is_refused(kind: str) -> None:
    """Projection knows focal lengths and principal point: what else a matrix says must not be dropped."""
    camera = rig_of(1).cameras[0]
    matrix = {
        "transposed": camera.matrix.T,
        "skewed": camera.matrix + np.array([[0, 2.5, 0], [0, 0, 0], [0, 0, 0]]),
        "scaled": 2 * camera.matrix,
    }[kind]
    with pytest.raises(FormatError, match="F804") as caught:
        make_rig([replace(camera, matrix=matrix)])
    assert caught.value.expected == "[fx 0 cx; 0 fy cy; 0 0 1]"


def test_matrix_with_rounding_in_its_zeros_is_taken() -> None:
    camera = rig_of(1).cameras[0]
    make_rig([replace(camera, matrix=camera.matrix + 1e-12 * np.ones((3, 3)))])
