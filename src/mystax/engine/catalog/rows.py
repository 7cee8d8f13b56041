"""Rows of recordings: reading what is known, writing what was found."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Table, delete, insert, select, update

from mystax.engine.catalog.database import utc_seconds
from mystax.engine.catalog.flags import Known, Remark, is_passing, notes_of, quality_of
from mystax.engine.catalog.looking import CameraFacts, VideoFacts
from mystax.engine.catalog.naming import Identity
from mystax.engine.catalog.tables import camera, flag, recording, side_file, subject, video

__all__ = [
    "KnownVideo",
    "NewRecording",
    "NewSideFile",
    "identity_values",
    "known_identities",
    "known_videos",
    "new_row",
    "refresh_notes",
    "subject_id",
    "update_quality",
    "write_recording",
]

CHANGED = "V130"
FULL = "full_hash"
"""In the detail of a remark: it is of the full hash, and lasts as long as the quick id does."""


@dataclass(frozen=True, slots=True)
class KnownVideo:
    """What the catalogue has of one file.

    Attributes
    ----------
    id, camera_id, recording_id : int
        Its rows.
    camera : str
        Name of the camera.
    position : int
        Its place among the files of the camera.
    root, path : str
        Where it is.
    size, mtime_ns : int
        As they were when it was looked at.
    quick_id : str
        Its fingerprint.
    """

    id: int
    camera_id: int
    recording_id: int
    camera: str
    position: int
    root: str
    path: str
    size: int
    mtime_ns: int
    quick_id: str


@dataclass(frozen=True, slots=True)
class NewSideFile:
    """A clock, neural or calibration file to be written."""

    role: str
    root: str
    path: str
    size: int
    mtime_ns: int
    camera: str = ""
    spec: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class NewRecording:
    """What is to be written of one recording.

    Attributes
    ----------
    identity : Identity
        Who and when.
    folder : str
        Folder of its outcomes.
    cameras : sequence of CameraFacts
        What was found.
    places : mapping
        Path on this host to root and path below it.
    remarks : sequence of Remark
        On the recording as a whole; those of cameras stand in their facts.
    start : float or None
        Start [s since 1970].
    meta : mapping
        Further words of the names.
    clocks : mapping
        Camera to the JSON object of its clock.
    side_files : sequence of NewSideFile
        Further files.
    doubles : sequence of str
        Files of other recordings with the same content.
    note : str
        Words of a person.
    """

    identity: Identity
    folder: str
    cameras: Sequence[CameraFacts]
    places: Mapping[str, tuple[str, str]]
    remarks: Sequence[Remark] = ()
    start: float | None = None
    meta: Mapping[str, object] = field(default_factory=dict)
    clocks: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    side_files: Sequence[NewSideFile] = ()
    doubles: Sequence[str] = ()
    note: str = ""


NAMES = tuple(KnownVideo.__dataclass_fields__)


def new_row(connection: Connection, table: Table, **values: object) -> int:
    """Insert a row and return its number."""
    return int(connection.execute(insert(table).values(**values).returning(table.c.id)).scalar_one())


def known_videos(connection: Connection) -> list[KnownVideo]:
    """Return all files of the catalogue."""
    columns = (
        video.c.id,
        video.c.camera_id,
        camera.c.recording_id,
        camera.c.name,
        video.c.position,
        video.c.root,
        video.c.path,
        video.c.size,
        video.c.mtime_ns,
        video.c.quick_id,
    )
    order = (camera.c.recording_id, camera.c.id, video.c.position)
    query = select(*columns).join(camera, video.c.camera_id == camera.c.id).order_by(*order)
    return [KnownVideo(**dict(zip(NAMES, row, strict=True))) for row in connection.execute(query)]


def known_identities(connection: Connection) -> dict[Identity, int]:
    """Return the recordings of the catalogue by what tells them apart."""
    name = subject.c.name
    query = select(recording.c.id, recording.c.project, name, recording.c.session, recording.c.run)
    rows = connection.execute(query.join(subject, isouter=True))
    return {Identity(row[1], row[2] or "", row[3], row[4]): row[0] for row in rows}


def subject_id(connection: Connection, name: str) -> int | None:
    """Return the row of a subject, which is made if there is none; None for no name."""
    if not name:
        return None
    found = connection.scalar(select(subject.c.id).where(subject.c.name == name))
    if found is not None:
        return int(found)
    return new_row(connection, subject, name=name)


def identity_values(connection: Connection, who: Identity) -> dict[str, Any]:
    """Return the columns of what tells a recording from another; the row of its subject is made."""
    return {
        "project": who.project,
        "subject_id": subject_id(connection, who.subject),
        "session": who.session,
        "run": who.run,
    }


def write_recording(connection: Connection, new: NewRecording, known_id: int | None = None) -> int:
    """Write a recording with its cameras, files and remarks.

    Parameters
    ----------
    connection : Connection
        Of a transaction that writes.
    new : NewRecording
        What was found.
    known_id : int, optional
        The row that it replaces; its names, its note, and what a person set, stay.

    Returns
    -------
    int
        The row.
    """
    if known_id is None:
        values = identity_values(connection, new.identity)
        more = {"folder": new.folder, "start": new.start, "meta": dict(new.meta), "note": new.note}
        row = new_row(connection, recording, **values, **more, added=utc_seconds())
    else:
        row = known_id
    accepted, lasting = _accepted(connection, row), _lasting(connection, row, new)
    _delete_flags(connection, row, [facts.name for facts in new.cameras if facts.is_stored])
    connection.execute(delete(side_file).where(side_file.c.recording_id == row))
    cameras = _write_cameras(connection, row, new)
    videos = {
        path: number
        for facts in new.cameras
        for path, number in _write_videos(connection, cameras[facts.name], facts, new).items()
    }
    for one in new.side_files:
        values = {"role": one.role, "root": one.root, "path": one.path, "size": one.size}
        more = {"mtime_ns": one.mtime_ns, "spec": dict(one.spec), "camera_id": cameras.get(one.camera)}
        connection.execute(insert(side_file).values(recording_id=row, **values, **more))
    remarks = [*new.remarks, *lasting, *(remark for facts in new.cameras for remark in facts.remarks)]
    name, start = _subject_and_start(connection, row)
    remarks += notes_of(Known(name, start, tuple(new.doubles)))
    _write_flags(connection, row, remarks, cameras, videos, accepted)
    update_quality(connection, [row])
    return row


def _write_cameras(connection: Connection, row: int, new: NewRecording) -> dict[str, int]:
    """Write the cameras of a recording; return their rows by name."""
    query = select(camera.c.name, camera.c.id).where(camera.c.recording_id == row)
    known: dict[str, int] = {str(name): int(number) for name, number in connection.execute(query)}
    gone = [number for name, number in known.items() if name not in {facts.name for facts in new.cameras}]
    if gone:
        connection.execute(delete(camera).where(camera.c.id.in_(gone)))
    found: dict[str, int] = {}
    for facts in new.cameras:
        clock = {**new.clocks.get(facts.name, {}), "id": facts.clock_id, "n_frames": facts.n_frames}
        values = {"clock": clock, "clock_report": _plain(facts.report)}
        if facts.is_stored:
            values.pop("clock_report")
        if facts.name in known:
            found[facts.name] = known[facts.name]
            connection.execute(update(camera).where(camera.c.id == known[facts.name]).values(**values))
        else:
            found[facts.name] = new_row(connection, camera, recording_id=row, name=facts.name, **values)
    return found


def _plain(values: Mapping[str, object]) -> dict[str, object]:
    """Leave out what JSON has not: numbers that are none."""
    return {
        name: None if isinstance(value, float) and value - value != 0 else value
        for name, value in values.items()
    }


def _write_videos(
    connection: Connection, camera_id: int, facts: CameraFacts, new: NewRecording
) -> dict[str, int]:
    """Write the files of a camera anew, save for those that are away; return their rows by path here."""
    if facts.is_stored:
        rows = connection.scalars(
            select(video.c.id).where(video.c.camera_id == camera_id).order_by(video.c.position)
        )
        return {str(one.path): row for one, row in zip(facts.videos, rows, strict=False)}
    query = select(video.c.quick_id, video.c.full_hash).where(video.c.camera_id == camera_id)
    hashes = {str(mark): str(full) for mark, full in connection.execute(query) if mark}
    connection.execute(delete(video).where(video.c.camera_id == camera_id))
    found: dict[str, int] = {}
    for position, one in enumerate(facts.videos):
        root, path = new.places[str(one.path)]
        # The path may belong to a row of a recording whose files have moved around.
        connection.execute(delete(video).where(video.c.root == root, video.c.path == path))
        values = {"camera_id": camera_id, "position": position, "root": root, "path": path}
        values["full_hash"] = hashes.get(one.quick_id, "")
        found[str(one.path)] = new_row(connection, video, **values, **_of_probe(one))
    return found


def _lasting(connection: Connection, row: int, new: NewRecording) -> list[Remark]:
    """Return remarks on bytes inside files, as long as the files look the same from outside."""
    looked = [one for facts in new.cameras if not facts.is_stored for one in facts.videos]
    places = {one.quick_id: str(one.path) for one in looked if one.quick_id}
    query = (
        select(flag.c.code, flag.c.severity, flag.c.detail, camera.c.name, video.c.quick_id)
        .join(video, flag.c.video_id == video.c.id)
        .join(camera, video.c.camera_id == camera.c.id)
        .where(flag.c.recording_id == row)
    )
    return [
        Remark(code, severity, detail, name, places[mark])
        for code, severity, detail, name, mark in connection.execute(query)
        if FULL in detail and mark in places
    ]


def _of_probe(one: VideoFacts) -> dict[str, Any]:
    """Return the columns of a file that come from looking at it."""
    values: dict[str, Any] = {"size": one.size, "mtime_ns": one.mtime_ns, "quick_id": one.quick_id}
    if one.probe is None:
        return values
    probe = one.probe.as_dict()
    for name in ("path", "size", "fingerprint", "flags"):
        probe.pop(name)
    interval = one.probe.interval
    values |= {f"interval_{name}": interval.get(name) for name in ("min", "median", "max")}
    values["n_gaps"] = len(one.probe.gaps)
    for name in (
        *("index_id", "container", "codec", "pixel_format", "bits", "width", "height", "rotation"),
        *("color_range", "n_frames", "n_frames_header", "route", "rate", "clock_kind"),
        *("first_time", "last_time"),
    ):
        values[name] = probe.pop(name)
    probe.pop("interval")
    return {**values, "probe": probe}


def _delete_flags(connection: Connection, row: int, stored: Sequence[str]) -> None:
    """Take away what was said of a recording, save for cameras that nobody could look at now."""
    query = select(flag.c.id, flag.c.code, flag.c.detail, camera.c.name).join(camera, isouter=True)
    mine = (flag.c.recording_id == row) & flag.c.outcome_id.is_(None)
    for one in connection.execute(query.where(mine)).all():
        if one.name not in stored or is_passing(one.code, one.detail):
            connection.execute(delete(flag).where(flag.c.id == one.id))


def _accepted(connection: Connection, row: int) -> dict[tuple[str, str, str], tuple[str, float]]:
    """Return who accepted which remark, by code, camera and text."""
    query = (
        select(flag.c.code, camera.c.name, flag.c.detail, flag.c.accepted_by, flag.c.accepted_at)
        .join(camera, flag.c.camera_id == camera.c.id, isouter=True)
        .where(flag.c.recording_id == row, flag.c.accepted_by.is_not(None))
    )
    return {
        (code, name or "", str(detail.get("text", ""))): (by, at)
        for code, name, detail, by, at in connection.execute(query)
    }


def _write_flags(
    connection: Connection,
    row: int,
    remarks: Iterable[Remark],
    cameras: Mapping[str, int],
    videos: Mapping[str, int],
    accepted: Mapping[tuple[str, str, str], tuple[str, float]],
) -> None:
    """Write remarks; one that says the same as before stays accepted."""
    every = {(one.code, one.camera, one.path, str(one.detail)): one for one in remarks}
    for one in every.values():
        by, at = accepted.get((one.code, one.camera, str(one.detail.get("text", ""))), (None, None))
        connection.execute(
            insert(flag).values(
                recording_id=row,
                camera_id=cameras.get(one.camera),
                video_id=videos.get(one.path),
                code=one.code,
                severity=one.severity,
                detail=dict(one.detail),
                created=utc_seconds(),
                accepted_by=by,
                accepted_at=at,
            )
        )


def refresh_notes(connection: Connection, row: int) -> None:
    """Make the notes on subject and start again, after a person changed them."""
    here = (flag.c.recording_id == row) & flag.c.code.in_(("no_subject", "no_start_time"))
    connection.execute(delete(flag).where(here))
    _write_flags(connection, row, notes_of(Known(*_subject_and_start(connection, row))), {}, {}, {})
    update_quality(connection, [row])


def _subject_and_start(connection: Connection, row: int) -> tuple[str, float | None]:
    """Return the name of the subject of a recording, and its start [s since 1970]."""
    query = select(subject.c.name, recording.c.start).select_from(recording).join(subject, isouter=True)
    found = connection.execute(query.where(recording.c.id == row)).one()
    return found.name or "", found.start


def update_quality(connection: Connection, rows: Iterable[int]) -> None:
    """Set the quality of recordings from the remarks that nobody accepted."""
    for row in rows:
        query = select(flag.c.severity).where(flag.c.recording_id == row, flag.c.accepted_by.is_(None))
        quality = quality_of(connection.scalars(query))
        connection.execute(update(recording).where(recording.c.id == row).values(quality=quality))
