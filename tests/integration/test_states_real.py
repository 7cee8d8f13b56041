"""States of the guide's own recording, and measures of published faces."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import mystax
from mystax.compute.hmm import HmmPrior, fit_hmm
from mystax.compute.hmm_frames import make_frames
from mystax.compute.hmm_search import model_from_labels, search_hmm
from mystax.compute.measures import measure_all
from mystax.core.keypoints import KeypointSet
from mystax.core.rotations import rotation_of
from mystax.engine.importing import ImportWishes, import_file
from mystax.io.formats.keypoint_files import read_keypoints
from tests.fixtures.face_tracks import SET

pytestmark = [pytest.mark.slow, pytest.mark.needs_data]


@pytest.fixture(scope="module")
def face(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> xr.Dataset:
    """The 450 frames of 21 points in space, with the names of the set."""
    place = tmp_path_factory.mktemp("guide") / "x.mystax"
    wishes = ImportWishes(rate=30.0, out=place)
    found: Any = import_file(real_data / "uqoab" / "pose-3d.csv", wishes)["pose-3d"]["pose3d"].load()
    return found


@pytest.fixture(scope="module")
def nine(face: xr.Dataset) -> xr.Dataset:
    found: Any = mystax.states(face, 9, keypoints=SET)
    return found


@pytest.mark.parametrize("n_states", [4, 6, 9])
@pytest.mark.parametrize("n_features", [5, 6])
def test_search_is_at_least_as_likely_as_200_restarts(
    nine: xr.Dataset, n_states: int, n_features: int
) -> None:
    cluster = pytest.importorskip("sklearn.cluster", reason='pip install "mystax[dev]"')
    values = nine["feature_value"].values[:, :n_features].astype(np.float64)
    frames = make_frames(values)
    found = search_hmm(frames, n_states).fit.log_likelihood
    best = -np.inf
    for seed in range(200):
        labels = cluster.KMeans(n_states, n_init=1, random_state=seed).fit(values).labels_
        start = model_from_labels(frames, labels.astype(np.int64), n_states, "full", HmmPrior())
        best = max(best, fit_hmm(frames, start).log_likelihood)
    assert found >= best - 1e-6 * abs(best)


def test_two_runs_are_equal_in_every_number(face: xr.Dataset, nine: xr.Dataset) -> None:
    again: Any = mystax.states(face, 9, keypoints=SET)
    for name in nine.data_vars:
        np.testing.assert_array_equal(again[name].values, nine[name].values, err_msg=str(name))


def test_unit_turn_and_place_change_no_label(face: xr.Dataset, nine: xr.Dataset) -> None:
    turn = rotation_of(np.array([0.4, -1.1, 0.7]))
    place = face["position"].transpose("time", "keypoint", "individual", "space")
    moved = 1000 * (place.values.astype(np.float64) @ turn.T) + [300.0, -50.0, 20.0]
    other = face.assign(position=(place.dims, moved, place.attrs))
    found: Any = mystax.states(other, 9, keypoints=SET)
    assert int((found["label"].values != nine["label"].values).sum()) == 0


def test_no_number_of_states_is_supported_and_that_is_said(face: xr.Dataset) -> None:
    found: Any = mystax.states(face, "auto", keypoints=SET)
    assert found.attrs["n_states"] == 1
    assert "N321" in found.attrs["quality"]
    assert found.attrs["verdict"].strip().endswith(".")


def test_eyes_of_published_faces_are_open_as_eyes_are(real_data: Path) -> None:
    points = KeypointSet.load("human-face-68")
    ratios = []
    for name in ("training", "testing"):
        table = read_keypoints(real_data / "human_faces" / f"{name}_with_face_landmarks.xml")
        place = table.position.reshape(-1, *table.position.shape[2:])
        place = place[np.isfinite(place).all((1, 2))]
        ids = [points.point(theirs).id for theirs in table.names]
        found = measure_all(
            points.measures, place.transpose(0, 2, 1), None, ids, np.arange(len(place)) / 30, "px"
        )
        plain = [key for key, item in points.measures.items() if item.kind != "speed"]
        assert all(np.isfinite(found[key].value).all() for key in plain)
        ratios.append(np.stack([found[f"eye_ratio_{side}"].value for side in ("left", "right")], axis=1))
    assert [len(item) for item in ratios] == [18, 25]
    together = np.concatenate(ratios)
    assert ((together >= 0) & (together <= 0.6)).all()
    assert ((np.median(together, axis=0) >= 0.2) & (np.median(together, axis=0) <= 0.3)).all()
