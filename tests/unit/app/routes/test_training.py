"""Training from the page: a job, followed to its report; what cannot go is refused before it begins."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mystax.app.child_runs import ChildRuns
from mystax.synth import faulty_video
from tests.fixtures.app_client import AppClient

pytest.importorskip("torch", reason='pip install "mystax[train]"')
pytest.importorskip("onnx", reason='pip install "mystax[train]"')
pytestmark = pytest.mark.extra("train")

CHILD = """
import json, sys, time
wish = json.loads(sys.stdin.readline())
def tell(**event): print(json.dumps(event), flush=True)
tell(kind="progress", stage="train", done=1, total=4)
tell(kind="note", text="base " + wish["base"])
if wish["seed"] == 9:
    time.sleep(60)
if wish["seed"] == 1:
    tell(error={"code": "P403", "where": "labels", "what": "there are too few labelled frames"})
    sys.exit(1)
tell(result={"name": wish["name"], "labels": wish["labels"], "minutes": wish["minutes"]})
"""


@pytest.fixture
def client(tmp_path: Path) -> Iterator[AppClient]:
    faulty_video(tmp_path / "face.mp4", "clean", n_frames=4, size=(32, 24))
    with AppClient(tmp_path) as made:
        made.state.trainings = ChildRuns((sys.executable, "-c", CHILD), "t")
        yield made


@pytest.fixture
def key(client: AppClient) -> str:
    recording = client.get("/api/recordings")[0]["id"]
    return str(client.post(f"/api/recordings/{recording}/labels", {"name": "mine"})["id"])


def until(client: AppClient, *states: str) -> Any:
    """Wait until the training is in a state; return its row."""
    while (row := client.get("/api/queue")["jobs"][-1])["state"] not in states:
        client.wait(0.02)
    return row


def test_a_training_is_listed_beside_the_recording_from_which_it_was_asked_for(
    client: AppClient, key: str, tmp_path: Path
) -> None:
    faulty_video(tmp_path / "other.mp4", "clean", n_frames=4, size=(32, 24), seed=1)
    client.state.collection.forget()
    for row in client.get("/api/recordings"):
        client.post(f"/api/labels/{key}/train?recording={row['id']}", {"minutes": 0.5})
        assert until(client, "done", "failed")["recording"] == row["name"]


def test_a_training_is_a_job_of_the_queue_with_its_report(
    client: AppClient, key: str, tmp_path: Path
) -> None:
    assert client.post(f"/api/labels/{key}/train", {"minutes": 0.5}) == {"ids": ["t1"]}
    row = until(client, "done", "failed")
    assert (row["state"], row["kind"], row["recipe"], row["recording"]) == ("done", "train", "mine", "face")
    assert row["result"] == {"name": "mine", "labels": str(tmp_path / "mine.labels"), "minutes": 0.5}
    assert client.get("/api/jobs/t1/log")["lines"] == ["base mouse-face"]
    assert client.get("/api/queue")["counts"]["done"] == 1


def test_what_it_refuses_is_told_with_its_code(client: AppClient, key: str) -> None:
    client.post(f"/api/labels/{key}/train", {"seed": 1})
    row = until(client, "done", "failed")
    assert (row["state"], row["error"]["code"], row["result"]) == ("failed", "P403", None)


def test_it_can_be_cancelled_and_tried_again(client: AppClient, key: str) -> None:
    client.post(f"/api/labels/{key}/train", {"seed": 9})
    until(client, "running")
    assert client.post("/api/jobs/t1/cancel", {})["jobs"][0]["state"] == "cancelled"
    assert client.post("/api/jobs/t1/retry", {})["jobs"][0]["state"] in {"queued", "running"}


@pytest.mark.parametrize(
    "wish", [{"base": "mouse-fase"}, {"name": "../mine"}, {"minutes": 0.1}, {"members": 6}]
)
def test_what_cannot_be_is_refused_before_it_begins(
    client: AppClient, key: str, wish: dict[str, Any]
) -> None:
    reply = client.ask(f"/api/labels/{key}/train", "POST", wish)
    assert (reply.status, reply.json()["code"]) == (422, "P401")
    assert client.get("/api/queue")["jobs"] == []


def test_a_base_may_be_none(client: AppClient, key: str) -> None:
    client.post(f"/api/labels/{key}/train", {"base": "none", "name": "other"})
    row = until(client, "done", "failed")
    assert (row["state"], row["recipe"]) == ("done", "other")


def test_a_page_that_may_only_look_trains_nothing(tmp_path: Path, client: AppClient, key: str) -> None:
    with AppClient(tmp_path, read_only=True) as reader:
        reply = reader.ask(f"/api/labels/{key}/train", "POST", {})
    assert (reply.status, reply.json()["code"]) == (403, "W902")
