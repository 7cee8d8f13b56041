"""The care of a catalogue as its methods: roots, upgrades, checks, rebuilding, pruning, copies."""

from collections.abc import Sequence
from pathlib import Path, PureWindowsPath

from sqlalchemy import delete, insert, select

from mystax.core.events import Report, silent
from mystax.engine.catalog.database import Database
from mystax.engine.catalog.hashing import FullReport, hash_files
from mystax.engine.catalog.places import FILE, Place, remember_folder
from mystax.engine.catalog.query import ids_where, select_recordings
from mystax.engine.catalog.rebuild import RebuildReport, rebuild
from mystax.engine.catalog.schema import upgrade_schema
from mystax.engine.catalog.tables import SCHEMA, root, video
from mystax.engine.catalog.upkeep import CheckReport, PruneReport, backup, look_again, prune
from mystax.engine.roots import Roots
from mystax.errors import RecipeError

__all__ = ["WithCare"]


class WithCare:
    """What keeps a catalogue in order."""

    place: Place
    database: Database

    def roots(self, host: str | None = None) -> Roots:
        """Return the roots as they are on this host, or on another."""
        with self.database.read() as connection:
            return Roots.of_rows([tuple(row) for row in connection.execute(select(root))], host)

    def set_root(self, name: str, path: str | Path, host: str = "*") -> None:
        """Name the folder of a root for the hosts that a pattern means.

        Parameters
        ----------
        name : str
            The root; a new one if there is none.
        path : str or Path
            Its folder there, absolute.
        host : str, optional
            Pattern of hosts; the most exact one wins.

        Raises
        ------
        RecipeError
            P403, if the path is not absolute.
        CatalogError
            Q603, Q605.
        """
        absolute = Path(path).is_absolute() or PureWindowsPath(path).is_absolute()
        if not absolute or not name or not host:
            raise RecipeError("P403", f"root {name!r}", expected="NAME and an absolute path", got=str(path))
        with self.database.write() as connection:
            connection.execute(delete(root).where(root.c.name == name, root.c.host == host))
            connection.execute(insert(root).values(name=name, host=host, path=str(path)))

    def remove_root(self, name: str, host: str = "*") -> None:
        """Forget the folder of a root for a pattern of hosts.

        Raises
        ------
        RecipeError
            P403, if there is none, or it is the last one and videos lie there.
        CatalogError
            Q603, Q605.
        """
        with self.database.write() as connection:
            same = (root.c.name == name) & (root.c.host == host)
            hosts = list(connection.scalars(select(root.c.host).where(root.c.name == name)))
            used = connection.scalar(select(video.c.id).where(video.c.root == name).limit(1)) is not None
            if host not in hosts or (used and len(hosts) == 1):
                what = "there is none for these hosts" if host not in hosts else "videos lie there"
                raise RecipeError("P403", f"root {name!r}", what, got=f"host {host!r}")
            connection.execute(delete(root).where(same))

    def needs_upgrade(self) -> bool:
        """Tell whether an older mystax made the tables.

        Raises
        ------
        CatalogError
            Q603.
        """
        return 0 < self.database.schema() < SCHEMA

    def upgrade(self) -> tuple[int, int, Path | None]:
        """Bring the tables of an older mystax up to date; of an SQLite file a copy is made first.

        Returns
        -------
        tuple
            Schema before and now, and the copy.

        Raises
        ------
        RecipeError
            P403, if there is no catalogue.
        CatalogError
            Q603; Q605, if a newer mystax made it.
        """
        before, copy = upgrade_schema(self.database)
        return before, SCHEMA, copy

    def check(self, where: str | Sequence[str] = "", *, report: Report = silent) -> CheckReport:
        """Look at the videos of recordings again.

        Raises
        ------
        RecipeError
            P403, if the condition is not understood.
        CatalogError
            Q603, Q605.
        """
        with self.database.read() as connection:
            rows = ids_where(connection, select_recordings(where))
        return look_again(self.database, self.place.outcomes, rows, report=report)

    def check_full(self, where: str | Sequence[str] = "", *, report: Report = silent) -> FullReport:
        """Read every byte of the videos and outcomes of recordings: what is damaged, missing or moved.

        Raises
        ------
        RecipeError
            P403, if the condition is not understood.
        CatalogError
            Q603, Q605.
        """
        with self.database.read() as connection:
            rows = ids_where(connection, select_recordings(where))
        return hash_files(self.database, self.place.outcomes, rows, report=report)

    def rebuild(self, *, report: Report = silent) -> RebuildReport:
        """Make rows again from the texts of recordings and the outcomes in the folder.

        Raises
        ------
        CatalogError
            Q603, Q605.
        """
        found = rebuild(self.database, self.place.outcomes, self.place.out, report=report)
        if (self.place.folder / FILE).is_file():
            remember_folder(self.database, self.place.folder)
        return found

    def prune(self, *, dry_run: bool = False) -> PruneReport:
        """Remove superseded outcomes, and what dead runs left behind.

        Raises
        ------
        CatalogError
            Q603, Q605.
        """
        return prune(self.database, self.place.outcomes, dry_run=dry_run)

    def backup(self, file: str | Path) -> None:
        """Copy the SQLite database to a new file.

        Raises
        ------
        RecipeError
            P403, if the file is there, or the database is PostgreSQL.
        CatalogError
            Q603.
        """
        backup(self.database, Path(file))
