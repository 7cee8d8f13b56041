"""What the page gets of an outcome: whole variables and blocks of points, as they lie in the file."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from xarray import Dataset

from mystax.app.envelope import unpack
from mystax.core.analysis import get_analysis
from mystax.core.keypoints import KeypointSet
from mystax.io.outcomes import load
from mystax.io.provenance import Provenance
from mystax.io.store import Store
from tests.fixtures.asgi import Application
from tests.fixtures.exchange_outcomes import SIZES, known_outcome, publish_known

POINTS = ["eye_front", "eye_top", "eye_back"]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = publish_known(tmp_path_factory.mktemp("known") / "face.mystax", "states", "motion")
    dataset = known_outcome("pose", keypoint=POINTS)
    dataset.attrs["keypoint_set"] = KeypointSet.load("mouse-face-13").to_toml()
    inputs = [{"role": "frames", "camera": "left", "position": 0, "id": "x"}]
    Store(folder).publish(
        dataset, Provenance("pose", get_analysis("pose").version, "f" * 64, {}, inputs, 1.0)
    )
    return folder


@pytest.fixture(scope="module")
def app(place: Path) -> Application:
    return Application(place.parent)


def id_of(app: Application, analysis: str) -> str:
    (row,) = app.get("/api/recordings")
    outcomes = app.get(f"/api/recordings/{row['id']}")["outcomes"]
    return str(next(one["id"] for one in outcomes if one["analysis"] == analysis))


def values_of(app: Application, analysis: str, variable: str) -> tuple[np.ndarray, dict[str, Any]]:
    answer = app.ask(f"/api/outcomes/{id_of(app, analysis)}/values?var={variable}")
    assert answer.status == 200, answer
    arrays, header = unpack(answer.body)
    return arrays["values"], header


def test_a_variable_comes_as_it_lies_in_the_file(app: Application) -> None:
    found, header = values_of(app, "states", "transition_count")
    wanted = known_outcome("states")["transition_count"]
    np.testing.assert_array_equal(found, wanted.values)
    assert found.dtype == wanted.dtype
    assert header["dims"] == list(wanted.dims)


def test_missing_values_stay_missing(app: Application) -> None:
    wanted = known_outcome("motion")["energy"]
    found, header = values_of(app, "motion", "energy")
    assert np.isnan(wanted.values).any(), "nothing would be tested"
    np.testing.assert_array_equal(found, wanted.values)
    assert header["unit"] == wanted.attrs["units"]


def test_labels_name_the_places_of_a_variable(app: Application) -> None:
    _, header = values_of(app, "motion", "energy")
    assert header["labels"]["roi"] == SIZES["roi"]
    _, header = values_of(app, "states", "transition_count")
    assert header["labels"]["state"] == ["1", "2"]


@pytest.mark.parametrize("name", ["nothing", "../motion", "time"])
def test_a_name_that_is_no_variable_is_not_found(name: str, app: Application) -> None:
    answer = app.ask(f"/api/outcomes/{id_of(app, 'motion')}/values?var={name}")
    assert (answer.status, answer.json()["code"]) == (404, "W903")


def test_a_long_variable_is_not_given_whole(tmp_path: Path) -> None:
    publish_known(tmp_path / "long.mystax", "motion", times=np.arange(50_001) / 30.0)
    app = Application(tmp_path)
    answer = app.ask(f"/api/outcomes/{id_of(app, 'motion')}/values?var=energy")
    assert (answer.status, answer.json()["expected"]) == (422, "<= 100,000 numbers")


def points_of(app: Application, first: int, stop: int) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    answer = app.ask(f"/api/outcomes/{id_of(app, 'pose')}/points?i0={first}&i1={stop}")
    assert answer.status == 200, answer
    return unpack(answer.body)


def test_a_block_of_points_names_its_dimensions_and_where_it_begins(app: Application, place: Path) -> None:
    arrays, header = points_of(app, 5, 9)
    dataset = load(place / "pose.nc")
    assert isinstance(dataset, Dataset)
    wanted = dataset["position"].isel(time=slice(5, 9))
    assert header["first"] == 5
    assert header["keypoints"] == POINTS
    assert arrays["xy"].shape == tuple(wanted.sizes[dim] for dim in header["dims"])
    np.testing.assert_array_equal(arrays["xy"], wanted.transpose(*header["dims"]).values.astype(np.float32))


def test_lines_between_points_are_given_by_number(app: Application) -> None:
    _, header = points_of(app, 0, 1)
    assert header["edges"] == [[0, 1], [1, 2]], "front to top to back; the bottom is not among the points"
    assert header["cameras"] == [], "of one camera: nothing is turned"


def test_points_beyond_the_end_are_an_empty_block(app: Application) -> None:
    arrays, header = points_of(app, 1000, 1010)
    assert arrays["xy"].shape[0] == 0
    assert header["first"] == 1000


def test_an_outcome_without_points_has_none(app: Application) -> None:
    answer = app.ask(f"/api/outcomes/{id_of(app, 'motion')}/points?i0=0&i1=4")
    assert (answer.status, answer.json()["code"]) == (404, "W903")


def test_a_raster_goes_from_the_first_to_the_last_time_that_is_known(tmp_path: Path) -> None:
    times = 5.0 + np.arange(40) / 30.0
    times[[0, 38, 39]] = np.nan
    publish_known(tmp_path / "face.mystax", "pose", times=times)
    app = Application(tmp_path)
    answer = app.ask(f"/api/outcomes/{id_of(app, 'pose')}/raster?var=confidence&row=keypoint")
    assert answer.status == 200, answer
    _, header = unpack(answer.body)
    assert (header["columns"], header["t0"], header["t1"]) == (40, times[1], times[37])


def test_times_come_for_every_sample(app: Application) -> None:
    answer = app.ask(f"/api/outcomes/{id_of(app, 'motion')}/clock")
    found = unpack(answer.body)[0]["time"]
    assert found.tobytes() == known_outcome("motion")["time"].values.tobytes()


def test_runs_of_states_have_the_times_of_their_samples_over_a_gap(tmp_path: Path) -> None:
    """Ten minutes are missing: the usual step is that of the frames, and no run is stretched by the gap."""
    times = np.arange(300) / 30.0
    times[120:] += 600.0
    times[[7, 200]] = np.nan
    dataset = known_outcome("states", times=times)
    labels = np.repeat([1, 2, 1, 2, 1], 60).astype(dataset["label"].dtype)
    dataset["label"] = dataset["label"].copy(data=labels.reshape(dataset["label"].shape))
    inputs = [{"role": "frames", "camera": "left", "position": 0, "id": "x"}]
    about = Provenance("states", get_analysis("states").version, "f" * 64, {}, inputs, 1.0)
    Store(tmp_path / "a.mystax").publish(dataset, about)
    app = Application(tmp_path)
    arrays, header = unpack(app.ask(f"/api/outcomes/{id_of(app, 'states')}/states").body)
    assert header["step"] == pytest.approx(1 / 30, rel=1e-9)
    assert arrays["start"].tolist() == [0, 60, 120, 180, 240]
    np.testing.assert_array_equal(arrays["from"], times[arrays["start"]])
    np.testing.assert_array_equal(arrays["to"], times[arrays["stop"]])
    inside, _ = unpack(app.ask(f"/api/outcomes/{id_of(app, 'states')}/states?t0=3&t1=604.1").body)
    assert inside["start"].tolist() == [60, 120]
