"""F38: a database that is locked or away is told with Q603; older and newer schemas with Q605."""

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import select, update

from mystax.engine.catalog import database as settings
from mystax.engine.catalog.catalog import Catalog
from mystax.engine.catalog.tables import meta, subject
from mystax.errors import CatalogError
from tests.fixtures.absent import absent
from tests.fixtures.postgres import postgres_server, why_no_postgres

pytestmark = pytest.mark.fault(38)


def test_writer_waits_and_then_says_that_the_file_is_locked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "BUSY_SECONDS", 0.05)
    with Catalog.create(tmp_path) as catalog:
        other = sqlite3.connect(catalog.database.where, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(CatalogError, match="Q603") as refused:
            catalog.set_root("a", "/a")
        assert refused.value.retry == "transient"
        assert catalog.recordings() == []
        other.execute("ROLLBACK")
        other.close()
        catalog.set_root("a", "/a")
        assert catalog.roots().names == ("a",)


def test_readers_do_not_hinder_a_writer(tmp_path: Path) -> None:
    with Catalog.create(tmp_path) as catalog, catalog.database.read() as reading:
        assert reading.execute(select(subject)).all() == []
        with catalog.database.write() as writing:
            writing.execute(subject.insert().values(name="m1"))
        assert reading.execute(select(subject)).all() == []


def test_server_that_is_away_is_q603_and_back_again_it_works(tmp_path: Path) -> None:
    if why_no_postgres():
        absent(why_no_postgres())
    with postgres_server() as server, Catalog.create(tmp_path, server.new_database()) as catalog:
        server.stop()
        with pytest.raises(CatalogError, match="Q603") as refused:
            catalog.recordings()
        assert refused.value.retry == "transient"
        server.start()
        assert catalog.recordings() == []


def test_schema_that_is_no_number_is_told(tmp_path: Path) -> None:
    with Catalog.create(tmp_path) as catalog, catalog.database.write_any_schema() as connection:
        connection.execute(update(meta).where(meta.c.key == "schema").values(value="x"))
    with pytest.raises(CatalogError, match="Q605"):
        Catalog.open(tmp_path)
