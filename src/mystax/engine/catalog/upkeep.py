"""Looking at recordings again, clearing away what was superseded, copies of the database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import delete, select

from mystax.core.events import Event, Report, silent
from mystax.core.safe_names import is_there
from mystax.engine.catalog.database import Database
from mystax.engine.catalog.flags import AWAY, Remark, remark_of_error
from mystax.engine.catalog.known import KnownRecording, known_recordings
from mystax.engine.catalog.looking import CameraFacts, ClockWish, VideoFacts, clock_files, look_at_recording
from mystax.engine.catalog.naming import Identity
from mystax.engine.catalog.rows import (
    CHANGED,
    NewRecording,
    NewSideFile,
    known_identities,
    known_videos,
    write_recording,
)
from mystax.engine.catalog.side_files import kept_files, state_of
from mystax.engine.catalog.sidecars import sidecar_of, write_sidecar
from mystax.engine.catalog.tables import outcome
from mystax.engine.doctor_outcomes import check_strays, outcome_folders
from mystax.errors import CatalogError, MystaxError, RecipeError
from mystax.io.store_fs import LocalFs, refusals

__all__ = ["CheckReport", "PruneReport", "backup", "look_again", "prune"]


@dataclass
class CheckReport:
    """What looking again found.

    Attributes
    ----------
    checked : int
        Recordings that were looked at.
    changed : list of str
        Files that are not what they were.
    problems : list of MystaxError
        Recordings whose root is away (Q606).
    flags : dict
        Code to number of remarks.
    """

    checked: int = 0
    changed: list[str] = field(default_factory=list)
    problems: list[MystaxError] = field(default_factory=list)
    flags: dict[str, int] = field(default_factory=dict)

    def as_dict(self) -> dict[str, object]:
        """Return the JSON object of the report."""
        flags = dict(sorted(self.flags.items()))
        return {"checked": self.checked, "changed_files": self.changed, "flags": flags}


def look_again(
    database: Database,
    out: Path,
    ids: Sequence[int],
    clocks: Mapping[int, Mapping[str, ClockWish]] | None = None,
    *,
    report: Report = silent,
) -> CheckReport:
    """Look at the videos of recordings again, and write what is seen now.

    Parameters
    ----------
    database : Database
        The catalogue.
    out : Path
        The folder of outcomes.
    ids : sequence of int
        The recordings.
    clocks : mapping, optional
        Recording to camera to the clock that it has from now on.
    report : callable, optional
        Takes events.

    Returns
    -------
    CheckReport
        What changed.

    Raises
    ------
    CatalogError
        Q603, Q605.
    """
    database.check_schema()
    found = CheckReport()
    with database.read() as connection:
        recordings = known_recordings(connection, ids)
        marks: dict[str, list[tuple[int, str, str]]] = {}
        for one in known_videos(connection):
            marks.setdefault(one.quick_id, []).append((one.recording_id, one.root, one.path))
        identities = {row: identity for identity, row in known_identities(connection).items()}
    for number, known in enumerate(recordings, 1):
        wishes = {one["name"]: ClockWish.from_dict(one["clock"]) for one in known.cameras}
        wishes |= (clocks or {}).get(known.id, {})
        try:
            new = _look(known, wishes, identities[known.id], marks, found)
        except CatalogError as error:
            found.problems.append(error)
            continue
        with database.write() as connection:
            write_recording(connection, new, known.id)
            folder, values = sidecar_of(connection, known.id)
        write_sidecar(out, folder, values)
        found.checked += 1
        for remark in (*new.remarks, *(r for facts in new.cameras for r in facts.remarks)):
            found.flags[remark.code] = found.flags.get(remark.code, 0) + 1
        report(Event("progress", "check", number, len(recordings), known.label, {"unit": "recordings"}))
    return found


def _look(
    known: KnownRecording,
    wishes: Mapping[str, ClockWish],
    identity: Identity,
    marks: Mapping[str, Sequence[tuple[int, str, str]]],
    found: CheckReport,
) -> NewRecording:
    """Look at one recording."""
    paths = known.paths()
    gone = [(name, path) for name, files in paths.items() for path in files if not is_there(path)]
    there = {name: files for name, files in paths.items() if name not in {name for name, _ in gone}}
    facts, remarks = look_at_recording(there, wishes, known.label)
    for name in dict.fromkeys(name for name, _ in gone):
        facts.append(_as_known(known, name, paths[name]))
    order = [one["name"] for one in known.cameras]
    facts.sort(key=lambda one: order.index(one.name))
    for name, path in gone:
        error = RecipeError("P403", str(path), AWAY, hint="mystax catalog ingest finds moved ones")
        remarks.append(remark_of_error(error, name, str(path)))
    places = {
        str(path): (file["root"], file["path"])
        for one in known.cameras
        for path, file in zip(paths[one["name"]], one["videos"], strict=True)
    }
    before = {
        str(path): str(file["quick_id"])
        for one in known.cameras
        for path, file in zip(paths[one["name"]], one["videos"], strict=True)
    }
    for one in facts:
        for video in one.videos:
            mark = before[str(video.path)]
            if mark and video.quick_id and mark != video.quick_id:
                found.changed.append(str(video.path))
                text = "the file is not the one of the last ingestion: outcomes made from it are stale"
                detail = {"text": text, "expected": mark, "got": video.quick_id}
                remarks.append(Remark(CHANGED, "warning", detail, one.name, str(video.path)))
    doubles = [
        path
        for one in facts
        for video in one.videos
        for row, name, path in marks.get(video.quick_id, ())
        if video.size and row != known.id and is_there((known.roots.path_of(name) or Path("/")) / path)
    ]
    return NewRecording(
        identity,
        known.folder,
        facts,
        places,
        remarks,
        clocks={name: wish.as_dict() for name, wish in wishes.items()},
        side_files=_side_files(known, paths, wishes),
        doubles=list(dict.fromkeys(doubles)),
    )


def _as_known(known: KnownRecording, name: str, paths: Sequence[Path]) -> CameraFacts:
    """Return what the catalogue has of a camera whose files are away."""
    one = next(camera for camera in known.cameras if camera["name"] == name)
    videos = tuple(
        VideoFacts(path, int(file["size"] or 0), int(file["mtime_ns"] or 0), str(file["quick_id"]))
        for path, file in zip(paths, one["videos"], strict=True)
    )
    clock = one["clock"]
    mark, n_frames = str(clock.get("id") or ""), int(clock.get("n_frames") or 0)
    return CameraFacts(name, videos, mark, n_frames, is_stored=True)


def _side_files(
    known: KnownRecording, paths: Mapping[str, Sequence[Path]], wishes: Mapping[str, ClockWish]
) -> list[NewSideFile]:
    """Return the further files of a recording, with clocks as they are now."""
    names = {one["id"]: str(one["name"]) for one in known.cameras}
    found = kept_files(known.roots, known.side_files, without=("clock",), cameras=names)
    for name, files in paths.items():
        for file in clock_files(wishes.get(name, ClockWish()), [files[0].parent]):
            located = known.roots.locate(file.absolute())
            if located is not None:
                spec = wishes[name].as_dict()
                found.append(NewSideFile("clock", *located, *state_of(file), name, spec))
    return found


@dataclass
class PruneReport:
    """What was, or would be, cleared away.

    Attributes
    ----------
    files : list of str
        Superseded outcomes and what dead runs left behind.
    bytes : int
        What they take [bytes].
    """

    files: list[str] = field(default_factory=list)
    bytes: int = 0

    def as_dict(self) -> dict[str, object]:
        """Return the JSON object of the report."""
        return {"files": self.files, "bytes": self.bytes}


def prune(database: Database, out: Path, *, dry_run: bool = False) -> PruneReport:
    """Remove superseded outcomes, and what dead runs left behind; a current outcome is never removed.

    Parameters
    ----------
    database : Database
        The catalogue.
    out : Path
        The folder of outcomes.
    dry_run : bool, optional
        Say what would be removed.

    Returns
    -------
    PruneReport
        What it was.

    Raises
    ------
    CatalogError
        Q603, Q605.
    """
    database.check_schema()
    fs, found = LocalFs(), PruneReport()
    for folder in outcome_folders(out):
        strays = [Path(check.where) for check in check_strays(folder) if check.status != "ok"]
        old = sorted((folder / ".mystax" / "old").glob("*.nc"))
        for path in (*old, *strays):
            found.files.append(str(path))
            found.bytes += path.stat().st_size if path.exists() else 0
        if dry_run:
            continue
        with refusals(folder):
            for path in old:
                fs.remove(path)
        check_strays(folder, fix=True)
    if not dry_run:
        with database.write() as connection:
            query = select(outcome.c.id, outcome.c.path).where(outcome.c.state == "superseded")
            gone = [row for row, path in connection.execute(query) if not is_there(out / path)]
            for row in gone:
                connection.execute(delete(outcome).where(outcome.c.id == row))
    return found


def backup(database: Database, file: Path) -> None:
    """Copy an SQLite database, also while others write.

    Parameters
    ----------
    database : Database
        The catalogue.
    file : Path
        The copy; it must not exist.

    Raises
    ------
    RecipeError
        P403, if the file is there, or the database is PostgreSQL.
    CatalogError
        Q603.
    """
    if not database.is_sqlite:
        raise RecipeError(
            "P403", database.where, "PostgreSQL has its own copies", hint="pg_dump --format=custom DATABASE"
        )
    if file.exists() or not file.absolute().parent.is_dir():
        raise RecipeError("P403", str(file), expected="a new file in a folder that is there")
    database.copy_to(file.absolute())
