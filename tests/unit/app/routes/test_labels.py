"""The points of a label set, edited through the page."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mystax.synth import faulty_video
from tests.fixtures.app_client import AppClient


@pytest.fixture
def client(tmp_path: Path) -> Iterator[AppClient]:
    faulty_video(tmp_path / "face.mp4", "clean", n_frames=2, size=(32, 24))
    with AppClient(tmp_path) as made:
        yield made


@pytest.fixture
def made(client: AppClient) -> Any:
    recording = client.get("/api/recordings")[0]["id"]
    return client.post(f"/api/recordings/{recording}/labels", {"name": "mine"})


def wish(made: Any, **changes: Any) -> dict[str, Any]:
    points = [
        {"id": one["id"], "was": one["id"], "definition": one["definition"]} for one in made["keypoints"]
    ]
    return {"version": made["version"], "points": points, "edges": made["edges"], "pairs": [], **changes}


def test_points_are_added_renamed_and_moved(client: AppClient, made: Any) -> None:
    wanted = wish(made, edges=[["snout", "mouth"]])
    wanted["points"].insert(0, {"id": "ear"})
    next(one for one in wanted["points"] if one["id"] == "nose_tip")["id"] = "snout"
    found = client.ask(f"/api/labels/{made['id']}/points", "PUT", wanted).json()
    names = [one["id"] for one in found["keypoints"]]
    assert (names[0], names.index("snout")) == (
        "ear",
        1 + [k["id"] for k in made["keypoints"]].index("nose_tip"),
    )
    assert (found["edges"], found["version"]) == ([["snout", "mouth"]], made["version"] + 1)
    assert client.get(f"/api/labels/{made['id']}") == found


def test_a_point_that_is_left_out_is_refused_and_nothing_changes(client: AppClient, made: Any) -> None:
    wanted = wish(made)
    wanted["points"].pop()
    reply = client.ask(f"/api/labels/{made['id']}/points", "PUT", wanted)
    assert (reply.status, reply.json()["code"]) == (422, "P403")
    assert client.get(f"/api/labels/{made['id']}") == made


def test_an_edit_of_a_set_that_is_another_by_now_is_refused(client: AppClient, made: Any) -> None:
    wanted = wish(made, edges=[])
    assert client.ask(f"/api/labels/{made['id']}/points", "PUT", wanted).status == 200
    reply = client.ask(f"/api/labels/{made['id']}/points", "PUT", wanted)
    assert (reply.status, reply.json()["code"]) == (409, "W904")


def test_a_page_that_may_only_look_changes_nothing(client: AppClient, made: Any, tmp_path: Path) -> None:
    with AppClient(tmp_path, read_only=True) as reader:
        assert reader.ask(f"/api/labels/{made['id']}/points", "PUT", wish(made)).status == 403
