"""What may be written: nothing by a page that only looks, nothing over what was not seen."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from starlette.requests import Request

from mystax.app.server import Settings
from mystax.app.writes import check_revision, check_writable, revision_of
from mystax.errors import AppError
from tests.fixtures.app_client import AppClient

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
