"""Tables that Element Facemap lacks: points in space, states, explained activity; equal to the outcomes."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mystax
from mystax.core.recording import ArraySource, Camera, Recording
from mystax.io.rig import rig_to_toml
from tests.fixtures.face_tracks import SET, write_face
from tests.fixtures.lab import FIRST, Lab, film
from tests.fixtures.rigs import moving_points, write_track
from tests.fixtures.sine_outcomes import publish_sines
from tests.integration.element.test_inference import model

pytestmark = pytest.mark.parametrize("lab", FIRST, indirect=True, scope="session")

N = 60


def write_views(folder: Path) -> np.ndarray:
    """Write tracks of two cameras and their calibration; return the true places (time, point, space)."""
    rig, _, truth, uv = moving_points(2, 100, N, outliers=0, missing=0)
    folder.mkdir(exist_ok=True)
    (folder / "calibration.toml").write_text(rig_to_toml(rig))
    for c in range(2):
        write_track(folder / f"cam{c}.csv", uv[c])
    return truth


def test_points_of_two_cameras_are_stored_in_space(lab: Lab) -> None:
    truth = write_views(lab.root / "space")
    session = lab.session()
    key = {**session, "set_id": 0}
    lab.be.MultiCameraRecording.insert1({**key, "calibration_path": "space/calibration.toml"})
    for number in range(2):
        film(lab.root / "space" / f"cam{number}.mkv", 4)
        own = {**session, "recording_id": number}
        lab.fbe.VideoRecording.insert1({**own, "device": f"cam{number}"})
        lab.fbe.VideoRecording.File.insert1({**own, "file_id": 0, "file_path": f"space/cam{number}.mkv"})
        lab.be.MultiCameraRecording.View.insert1({**key, "camera": f"cam{number}", "recording_id": number})
    tracks = {f"cam{c}": f"space/cam{c}.csv" for c in range(2)}
    task = {**key, "model_id": model(lab)}
    parameters = {"tracks": tracks, "rate": 100, "smooth": "none"}
    lab.be.Pose3DTask.insert1({**task, "parameters": parameters})
    assert lab.be.populate_all(task)["Pose3D"] == {"done": 1, "errors": [], "freed": 0}
    about = (lab.be.Pose3D & task).fetch1()
    outcome: Any = mystax.load(lab.root / about["provenance"]["path"])
    assert about["provenance"]["content_sha256"] == outcome.attrs["content_sha256"]
    assert (about["unit"], about["residual_median"] < 2) == ("mm", True)
    rows = {row["body_part"]: row for row in (lab.be.Pose3D.Keypoint & task).to_dicts()}
    for k in range(13):
        place = np.asarray(rows[f"p{k}"]["position"])
        np.testing.assert_array_equal(place, outcome["position"].values[:, :, k, 0])
        np.testing.assert_array_equal(
            np.asarray(rows[f"p{k}"]["confidence"]), outcome["confidence"].values[:, k, 0]
        )
        assert np.median(np.linalg.norm(place - truth[:, k], axis=1)) < 2


@pytest.mark.slow
def test_states_and_bouts_are_stored(lab: Lab) -> None:
    video = film(lab.root / "states" / "face.mkv", 4)
    write_face(lab.root / "states" / "face.csv", 1, n=240)
    key = {**lab.recording(video), "state_task_id": 0}
    parameters = {"n_states": 2, "rate": 30}
    recipe = {"inputs": "states/face.csv", "keypoints": SET, "parameters": parameters}
    lab.be.BehaviorStateTask.insert1({**key, "recipe": recipe})
    assert lab.be.populate_all(key)["BehaviorState"] == {"done": 1, "errors": [], "freed": 0}
    row = (lab.be.BehaviorState & key).fetch1()
    outcome: Any = mystax.load(lab.root / row["provenance"]["path"])
    label = np.asarray(row["label"])
    np.testing.assert_array_equal(label, outcome["label"].values)
    np.testing.assert_array_equal(np.asarray(row["posterior"]), outcome["posterior"].values)
    assert row["n_states"] == 2
    states = (lab.be.BehaviorState.State & key).to_dicts(order_by="state")
    for state in states:
        assert state["occupancy"] == pytest.approx((label == state["state"]).mean(), abs=1e-9)
    bouts = (lab.be.BehaviorState.Bout & key).to_dicts(order_by="bout")
    starts = np.flatnonzero(np.diff(label, prepend=label[0] - 1) != 0)
    assert [bout["state"] for bout in bouts] == label[starts].tolist()
    np.testing.assert_allclose([bout["start"] for bout in bouts], outcome["time"].values[starts], atol=0.02)


@pytest.mark.filterwarnings(
    "ignore:Mean of empty slice"
)  # `encoding` says it of a family that it did not fit
def test_explained_variance_is_stored_by_neuron(lab: Lab) -> None:
    folder = lab.root / "neural"
    video = film(folder / "face.mkv", 4)
    if not (folder / "outcomes").exists():
        write_brain(folder)
    key = {**lab.recording(video), "prediction_task_id": 0}
    parameters = {
        "model": "linear",
        "folds": 2,
        "null": "none",
        "parts": False,
        "lags": False,
        "scales": "one",
    }
    neural = {"clock": "npy:neural/stamps.npy", "signal": "deconvolved"}
    recipe = {"inputs": "neural/outcomes", "neural": neural, "parameters": parameters}
    lab.be.NeuralPredictionTask.insert1({**key, "neural_path": "neural/activity.npy", "recipe": recipe})
    assert lab.be.populate_all(key)["NeuralPrediction"] == {"done": 1, "errors": [], "freed": 0}
    row = (lab.be.NeuralPrediction & key).fetch1()
    outcome: Any = mystax.load(lab.root / row["outcome_path"])
    explained = outcome["explained_variance"]
    assert row["explained_variance"] == pytest.approx(float(explained.sel(model="stacked").mean()), abs=1e-6)
    ridge = float(explained.sel(model="lagged-ridge").mean())
    assert row["explained_variance_lagged_ridge"] == pytest.approx(ridge, abs=1e-6)
    neurons = (lab.be.NeuralPrediction.Neuron & key).to_dicts(order_by="neuron")
    assert [item["neuron"] for item in neurons] == list(range(12))
    np.testing.assert_array_equal(
        [item["explained_variance"] for item in neurons], explained.sel(model="stacked").values
    )


def write_brain(folder: Path) -> None:
    """Write outcomes of 200 s at 10 Hz, and twelve neurons that follow the motion."""
    from tests.fixtures.lab import motion_rois

    n = 2000
    frames = np.zeros((n, 64, 96), np.uint8)
    source = ArraySource(frames, 10)
    recording = Recording("face", {"face": Camera("face", source)})
    rng = np.random.default_rng(0)
    drive = np.convolve(rng.normal(size=n + 19), np.ones(20) / 20, "valid").astype(np.float32)
    publish_sines(
        folder / "outcomes", recording, motion_rois(1), kinds=("motion",), n_components=2, drive=drive
    )
    noise = rng.normal(size=(n, 12)) * drive.std() / 2
    activity = noise + drive[:, None]
    np.save(folder / "activity.npy", activity.astype(np.float32))
    np.save(folder / "stamps.npy", source.times)


def test_unknown_key_of_a_recipe_is_refused(lab: Lab) -> None:
    key = {**lab.recording(film(lab.root / "recipe" / "face.mkv", 4)), "state_task_id": 0}
    lab.be.BehaviorStateTask.insert1({**key, "recipe": {"input": "x.csv"}})
    ((_, text),) = lab.be.populate_all(key)["BehaviorState"]["errors"]
    assert text.startswith("P401 ")
    assert "'inputs'" in text


def test_recipe_that_names_no_outcomes_needs_one_task(lab: Lab) -> None:
    key = {**lab.recording(film(lab.root / "recipe" / "face.mkv", 4)), "state_task_id": 0}
    lab.be.BehaviorStateTask.insert1({**key, "recipe": {}})
    ((_, text),) = lab.be.populate_all(key)["BehaviorState"]["errors"]
    assert text.startswith("P403 recipe: it does not say which outcomes are meant")
