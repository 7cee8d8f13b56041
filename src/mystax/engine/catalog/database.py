"""The database of a catalogue: opened with the right settings, read and written in transactions."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Double, Engine, create_engine, event, inspect, make_url, select
from sqlalchemy.exc import ArgumentError, DatabaseError, DBAPIError, NoSuchModuleError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from mystax.core.extras import require
from mystax.engine.catalog.tables import SCHEMA, meta
from mystax.errors import CatalogError, RecipeError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment] # one of the two

__all__ = ["Database", "database_url", "utc_seconds"]

BUSY_SECONDS = 30
PAUSE = 0.002
"""Time between two tries to write [s]."""
OLDEST_SQLITE = (3, 35)
OLDEST_POSTGRESQL = (13,)
WRITES = "mystax_writes"
"""Execution option of a connection whose transaction will write."""


class utc_seconds(FunctionElement[float]):
    """Seconds since 1970 (UTC) by the clock of the database, as an SQL expression."""

    type = Double()
    inherit_cache = True
    name = "utc_seconds"


@compiles(utc_seconds, "sqlite")
def _seconds_of_sqlite(*_: Any, **__: Any) -> str:
    return "((julianday('now') - 2440587.5) * 86400.0)"


@compiles(utc_seconds, "postgresql")
def _seconds_of_postgresql(*_: Any, **__: Any) -> str:
    return "extract(epoch from clock_timestamp())::double precision"


def database_url(text: str, folder: Path) -> URL:
    """Read the URL of a database.

    Parameters
    ----------
    text : str
        ``sqlite:///mystax.db`` (relative to `folder`), ``sqlite:////absolute/path.db``, or
        ``postgresql://user@host/name``.
    folder : Path
        Where relative paths begin.

    Returns
    -------
    URL
        With the driver that mystax uses, and an absolute path.

    Raises
    ------
    RecipeError
        P403, if it is no URL of a database that mystax can use.
    """
    where = "url"
    expected = "sqlite:///FILE or postgresql://USER@HOST/NAME"
    try:
        url = make_url(text)
    except (ArgumentError, ValueError) as error:
        raise RecipeError("P403", where, expected=expected, got="no URL of a database") from error
    kind = url.get_backend_name()
    if kind in ("postgresql", "postgres"):
        return url.set(drivername="postgresql+psycopg")
    if kind != "sqlite" or not url.database or url.database == ":memory:":
        raise RecipeError("P403", where, expected=expected, got=repr(kind))
    return url.set(drivername="sqlite", database=str((folder / url.database).absolute()))


class Database:
    """A database with the tables of `mystax.engine.catalog.tables`.

    Parameters
    ----------
    url : URL
        As `database_url` gives it.

    Raises
    ------
    ExtraMissing
        X001, for PostgreSQL without its extra.
    """

    def __init__(self, url: URL) -> None:
        self.url = url
        self.is_sqlite = url.get_backend_name() == "sqlite"
        if not self.is_sqlite:
            require("psycopg", "postgres")
        self.engine: Engine = _sqlite_engine(url) if self.is_sqlite else _postgresql_engine(url)
        self._schema: int | None = None

    @property
    def where(self) -> str:
        """The database in words, without a password."""
        return str(self.url.database) if self.is_sqlite else self.url.render_as_string(hide_password=True)

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Give a connection that only reads, with one view of the data.

        Raises
        ------
        CatalogError
            Q603, if the database is locked or away.
        """
        with self._refusals(), self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Give a connection whose changes are kept together at the end, or not at all.

        Raises
        ------
        CatalogError
            Q603, if the database is locked or away; Q605, if its schema is not the one of this mystax.
        """
        self.check_schema()
        with self.write_any_schema() as connection:
            yield connection

    @contextmanager
    def write_any_schema(self) -> Iterator[Connection]:
        """Give a connection that writes whatever schema there is: for making and migrating tables."""
        with (
            self._refusals(),
            self._turn(),
            self.engine.connect().execution_options(**{WRITES: True}) as connection,
            connection.begin(),
        ):
            yield connection

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Wait in line to write to an SQLite file.

        SQLite lets writers try again after pauses that grow to a tenth of a second: of many, one may wait for
        ten seconds.  Here all try again after two milliseconds.  Where there is no such lock, or somebody
        holds it for too long, SQLite's own still decides.
        """
        if not self.is_sqlite or fcntl is None:
            yield
            return
        try:
            turn = os.open(f"{self.url.database}-turn", os.O_RDWR | os.O_CREAT, 0o666)
        except OSError:
            yield
            return
        try:
            until = time.monotonic() + BUSY_SECONDS
            while not _locked(turn) and time.monotonic() < until:
                time.sleep(PAUSE)
            yield
        finally:
            os.close(turn)

    def schema(self) -> int:
        """Return the number of the schema; 0 where there are no tables.

        Raises
        ------
        CatalogError
            Q603, if the database is locked or away.
        """
        if self._schema is None:
            if self.is_sqlite and not Path(str(self.url.database)).is_file():
                return 0
            with self.read() as connection:
                if not inspect(connection).has_table(meta.name):
                    return 0
                found = connection.scalar(select(meta.c.value).where(meta.c.key == "schema"))
            if found is None or not (found.isascii() and found.isdecimal()):
                raise CatalogError("Q605", self.where, expected="the number of a schema", got=repr(found))
            self._schema = int(found)
        return self._schema

    def check_readable(self) -> None:
        """Refuse a database without tables, or with those of an older mystax; a newer one may be read.

        Raises
        ------
        RecipeError
            P403, if there is no catalogue.
        CatalogError
            Q603, if the database is locked or away; Q605, if the schema is older.
        """
        if self.schema() <= SCHEMA:
            self.check_schema()

    def forget_schema(self) -> None:
        """Look at the number of the schema again when it is needed next."""
        self._schema = None

    def check_schema(self) -> None:
        """Refuse a database without tables, or with a schema that this mystax does not write.

        Raises
        ------
        RecipeError
            P403, if there is no catalogue.
        CatalogError
            Q605, if the schema is older or newer.
        """
        found = self.schema()
        if found == 0:
            raise RecipeError(
                "P403",
                self.where,
                "there is no catalogue in this database",
                hint="mystax catalog create makes one; mystax catalog rebuild, if its file was lost",
            )
        if found != SCHEMA:
            is_newer = found > SCHEMA
            raise CatalogError(
                "Q605",
                self.where,
                "a newer mystax made the catalogue: it can be read but not written"
                if is_newer
                else "an older mystax made the catalogue",
                expected=f"schema {SCHEMA}",
                got=f"schema {found}",
                hint="pip install --upgrade mystax" if is_newer else "mystax catalog upgrade",
            )

    def copy_to(self, file: Path) -> None:
        """Copy an SQLite database to a new file, also while others write.

        Raises
        ------
        CatalogError
            Q603, if it is locked.
        """
        with self._refusals(), self.engine.connect() as connection:
            driver = connection.connection.driver_connection
            if driver is not None:
                driver.execute("VACUUM INTO ?", (str(file),))

    @contextmanager
    def _refusals(self) -> Iterator[None]:
        """Turn what a database that is locked or away raises into Q603."""
        try:
            yield
        except (OperationalError, PoolTimeout) as error:
            raise self._away(error) from error
        except DBAPIError as error:
            # the bare class is what SQLite says of a file that is no database, or damaged
            if error.connection_invalidated or type(error) is DatabaseError:
                raise self._away(error) from error
            raise

    def _away(self, error: Exception) -> CatalogError:
        got = str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
        if "locked" in got:
            hint = "another program holds the file; try again, or end it"
        elif "malformed" in got or "not a database" in got:
            hint = "take a copy of the file back, or delete it and: mystax catalog rebuild"
        else:
            hint = "see that the file, or the server, is there and may be used"
        return CatalogError("Q603", self.where, "the database is locked or away", got=got, hint=hint)


def _locked(file: int) -> bool:
    """Try to lock a file; True also where files cannot be locked."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def _sqlite_engine(url: URL) -> Engine:
    engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS})

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # transactions begin where `begin` below says
        for line in ("foreign_keys=ON", "journal_mode=WAL", "synchronous=FULL"):
            connection.execute(f"PRAGMA {line}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get(WRITES, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    _check_version(url, engine.dialect.dbapi.sqlite_version_info, OLDEST_SQLITE)  # type: ignore[union-attr] # it is there
    return engine


def _postgresql_engine(url: URL) -> Engine:
    try:
        engine = create_engine(url, pool_pre_ping=True, connect_args={"connect_timeout": 10})
    except NoSuchModuleError as error:  # pragma: no cover - the driver is named by `database_url`
        raise RecipeError("P403", str(url)) from error

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        if not connection.get_execution_options().get(WRITES, False):
            connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        version = connection.dialect.server_version_info or OLDEST_POSTGRESQL
        _check_version(url, version, OLDEST_POSTGRESQL)

    return engine


def _check_version(url: URL, found: tuple[Any, ...], oldest: tuple[int, ...]) -> None:
    if tuple(found) < oldest:
        raise CatalogError(
            "Q603",
            url.render_as_string(hide_password=True),
            "the database is too old",
            expected=f"{url.get_backend_name()} >= {'.'.join(map(str, oldest))}",
            got=".".join(map(str, found)),
        )
