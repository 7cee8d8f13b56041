"""`mystax.Catalog`: many sessions in one database."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from sqlalchemy import select

from mystax.core.events import Report, silent
from mystax.engine.catalog.database import Database
from mystax.engine.catalog.edits import accept_flags, set_values
from mystax.engine.catalog.exporting import Exported, export_selected
from mystax.engine.catalog.ingest import ingest_folders
from mystax.engine.catalog.ingest_report import IngestReport, IngestWish
from mystax.engine.catalog.looking import ClockWish
from mystax.engine.catalog.places import DEFAULT_OUT, DEFAULT_URL, Place, create_place, find_place
from mystax.engine.catalog.query import ids_where, select_outcomes
from mystax.engine.catalog.tables import outcome
from mystax.engine.catalog.views import list_recordings, recording_number, show_recording
from mystax.engine.catalog.with_care import WithCare
from mystax.engine.catalog.with_queue import WithQueue
from mystax.engine.export import ExportWish
from mystax.engine.machine import kind_of_disk

__all__ = ["Catalog"]


class Catalog(WithCare, WithQueue):
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
        catalog = cls.at(where)
        try:
            catalog.database.check_readable()
        except BaseException:
            catalog.close()
            raise
        return catalog

    @classmethod
    def at(cls, where: str | Path | None = None) -> "Catalog":
        """Find a catalogue without looking at its database: to rebuild or upgrade it.

        Raises
        ------
        RecipeError
            P403, if there is none.
        """
        return cls(find_place(where))

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
        SpaceError, StoreError
            S501, S503, as the disk refuses.
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
        within: str | Path | None = None,
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
        within : str or Path, optional
            Links that lead out of this folder are left out; by default all are followed.
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
            pattern,
            _wishes(clocks, clock_policy),
            neural,
            calibration,
            dry_run=dry_run,
            wait=wait,
            within=None if within is None else Path(within),
        )
        return ingest_folders(self.database, self.out, folders, wish, report=report)

    def recordings(self, where: str | Sequence[str] = "") -> list[dict[str, Any]]:
        """Return the recordings for which a condition holds: who, when, cameras, quality, codes, analyses.

        Parameters
        ----------
        where : str or sequence of str, optional
            Words ``field op value`` such as ``subject=m1*,m2 quality!=bad``; by default all recordings.

        Raises
        ------
        RecipeError
            P403, if the condition is not understood.
        CatalogError
            Q603.
        """
        with self.database.read() as connection:
            return list_recordings(connection, where)

    def show(self, recording: int | str) -> dict[str, Any]:
        """Return all about one recording, by its number or label (``r12``).

        Raises
        ------
        RecipeError
            P403, if there is none.
        CatalogError
            Q603.
        """
        with self.database.read() as connection:
            return show_recording(connection, recording_number(str(recording)))

    def outcomes(self, where: str | Sequence[str] = "") -> Iterator[tuple[dict[str, Any], Path]]:
        """Give the current outcomes for which a condition holds, one after the other.

        Parameters
        ----------
        where : str or sequence of str, optional
            Words such as ``subject=m1 analysis=pupil``; by default all outcomes.

        Yields
        ------
        tuple of dict and Path
            The recording, as `recordings` gives it, and the file: `mystax.load` opens it.

        Raises
        ------
        RecipeError
            P403, if the condition is not understood.
        CatalogError
            Q603.
        """
        with self.database.read() as connection:
            rows = ids_where(connection, select_outcomes(where))
            known = {row["id"]: row for row in list_recordings(connection)}
            query = select(outcome.c.id, outcome.c.recording_id, outcome.c.path)
            places = {row.id: (row.recording_id, row.path) for row in connection.execute(query)}
        for row in rows:
            number, path = places[row]
            yield known.get(number, {}), self.out / path

    def export(
        self, wish: ExportWish, where: str | Sequence[str] = "", *, report: Report = silent
    ) -> Iterator[Exported]:
        """Write the outcomes of recordings in other formats; what hinders one does not hinder the next.

        Parameters
        ----------
        wish : ExportWish
            Formats with their folders, and how they are written.
        where : str or sequence of str, optional
            Words such as ``subject=m1* quality!=bad``; by default all recordings.
        report : callable, optional
            Takes events.

        Yields
        ------
        Exported
            Files and errors of one recording.

        Raises
        ------
        RecipeError
            P403, if the condition is not understood or means no recording.
        CatalogError
            Q603.
        """
        yield from export_selected(self.database, self.out, where, wish, report=report)

    def set(self, recording: int | str, **values: str) -> None:
        """Set what is known of a recording: subject, start, note, clocks and more.

        Parameters
        ----------
        recording : int or str
            Its number or label (``r12``).
        values : str
            `mystax.engine.catalog.edits.set_values` lists the names; those with a dot are given as
            ``**{"clock.left": "csv:times.csv"}``.

        Raises
        ------
        RecipeError
            P403, if there is no such recording or name.
        ParameterError
            P401, if a clock is not understood.
        CatalogError
            Q603, Q605.
        """
        set_values(self.database, self.out, recording_number(str(recording)), values)

    def accept(self, where: str | Sequence[str], codes: str | Sequence[str], note: str = "") -> list[int]:
        """Accept remarks with these codes: they no longer lower the quality of their recordings.

        Returns
        -------
        list of int
            Recordings on which something was accepted.

        Raises
        ------
        RecipeError
            P403, if the condition or a code is unknown.
        CatalogError
            Q603, Q605.
        """
        many = [codes] if isinstance(codes, str) else codes
        return accept_flags(self.database, self.out, where, many, note)


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
