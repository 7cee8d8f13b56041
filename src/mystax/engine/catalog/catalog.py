"""`mystax.Catalog`: many sessions in one database."""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType

from sqlalchemy import select

from mystax.core.events import Report, silent
from mystax.engine.catalog.database import Database
from mystax.engine.catalog.ingest import IngestReport, IngestWish, ingest_folders
from mystax.engine.catalog.looking import ClockWish
from mystax.engine.catalog.places import DEFAULT_OUT, DEFAULT_URL, Place, Roots, create_place, find_place
from mystax.engine.catalog.tables import root
from mystax.engine.machine import kind_of_disk

__all__ = ["Catalog"]


class Catalog:
    """Recordings, jobs and outcomes of many sessions.

    Parameters
    ----------
    place : Place
        Where it lies; `Catalog.open` finds it.

    Examples
    --------
    >>> with Catalog.open("lab/mystax-catalog.toml") as catalog:  # doctest: +SKIP
    ...     catalog.ingest("project", pattern="neuroblueprint")
    """

    def __init__(self, place: Place) -> None:
        self.place = place
        self.database: Database = place.database()

    @classmethod
    def open(cls, where: str | Path | None = None) -> "Catalog":
        """Open a catalogue.

        Parameters
        ----------
        where : str or Path, optional
            A `mystax-catalog.toml`, its folder, or the URL of its database; by default that of
            ``MYSTAX_CATALOG``, else the nearest `mystax-catalog.toml` upwards of the working folder.

        Returns
        -------
        Catalog
            Close it, or use it in a ``with`` block.

        Raises
        ------
        RecipeError
            P403, if there is none.
        CatalogError
            Q603, if the database is locked or away; Q605, if an older mystax made it.
        """
        catalog = cls(find_place(where))
        try:
            catalog.database.check_readable()
        except BaseException:
            catalog.close()
            raise
        return catalog

    @classmethod
    def create(
        cls,
        folder: str | Path,
        url: str = DEFAULT_URL,
        out: str = DEFAULT_OUT,
        *,
        statfs: Callable[[Path], str] = kind_of_disk,
    ) -> "Catalog":
        """Make a catalogue.

        Parameters
        ----------
        folder : str or Path
            Where `mystax-catalog.toml` goes.
        url : str, optional
            The database: ``sqlite:///FILE`` (from the folder), or ``postgresql://USER@HOST/NAME``.
        out : str, optional
            The folder of outcomes; relative paths begin at the folder.
        statfs : callable, optional
            Folder to the kind of its file system.

        Returns
        -------
        Catalog
            The new catalogue.

        Raises
        ------
        RecipeError
            P403, if there is one already, or folder or URL cannot be used.
        CatalogError
            Q603, Q604 (an SQLite file on a network disk).
        """
        return cls(create_place(Path(folder), url, out, statfs=statfs))

    def close(self) -> None:
        """Let go of the database."""
        self.database.close()

    def __enter__(self) -> "Catalog":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Catalog {self.database.where}, outcomes in {self.out}>"

    @property
    def out(self) -> Path:
        """The folder of outcomes."""
        return self.place.outcomes

    def roots(self, host: str | None = None) -> Roots:
        """Return the roots as they are on this host, or on another."""
        with self.database.read() as connection:
            return Roots.of_rows([tuple(row) for row in connection.execute(select(root))], host)

    def ingest(
        self,
        *folders: str | Path,
        pattern: str = "neuroblueprint",
        clocks: str | Mapping[str, str] | None = None,
        clock_policy: str | Mapping[str, str] | None = None,
        neural: str = "",
        calibration: str = "",
        dry_run: bool = False,
        wait: bool = True,
        report: Report = silent,
    ) -> IngestReport:
        """Bring the videos of folders into the catalogue; a second call finds what is new.

        Parameters
        ----------
        folders : str or Path
            Where the videos are; nothing is ever written there.
        pattern : str, optional
            ``neuroblueprint``, ``alf``, ``folders``, ``files``, or a pattern such as
            ``{subject}/{date}_{session:int}/cam{camera}_{part:int}.{video}``.
        clocks : str or mapping, optional
            Clock of all cameras, or per camera (globs allowed), as for `mystax.open`; file names are looked
            for beside the videos.
        clock_policy : str or mapping, optional
            What to do where a clock file and a video differ in count.
        neural, calibration : str, optional
            Globs of files beside the videos, or in the nearest folder above them.
        dry_run : bool, optional
            Say what would be written, and write nothing.
        wait : bool, optional
            Wait for files that were written within the last 10 s; otherwise they are left out.
        report : callable, optional
            Takes events.

        Returns
        -------
        IngestReport
            What was added, moved, changed and skipped, and the remarks.

        Raises
        ------
        RecipeError
            P403, if a folder is not there, or no file matches.
        ParameterError
            P401, if a clock or policy is not understood.
        CatalogError
            Q603, Q605.
        """
        wish = IngestWish(
            pattern, _wishes(clocks, clock_policy), neural, calibration, dry_run=dry_run, wait=wait
        )
        return ingest_folders(self.database, self.out, folders, wish, report=report)


def _wishes(
    clocks: str | Mapping[str, str] | None, policies: str | Mapping[str, str] | None
) -> dict[str, ClockWish]:
    """Put clocks and policies together, by camera."""
    from mystax.core.clock_pairing import check_policy
    from mystax.io.clock_specs import parse_clock_spec

    specs = {"*": clocks} if isinstance(clocks, str) else dict(clocks or {})
    rules = {"*": policies} if isinstance(policies, str) else dict(policies or {})
    for spec in specs.values():
        parse_clock_spec(spec)
    for rule in rules.values():
        check_policy(rule)
    return {
        name: ClockWish(specs.get(name, specs.get("*", "")), rules.get(name, rules.get("*", "")))
        for name in sorted({*specs, *rules}, key=lambda name: ("*" in name, name))
    }
