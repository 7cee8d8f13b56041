"""What commands and pages show of recordings."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, select

from mystax.engine.catalog.query import ids_where, select_recordings
from mystax.engine.catalog.tables import camera, flag, job, outcome, recording, side_file, subject, video
from mystax.errors import RecipeError

__all__ = ["list_recordings", "recording_number", "show_recording", "time_text"]

HEAD = ("id", "folder", "project", "session", "run", "start", "quality", "note", "meta", "added")


def time_text(seconds: float | None) -> str | None:
    """Write a time as people do: 2026-01-31T12:00:00Z."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def recording_number(text: str) -> int:
    """Return the row that ``r12`` or ``12`` means.

    Raises
    ------
    RecipeError
        P403, if it is neither.
    """
    digits = text.removeprefix("r")
    if not (digits.isascii() and digits.isdecimal()) or len(digits) > 9:
        raise RecipeError("P403", f"recording {text!r}", expected="a number such as r12")
    return int(digits)


def list_recordings(connection: Connection, where: str | Sequence[str] = "") -> list[dict[str, Any]]:
    """Return the recordings for which a condition holds.

    Parameters
    ----------
    connection : Connection
        A transaction.
    where : str or sequence of str, optional
        The condition; by default all.

    Returns
    -------
    list of dict
        Who, when, cameras, frames, quality, the codes of all remarks, the analyses that have outcomes.

    Raises
    ------
    RecipeError
        P403, if the condition is not understood.
    """
    wanted = ids_where(connection, select_recordings(where))
    rows = {row["id"]: row for row in _heads(connection)}
    codes = _gathered(connection, select(flag.c.recording_id, flag.c.code).order_by(flag.c.id))
    analyses = _gathered(
        connection,
        select(outcome.c.recording_id, outcome.c.analysis)
        .where(outcome.c.state == "current")
        .order_by(outcome.c.analysis),
    )
    names = _gathered(connection, select(camera.c.recording_id, camera.c.name).order_by(camera.c.id))
    counts = _gathered(connection, select(camera.c.recording_id, camera.c.clock), plain=True)
    return [
        {
            **rows[number],
            "cameras": names.get(number, []),
            "n_frames": sum(int(clock.get("n_frames") or 0) for clock in counts.get(number, [])),
            "codes": sorted(set(codes.get(number, []))),
            "analyses": list(dict.fromkeys(analyses.get(number, []))),
        }
        for number in wanted
    ]


def _heads(connection: Connection) -> list[dict[str, Any]]:
    columns = [recording.c[name] for name in HEAD]
    query = select(*columns, subject.c.name.label("subject")).join(subject, isouter=True)
    found = []
    for row in connection.execute(query).mappings():
        values = {name: row[name] for name in HEAD}
        values |= {"label": f"r{row['id']}", "subject": row["subject"] or ""}
        found.append({**values, "start": time_text(row["start"]), "added": time_text(row["added"])})
    return found


def _gathered(connection: Connection, query: Any, *, plain: bool = False) -> dict[int, list[Any]]:
    """Gather the second column by the first."""
    found: dict[int, list[Any]] = {}
    for number, value in connection.execute(query):
        found.setdefault(number, []).append(value if plain else str(value))
    return found


def show_recording(connection: Connection, number: int) -> dict[str, Any]:
    """Return all about one recording: cameras, files, clocks, remarks, jobs, outcomes.

    Raises
    ------
    RecipeError
        P403, if there is none.
    """
    head = next((row for row in _heads(connection) if row["id"] == number), None)
    if head is None:
        raise RecipeError("P403", f"r{number}", "there is no such recording", hint="mystax catalog list")
    cameras = []
    names: dict[int | None, str] = {None: ""}
    query = select(camera).where(camera.c.recording_id == number).order_by(camera.c.id)
    for row in connection.execute(query).mappings():
        names[row["id"]] = row["name"]
        files = select(video).where(video.c.camera_id == row["id"]).order_by(video.c.position)
        videos = [_without(one, "id", "camera_id") for one in connection.execute(files).mappings()]
        cameras.append({**_without(row, "id", "recording_id"), "videos": videos})
    remarks = select(flag, video.c.path).join(video, flag.c.video_id == video.c.id, isouter=True)
    flags = [
        {
            "code": row["code"],
            "severity": row["severity"],
            "camera": names.get(row["camera_id"], ""),
            "file": row["path"] or "",
            "outcome_id": row["outcome_id"],
            **row["detail"],
            "accepted_by": row["accepted_by"],
            "accepted_at": time_text(row["accepted_at"]),
        }
        for row in connection.execute(
            remarks.where(flag.c.recording_id == number).order_by(flag.c.id)
        ).mappings()
    ]
    return {
        **head,
        "cameras": cameras,
        "flags": flags,
        "side_files": _rows(connection, side_file, number, "id", "recording_id"),
        "outcomes": _rows(connection, outcome, number, "recording_id"),
        "jobs": _rows(connection, job, number, "recording_id", "targets", "wanted", "resources", "token"),
    }


def _without(row: Any, *names: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in names}


def _rows(connection: Connection, table: Any, number: int, *leave: str) -> list[dict[str, Any]]:
    query = select(table).where(table.c.recording_id == number).order_by(table.c.id)
    return [_without(row, *leave) for row in connection.execute(query).mappings()]
