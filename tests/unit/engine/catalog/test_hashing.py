"""Every byte of videos and outcomes: damaged, missing, moved."""

import hashlib
import os
from pathlib import Path

from sqlalchemy import insert, select, update

from mystax.engine.catalog.catalog import Catalog
from mystax.engine.catalog.tables import job, outcome, video
from tests.fixtures.catalogues import make_lab
from tests.fixtures.sessions import neuroblueprint


def _ingested(catalog: Catalog, tmp_path: Path) -> Path:
    """Take in one video; quick ids look at the ends of long files only, so it is made a long one."""
    (file,) = neuroblueprint(tmp_path / "whisk")
    with file.open("ab") as video_file:
        video_file.write((8 * 1024**2).to_bytes(4, "big") + b"free" + bytes(8 * 1024**2 - 8))
    os.utime(file, (1_700_000_000, 1_700_000_000))
    catalog.ingest(tmp_path / "whisk")
    return file


def _flip(file: Path, place: int = 1200 * 1024) -> None:
    """Change one byte between the blocks of which a quick id is made; time and size stay."""
    stat = file.stat()
    with file.open("r+b") as video_file:
        video_file.seek(place)
        byte = video_file.read(1)[0]
        video_file.seek(place)
        video_file.write(bytes([byte ^ 1]))
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def test_first_time_keeps_the_sha256_and_the_second_finds_it_equal(
    any_catalog: Catalog, tmp_path: Path
) -> None:
    file = _ingested(any_catalog, tmp_path)
    first, again = any_catalog.check_full(), any_catalog.check_full()
    assert [(one.hashed, one.first) for one in (first, again)] == [(1, 1), (1, 0)]
    assert (again.damaged, again.missing, again.moved) == ([], [], {})
    with any_catalog.database.read() as connection:
        assert connection.scalar(select(video.c.full_hash)) == hashlib.sha256(file.read_bytes()).hexdigest()


def test_byte_that_quick_ids_do_not_see_is_found_and_stays_said(any_catalog: Catalog, tmp_path: Path) -> None:
    file = _ingested(any_catalog, tmp_path)
    any_catalog.check_full()
    _flip(file)
    assert any_catalog.check().changed == []
    assert any_catalog.check_full().damaged == [str(file)]
    any_catalog.check()
    (row,) = any_catalog.recordings()
    assert (row["codes"].count("V130"), row["quality"]) == (1, "warned")
    _flip(file)
    assert any_catalog.check_full().damaged == []
    assert any_catalog.recordings()[0]["quality"] == "good"


def test_file_that_moved_below_its_root_is_named_with_its_new_place(catalog: Catalog, tmp_path: Path) -> None:
    file = _ingested(catalog, tmp_path)
    new = file.with_name("elsewhere.mp4")
    file.rename(new)
    found = catalog.check_full()
    assert (found.moved, found.missing, found.hashed) == ({str(file): str(new)}, [], 0)
    new.unlink()
    assert catalog.check_full().missing == [str(file)]


def test_recordings_whose_root_is_away_are_a_problem_not_missing(catalog: Catalog, tmp_path: Path) -> None:
    _ingested(catalog, tmp_path)
    (tmp_path / "whisk").rename(tmp_path / "unplugged")
    found = catalog.check_full()
    assert [error.code for error in found.problems] == ["Q606"]
    assert found.missing == []


def test_damaged_and_missing_outcomes_are_no_longer_current(catalog: Catalog, tmp_path: Path) -> None:
    _ingested(catalog, tmp_path)
    folder = catalog.out / "a"
    folder.mkdir(parents=True)
    with catalog.database.write() as connection:
        for name in ("good", "torn", "gone"):
            (folder / f"{name}.nc").write_bytes(name.encode())
            mark = hashlib.sha256(name.encode()).hexdigest()
            values = {"analysis": name, "version": 1, "key": name, "path": f"a/{name}.nc", "sha256": mark}
            connection.execute(insert(outcome).values(recording_id=1, state="current", **values))
    (folder / "torn.nc").write_bytes(b"t0rn")
    (folder / "gone.nc").unlink()
    found = catalog.check_full()
    assert (found.damaged, found.missing) == ([str(folder / "torn.nc")], [str(folder / "gone.nc")])
    with catalog.database.read() as connection:
        states = dict(connection.execute(select(outcome.c.analysis, outcome.c.state)).all())
    assert states == {"good": "current", "torn": "damaged", "gone": "missing"}


def test_jobs_of_the_queue_find_what_reading_here_finds(tmp_path: Path) -> None:
    lab = make_lab(tmp_path / "lab", 2)
    lab.add("quick")
    lab.do_all()
    with Catalog.open(lab.folder) as catalog:
        assert catalog.add_full_check() == [3, 4]
        assert catalog.add_full_check() == []
        assert lab.do_all() == ["done", "done"]
        assert [row.full_hash for row in lab.rows(video.c.full_hash)] == [
            hashlib.sha256((lab.folder / "films" / name / "face.avi").read_bytes()).hexdigest()
            for name in ("rec000", "rec001")
        ]
        (lab.out / "rec000" / "quick" / "motion.nc").write_bytes(b"torn")
        with lab.database.write() as connection:
            connection.execute(update(video).where(video.c.id == 2).values(full_hash="another"))
        assert catalog.add_full_check("folder=rec*") == [3, 4]
        lab.do_all()
        assert [row.reason for row in lab.rows(job.c.reason)[2:]] == ["1 damaged", "1 damaged"]
        assert [row.state for row in lab.rows(outcome.c.state)] == ["damaged", "current"]
        assert catalog.recordings("code=V130")[0]["folder"] == "rec001"
    lab.database.close()
