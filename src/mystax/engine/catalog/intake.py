"""One folder that is taken in: what all steps of an ingestion share."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import insert

from mystax.engine.catalog.database import Database
from mystax.engine.catalog.ingest_report import IngestReport, IngestWish
from mystax.engine.catalog.listing import Listed
from mystax.engine.catalog.snapshot import Snapshot
from mystax.engine.catalog.tables import root

__all__ = ["Intake"]


@dataclass(frozen=True, slots=True)
class Intake:
    """A folder, what is wished of it, what lies in it, and what the catalogue knows.

    Attributes
    ----------
    database : Database
        The catalogue.
    out : Path
        The folder of outcomes.
    folder : Path
        The folder that is taken in.
    wish : IngestWish
        Pattern, clocks and more.
    listed : mapping of str to Listed
        Files by their path below the folder.
    found : IngestReport
        Takes what is found and written.
    known : Snapshot
        What the catalogue has; kept up with what is written.
    root, prefix : str
        The root that holds the folder, and the path from there, empty or with a ``/`` at its end.
    marks : dict of str to str
        Fingerprints of files that were asked for, by their path below the folder.
    """

    database: Database
    out: Path
    folder: Path
    wish: IngestWish
    listed: Mapping[str, Listed]
    found: IngestReport
    known: Snapshot
    root: str
    prefix: str
    marks: dict[str, str] = field(default_factory=dict)

    @classmethod
    def begin(
        cls,
        database: Database,
        out: Path,
        folder: Path,
        wish: IngestWish,
        listed: Mapping[str, Listed],
        found: IngestReport,
    ) -> "Intake":
        """Read what the catalogue has, and find the root of the folder; a new root if there is none.

        Raises
        ------
        CatalogError
            Q603, Q605.
        """
        known = Snapshot.of(database)
        return cls(
            database, out, folder, wish, listed, found, known, *_root_of(database, folder, known, wish)
        )

    def place(self, path: str) -> tuple[str, str]:
        """Return root and path below it of a file of the folder."""
        return self.root, f"{self.prefix}{path}"


def _root_of(database: Database, folder: Path, known: Snapshot, wish: IngestWish) -> tuple[str, str]:
    """Return the root that holds a folder, and the path from there."""
    located = known.roots.locate(folder)
    if located is not None:
        name, below = located
        return name, "" if below == "." else f"{below}/"
    base = folder.name or "root"
    name, count = base, 2
    while name in known.roots.names:
        name, count = f"{base}-{count}", count + 1
    known.add_root(name, folder)
    if not wish.dry_run:
        with database.write() as connection:
            connection.execute(insert(root).values(name=name, host="*", path=str(folder)))
    return name, ""
