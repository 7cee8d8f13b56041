"""Adding videos: a look first, then a job; a page that may only read looks."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from mystax.app.routes import videos
from mystax.engine.catalog.catalog import Catalog
from mystax.io.cameras_file import read_cameras
from tests.fixtures.app_client import AppClient
from tests.fixtures.asgi import Application
from tests.fixtures.catalogues import write_film

FOUND = {
    "recordings": [
        {
            "name": "day",
            "state": "new",
            "cameras": [{"name": "left", "files": ["l.avi"], "clock": "pts"}],
            "codes": ["V113"],
        }
    ],
    "n_videos": 1,
    "added": 1,
}


@pytest.fixture
def wishes(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Collect what the child would be told."""
    told: list[dict[str, Any]] = []

    async def look(wish: dict[str, Any]) -> dict[str, Any]:
        told.append(wish)
        return FOUND

    monkeypatch.setattr(videos, "look", look)
    return told


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "root" / "day").mkdir(parents=True)
    return tmp_path / "root"


def post(app: Application | AppClient, **wanted: Any) -> Any:
    key = app.get("/api/roots")[0]["id"]
    return app.ask("/api/recordings", "POST", {"root": key, **wanted})


def test_a_look_tells_what_the_child_found(root: Path, wishes: list[dict[str, Any]]) -> None:
    answer = post(Application(root), path="day")
    assert answer.status == 200
    found = answer.json()
    assert (found["job"], found["added"], found["unchanged"], found["left_out"]) == (None, 1, 0, [])
    assert found["recordings"] == FOUND["recordings"]
    (wish,) = wishes
    assert (wish["catalog"], wish["folder"], wish["within"]) == (None, str(root / "day"), str(root))
    assert wish["dry_run"] is True


def test_a_page_that_may_only_read_looks_but_adds_nothing(root: Path, wishes: list[dict[str, Any]]) -> None:
    app = Application(root, read_only=True)
    assert post(app, path="day").status == 200
    answer = post(app, path="day", dry_run=False)
    assert (answer.status, answer.json()["code"]) == (403, "W902")
    assert len(wishes) == 1


def test_an_addition_is_a_job_and_its_recording_is_there_after_it(root: Path) -> None:
    for number, name in enumerate(("left.avi", "right.avi")):
        write_film(root / "day" / name, number, 4)
    with AppClient(root) as app:
        assert [row["name"] for row in app.get("/api/recordings")] == ["left", "right"]
        job = post(app, path="day", dry_run=False).json()["job"]

        def row() -> Any:
            return next(one for one in app.get("/api/queue")["jobs"] if one["id"] == job)

        while row()["state"] in {"queued", "running"}:
            app.wait(0.05)
        assert (row()["state"], row()["kind"], row()["recording"]) == ("done", "add", "day")
        assert row()["result"]["added"] == 1
        assert [row["name"] for row in app.get("/api/recordings")] == ["day"]
        assert app.ask(f"/api/jobs/{job}/log").status == 200
    assert sorted(read_cameras(root / "day" / "day.mystax")) == ["left", "right"]


@pytest.mark.parametrize(
    "clock",
    [
        "csv:../times.csv",
        "csv:/etc/passwd:0",
        "npz:a/b.npz:t",
        "events:a.csv:../b.csv",
        "csv:.hidden",
        "csv:a\\b",
    ],
)
def test_a_clock_that_lies_elsewhere_is_not_found(
    clock: str, root: Path, wishes: list[dict[str, Any]]
) -> None:
    answer = post(Application(root), clock=clock)
    assert (answer.status, answer.json()["code"]) == (404, "W903")
    assert wishes == []


def test_a_clock_that_is_none_is_refused_with_its_forms(root: Path, wishes: list[dict[str, Any]]) -> None:
    answer = post(Application(root), clock="cvs:times.csv")
    assert (answer.status, answer.json()["code"]) == (422, "P401")
    assert wishes == []


def test_a_clock_beside_the_videos_is_handed_on(root: Path, wishes: list[dict[str, Any]]) -> None:
    assert post(Application(root), clock="csv:*_times.csv:time:ms", pattern="{subject}.{video}").status == 200
    assert (wishes[0]["clock"], wishes[0]["pattern"]) == ("csv:*_times.csv:time:ms", "{subject}.{video}")


def test_roots_of_a_catalogue_are_registered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mystax.app.collection import CatalogCollection
    from mystax.app.jobs import CatalogJobs
    from mystax.app.security import Tokens
    from mystax.app.server import Settings, application

    films = tmp_path / "films"
    films.mkdir()
    Catalog.create(tmp_path / "lab").close()
    with Catalog.open(tmp_path / "lab") as catalog:
        catalog.set_root("films", films)
        catalog.set_root("elsewhere", "/no/such/folder", "otherhost")
        collection = CatalogCollection(catalog)
        assert list(collection.roots()) == [films]
        assert collection.catalogue() == str(tmp_path / "lab")
        guard = application(Settings(), Tokens(), collection, CatalogJobs(catalog))
        asyncio.run(guard._app.state.mystax.close())  # type: ignore[attr-defined]
