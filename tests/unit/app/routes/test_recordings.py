"""What is told of a recording: a video that is gone hides neither the other cameras nor what was measured."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from mystax.app.collection import CatalogCollection
from mystax.engine.catalog.catalog import Catalog
from tests.fixtures.app_client import AppClient
from tests.fixtures.catalogues import make_lab
from tests.fixtures.exchange_outcomes import publish_known


@pytest.fixture
def client(tmp_path: Path) -> Iterator[AppClient]:
    """Show a catalogue of a recording with two cameras."""
    make_lab(tmp_path, 1, n_frames=4, cameras=("face", "body"))
    with Catalog.open(tmp_path) as catalog, AppClient(tmp_path) as made:
        made.state.collection = CatalogCollection(catalog)
        yield made


def film(tmp_path: Path, name: str) -> Path:
    return tmp_path / "films" / "rec000" / f"{name}.avi"


def test_a_video_that_is_gone_hides_no_other_camera(client: AppClient, tmp_path: Path) -> None:
    before = client.get("/api/recordings/r1")
    assert ({one["name"] for one in before["cameras"]}, before["refusals"]) == ({"face", "body"}, [])
    film(tmp_path, "face").unlink()
    after = client.get("/api/recordings/r1")
    assert after["cameras"] == [one for one in before["cameras"] if one["name"] == "body"]
    (why,) = after["refusals"]
    assert str(film(tmp_path, "face")) in why
    assert client.get("/api/recordings/r1/marks") == []


def test_outcomes_are_shown_without_any_video(client: AppClient, tmp_path: Path) -> None:
    place = client.state.collection.label_place(client.state.collection.items()[0])
    publish_known(place / "quick", "motion")
    client.state.collection.forget()
    shutil.rmtree(film(tmp_path, "face").parent)
    found = client.get("/api/recordings/r1")
    assert (found["cameras"], [one["analysis"] for one in found["outcomes"]]) == ([], ["motion"])
    assert len(found["refusals"]) == 2


def test_where_nothing_can_be_shown_the_refusal_is_the_answer(client: AppClient, tmp_path: Path) -> None:
    shutil.rmtree(film(tmp_path, "face").parent)
    reply = client.ask("/api/recordings/r1")
    assert (reply.status, reply.json()["code"]) == (422, "P403")
