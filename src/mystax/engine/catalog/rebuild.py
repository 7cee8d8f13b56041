"""The catalogue made again from what lies in its folder of outcomes."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from mystax.core.events import Event, Report, silent
from mystax.core.safe_names import is_there
from mystax.engine.catalog.database import Database
from mystax.engine.catalog.flags import Remark
from mystax.engine.catalog.looking import CameraFacts, ClockWish, VideoFacts, look_at_recording
from mystax.engine.catalog.models import GROUPS, record_fit
from mystax.engine.catalog.naming import Identity
from mystax.engine.catalog.outcomes import OutcomeFacts, outcome_facts, recipe_row, record_outcome
from mystax.engine.catalog.planning_fits import owner_of
from mystax.engine.catalog.rows import NewRecording, NewSideFile, update_quality, write_recording
from mystax.engine.catalog.schema import create_schema
from mystax.engine.catalog.sidecars import read_sidecars, sidecar_of, write_sidecar
from mystax.engine.catalog.tables import camera, flag, outcome, recording, root, subject, video
from mystax.engine.doctor_outcomes import outcome_folders
from mystax.engine.recipe import read_recipe
from mystax.engine.roots import Roots
from mystax.errors import MystaxError, RecipeError
from mystax.io.fingerprint import quick_id
from mystax.io.outcomes import outcome_paths
from mystax.io.provenance import files_of_cameras, frames_inputs

__all__ = ["RebuildReport", "rebuild"]

OF_PERSONS = ("species", "sex", "birth", "meta")


@dataclass
class RebuildReport:
    """What was found again.

    Attributes
    ----------
    recordings, outcomes, superseded, missing : int
        Rows that were written or are as they were; outcomes whose file is gone.
    problems : list of MystaxError
        Files that could not be read.
    """

    recordings: int = 0
    outcomes: int = 0
    superseded: int = 0
    missing: int = 0
    problems: list[MystaxError] = field(default_factory=list)

    def as_dict(self) -> dict[str, int]:
        """Return the JSON object of the report."""
        names = ("recordings", "outcomes", "superseded", "missing")
        return {name: getattr(self, name) for name in names}


def rebuild(database: Database, out: Path, configured_out: str, *, report: Report = silent) -> RebuildReport:
    """Make rows from the texts of recordings and the outcomes in a folder; what is there already stays.

    Parameters
    ----------
    database : Database
        The catalogue; its tables are made if there are none.
    out : Path
        The folder of outcomes.
    configured_out : str
        The folder as it stands in the file of the catalogue.
    report : callable, optional
        Takes events.

    Returns
    -------
    RebuildReport
        What was found.

    Raises
    ------
    CatalogError
        Q603, Q605.
    """
    if not database.schema():
        create_schema(database, configured_out)
    database.check_schema()
    found = RebuildReport()
    texts = sorted(read_sidecars(out), key=lambda one: one[1].get("folder", one[0]) != one[0])
    copies = set[str]()
    for folder, values in texts:  # those at another place than their own come last
        try:
            with database.write() as connection:
                _restore(connection, out, folder, values)
        except RecipeError as error:
            found.problems.append(error)
            copies.add(folder)
            continue
        found.recordings += 1
        report(Event("progress", "rebuild", found.recordings, text=folder, data={"unit": "recordings"}))
    for place in outcome_folders(out):
        if place.relative_to(out).parent.as_posix() in copies:
            continue
        _take_folder(database, out, place, found)
        report(Event("progress", "rebuild", found.outcomes, text=place.name, data={"unit": "outcomes"}))
    with database.write() as connection:
        found.missing = _mark_missing(connection, out)
    return found


# ------------------------------------------------------------------ recordings


def _restore(connection: Connection, out: Path, folder: str, values: Mapping[str, Any]) -> None:
    """Make the rows of a recording from its text, unless it has some.

    Raises
    ------
    RecipeError
        P403, if another folder has that recording already.
    """
    if connection.scalar(select(recording.c.id).where(recording.c.folder == folder)) is not None:
        return
    of_subject = values.get("subject") or {}
    who = Identity(
        str(values.get("project", "")),
        str(of_subject.get("name", "")),
        str(values.get("session", "")),
        str(values.get("run", "")),
    )
    _check_single(connection, who, folder)
    _restore_roots(connection, values.get("roots", []))
    roots = Roots.of_rows([tuple(row) for row in connection.execute(select(root))])
    cameras = values["cameras"]
    files, places = _files(roots, cameras)
    wishes = {one["name"]: ClockWish.from_dict(one.get("clock") or {}) for one in cameras}
    facts, remarks = _facts(cameras, files, wishes, folder)
    new = NewRecording(
        who,
        folder,
        facts,
        places,
        remarks,
        values.get("start"),
        values.get("meta") or {},
        {name: wish.as_dict() for name, wish in wishes.items()},
        [
            NewSideFile(
                *(one[name] for name in ("role", "root", "path", "size", "mtime_ns", "camera", "spec"))
            )
            for one in values.get("side_files", [])
        ],
        note=str(values.get("note", "")),
    )
    row = write_recording(connection, new)
    _restore_details(connection, row, cameras, of_subject)
    _restore_accepted(connection, row, values.get("accepted", []))
    update_quality(connection, [row])
    write_sidecar(out, *sidecar_of(connection, row))


def _check_single(connection: Connection, who: Identity, folder: str) -> None:
    """Refuse a second folder of one recording: a copy, which somebody keeps among the outcomes."""
    query = (
        select(recording.c.folder)
        .join(subject, isouter=True)
        .where(
            recording.c.project == who.project,
            recording.c.session == who.session,
            recording.c.run == who.run,
            func.coalesce(subject.c.name, "") == who.subject,
        )
    )
    other = connection.scalar(query)
    if other is not None:
        raise _twice(folder, str(other))


def _twice(folder: str, other: str) -> RecipeError:
    return RecipeError(
        "P403",
        folder,
        "it is of a recording that another folder has",
        expected="one folder of outcomes for each recording",
        got=other,
        hint="a copy is kept at another place than the folder of outcomes",
    )


def _restore_roots(connection: Connection, rows: Sequence[Sequence[str]]) -> None:
    known = {(name, host) for name, host, _ in connection.execute(select(root))}
    for name, host, path in rows:
        if (name, host) not in known:
            connection.execute(insert(root).values(name=name, host=host, path=path))


def _files(
    roots: Roots, cameras: Sequence[Mapping[str, Any]]
) -> tuple[dict[str, list[Path]], dict[str, tuple[str, str]]]:
    """Return the files of cameras on this host, and where each is."""
    files: dict[str, list[Path]] = {}
    places: dict[str, tuple[str, str]] = {}
    for one in cameras:
        for file in one["videos"]:
            folder = roots.path_of(file["root"]) or Path("/", file["root"])
            path = folder / file["path"]
            files.setdefault(one["name"], []).append(path)
            places[str(path)] = (file["root"], file["path"])
    return files, places


def _facts(
    cameras: Sequence[Mapping[str, Any]],
    files: Mapping[str, Sequence[Path]],
    wishes: Mapping[str, ClockWish],
    where: str,
) -> tuple[list[CameraFacts], list[Remark]]:
    """Look at files that are there and as they were; else believe the text."""
    stored = {one["name"]: one["videos"] for one in cameras}
    same = all(
        is_there(path) and quick_id(path) == file["quick_id"]
        for name, paths in files.items()
        for path, file in zip(paths, stored[name], strict=True)
    )
    if same and files:
        return look_at_recording(files, wishes, where)
    found = []
    for one in cameras:
        clock = one.get("clock") or {}
        videos = tuple(
            VideoFacts(path, int(file["size"] or 0), int(file["mtime_ns"] or 0), str(file["quick_id"]))
            for path, file in zip(files.get(one["name"], ()), one["videos"], strict=True)
        )
        mark, n_frames = str(clock.get("id") or ""), int(clock.get("n_frames") or 0)
        found.append(CameraFacts(one["name"], videos, mark, n_frames))
    return found, []


def _restore_details(
    connection: Connection, row: int, cameras: Sequence[Mapping[str, Any]], of_subject: Mapping[str, Any]
) -> None:
    """Write what persons said of subject and cameras, and what nobody could look at again."""
    if of_subject.get("name"):
        values = {name: of_subject[name] for name in OF_PERSONS if of_subject.get(name)}
        if values:
            chosen = subject.c.name == of_subject["name"]
            connection.execute(update(subject).where(chosen).values(**values))
    for one in cameras:
        chosen = (camera.c.recording_id == row) & (camera.c.name == one["name"])
        values = {name: str(one.get(name) or "") for name in ("view", "serial")}
        connection.execute(update(camera).where(chosen).values(**values))
        for file in one["videos"]:
            same = (video.c.root == file["root"]) & (video.c.path == file["path"]) & video.c.width.is_(None)
            values = {name: file.get(name) for name in ("width", "height", "bits", "n_frames")}
            connection.execute(update(video).where(same).values(**values))


def _restore_accepted(connection: Connection, row: int, accepted: Sequence[Mapping[str, Any]]) -> None:
    """Say again which remarks a person accepted."""
    query = (
        select(flag.c.id, flag.c.code, flag.c.detail, camera.c.name)
        .join(camera, flag.c.camera_id == camera.c.id, isouter=True)
        .where(flag.c.recording_id == row)
    )
    rows = {
        (one.code, one.name or "", str(one.detail.get("text", ""))): one.id
        for one in connection.execute(query)
    }
    for one in accepted:
        number = rows.get((one.get("code", ""), one.get("camera", ""), one.get("text", "")))
        if number is not None:
            values = {"accepted_by": one.get("by"), "accepted_at": one.get("at")}
            connection.execute(update(flag).where(flag.c.id == number).values(**values))


# ------------------------------------------------------------------ outcomes


def _take_folder(database: Database, out: Path, folder: Path, found: RebuildReport) -> None:
    """Make the rows of the outcomes in one folder."""
    below = folder.relative_to(out)
    old = sorted((folder / ".mystax" / "old").glob("*.nc"))
    with database.write() as connection:
        recipe_id = _recipe_of(connection, folder)
        for path in (*outcome_paths(folder), *old):
            try:
                facts = outcome_facts(out, path, summary=path not in old)
            except MystaxError as error:
                found.problems.append(error)
                connection.execute(
                    update(outcome)
                    .where(outcome.c.path == path.relative_to(out).as_posix())
                    .values(state="damaged")
                )
                continue
            try:
                row = _recording_of(connection, below, facts.attributes)
            except RecipeError as error:
                found.problems.append(error)
                return
            number = record_outcome(connection, facts, recording_id=row, recipe_id=recipe_id)
            if path in old:
                connection.execute(update(outcome).where(outcome.c.id == number).values(state="superseded"))
                connection.execute(flag.delete().where(flag.c.outcome_id == number))
                found.superseded += 1
            else:
                found.outcomes += 1
                _restore_fit(connection, out, below, facts)


def _restore_fit(connection: Connection, out: Path, below: Path, facts: OutcomeFacts) -> None:
    """Make the row of a fit of states; one that was put under another's model is none."""
    inputs = json.loads(str(facts.attributes.get("inputs", "[]")))
    if facts.values["analysis"] == "states" and not any(item.get("role") == "model" for item in inputs):
        folder = Path(*below.parts[:3]) if below.parts[:1] == (GROUPS,) else below
        record_fit(connection, out, folder.as_posix(), facts.path)


def _recipe_of(connection: Connection, folder: Path) -> int | None:
    """Return the row of the recipe that lies in a folder of outcomes; None if none is understood."""
    path = folder / "recipe.toml"
    if not is_there(path):
        return None
    try:
        return recipe_row(connection, read_recipe(path))
    except MystaxError:
        return None  # of a plug-in that is not installed, or of another version


def _recording_of(connection: Connection, below: Path, attributes: Mapping[str, Any]) -> int | None:
    """Return the recording of a folder; one that has no text is made from what the outcome says.

    Raises
    ------
    RecipeError
        P403, if its videos are those of a recording that has another folder.
    """
    folder = below.parent.as_posix()
    if below.parts[:1] == (GROUPS,):
        known = connection.execute(select(recording.c.folder, recording.c.id))
        return owner_of(str(attributes.get("recording", "")), {str(name): int(row) for name, row in known})
    if folder in (".", ""):
        return None
    found = connection.scalar(select(recording.c.id).where(recording.c.folder == folder))
    if found is not None:
        return int(found)
    files = files_of_cameras(attributes)
    if not files:
        return None
    paths = [Path(file) for many in files.values() for file in many]
    rows = [tuple(row) for row in connection.execute(select(root))]
    roots = Roots.of_rows(rows)
    if any(roots.locate(path) is None for path in paths):
        above = paths[0].parent
        while not all(path.is_relative_to(above) for path in paths):
            above = above.parent
        name, count = above.name or "root", 2
        while name in roots.names:
            name, count = f"{above.name}-{count}", count + 1
        connection.execute(insert(root).values(name=name, host="*", path=str(above)))
        roots = Roots((*roots.rows, (name, "*", str(above))), roots.host)
    ids = frames_inputs(attributes)
    cameras = []
    places: dict[str, tuple[str, str]] = {}
    for name, many in files.items():
        marks = [mark for mark in ids.get(name, ids.get("", [])) if "=" not in mark]
        marks += [""] * (len(many) - len(marks))
        videos = []
        for file, mark in zip(many, marks, strict=False):
            located = roots.locate(Path(file))
            if located is None:
                continue
            places[file] = located
            _check_free(connection, located, folder)
            size = int(mark.partition("-")[0] or 0)
            videos.append(
                {"root": located[0], "path": located[1], "size": size, "mtime_ns": 0, "quick_id": mark}
            )
        cameras.append({"name": name, "videos": videos})
    on_host = {name: [Path(file) for file in many] for name, many in files.items()}
    facts, remarks = _facts(cameras, on_host, {}, folder)
    return write_recording(connection, NewRecording(Identity(session=folder), folder, facts, places, remarks))


def _check_free(connection: Connection, place: tuple[str, str], folder: str) -> None:
    """Refuse to take a video from the recording that has it."""
    query = (
        select(recording.c.folder)
        .join(camera, camera.c.recording_id == recording.c.id)
        .join(video, video.c.camera_id == camera.c.id)
        .where(video.c.root == place[0], video.c.path == place[1])
    )
    other = connection.scalar(query)
    if other is not None:
        raise _twice(folder, str(other))


def _mark_missing(connection: Connection, out: Path) -> int:
    """Say which outcomes have no file any more."""
    query = select(outcome.c.id, outcome.c.path).where(outcome.c.state.in_(("current", "superseded")))
    gone = [number for number, path in connection.execute(query) if not is_there(out / path)]
    for number in gone:
        connection.execute(update(outcome).where(outcome.c.id == number).values(state="missing"))
    return len(gone)
