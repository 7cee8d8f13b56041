"""Outcomes of many recordings out: every recording is finished or explained."""

import errno
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import insert

from mystax.core.events import Event
from mystax.engine.catalog.catalog import Catalog
from mystax.engine.catalog.exporting import Exported
from mystax.engine.catalog.outcomes import outcome_facts, record_outcome
from mystax.engine.catalog.tables import recording, subject
from mystax.engine.exchange import import_facemap
from mystax.engine.export import ExportWish
from mystax.errors import Cancelled, InternalError, RecipeError
from mystax.io.formats.facemap import read_facemap, write_facemap
from tests.fixtures.exchange_outcomes import contents, publish_known
from tests.fixtures.facemap_files import facemap_dict


def _recordings(catalog: Catalog, *analyses: tuple[str, ...]) -> list[Path]:
    """Put in one recording per group of analyses, with their outcomes; return the recipe folders."""
    folders = []
    for number, group in enumerate(analyses, start=1):
        name = f"sub-{number:03d}/ses-01"
        home = catalog.out / name / "quick"
        if group:
            publish_known(home, *group)
            (home / "recipe.toml").write_text('name = "quick"\n')
        with catalog.database.write() as connection:
            connection.execute(
                insert(subject).values(
                    id=number, name=f"m{number}", species="Mus musculus", sex="female", birth="2025-12-01"
                )
            )
            start = datetime(2026, 1, 2, 10, tzinfo=UTC).timestamp()
            connection.execute(
                insert(recording).values(id=number, folder=name, subject_id=number, session="01", start=start)
            )
            for file in sorted(home.glob("*.nc")):
                record_outcome(connection, outcome_facts(catalog.out, file), recording_id=number)
        folders.append(home)
    return folders


def _exported(catalog: Catalog, wish: ExportWish, where: str = "") -> list[Exported]:
    return list(catalog.export(wish, where))


@pytest.mark.usefixtures("readers_here")
def test_tables_of_each_recording_come_back_equal(any_catalog: Catalog, tmp_path: Path) -> None:
    from mystax.engine.importing import ImportWishes, import_file

    homes = _recordings(any_catalog, ("running",), ("blink",))
    found = _exported(any_catalog, ExportWish({"csv": tmp_path / "csv"}))
    assert [(one.label, one.errors) for one in found] == [("r1", {}), ("r2", {})]
    for one, home in zip(found, homes, strict=True):
        back = tmp_path / "back" / one.label
        import_file(tmp_path / "csv" / one.folder, ImportWishes(out=back))
        assert contents(back) == contents(home)


def test_condition_chooses_recordings_and_outcomes(catalog: Catalog, tmp_path: Path) -> None:
    _recordings(catalog, ("running", "blink"), ("running",), ("blink",))
    found = _exported(catalog, ExportWish({"csv": tmp_path}), "analysis=running subject=m1,m3")
    assert [one.label for one in found] == ["r1"]
    assert {path.name for path in found[0].files} == {"running.csv", "running.json"}


def test_recording_that_fails_is_explained_and_the_next_is_written(catalog: Catalog, tmp_path: Path) -> None:
    first, *_ = _recordings(catalog, ("running",), (), ("running",), ("blink",))
    file = first / "running.nc"
    file.chmod(0o644)
    file.write_bytes(file.read_bytes()[:2000])
    found = _exported(catalog, ExportWish({"csv": tmp_path}, ["running"]))
    codes: dict[str, Any] = {one.label: [error.code for error in one.errors.values()] for one in found}
    assert codes == {"r1": ["S502"], "r2": ["P403"], "r3": [], "r4": ["P403"]}
    assert [bool(one.files) for one in found] == [False, False, True, False]
    assert "running" in str(found[3].errors["csv"])


def test_failure_that_nobody_foresaw_stays_with_its_recording(
    catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mystax.io import tables

    failures = iter([ZeroDivisionError("by nothing"), OSError(errno.EIO, "input/output error"), None])
    whole = tables.write_tables

    def fragile(*arguments: Any, **more: Any) -> list[Path]:
        failure = next(failures)
        if failure is not None:
            raise failure
        return whole(*arguments, **more)

    monkeypatch.setattr(tables, "write_tables", fragile)
    _recordings(catalog, ("running",), ("running",), ("running",))
    bug, disk, done = _exported(catalog, ExportWish({"csv": tmp_path}))
    assert isinstance(bug.errors["csv"], InternalError)
    assert str(bug.errors["csv"]) == "B999 r1 sub-001/ses-01: csv: ZeroDivisionError: by nothing."
    assert isinstance(bug.errors["csv"].__cause__, ZeroDivisionError)
    assert disk.errors["csv"].code == "S503"
    assert (done.errors, len(done.files)) == ({}, 2)


def test_stop_is_no_failure_of_a_recording(catalog: Catalog, tmp_path: Path) -> None:
    def stop(event: Event) -> None:
        if event.done == 1:
            raise Cancelled("export", 15)

    _recordings(catalog, ("running",), ("running",))
    with pytest.raises(Cancelled):
        list(catalog.export(ExportWish({"csv": tmp_path}), report=stop))
    assert (tmp_path / "sub-001" / "ses-01" / "running.csv").is_file()
    assert not (tmp_path / "sub-002").exists()


def test_what_hinders_one_format_does_not_hinder_the_next(catalog: Catalog, tmp_path: Path) -> None:
    _recordings(catalog, ("running",))
    (tmp_path / "file").write_text("no folder")
    (found,) = _exported(catalog, ExportWish({"csv": tmp_path / "file", "alf": tmp_path / "alf"}))
    assert list(found.errors) == ["csv"]
    assert (tmp_path / "alf" / "sub-001" / "ses-01" / "alf" / "_mystax_manifest.json") in found.files
    assert found.as_dict()["recording"] == "r1"
    assert "csv" in found.as_dict()["failed"]  # type: ignore[operator] # a dictionary


def test_second_export_replaces_nothing_unasked(catalog: Catalog, tmp_path: Path) -> None:
    _recordings(catalog, ("running",))
    wish = ExportWish({"csv": tmp_path})
    assert not _exported(catalog, wish)[0].errors
    assert _exported(catalog, wish)[0].errors["csv"].code == "P403"
    assert not _exported(catalog, ExportWish({"csv": tmp_path}, overwrite=True))[0].errors


@pytest.mark.usefixtures("nwb_rules_read_once")
def test_nwb_knows_start_and_subject_from_the_catalogue(catalog: Catalog, tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    pytest.importorskip("pynwb")
    _recordings(catalog, ("running",))
    (found,) = _exported(catalog, ExportWish({"nwb": tmp_path}))
    assert found.files == [tmp_path / "sub-001" / "ses-01.nwb"]
    with h5py.File(found.files[0]) as file:
        person = file["general/subject"]
        names = ("subject_id", "species", "sex", "age")
        told = [person[name][()].decode() for name in names]
        assert told == ["m1", "Mus musculus", "F", "P32D"]
        assert file["session_start_time"][()].decode().startswith("2026-01-02T10:00:00")


@pytest.mark.usefixtures("readers_here")
def test_facemap_file_of_each_recipe_of_a_recording(catalog: Catalog, tmp_path: Path) -> None:
    write_facemap(tmp_path / "face_proc.npy", facemap_dict(0))
    (home,) = _recordings(catalog, ())
    with catalog.database.write() as connection:
        for folder in (home, home.with_name("other")):
            import_facemap(tmp_path / "face_proc.npy", folder)
            for file in folder.glob("*.nc"):
                record_outcome(connection, outcome_facts(catalog.out, file), recording_id=1)
    (found,) = _exported(catalog, ExportWish({"facemap": tmp_path / "out"}))
    assert [path.parent.name for path in found.files] == ["other", "quick"]
    assert not found.errors
    for path in found.files:
        assert np.array_equal(
            read_facemap(path)["motion"][0], read_facemap(tmp_path / "face_proc.npy")["motion"][0]
        )


def test_empty_selection_and_unknown_format_are_refused(catalog: Catalog, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="no recording is meant"):
        _exported(catalog, ExportWish({"csv": tmp_path}), "subject=nobody")
    with pytest.raises(RecipeError, match="parquet"):
        _exported(catalog, ExportWish({"xls": tmp_path}))
