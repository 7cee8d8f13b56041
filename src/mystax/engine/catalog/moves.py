"""Recordings whose files lie at another place now: their rows follow them, and nothing is read again."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy import Connection, update

from mystax.core.safe_names import is_there
from mystax.engine.catalog.intake import Intake
from mystax.engine.catalog.naming import FoundRecording, Identity, naming_of
from mystax.engine.catalog.rows import KnownVideo, identity_values
from mystax.engine.catalog.side_files import state_of
from mystax.engine.catalog.sidecars import sidecar_of, write_sidecar
from mystax.engine.catalog.tables import recording, side_file, video
from mystax.io.fingerprint import quick_id

__all__ = ["follow_moves", "successor_mark"]

ASIDE = ".mystax-moving-"
"""Stands for the path or run of what is between two places, within one transaction."""


@dataclass(frozen=True, slots=True)
class _Move:
    """A recording that lies at another place: its row and names, the files that moved and their new paths."""

    row: int
    found: Identity
    who: Identity
    files: Sequence[tuple[KnownVideo, str]]


def follow_moves(intake: Intake, recordings: Iterable[FoundRecording]) -> set[Identity]:
    """Follow recordings whose files lie at another place now, also where they took each other's places.

    Parameters
    ----------
    intake : Intake
        The folder that is taken in.
    recordings : iterable of FoundRecording
        What is new or changed.

    Returns
    -------
    set of Identity
        What the names of those say of which nothing more is to be read.
    """
    moves: dict[int, _Move] = {}
    for one in recordings:
        move = _move_of(intake, one)
        if move is not None:
            moves.setdefault(move.row, move)
    while blocked := [row for row, move in moves.items() if _is_blocked(intake, move, moves)]:
        moves = {row: move for row, move in moves.items() if row not in blocked}
    found = {move.found for move in moves.values()}
    while moves:
        # One after the other, from the end of a chain; what goes round in a circle moves at once.
        free = [move for move in moves.values() if not _is_blocked(intake, move, {})]
        for group in [[move] for move in free] or [list(moves.values())]:
            _write_moves(intake, group)
            moves = {row: move for row, move in moves.items() if move not in group}
    return found


def successor_mark(intake: Intake, known: KnownVideo) -> str:
    """Return the fingerprint of another file that lies at the place of a known one; "" if none does."""
    if known.root != intake.root or not known.path.startswith(intake.prefix):
        return ""
    path = known.path.removeprefix(intake.prefix)
    listed = intake.listed.get(path)
    if listed is None or (known.size, known.mtime_ns) == (listed.size, listed.mtime_ns):
        return ""
    mark = _mark_of(intake, path)
    return mark if mark != known.quick_id else ""


def _mark_of(intake: Intake, path: str) -> str:
    """Return the fingerprint of a file; "" where looking at it will say why it cannot be read."""
    if path not in intake.marks:
        try:
            intake.marks[path] = quick_id(intake.folder / path)
        except OSError:
            intake.marks[path] = ""
    return intake.marks[path]


def _move_of(intake: Intake, one: FoundRecording) -> _Move | None:
    """Return the move of a recording; None if something of it is new or changed, or it is where it was."""
    pairs: list[tuple[KnownVideo, str]] = []
    for name, paths in one.cameras.items():
        for position, path in enumerate(paths):
            known, listed = intake.known.at(intake.place(path)), intake.listed[path]
            if known is None or (known.size, known.mtime_ns) != (listed.size, listed.mtime_ns):
                known = _gone(intake, path, name, position)
            if known is None:
                return None
            pairs.append((known, path))
    rows = {known.recording_id for known, _ in pairs}
    row = next(iter(rows))
    moved = [(known, path) for known, path in pairs if (known.root, known.path) != intake.place(path)]
    if not moved or len(rows) > 1 or len(intake.known.of_recording[row]) != len(pairs):
        return None
    return _Move(row, one.identity, _named_now(intake, row, one, moved[0][0]), moved)


def _gone(intake: Intake, path: str, name: str, position: int) -> KnownVideo | None:
    """Return what is known of the content of a file, if it is not at its place any more.

    It is not, either, where another known file took its place; a new one there is a change of the file.
    """
    for known in intake.known.by_mark.get(_mark_of(intake, path), ()):
        root = intake.known.roots.path_of(known.root)
        if root is None or (known.camera, known.position) != (name, position):
            continue
        if not is_there(root / known.path) or successor_mark(intake, known) in intake.known.by_mark:
            return known
    return None


def _is_blocked(intake: Intake, move: _Move, moves: Mapping[int, _Move]) -> bool:
    """Tell whether another recording keeps the names or a place that a move needs."""
    owner = intake.known.identities.get(move.who, move.row)
    if owner != move.row and (owner not in moves or moves[owner].who == move.who):
        return True
    if any(other.who == move.who for row, other in moves.items() if row != move.row):
        return True
    there = (intake.known.at(intake.place(path)) for _, path in move.files)
    return any(one is not None and one.recording_id not in (move.row, *moves) for one in there)


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


def _write_moves(intake: Intake, moves: Sequence[_Move]) -> None:
    """Write new places, and the identities that go with them."""
    with intake.database.write() as connection:
        for move in moves:
            known, path = move.files[0]
            before = intake.known.roots.path_of(known.root)
            if before is not None:
                old, new = (before / known.path).parent, (intake.folder / path).parent
                _move_side_files(connection, intake, move.row, old, new)
            # Places and names are unique: all are left before one of them is taken.
            same = recording.c.id == move.row
            connection.execute(update(recording).where(same).values(run=f"{ASIDE}{move.row}"))
            for known, _ in move.files:
                aside = f"{ASIDE}{known.id}"
                connection.execute(update(video).where(video.c.id == known.id).values(path=aside))
        for move in moves:
            for known, path in move.files:
                place = dict(zip(("root", "path"), intake.place(path), strict=True))
                values = {**place, "mtime_ns": intake.listed[path].mtime_ns}
                connection.execute(update(video).where(video.c.id == known.id).values(**values))
            values = identity_values(connection, move.who)
            connection.execute(update(recording).where(recording.c.id == move.row).values(**values))
        for move in moves:
            write_sidecar(intake.out, *sidecar_of(connection, move.row))
    files = [(known, path) for move in moves for known, path in move.files]
    intake.known.follow(
        [(known, intake.place(path), intake.listed[path].mtime_ns) for known, path in files],
        {move.row: move.who for move in moves},
    )
    for known, path in files:
        intake.found.moves.append((f"{known.root}/{known.path}", "/".join(intake.place(path))))
    intake.found.moved += len(files)
    intake.found.ids += [move.row for move in moves]


def _move_side_files(connection: Connection, intake: Intake, row: int, old: Path, new: Path) -> None:
    """Follow clocks, neural data and calibrations that have moved together with the videos."""
    for one in intake.known.side_files.get(row, ()):
        above = intake.known.roots.path_of(one["root"])
        if above is None:
            continue
        was = one["size"], one["mtime_ns"]
        state = _state_of(above / one["path"])
        place = Path(os.path.normpath(new / os.path.relpath(above / one["path"], old)))
        located = intake.known.roots.locate(place)
        if located is None or state == was or _state_of(place) is None:
            continue
        if state is None or _state_of(place) == was:
            same = side_file.c.id == one["id"]
            connection.execute(update(side_file).where(same).values(root=located[0], path=located[1]))


def _state_of(place: Path) -> tuple[int, int] | None:
    try:
        return state_of(place)
    except OSError:
        return None
