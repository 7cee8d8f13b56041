"""Labels through the web app: nothing acknowledged is lost, nothing is done twice, nobody is overwritten."""

import contextlib
import secrets
import signal
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mystax.app.server import Settings
from mystax.core.label_operations import Mark
from mystax.engine.labels.labels import Labels
from mystax.errors import StoreError
from mystax.io.video import Video
from mystax.synth import faulty_video
from tests.fixtures.app_client import AppClient
from tests.fixtures.commands import call
from tests.fixtures.web_server import Answer, WebServer, web_server


def new() -> str:
    """Make an identity as the page does."""
    return secrets.token_hex(16)


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("films")
    faulty_video(folder / "face.mp4", "clean", n_frames=40, size=(64, 48))
    return folder


@pytest.fixture(scope="module")
def server(films: Path) -> Iterator[WebServer]:
    with web_server(films) as running:
        yield running


class Page:
    """A page that labels: it remembers revisions, as the real one does."""

    def __init__(self, server: WebServer, name: str) -> None:
        self.server = server
        self.recording = server.get("/api/recordings")[0]["id"]
        about = server.get(f"/api/recordings/{self.recording}")
        self.camera = about["cameras"][0]["id"]
        known = {row["name"]: row["id"] for row in about["labels"]}
        if name not in known:
            made = server.post(f"/api/recordings/{self.recording}/labels", {"name": name})
            known[name] = made["id"]
        self.key = known[name]
        self.points = [point["id"] for point in server.get(f"/api/labels/{self.key}")["keypoints"]]

    def edit(self, frame: int, point: str = "nose_tip", x: float | None = 3.5, **more: Any) -> dict[str, Any]:
        after = None if x is None else {"state": "placed", "x": x, "y": x + 1}
        wanted = {"id": new(), "op": "set", "camera": self.camera, "frame": frame, "keypoint": point}
        return {**wanted, "after": after, **more}

    def gesture(self, *edits: dict[str, Any], base: dict[int, int], **more: Any) -> dict[str, Any]:
        seen = {f"{self.camera}/{frame}": rev for frame, rev in base.items()}
        return {"client": "test", "batch": new(), "base": seen, "ops": list(edits), **more}

    def try_to_send(self, gesture: dict[str, Any]) -> Answer:
        return self.server.ask(f"/api/labels/{self.key}/ops", "POST", gesture)

    def send(self, gesture: dict[str, Any]) -> Any:
        answer = self.try_to_send(gesture)
        assert answer.status == 200, answer.body
        return answer.json()

    def frame(self, frame: int) -> Any:
        return self.server.get(f"/api/labels/{self.key}/frame?camera={self.camera}&i={frame}")

    def all(self, words: str = "") -> Any:
        return self.server.get(f"/api/labels/{self.key}{words}")


@pytest.fixture
def page(server: WebServer, request: pytest.FixtureRequest) -> Page:
    name = request.node.name.removeprefix("test_").replace("[", " ").rstrip("]")
    return Page(server, name[:60])


def test_an_edit_is_on_the_disk_when_the_answer_comes(page: Page, films: Path) -> None:
    done = page.send(page.gesture(page.edit(12), base={12: 0}))
    assert [frame["points"]["nose_tip"]["x"] for frame in done["frames"]] == [3.5]
    folder = next(films.glob("an_edit*.labels"))
    with Video(films / "face.mp4") as video:
        labels = Labels(folder)
        key = (done["frames"][0]["video"], int(video.clock.ticks[12]))
        assert labels.store.state.mark(key, "nose_tip") == Mark("placed", 3.5, 4.5)
        np.testing.assert_array_equal(labels.picture(key), video.frame_at(12).data[0])


def test_a_gesture_that_comes_twice_is_done_once(page: Page) -> None:
    gesture = page.gesture(page.edit(3), page.edit(3, "mouth"), base={3: 0})
    first, second = page.send(gesture), page.send(gesture)
    assert first == second
    assert first["rev"] == 2


def test_another_page_on_the_same_frame_is_told_and_loses_nothing(page: Page) -> None:
    page.send(page.gesture(page.edit(5, x=1.0), base={5: 0}))
    answer = page.try_to_send(page.gesture(page.edit(5, x=2.0), base={5: 0}))
    told = answer.json()
    assert (answer.status, told["code"]) == (409, "W904")
    assert told["frames"][0]["points"]["nose_tip"]["x"] == 1.0
    assert told["frames"][0]["who"] == told["what"].split()[-2]
    kept = page.send(page.gesture(page.edit(5, x=2.0), base={5: told["frames"][0]["rev"]}))
    assert kept["frames"][0]["points"]["nose_tip"]["x"] == 2.0


def write_at(page: Page, frames: list[int], n_writes: int) -> list[int]:
    """Write to frames in turn, each on top of the write before; return the statuses."""
    revisions, statuses = dict.fromkeys(frames, 0), []
    for number in range(n_writes):
        frame = frames[number % len(frames)]
        answer = page.try_to_send(
            page.gesture(page.edit(frame, x=float(number)), base={frame: revisions[frame]})
        )
        statuses.append(answer.status)
        if answer.status == 200:
            revisions[frame] = answer.json()["frames"][0]["rev"]
    return statuses


@pytest.mark.parametrize("n_writes", [10, pytest.param(500, marks=pytest.mark.slow)])
def test_two_pages_on_different_frames_never_meet(page: Page, n_writes: int) -> None:
    name = page.all()["name"]
    pages = [page, Page(page.server, name)]
    with ThreadPoolExecutor(2) as both:
        mine = both.submit(write_at, pages[0], list(range(0, 40, 2)), n_writes)
        theirs = both.submit(write_at, pages[1], list(range(1, 40, 2)), n_writes)
        assert mine.result() + theirs.result() == [200] * 2 * n_writes
    assert page.all()["rev"] == 2 * n_writes
    last = {frame["frame"]: frame["points"]["nose_tip"]["x"] for frame in page.all()["frames"]}
    turns = range(max(0, n_writes - 20), n_writes)
    assert last == {2 * (k % 20) + odd: float(k) for k in turns for odd in (0, 1)}


def test_undo_and_redo_are_batches_too(page: Page) -> None:
    first = page.gesture(page.edit(7, x=1.0), base={7: 0})
    page.send(first)
    second = page.gesture(page.edit(7, x=2.0), base={7: 1})
    page.send(second)
    undo = page.gesture(base={}, undoes=second["batch"])
    assert page.send(undo)["frames"][0]["points"]["nose_tip"]["x"] == 1.0
    assert page.send(undo)["rev"] == 3, "an undo that comes twice is done once"
    redo = page.send(page.gesture(base={}, undoes=undo["batch"]))
    assert redo["frames"][0]["points"]["nose_tip"]["x"] == 2.0


def test_undo_of_many_batches_gives_back_the_beginning(page: Page) -> None:
    batches = []
    for k in range(30):
        frame = page.frame(k % 5)
        gesture = page.gesture(page.edit(k % 5, page.points[k % 3], float(k)), base={k % 5: frame["rev"]})
        page.send(gesture)
        batches.append(gesture["batch"])
    for batch in reversed(batches):
        page.send(page.gesture(base={}, undoes=batch))
    points = [frame["points"] for frame in page.all()["frames"]]
    assert all(point is None for one in points for point in one.values())


def test_undo_of_what_was_changed_since_is_refused(page: Page) -> None:
    first = page.gesture(page.edit(7, x=1.0), base={7: 0})
    page.send(first)
    page.send(page.gesture(page.edit(7, x=2.0), base={7: 1}))
    answer = page.try_to_send(page.gesture(base={}, undoes=first["batch"]))
    assert (answer.status, answer.json()["code"]) == (409, "W904")
    assert page.frame(7)["points"]["nose_tip"]["x"] == 2.0


def test_the_history_of_a_frame_names_every_change(page: Page) -> None:
    page.send(page.gesture(page.edit(9, x=1.0), base={9: 0}))
    page.send(page.gesture(page.edit(9, x=None), base={9: 1}))
    page.send(page.gesture(page.edit(8), base={8: 0}))
    lines = page.server.get(f"/api/labels/{page.key}/history?camera={page.camera}&i=9")
    assert [line["rev"] for line in lines] == [2, 1]
    assert lines[0]["before"]["x"] == 1.0
    assert lines[0]["after"] is None


def test_states_notes_and_segments_are_kept(page: Page) -> None:
    absent = page.edit(4, "mouth", after={"state": "absent"})
    hidden = page.edit(4, "nose_tip", after={"state": "invisible", "x": 1, "y": 2})
    segment = page.edit(4, op="mark_add", keypoint="", after=None, mark="s1", stop=9, text="grooming")
    skip = page.edit(6, op="note", keypoint="", after=None, text="skip")
    listed = page.edit(6, op="frame_add", keypoint="", after=None)
    page.send(page.gesture(absent, hidden, segment, skip, listed, base={4: 0, 6: 0}))
    found = page.all()
    four, six = found["frames"]
    assert four["points"]["mouth"]["state"] == "absent"
    assert four["points"]["nose_tip"]["state"] == "invisible"
    assert (six["is_skipped"], six["is_listed"]) == (True, True)
    assert [(one["text"], one["camera"]) for one in found["segments"]] == [("grooming", page.camera)]


def test_frames_are_given_by_camera_and_number(page: Page) -> None:
    for frame in (2, 5, 11):
        page.send(page.gesture(page.edit(frame), base={frame: 0}))
    found = page.all(f"?camera={page.camera}&from=3&to=11")["frames"]
    assert [frame["frame"] for frame in found] == [5]
    assert page.all("?camera=nobody")["frames"] == []


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"id": "short"}, 422, "P401"),
        ({"frame": 10_000}, 404, "W903"),
        ({"camera": "f0c9"}, 404, "W903"),
        ({"keypoint": "nose_tpi"}, 422, "P403"),
        ({"after": {"state": "placed"}}, 422, "P401"),
        ({"after": {"state": "seen", "x": 1, "y": 1}}, 422, "P401"),
        ({"after": {"state": "placed", "x": 1, "y": 1, "origin": "guess"}}, 422, "P401"),
        ({"op": "mark_drop", "mark": "none"}, 422, "P401"),
        ({"more": 1}, 422, "P401"),
    ],
)
def test_an_impossible_edit_is_refused_and_nothing_is_written(
    change: dict[str, Any], status: int, code: str, server: WebServer
) -> None:
    page = Page(server, "impossible")
    answer = page.try_to_send(page.gesture({**page.edit(1), **change}, base={}))
    assert (answer.status, answer.json()["code"]) == (status, code)
    assert page.all()["rev"] == 0


def test_suggestions_are_frames_of_the_camera_with_reasons(page: Page) -> None:
    page.send(page.gesture(page.edit(0, op="note", keypoint="", after=None, text="skip"), base={0: 0}))
    found = page.server.get(f"/api/labels/{page.key}/suggestions?n=3")
    assert 1 <= len(found) <= 3
    assert {one["camera"] for one in found} == {page.camera}
    assert all(one["reason"] and one["frame"] != 0 for one in found)


def test_a_set_that_somebody_else_writes_is_shown_but_not_changed(page: Page, films: Path) -> None:
    held = Page(page.server, "held")
    with Labels(films / "held.labels", write=True):
        seen = held.all()
        assert seen["read_only"]
        assert "process" in seen["holder"]
        answer = held.try_to_send(held.gesture(held.edit(1), base={1: 0}))
        assert answer.json()["code"] == "S504"
    assert not held.all()["read_only"]
    assert held.send(held.gesture(held.edit(1), base={1: 0}))["rev"] == 1


def test_what_another_program_writes_is_seen(page: Page, films: Path) -> None:
    written = Page(page.server, "written")
    assert written.all()["rev"] == 0
    with Labels(films / "written.labels", write=True) as labels:
        labels.add(films / "face.mp4", 30, {"mouth": (1.0, 2.0)})
    assert [(one["camera"], one["frame"]) for one in written.all()["frames"]] == [(written.camera, 30)]


@pytest.mark.slow
def test_the_server_gives_the_lock_back_when_it_ends(films: Path) -> None:
    with web_server(films) as running:
        page = Page(running, "ended")
        page.send(page.gesture(page.edit(1), base={1: 0}))
        with pytest.raises(StoreError, match="S504"), Labels(films / "ended.labels", write=True):
            pass
        running.stop()
    with Labels(films / "ended.labels", write=True) as labels:
        assert len(labels) == 1


def test_a_page_that_may_only_read_writes_nothing(
    films: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """From the option of the command to the answer, in this process."""
    served = list[Settings]()

    def serve(settings: Settings, listening: socket.socket, **_: Any) -> None:
        listening.close()
        served.append(settings)

    monkeypatch.setattr("mystax.app.launch.serve", serve)
    assert call(capsys, "app", "--read-only", "--no-browser", "--port", "0", films).status == 0
    (settings,) = served
    assert settings.folders == (films.resolve(),)
    with AppClient(*settings.folders, read_only=settings.read_only) as client:
        key = client.get("/api/recordings")[0]["id"]
        answer = client.ask(f"/api/recordings/{key}/labels", "POST", {"name": "never"})
        assert answer.status == 403
    assert not (films / "never.labels").exists()


@pytest.mark.slow
def test_a_server_that_may_only_read_writes_nothing(films: Path) -> None:
    with web_server(films, options=("--read-only",)) as running:
        key = running.get("/api/recordings")[0]["id"]
        answer = running.ask(f"/api/recordings/{key}/labels", "POST", {"name": "never"})
        assert answer.status == 403
    assert not (films / "never.labels").exists()


# killed ----------------------------------------------------------------------------------------------


def label_until_killed(folder: Path, n_kills: int, seed: int) -> None:
    """Label, kill the server at a seeded moment, start it again, send what was not answered; compare."""
    rng = np.random.default_rng(seed)
    faulty_video(folder / "face.mp4", "clean", n_frames=40, size=(64, 48))
    expected: dict[tuple[int, str], float] = {}
    unanswered: dict[str, Any] | None = None
    n_edits, n_sent = 0, 0
    for _ in range(n_kills):
        with web_server(folder) as running:
            page = Page(running, "killed")
            revisions = {frame["frame"]: frame["rev"] for frame in page.all()["frames"]}
            if unanswered is not None:  # the outbox of the page
                page.send(unanswered)
                unanswered = None
                revisions = {frame["frame"]: frame["rev"] for frame in page.all()["frames"]}
            for turn in range(int(rng.integers(1, 12))):
                frame, point = int(rng.integers(0, 10)), page.points[int(rng.integers(0, 13))]
                n_edits += 1
                expected[frame, point] = float(n_edits)
                gesture = page.gesture(
                    page.edit(frame, point, float(n_edits)), base={frame: revisions.get(frame, 0)}
                )
                n_sent = turn + 1
                done = page.send(gesture)
                revisions[frame] = done["frames"][0]["rev"]
            n_edits += 1
            frame, point = int(rng.integers(0, 10)), page.points[int(rng.integers(0, 13))]
            expected[frame, point] = float(n_edits)
            unanswered = page.gesture(
                page.edit(frame, point, float(n_edits)), base={frame: revisions.get(frame, 0)}
            )
            send_and_kill(running, page, unanswered, float(rng.uniform(0, 0.02)))
    assert n_sent > 0
    with web_server(folder) as running:
        page = Page(running, "killed")
        assert unanswered is not None
        page.send(unanswered)
        found = {
            (frame["frame"], name): point["x"]
            for frame in page.all()["frames"]
            for name, point in frame["points"].items()
        }
        assert found == expected
        assert page.all()["rev"] == n_edits, "nothing is written twice"


def send_and_kill(running: WebServer, page: Page, gesture: dict[str, Any], delay: float) -> None:
    """Send a gesture and kill the server while it may be at work on it."""
    killer = threading.Timer(delay, lambda: running.process.send_signal(signal.SIGKILL))
    killer.start()
    with contextlib.suppress(OSError):
        page.try_to_send(gesture)
    killer.join()
    running.process.wait(20)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_nothing_is_lost_or_done_twice_when_the_server_is_killed(tmp_path: Path, seed: int) -> None:
    label_until_killed(tmp_path, 4, seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10, 20))
def test_nothing_is_lost_in_two_hundred_kills(tmp_path: Path, seed: int) -> None:
    label_until_killed(tmp_path, 20, seed)
