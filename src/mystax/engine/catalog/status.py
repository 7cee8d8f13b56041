"""What people ask of the queue: counts, what runs, when it will be done, what went wrong, the log."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, exists, func, or_, select, true

from mystax.engine.catalog.database import Database, utc_seconds
from mystax.engine.catalog.tables import attempt, driver, job, job_need, recipe, recording
from mystax.engine.queue.eta import LAST, Backlog, Eta, estimate_end
from mystax.errors import RecipeError, error_from_record

__all__ = ["job_errors", "job_list", "job_log", "queue_status"]

STATES = ("waiting", "queued", "running", "done", "failed", "cancelled")
LONGEST_LIST = 1000
TAIL = 40
"""Lines of a log that are shown."""

needed = job.alias("needed")
IS_BLOCKED: ColumnElement[bool] = and_(
    job.c.state == "waiting",
    exists(
        select(job_need.c.job_id)
        .join(needed, needed.c.id == job_need.c.needs_id)
        .where(job_need.c.job_id == job.c.id, needed.c.state.in_(["failed", "cancelled"]))
    ),
)
"""Whether a job waits for one that has failed or was cancelled."""


def queue_status(database: Database, where: ColumnElement[bool] | None = None) -> dict[str, Any]:
    """Return how the queue stands.

    Parameters
    ----------
    database : Database
        The catalogue.
    where : expression, optional
        Condition on `job`.

    Returns
    -------
    dict
        ``counts`` by state, ``blocked``, ``held`` with reasons, ``running``, ``drivers``, ``eta`` in seconds
        with the range from the slower to the faster jobs, None while nothing has shown a speed.
    """
    condition = true() if where is None else where
    with database.read() as connection:
        rows = connection.execute(
            select(job.c.state, func.count()).where(condition).group_by(job.c.state)
        ).all()
        counts = dict.fromkeys(STATES, 0) | {str(state): int(n) for state, n in rows}
        now = float(connection.scalar(select(utc_seconds())) or 0.0)
        eta = _eta(connection, condition, now)
        return {
            "counts": counts,
            "blocked": int(
                connection.scalar(select(func.count()).select_from(job).where(condition, IS_BLOCKED)) or 0
            ),
            "held": _held(connection, condition),
            "running": _running(connection, condition, now),
            "drivers": _drivers(connection, now),
            "eta": None if eta is None else eta.as_dict(),
        }


def _held(connection: Connection, condition: ColumnElement[bool]) -> dict[str, int]:
    """Return the reasons for which queued jobs wait, with their number."""
    rows = connection.execute(
        select(job.c.reason, func.count())
        .where(condition, job.c.state == "queued", job.c.not_before > utc_seconds())
        .group_by(job.c.reason)
    ).all()
    return {str(reason): int(n) for reason, n in rows}


def _running(connection: Connection, condition: ColumnElement[bool], now: float) -> list[dict[str, Any]]:
    rows = connection.execute(
        select(
            job.c.id,
            recording.c.folder,
            recipe.c.name,
            job.c.done,
            job.c.total,
            job.c.rate,
            job.c.attempt,
            job.c.started,
            job.c.beat_at,
            job.c.cancel_requested,
            driver.c.host,
            job.c.targets,
        )
        .outerjoin(recording, recording.c.id == job.c.recording_id)
        .outerjoin(recipe, recipe.c.id == job.c.recipe_id)
        .outerjoin(driver, driver.c.id == job.c.driver_id)
        .where(condition, job.c.state == "running")
        .order_by(job.c.id)
    ).all()
    return [
        {
            "job": f"j{row.id}",
            "recording": _whose(row),
            "recipe": row.name,
            "share": row.done / row.total if row.total else None,
            "rate": row.rate,
            "attempt": row.attempt,
            "seconds": now - row.started if row.started else None,
            "beat_age": now - row.beat_at if row.beat_at else None,
            "cancelling": bool(row.cancel_requested),
            "host": row.host or "",
        }
        for row in rows
    ]


def _whose(row: Any) -> str | None:
    """Return the recording of a job; of one for many, the folder of its outcomes."""
    folder = row.folder or (row.targets or {}).get("folder")
    return None if folder is None else str(folder)


def _drivers(connection: Connection, now: float) -> list[dict[str, Any]]:
    rows = connection.execute(
        select(driver.c.host, driver.c.pid, driver.c.engine, driver.c.user, driver.c.seen)
        .where(driver.c.ended.is_(None), driver.c.seen > now - 3600)
        .order_by(driver.c.started)
    ).all()
    return [
        {
            "host": row.host,
            "pid": row.pid,
            "engine": row.engine,
            "user": row.user,
            "seen_age": now - (row.seen or now),
        }
        for row in rows
    ]


def _eta(connection: Connection, condition: ColumnElement[bool], now: float) -> Eta | None:
    """Estimate the end of all jobs that can still run."""
    is_open = and_(condition, job.c.state.in_(["waiting", "queued", "running"]), ~IS_BLOCKED)
    rows = connection.execute(
        select(
            job.c.kind,
            job.c.recipe_id,
            func.sum(job.c.total - job.c.done),
            func.max(job.c.total - job.c.done),
        )
        .where(is_open)
        .group_by(job.c.kind, job.c.recipe_id)
    ).all()
    running = connection.execute(
        select(job.c.kind, job.c.recipe_id, job.c.done, job.c.total, job.c.started).where(
            condition, job.c.state == "running"
        )
    ).all()
    backlogs = {}
    for kind, recipe_id, left, longest in rows:
        own = [
            (item.done / item.total, float(item.done), now - (item.started or now))
            for item in running
            if (item.kind, item.recipe_id) == (kind, recipe_id) and item.total
        ]
        speeds = _speeds(connection, kind, recipe_id)
        backlogs[f"{kind} {recipe_id}"] = Backlog(float(left), speeds, own, float(longest))
    return estimate_end(backlogs, max(1, len(running)))


def _speeds(connection: Connection, kind: str, recipe_id: int | None) -> list[float]:
    """Return the speeds of the last attempts of a kind that went through without a break."""
    rows = connection.execute(
        select(job.c.total, attempt.c.ended - attempt.c.started)
        .join(job, job.c.id == attempt.c.job_id)
        .where(
            attempt.c.ending == "done",
            job.c.kind == kind,
            job.c.recipe_id.is_(None) if recipe_id is None else job.c.recipe_id == recipe_id,
            func.coalesce(attempt.c.frame_from, 0) == 0,
        )
        .order_by(attempt.c.ended.desc())
        .limit(LAST)
    ).all()
    return [float(total) / float(seconds) for total, seconds in rows if seconds and seconds > 0]


def job_errors(database: Database, where: ColumnElement[bool] | None = None) -> list[dict[str, Any]]:
    """Return the errors of failed jobs and of those that are tried again, grouped by code.

    Returns
    -------
    list of dict
        ``code``, ``class``, ``count``, ``jobs`` (up to 20), an example with ``where``, ``got``, ``hint`` and
        ``text``; the most frequent first.
    """
    condition = true() if where is None else where
    has_error = or_(job.c.state == "failed", job.c.error["code"].as_string().is_not(None))
    with database.read() as connection:
        rows = connection.execute(
            select(job.c.id, job.c.state, job.c.error, job.c.targets, recording.c.folder)
            .outerjoin(recording, recording.c.id == job.c.recording_id)
            .where(condition, has_error, job.c.state != "done")
            .order_by(job.c.id)
        ).all()
    groups: dict[tuple[str, str], dict[str, Any]] = {}
    for row in rows:
        error: Mapping[str, str] = row.error or {}
        key = (error.get("code", ""), error.get("class", ""))
        group = groups.setdefault(
            key,
            {
                "code": key[0],
                "class": key[1],
                "count": 0,
                "failed": 0,
                "jobs": [],
                "recording": _whose(row),
                "where": error.get("where", ""),
                "expected": error.get("expected", ""),
                "got": error.get("got", "") or error.get("what", ""),
                "hint": error.get("hint", "") or "see mystax queue log",
                "text": str(error_from_record(error)) if error else "",
            },
        )
        group["count"] += 1
        group["failed"] += row.state == "failed"
        if len(group["jobs"]) < 20:
            group["jobs"].append(f"j{row.id}")
    return sorted(groups.values(), key=lambda item: (-item["count"], item["code"]))


def job_list(database: Database, where: ColumnElement[bool] | None = None) -> list[dict[str, Any]]:
    """Return jobs, up to 1,000, the latest last."""
    condition = true() if where is None else where
    with database.read() as connection:
        rows = connection.execute(
            select(job, recording.c.folder.label("folder"), recipe.c.name.label("recipe"))
            .outerjoin(recording, recording.c.id == job.c.recording_id)
            .outerjoin(recipe, recipe.c.id == job.c.recipe_id)
            .where(condition)
            .order_by(job.c.id)
            .limit(LONGEST_LIST)
        ).all()
    return [
        {
            "job": f"j{row.id}",
            "kind": row.kind,
            "recording": _whose(row),
            "recipe": row.recipe,
            "state": row.state,
            "reason": row.reason,
            "priority": row.priority,
            "attempt": row.attempt,
            "strikes": row.strikes,
            "retries": row.retries,
            "share": row.done / row.total if row.total else None,
            "outcomes": [item.get("path") for item in row.wanted or []],
            "error": dict(row.error or {}),
        }
        for row in rows
    ]


def job_log(database: Database, number: int, *, lines: int = TAIL) -> dict[str, Any]:
    """Return the attempts of a job, and the end of the log of the last one.

    Parameters
    ----------
    database : Database
        The catalogue.
    number : int
        The job.
    lines : int, optional
        Lines of the log.

    Returns
    -------
    dict
        ``attempts`` in order, ``log`` (path) and ``lines``.

    Raises
    ------
    RecipeError
        P403, if there is no such job.
    """
    with database.read() as connection:
        state = connection.scalar(select(job.c.state).where(job.c.id == number))
        rows = connection.execute(
            select(attempt).where(attempt.c.job_id == number).order_by(attempt.c.number)
        ).all()
    if state is None:
        raise RecipeError("P403", f"job j{number}", "there is no such job", hint="mystax queue list")
    attempts = [
        {
            "number": row.number,
            "ending": row.ending,
            "host": row.host,
            "worker": row.worker,
            "started": row.started,
            "ended": row.ended,
            "frame_from": row.frame_from,
            "frame_to": row.frame_to,
            "peak_memory": row.peak_memory,
            "signal": row.signal,
            "error": dict(row.error or {}),
            "log": row.log,
        }
        for row in rows
    ]
    path = next((str(item["log"]) for item in reversed(attempts) if item["log"]), "")
    return {
        "job": f"j{number}",
        "state": state,
        "attempts": attempts,
        "log": path,
        "lines": _tail(path, lines),
    }


def _tail(path: str, lines: int) -> Sequence[str]:
    """Return the last lines of a log; none where it is not there."""
    file = Path(path)
    if not path or not file.is_file():
        return []
    with file.open("rb") as stream:
        size = stream.seek(0, 2)
        stream.seek(max(0, size - 65_536))
        text = stream.read().decode("utf-8", "replace")
    return text.splitlines()[-lines:]
