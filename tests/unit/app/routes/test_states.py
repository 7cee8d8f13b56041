"""Names and merges of states: what the page saves is what `mystax.load` shows, and the outcome stays."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from xarray import Dataset

from mystax.app.envelope import unpack
from mystax.core.analysis import get_analysis
from mystax.io.outcomes import load
from mystax.io.provenance import Provenance
from mystax.io.state_edits import read_state_edits
from mystax.io.store import Store
from tests.fixtures.asgi import Application
from tests.fixtures.exchange_outcomes import known_outcome, publish_known


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Publish outcomes once; nobody writes there."""
    return publish_known(tmp_path_factory.mktemp("published") / "face.mystax", "states", "motion")


@pytest.fixture
def place(published: Path, tmp_path: Path) -> Path:
    return shutil.copytree(published, tmp_path / published.name)


def address(app: Application, analysis: str = "states") -> str:
    (row,) = app.get("/api/recordings")
    outcomes = app.get(f"/api/recordings/{row['id']}")["outcomes"]
    key = next(one["id"] for one in outcomes if one["analysis"] == analysis)
    return f"/api/outcomes/{key}/edits"


def put(app: Application, rev: str, *states: dict[str, Any]) -> Any:
    return app.ask(address(app), "PUT", {"rev": rev, "states": list(states)})


def test_nothing_is_said_of_states_at_first(place: Path) -> None:
    app = Application(place.parent)
    assert app.get(address(app)) == {"rev": "", "states": []}


def test_a_name_and_a_merge_are_seen_by_a_notebook_and_the_outcome_stays(place: Path) -> None:
    before = (place / "states.nc").read_bytes()
    app = Application(place.parent)
    named = {"state": 1, "name": " mouth <b>open</b> "}
    answer = put(app, "", named, {"state": 2, "merged_into": 1, "hidden": True})
    assert answer.status == 200, answer
    assert answer.json() == app.get(address(app))
    dataset = load(place / "states.nc")
    assert isinstance(dataset, Dataset)
    attributes = dataset.attrs
    assert list(attributes["state_name"]) == ["mouth <b>open</b>", ""]
    assert list(attributes["state_merged_into"]) == [1, 1]
    assert list(attributes["state_hidden"]) == [0, 1]
    assert (place / "states.nc").read_bytes() == before


def test_taking_all_back_leaves_the_numbers_as_they_were(place: Path) -> None:
    app = Application(place.parent)
    rev = put(app, "", {"state": 1, "name": "calm"}).json()["rev"]
    assert put(app, rev).status == 200
    found = read_state_edits(place / "states.edits.toml", 2)
    assert found is not None
    assert (dict(found.names), dict(found.merged_into), found.hidden) == ({}, {}, frozenset())


def test_what_somebody_else_has_said_is_not_written_over(place: Path) -> None:
    app = Application(place.parent)
    assert put(app, "", {"state": 1, "name": "calm"}).status == 200
    answer = put(app, "", {"state": 1, "name": "asleep"})
    assert (answer.status, answer.json()["code"]) == (409, "W904")
    assert app.get(address(app))["states"][0]["name"] == "calm"


@pytest.mark.parametrize(
    "states",
    [
        [{"state": 3, "name": "none such"}],
        [{"state": 0, "name": "none such"}],
        [{"state": 1, "merged_into": 1}],
        [{"state": 1, "merged_into": 2}, {"state": 2, "merged_into": 1}],
        [{"state": 1, "name": "two\nlines"}],
        [{"state": 1, "name": "x" * 101}],
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_written(states: list[dict[str, Any]], place: Path) -> None:
    answer = put(Application(place.parent), "", *states)
    assert (answer.status, answer.json()["code"]) == (422, "F804")
    assert not (place / "states.edits.toml").exists()


def test_a_page_that_only_reads_writes_nothing(place: Path) -> None:
    answer = put(Application(place.parent, read_only=True), "", {"state": 1, "name": "calm"})
    assert (answer.status, answer.json()["code"]) == (403, "W902")
    assert not (place / "states.edits.toml").exists()


def test_an_outcome_without_states_has_none_to_name(place: Path) -> None:
    app = Application(place.parent)
    answer = app.ask(address(app, "motion"))
    assert (answer.status, answer.json()["code"]) == (404, "W903")


def load_states(place: Path) -> Dataset:
    found = load(place / "states.nc")
    assert isinstance(found, Dataset)
    return found


def outcome_address(app: Application, what: str, analysis: str = "states") -> str:
    return address(app, analysis).removesuffix("edits") + what


def test_mean_faces_come_as_they_are_seen(place: Path) -> None:
    app = Application(place.parent)
    arrays, header = unpack(app.ask(outcome_address(app, "faces")).body)
    dataset = load_states(place)
    assert header["keypoints"] == [str(name) for name in dataset["keypoint"].values]
    assert header["views"] == [""]
    for name in ("face_mean", "face_sd"):
        np.testing.assert_array_equal(arrays[name][:, 0], dataset[name].values.astype(np.float32))
    np.testing.assert_array_equal(arrays["grand_mean"][0], dataset["grand_mean"].values.astype(np.float32))


def test_faces_in_space_are_seen_from_the_front_and_the_side_with_y_down(tmp_path: Path) -> None:
    place = publish_known(tmp_path / "face.mystax", "states", space=["x", "y", "z"])
    app = Application(place.parent)
    arrays, header = unpack(app.ask(outcome_address(app, "faces")).body)
    assert header["views"] == ["front", "side"]
    mean = load_states(place)["face_mean"].values.astype(np.float32)
    np.testing.assert_array_equal(arrays["face_mean"][:, 0], mean[..., [0, 1]] * [1, -1])
    np.testing.assert_array_equal(arrays["face_mean"][:, 1], mean[..., [2, 1]] * [1, -1])
    assert np.nanmin(arrays["face_sd"]) >= 0


def test_example_bouts_are_whole_and_long_enough_and_the_same_ones_next_time(tmp_path: Path) -> None:
    dataset = known_outcome("states", bout=6)
    dataset["bout_label"][:] = [1, 2, 1, 1, 2, 1]
    dataset["bout_complete"][:] = [0, 1, 1, 1, 1, 1]
    dataset["bout_start"][:] = np.arange(6.0)
    dataset["bout_stop"][:] = np.arange(6.0) + np.array([0.9, 0.9, 0.9, 0.1, 0.9, 0.5])
    about = Provenance("states", get_analysis("states").version, "0" * 64, {}, [])
    Store(tmp_path / "face.mystax").publish(dataset, about)
    app = Application(tmp_path)
    first = app.get(outcome_address(app, "bouts?state=1"))
    assert first == [
        {"start": 2.0, "stop": 2.9, "is_whole": True},
        {"start": 5.0, "stop": 5.5, "is_whole": True},
    ]
    assert [one["start"] for one in app.get(outcome_address(app, "bouts?state=2"))] == [1.0, 4.0]
    one = app.get(outcome_address(app, "bouts?state=1&n=1"))
    assert (len(one), one[0] in first, one) == (1, True, app.get(outcome_address(app, "bouts?state=1&n=1")))


def test_a_state_without_a_whole_bout_shows_the_others(tmp_path: Path) -> None:
    dataset = known_outcome("states", bout=2)
    dataset["bout_label"][:] = [1, 2]
    dataset["bout_complete"][:] = [0, 1]
    about = Provenance("states", get_analysis("states").version, "0" * 64, {}, [])
    Store(tmp_path / "face.mystax").publish(dataset, about)
    app = Application(tmp_path)
    assert [one["is_whole"] for one in app.get(outcome_address(app, "bouts?state=1"))] == [False]


@pytest.mark.parametrize(
    ("what", "status"),
    [("bouts?state=0", 422), ("bouts?state=99", 404), ("bouts?state=1&n=26", 422), ("bouts", 422)],
)
def test_bouts_that_cannot_be_asked_for_are_refused(what: str, status: int, place: Path) -> None:
    app = Application(place.parent)
    assert app.ask(outcome_address(app, what)).status == status


@pytest.mark.parametrize("what", ["faces", "bouts?state=1"])
def test_an_outcome_without_states_has_neither(what: str, place: Path) -> None:
    app = Application(place.parent)
    answer = app.ask(outcome_address(app, what, "motion"))
    assert (answer.status, answer.json()["code"]) == (404, "W903")
