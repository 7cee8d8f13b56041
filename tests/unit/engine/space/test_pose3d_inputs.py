"""Tests of `mystax.engine.space.pose3d_inputs`: tracks and rig brought together, or refused."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from mystax.compute.projection import project_rig
from mystax.core.analysis import get_analysis
from mystax.core.events import Event
from mystax.core.keypoints import Keypoint, KeypointSet
from mystax.core.quality import Flag
from mystax.core.rig_model import RigModel
from mystax.engine.space.pose3d import pose3d
from mystax.engine.space.pose3d_inputs import Prepared, gathered_of, prepare
from mystax.engine.space.pose3d_request import Request3d
from mystax.errors import ParameterError, RecipeError, RoiError
from mystax.io.blank import pose_dataset
from mystax.io.fingerprint import quick_id
from mystax.io.provenance import Provenance
from mystax.io.rig import rig_to_toml
from tests.fixtures.rigs import SIZE, rig_of
from tests.fixtures.traces import quick_store

POINTS_OF = tuple(Keypoint(f"p{k}") for k in range(4))
POINTS = np.random.default_rng(3).uniform(-10, 10, (4, 3))


def track(path: Path, frames: list[int]) -> Path:
    """Two points whose places are told by the frame: (10 frame, 10 frame + 1), (10 frame + 2, ...)."""
    rows = [",".join(map(str, [frame, *(10 * frame + k for k in range(4))])) for frame in frames]
    path.write_text("\n".join(["frame,a_x,a_y,b_x,b_y", *rows]))
    return path


def pose(uv: np.ndarray, size: tuple[int, int] = SIZE) -> xr.Dataset:
    """A pose of one frame per point set: (time, keypoint, 2) pixels."""
    return xr.Dataset(
        {"position": (("time", "space", "keypoint", "individual"), uv.transpose(0, 2, 1)[..., None])},
        coords={
            "time": np.arange(len(uv)) / 10,
            "space": ["x", "y"],
            "keypoint": [f"p{k}" for k in range(uv.shape[1])],
            "individual": ["face"],
        },
        attrs={"frame_width": size[0], "frame_height": size[1]},
    )


def poses(rig: RigModel, size: tuple[int, int] = SIZE) -> dict[str, xr.Dataset]:
    """What the cameras see of fixed points, in three frames of a size."""
    factor = np.array(size) / SIZE
    uv = (project_rig(rig, POINTS) + 0.5) * factor - 0.5
    return {name: pose(np.tile(uv[c], (3, 1, 1)), size) for c, name in enumerate(rig.names)}


def kept(folder: Path, given: dict[str, xr.Dataset]) -> dict[str, Path]:
    """Publish each pose as an outcome of its own, all with one key; return their files."""
    files = {}
    for name, one in given.items():
        uv = one["position"].values[..., 0].transpose(0, 2, 1)
        names = one["keypoint"].values.tolist()
        outcome = pose_dataset(one["time"].values, names, uv, np.ones((len(uv), len(names))))
        outcome.attrs.update(one.attrs)
        about = Provenance("pose", 1, "ab" * 32, {}, [])
        files[name] = quick_store(folder / f"{name}.mystax").publish(outcome, about)
    return files


def prepared(found: Any, rig: Any, **wishes: Any) -> tuple[Prepared, list[Flag], list[Event]]:
    """Prepare, and return what was remarked and said too."""
    flags: list[Flag] = []
    events: list[Event] = []
    return prepare(found, rig, Request3d(**wishes), flags, events.append), flags, events


def test_frames_of_a_track_have_the_times_of_their_numbers(tmp_path: Path) -> None:
    both = {f"cam{c}": track(tmp_path / f"{c}.csv", [7, 2, 4, 4]) for c in range(2)}
    view = prepared(both, rig_of(2), rate=50.0)[0].views["cam0"]
    np.testing.assert_array_equal(view.frame, [2, 4, 7])
    np.testing.assert_allclose(view.times, np.array([2, 4, 7]) / 50)
    np.testing.assert_array_equal(view.position[:, :, 0, 0], [[20, 21], [40, 41], [70, 71]])
    np.testing.assert_array_equal(view.position[:, :, 1, 0], [[22, 23], [42, 43], [72, 73]])


def test_track_without_a_rate_is_refused(tmp_path: Path) -> None:
    both = {f"cam{c}": track(tmp_path / f"{c}.csv", [0, 1]) for c in range(2)}
    with pytest.raises(ParameterError, match="frame numbers, not times"):
        prepared(both, rig_of(2))


def test_camera_that_cannot_be_read_stays_in_the_rig(tmp_path: Path) -> None:
    rig = rig_of(3)
    given: dict[str, Any] = {**poses(rig), "cam1": tmp_path / "away.csv"}
    found, flags, _ = prepared(given, rig)
    assert found.used == ["cam0", "cam1", "cam2"]
    assert set(found.views) == {"cam0", "cam2"}
    assert [flag.code for flag in flags] == ["N315"]
    assert "cam1" in flags[0].text


def test_camera_of_the_rig_without_a_track_is_told() -> None:
    rig = rig_of(3)
    given = poses(rig)
    del given["cam0"]
    found, _, events = prepared(given, rig)
    assert found.rig.names == ("cam1", "cam2")
    assert found.reference == "cam1"
    assert [event.text for event in events] == ["camera cam0 of the rig is not used: it has no track"]


def test_offset_crop_and_side_reach_their_camera_only() -> None:
    rig = rig_of(2)
    found, _, _ = prepared(
        {
            name: one.assign_coords(keypoint=["eye_front", "nose_tip", "c", "d"])
            for name, one in poses(rig).items()
        },
        rig,
        offsets={"cam1": -0.25},
        crops={"cam1": (5.0, 6.0)},
        sides={"cam1": "right"},
    )
    np.testing.assert_allclose(found.views["cam0"].times, [0, 0.1, 0.2])
    np.testing.assert_allclose(found.views["cam1"].times, [-0.25, -0.15, -0.05])
    assert [camera.crop for camera in found.rig.cameras] == [rig.cameras[0].crop, (5.0, 6.0)]
    assert found.views["cam0"].names[:2] == ("eye_front", "nose_tip")
    assert found.views["cam1"].names[:2] == ("right.eye_front", "nose_tip")


def test_scaled_rig_sees_the_points_in_scaled_pictures() -> None:
    rig, half = rig_of(2), (SIZE[0] // 2, SIZE[1] // 2)
    given = poses(rig, half)
    model = prepared(given, rig, scale_rig=True)[0].rig
    seen = np.stack([given[name]["position"].values[0, :, :, 0].T for name in rig.names])
    np.testing.assert_allclose(project_rig(model, POINTS), seen, atol=1e-9)
    assert [camera.size for camera in model.cameras] == [half, half]


@pytest.mark.parametrize(
    ("size", "scale", "hint"),
    [((640, 512), False, "--scale-rig"), ((640, 480), True, "")],
    ids=["not asked for", "another shape"],
)
def test_rig_of_another_size_is_refused(size: tuple[int, int], scale: bool, hint: str) -> None:
    rig = rig_of(2)
    with pytest.raises(RoiError, match="another size") as refused:
        prepared(poses(rig, size), rig, scale_rig=scale)
    assert refused.value.code == "P402"
    assert (hint in refused.value.hint) if hint else not refused.value.hint


def test_size_of_the_pictures_is_read_from_files_too(tmp_path: Path) -> None:
    rig, half = rig_of(2), (SIZE[0] // 2, SIZE[1] // 2)
    given = poses(rig, half)
    files = kept(tmp_path, given)
    with pytest.raises(RoiError, match="another size"):
        prepared(files, rig)
    model = prepared(files, rig, scale_rig=True)[0].rig
    seen = np.stack([given[name]["position"].values[0, :, :, 0].T for name in rig.names])
    np.testing.assert_allclose(project_rig(model, POINTS), seen, atol=1e-9)


def cut_out(rig: RigModel, place: tuple[int, int], size: tuple[int, int]) -> dict[str, xr.Dataset]:
    """What the cameras see of the points in pictures cut out of the calibrated ones."""
    return {
        name: pose(np.tile(seen - np.array(place), (3, 1, 1)), size)
        for name, seen in zip(rig.names, project_rig(rig, POINTS), strict=True)
    }


@pytest.mark.parametrize("asked", [True, False], ids=["asked for", "in the rig"])
@pytest.mark.parametrize("size", [(700, 500), (640, 512)], ids=["another shape", "same shape"])
def test_pictures_cut_out_of_the_calibrated_ones_are_taken(size: tuple[int, int], asked: bool) -> None:
    rig, place = rig_of(2), (320.0, 250.0)
    given = cut_out(rig, (320, 250), size)
    if asked:
        model = prepared(given, rig, crops=dict.fromkeys(rig.names, place))[0].rig
    else:
        model = prepared(given, RigModel(tuple(replace(one, crop=place) for one in rig.cameras), {}))[0].rig
    seen = np.stack([one["position"].values[0, :, :, 0].T for one in given.values()])
    np.testing.assert_allclose(project_rig(model, POINTS), seen, atol=1e-9)


def test_one_camera_may_be_cut_out_and_another_scaled() -> None:
    rig = rig_of(2)
    half = (SIZE[0] // 2, SIZE[1] // 2)
    given = {"cam0": cut_out(rig, (320, 250), half)["cam0"], "cam1": poses(rig, half)["cam1"]}
    model = prepared(given, rig, crops={"cam0": (320.0, 250.0)}, scale_rig=True)[0].rig
    seen = np.stack([one["position"].values[0, :, :, 0].T for one in given.values()])
    np.testing.assert_allclose(project_rig(model, POINTS), seen, atol=1e-9)


@pytest.mark.parametrize("place", [(600.0, 250.0), (-1.0, 0.0)], ids=["to the right", "to the left"])
def test_pictures_that_reach_out_of_the_calibrated_ones_are_refused(place: tuple[float, float]) -> None:
    rig = rig_of(2)
    with pytest.raises(RoiError, match="another size") as refused:
        prepared(cut_out(rig, (320, 250), (700, 500)), rig, crops={"cam0": place})
    assert f"700 x 500 px at {place[0]:g}, {place[1]:g}" in str(refused.value)


def test_crop_of_the_rig_is_scaled_with_it() -> None:
    rig = rig_of(2)
    rig = RigModel(tuple(replace(one, crop=(100.0, 60.0)) for one in rig.cameras), {})
    given = poses(rig, (SIZE[0] // 2, SIZE[1] // 2))
    model = prepared(given, rig, scale_rig=True)[0].rig
    seen = np.stack([one["position"].values[0, :, :, 0].T for one in given.values()])
    np.testing.assert_allclose(project_rig(model, POINTS), seen, atol=1e-9)
    assert {one.crop for one in model.cameras} == {(50.0, 30.0)}


def test_one_camera_is_not_enough() -> None:
    rig = rig_of(2)
    with pytest.raises(ParameterError, match="two or more cameras"):
        prepared({"cam0": poses(rig)["cam0"]}, rig)


def test_reference_without_a_track_is_refused(tmp_path: Path) -> None:
    rig = rig_of(3)
    given: dict[str, Any] = {**poses(rig), "cam1": tmp_path / "away.csv"}
    with pytest.raises(RecipeError, match="the reference has no track"):
        prepared(given, rig, reference="cam1")


@pytest.mark.parametrize("given", [{}, 5, ["a.csv", "b.csv"]], ids=["nothing", "number", "list"])
def test_what_is_no_pose_is_refused(given: object) -> None:
    with pytest.raises(RecipeError, match="camera: pose or file"):
        prepared(given, rig_of(2))


def test_rig_is_read_from_its_file_and_points_are_gathered(tmp_path: Path) -> None:
    rig = rig_of(2)
    (tmp_path / "calibration.toml").write_text(rig_to_toml(rig))
    model, gathered = gathered_of(poses(rig), tmp_path / "calibration.toml", Request3d())
    np.testing.assert_allclose(model.rows(), rig.rows(), atol=1e-12)
    seen = project_rig(rig, POINTS)
    for k in range(len(POINTS)):
        uv = gathered.point(k, 0)[0]
        np.testing.assert_allclose(uv, np.repeat(seen[:, None, k], 3, axis=1), atol=1e-9)


def changed(one: xr.Dataset, what: str) -> xr.Dataset:
    """The pose with one thing changed."""
    one = one.copy(deep=True)
    if what == "place":
        one["position"][1, 0, 2] += 0.5
    elif what == "times":
        one = one.assign_coords(time=one["time"].values + 0.01)
    elif what == "frames":
        one = one.assign_coords(frame=("time", np.arange(5, 5 + one.sizes["time"])))
    elif what == "length":
        one = one.isel(time=slice(0, 2))
    elif what == "names":
        one = one.assign_coords(keypoint=[f"q{k}" for k in range(one.sizes["keypoint"])])
    elif what == "confidence":
        one["confidence"] = one["position"].isel(space=0, drop=True) * 0 + 0.5
    elif what == "set":
        one.attrs["keypoint_set"] = "another"
    return one


@pytest.mark.parametrize("what", ["place", "times", "frames", "length", "names", "confidence", "set"])
def test_identity_of_a_pose_is_that_of_its_content(what: str) -> None:
    rig = rig_of(2)
    given = {name: one.assign_attrs(key="ab" * 32) for name, one in poses(rig).items()}
    before = prepared(given, rig)[0].ids
    assert prepared({name: one.copy(deep=True) for name, one in given.items()}, rig)[0].ids == before
    after = prepared({**given, "cam1": changed(given["cam1"], what)}, rig)[0].ids
    assert after["cam0"] == before["cam0"]
    assert after["cam1"] != before["cam1"]


def test_identity_of_an_outcome_does_not_believe_its_key(tmp_path: Path) -> None:
    rig = rig_of(2)
    given = poses(rig)
    before = prepared(kept(tmp_path / "a", given), rig)[0].ids
    assert prepared(kept(tmp_path / "b", given), rig)[0].ids == before
    after = prepared(kept(tmp_path / "c", {**given, "cam0": changed(given["cam0"], "place")}), rig)[0].ids
    assert after["cam0"] != before["cam0"]


def test_identity_of_a_long_track_sees_every_row(tmp_path: Path) -> None:
    rig, places = rig_of(2), {name: tmp_path / f"{name}.csv" for name in ("cam0", "cam1")}
    rows = [f"{frame:06d},{frame % 97:0240d},1\n" for frame in range(18_000)]  # above 4 MiB
    for place in places.values():
        place.write_text(f"frame,a_x,a_y\n{''.join(rows)}")
    before, mark = prepared(places, rig, rate=100.0)[0].ids, quick_id(places["cam1"])
    rows[5400] = f"005400,{'9' * 3:0>240},1\n"
    places["cam1"].write_text(f"frame,a_x,a_y\n{''.join(rows)}")
    assert quick_id(places["cam1"]) == mark  # by samples it is the same file
    after = prepared(places, rig, rate=100.0)[0].ids
    assert after["cam0"] == before["cam0"]
    assert after["cam1"] != before["cam1"]


def test_outcome_of_other_points_is_made_anew(tmp_path: Path) -> None:
    rig = rig_of(2)
    given = poses(rig)
    made = pose3d(given, rig=rig, smooth="none", out=tmp_path)
    assert made.attrs["analysis_version"] == get_analysis("pose3d").version  # a step of it makes all anew
    cut = {name: one.isel(time=slice(0, 2)) for name, one in given.items()}
    assert pose3d(cut, rig=rig, smooth="none", out=tmp_path).sizes["time"] == made.sizes["time"] - 1


@pytest.mark.parametrize("wish", ["order", "reference"])
def test_outcome_stays_where_the_wish_says_the_same(tmp_path: Path, wish: str) -> None:
    rig = rig_of(3)
    given = {
        name: one.assign_attrs(keypoint_set="" if name == "cam0" else KeypointSet(name, POINTS_OF).to_toml())
        for name, one in poses(rig).items()
    }
    events: list[Event] = []
    first = pose3d(given, rig=rig, smooth="none", out=tmp_path)
    if wish == "order":
        given = {name: given[name] for name in ("cam2", "cam0", "cam1")}
    reference = "cam0" if wish == "reference" else ""
    second = pose3d(given, rig=rig, smooth="none", reference=reference, out=tmp_path, progress=events.append)
    assert not [event for event in events if event.kind == "outcome"]
    xr.testing.assert_identical(first, second)


def test_another_reference_is_another_outcome(tmp_path: Path) -> None:
    rig = rig_of(2)
    given = poses(rig)
    given["cam1"] = given["cam1"].assign_coords(time=given["cam1"]["time"].values + 0.001)
    times = [
        pose3d(given, rig=rig, smooth="none", reference=name, out=tmp_path)["time"].values[0]
        for name in ("cam0", "cam1")
    ]
    np.testing.assert_allclose(times, [0.0, 0.001], atol=1e-12)
