"""Rigs about one rendered head: cameras that agree in space, calibration that can be read."""

import tomllib

import numpy as np
import pytest

from mystax.errors import ParameterError
from mystax.synth.head_mesh import KEYPOINTS
from mystax.synth.head_rig import RIG_KEYPOINTS, HeadRig, render_rig, rotation_vector, seen_name
from mystax.synth.head_script import HeadScript

SIZE = (96, 72)


@pytest.fixture(scope="module")
def rig() -> HeadRig:
    return render_rig(
        HeadScript(3), 4, fps=50, seconds=0.2, seed=2, size=SIZE, both=True, offset=0.02, drop=0.2, quick=True
    )


def turned(vector: np.ndarray) -> np.ndarray:
    """Rotation matrix of a rotation vector (Rodrigues)."""
    angle = float(np.linalg.norm(vector))
    if angle == 0:
        return np.eye(3)
    x, y, z = vector / angle
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.asarray(np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross)


def test_places_in_space_project_onto_all_cameras(rig: HeadRig) -> None:
    assert len(rig.videos) == 4
    for name, video in rig.videos.items():
        seen = [RIG_KEYPOINTS.index(seen_name(point, video.scene.side)) for point in KEYPOINTS]
        projected = video.camera.project(rig.truth[name][:, seen])[..., :2]
        np.testing.assert_allclose(projected, video.truth.xy, atol=1e-3)


def test_cameras_look_from_both_sides_and_differ(rig: HeadRig) -> None:
    assert sorted(rig.videos) == ["left1", "left2", "right1", "right2"]
    positions = np.array([camera.position for camera in rig.cameras.values()])
    assert sorted(np.sign(positions[:, 1]).tolist()) == [-1, -1, 1, 1]
    unit = positions / np.linalg.norm(positions, axis=1, keepdims=True)
    angles = np.degrees(np.arccos(np.clip(unit @ unit.T, -1, 1)))[np.triu_indices(4, 1)]
    assert angles.min() > 12


def test_faces_are_in_all_pictures(rig: HeadRig) -> None:
    for video in rig.videos.values():
        main = video.truth.xy[:, :13]
        inside = (main > 0) & (main < np.array(SIZE))
        assert inside.all(axis=2).mean() > 0.9


def test_left_and_right_points_lie_on_their_sides(rig: HeadRig) -> None:
    xyz = rig.xyz(np.array([0.0]))[0]
    y = {name: xyz[k, 1] for k, name in enumerate(RIG_KEYPOINTS)}
    assert y["left.eye_top"] > 3
    assert y["right.eye_top"] < -3
    assert len(set(RIG_KEYPOINTS)) == len(RIG_KEYPOINTS) == 8 + 2 * 14


def test_clocks_are_late_and_frames_are_missing(rig: HeadRig) -> None:
    assert rig.offsets["left1"] == 0
    assert 0 < max(rig.offsets.values()) <= 0.02
    assert any(np.diff(video.times).max() > 1.5 / 50 for video in rig.videos.values())
    for name, video in rig.videos.items():
        assert video.times[0] == pytest.approx(rig.offsets[name])


def test_the_calibration_file_holds_the_cameras(rig: HeadRig) -> None:
    read = tomllib.loads(rig.calibration())
    assert read["metadata"]["unit"] == "mm"
    for number, (name, camera) in enumerate(rig.cameras.items()):
        table = read[f"cam_{number}"]
        assert table["name"] == name
        assert tuple(table["size"]) == SIZE
        np.testing.assert_array_equal(table["matrix"], camera.matrix)
        np.testing.assert_array_equal(table["translation"], camera.translation)
        np.testing.assert_allclose(turned(np.array(table["rotation"])), camera.rotation, atol=1e-9)


@pytest.mark.parametrize("angle", [0.0, 1e-6, 0.7, 2.5, np.pi - 1e-7, np.pi])
def test_rotation_vectors_are_right_at_all_angles(angle: float) -> None:
    axis = np.array([1.0, -2.0, 0.5])
    rotation = turned(angle * axis / np.linalg.norm(axis))
    np.testing.assert_allclose(turned(rotation_vector(rotation)), rotation, atol=1e-6)


@pytest.mark.parametrize("wrong", [{"n_cameras": 1}, {"n_cameras": 7}, {"offset": 0.1}, {"drop": 0.9}])
def test_impossible_rigs_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ParameterError, match=next(iter(wrong))):
        render_rig(HeadScript(1), **{"n_cameras": 2, **wrong})  # type: ignore[arg-type]
