"""Attacks on "add videos": no way out of the registered folders, no hidden file, no endless look."""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mystax.app import additions
from mystax.app.add_child import in_folder
from mystax.app.routes import videos
from mystax.core.events import silent
from tests.fixtures.app_client import AppClient
from tests.fixtures.catalogues import write_film

pytestmark = pytest.mark.attack

SECRET = "nobody-may-see"  # noqa: S105 - a name to look for, no password


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Make a registered folder with good films, hidden ones, and links to secrets around it."""
    root = tmp_path / "root"
    for number, name in enumerate(("day/left.avi", "day/right.avi", ".hidden/left.avi", ".hidden/right.avi")):
        write_film(root / name, number, 4)
    for place in (tmp_path / SECRET, tmp_path / "root-beside"):
        for number, name in enumerate(("left.avi", "right.avi")):
            write_film(place / f"{SECRET}_{name}", 10 + number, 4)
    (root / "out").symlink_to(tmp_path / SECRET)
    (root / "loop").symlink_to(root)
    (root / "day" / "body.avi").symlink_to(tmp_path / SECRET / f"{SECRET}_left.avi")
    return root


@pytest.fixture
def app(root: Path) -> Iterator[AppClient]:
    with AppClient(root) as running:
        yield running


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look at folders in this process, as the child does."""

    async def look(wish: Any) -> Any:
        return in_folder(wish, silent)

    monkeypatch.setattr(videos, "look", look)


def post(app: AppClient, path: Any, **more: Any) -> Any:
    return app.ask("/api/recordings", "POST", {"root": app.get("/api/roots")[0]["id"], "path": path, **more})


PATHS = {
    "dots": "..",
    "dots to a sibling": "../{secret}",
    "dots inside": "day/../../{secret}",
    "encoded": "%2e%2e/{secret}",
    "absolute": "{around}/{secret}",
    "absolute below the root": "{root}/day",
    "link out of the folder": "out",
    "sibling of the same prefix": "../root-beside",
    "NUL": "day\0",
    "NUL before a way out": "day\0/../../{secret}",
    "backslashes": "..\\{secret}",
    "hidden": ".hidden",
    "hidden below": "day/../.hidden",
    "a file": "day/left.avi",
    "double slash": "day//",
    "home": "~",
    "too deep": "day/" * 1000 + "x",
}


@pytest.mark.parametrize("dry_run", [True, False], ids=["look", "add"])
@pytest.mark.parametrize("what", PATHS)
def test_a_path_that_leads_elsewhere_is_not_found_and_nothing_is_begun(
    what: str, dry_run: bool, app: AppClient, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def look(wish: Any) -> Any:
        pytest.fail(f"looked at {wish['folder']}")

    monkeypatch.setattr(videos, "look", look)
    path = PATHS[what].format(around=root.parent, root=root, secret=SECRET)
    answer = post(app, path, dry_run=dry_run)
    assert (answer.status, answer.json()["code"]) in {(404, "W903"), (422, "P401")}
    assert SECRET not in answer.json()["where"] + answer.json()["what"]
    assert app.get("/api/queue")["jobs"] == []


@pytest.mark.parametrize("key", ["", "d0", "../", "d" * 60, "d'; drop table root; --"])
def test_a_folder_that_nobody_registered_is_not_found(key: str, app: AppClient) -> None:
    answer = app.ask("/api/recordings", "POST", {"root": key, "path": ""})
    assert (answer.status, answer.json()["code"]) == (404, "W903")


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {"root": 3},
        {"root": "d0", "path": ["day"]},
        {"root": "d0", "path": "x" * 5000},
        {"root": "d0", "folder": "/etc"},
        {"root": "d0", "within": "/"},
        {"root": "d0", "catalog": "sqlite:////tmp/x.db"},
    ],
)
def test_a_wish_of_another_form_is_refused(body: Any, app: AppClient) -> None:
    answer = app.ask("/api/recordings", "POST", body)
    assert (answer.status, answer.json()["code"]) == (422, "P401")


def test_hidden_folders_are_neither_listed_nor_opened(app: AppClient) -> None:
    key = app.get("/api/roots")[0]["id"]
    assert {one["name"] for one in app.get(f"/api/roots/{key}/list")["entries"]} == {"day", "loop"}
    assert app.ask(f"/api/roots/{key}/list?path=.hidden").status == 404
    assert app.ask(f"/api/roots/{key}/list?path=out").status == 404


@pytest.mark.usefixtures("looks")
def test_a_video_behind_a_link_out_of_the_folder_is_no_camera(app: AppClient) -> None:
    found = post(app, "day").json()
    assert [camera["name"] for camera in found["recordings"][0]["cameras"]] == ["left", "right"]
    assert SECRET not in json.dumps(found)


@pytest.mark.usefixtures("looks")
def test_a_circle_of_links_ends(app: AppClient) -> None:
    found = post(app, "loop/loop/loop/day").json()
    assert found["n_videos"] == 2


def test_a_link_that_is_set_after_the_look_is_not_followed_when_it_is_added(root: Path) -> None:
    wish = {"folder": str(root / "day"), "within": str(root), "dry_run": True}
    in_folder(wish, silent)
    (root / "day" / "right.avi").unlink()
    (root / "day" / "right.avi").symlink_to(root.parent / SECRET / f"{SECRET}_right.avi")
    write_film(root / "day" / "side.avi", 5, 4)
    found = in_folder({**wish, "dry_run": False}, silent)
    assert [camera["name"] for camera in found["recordings"][0]["cameras"]] == ["left", "side"]


def test_a_huge_folder_is_listed_in_pages(app: AppClient, root: Path) -> None:
    (root / "many").mkdir()
    for number in range(1500):
        (root / "many" / f"{number:05d}.txt").touch()
    key = app.get("/api/roots")[0]["id"]
    first = app.get(f"/api/roots/{key}/list?path=many")
    assert (len(first["entries"]), first["next"]) == (1000, 1000)
    rest = app.get(f"/api/roots/{key}/list?path=many&cursor=1000")
    assert (len(rest["entries"]), rest["next"]) == (500, None)


def test_an_endless_look_is_ended_and_leaves_no_process(
    app: AppClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    note = tmp_path / "pid"
    sleeper = (
        f"import os, pathlib, time; pathlib.Path({str(note)!r}).write_text(str(os.getpid())); time.sleep(60)"
    )

    async def look(wish: Any) -> Any:
        return await additions.look(wish, command=(sys.executable, "-c", sleeper), longest=0.5)

    monkeypatch.setattr(videos, "look", look)
    answer = post(app, "day")
    assert (answer.status, answer.json()["code"]) == (413, "W906")
    with pytest.raises(ProcessLookupError):
        os.kill(int(note.read_text()), 0)


@pytest.mark.usefixtures("looks")
def test_hostile_names_stay_text(app: AppClient, root: Path) -> None:
    markup = "<img src=x onerror=alert(1)>"
    (root / markup).mkdir()
    for number, name in enumerate(("left.avi", "right.avi")):
        write_film(root / markup / name, number, 4)
    answer = post(app, markup)
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["recordings"][0]["name"] == markup
