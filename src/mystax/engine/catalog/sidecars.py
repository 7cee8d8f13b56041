"""What the catalogue alone knows of a recording, kept as text beside its outcomes.

The database is a cache: `rebuild` makes it again from these files and the outcomes.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from mystax.core.safe_names import is_there
from mystax.engine.catalog.tables import camera, flag, recording, root, side_file, subject, video
from mystax.io.store import Store

__all__ = ["SIDECAR", "read_sidecar", "read_sidecars", "sidecar_of", "write_sidecar"]

SIDECAR = "recording.json"
FORMAT = 1
MAX_BYTES = 16 << 20
PERSONS = ("note", "start", "meta")
OF_VIDEO = ("root", "path", "size", "mtime_ns", "quick_id", "width", "height", "bits", "n_frames")
OF_SUBJECT = ("name", "species", "sex", "birth", "meta")


def sidecar_of(connection: Connection, row: int) -> tuple[str, dict[str, Any]]:
    """Return the folder of a recording, and the plain values of its text.

    Parameters
    ----------
    connection : Connection
        A transaction.
    row : int
        The recording.

    Returns
    -------
    tuple
        Folder below that of the outcomes; what `write_sidecar` writes.
    """
    found = connection.execute(select(recording).where(recording.c.id == row)).mappings().one()
    values: dict[str, Any] = {"format": FORMAT}
    values |= {name: found[name] for name in ("folder", "project", "session", "run", *PERSONS)}
    if found["subject_id"] is not None:
        query = select(subject).where(subject.c.id == found["subject_id"])
        of_subject = connection.execute(query).mappings().one()
        values["subject"] = {name: of_subject[name] for name in OF_SUBJECT}
    files = (
        select(video.c.camera_id, *(video.c[name] for name in OF_VIDEO))
        .join(camera, video.c.camera_id == camera.c.id)
        .where(camera.c.recording_id == row)
        .order_by(video.c.camera_id, video.c.position)
    )
    by_camera: dict[int, list[dict[str, Any]]] = {}
    for one in connection.execute(files).mappings():
        by_camera.setdefault(one["camera_id"], []).append({k: one[k] for k in one if k != "camera_id"})
    cameras = connection.execute(select(camera).where(camera.c.recording_id == row).order_by(camera.c.id))
    names: dict[int, str] = {}
    values["cameras"] = []
    for one in cameras.mappings():
        names[one["id"]] = one["name"]
        plain = {name: one[name] for name in ("name", "view", "serial", "clock")}
        values["cameras"].append({**plain, "videos": by_camera.get(one["id"], [])})
    more = connection.execute(
        select(side_file).where(side_file.c.recording_id == row).order_by(side_file.c.id)
    )
    values["side_files"] = [
        {
            **{k: one[k] for k in ("role", "root", "path", "size", "mtime_ns", "spec")},
            "camera": names.get(one["camera_id"], ""),
        }
        for one in more.mappings()
    ]
    accepted = (
        select(flag).where(flag.c.recording_id == row, flag.c.accepted_by.is_not(None)).order_by(flag.c.id)
    )
    values["accepted"] = [
        {
            "code": one["code"],
            "camera": names.get(one["camera_id"], ""),
            "text": str(one["detail"].get("text", "")),
            "by": one["accepted_by"],
            "at": one["accepted_at"],
        }
        for one in connection.execute(accepted).mappings()
    ]
    used = {one["root"] for files in by_camera.values() for one in files}
    used |= {one["root"] for one in values["side_files"]}
    rows = connection.execute(
        select(root).where(root.c.name.in_(sorted(used))).order_by(root.c.name, root.c.host)
    )
    values["roots"] = [list(one) for one in rows]
    return str(found["folder"]), values


def write_sidecar(out: Path, folder: str, values: Mapping[str, Any]) -> None:
    """Write the text of a recording beside its outcomes, unless it says so already.

    Raises
    ------
    StoreError
        S501, S503.
    """
    text = json.dumps(values, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
    path = out / folder / SIDECAR
    if is_there(path) and path.read_text("utf-8") == text:
        return
    Store(path.parent).write_text(SIDECAR, text)


def read_sidecar(path: Path) -> dict[str, Any] | None:
    """Read the text of a recording; None if it is not one that this mystax understands."""
    try:
        if path.stat().st_size > MAX_BYTES:
            return None
        values = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return values if _is_sound(values) else None


def _is_sound(values: object) -> bool:
    """Tell whether values have the form that `sidecar_of` gives them."""
    if not isinstance(values, dict) or values.get("format") != FORMAT:
        return False
    cameras, start = values.get("cameras"), values.get("start")
    lists = [values.get(name, []) for name in ("side_files", "accepted", "roots")]
    plain = isinstance(values.get("subject", {}), dict) and isinstance(values.get("meta", {}), dict)
    if not (plain and (start is None or isinstance(start, int | float)) and isinstance(cameras, list)):
        return False
    if not cameras or not all(isinstance(items, list) for items in lists):
        return False
    if not all(isinstance(row, list) and len(row) == 3 for row in lists[2]):
        return False
    return all(
        isinstance(one, dict)
        and isinstance(one.get("name"), str)
        and isinstance(one.get("clock", {}), dict)
        and isinstance(one.get("videos"), list)
        and all(isinstance(file, dict) and set(OF_VIDEO) <= set(file) for file in one["videos"])
        for one in cameras
    ) and all(isinstance(one, dict) for items in lists[:2] for one in items)


def read_sidecars(out: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give folder and values of every recording below the folder of outcomes, in order of their names."""
    for path in sorted(out.rglob(SIDECAR)):
        values = read_sidecar(path)
        if values is not None:
            yield path.parent.relative_to(out).as_posix(), values
