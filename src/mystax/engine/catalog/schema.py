"""Making the tables of a catalogue, and bringing older ones up to date."""

import time
import uuid
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Connection, insert, update

from mystax.engine.catalog.database import Database
from mystax.engine.catalog.tables import SCHEMA, meta
from mystax.errors import CatalogError, RecipeError

__all__ = ["VERSIONS", "create_schema", "upgrade_schema"]

VERSIONS = Path(__file__).parent / "migrations" / "versions"


def create_schema(database: Database, out: str) -> None:
    """Make the tables of a new catalogue.

    Parameters
    ----------
    database : Database
        An empty database.
    out : str
        The folder of outcomes, as it stands in the file of the catalogue.

    Raises
    ------
    RecipeError
        P403, if there is a catalogue already.
    """
    if database.schema():
        raise RecipeError("P403", database.where, "there is a catalogue in this database already")
    with database.write_any_schema() as connection:
        _migrate(connection, (VERSIONS,), SCHEMA)
        facts = {"schema": str(SCHEMA), "catalog_id": str(uuid.uuid4()), "out": out}
        facts["created_by"] = _version()
        connection.execute(insert(meta), [{"key": key, "value": value} for key, value in facts.items()])
    database.forget_schema()


def upgrade_schema(
    database: Database, *, more: tuple[Path, ...] = (), to: int = SCHEMA, now: Callable[[], float] = time.time
) -> tuple[int, Path | None]:
    """Bring the tables of an older mystax up to date, all in one transaction.

    Parameters
    ----------
    database : Database
        The catalogue.
    more : tuple of Path, optional
        Further folders of revisions.
    to : int, optional
        The schema that is wanted.
    now : callable, optional
        Time for the name of the copy, where its usual name is taken [s].

    Returns
    -------
    tuple
        The schema before, and the copy of an SQLite file that was made first; None if nothing was to do.

    Raises
    ------
    RecipeError
        P403, if there is no catalogue.
    CatalogError
        Q603; Q605, if the schema is newer.
    """
    before = database.schema()
    if before == 0:
        database.check_schema()
    if before > to:
        raise CatalogError(
            "Q605",
            database.where,
            "a newer mystax made the catalogue",
            expected=f"at most schema {to}",
            got=f"schema {before}",
            hint="pip install --upgrade mystax",
        )
    if before == to:
        return before, None
    copy = None
    if database.is_sqlite:
        copy = Path(f"{database.where}.schema{before}")
        if copy.exists():
            copy = Path(f"{copy}.{now():.0f}")
        database.copy_to(copy)
    with database.write_any_schema() as connection:
        _migrate(connection, (VERSIONS, *more), to)
        connection.execute(update(meta).where(meta.c.key == "schema").values(value=str(to)))
    database.forget_schema()
    return before, copy


def _migrate(connection: Connection, folders: tuple[Path, ...], to: int) -> None:
    """Run the revisions that are missing, oldest first."""
    from alembic.migration import MigrationContext
    from alembic.operations import Operations
    from alembic.script import ScriptDirectory

    script = ScriptDirectory(str(VERSIONS.parent), version_locations=[str(folder) for folder in folders])
    context = MigrationContext.configure(connection)
    current = context.get_current_revision()
    for revision in reversed(list(script.iterate_revisions(f"{to:04d}", current or "base"))):
        with Operations.context(context):
            revision.module.upgrade()
        context.stamp(script, revision.revision)


def _version() -> str:
    from importlib.metadata import version

    return f"mystax {version('mystax')}"
