"""Every byte of the files of recordings: what is damaged, missing or moved."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from mystax.core.events import Event, Report, silent
from mystax.core.safe_names import is_there
from mystax.engine.catalog.database import Database, utc_seconds
from mystax.engine.catalog.known import KnownRecording, known_recordings
from mystax.engine.catalog.rows import CHANGED, FULL, update_quality
from mystax.engine.catalog.tables import flag, outcome, video
from mystax.engine.roots import Roots
from mystax.errors import CatalogError, MystaxError, VideoError
from mystax.io.digests import file_digest
from mystax.io.fingerprint import quick_id

__all__ = ["FullReport", "hash_files"]


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
        query = select(outcome).where(outcome.c.state == "current").order_by(outcome.c.path)
        made = [row for row in connection.execute(query).mappings() if row["recording_id"] in set(ids)]
    for number, known in enumerate(recordings, 1):
        _check_videos(database, known, found)
        report(Event("progress", "full check", number, len(recordings), known.label))
    for row in made:
        state = _state_of(out / row["path"], row["sha256"], found)
        if state != "current":
            with database.write() as connection:
                connection.execute(update(outcome).where(outcome.c.id == row["id"]).values(state=state))
    _find_moved(recordings, found)
    return found


def _state_of(path: Path, known: str, found: FullReport) -> str:
    """Return the state of an outcome from its bytes."""
    if not is_there(path):
        found.missing.append(str(path))
        return "missing"
    mark = _hash_of(path, found)
    if not mark or mark == known:
        return "current"
    found.damaged.append(str(path))
    return "damaged"


def _hash_of(path: Path, found: FullReport) -> str:
    """Return the hash of a file; "" if it cannot be read, which is then a problem."""
    try:
        mark = file_digest(path)
    except OSError as error:
        got = error.strerror or str(error)
        found.problems.append(VideoError("V131", str(path), "the file cannot be read", got=got))
        return ""
    found.hashed += 1
    return mark


def _check_videos(database: Database, known: KnownRecording, found: FullReport) -> None:
    """Compare the videos of one recording; write new hashes, and what is damaged."""
    try:
        paths = known.paths()
    except CatalogError as error:
        found.problems.append(error)
        return
    new: dict[int, str] = {}
    damaged: list[tuple[Mapping[str, Any], Path, str]] = []
    for one in known.cameras:
        for file, path in zip(one["videos"], paths[one["name"]], strict=True):
            if not is_there(path):
                found.missing.append(str(path))
                continue
            mark = _hash_of(path, found)
            if mark and not file["full_hash"]:
                new[file["id"]] = mark
            elif mark and mark != file["full_hash"]:
                damaged.append((file, path, mark))
    found.first += len(new)
    found.damaged += [str(path) for _, path, _ in damaged]
    with database.write() as connection:
        for number, mark in new.items():
            connection.execute(update(video).where(video.c.id == number).values(full_hash=mark))
        _renew_flags(connection, known.id, damaged)


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
