"""Statements that change the state of a job: each does so only while state or token are as expected."""

from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, exists, insert, select, update

from mystax.engine.catalog.claims import Claim, Facts
from mystax.engine.catalog.database import utc_seconds
from mystax.engine.catalog.tables import attempt, job, job_need
from mystax.engine.queue.rules import Ending

__all__ = ["leave_running", "release_waiting", "start_claimed"]

FREED: dict[str, Any] = {"token": None, "driver_id": None, "cancel_requested": False}
"""What a job loses when it stops running."""


def start_claimed(
    connection: Connection, where: ColumnElement[bool], driver_id: str, token: str
) -> Claim | None:
    """Make the job of a condition this driver's: a new token, a new attempt."""
    row = connection.execute(
        update(job)
        .where(where)
        .values(
            state="running",
            attempt=job.c.attempt + 1,
            token=token,
            driver_id=driver_id,
            beat=0,
            beat_at=utc_seconds(),
            started=utc_seconds(),
            not_before=None,
            # of a job that is to be cancelled the reason says how
            reason=case((job.c.cancel_requested, job.c.reason), else_=""),
            error={},
            done=0,
            rate=None,
        )
        .returning(*(job.c[name] for name in Claim.__dataclass_fields__))
    ).one_or_none()
    if row is None:
        return None
    connection.execute(
        insert(attempt).values(
            job_id=row.id, number=row.attempt, token=token, driver_id=driver_id, started=utc_seconds()
        )
    )
    return Claim(*row)


def leave_running(connection: Connection, claim: Claim, ending: Ending, facts: Facts, **values: Any) -> bool:
    """Let a running job go into another state, if its token is still valid."""
    held = and_(job.c.id == claim.id, job.c.token == claim.token, job.c.state == "running")
    changed = connection.execute(update(job).where(held).values(**FREED, **values)).rowcount
    if changed != 1:
        # A commit whose answer was lost has done this before.
        found = connection.scalar(select(attempt.c.ending).where(attempt.c.token == claim.token))
        return ending not in ("done", "adopted") and found == ending
    connection.execute(update(attempt).where(attempt.c.token == claim.token).values(**facts.values(ending)))
    return True


def release_waiting(connection: Connection, where: ColumnElement[bool]) -> None:
    """Queue waiting jobs whose needs are all done.

    Their rows are locked first: of two transactions that finish two needs of one job, the second sees what
    the first has written.
    """
    waiting = and_(where, job.c.state == "waiting")
    connection.execute(select(job.c.id).where(waiting).order_by(job.c.id).with_for_update()).all()
    needed = job.alias("needed")
    is_open = exists(
        select(job_need.c.job_id)
        .join(needed, needed.c.id == job_need.c.needs_id)
        .where(job_need.c.job_id == job.c.id, needed.c.state != "done")
    )
    connection.execute(update(job).where(waiting, ~is_open).values(state="queued"))
