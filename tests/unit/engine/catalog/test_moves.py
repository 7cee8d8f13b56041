"""Tests of `mystax.engine.catalog.moves`: files at another place keep their rows."""

import shutil
from pathlib import Path

import numpy as np
from sqlalchemy import select

from mystax.engine.catalog.catalog import Catalog
from mystax.engine.catalog.ingest_report import IngestReport
from mystax.engine.catalog.tables import camera, side_file, video
from tests.fixtures.sessions import OLD, neuroblueprint, new_clip


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


PATTERN = "{subject}/{session}/face.{video}"


def _session(folder: Path, session: str, n_frames: int) -> Path:
    return new_clip(folder / "m1" / session / "face.mp4", n_frames=n_frames, when=OLD + n_frames)


def _rows(catalog: Catalog) -> list[tuple[str, str, int, list[str]]]:
    return [
        (row["session"], row["note"], row["n_frames"], sorted(set(row["codes"]) - {"no_start_time"}))
        for row in catalog.recordings()
    ]


def _number(folder: Path, old: str, new: str) -> None:
    (folder / "m1" / old).rename(folder / "m1" / new)


def test_sessions_with_new_numbers_are_followed_from_the_end(any_catalog: Catalog, tmp_path: Path) -> None:
    folder, catalog = tmp_path / "w", any_catalog
    for number in (1, 2, 3):
        _session(folder, f"00{number}", 20 + number)
    catalog.ingest(folder, pattern=PATTERN)
    for number in (1, 2, 3):
        catalog.set(number, note=f"of {number}")
    for number in (3, 2, 1):
        _number(folder, f"00{number}", f"00{number + 1}")
    assert _counts(catalog.ingest(folder, pattern=PATTERN)) == (0, 0, 3, 0)
    assert _rows(catalog) == [("002", "of 1", 21, []), ("003", "of 2", 22, []), ("004", "of 3", 23, [])]
    assert _counts(catalog.ingest(folder, pattern=PATTERN)) == (0, 0, 0, 3)


def test_sessions_that_changed_places_are_followed(any_catalog: Catalog, tmp_path: Path) -> None:
    folder, catalog = tmp_path / "w", any_catalog
    for number in (1, 2):
        _session(folder, f"00{number}", 20 + number)
        np.save(folder / "m1" / f"00{number}" / "times.npy", np.arange(20 + number) / 30.0)
    catalog.ingest(folder, pattern=PATTERN, clocks="npy:times.npy")
    before = [catalog.show(number)["cameras"][0]["clock"] for number in (1, 2)]
    _number(folder, "001", "aside")
    _number(folder, "002", "001")
    _number(folder, "aside", "002")
    assert _counts(catalog.ingest(folder, pattern=PATTERN)) == (0, 0, 2, 0)
    assert _rows(catalog) == [("002", "", 21, []), ("001", "", 22, [])]
    assert [catalog.show(number)["cameras"][0]["clock"] for number in (1, 2)] == before
    with catalog.database.read() as connection:
        query = select(side_file.c.path).order_by(side_file.c.recording_id)
        assert connection.scalars(query).all() == ["m1/002/times.npy", "m1/001/times.npy"]
    assert _counts(catalog.ingest(folder, pattern=PATTERN)) == (0, 0, 0, 2)


def test_session_in_the_place_of_one_that_is_gone_is_told(catalog: Catalog, tmp_path: Path) -> None:
    folder = tmp_path / "w"
    for number in (1, 2):
        _session(folder, f"00{number}", 20 + number)
    catalog.ingest(folder, pattern=PATTERN)
    shutil.rmtree(folder / "m1" / "002")
    _number(folder, "001", "002")
    found = catalog.ingest(folder, pattern=PATTERN)
    assert (_counts(found), found.missing) == ((0, 1, 0, 0), ["w/m1/001/face.mp4"])
    assert _rows(catalog)[1] == ("002", "", 21, ["V130"])


def test_copy_of_a_video_that_was_then_changed_is_a_recording_of_its_own(
    catalog: Catalog, tmp_path: Path
) -> None:
    folder = tmp_path / "w"
    file = _session(folder, "001", 20)
    catalog.ingest(folder, pattern=PATTERN)
    shutil.copytree(folder / "m1" / "001", folder / "m1" / "000")
    new_clip(file, n_frames=25, when=OLD + 100)
    assert _counts(catalog.ingest(folder, pattern=PATTERN)) == (1, 1, 0, 0)
    assert _rows(catalog) == [("001", "", 25, ["V130"]), ("000", "", 20, [])]


def test_recording_without_a_file_is_told(catalog: Catalog, tmp_path: Path) -> None:
    folder = tmp_path / "w"
    for number in (1, 2):
        _session(folder, f"00{number}", 20 + number)
    catalog.ingest(folder, pattern=PATTERN)
    shutil.rmtree(folder / "m1" / "001")
    assert catalog.ingest(folder, pattern=PATTERN).missing == ["w/m1/001/face.mp4"]
    assert len(catalog.recordings()) == 2


def test_copy_takes_the_place_of_a_file_on_a_root_that_is_away(catalog: Catalog, tmp_path: Path) -> None:
    file = new_clip(tmp_path / "nas" / "m1" / "1.mp4")
    catalog.ingest(tmp_path / "nas", pattern="{subject}/{session}.{video}")
    (tmp_path / "copy" / "m1").mkdir(parents=True)
    shutil.copy2(file, tmp_path / "copy" / "m1" / "1.mp4")
    catalog.set_root("nas", tmp_path / "unplugged")
    found = catalog.ingest(tmp_path / "copy", pattern="{subject}/{session}.{video}")
    assert _counts(found) == (0, 0, 1, 0)
    assert len(catalog.recordings()) == 1
