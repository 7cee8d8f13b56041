"""Looking again, clearing away, copies."""

from pathlib import Path

import pytest
from sqlalchemy import insert, select

from mystax.engine.catalog.catalog import Catalog
from mystax.engine.catalog.tables import outcome
from mystax.errors import RecipeError
from tests.fixtures.sessions import OLD, clip, neuroblueprint, new_clip


def test_check_finds_a_file_that_changed(any_catalog: Catalog, tmp_path: Path) -> None:
    (file,) = neuroblueprint(tmp_path / "whisk")
    any_catalog.ingest(tmp_path / "whisk")
    assert any_catalog.check().changed == []
    new_clip(file, n_frames=30, when=OLD + 1)
    assert any_catalog.check().changed == [str(file)]
    (row,) = any_catalog.recordings()
    assert (row["codes"], row["n_frames"]) == (["V130"], 30)


def test_check_tells_of_files_that_are_away_and_forgets_nothing(catalog: Catalog, tmp_path: Path) -> None:
    left, right = neuroblueprint(tmp_path / "whisk", cameras=("left", "right"))
    catalog.ingest(tmp_path / "whisk")
    right.rename(tmp_path / "away.mp4")
    catalog.check()
    (row,) = catalog.recordings()
    assert (row["quality"], row["codes"], row["n_frames"]) == ("bad", ["P403"], 40)
    (tmp_path / "away.mp4").rename(right)
    catalog.check()
    assert catalog.recordings()[0]["quality"] == "good"
    assert left.exists()


@pytest.mark.parametrize("moved", [False, True])
def test_check_while_files_are_away_keeps_what_is_known_and_ingestion_clears_it(
    catalog: Catalog, tmp_path: Path, moved: bool
) -> None:
    (file,) = neuroblueprint(tmp_path / "whisk")
    catalog.ingest(tmp_path / "whisk")
    before = catalog.show(1)["cameras"]
    file.rename(tmp_path / "away.mp4")
    catalog.check()
    assert catalog.show(1)["cameras"] == before
    if moved:
        (file.parent / "deeper").mkdir()
        file = file.parent / "deeper" / file.name
    (tmp_path / "away.mp4").rename(file)
    catalog.ingest(tmp_path / "whisk")
    (row,) = catalog.recordings()
    assert (row["quality"], row["codes"]) == ("good", [])
    assert catalog.show(1)["cameras"][0]["clock"] == before[0]["clock"]
    assert catalog.ingest(tmp_path / "whisk").unchanged == 1


def test_check_while_files_are_away_forgets_no_remark_and_no_acceptance(
    catalog: Catalog, tmp_path: Path
) -> None:
    file = tmp_path / "whisk" / "m1" / "1.mp4"
    clip(file, kind="gap", n_frames=60)
    catalog.ingest(tmp_path / "whisk", pattern="{subject}/{session}.{video}")
    catalog.accept("r1", "V113", note="known")
    before = [one for one in catalog.show(1)["flags"] if one["code"] == "V113"]
    assert before[0]["accepted_by"]
    file.rename(tmp_path / "away.mp4")
    for _ in range(2):
        catalog.check()
    flags = catalog.show(1)["flags"]
    assert [one for one in flags if one["code"] == "V113"] == before
    assert [one["code"] for one in flags].count("P403") == 1


def test_check_leaves_recordings_alone_whose_root_is_away(catalog: Catalog, tmp_path: Path) -> None:
    neuroblueprint(tmp_path / "whisk")
    catalog.ingest(tmp_path / "whisk")
    before = catalog.recordings()
    (tmp_path / "whisk").rename(tmp_path / "unplugged")
    found = catalog.check()
    assert [error.code for error in found.problems] == ["Q606"]
    assert catalog.recordings() == before


def _old_outcome(catalog: Catalog) -> Path:
    folder = catalog.out / "m1" / "quick" / ".mystax"
    for name in ("old", "sums"):
        (folder / name).mkdir(parents=True)
    file = folder / "old" / "motion.0123456789ab.nc"
    file.write_bytes(b"x" * 100)
    (folder.parent / "motion.nc").write_bytes(b"y")
    path = file.relative_to(catalog.out).as_posix()
    with catalog.database.write() as connection:
        values = {"analysis": "motion", "version": 1, "key": "k", "path": path, "state": "superseded"}
        connection.execute(insert(outcome).values(**values))
    return file


def test_prune_removes_superseded_outcomes_and_their_rows_only(catalog: Catalog) -> None:
    file = _old_outcome(catalog)
    planned = catalog.prune(dry_run=True)
    assert (planned.files, planned.bytes) == ([str(file)], 100)
    assert file.exists()
    catalog.prune()
    assert not file.exists()
    assert (file.parents[2] / "motion.nc").exists()
    with catalog.database.read() as connection:
        assert connection.scalars(select(outcome.c.id)).all() == []


def test_backup_is_a_catalogue_of_its_own(catalog: Catalog, tmp_path: Path) -> None:
    neuroblueprint(tmp_path / "whisk")
    catalog.ingest(tmp_path / "whisk")
    catalog.backup(tmp_path / "copy.db")
    with Catalog.open(f"sqlite:///{tmp_path}/copy.db") as copy:
        assert copy.recordings() == catalog.recordings()
    with pytest.raises(RecipeError, match="a new file"):
        catalog.backup(tmp_path / "copy.db")
