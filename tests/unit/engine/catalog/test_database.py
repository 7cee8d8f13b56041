"""Settings, transactions and refusals of the database, on both kinds."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, insert, inspect, select

from mystax.engine.catalog.database import Database, database_url, utc_seconds
from mystax.engine.catalog.schema import create_schema
from mystax.engine.catalog.tables import metadata, subject
from mystax.errors import RecipeError
from tests.fixtures.postgres import PostgresServer


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    if request.param == "sqlite":
        url = "sqlite:///c.db"
    else:
        server: PostgresServer = request.getfixturevalue("postgres")
        url = server.new_database()
    made = Database(database_url(url, tmp_path))
    create_schema(made, "out")
    yield made
    made.close()


def test_schema_has_15_tables(database: Database) -> None:
    assert len(metadata.tables) == 15
    assert set(metadata.tables) <= set(inspect(database.engine).get_table_names())


def test_database_tells_utc_seconds(database: Database) -> None:
    with database.read() as connection:
        told = connection.scalar(select(utc_seconds()))
    assert isinstance(told, float)
    assert abs(told - time.time()) < 5


def test_writing_that_fails_leaves_nothing(database: Database) -> None:
    def half() -> None:
        with database.write() as connection:
            connection.execute(insert(subject).values(name="m1"))
            raise KeyError

    with pytest.raises(KeyError):
        half()
    with database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(subject)) == 0


def test_second_catalogue_in_one_database_is_refused(database: Database) -> None:
    with pytest.raises(RecipeError, match="P403") as refused:
        create_schema(database, "out")
    assert "already" in str(refused.value)
