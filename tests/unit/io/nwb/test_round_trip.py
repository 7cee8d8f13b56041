"""Outcomes of known content through NWB: read by the NWB library, then put together by mystax, nothing differs."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mystax.io.nwb import library
from mystax.io.nwb.reader import read_outcomes
from mystax.io.nwb.writer import NwbOptions, write_nwb
from mystax.io.outcome_parts import publish_parts
from mystax.io.recorded import find_recorded
from mystax.io.store import Store
from tests.fixtures.exchange_outcomes import KINDS, contents, known_outcome, publish_known

pytestmark = [pytest.mark.extra("nwb"), pytest.mark.usefixtures("readers_here")]

pytest.importorskip("pynwb", reason='pip install "mystax[nwb]"')

START = datetime(2024, 3, 1, 10, tzinfo=UTC)


def exported(tmp_path: Path, *analyses: str, **more: Any) -> Path:
    """Publish known outcomes and write them as an NWB file."""
    folder = publish_known(tmp_path / "face.mystax", *analyses, **more)
    return write_nwb(tmp_path / "face.nwb", find_recorded([folder]), NwbOptions(start=START))


def opened(path: Path) -> Any:
    """Open a file with the NWB library alone."""
    with library.quiet():
        return library.pynwb().NWBHDF5IO(str(path), "r", load_namespaces=True)


def back(path: Path, folder: Path) -> Path:
    """Import a file again."""
    for one in read_outcomes(path):
        publish_parts(Store(folder), one.parts)
    return folder


def values_equal(stored: Any, wanted: np.ndarray) -> bool:
    found = np.asarray(stored)
    return found.dtype == wanted.dtype and np.array_equal(found, wanted, equal_nan=wanted.dtype.kind == "f")


@pytest.mark.parametrize("analysis", KINDS)
@pytest.mark.parametrize("cameras", [(), ("left", "right")], ids=["one camera", "two cameras"])
def test_every_kind_comes_back_with_the_digest_that_it_left_with(
    tmp_path: Path, analysis: str, cameras: tuple[str, ...]
) -> None:
    path = exported(tmp_path, analysis, cameras=cameras)
    assert contents(back(path, tmp_path / "back")) == contents(tmp_path / "face.mystax")


def test_uneven_times_come_back_with_every_bit(tmp_path: Path) -> None:
    times = np.cumsum(np.random.default_rng(0).uniform(0.01, 0.05, 24))
    path = exported(tmp_path, "motion", "pupil", times=times)
    assert contents(back(path, tmp_path / "back")) == contents(tmp_path / "face.mystax")
    with opened(path) as file:
        behavior = file.read().processing["behavior"]
        series = behavior["motion"]["motion_energy_nose"]
        other = behavior["PupilTracking"]["pupil_area_nose"]
        assert values_equal(series.timestamps[:], times)
        assert other.timestamps.name == series.timestamps.name  # one array for all


def test_times_of_a_ratio_stand_as_start_and_rate(tmp_path: Path) -> None:
    times = np.arange(24) * 1001 / 30000
    path = exported(tmp_path, "motion", times=times)
    with opened(path) as file:
        series = file.read().processing["behavior"]["motion"]["motion_energy_nose"]
        assert series.timestamps is None
        assert series.rate == pytest.approx(30000 / 1001, abs=1e-12)
        assert series.starting_time == 0


def test_motion_of_each_region_is_a_series_of_its_own(tmp_path: Path) -> None:
    outcome = known_outcome("motion")
    with opened(exported(tmp_path, "motion")) as file:
        motion = file.read().processing["behavior"]["motion"]
        for k, roi in enumerate(("nose", "left-eye")):
            series = motion[f"motion_energy_{roi}"]
            assert values_equal(series.data[:], outcome["energy"].values[:, k])
            assert series.unit == "grey_level"


def test_component_k_is_column_k_of_scores_and_row_k_of_masks(tmp_path: Path) -> None:
    outcome = known_outcome("svd")
    with opened(exported(tmp_path, "svd")) as file:
        behavior = file.read().processing["behavior"]
        for r, roi in enumerate(("nose", "left-eye")):
            scores = behavior[f"svd_motion_{roi}_scores"]
            table = behavior[f"svd_motion_{roi}"]
            for k in range(5):
                assert values_equal(scores.data[:, k], outcome["motion_svd"].values[:, r, k])
                assert values_equal(table["image_mask"].data[k], outcome["motion_mask"].values[r, k])
                assert table["singular_value"].data[k] == outcome["motion_singular_value"].values[r, k]


def test_motion_and_movie_components_stand_side_by_side(tmp_path: Path) -> None:
    outcome = known_outcome("svd")
    with opened(exported(tmp_path, "svd")) as file:
        behavior = file.read().processing["behavior"]
        for kind in ("motion", "movie"):
            scores = behavior[f"svd_{kind}_nose_scores"].data[:]
            assert values_equal(scores, outcome[f"{kind}_svd"].values[:, 0])


def test_pupil_has_sizes_and_a_place_in_pixels(tmp_path: Path) -> None:
    outcome = known_outcome("pupil")
    with opened(exported(tmp_path, "pupil")) as file:
        behavior = file.read().processing["behavior"]
        area = behavior["PupilTracking"]["pupil_area_nose"]
        centre = behavior["EyeTracking"]["pupil_centre_left-eye"]
        assert values_equal(area.data[:], outcome["area"].values[:, 0])
        assert (area.unit, centre.unit) == ("px2", "pixels")
        assert values_equal(centre.data[:], outcome["centre"].values[:, 1])
        assert "centre of the top left pixel" in centre.reference_frame


def test_blinks_are_intervals_and_closure_is_one_less_openness(tmp_path: Path) -> None:
    outcome = known_outcome("blink")
    with opened(exported(tmp_path, "blink")) as file:
        behavior = file.read().processing["behavior"]
        blinks = behavior["blinks"]
        assert values_equal(blinks["start_time"].data[:], outcome["event_start"].values)
        assert values_equal(blinks["depth"].data[:], outcome["event_depth"].values)
        assert list(blinks["roi"].data[:]) == ["nose", "left eye", "nose"]
        closed = behavior["blink_closure_left-eye"].data[:]
        openness = outcome["openness"].values[:, 1]
        assert np.allclose(closed, np.minimum(1, np.maximum(0, 1 - openness)))


def test_pose_has_a_series_per_keypoint_with_its_confidence(tmp_path: Path) -> None:
    outcome = known_outcome("pose")
    with opened(exported(tmp_path, "pose", cameras=("left", "right"))) as file:
        behavior = file.read().processing["behavior"]
        pose = behavior["pose_left"]
        for k, name in enumerate(("nose_tip", "eye_front", "eye_back")):
            series = pose[name]
            assert values_equal(series.data[:], outcome["position"].values[:, :, k, 0])
            assert values_equal(series.confidence[:], outcome["confidence"].values[:, k, 0])
        assert list(pose.skeleton.nodes) == ["nose_tip", "eye_front", "eye_back"]
        assert pose.device.name == "left"


def test_points_in_space_are_millimetres(tmp_path: Path) -> None:
    outcome = known_outcome("pose3d")
    with opened(exported(tmp_path, "pose3d")) as file:
        behavior = file.read().processing["behavior"]
        series = behavior["pose3d"]["eye_front"]
        assert series.unit == "millimeters"
        assert values_equal(series.data[:], outcome["position"].values[:, :, 1, 0])
        residual = behavior["pose3d_residual"].data[:]
        assert values_equal(residual, outcome["residual"].values)


def test_bouts_of_states_are_intervals_and_their_summary_a_table(tmp_path: Path) -> None:
    outcome = known_outcome("states")
    with opened(exported(tmp_path, "states")) as file:
        behavior = file.read().processing["behavior"]
        bouts = behavior["behavior_states"]
        assert values_equal(bouts["state"].data[:], outcome["bout_label"].values)
        assert values_equal(bouts["probability"].data[:], outcome["bout_posterior"].values)
        assert values_equal(behavior["states_posterior"].data[:], outcome["posterior"].values)
        assert values_equal(behavior["states_summary"]["dwell_median"].data[:], outcome["dwell_median"].values)
        counts = behavior["states_transitions"]["transition_count"].data[:]
        assert values_equal(counts, outcome["transition_count"].values)


def test_encoding_has_a_row_per_neuron_and_a_column_per_model(tmp_path: Path) -> None:
    outcome = known_outcome("encoding")
    with opened(exported(tmp_path, "encoding")) as file:
        behavior = file.read().processing["behavior"]
        neurons = behavior["encoding_neurons"]
        for k, model in enumerate(("lagged-ridge", "stacked")):
            column = neurons[f"explained_variance_{model}"].data[:]
            assert values_equal(column, outcome["explained_variance"].values[k])
        assert list(neurons["neuron"].data[:]) == [3, 5, 8, 13]
        assert values_equal(behavior["encoding_prediction"].data[:], outcome["prediction"].values)
        blocks = behavior["encoding_test_blocks"]
        assert values_equal(blocks["start_time"].data[:], outcome["block_start"].values)
        assert (blocks["stop_time"].data[:] > blocks["start_time"].data[:]).all()


def test_frames_that_are_missing_are_told_where_numbers_cannot_be_missing(tmp_path: Path) -> None:
    with opened(exported(tmp_path, "motion")) as file:
        valid = file.read().processing["behavior"]["motion_valid"]
        assert np.flatnonzero(~np.asarray(valid.data[:], bool)).tolist() == [3]


def test_mean_pictures_are_images(tmp_path: Path) -> None:
    outcome = known_outcome("motion")
    with opened(exported(tmp_path, "motion")) as file:
        pictures = file.read().processing["behavior"]["reference_images"]
        assert values_equal(pictures["motion_mean_frame"].data[:], outcome["mean_frame"].values)


def test_file_says_what_it_holds_in_plain_columns(tmp_path: Path) -> None:
    path = exported(tmp_path, "motion", "pupil")
    with opened(path) as file:
        table = file.read().processing["behavior"]["mystax_outcomes"]
        assert list(table["analysis"].data[:]) == ["motion", "pupil"]
        assert list(table["content_sha256"].data[:]) == list(contents(tmp_path / "face.mystax").values())
        assert list(table["quality"].data[:]) == ["N302", "N302"]
        assert table["coverage"].data[0] == 0.75


def test_same_export_has_the_same_identifier(tmp_path: Path) -> None:
    with opened(exported(tmp_path, "motion")) as file:
        first = file.read().identifier
    write_nwb(
        tmp_path / "again.nwb", find_recorded([tmp_path / "face.mystax"]), NwbOptions(start=START, verify=False)
    )
    with opened(tmp_path / "again.nwb") as file:
        assert file.read().identifier == first
        assert len(first) == 32
