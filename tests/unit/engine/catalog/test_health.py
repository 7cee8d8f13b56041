"""What the doctor says of a catalogue."""

import sqlite3
import time
from pathlib import Path

import pytest
from sqlalchemy import insert, select, update

from mystax.engine.catalog.catalog import Catalog
from mystax.engine.catalog.health import check_catalog
from mystax.engine.catalog.places import FILE
from mystax.engine.catalog.tables import meta, outcome
from mystax.engine.doctor_outcomes import Check
from tests.fixtures.sessions import neuroblueprint


def _checks(catalog: Catalog, *, fix: bool = False, kind: str = "ext4") -> dict[str, list[Check]]:
    found: dict[str, list[Check]] = {}
    for check in check_catalog(catalog.place.folder / FILE, fix=fix, statfs=lambda _: kind):
        found.setdefault(check.name, []).append(check)
    return found


def test_sound_catalogue_is_ok(any_catalog: Catalog, tmp_path: Path) -> None:
    neuroblueprint(tmp_path / "whisk")
    any_catalog.ingest(tmp_path / "whisk")
    found = _checks(any_catalog)
    assert set(found) == {"catalogue", "root", "clock", "rows"}
    assert {check.status for checks in found.values() for check in checks} == {"ok"}
    assert "1 recordings" in found["catalogue"][0].got


def test_network_disk_and_root_that_is_away_are_said(catalog: Catalog, tmp_path: Path) -> None:
    neuroblueprint(tmp_path / "whisk")
    catalog.ingest(tmp_path / "whisk")
    (tmp_path / "whisk").rename(tmp_path / "away")
    found = _checks(catalog, kind="nfs4")
    assert [check.code for check in found["catalogue"]] == ["Q604", ""]
    assert [(check.status, check.code) for check in found["root"]] == [("warn", "Q606")]


def test_clock_that_differs_is_a_remark(catalog: Catalog) -> None:
    checks = check_catalog(catalog.place.folder / FILE, now=lambda: time.time() - 100)
    (clock,) = [check for check in checks if check.name == "clock"]
    assert clock.status == "warn"
    assert "+100" in clock.got


def test_row_without_a_file_is_marked_by_fix(catalog: Catalog) -> None:
    with catalog.database.write() as connection:
        values = {"analysis": "motion", "version": 1, "key": "k", "path": "m1/quick/motion.nc"}
        connection.execute(insert(outcome).values(**values))
    assert _checks(catalog)["rows"][0].hint == "mystax doctor --fix"
    _checks(catalog, fix=True)
    with catalog.database.read() as connection:
        assert connection.scalars(select(outcome.c.state)).all() == ["missing"]
    assert _checks(catalog)["rows"][0].status == "ok"


def test_row_that_points_to_nothing_is_a_failure(catalog: Catalog) -> None:
    with sqlite3.connect(catalog.database.where) as plain:
        plain.execute("INSERT INTO camera (recording_id, name) VALUES (99, 'x')")
    plain.close()
    (check,) = _checks(catalog)["catalogue"]
    assert (check.status, check.code) == ("fail", "Q603")
    assert "camera" in check.got


def test_file_that_is_no_database_is_a_failure_with_a_way_out(catalog: Catalog) -> None:
    catalog.close()
    Path(catalog.database.where).write_bytes(b"no database at all" * 100)
    found = _checks(catalog)
    assert [(check.status, check.code) for check in found["catalogue"]] == [("fail", "Q603")]
    assert "rebuild" in found["catalogue"][0].hint


def test_newer_schema_is_a_remark(catalog: Catalog) -> None:
    with catalog.database.write_any_schema() as connection:
        connection.execute(update(meta).where(meta.c.key == "schema").values(value="2"))
    (check,) = _checks(catalog)["catalogue"]
    assert (check.status, check.code) == ("warn", "Q605")


@pytest.mark.parametrize("text", ["url = 3", 'url = "mysql://x/y"'])
def test_file_of_the_catalogue_that_cannot_be_used_is_a_failure(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text)
    (check,) = list(check_catalog(tmp_path / FILE))
    assert (check.status, check.code) == ("fail", "P403")
