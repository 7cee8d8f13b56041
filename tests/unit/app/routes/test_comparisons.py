"""Comparisons from the page: two of any kind, as a job whose result is asked for by itself."""

import json
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import xarray as xr

from mystax.app.child_runs import ChildRuns
from mystax.app.collection import Item, OutcomeItem
from mystax.app.routes import comparisons
from mystax.engine.labels.footage import open_footage
from mystax.io.weights import check_digest, find_weights
from mystax.synth import faulty_video
from tests.fixtures.app_client import AppClient

CHILD = """
import json, sys
print(json.dumps({"result": json.loads(sys.stdin.readline())}), flush=True)
"""


@pytest.fixture
def client(tmp_path: Path) -> Iterator[AppClient]:
    faulty_video(tmp_path / "face.mp4", "clean", n_frames=4, size=(32, 24))
    with AppClient(tmp_path) as made:
        made.state.comparisons = ChildRuns((sys.executable, "-c", CHILD), "c")
        yield made


@pytest.fixture
def key(client: AppClient) -> str:
    recording = client.get("/api/recordings")[0]["id"]
    return str(client.post(f"/api/recordings/{recording}/labels", {"name": "mine"})["id"])


@pytest.fixture
def outcome(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OutcomeItem:
    """Let there be an outcome that was made with the shipped weights."""
    digest = check_digest(find_weights("mouse-face"))
    attributes = {"inputs": json.dumps([{"role": "weights", "camera": "face", "id": digest}])}
    made = OutcomeItem("o", tmp_path / "again.mystax", "pose")
    monkeypatch.setattr(comparisons, "outcome_of", lambda *_: made)
    monkeypatch.setattr(comparisons, "outcomes_in", lambda _: {"pose": xr.Dataset(attrs=attributes)})
    monkeypatch.setattr(Item, "outcomes", lambda _: [made])
    return made


def test_weights_and_an_outcome_are_told_to_the_child(
    client: AppClient, key: str, outcome: OutcomeItem, tmp_path: Path
) -> None:
    (model,) = [one for one in client.get("/api/models") if one["name"] == "mouse-face"]
    wish = {"first": {"kind": "model", "id": model["id"]}, "second": {"kind": "outcome", "id": outcome.id}}
    assert client.post(f"/api/labels/{key}/compare", wish) == {"ids": ["c1"]}
    while (row := client.get("/api/queue")["jobs"][-1])["state"] not in {"done", "failed"}:
        client.wait(0.02)
    assert (row["kind"], row["state"], row["result"]) == ("compare", "done", None)
    told = client.get("/api/comparisons/c1")
    assert told["labels"] == str(tmp_path / "mine.labels")
    first, second = told["sides"]
    assert (first["name"], first["poses"]) == ("mouse-face", {})
    assert second["name"] == "again.mystax (mouse-face)"
    assert first["weights"] == second["weights"]
    with closing(open_footage(tmp_path / "face.mp4")) as footage:  # as labels of this video name it
        assert second["poses"] == {footage.fingerprint: [str(outcome.folder), "pose"]}


@pytest.mark.parametrize(
    ("second", "status"), [({"kind": "model", "id": "m0"}, 404), ({"kind": "weights", "id": "m0"}, 422)]
)
def test_what_is_not_there_is_refused(
    client: AppClient, key: str, second: dict[str, Any], status: int
) -> None:
    wish = {"first": {"kind": "model", "id": "m0"}, "second": second}
    assert client.ask(f"/api/labels/{key}/compare", "POST", wish).status == status
    assert client.ask("/api/comparisons/c1").status == 404
    assert client.get("/api/queue")["jobs"] == []


def test_only_outcomes_of_the_tracker_are_compared(
    client: AppClient, key: str, outcome: OutcomeItem, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = OutcomeItem("p", outcome.folder, "pupil")
    monkeypatch.setattr(comparisons, "outcome_of", lambda *_: other)
    wish = {"first": {"kind": "outcome", "id": "p"}, "second": {"kind": "outcome", "id": "p"}}
    reply = client.ask(f"/api/labels/{key}/compare", "POST", wish)
    assert (reply.status, reply.json()["code"]) == (422, "P401")


def test_an_outcome_is_that_of_its_recording_where_a_set_has_several(
    client: AppClient, key: str, outcome: OutcomeItem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    faulty_video(tmp_path / "other.mp4", "clean", n_frames=4, size=(32, 24), seed=1)
    client.state.collection.forget()
    (other,) = [row["id"] for row in client.get("/api/recordings") if row["name"] == "other"]
    made = OutcomeItem(f"{other}o1", outcome.folder, "pose")
    monkeypatch.setattr(comparisons, "outcome_of", lambda *_: made)
    monkeypatch.setattr(Item, "outcomes", lambda item: [made] if item.id == other else [])
    wish = {"first": {"kind": "outcome", "id": made.id}, "second": {"kind": "outcome", "id": made.id}}
    client.post(f"/api/labels/{key}/compare", wish)
    while (row := client.get("/api/queue")["jobs"][-1])["state"] not in {"done", "failed"}:
        client.wait(0.02)
    assert row["recording"] == "other"
    with closing(open_footage(tmp_path / "other.mp4")) as footage:
        poses = {footage.fingerprint: [str(outcome.folder), "pose"]}
    assert [one["poses"] for one in client.get("/api/comparisons/c1")["sides"]] == [poses, poses]
