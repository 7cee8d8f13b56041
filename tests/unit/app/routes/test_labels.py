"""Label sets through the page: their points, and the videos that labels belong to."""

from collections.abc import Iterator
from contextlib import closing
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from mystax.core.geometry import roi_from_text
from mystax.engine.labels.footage import open_footage
from mystax.io.rois import rois_to_toml
from mystax.synth import faulty_video
from tests.fixtures.app_client import AppClient, Reply
from tests.fixtures.exchange_outcomes import publish_known


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


def place(client: AppClient, made: Any, camera: str, frame: int) -> Reply:
    """Place a point on a frame."""
    point = {"state": "placed", "x": 5.0, "y": 6.0}
    edit = {"id": f"{frame:032x}", "op": "set", "camera": camera, "frame": frame}
    edit |= {"keypoint": made["keypoints"][0]["id"], "after": point}
    gesture = {"client": "test", "batch": f"{frame:032x}", "base": {f"{camera}/{frame}": 0}, "ops": [edit]}
    return client.ask(f"/api/labels/{made['id']}/ops", "POST", gesture)


def test_labels_of_a_video_that_is_written_anew_name_the_new_one(
    client: AppClient, made: Any, tmp_path: Path
) -> None:
    (row,) = client.get("/api/recordings")
    camera = client.get(f"/api/recordings/{row['id']}")["cameras"][0]["id"]
    video = tmp_path / "face.mp4"
    keys = []
    for frame, n_frames, rate in ((1, 2, 30), (3, 5, 25), (2, 4, 20)):
        faulty_video(video, "clean", n_frames=n_frames, size=(32, 24), rate=Fraction(rate), seed=frame)
        assert place(client, made, camera, frame).status == 200
        with closing(open_footage(video)) as footage:
            keys.append((footage.fingerprint, footage.stamp(frame)))
    reply = place(client, made, camera, 4)
    assert (reply.status, reply.json()["code"]) == (404, "W903")
    frames = client.get(f"/api/labels/{made['id']}")["frames"]
    assert sorted((one["video"], one["pts"]) for one in frames) == sorted(keys)


def test_suggestions_are_of_the_recording_or_the_camera_that_is_asked_for(
    client: AppClient, tmp_path: Path
) -> None:
    faulty_video(tmp_path / "other.mp4", "clean", n_frames=6, size=(32, 24), seed=1)
    publish_known(tmp_path / "away.mystax", "motion")  # of videos that are not here: it comes first
    client.state.collection.forget()
    ids = {row["name"]: row["id"] for row in client.get("/api/recordings")}
    assert list(ids) == ["away", "face", "other"]
    made = client.post(f"/api/recordings/{ids['other']}/labels", {"name": "mine"})
    cameras = {
        name: client.get(f"/api/recordings/{ids[name]}")["cameras"][0]["id"] for name in ("face", "other")
    }

    def seen(more: str) -> set[str]:
        return {one["camera"] for one in client.get(f"/api/labels/{made['id']}/suggestions?n=20{more}")}

    for name, camera in cameras.items():
        assert seen(f"&recording={ids[name]}") == seen(f"&camera={camera}") == {camera}
    assert seen("") == set(cameras.values())
    for more in (f"recording={ids['away']}", f"recording={ids['face']}&camera={cameras['other']}"):
        assert client.ask(f"/api/labels/{made['id']}/suggestions?{more}").status == 404


def test_a_recording_whose_videos_are_gone_gets_its_labels_beside_the_outcomes(
    client: AppClient, tmp_path: Path
) -> None:
    place = publish_known(tmp_path / "old" / "away.mystax", "motion")
    roi = roi_from_text("motion:rectangle:1,1,9,9")
    (place / "rois.toml").write_text(rois_to_toml([roi]))
    client.state.collection.forget()
    (key,) = [row["id"] for row in client.get("/api/recordings") if row["name"] == "away"]
    assert client.post(f"/api/recordings/{key}/labels", {"name": "late"})["frames"] == []
    assert (place.parent / "late.labels").is_dir()
    assert [one["name"] for one in client.get(f"/api/recordings/{key}")["labels"]] == ["late"]
    assert client.get(f"/api/recordings/{key}/rois/targets")["targets"] == []
