"""Every byte of the files of recordings: what is damaged, missing or moved."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from mystax.core.events import Event, Report, silent
from mystax.engine.catalog.claims import NewJob
from mystax.engine.catalog.database import Database, utc_seconds
from mystax.engine.catalog.known import KnownRecording, known_recordings
from mystax.engine.catalog.rows import CHANGED, FULL, update_quality
from mystax.engine.catalog.tables import flag, outcome, video
from mystax.engine.file_sums import FileSum, sum_of_file
from mystax.engine.roots import Roots
from mystax.errors import CatalogError, MystaxError, VideoError
from mystax.io.fingerprint import quick_id

__all__ = ["FullReport", "current_outcomes", "hash_files", "hash_jobs", "note_sums"]

MEMORY = 500
"""Memory that reading files is taken to need [MiB]."""


@dataclass
class FullReport:
    """What reading every byte found.

    Attributes
    ----------
    hashed, first : int
        Files that were read, and those among them that had no hash yet.
    damaged, missing : list of str
        Files whose bytes are not those of the first time, and files that are not there.
    moved : dict of str to str
        Missing files that lie elsewhere below their root, and where.
    problems : list of MystaxError
        Files that cannot be read (V131), and roots that are away (Q606).
    """

    hashed: int = 0
    first: int = 0
    damaged: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    moved: dict[str, str] = field(default_factory=dict)
    problems: list[MystaxError] = field(default_factory=list)

    @property
    def words(self) -> str:
        """What is wrong, in words; "" if nothing."""
        counts = {
            "damaged": len(self.damaged),
            "missing": len(self.missing),
            "unreadable": len(self.problems),
        }
        return ", ".join(f"{number} {name}" for name, number in counts.items() if number)

    def as_dict(self) -> dict[str, object]:
        """Return the JSON object of the report."""
        counts = {"hashed": self.hashed, "first_hashes": self.first}
        return {**counts, "damaged": self.damaged, "missing": self.missing, "moved": self.moved}


def hash_files(database: Database, out: Path, ids: Sequence[int], *, report: Report = silent) -> FullReport:
    """Read every byte of the videos and current outcomes of recordings, and compare them with the first time.

    Parameters
    ----------
    database : Database
        The catalogue; it takes the hashes of videos that had none.
    out : Path
        The folder of outcomes.
    ids : sequence of int
        The recordings.
    report : callable, optional
        Takes events.

    Returns
    -------
    FullReport
        What is damaged, missing or moved: a video that changed where quick ids do not look has V130, an
        outcome is no longer current, so that the queue makes it again.

    Raises
    ------
    CatalogError
        Q603, Q605.
    """
    database.check_schema()
    found = FullReport()
    with database.read() as connection:
        recordings = known_recordings(connection, ids)
        made = current_outcomes(connection, ids)
    for number, known in enumerate(recordings, 1):
        try:
            paths = known.paths()
        except CatalogError as error:
            found.problems.append(error)
            paths = {}
        videos = {
            int(file["id"]): sum_of_file(path)
            for one in known.cameras
            for file, path in zip(one["videos"], paths.get(one["name"], ()), strict=False)
        }
        outcomes = {row: sum_of_file(out / path) for row, path in made.get(known.id, {}).items()}
        with database.write() as connection:
            note_sums(connection, known, videos, outcomes, found)
        report(Event("progress", "full check", number, len(recordings), known.label))
    _find_moved(recordings, found)
    return found


def current_outcomes(connection: Connection, ids: Sequence[int]) -> dict[int, dict[int, str]]:
    """Return recording to its current outcomes: row to path below the folder of outcomes."""
    query = select(outcome.c.recording_id, outcome.c.id, outcome.c.path).where(outcome.c.state == "current")
    wanted, found = set(ids), dict[int, dict[int, str]]()
    for recording_id, row, path in connection.execute(query.order_by(outcome.c.path)):
        if recording_id in wanted:
            found.setdefault(int(recording_id), {})[int(row)] = str(path)
    return found


def hash_jobs(database: Database, ids: Sequence[int]) -> list[NewJob]:
    """Make the jobs that read every byte of recordings, wherever their workers run.

    Parameters
    ----------
    database : Database
        The catalogue.
    ids : sequence of int
        The recordings.

    Returns
    -------
    list of NewJob
        One for each recording.
    """
    with database.read() as connection:
        recordings = known_recordings(connection, ids)
        made = current_outcomes(connection, ids)
    jobs = []
    for known in recordings:
        files = [file for one in known.cameras for file in one["videos"]]
        values = {
            "plan_key": hashlib.sha256(f"full check of {known.folder}".encode()).hexdigest(),
            "kind": "hash",
            "recording_id": known.id,
            "targets": {
                "folder": known.folder,
                "videos": [[file["id"], file["root"], file["path"]] for file in files],
                "quick_ids": [file["quick_id"] for file in files],
                "outcomes": [list(item) for item in made.get(known.id, {}).items()],
            },
            "wanted": [],
            "resources": {"cores": 1, "memory": MEMORY, "gpus": 0},
            "total": sum(int(file["size"] or 0) for file in files),
            "unit": "bytes",
        }
        jobs.append(NewJob(values))
    return jobs


def note_sums(
    connection: Connection,
    known: KnownRecording,
    videos: Mapping[int, FileSum],
    outcomes: Mapping[int, FileSum],
    found: FullReport,
) -> None:
    """Compare the sums of the files of a recording with the first ones; keep new ones, and what is damaged.

    Parameters
    ----------
    connection : Connection
        Of a transaction that writes.
    known : KnownRecording
        The recording.
    videos, outcomes : mapping of int to FileSum
        Row to what reading the file gave; those that are not here are not judged.
    found : FullReport
        Takes what is found.
    """
    damaged: list[tuple[Mapping[str, Any], Path, str]] = []
    for file in (file for one in known.cameras for file in one["videos"]):
        looked = videos.get(file["id"])
        if looked is None or not _is_read(looked, found):
            continue
        if not file["full_hash"]:
            found.first += 1
            chosen = video.c.id == file["id"]
            connection.execute(update(video).where(chosen).values(full_hash=looked.digest))
        elif looked.digest != file["full_hash"]:
            found.damaged.append(looked.path)
            damaged.append((file, Path(looked.path), looked.digest))
    if videos:
        _renew_flags(connection, known.id, damaged)
    query = select(outcome.c.id, outcome.c.sha256).where(outcome.c.state == "current")
    for row, before in connection.execute(query.where(outcome.c.id.in_(list(outcomes)))).all():
        looked = outcomes[row]
        if _is_read(looked, found) and looked.digest != before:
            found.damaged.append(looked.path)
            connection.execute(update(outcome).where(outcome.c.id == row).values(state="damaged"))
        elif looked.is_missing:
            connection.execute(update(outcome).where(outcome.c.id == row).values(state="missing"))


def _is_read(looked: FileSum, found: FullReport) -> bool:
    """Count a file; False if there is nothing to compare."""
    if looked.is_missing:
        found.missing.append(looked.path)
    elif looked.error:
        found.problems.append(
            VideoError("V131", looked.path, "the file cannot be read", got=looked.error, hint="see the disk")
        )
    else:
        found.hashed += 1
    return bool(looked.digest)


def _renew_flags(
    connection: Connection, row: int, damaged: Sequence[tuple[Mapping[str, Any], Path, str]]
) -> None:
    """Say on a recording which of its files are damaged, and no longer what was said before."""
    query = select(flag.c.id, flag.c.video_id, flag.c.detail).where(flag.c.recording_id == row)
    before = {one.video_id: one.id for one in connection.execute(query) if FULL in one.detail}
    still = {file["id"] for file, _, _ in damaged}
    for number in set(before) - still:
        connection.execute(delete(flag).where(flag.c.id == before[number]))
    for file, _, mark in damaged:
        if file["id"] in before:
            continue
        text = "bytes inside the file are not those of the first full check"
        detail = {"text": text, FULL: mark, "expected": file["full_hash"], "got": mark}
        values = {"recording_id": row, "camera_id": file["camera_id"], "video_id": file["id"]}
        more = {"code": CHANGED, "severity": "warning", "detail": detail, "created": utc_seconds()}
        connection.execute(insert(flag).values(**values, **more))
    update_quality(connection, [row])


def _find_moved(recordings: Sequence[KnownRecording], found: FullReport) -> None:
    """Look below the roots for missing videos: equal size first, then equal quick id."""
    gone = {
        (file["root"], int(file["size"]), str(file["quick_id"])): str(path)
        for known in recordings
        for one in known.cameras
        for file in one["videos"]
        if (path := _place_of(known.roots, file)) is not None and str(path) in found.missing
    }
    for name in sorted({root for root, _, _ in gone}):
        sizes = {size for root, size, _ in gone if root == name}
        roots = recordings[0].roots
        for path, size in _files_below(roots.folder(name), sizes):
            lost = gone.get((name, size, quick_id(path)))
            if lost is not None:
                found.moved.setdefault(lost, str(path))
    found.missing = [path for path in found.missing if path not in found.moved]


def _place_of(roots: Roots, file: Mapping[str, Any]) -> Path | None:
    """Return where a file should be; None where its root is away, which is said already."""
    try:
        return roots.resolve(file["root"], file["path"])
    except CatalogError:
        return None


def _files_below(folder: Path, sizes: set[int]) -> Iterator[tuple[Path, int]]:
    """Give the files below a folder that have one of some sizes."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and (size := path.stat().st_size) in sizes:
            yield path, size
