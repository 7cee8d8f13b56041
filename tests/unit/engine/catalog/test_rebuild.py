"""A lost database is made again from texts and outcomes."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from mystax.core.events import silent
from mystax.engine.catalog.catalog import Catalog
from mystax.engine.catalog.known import known_recordings
from mystax.engine.catalog.outcomes import outcome_facts, recipe_row, record_outcome
from mystax.engine.catalog.places import find_place
from mystax.engine.catalog.tables import outcome, recipe
from mystax.engine.folders import run_in_folder
from mystax.engine.jobs import Job, open_job
from mystax.engine.plan import Request, make_plan
from mystax.engine.recipe import Recipe, recipe_from
from tests.fixtures.sessions import neuroblueprint, new_clip

RECIPE = recipe_from(analyses=["motion"]).model_copy(update={"name": "quick"})


def _work(catalog: Catalog, wanted: Recipe = RECIPE) -> list[Path]:
    """Make the outcomes of all recordings and their rows, as a driver does."""
    with catalog.database.read() as connection:
        known = known_recordings(connection)
    made = []
    for one in known:
        folder = catalog.out / one.folder / wanted.name
        job = Job.of_request(Request(wanted), one.spec(), folder, report=False)
        opened = open_job(job)
        try:
            run_in_folder(opened, job, silent)
        finally:
            opened.close()
        with catalog.database.write() as connection:
            for path in folder.glob("*.nc"):
                facts = outcome_facts(catalog.out, path)
                row = recipe_row(connection, wanted)
                record_outcome(connection, facts, recording_id=one.id, recipe_id=row)
                made.append(path)
    return made


def _rows(catalog: Catalog) -> list[Any]:
    names = ("path", "analysis", "version", "key", "sha256", "content_sha256", "coverage", "summary", "state")
    with catalog.database.read() as connection:
        query = select(*(outcome.c[name] for name in names)).order_by(outcome.c.path)
        return [tuple(row) for row in connection.execute(query)]


def _lose(catalog: Catalog) -> Catalog:
    """Delete the database file; return the catalogue without it."""
    catalog.close()
    for file in catalog.place.folder.glob("mystax.db*"):
        file.unlink()
    return Catalog.at(catalog.place.folder)


def test_lost_database_comes_back_with_equal_rows_and_nothing_to_do(catalog: Catalog, tmp_path: Path) -> None:
    neuroblueprint(tmp_path / "whisk", 1, 2, ("left", "right"))
    catalog.ingest(tmp_path / "whisk")
    catalog.set(1, note="left eye is closed", sex="f", start="2026-03-01T10:00")
    _work(catalog)
    before, recordings = _rows(catalog), catalog.recordings()
    assert len(before) == 2
    with _lose(catalog) as again:
        found = again.rebuild()
        assert find_place(f"sqlite:///{catalog.database.where}", tmp_path, {}).outcomes == catalog.out
        assert (found.recordings, found.outcomes, found.missing, found.problems) == (2, 2, 0, [])
        assert _rows(again) == before
        kept = [{**row, "added": None} for row in recordings]
        assert [{**row, "added": None} for row in again.recordings()] == kept
        with again.database.read() as connection:
            known = known_recordings(connection)
            assert connection.scalars(select(recipe.c.name)).all() == ["quick"]
        keys = {row[3] for row in before}
        for one in known:
            plan = make_plan(one.recording(), Request(RECIPE))
            assert {item.key for item in plan.outcomes} <= keys
        taken = again.ingest(tmp_path / "whisk")
        assert (taken.added, taken.unchanged) == (0, 2)


def test_rebuilding_twice_changes_nothing(catalog: Catalog, tmp_path: Path) -> None:
    neuroblueprint(tmp_path / "whisk")
    catalog.ingest(tmp_path / "whisk")
    _work(catalog)
    before, recordings = _rows(catalog), catalog.recordings()
    catalog.rebuild()
    catalog.rebuild()
    assert (_rows(catalog), catalog.recordings()) == (before, recordings)


def test_outcomes_without_a_text_still_give_recordings(catalog: Catalog, tmp_path: Path) -> None:
    neuroblueprint(tmp_path / "whisk", cameras=("left", "right"))
    catalog.ingest(tmp_path / "whisk")
    _work(catalog)
    for text in catalog.out.rglob("recording.json"):
        text.unlink()
    with _lose(catalog) as again:
        assert again.rebuild().outcomes == 1
        (row,) = again.recordings()
        assert (row["folder"], row["cameras"], row["n_frames"]) == ("sub-001/ses-01", ["left", "right"], 40)
        with again.database.read() as connection:
            (known,) = known_recordings(connection)
        keys = {item.key for item in make_plan(known.recording(), Request(RECIPE)).outcomes}
        assert keys == {row[3] for row in _rows(again)}


def test_videos_that_are_away_do_not_hinder_a_plan(catalog: Catalog, tmp_path: Path) -> None:
    neuroblueprint(tmp_path / "whisk")
    catalog.ingest(tmp_path / "whisk")
    _work(catalog)
    (tmp_path / "whisk").rename(tmp_path / "unplugged")
    with _lose(catalog) as again:
        again.rebuild()
        with again.database.read() as connection:
            (known,) = known_recordings(connection)
        keys = {item.key for item in make_plan(known.recording(), Request(RECIPE)).outcomes}
        assert keys == {row[3] for row in _rows(again)}


def test_accepted_remarks_stay_accepted(catalog: Catalog, tmp_path: Path) -> None:
    (file,) = neuroblueprint(tmp_path / "whisk")
    new_clip(file.with_name("sub-001_ses-01_cam-top.mp4"), n_frames=60)
    catalog.ingest(tmp_path / "whisk")
    catalog.accept("r1", "C201", "known")
    assert catalog.recordings()[0]["quality"] == "good"
    with _lose(catalog) as again:
        again.rebuild()
        assert again.recordings()[0]["quality"] == "good"
        (one,) = [flag for flag in again.show(1)["flags"] if flag["code"] == "C201"]
        assert one["accepted_by"]


def test_superseded_outcomes_come_back_as_such(catalog: Catalog, tmp_path: Path) -> None:
    neuroblueprint(tmp_path / "whisk")
    catalog.ingest(tmp_path / "whisk")
    _work(catalog)
    other = recipe_from(analyses=["motion"], parameters={"motion": {"bin": 2}})
    _work(catalog, other.model_copy(update={"name": "quick"}))
    before = _rows(catalog)
    assert sorted(row[-1] for row in before) == ["current", "superseded"]
    with _lose(catalog) as again:
        found = again.rebuild()
        assert (found.outcomes, found.superseded) == (1, 1)
        assert [(row[0], row[3], row[-1]) for row in _rows(again)] == [
            (row[0], row[3], row[-1]) for row in before
        ]


def test_damaged_outcome_is_told_and_the_rest_goes_on(catalog: Catalog, tmp_path: Path) -> None:
    neuroblueprint(tmp_path / "whisk", 1, 2)
    catalog.ingest(tmp_path / "whisk")
    first, _ = _work(catalog)
    first.write_bytes(b"nothing")
    found = catalog.rebuild()
    assert [error.code for error in found.problems] == ["S502"]
    assert sorted(row[-1] for row in _rows(catalog)) == ["current", "damaged"]


def test_rows_without_a_file_are_missing(catalog: Catalog, tmp_path: Path) -> None:
    neuroblueprint(tmp_path / "whisk")
    catalog.ingest(tmp_path / "whisk")
    (path,) = _work(catalog)
    path.unlink()
    assert catalog.rebuild().missing == 1


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"format": 99}', '{"format": 1, "cameras": 3}', '{"format": 1, "cameras": [{}]}']
)
def test_text_that_is_not_understood_is_passed_over(catalog: Catalog, text: str) -> None:
    (catalog.out / "x").mkdir(parents=True)
    (catalog.out / "x" / "recording.json").write_text(text)
    catalog.rebuild()
    assert catalog.recordings() == []


def test_outcomes_are_given_with_their_recordings(catalog: Catalog, tmp_path: Path) -> None:
    neuroblueprint(tmp_path / "whisk", 2)
    catalog.ingest(tmp_path / "whisk")
    made = _work(catalog)
    found = list(catalog.outcomes("analysis=motion"))
    assert [path for _, path in found] == made
    assert [row["subject"] for row, _ in found] == ["001", "002"]
    assert list(catalog.outcomes("subject=002 analysis=pupil")) == []


def test_summary_holds_medians(catalog: Catalog, tmp_path: Path) -> None:
    neuroblueprint(tmp_path / "whisk")
    catalog.ingest(tmp_path / "whisk")
    _work(catalog)
    ((*_, summary, state),) = _rows(catalog)
    assert summary["n_frames"] == 20
    assert state == "current"


def test_copy_of_a_folder_of_outcomes_is_told_and_the_rest_is_found(catalog: Catalog, tmp_path: Path) -> None:
    """A person keeps a copy beside: it says that it is the same recording."""
    neuroblueprint(tmp_path / "whisk", 1, 2)
    catalog.ingest(tmp_path / "whisk")
    _work(catalog)
    shutil.copytree(catalog.out / "sub-001" / "ses-01", catalog.out / "sub-001" / "a-copy")
    with _lose(catalog) as again:
        found = again.rebuild()
        rows = again.recordings()
        assert [row["session"] for row in rows] == ["01", "02"]
        assert [row["n_frames"] for row in rows] == [20, 20]
        assert len(found.problems) == 1
        assert found.problems[0].code == "P403"
        assert "a-copy" in str(found.problems[0])
