"""What may be written: nothing by a page that only looks, nothing over what was not seen."""

import threading
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import pytest
from starlette.requests import Request

from mystax.app.routes import roi_copies, rois, states
from mystax.app.server import Settings
from mystax.app.writes import check_revision, check_writable, revision_of, turn_in
from mystax.core.geometry import roi_from_text
from mystax.errors import AppError
from mystax.io.rois import rois_to_toml
from tests.fixtures.app_client import AppClient
from tests.fixtures.catalogues import write_film
from tests.fixtures.exchange_outcomes import publish_known

WRITES = {
    ("PUT", "/api/recordings/r0/rois"): {"rev": "", "rois": []},
    ("POST", "/api/jobs"): {"recording": "r0"},
    ("POST", "/api/queue/work"): {},
    ("POST", "/api/jobs/j1/retry"): {},
    ("POST", "/api/labels/l0/train"): {},
    ("POST", "/api/recordings/r0/labels"): {"name": "x"},
}


def request(*, read_only: bool) -> Request:
    state = SimpleNamespace(mystax=SimpleNamespace(settings=Settings(read_only=read_only)))
    return Request({"type": "http", "app": SimpleNamespace(state=state)})


def test_a_page_that_only_looks_is_refused_with_the_place() -> None:
    check_writable(request(read_only=False), "labels")
    with pytest.raises(AppError, match="--read-only") as caught:
        check_writable(request(read_only=True), "labels")
    assert (caught.value.code, caught.value.status) == ("W902", 403)
    assert caught.value.record().as_dict()["where"] == "labels"


def test_a_revision_names_a_text_and_another_one_is_refused() -> None:
    assert revision_of("a") == revision_of("a") != revision_of("b")
    check_revision(revision_of("a"), revision_of("a"), "regions")
    with pytest.raises(AppError) as caught:
        check_revision("", revision_of("a"), "regions")
    assert (caught.value.code, caught.value.status) == ("W904", 409)


@pytest.mark.parametrize(("method", "path"), WRITES)
def test_no_route_writes_for_a_page_that_only_looks(method: str, path: str, tmp_path: Path) -> None:
    with AppClient(tmp_path, read_only=True) as client:
        reply = client.ask(path, method, WRITES[method, path])
    assert reply.status in {403, 404}
    assert reply.json()["code"] in {"W902", "W903"}
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let two writes look at the present revision at the same moment, where nothing keeps them apart."""
    meeting = threading.Barrier(2)

    def check(seen: str, present: str, where: str) -> None:
        with suppress(threading.BrokenBarrierError):
            meeting.wait(1.0)
        check_revision(seen, present, where)

    for module in (rois, roi_copies, states):
        monkeypatch.setattr(module, "check_revision", check)


@pytest.mark.usefixtures("together")
def test_of_two_pages_that_save_regions_at_once_one_is_refused(tmp_path: Path) -> None:
    write_film(tmp_path / "face.avi", 1, 4)
    sets = [[{"name": name, "kind": "motion", "rectangle": [1, 1, 5, 5]}] for name in ("anna", "bert")]
    with AppClient(tmp_path) as client:
        place = f"/api/recordings/{client.get('/api/recordings')[0]['id']}/rois"
        replies = client.ask_at_once(place, "PUT", *({"rev": "", "rois": one} for one in sets))
        assert sorted(reply.status for reply in replies) == [200, 409]
        assert next(one for one in replies if one.status == 409).json()["code"] == "W904"
        assert client.get(place) == next(one for one in replies if one.status == 200).json()


@pytest.mark.usefixtures("together")
def test_of_two_copies_into_the_same_regions_one_is_refused(tmp_path: Path) -> None:
    for number, name in enumerate(("first", "second")):
        write_film(tmp_path / f"{name}.avi", number, 4, (48, 32))
    (tmp_path / "first.mystax").mkdir()
    own = roi_from_text("motion:rectangle:1,1,9,9")
    (tmp_path / "first.mystax" / "rois.toml").write_text(rois_to_toml([own]))
    with AppClient(tmp_path) as client:
        ids = {row["name"]: row["id"] for row in client.get("/api/recordings")}
        wish = {"targets": [{"recording": ids["second"], "rev": ""}]}
        replies = client.ask_at_once(f"/api/recordings/{ids['first']}/rois/apply", "POST", wish, wish)
    codes = [str((done["error"] or {}).get("code")) for reply in replies for done in reply.json()]
    assert sorted(codes) == ["None", "W904"]


@pytest.mark.usefixtures("together")
def test_of_two_pages_that_name_states_at_once_one_is_refused(tmp_path: Path) -> None:
    publish_known(tmp_path / "face.mystax", "states")
    with AppClient(tmp_path) as client:
        (row,) = client.get("/api/recordings")
        (outcome,) = client.get(f"/api/recordings/{row['id']}")["outcomes"]
        place = f"/api/outcomes/{outcome['id']}/edits"
        wishes = ({"rev": "", "states": [{"state": state, "name": "calm"}]} for state in (1, 2))
        replies = client.ask_at_once(place, "PUT", *wishes)
        assert sorted(reply.status for reply in replies) == [200, 409]
        assert client.get(place) == next(one for one in replies if one.status == 200).json()


def test_writes_in_one_folder_follow_each_other_and_others_do_not_wait(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    assert turn_in(tmp_path / "link" / "a") is turn_in(tmp_path / "a")
    with turn_in(tmp_path / "a"):
        assert not turn_in(tmp_path / "b").locked()
