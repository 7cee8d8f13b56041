"""Recordings whose files lie at another place now: their rows follow them, and nothing is read again."""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from sqlalchemy import Connection, update

from mystax.core.safe_names import is_there
from mystax.engine.catalog.intake import Intake
from mystax.engine.catalog.naming import FoundRecording, Identity, naming_of
from mystax.engine.catalog.rows import KnownVideo, identity_values
from mystax.engine.catalog.sidecars import sidecar_of, write_sidecar
from mystax.engine.catalog.tables import recording, side_file, video
from mystax.io.fingerprint import quick_id

__all__ = ["follow_move"]


def follow_move(intake: Intake, one: FoundRecording) -> bool:
    """Follow files that lie at another place now; tell whether that was all."""
    pairs: list[tuple[KnownVideo, str]] = []
    for name, paths in one.cameras.items():
        for position, path in enumerate(paths):
            known, listed = intake.known.at(intake.place(path)), intake.listed[path]
            if known is None:
                known = _gone(intake, path, name, position)
            elif (known.size, known.mtime_ns) != (listed.size, listed.mtime_ns):
                return False
            if known is None:
                return False
            pairs.append((known, path))
    rows = {known.recording_id for known, _ in pairs}
    row = next(iter(rows))
    if len(rows) > 1 or len(intake.known.of_recording[row]) != len(pairs):
        return False
    moved = [(known, path) for known, path in pairs if (known.root, known.path) != intake.place(path)]
    if not moved:
        return False
    who = _named_now(intake, row, one, moved[0][0])
    if intake.known.identities.get(who, row) != row:
        return False
    _write_move(intake, row, who, moved)
    return True


def _gone(intake: Intake, path: str, name: str, position: int) -> KnownVideo | None:
    """Return what is known of the content of a file, if it is not at its place any more."""
    try:
        mark = quick_id(intake.folder / path)
    except OSError:
        return None  # looking at it will say why it cannot be read
    return intake.known.gone(mark, name, position)


def _named_now(intake: Intake, row: int, one: FoundRecording, known: KnownVideo) -> Identity:
    """Return the identity of a recording that moved: of the new names, save for what a person set."""
    before = next(who for who, number in intake.known.identities.items() if number == row)
    said = _readings(intake, known)
    kept = {
        name: getattr(before, name)
        for name in Identity.__dataclass_fields__
        if getattr(before, name) not in {getattr(who, name) for who in said}
    }
    who = replace(one.identity, **kept)
    is_taken = intake.known.identities.get(who, row) != row
    return before if kept and is_taken else who


def _readings(intake: Intake, known: KnownVideo) -> list[Identity]:
    """Return what the old path of a file said, for every folder that may have been taken in then."""
    naming = naming_of(intake.wish.pattern)
    root = intake.known.roots.path_of(known.root)
    *folders, name = known.path.split("/")
    tops = [(known.root, 0), *((folder, number) for number, folder in enumerate(folders, 1))]
    tops += [] if root is None else [(root.name, 0)]
    found = [naming.match("/".join([*folders[depth:], name]), project) for project, depth in tops]
    return [matched.identity for matched in found if matched is not None]


def _write_move(intake: Intake, row: int, who: Identity, moved: Sequence[tuple[KnownVideo, str]]) -> None:
    """Write new places, and the identity that goes with them."""
    known, path = moved[0]
    before = intake.known.roots.path_of(known.root)
    shift = None if before is None else ((before / known.path).parent, (intake.folder / path).parent)
    with intake.database.write() as connection:
        if shift is not None:
            _move_side_files(connection, intake, row, *shift)
        for known, path in moved:
            place, listed = intake.place(path), intake.listed[path]
            values = {"root": place[0], "path": place[1], "mtime_ns": listed.mtime_ns}
            connection.execute(update(video).where(video.c.id == known.id).values(**values))
            intake.known.by_place[place] = replace(
                known, root=place[0], path=place[1], mtime_ns=listed.mtime_ns
            )
            intake.found.moves.append((f"{known.root}/{known.path}", f"{place[0]}/{place[1]}"))
        values = identity_values(connection, who)
        connection.execute(update(recording).where(recording.c.id == row).values(**values))
        write_sidecar(intake.out, *sidecar_of(connection, row))
    intake.known.identities = {one: n for one, n in intake.known.identities.items() if n != row} | {who: row}
    intake.found.moved += len(moved)
    intake.found.ids.append(row)


def _move_side_files(connection: Connection, intake: Intake, row: int, old: Path, new: Path) -> None:
    """Follow clocks, neural data and calibrations that have moved together with the videos."""
    for one in intake.known.side_files.get(row, ()):
        above = intake.known.roots.path_of(one["root"])
        if above is None or _is_there(above / one["path"]):
            continue
        place = Path(os.path.normpath(new / os.path.relpath(above / one["path"], old)))
        located = intake.known.roots.locate(place)
        if located is not None and _is_there(place):
            same = side_file.c.id == one["id"]
            connection.execute(update(side_file).where(same).values(root=located[0], path=located[1]))


def _is_there(place: Path) -> bool:
    return is_there(place) or is_there(place, folder=True)
