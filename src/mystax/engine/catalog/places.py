"""Where a catalogue lies: its file, its database, its folder of outcomes."""

import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tomli_w
from sqlalchemy import delete, insert, select

from mystax.core.safe_names import check_folder, is_there
from mystax.engine.catalog.database import Database, database_url
from mystax.engine.catalog.schema import create_schema
from mystax.engine.catalog.tables import meta
from mystax.engine.machine import kind_of_disk
from mystax.errors import CatalogError, RecipeError
from mystax.io.store_fs import refusals

__all__ = [
    "FILE",
    "Place",
    "check_disk",
    "create_place",
    "find_place",
    "read_place",
    "remember_folder",
]

FILE = "mystax-catalog.toml"
VARIABLE = "MYSTAX_CATALOG"
DEFAULT_URL = "sqlite:///mystax.db"
DEFAULT_OUT = "derivatives/mystax"
MAX_BYTES = 1 << 20
NETWORK = frozenset(
    {"nfs", "nfs3", "nfs4", "cifs", "smb", "smb2", "smb3", "smbfs", "sshfs", "lustre", "gpfs", "beegfs"}
    | {"ceph", "afs", "9p", "glusterfs", "fuse.sshfs", "fuse.glusterfs", "fuse.ceph", "afpfs", "davfs"}
    | {"webdav", "remote"}
)
"""Kinds of file system on which SQLite's locks cannot be trusted."""


@dataclass(frozen=True, slots=True)
class Place:
    """What `mystax-catalog.toml` says.

    Attributes
    ----------
    folder : Path
        The folder of the file; relative paths begin here.
    url : str
        The database, as it stands there.
    out : str
        The folder of outcomes, as it stands there.
    engines : mapping
        Named engine profiles.
    """

    folder: Path
    url: str = DEFAULT_URL
    out: str = DEFAULT_OUT
    engines: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def outcomes(self) -> Path:
        """The folder of outcomes."""
        return (self.folder / self.out).absolute()

    def database(self) -> Database:
        """Open the database.

        Raises
        ------
        RecipeError
            P403, if the URL cannot be used.
        """
        return Database(database_url(self.url, self.folder))

    def to_toml(self) -> str:
        """Return the text of the file."""
        engines = {"engine": {name: dict(profile) for name, profile in self.engines.items()}}
        return tomli_w.dumps({"url": self.url, "out": self.out, **(engines if self.engines else {})})


def create_place(
    folder: Path,
    url: str = DEFAULT_URL,
    out: str = DEFAULT_OUT,
    *,
    statfs: Callable[[Path], str] = kind_of_disk,
) -> Place:
    """Make a catalogue: its file and the tables of its database.

    Parameters
    ----------
    folder : Path
        Where `mystax-catalog.toml` goes.
    url : str, optional
        The database; relative paths begin at `folder`.
    out : str, optional
        The folder of outcomes; relative paths begin at `folder`.
    statfs : callable, optional
        Folder to the kind of its file system.

    Returns
    -------
    Place
        Where it lies.

    Raises
    ------
    RecipeError
        P403, if there is a catalogue already, or the folder or URL cannot be used.
    CatalogError
        Q603, if the database cannot be used; Q604, if an SQLite file would lie on a network disk.
    SpaceError, StoreError
        S501, S503, as the disk refuses.
    """
    folder = Path(os.path.abspath(folder))  # noqa: PTH100 - links stay as they are named
    check_folder(folder, str(folder))
    file = folder / FILE
    if is_there(file):
        raise RecipeError("P403", str(file), "there is a catalogue already")
    place = Place(folder, url, out)
    check_folder(place.outcomes, f"out {out!r}")
    parsed = database_url(url, folder)
    if parsed.password is not None:
        raise RecipeError(
            "P403",
            f"url {parsed.render_as_string(hide_password=True)!r}",
            "a password would stand in a file that others can read",
            expected="a URL without one",
            hint="put it into the file that PGPASSFILE names (default ~/.pgpass), or into PGPASSWORD",
        )
    if parsed.get_backend_name() == "sqlite":
        check_disk(Path(str(parsed.database)), statfs)
        beside = Path(str(parsed.database)).parent
        with refusals(beside, "choose another folder, or mend the rights of the one above it"):
            beside.mkdir(parents=True, exist_ok=True)
    database = Database(parsed)
    try:
        create_schema(database, out)
        remember_folder(database, folder)
    finally:
        database.close()
    from mystax.io.store import Store

    Store(folder).write_text(FILE, place.to_toml())
    return place


def check_disk(file: Path, statfs: Callable[[Path], str] = kind_of_disk) -> None:
    """Refuse an SQLite file on a network disk.

    Parameters
    ----------
    file : Path
        Where the database is, or will be.
    statfs : callable, optional
        Folder to the kind of its file system.

    Raises
    ------
    CatalogError
        Q604, with two ways out.
    """
    above = next(folder for folder in file.absolute().parents if folder.is_dir())
    kind = statfs(above.resolve()).lower()
    if kind in NETWORK or kind.startswith("nfs"):
        raise CatalogError(
            "Q604",
            str(file),
            "an SQLite file on a network disk is damaged by two hosts that write",
            expected="a local disk, or PostgreSQL",
            got=f"a disk of kind {kind!r}",
            hint="--url postgresql://USER@HOST/NAME, or --url sqlite:////LOCAL/DISK/mystax.db with --out on "
            "the network disk",
        )


def find_place(
    where: str | Path | None = None,
    start: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> Place:
    """Find a catalogue: the one named, else that of ``MYSTAX_CATALOG``, else the nearest file upwards.

    Parameters
    ----------
    where : str or Path, optional
        A `mystax-catalog.toml`, its folder, or the URL of a database.
    start : Path, optional
        Where the search begins; by default the working folder.
    environment : mapping, optional
        By default that of the process.

    Returns
    -------
    Place
        Where it lies.

    Raises
    ------
    RecipeError
        P403, if there is none.
    """
    start = (start or Path.cwd()).absolute()
    where = where or (os.environ if environment is None else environment).get(VARIABLE) or None
    if where is not None:
        text = str(where)
        if "://" in text:
            return _of_url(text, start)
        path = start / text
        return read_place(path / FILE if is_there(path, folder=True) else path)
    for folder in (start, *start.parents):
        if is_there(folder / FILE):
            return read_place(folder / FILE)
    raise RecipeError(
        "P403",
        str(start),
        f"there is no {FILE} here or above",
        hint="mystax catalog create FOLDER makes one; --catalog PATH names one",
    )


def _of_url(text: str, start: Path) -> Place:
    """Take the folder of outcomes from the database itself, where only its URL is known."""
    parsed = database_url(text, start)
    folder = Path(str(parsed.database)).parent if parsed.get_backend_name() == "sqlite" else start
    database = Database(parsed)
    try:
        if not database.schema():
            database.check_schema()
        with database.read() as connection:
            facts = {row.key: row.value for row in connection.execute(select(meta))}
    finally:
        database.close()
    home = Path(facts.get("folder") or folder)
    return Place(home if is_there(home, folder=True) else folder, text, facts.get("out") or DEFAULT_OUT)


def remember_folder(database: Database, folder: Path) -> None:
    """Write the folder of a catalogue into its database, for those who know only the URL."""
    with database.write() as connection:
        connection.execute(delete(meta).where(meta.c.key == "folder"))
        connection.execute(insert(meta).values(key="folder", value=str(folder)))


def read_place(file: Path) -> Place:
    """Read `mystax-catalog.toml`.

    Raises
    ------
    RecipeError
        P403, if it is not there or cannot be used.
    """
    where = str(file)
    if not is_there(file):
        raise RecipeError("P403", where, "there is no such catalogue", hint="mystax catalog create")
    try:
        if file.stat().st_size > MAX_BYTES:
            raise RecipeError("P403", where, "the file is too large for a catalogue")
        values = tomllib.loads(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise RecipeError("P403", where, expected="a TOML file", got=str(error)) from error
    url, out, engines = (
        values.get("url", DEFAULT_URL),
        values.get("out", DEFAULT_OUT),
        values.get("engine", {}),
    )
    if not isinstance(url, str) or not isinstance(out, str) or not isinstance(engines, dict):
        raise RecipeError("P403", where, expected="texts 'url' and 'out', tables [engine.NAME]")
    return Place(file.parent.absolute(), url, out, engines)
