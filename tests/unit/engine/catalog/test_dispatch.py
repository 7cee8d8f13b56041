"""Jobs of the catalogue as work: what a driver looks at first, and what it leaves to the worker's host."""

import platform
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import update

from mystax.engine.catalog.claims import Claim
from mystax.engine.catalog.dispatch import CatalogDispatch
from mystax.engine.catalog.tables import root
from mystax.engine.jobs import Job, open_job
from mystax.errors import CatalogError, VideoError
from tests.fixtures.catalogues import Lab, make_lab, write_film


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    made = make_lab(tmp_path / "lab", 1)
    made.add("quick")
    made.queue.enter({"id": "me", "host": "here"})
    yield made
    made.database.close()


def claim_of(lab: Lab) -> Claim:
    found = lab.queue.claim("me", 8)
    assert found is not None
    return found


def away(lab: Lab, host: str) -> None:
    """Let the films be known on another host only."""
    with lab.database.write() as connection:
        connection.execute(update(root).values(host=host))


def test_a_job_says_where_its_films_are_below_their_roots(lab: Lab) -> None:
    spec = lab.dispatch().spec_of(claim_of(lab), [])
    assert spec.job["recording"]["places"] == {"face": [["films", "rec000/face.avi"]]}
    assert spec.job["recording"]["roots"] == [["films", "*", str(lab.folder / "films")]]


def test_a_root_that_is_away_holds_the_job_where_it_would_run_here(lab: Lab) -> None:
    away(lab, "node*")
    with pytest.raises(CatalogError, match="Q606"):
        lab.dispatch().spec_of(claim_of(lab), [])


def test_a_root_that_is_away_here_is_for_the_hosts_of_the_workers_to_find(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    away(lab, "node*")
    spec = lab.dispatch(elsewhere=True).spec_of(claim_of(lab), [])
    child = Job(**spec.job)
    with pytest.raises(CatalogError, match="Q606"):
        open_job(child)
    monkeypatch.setattr(platform, "node", lambda: "node7")
    opened = open_job(child)
    assert opened.cameras["face"].video.n_frames == 40
    opened.close()


@pytest.mark.parametrize("elsewhere", [False, True])
def test_a_film_that_changed_never_gets_a_child(lab: Lab, elsewhere: bool) -> None:
    write_film(lab.folder / "films" / "rec000" / "face.avi", 99)
    dispatch = CatalogDispatch(lab.database, lab.out, elsewhere=elsewhere)
    with pytest.raises(VideoError, match="V130"):
        dispatch.spec_of(claim_of(lab), [])
