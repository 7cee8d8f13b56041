"""Tests of `mystax.engine.catalog.moves`: files at another place keep their rows."""

import shutil
from pathlib import Path

from sqlalchemy import select

from mystax.engine.catalog.catalog import Catalog
from mystax.engine.catalog.ingest_report import IngestReport
from mystax.engine.catalog.tables import camera, video
from tests.fixtures.sessions import neuroblueprint, new_clip


def _counts(found: IngestReport) -> tuple[int, int, int, int]:
    return found.added, found.changed, found.moved, found.unchanged


def test_moved_files_are_followed_and_nothing_becomes_stale(any_catalog: Catalog, tmp_path: Path) -> None:
    files = neuroblueprint(tmp_path / "whisk", 1, 2, ("left", "right"))
    any_catalog.ingest(tmp_path / "whisk")
    with any_catalog.database.read() as connection:
        before = {row.id: row.clock for row in connection.execute(select(camera.c.id, camera.c.clock))}
    for file in files[:2]:
        (file.parent / "deeper").mkdir(exist_ok=True)
        file.rename(file.parent / "deeper" / file.name)
    found = any_catalog.ingest(tmp_path / "whisk")
    assert _counts(found) == (0, 0, 2, 1)
    assert all("deeper" in new for _, new in found.moves)
    with any_catalog.database.read() as connection:
        after = {row.id: row.clock for row in connection.execute(select(camera.c.id, camera.c.clock))}
        paths = connection.scalars(select(video.c.path).order_by(video.c.path)).all()
    assert after == before
    assert sum("/deeper/" in path for path in paths) == 2
    assert _counts(any_catalog.ingest(tmp_path / "whisk")) == (0, 0, 0, 2)


def test_renamed_session_keeps_its_row_and_its_folder_of_outcomes(catalog: Catalog, tmp_path: Path) -> None:
    neuroblueprint(tmp_path / "whisk")
    catalog.ingest(tmp_path / "whisk")
    place = tmp_path / "whisk" / "rawdata" / "sub-001"
    (place / "ses-01_date-20260102").rename(place / "ses-09_date-20260102")
    assert _counts(catalog.ingest(tmp_path / "whisk")) == (0, 0, 1, 0)
    (row,) = catalog.recordings()
    assert (row["id"], row["session"], row["folder"]) == (1, "09", "sub-001/ses-01")


def test_renamed_project_is_moved_not_added(catalog: Catalog, tmp_path: Path) -> None:
    neuroblueprint(tmp_path / "whisk")
    catalog.ingest(tmp_path / "whisk")
    (tmp_path / "whisk").rename(tmp_path / "whisk2")
    assert _counts(catalog.ingest(tmp_path / "whisk2")) == (0, 0, 1, 0)
    assert catalog.recordings()[0]["project"] == "whisk2"


def test_copy_takes_the_place_of_a_file_on_a_root_that_is_away(catalog: Catalog, tmp_path: Path) -> None:
    file = new_clip(tmp_path / "nas" / "m1" / "1.mp4")
    catalog.ingest(tmp_path / "nas", pattern="{subject}/{session}.{video}")
    (tmp_path / "copy" / "m1").mkdir(parents=True)
    shutil.copy2(file, tmp_path / "copy" / "m1" / "1.mp4")
    catalog.set_root("nas", tmp_path / "unplugged")
    found = catalog.ingest(tmp_path / "copy", pattern="{subject}/{session}.{video}")
    assert _counts(found) == (0, 0, 1, 0)
    assert len(catalog.recordings()) == 1
