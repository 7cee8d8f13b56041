"""Poses as recordings: individuals apart, cameras joined, points in the order of their set."""

import numpy as np
import pytest
import xarray as xr

from mystax.analyses.states import StatesParams
from mystax.core.keypoints import KeypointSet
from mystax.engine.states.poses import arranged, identity_of, joined_cameras
from mystax.errors import FormatError, RecipeError

FACE = KeypointSet.load("mouse-face-13")
IDS = FACE.ids
N = 30


def pose(seed: int, *, shift: float = 0.0, individuals: int = 1) -> xr.Dataset:
    generator = np.random.default_rng(seed)
    values = generator.uniform(0, 99, (N, 2, 13, individuals))
    return xr.Dataset(
        {
            "position": (("time", "space", "keypoint", "individual"), values, {"units": "px"}),
            "confidence": (("time", "keypoint", "individual"), np.ones((N, 13, individuals))),
        },
        {
            "time": np.arange(N) / 30 + shift,
            "space": ["x", "y"],
            "keypoint": list(IDS),
            "individual": [f"m{k}" for k in range(individuals)],
        },
    )


def test_each_individual_is_a_recording_of_its_own() -> None:
    found = joined_cameras({"pose": pose(0, individuals=2)}, StatesParams(), None, "cage")
    assert [(item.name, item.individual) for item in found] == [("cage.m0", "m0"), ("cage.m1", "m1")]
    assert found[0].identity != found[1].identity


def test_unsure_and_unread_points_are_missing() -> None:
    dataset = pose(0)
    dataset["confidence"].values[3, 2] = 0.1
    dataset = dataset.assign(missing=("time", (np.arange(N) == 7).astype(np.uint8)))
    (found,) = joined_cameras({"pose": dataset}, StatesParams(min_confidence=0.3), None, "a")
    assert np.isnan(found.points[3, 2]).all()
    assert np.isnan(found.points[7]).all()
    assert np.isfinite(np.delete(found.points, [3, 7], axis=0)).all()


def test_points_in_space_are_judged_by_the_cameras_that_agree() -> None:
    generator = np.random.default_rng(4)
    residual, used = generator.uniform(0, 4, (N, 3, 13, 1)), np.ones((N, 3, 13, 1), np.int8)
    residual[5, 0, 2], used[5, 0, 2] = 80.0, 0  # an outlier of the first camera: the others agree
    residual[6, 0, 2], used[6, 0, 2] = np.nan, -1
    residual[6, 1:, 2] = 9.0  # the first does not see it, the others are far off
    residual[7, :, 2, 0] = [1.0, 4.0, 20.0]  # 8.3 px in the mean
    residual[8, :, 2, 0], used[8, :, 2] = [5.0, 8.0, 4.0], -1  # who agrees is not told: 5.7 px
    dims = ("time", "camera", "keypoint", "individual")
    dataset = pose(0).drop_vars(["position", "confidence"])
    dataset = dataset.assign_coords(space=["x", "y", "z"], camera=["a", "b", "c"])
    place = generator.uniform(0, 99, (N, 3, 13, 1))
    dataset["position"] = (("time", "space", "keypoint", "individual"), place, {"units": "mm"})
    dataset["residual"], dataset["used"] = (dims, residual), (dims, used)
    (found,) = joined_cameras({"pose3d": dataset}, StatesParams(max_residual=6), None, "a")
    missing = np.argwhere(np.isnan(found.points).any(2))
    assert missing.tolist() == [[6, 2], [7, 2]]


def test_everything_that_cameras_bring_is_in_the_content() -> None:
    poses = {"pose/left": pose(1), "pose/right": pose(2)}
    (found,) = joined_cameras(poses, StatesParams(), None, "a")
    (other,) = joined_cameras({**poses, "pose/right": pose(3)}, StatesParams(), None, "a")
    assert found.identity == other.identity  # frames of one recording are shared
    assert found.further != other.further


def test_only_one_individual_of_several_cameras_is_told() -> None:
    poses = {"pose/left": pose(1), "pose/right": pose(2, individuals=2)}
    (found,) = joined_cameras(poses, StatesParams(), None, "a")
    assert [item.text for item in found.flags] == ["camera right: only the first of 2 individuals is used"]


def test_cameras_are_joined_by_their_times() -> None:
    left, right = pose(1), pose(2, shift=1 / 30)
    (found,) = joined_cameras({"pose/left": left, "pose/right": right}, StatesParams(), None, "a")
    assert len(found.ids) == 26
    assert found.ids[0] == f"left__{IDS[0]}"
    assert found.ids[13] == f"right__{IDS[0]}"
    np.testing.assert_array_equal(found.points[:, 0], left["position"].values[:, :, 0, 0])
    np.testing.assert_array_equal(found.points[1:, 13], right["position"].values[:-1, :, 0, 0])
    assert np.isnan(found.points[0, 13:]).all()  # the right camera began a frame later


def test_cameras_of_any_name_are_joined() -> None:
    left, right = pose(1), pose(2)
    (found,) = joined_cameras({"pose/cam-1.a": left, "pose/cam 2": right}, StatesParams(), None, "a")
    assert (found.ids[0], found.ids[13]) == (f"cam_1_a__{IDS[0]}", f"cam_2__{IDS[0]}")
    assert found.keypoints is not None
    assert len(found.keypoints.rigid) == 2 * 3


def test_points_of_both_sides_find_their_set() -> None:
    names = [f"left.{name}" if name.startswith("eye") else name for name in IDS]
    (found,) = joined_cameras({"pose": pose(0).assign_coords(keypoint=names)}, StatesParams(), FACE, "a")
    assert list(found.ids) == names
    assert found.keypoints is not None
    assert "left.eye_back" in found.keypoints.rigid


def test_positions_without_time_are_refused() -> None:
    with pytest.raises(FormatError, match=r"F804.*no dimension 'time'"):
        joined_cameras({"pose": pose(0).rename(time="moment")}, StatesParams(), None, "a")


def test_points_come_in_the_order_of_the_set() -> None:
    points = np.arange(13.0)[None, :, None] * np.ones((2, 1, 2))
    names = list(IDS[::-1])
    found, subset, sd = arranged(points, names, KeypointSet.load("mouse-face-13"), np.arange(13.0), "a")
    assert subset.ids == IDS
    assert found[0, :, 0].tolist() == list(range(12, -1, -1))
    assert sd is not None
    assert sd.tolist() == list(range(12, -1, -1))


def test_names_of_another_set_are_refused_with_a_way_out() -> None:
    with pytest.raises(RecipeError, match=r"P403.*--map"):
        arranged(np.zeros((2, 3, 2)), ["a", "b", "c"], KeypointSet.load("mouse-face-13"), None, "a")


def test_identity_is_that_of_the_content() -> None:
    assert identity_of(pose(1)) == identity_of(pose(1))
    changed = pose(1)
    changed["position"].values[0, 0, 0, 0] += 1
    assert identity_of(changed) != identity_of(pose(1))
    assert identity_of(pose(1).assign_attrs(content_sha256="ab")) == "ab"
