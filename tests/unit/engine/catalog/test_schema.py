"""Schemas: made by the revisions, equal to the tables, kept as text, brought up to date."""

import sqlite3
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, select, text

from mystax.engine.catalog.catalog import Catalog
from mystax.engine.catalog.database import Database, database_url
from mystax.engine.catalog.schema import VERSIONS, upgrade_schema
from mystax.engine.catalog.tables import SCHEMA, meta, metadata, subject
from mystax.errors import CatalogError
from tests.golden.make import schema_text

GOLDEN = Path(__file__).parents[3] / "golden" / "schemas"
NEXT = '''"""A schema that only this test has."""
import sqlalchemy as sa
from alembic import op
revision, down_revision, branch_labels, depends_on = "0002", "0001", None, None
def upgrade():
    op.add_column("subject", sa.Column("colour", sa.Text(), server_default="grey", nullable=False))
'''
BROKEN = NEXT.replace(
    "    op.add", "    op.drop_table('job_need')\n    op.nothing_of_this_name()\n    op.add"
)


def test_revisions_make_the_tables_that_the_code_has(any_catalog: Catalog) -> None:
    with any_catalog.database.read() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), metadata)
        assert set(metadata.tables) | {"alembic_version"} == set(inspect(connection).get_table_names())
    assert differences == []
    assert any_catalog.database.schema() == SCHEMA


def test_every_schema_has_a_revision_and_a_kept_text() -> None:
    assert len(list(VERSIONS.glob("schema_*.py"))) == SCHEMA
    assert [path.stem for path in sorted(GOLDEN.glob("*.sql"))] == [
        f"schema_{n:04d}" for n in range(1, SCHEMA + 1)
    ]


def test_present_schema_is_the_kept_one(catalog: Catalog) -> None:
    assert schema_text(Path(catalog.database.where)) == (GOLDEN / f"schema_{SCHEMA:04d}.sql").read_text(
        "utf-8"
    )


@pytest.mark.parametrize("number", range(1, SCHEMA + 1))
def test_kept_schema_is_brought_up_to_date(tmp_path: Path, number: int) -> None:
    file = tmp_path / "old.db"
    with sqlite3.connect(file) as plain:
        plain.executescript((GOLDEN / f"schema_{number:04d}.sql").read_text("utf-8"))
    plain.close()
    database = Database(database_url(f"sqlite:///{file}", tmp_path))
    assert upgrade_schema(database)[0] == number
    database.check_schema()
    with database.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    database.close()


def _next(folder: Path, source: str = NEXT) -> Path:
    folder.mkdir()
    (folder / "schema_0002.py").write_text(source)
    return folder


def test_older_schema_is_changed_in_place_after_a_copy(any_catalog: Catalog, tmp_path: Path) -> None:
    with any_catalog.database.write() as connection:
        connection.execute(subject.insert().values(name="m1"))
    before, copy = upgrade_schema(any_catalog.database, more=(_next(tmp_path / "more"),), to=2)
    assert before == 1
    assert any_catalog.database.schema() == 2
    with any_catalog.database.read() as connection:
        assert connection.execute(text("SELECT name, colour FROM subject")).all() == [("m1", "grey")]
    if any_catalog.database.is_sqlite:
        assert copy == Path(f"{any_catalog.database.where}.schema1")
        with sqlite3.connect(copy) as plain:
            assert plain.execute("SELECT value FROM meta WHERE key = 'schema'").fetchall() == [("1",)]
        plain.close()
    else:
        assert copy is None


def test_change_that_fails_leaves_the_older_schema_whole(any_catalog: Catalog, tmp_path: Path) -> None:
    with pytest.raises(AttributeError):
        upgrade_schema(any_catalog.database, more=(_next(tmp_path / "more", BROKEN),), to=2)
    any_catalog.database.forget_schema()
    assert any_catalog.database.schema() == 1
    with any_catalog.database.read() as connection:
        assert inspect(connection).has_table("job_need")


def test_nothing_to_do_makes_no_copy(catalog: Catalog) -> None:
    assert catalog.upgrade() == (1, 1, None)
    assert not list(catalog.place.folder.glob("*.schema*"))
    assert not catalog.needs_upgrade()


def test_newer_schema_is_read_and_never_written(catalog: Catalog) -> None:
    with catalog.database.write_any_schema() as connection:
        connection.execute(meta.update().where(meta.c.key == "schema").values(value=str(SCHEMA + 1)))
    catalog.close()
    bytes_before = Path(catalog.database.where).read_bytes()
    with Catalog.open(catalog.place.folder) as newer:
        assert newer.recordings() == []
        for write in (
            lambda: newer.set(1, note="x"),
            lambda: newer.accept("", "V101"),
            lambda: newer.ingest(newer.place.folder),
            newer.rebuild,
            newer.prune,
            newer.check,
            newer.upgrade,
            lambda: newer.set_root("a", "/a"),
        ):
            with pytest.raises(CatalogError, match="Q605"):
                write()
    assert Path(catalog.database.where).read_bytes() == bytes_before


def test_created_by_and_out_are_kept(catalog: Catalog) -> None:
    with catalog.database.read() as connection:
        facts = {row.key: row.value for row in connection.execute(select(meta))}
    assert facts["out"] == "derivatives/mystax"
    assert facts["created_by"].startswith("mystax ")
    assert len(facts["catalog_id"]) == 36
