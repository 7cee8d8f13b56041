"""The queue in the database: every transition is one conditional UPDATE, guarded by state or token.

::

    waiting -> queued -> running -> done | failed | cancelled, and back to queued

A token belongs to one attempt; whoever holds another one changes nothing.  Nothing else in mystax writes
the state of a job.
"""

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Double,
    and_,
    case,
    cast,
    func,
    insert,
    literal,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from mystax.engine.catalog.claims import Claim, Facts, Foreign, NewJob, Progress
from mystax.engine.catalog.database import Database, utc_seconds
from mystax.engine.catalog.tables import attempt, driver, job, job_need
from mystax.engine.catalog.transitions import leave_running, release_waiting, start_claimed
from mystax.engine.queue.rules import Ending, Verdict

__all__ = ["Queue"]

OPEN = ("waiting", "queued", "running")
DISCARD = "cancel and discard"
CANCEL = "cancel"


class Queue:
    """The queue of one catalogue.

    Parameters
    ----------
    database : Database
        The catalogue.
    """

    def __init__(self, database: Database) -> None:
        self.database = database

    # ---------------------------------------------------------------- drivers

    def enter(self, values: Mapping[str, Any]) -> None:
        """Write the row of a driver that begins."""
        with self.database.write() as connection:
            connection.execute(insert(driver).values(**values, started=utc_seconds(), seen=utc_seconds()))

    def leave(self, driver_id: str) -> None:
        """Note that a driver has ended in good order."""
        with self.database.write() as connection:
            connection.execute(
                update(driver).where(driver.c.id == driver_id).values(ended=utc_seconds(), seen=utc_seconds())
            )

    # ---------------------------------------------------------------- planned -> waiting, queued

    def add(self, jobs: Sequence[NewJob]) -> list[int]:
        """Put planned jobs into the queue; those whose plan key is there already are left alone.

        Returns
        -------
        list of int
            The jobs that are new.
        """
        added: list[int] = []
        with self.database.write() as connection:
            make = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
            for new in jobs:
                state = "waiting" if new.needs else "queued"
                row = connection.execute(
                    make(job)
                    .values(**new.values, state=state, created=utc_seconds())
                    .on_conflict_do_nothing(index_elements=["plan_key"])
                    .returning(job.c.id)
                ).one_or_none()
                if row is None:
                    continue
                added.append(int(row[0]))
                for key in new.needs:
                    needed = select(literal(row[0]), job.c.id).where(job.c.plan_key == key)
                    connection.execute(insert(job_need).from_select(["job_id", "needs_id"], needed))
                if new.needs:
                    release_waiting(connection, job.c.id == row[0])
        return added

    # ---------------------------------------------------------------- queued -> running

    def claim(
        self,
        driver_id: str,
        cores: int,
        *,
        size: int | None = None,
        where: ColumnElement[bool] | None = None,
        waits_too_long: Callable[[int], bool] = lambda _: False,
    ) -> Claim | None:
        """Take the next job that can start, by priority and age.

        While the job that is next wants more cores than are free, those of a lower priority do not go
        before it, and after a while those of its own do not either: cores become free for it.

        Parameters
        ----------
        driver_id : str
            Who takes it.
        cores : int
            Free cores; a job that wants more waits.
        size : int, optional
            Cores of a worker: a job that wants more gets these.
        where : expression, optional
            Condition on `job`.
        waits_too_long : callable, optional
            Job that is next but wants more cores than are free -> whether no other may go before it.

        Returns
        -------
        Claim or None
            None if there is nothing to do, or cores are kept free.
        """
        wanted = func.coalesce(job.c.resources["cores"].as_integer(), 1)
        in_turn = (
            select(job.c.id, job.c.priority, wanted)
            .where(
                job.c.state == "queued",
                or_(job.c.not_before.is_(None), job.c.not_before <= utc_seconds()),
                true() if where is None else where,
            )
            .order_by(job.c.priority.desc(), job.c.id)
            .limit(1)
        )
        fits: ColumnElement[bool] = true()
        with self.database.write() as connection:
            if size is None:
                fits = wanted <= cores
            elif cores < size:
                first = connection.execute(in_turn).one_or_none()
                if first is None or (first[2] > cores and waits_too_long(int(first.id))):
                    return None
                fits = and_(wanted <= cores, job.c.priority >= first.priority)
            chosen = in_turn.where(fits).with_only_columns(job.c.id).with_for_update(skip_locked=True)
            is_chosen = and_(job.c.id == chosen.scalar_subquery(), job.c.state == "queued")
            return start_claimed(connection, is_chosen, driver_id, secrets.token_hex(8))

    def is_open(self, where: ColumnElement[bool] | None = None) -> bool:
        """Tell whether any job is queued or running."""
        condition = and_(job.c.state.in_(["queued", "running"]), true() if where is None else where)
        with self.database.read() as connection:
            return connection.execute(select(job.c.id).where(condition).limit(1)).first() is not None

    # ---------------------------------------------------------------- running -> running

    def beat(self, driver_id: str, held: Mapping[str, Progress]) -> set[str]:
        """Renew the lease of all jobs of a driver, in one statement.

        Parameters
        ----------
        driver_id : str
            The driver.
        held : mapping of str to Progress
            Token to progress.

        Returns
        -------
        set of str
            Tokens that are still valid.
        """
        with self.database.write() as connection:
            connection.execute(update(driver).where(driver.c.id == driver_id).values(seen=utc_seconds()))
            if not held:
                return set()
            done = case({token: item.done for token, item in held.items()}, value=job.c.token)
            rate = case({token: item.rate for token, item in held.items()}, value=job.c.token)
            rows = connection.execute(
                update(job)
                .where(job.c.token.in_(list(held)), job.c.state == "running")
                .values(
                    beat=job.c.beat + 1,
                    beat_at=utc_seconds(),
                    done=cast(done, BigInteger),
                    rate=cast(rate, Double),
                )
                .returning(job.c.token)
            ).all()
            for token, item in held.items():
                if item.checkpoint is not None:
                    connection.execute(
                        update(attempt).where(attempt.c.token == token).values(frame_to=item.checkpoint)
                    )
        return {str(row.token) for row in rows}

    def cancel_requests(self, tokens: Sequence[str]) -> Mapping[str, str]:
        """Return those of a driver's jobs that are to be cancelled, with how."""
        condition = and_(job.c.token.in_(list(tokens)), job.c.cancel_requested)
        with self.database.read() as connection:
            rows = connection.execute(select(job.c.token, job.c.reason).where(condition)).all()
        return {str(token): str(reason) for token, reason in rows}

    def look(self, driver_id: str, where: ColumnElement[bool] | None = None) -> list[Foreign]:
        """Return the running jobs of other drivers, or those of them for which a condition holds."""
        advanced = and_(
            attempt.c.frame_to.is_not(None),
            attempt.c.frame_to > func.coalesce(attempt.c.frame_from, 0),
        )
        earlier = attempt.alias("earlier")
        lost = (
            select(func.count())
            .where(earlier.c.job_id == job.c.id, earlier.c.ending == "lost")
            .correlate(job)
            .scalar_subquery()
        )
        statement = (
            select(
                job.c.id,
                job.c.attempt,
                job.c.beat,
                job.c.strikes,
                job.c.retries,
                job.c.driver_id,
                func.coalesce(driver.c.host, ""),
                func.coalesce(driver.c.boot_id, ""),
                func.coalesce(driver.c.pid, 0),
                func.coalesce(driver.c.pid_started, 0.0),
                advanced,
                lost,
            )
            .outerjoin(driver, driver.c.id == job.c.driver_id)
            .outerjoin(attempt, and_(attempt.c.job_id == job.c.id, attempt.c.number == job.c.attempt))
            .where(job.c.state == "running", job.c.driver_id != driver_id, true() if where is None else where)
        )
        with self.database.read() as connection:
            return [Foreign(*row[:10], bool(row[10]), row[11]) for row in connection.execute(statement)]

    def take_over(self, foreign: Foreign, driver_id: str) -> Claim | None:
        """Take a job whose driver is gone; None if its beat went on or another was faster."""
        as_seen = and_(
            job.c.id == foreign.id,
            job.c.state == "running",
            job.c.attempt == foreign.attempt,
            job.c.beat == foreign.beat,
        )
        with self.database.write() as connection:
            claim = start_claimed(connection, as_seen, driver_id, secrets.token_hex(8))
            if claim is not None:
                connection.execute(
                    update(attempt)
                    .where(attempt.c.job_id == foreign.id, attempt.c.number == foreign.attempt)
                    .values(ending="lost", ended=utc_seconds())
                )
            return claim

    def is_first(self, claim: Claim) -> bool:
        """Tell whether an attempt is the first one since the job was planned or queued again by a person."""
        before = and_(attempt.c.job_id == claim.id, attempt.c.number == claim.attempt - 1)
        with self.database.read() as connection:
            return connection.scalar(select(attempt.c.ending).where(before)) not in ("lost", "yielded")

    def fenced(self, claim: Claim) -> list[str]:
        """Return the tokens of earlier attempts of a job: they can never publish again."""
        with self.database.read() as connection:
            rows = connection.execute(
                select(attempt.c.token).where(attempt.c.job_id == claim.id, attempt.c.number < claim.attempt)
            )
            return [str(row[0]) for row in rows]

    # ------------------------------------------------------------ running -> done, queued, failed, cancelled

    @contextmanager
    def finishing(self, claim: Claim, ending: Ending, facts: Facts) -> Iterator[Connection | None]:
        """Give the transaction in which a job becomes done: the caller adds the rows of its outcomes.

        Yields
        ------
        Connection or None
            None if the lease is lost: then nothing may be written.
        """
        with self.database.write() as connection:
            if not leave_running(
                connection, claim, ending, facts, state="done", finished=utc_seconds(), reason=""
            ):
                yield None
                return
            yield connection
            dependants = select(job_need.c.job_id).where(job_need.c.needs_id == claim.id)
            release_waiting(connection, job.c.id.in_(dependants))

    def has_ended(self, claim: Claim, ending: Ending) -> bool:
        """Tell whether the attempt of a claim is written down with this end.

        A connection that breaks during a commit leaves open whether it was one.
        """
        with self.database.read() as connection:
            found = connection.scalar(select(attempt.c.ending).where(attempt.c.token == claim.token))
        return found == ending

    def give_back(self, claim: Claim, verdict: Verdict, facts: Facts) -> bool:
        """Queue a job again, or let it fail, as the rules say; False if the lease is lost."""
        values: dict[str, Any] = {
            "state": verdict.state,
            "reason": verdict.reason,
            "strikes": verdict.strikes,
            "retries": verdict.retries,
            "not_before": utc_seconds() + verdict.wait if verdict.wait else None,
            "error": {} if verdict.error is None else verdict.error.as_dict(),
        }
        if verdict.state == "failed":
            values["finished"] = utc_seconds()
        with self.database.write() as connection:
            return leave_running(connection, claim, verdict.ending, facts, **values)

    def cancelled(self, claim: Claim, facts: Facts) -> bool:
        """Note that a running job has been stopped as it was asked for; False if the lease is lost."""
        with self.database.write() as connection:
            return leave_running(
                connection, claim, "cancelled", facts, state="cancelled", finished=utc_seconds(), reason=""
            )

    # ---------------------------------------------------------------- wishes of people

    def cancel(self, where: ColumnElement[bool], *, discard: bool = False) -> tuple[list[int], list[int]]:
        """Cancel jobs: those that wait at once, those that run when their driver hears of it.

        Returns
        -------
        tuple
            Jobs that are cancelled, and jobs that were asked to stop.
        """
        with self.database.write() as connection:
            stopped = connection.execute(
                update(job)
                .where(where, job.c.state.in_(["waiting", "queued"]))
                .values(state="cancelled", finished=utc_seconds(), reason="")
                .returning(job.c.id)
            ).all()
            asked = connection.execute(
                update(job)
                .where(where, job.c.state == "running")
                .values(cancel_requested=True, reason=DISCARD if discard else CANCEL)
                .returning(job.c.id)
            ).all()
        return sorted(int(row[0]) for row in stopped), sorted(int(row[0]) for row in asked)

    def retry(self, where: ColumnElement[bool], values: Mapping[str, Any] | None = None) -> list[int]:
        """Queue failed and cancelled jobs again, with fresh counters, and as they are planned now."""
        return self._requeue(where, ("failed", "cancelled"), "retry", values or {})

    def redo(
        self, where: ColumnElement[bool], reason: str, values: Mapping[str, Any] | None = None
    ) -> list[int]:
        """Queue done jobs again: their outcomes are stale, missing or damaged, or it is wished."""
        return self._requeue(where, ("done",), reason, values or {})

    def set_priority(self, where: ColumnElement[bool], priority: int) -> list[int]:
        """Change the priority of jobs that are not through."""
        with self.database.write() as connection:
            rows = connection.execute(
                update(job).where(where, job.c.state.in_(OPEN)).values(priority=priority).returning(job.c.id)
            ).all()
        return sorted(int(row[0]) for row in rows)

    def _requeue(
        self, where: ColumnElement[bool], states: Sequence[str], reason: str, values: Mapping[str, Any]
    ) -> list[int]:
        """Queue jobs again; those with open needs wait."""
        with self.database.write() as connection:
            rows = connection.execute(
                update(job)
                .where(where, job.c.state.in_(states))
                .values(
                    state="waiting",
                    reason=reason,
                    strikes=0,
                    retries=0,
                    not_before=None,
                    error={},
                    done=0,
                    finished=None,
                    cancel_requested=False,
                    **values,
                )
                .returning(job.c.id)
            ).all()
            ids = [int(row[0]) for row in rows]
            if ids:
                release_waiting(connection, job.c.id.in_(ids))
        return sorted(ids)
