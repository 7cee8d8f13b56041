"""NWB files read by the NWB library alone: every number stands where the mapping says."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from mystax.errors import ParameterError, RecipeError
from mystax.io.nwb import library
from mystax.io.nwb.options import NwbOptions
from mystax.io.nwb.reader import read_outcomes
from mystax.io.nwb.writer import write_nwb
from mystax.io.outcome_parts import publish_parts
from mystax.io.provenance import Provenance
from mystax.io.recorded import find_recorded
from mystax.io.store import Store
from tests.fixtures.exchange_outcomes import contents, known_outcome, publish_known
from tests.unit.io.nwb.conftest import START, Exported
from tests.unit.io.nwb.test_videos import film

pytestmark = pytest.mark.extra("nwb")


@pytest.fixture(scope="module")
def behavior(one_camera: Exported) -> Iterator[Any]:
    """The module of an NWB file, opened by the NWB library."""
    with library.quiet(), library.pynwb().NWBHDF5IO(str(one_camera.path), "r", load_namespaces=True) as file:
        yield file.read().processing["behavior"]


def same(stored: Any, wanted: np.ndarray) -> bool:
    found = np.asarray(stored)
    return found.dtype == wanted.dtype and np.array_equal(found, wanted, equal_nan=wanted.dtype.kind == "f")


def test_motion_of_each_region_is_a_series_of_its_own(behavior: Any) -> None:
    outcome = known_outcome("motion")
    for k, roi in enumerate(("nose", "left-eye")):
        series = behavior["motion"][f"motion_energy_{roi}"]
        assert same(series.data[:], outcome["energy"].values[:, k])
        assert series.unit == "grey_level"


def test_component_k_is_column_k_of_scores_and_row_k_of_masks(behavior: Any) -> None:
    outcome = known_outcome("svd")
    for r, roi in enumerate(("nose", "left-eye")):
        scores, table = behavior[f"svd_motion_{roi}_scores"], behavior[f"svd_motion_{roi}"]
        for k in range(5):
            assert same(scores.data[:, k], outcome["motion_svd"].values[:, r, k])
            assert same(table["image_mask"].data[k], outcome["motion_mask"].values[r, k])
        assert same(table["singular_value"].data[:], outcome["motion_singular_value"].values[r])


def test_motion_and_movie_components_stand_side_by_side(behavior: Any) -> None:
    outcome = known_outcome("svd")
    for kind in ("motion", "movie"):
        assert same(behavior[f"svd_{kind}_nose_scores"].data[:], outcome[f"{kind}_svd"].values[:, 0])


@pytest.mark.usefixtures("readers_here")
def test_components_without_their_shares_are_written_and_come_back(tmp_path: Path) -> None:
    """Facemap's files tell no captured variance; others keep no masks."""
    outcome = known_outcome("svd").drop_vars(["motion_captured", "movie_captured", "movie_mask"])
    key = "0" * 64
    Store(tmp_path / "face.mystax").publish(outcome, Provenance("svd", 1, key, {}, []))
    path = write_nwb(
        tmp_path / "face.nwb", find_recorded([tmp_path / "face.mystax"]), NwbOptions(start=START)
    )
    (found,) = read_outcomes(path)
    publish_parts(Store(tmp_path / "back"), found.parts)
    assert contents(tmp_path / "back") == contents(tmp_path / "face.mystax")
    with h5py.File(path) as file:
        for roi in ("nose", "left-eye"):
            names = ["singular_value", "image_mask", "downsampling_factor", "mask_coordinates"]
            table = file[f"processing/behavior/svd_motion_{roi}"]
            assert list(table.attrs["colnames"]) == [*names, "processed_frame_dimension"]
            assert list(file[f"processing/behavior/svd_movie_{roi}"].attrs["colnames"]) == names[:1]


def test_pupil_has_sizes_and_a_place_in_pixels(behavior: Any) -> None:
    outcome = known_outcome("pupil")
    area = behavior["PupilTracking"]["pupil_area_nose"]
    centre = behavior["EyeTracking"]["pupil_centre_left-eye"]
    assert same(area.data[:], outcome["area"].values[:, 0])
    assert (area.unit, centre.unit) == ("px2", "pixels")
    assert same(centre.data[:], outcome["centre"].values[:, 1])
    assert "centre of the top left pixel" in centre.reference_frame


def test_blinks_are_intervals_and_closure_is_one_less_openness(behavior: Any) -> None:
    outcome = known_outcome("blink")
    blinks = behavior["blinks"]
    assert same(blinks["start_time"].data[:], outcome["event_start"].values)
    assert same(blinks["depth"].data[:], outcome["event_depth"].values)
    assert list(blinks["roi"].data[:]) == ["nose", "left eye", "nose"]
    closed = behavior["blink_closure_left-eye"].data[:]
    assert np.allclose(closed, np.minimum(1, np.maximum(0, 1 - outcome["openness"].values[:, 1])))


def test_pose_has_a_series_per_keypoint_with_its_confidence(behavior: Any) -> None:
    outcome = known_outcome("pose")
    pose = behavior["pose"]
    for k, name in enumerate(("nose_tip", "eye_front", "eye_back")):
        assert same(pose[name].data[:], outcome["position"].values[:, :, k, 0])
        assert same(pose[name].confidence[:], outcome["confidence"].values[:, k, 0])
    assert list(pose.skeleton.nodes) == ["nose_tip", "eye_front", "eye_back"]


def test_points_in_space_are_millimetres(behavior: Any) -> None:
    outcome = known_outcome("pose3d")
    series = behavior["pose3d"].pose_estimation_series["eye_front"]
    assert series.unit == "millimeters"
    assert same(series.data[:], outcome["position"].values[:, :, 1, 0])
    assert same(behavior["pose3d_residual"].data[:], outcome["residual"].values)


def test_bouts_of_states_are_intervals_and_their_summary_a_table(behavior: Any) -> None:
    outcome = known_outcome("states")
    bouts = behavior["behavior_states"]
    assert same(bouts["state"].data[:], outcome["bout_label"].values)
    assert same(bouts["probability"].data[:], outcome["bout_posterior"].values)
    assert same(behavior["states_posterior"].data[:], outcome["posterior"].values)
    assert same(behavior["states_summary"]["dwell_median"].data[:], outcome["dwell_median"].values)
    counts = behavior["states_transitions"]["transition_count"].data[:]
    assert same(counts, outcome["transition_count"].values)


def test_encoding_has_a_row_per_neuron_and_a_column_per_model(behavior: Any) -> None:
    outcome = known_outcome("encoding")
    neurons = behavior["encoding_neurons"]
    for k, model in enumerate(("lagged-ridge", "stacked")):
        assert same(neurons[f"explained_variance_{model}"].data[:], outcome["explained_variance"].values[k])
    assert list(neurons["neuron"].data[:]) == [3, 5, 8, 13]
    assert same(behavior["encoding_prediction"].data[:], outcome["prediction"].values)
    blocks = behavior["encoding_test_blocks"]
    assert same(blocks["start_time"].data[:], outcome["block_start"].values)
    assert (blocks["stop_time"].data[:] > blocks["start_time"].data[:]).all()


def test_frames_that_are_missing_are_told_where_numbers_cannot_be_missing(behavior: Any) -> None:
    valid = np.asarray(behavior["motion_valid"].data[:], bool)
    assert np.flatnonzero(~valid).tolist() == [3]


def test_mean_pictures_are_images(behavior: Any) -> None:
    picture = behavior["reference_images"]["motion_mean_frame"].data[:]
    assert same(picture, known_outcome("motion")["mean_frame"].values)


def test_regular_times_stand_as_start_and_rate(behavior: Any) -> None:
    series = behavior["motion"]["motion_energy_nose"]
    assert series.timestamps is None
    assert (series.starting_time, series.rate) == (1.0, 30.0)


def test_file_says_what_it_holds_in_plain_columns(behavior: Any, one_camera: Exported) -> None:
    table = behavior["mystax_outcomes"]
    known = contents(one_camera.folder)
    assert dict(zip(table["analysis"].data[:], table["content_sha256"].data[:], strict=True)) == known
    assert set(table["quality"].data[:]) == {"N302"}
    assert table["coverage"].data[0] == 0.75


def test_uneven_times_are_stored_once_and_linked(tmp_path: Path) -> None:
    times = np.cumsum(np.random.default_rng(0).uniform(0.01, 0.05, 24))
    folder = publish_known(tmp_path / "face.mystax", "motion", "pupil", times=times)
    path = write_nwb(tmp_path / "face.nwb", find_recorded([folder]), NwbOptions(start=START))
    with library.quiet(), library.pynwb().NWBHDF5IO(str(path), "r", load_namespaces=True) as file:
        module = file.read().processing["behavior"]
        first = module["motion"]["motion_energy_nose"].timestamps
        other = module["PupilTracking"]["pupil_area_nose"].timestamps
        assert same(first[:], times)
        assert first.id == other.id


def test_frames_without_a_time_have_one_in_the_series_and_none_in_the_outcome(tmp_path: Path) -> None:
    """As a clock of fewer pulses than frames leaves them; the inspector refuses times that are NaN."""
    times = 5 + np.arange(24) / 32
    times[8:] += 0.5
    known = times.copy()
    known[[0, 11, 22, 23]] = np.nan
    folder = publish_known(tmp_path / "face.mystax", "motion", times=known)
    wishes = NwbOptions(start=START, check=True)
    path = write_nwb(tmp_path / "face.nwb", find_recorded([folder]), wishes)
    with library.quiet(), library.pynwb().NWBHDF5IO(str(path), "r", load_namespaces=True) as file:
        series = file.read().processing["behavior"]["motion"]["motion_energy_nose"]
        np.testing.assert_allclose(series.timestamps[:], times, atol=1e-9)
    (found,) = read_outcomes(path)
    assert same(found.parts.cameras[""]["time"].values, known)


def test_the_inspector_needs_no_file_system_with_links(
    one_camera: Exported, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: Any) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr("os.link", refused)
    wishes = NwbOptions(start=START, check=True)
    write_nwb(tmp_path / "face.nwb", find_recorded([one_camera.folder]), wishes)
    assert [path.name for path in tmp_path.iterdir()] == ["face.nwb"]


def test_file_that_exists_is_replaced_only_when_asked(one_camera: Exported) -> None:
    before = one_camera.path.read_bytes()
    with pytest.raises(RecipeError, match="P403"):
        write_nwb(one_camera.path, find_recorded([one_camera.folder]), NwbOptions(start=START))
    assert one_camera.path.read_bytes() == before


def test_without_a_start_and_without_videos_the_export_is_refused(
    one_camera: Exported, tmp_path: Path
) -> None:
    with pytest.raises(ParameterError, match="P401 --start"):
        write_nwb(tmp_path / "new.nwb", find_recorded([one_camera.folder]))
    assert not list(tmp_path.iterdir())


def test_large_arrays_go_block_by_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mystax.io.nwb import build, objects

    monkeypatch.setattr(build, "SMALL", 0)
    monkeypatch.setattr(build, "HELD_BYTES", 0)
    monkeypatch.setattr(objects, "BLOCK_BYTES", 100)
    folder = publish_known(tmp_path / "face.mystax", "svd")
    path = write_nwb(tmp_path / "face.nwb", find_recorded([folder]), NwbOptions(start=START))
    with library.quiet(), library.pynwb().NWBHDF5IO(str(path), "r", load_namespaces=True) as file:
        scores = file.read().processing["behavior"]["svd_motion_left-eye_scores"].data
        assert same(scores[:], known_outcome("svd")["motion_svd"].values[:, 1])
        assert scores.compression == "gzip"
        assert scores.fletcher32


def test_points_in_space_link_the_poses_of_their_cameras(two_cameras: Exported) -> None:
    with library.quiet(), library.pynwb().NWBHDF5IO(str(two_cameras.path), "r", load_namespaces=True) as file:
        module = file.read().processing["behavior"]
        space = next(
            item
            for name, item in module.data_interfaces.items()
            if name.startswith("pose3d") and hasattr(item, "pose_estimations")
        )
        assert sorted(space.pose_estimations) == ["pose_left", "pose_right"]
        assert space.pose_estimations["pose_left"].device.name == "left"


def test_pose_of_the_only_camera_links_its_device_and_its_video(tmp_path: Path) -> None:
    film(tmp_path / "a.mp4", 6)
    files = {"left": [str(tmp_path / "a.mp4")]}
    folder = publish_known(tmp_path / "face.mystax", "pose", files=files)
    path = write_nwb(tmp_path / "face.nwb", find_recorded([folder]), NwbOptions(start=START))
    with library.quiet(), library.pynwb().NWBHDF5IO(str(path), "r", load_namespaces=True) as file:
        made = file.read()
        pose = made.processing["behavior"]["pose"]
        assert list(made.devices) == [pose.device.name] == ["left"]
        assert pose.source_video.name == "video_left"


@pytest.mark.usefixtures("readers_here")
def test_names_in_any_script_stay_apart_and_come_back(tmp_path: Path) -> None:
    names: dict[str, Any] = {"keypoint": ["左目", "右目", "nose tip", "nose-tip"], "roi": ["Näse", "Nüse"]}
    folder = publish_known(tmp_path / "face.mystax", "pose", "motion", **names)
    path = write_nwb(tmp_path / "face.nwb", find_recorded([folder]), NwbOptions(start=START))
    for one in read_outcomes(path):
        publish_parts(Store(tmp_path / "back"), one.parts)
    assert contents(tmp_path / "back") == contents(folder)
    with library.quiet(), library.pynwb().NWBHDF5IO(str(path), "r", load_namespaces=True) as file:
        pose = file.read().processing["behavior"]["pose"]
        assert list(pose.skeleton.nodes) == names["keypoint"]
        told = [one.description for one in pose.pose_estimation_series.values()]
        assert sorted(told) == sorted(f"Place of {name}." for name in names["keypoint"])
