"""Rows of outcomes: what the catalogue says about a published file, taken from the file itself."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from mystax.core.canonical import key12
from mystax.engine.catalog.database import utc_seconds
from mystax.engine.catalog.flags import severity_of
from mystax.engine.catalog.tables import flag, outcome

__all__ = ["outcome_values", "write_outcomes"]


def outcome_values(path: Path, below: str) -> dict[str, Any]:
    """Read what a file of an outcome says about itself.

    Parameters
    ----------
    path : Path
        The file.
    below : str
        Its path relative to the folder of outcomes, with ``/``.

    Returns
    -------
    dict
        Columns of its row, without those that point to other rows.

    Raises
    ------
    DamagedError, FormatError, StoreError
        S502, F804, S505, if it cannot be read.
    """
    from mystax.io.outcome_files import read_head
    from mystax.io.outcomes import read_sum, sum_of

    head = read_head(path)
    noted = read_sum(sum_of(path))
    attributes = head.attributes
    return {
        "analysis": head.analysis or path.stem,
        "version": int(str(attributes.get("analysis_version", 0))),
        "key": head.key,
        "path": below,
        "bytes": path.stat().st_size,
        "sha256": noted.digest if noted is not None and noted.key == head.key else "",
        "content_sha256": head.content,
        "coverage": float(str(attributes.get("coverage", "nan"))),
        "quality": json.loads(str(attributes.get("quality") or "[]")),
        "summary": _summary(attributes),
        "state": "current",
    }


def _summary(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the small facts that lists show: frames, cameras, how long it took."""
    names = ("run_n_decoded", "run_duration", "run_host")
    return {name.removeprefix("run_"): attributes[name] for name in names if name in attributes}


def write_outcomes(
    connection: Connection, rows: Iterable[Mapping[str, Any]], links: Mapping[str, Any]
) -> list[int]:
    """Write rows of outcomes; one whose place another took becomes superseded.

    Parameters
    ----------
    connection : Connection
        A connection that writes.
    rows : iterable of mapping
        As `outcome_values` gives them.
    links : mapping
        `job_id`, `recording_id`, `recipe_id`.

    Returns
    -------
    list of int
        The rows.
    """
    return [_write_one(connection, row, links) for row in rows]


def _write_one(connection: Connection, row: Mapping[str, Any], links: Mapping[str, Any]) -> int:
    known = connection.execute(
        select(outcome.c.id, outcome.c.key).where(outcome.c.path == row["path"])
    ).one_or_none()
    if known is not None and known.key != row["key"]:
        connection.execute(
            update(outcome)
            .where(outcome.c.id == known.id)
            .values(path=_old_place(connection, str(row["path"]), str(known.key)), state="superseded")
        )
        known = None
    if known is not None:
        connection.execute(update(outcome).where(outcome.c.id == known.id).values(**row, **links))
        outcome_id = int(known.id)
    else:
        outcome_id = int(
            connection.execute(
                insert(outcome).values(**row, **links, created=utc_seconds()).returning(outcome.c.id)
            ).scalar_one()
        )
    _write_flags(connection, outcome_id, links.get("recording_id"), row["quality"])
    return outcome_id


def _old_place(connection: Connection, path: str, key: str) -> str:
    """Return the place that the store gives to a superseded outcome; each place has one row."""
    folder, _, name = path.rpartition("/")
    stem = name.removesuffix(".nc")
    place = f"{folder}/.mystax/old/{stem}.{key12(key) or 'unknown'}.nc"
    connection.execute(delete(outcome).where(outcome.c.path == place))
    return place


def _write_flags(
    connection: Connection, outcome_id: int, recording_id: int | None, quality: Sequence[Mapping[str, Any]]
) -> None:
    """Write the flags of an outcome anew; those that a person accepted stay accepted."""
    accepted = {
        str(row.code): (row.accepted_by, row.accepted_at)
        for row in connection.execute(
            select(flag.c.code, flag.c.accepted_by, flag.c.accepted_at).where(
                flag.c.outcome_id == outcome_id, flag.c.accepted_by.is_not(None)
            )
        )
    }
    connection.execute(delete(flag).where(flag.c.outcome_id == outcome_id))
    for item in quality:
        code = str(item["code"])
        by, at = accepted.get(code, (None, None))
        connection.execute(
            insert(flag).values(
                recording_id=recording_id,
                outcome_id=outcome_id,
                code=code,
                severity=severity_of(code),
                detail=dict(item),
                created=utc_seconds(),
                accepted_by=by,
                accepted_at=at,
            )
        )
