"""What persons say of recordings: subject, start, notes, clocks, and the remarks that they accept."""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select, update

from mystax.core.clock_pairing import check_policy
from mystax.engine.catalog.database import Database, utc_seconds
from mystax.engine.catalog.looking import ClockWish
from mystax.engine.catalog.query import first_moment, ids_where, select_recordings
from mystax.engine.catalog.rows import refresh_notes, subject_id, update_quality
from mystax.engine.catalog.sidecars import sidecar_of, write_sidecar
from mystax.engine.catalog.tables import camera, flag, recording, subject
from mystax.engine.catalog.upkeep import look_again
from mystax.errors import CODES, ParameterError, RecipeError, nearest
from mystax.io.clock_specs import parse_clock_spec
from mystax.io.locks import user_name

__all__ = ["accept_flags", "set_values"]

PLAIN = ("note", "project", "session", "run")
OF_SUBJECT = ("species", "sex", "birth")
OF_CAMERA = ("view", "serial")
OF_CLOCK = ("clock", "policy", "offset")
KNOWN = (
    *PLAIN,
    "subject",
    "start",
    *OF_SUBJECT,
    *(f"{name}.CAMERA" for name in (*OF_CAMERA, *OF_CLOCK)),
    "meta.NAME",
)


def accept_flags(
    database: Database,
    out: Path,
    where: str | Sequence[str],
    codes: Sequence[str],
    note: str = "",
    by: str = "",
) -> list[int]:
    """Accept remarks: they stay, and no longer lower the quality of their recordings.

    Parameters
    ----------
    database : Database
        The catalogue.
    out : Path
        The folder of outcomes.
    where : str or sequence of str
        The recordings.
    codes : sequence of str
        Codes to accept.
    note : str, optional
        Why.
    by : str, optional
        Who; by default the user of this process.

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
    for code in codes:
        if code not in CODES:
            raise RecipeError("P403", f"code {code!r}", f"there is none{nearest(code, CODES)}")
    touched: list[int] = []
    with database.write() as connection:
        for row in ids_where(connection, select_recordings(where)):
            same = (flag.c.recording_id == row) & flag.c.code.in_(codes) & flag.c.accepted_by.is_(None)
            found = connection.execute(select(flag.c.id, flag.c.detail).where(same)).all()
            for number, detail in found:
                values = {"accepted_by": by or user_name() or "unknown", "accepted_at": utc_seconds()}
                more = {"detail": {**detail, "accepted_note": note}} if note else {}
                connection.execute(update(flag).where(flag.c.id == number).values(**values, **more))
            if found:
                touched.append(row)
        update_quality(connection, touched)
        texts = [sidecar_of(connection, row) for row in touched]
    for folder, values_of in texts:
        write_sidecar(out, folder, values_of)
    return touched


def set_values(database: Database, out: Path, row: int, values: Mapping[str, str]) -> None:
    """Set what a person knows of a recording.

    Parameters
    ----------
    database : Database
        The catalogue.
    out : Path
        The folder of outcomes.
    row : int
        The recording.
    values : mapping
        ``subject``, ``project``, ``session``, ``run``, ``start``, ``note``; ``species``, ``sex``, ``birth``
        of the subject; ``view.CAMERA``, ``serial.CAMERA``; ``clock.CAMERA``, ``policy.CAMERA``,
        ``offset.CAMERA``; ``meta.NAME``.  An empty text takes a value away.

    Raises
    ------
    RecipeError
        P403, if there is no such recording, camera or name, two recordings would be one, or a date is none.
    ParameterError
        P401, if a clock, policy or offset is not understood.
    CatalogError
        Q603, Q605.
    """
    where = f"r{row}"
    with database.write() as connection:
        head = connection.execute(select(recording).where(recording.c.id == row)).mappings().first()
        if head is None:
            raise RecipeError("P403", where, "there is no such recording", hint="mystax catalog list")
        query = select(camera.c.name, camera.c.clock).where(camera.c.recording_id == row)
        clocks = {str(name): ClockWish.from_dict(clock) for name, clock in connection.execute(query)}
        before = dict(clocks)
        own: dict[str, Any] = {}
        for name, value in values.items():
            _set_one(connection, row, name, value, own, clocks)
        if own:
            _check_free(connection, row, {**head, **own})
            connection.execute(update(recording).where(recording.c.id == row).values(**own))
        refresh_notes(connection, row)
        folder, text = sidecar_of(connection, row)
    write_sidecar(out, folder, text)
    if clocks != before:
        look_again(database, out, [row], {row: clocks})


def _set_one(
    connection: Connection,
    row: int,
    name: str,
    value: str,
    own: dict[str, Any],
    clocks: dict[str, ClockWish],
) -> None:
    """Set one value, or gather it for the row of the recording."""
    base, _, rest = name.partition(".")
    if name in PLAIN:
        own[name] = value
    elif name == "subject":
        own["subject_id"] = subject_id(connection, value)
    elif name == "start":
        own["start"] = first_moment(value, f"start of r{row}") if value else None
    elif name in OF_SUBJECT:
        number = own.get("subject_id") or connection.scalar(
            select(recording.c.subject_id).where(recording.c.id == row)
        )
        if number is None:
            raise RecipeError(
                "P403", f"{name} of r{row}", "no subject is known", hint="set subject=NAME first"
            )
        if name == "birth" and value:
            first_moment(value, f"birth of the subject of r{row}")
        connection.execute(update(subject).where(subject.c.id == number).values({name: value}))
    elif base == "meta" and rest:
        found = own.get("meta", connection.scalar(select(recording.c.meta).where(recording.c.id == row)))
        kept = {key: item for key, item in dict(found or {}).items() if key != rest}
        own["meta"] = {**kept, rest: value} if value else kept
    elif base in (*OF_CAMERA, *OF_CLOCK) and rest:
        if rest not in clocks:
            raise RecipeError("P403", f"{name} of r{row}", f"no such camera{nearest(rest, clocks)}")
        if base in OF_CAMERA:
            same = (camera.c.recording_id == row) & (camera.c.name == rest)
            connection.execute(update(camera).where(same).values({base: value}))
        else:
            clocks[rest] = _clock(clocks[rest], base, value, f"{name} of r{row}")
    else:
        raise RecipeError("P403", f"r{row}", f"nothing is called {name!r}{nearest(name, KNOWN)}")


def _clock(wish: ClockWish, part: str, value: str, where: str) -> ClockWish:
    """Change one part of a clock."""
    if part == "clock":
        if value:
            parse_clock_spec(value)
        return ClockWish(value, wish.policy, wish.offset)
    if part == "policy":
        check_policy(value or None)
        return ClockWish(wish.spec, value, wish.offset)
    changed = ClockWish(wish.spec, wish.policy, value)
    try:
        Fraction(value or "0")
    except (ValueError, ZeroDivisionError) as error:
        raise ParameterError("P401", where, expected="seconds", got=repr(value)) from error
    return changed


def _check_free(connection: Connection, row: int, values: Mapping[str, Any]) -> None:
    """Refuse to make two recordings one."""
    names = ("project", "subject_id", "session", "run")
    query = select(recording.c.id).where(recording.c.id != row)
    other = connection.scalar(query.where(*(recording.c[name] == values[name] for name in names)))
    if other is not None:
        raise RecipeError(
            "P403", f"r{row}", f"r{other} has this project, subject, session and run", expected="another one"
        )
