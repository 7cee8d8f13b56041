"""NWB files of other tools, made by hand: what is read of them, and what is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mystax.errors import FormatError
from mystax.io.hdf5 import write_tree
from mystax.io.nwb.foreign import is_own, read_behaviour

pytestmark = pytest.mark.usefixtures("readers_here")

TIMES = np.arange(5) / 10.0


def kind(name: str) -> dict[str, str]:
    return {"neurodata_type": name}


def series(values: np.ndarray, unit: str = "pixels", kind_: str = "PoseEstimationSeries", **more: Any) -> Any:
    data = (values, {"unit": unit, "conversion": more.pop("conversion", 1.0)})
    return {"@": kind(kind_), "data": data, "timestamps": TIMES, **more}


def nwb(path: Path, behavior: dict[str, Any]) -> Path:
    """Write an NWB file with a module of behaviour."""
    write_tree(
        path,
        {
            "@": {"nwb_version": "2.7.0", **kind("NWBFile")},
            "processing": {"behavior": {"@": kind("ProcessingModule"), **behavior}},
        },
    )
    return path


def points(k: float, depth: int = 2) -> np.ndarray:
    return k + np.arange(5.0 * depth).reshape(5, depth)


def test_pose_of_one_camera_is_read_with_its_confidence(tmp_path: Path) -> None:
    sure = np.linspace(0, 1, 5)
    pose = {
        "@": kind("PoseEstimation"),
        "scorer": "net",
        "nose": series(points(1), confidence=sure),
        "ear": series(points(50)),
    }
    path = nwb(tmp_path / "a.nwb", {"PoseEstimation": pose})
    ((found,), notes) = read_behaviour(path)
    dataset = found.cameras[""]
    assert dataset["keypoint"].values.tolist() == ["ear", "nose"]
    assert np.array_equal(dataset["position"].values[:, :, 1, 0], points(1).astype(np.float32))
    assert dataset["confidence"].values[:, 1, 0] == pytest.approx(sure)
    assert np.isnan(dataset["confidence"].values[:, 0]).all()
    assert (dataset.attrs["scorer"], notes) == ("net", [])
    assert dataset["time"].values.tolist() == TIMES.tolist()


def test_start_and_rate_give_times(tmp_path: Path) -> None:
    one = series(points(0))
    del one["timestamps"]
    one["starting_time"] = (np.float64(2.0), {"rate": 4.0})
    path = nwb(tmp_path / "a.nwb", {"PoseEstimation": {"@": kind("PoseEstimation"), "nose": one}})
    ((found,), _) = read_behaviour(path)
    assert found.cameras[""]["time"].values.tolist() == [2, 2.25, 2.5, 2.75, 3]


def test_two_cameras_are_split_where_the_keypoints_name_them(tmp_path: Path) -> None:
    pose = {"@": kind("PoseEstimation"), "left": {"@": kind("Device")}, "right": {"@": kind("Device")}}
    pose |= {"left_nose": series(points(1)), "right_nose": series(points(7))}
    ((found,), _) = read_behaviour(nwb(tmp_path / "a.nwb", {"PoseEstimation": pose}))
    for camera, first in (("left", 1), ("right", 7)):
        assert found.cameras[camera]["keypoint"].values.tolist() == ["nose"]
        assert found.cameras[camera]["position"].values[0, 0, 0, 0] == first


def test_two_cameras_are_refused_where_nothing_tells_them_apart(tmp_path: Path) -> None:
    pose = {"@": kind("PoseEstimation"), "left": {"@": kind("Device")}, "right": {"@": kind("Device")}}
    pose["nose"] = series(points(1))
    with pytest.raises(FormatError, match="which camera"):
        read_behaviour(nwb(tmp_path / "a.nwb", {"PoseEstimation": pose}))


def test_third_number_in_a_picture_is_left_out_and_told(tmp_path: Path) -> None:
    pose = {"@": kind("PoseEstimation"), "nose": series(points(1, 3)), "ear": series(points(9))}
    ((found,), _) = read_behaviour(nwb(tmp_path / "a.nwb", {"PoseEstimation": pose}))
    assert "N304" in str(found.attributes["quality"])
    assert found.cameras[""]["position"].values[0, :, 1, 0].tolist() == [1, 2]


@pytest.mark.parametrize(("unit", "factor"), [("meters", 1000), ("millimeters", 1)])
def test_points_in_space_become_millimetres(tmp_path: Path, unit: str, factor: float) -> None:
    pose = {"@": kind("MultiCameraPoseEstimation"), "nose": series(points(1, 3), unit)}
    ((found,), _) = read_behaviour(nwb(tmp_path / "a.nwb", {"pose3d": pose}))
    assert found.analysis == "pose3d"
    assert found.cameras[""]["position"].values[0, :, 0, 0].tolist() == [factor, 2 * factor, 3 * factor]


def test_points_in_space_of_unknown_length_are_refused(tmp_path: Path) -> None:
    pose = {"@": kind("MultiCameraPoseEstimation"), "nose": series(points(1, 3), "cubits")}
    with pytest.raises(FormatError, match="cubits"):
        read_behaviour(nwb(tmp_path / "a.nwb", {"pose3d": pose}))


def test_keypoints_of_unlike_length_are_refused(tmp_path: Path) -> None:
    pose = {"@": kind("PoseEstimation"), "nose": series(points(1)), "ear": series(points(1)[:3])}
    with pytest.raises(FormatError, match="different numbers of rows"):
        read_behaviour(nwb(tmp_path / "a.nwb", {"PoseEstimation": pose}))


def test_keypoints_of_unlike_times_are_refused(tmp_path: Path) -> None:
    pose = {"@": kind("PoseEstimation"), "nose": series(points(1)), "ear": series(points(1))}
    pose["ear"]["timestamps"] = TIMES + 0.3
    with pytest.raises(FormatError, match="different times"):
        read_behaviour(nwb(tmp_path / "a.nwb", {"PoseEstimation": pose}))


def test_confidence_of_another_length_is_refused(tmp_path: Path) -> None:
    pose = {"@": kind("PoseEstimation"), "nose": series(points(1), confidence=np.ones(3))}
    pose["ear"] = series(points(1), confidence=np.ones(5))
    with pytest.raises(FormatError, match="different numbers of rows"):
        read_behaviour(nwb(tmp_path / "a.nwb", {"PoseEstimation": pose}))


def test_places_in_a_picture_told_in_a_length_are_refused(tmp_path: Path) -> None:
    pose = {"@": kind("PoseEstimation"), "nose": series(points(1), "meters")}
    with pytest.raises(FormatError, match="meters"):
        read_behaviour(nwb(tmp_path / "a.nwb", {"PoseEstimation": pose}))


def test_poses_of_one_name_in_several_folders_are_all_read(tmp_path: Path) -> None:
    def video(k: float) -> dict[str, Any]:
        return {
            "@": kind("NWBDataInterface"),
            "pose": {"@": kind("PoseEstimation"), "nose": series(points(k))},
        }

    ((found,), _) = read_behaviour(nwb(tmp_path / "a.nwb", {"one": video(1), "two": video(7)}))
    first = {name: float(one["position"].values[0, 0, 0, 0]) for name, one in found.cameras.items()}
    assert first == {"pose": 1, "two_pose": 7}


def test_units_of_points_in_space_are_each_points_own(tmp_path: Path) -> None:
    pose = {"@": kind("MultiCameraPoseEstimation"), "a": series(points(1, 3), "mm")}
    pose["b"] = series(points(1, 3), "cm")
    ((found,), _) = read_behaviour(nwb(tmp_path / "a.nwb", {"pose3d": pose}))
    assert found.cameras[""]["position"].values[0, 0, :, 0].tolist() == [1, 10]


def test_pupil_in_pixels_is_read_with_factor_and_place(tmp_path: Path) -> None:
    sizes = {
        "@": kind("PupilTracking"),
        "pupil_radius": series(np.arange(5.0), "px", "TimeSeries", conversion=2.0),
    }
    places = {"@": kind("EyeTracking"), "eye": series(points(4), "pixels", "SpatialSeries")}
    ((found,), _) = read_behaviour(nwb(tmp_path / "a.nwb", {"PupilTracking": sizes, "EyeTracking": places}))
    dataset = found.cameras[""]
    assert dataset["diameter"].values[:, 0].tolist() == [0, 4, 8, 12, 16]
    assert dataset["centre"].values[0, 0].tolist() == [4, 5]
    assert np.isnan(dataset["area"].values).all()


def test_second_pupil_is_told_and_not_mixed_with_the_first(tmp_path: Path) -> None:
    sizes = {
        "@": kind("PupilTracking"),
        "left_diameter": series(np.arange(5.0), "px", "TimeSeries"),
        "right_diameter": series(np.arange(5.0) + 7, "px", "TimeSeries"),
    }
    ((found,), _) = read_behaviour(nwb(tmp_path / "a.nwb", {"PupilTracking": sizes}))
    assert found.cameras[""]["diameter"].values[:, 0].tolist() == [0, 1, 2, 3, 4]
    assert "not used: right_diameter" in str(found.attributes["quality"])


def test_intervals_of_states_become_bouts_and_their_summary(tmp_path: Path) -> None:
    table = {
        "@": kind("TimeIntervals"),
        "start_time": np.array([0.0, 2.0, 3.0]),
        "stop_time": np.array([2.0, 3.0, 6.0]),
        "state": ["still", "run", "still"],
    }
    ((found,), _) = read_behaviour(nwb(tmp_path / "a.nwb", {"states": table}))
    dataset = found.cameras[""]
    assert dataset.attrs["state_names"] == ["run", "still"]
    assert dataset["bout_label"].values.tolist() == [2, 1, 2]
    assert dataset["occupancy_time"].values.tolist() == [1, 5]
    assert dataset["transition_count"].values.tolist() == [[0, 1], [1, 0]]


def test_states_of_numbers_are_told_apart_to_the_last_digit(tmp_path: Path) -> None:
    table = {
        "@": kind("TimeIntervals"),
        "start_time": np.arange(3.0),
        "stop_time": np.arange(3.0) + 1,
        "state": np.array([1.0, 1.5, 1.0]),
    }
    ((found,), _) = read_behaviour(nwb(tmp_path / "a.nwb", {"states": table}))
    assert found.cameras[""].attrs["state_names"] == ["1", "1.5"]
    assert found.cameras[""]["bout_label"].values.tolist() == [1, 2, 1]


def test_videos_and_neurons_are_told_and_nothing_known_is_refused(tmp_path: Path) -> None:
    content = {"v": {"@": kind("ImageSeries"), "external_file": ["face.mp4"]}, "u": {"@": kind("Units")}}
    with pytest.raises(FormatError, match="F804") as caught:
        read_behaviour(nwb(tmp_path / "a.nwb", content))
    assert "face.mp4" in caught.value.hint
    pose = {"@": kind("PoseEstimation"), "nose": series(points(1))}
    _, notes = read_behaviour(nwb(tmp_path / "b.nwb", {**content, "pose": pose}))
    assert len(notes) == 2


def test_link_to_another_file_is_refused(tmp_path: Path) -> None:
    import h5py

    path = nwb(tmp_path / "a.nwb", {})
    with h5py.File(path, "r+") as file:
        file["elsewhere"] = h5py.ExternalLink("/etc/passwd", "/x")
    with pytest.raises(FormatError, match="F803"):
        is_own(path)


def test_pose_behind_a_link_is_read_on_request_as_if_it_stood_there(tmp_path: Path) -> None:
    import h5py

    pose = {"@": kind("PoseEstimation"), "nose": series(points(1))}
    (tmp_path / "raw").mkdir()
    nwb(tmp_path / "raw" / "tracks.nwb", {"PoseEstimation": pose})
    path = nwb(tmp_path / "session.nwb", {})
    with h5py.File(path, "r+") as file:
        place = "processing/behavior/PoseEstimation"
        file[place] = h5py.ExternalLink("raw/tracks.nwb", f"/{place}")
        file["processing/again"] = h5py.ExternalLink("raw/tracks.nwb", "/processing")
    with pytest.raises(FormatError, match=r"F803.*--follow-links"):
        read_behaviour(path)
    assert not is_own(path, follow_links=True)
    ((found,), _) = read_behaviour(path, follow_links=True)
    assert np.array_equal(found.cameras[""]["position"].values[:, :, 0, 0], points(1).astype(np.float32))


def test_group_that_holds_itself_is_met_once(tmp_path: Path) -> None:
    import h5py

    path = nwb(
        tmp_path / "a.nwb", {"PoseEstimation": {"@": kind("PoseEstimation"), "nose": series(points(1))}}
    )
    with h5py.File(path, "r+") as file:
        file["processing/back"] = file["/"]
        file["processing/twice"] = file["processing/behavior"]
    ((found,), _) = read_behaviour(path)
    assert list(found.cameras) == [""]
