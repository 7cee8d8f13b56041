"""What `mystax doctor` says about a catalogue: its database, its roots, rows and files that disagree."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

from sqlalchemy import select, update

from mystax.engine.catalog.database import Database, utc_seconds
from mystax.engine.catalog.places import Place, check_disk, read_place
from mystax.engine.catalog.rebuild import rebuild
from mystax.engine.catalog.tables import SCHEMA, outcome, recording, root
from mystax.engine.doctor_outcomes import Check, outcome_folders
from mystax.engine.machine import kind_of_disk
from mystax.engine.roots import Roots
from mystax.errors import CatalogError, MystaxError
from mystax.io.outcome_files import read_head
from mystax.io.outcomes import outcome_paths

__all__ = ["check_catalog"]

LARGEST_DIFFERENCE = 2.0
"""Seconds by which clocks of host and database may differ before it is said."""


def check_catalog(
    file: Path,
    *,
    fix: bool = False,
    statfs: Callable[[Path], str] = kind_of_disk,
    now: Callable[[], float] = time.time,
) -> Iterator[Check]:
    """Check a catalogue.

    Parameters
    ----------
    file : Path
        Its `mystax-catalog.toml`.
    fix : bool, optional
        Mark rows without a file, and make rows for files without one; no file is ever removed.
    statfs : callable, optional
        Folder to the kind of its file system.
    now : callable, optional
        The clock of this host [s since 1970].

    Yields
    ------
    Check
        One line after the other; a database that cannot be used is the last one.
    """
    try:
        place = read_place(file)
        database = place.database()
    except MystaxError as error:
        yield Check("catalogue", "fail", error.code, str(file), error.got or error.what, error.hint)
        return
    try:
        yield from _check_database(database, statfs)
        yield from _check_roots(database)
        yield _check_clock(database, now)
        yield from _check_files(database, place, fix=fix)
    except MystaxError as error:
        yield Check("catalogue", "fail", error.code, database.where, error.what or error.got, error.hint)
    finally:
        database.close()


def _check_database(database: Database, statfs: Callable[[Path], str]) -> Iterator[Check]:
    """Check schema, disk and integrity."""
    database.check_readable()
    if database.is_sqlite:
        try:
            check_disk(Path(database.where), statfs)
        except CatalogError as error:
            yield Check("catalogue", "fail", error.code, database.where, error.got, error.hint)
    with database.read() as connection:
        n_recordings = len(connection.execute(select(recording.c.id)).all())
        problems: list[str] = []
        if database.is_sqlite:
            problems += [str(row[0]) for row in connection.exec_driver_sql("PRAGMA integrity_check")]
            problems = [] if problems == ["ok"] else problems
            orphans = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
            problems += [f"a row of {row[0]} points to none of {row[2]}" for row in orphans]
    if problems:
        hint = "mystax catalog backup, then delete the database and mystax catalog rebuild"
        yield Check("catalogue", "fail", "Q603", database.where, "; ".join(problems[:3]), hint)
    else:
        text = f"schema {database.schema()}, {n_recordings} recordings"
        newer = database.schema() > SCHEMA
        hint = "pip install --upgrade mystax" if newer else ""
        yield Check(
            "catalogue", "warn" if newer else "ok", "Q605" if newer else "", database.where, text, hint
        )


def _check_roots(database: Database) -> Iterator[Check]:
    """Check whether the roots are there on this host."""
    with database.read() as connection:
        roots = Roots.of_rows([tuple(row) for row in connection.execute(select(root))])
    for name in roots.names:
        try:
            yield Check("root", "ok", where=str(roots.folder(name)), got=name)
        except CatalogError as error:
            yield Check("root", "warn", error.code, error.where, error.got, error.hint)


def _check_clock(database: Database, now: Callable[[], float]) -> Check:
    """Compare the clocks of host and database; nothing depends on them."""
    with database.read() as connection:
        difference = float(connection.scalar(select(utc_seconds())) or 0.0) - now()
    text = f"database {difference:+.1f} s"
    return Check("clock", "ok" if abs(difference) <= LARGEST_DIFFERENCE else "warn", where="host", got=text)


def _check_files(database: Database, place: Place, *, fix: bool) -> Iterator[Check]:
    """Compare rows of outcomes with the files."""
    out = place.outcomes
    with database.read() as connection:
        query = select(outcome.c.id, outcome.c.path, outcome.c.key).where(outcome.c.state == "current")
        rows = {str(row.path): (int(row.id), str(row.key)) for row in connection.execute(query)}
    files = {
        path.relative_to(out).as_posix(): path
        for folder in (outcome_folders(out) if out.is_dir() else ())
        for path in outcome_paths(folder)
    }
    gone = sorted(set(rows) - set(files))
    new = sorted(set(files) - set(rows))
    other = [path for path in sorted(set(rows) & set(files)) if _key(files[path]) != rows[path][1]]
    if fix and gone:
        with database.write() as connection:
            for path in gone:
                connection.execute(
                    update(outcome).where(outcome.c.id == rows[path][0]).values(state="missing")
                )
    if fix and (new or other):
        rebuild(database, out, place.out)
    hint = "" if fix else "mystax doctor --fix"
    done = " (marked as missing)" if fix else ""
    for path in gone:
        yield Check("rows", "warn", "", path, f"the catalogue has a row and there is no file{done}", hint)
    for path in [*new, *other]:
        what = "there is no row" if path in new else "the row has another key"
        yield Check("rows", "warn", "", path, what + (" (it has one now)" if fix else ""), hint)
    if not (gone or new or other):
        yield Check("rows", "ok", where=str(out), got=f"{len(rows)} outcomes")


def _key(path: Path) -> str:
    try:
        return read_head(path).key
    except MystaxError:
        return ""
