"""The driver of a queue: claims jobs, keeps their lease, publishes what they made, takes over the abandoned.

Only drivers (and commands) talk to the database; jobs run in child processes under an executor.  While the
database is away nothing is published and nobody can take over; jobs go on, and their ends wait in memory.
"""

import contextlib
import signal
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mystax.core.events import Event, Report, silent
from mystax.engine.queue.driver_ends import Ends, record_of
from mystax.engine.queue.driver_state import Bounds, Dispatch, Mine, Tally
from mystax.engine.queue.executor import Executor, Message
from mystax.engine.queue.rules import LOST_DRIVERS, Looks, Passed, after_death
from mystax.engine.signals import Stop
from mystax.errors import CatalogError, MystaxError

if TYPE_CHECKING:
    from mystax.engine.catalog.claims import Claim, Foreign
    from mystax.engine.catalog.queue import Queue
else:
    Claim = Foreign = Queue = Any

__all__ = ["Driver"]

TICK = 1.0
"""Longest time between two turns of the loop [s]."""

BEAT = 10.0
"""Time between two beats [s]."""

HEAR = 3.0
"""Time between two looks for jobs that are to be cancelled [s]."""

LONGEST_PAUSE = 30.0
"""Longest time between two tries to reach a database that is away [s]."""

GRACE = 5.0
"""Time that jobs have to yield when the driver is stopped [s]."""


class Driver:
    """One driver.

    Parameters
    ----------
    queue : Queue
        The queue of the catalogue.
    dispatch : Dispatch
        Its jobs as work, and their outcomes as rows.
    executor : Executor
        Whatever runs jobs.
    me : mapping
        Columns of the row of this driver; an `id` is made where there is none.
    bounds : Bounds, optional
        How long it works.
    report : callable, optional
        Takes events.
    stop : Stop, optional
        The wish to stop.
    monotonic : callable, optional
        Monotonic time [s].
    is_gone : callable, optional
        Host, start of the host, pid, start of the process -> whether that process has ended for certain.
    """

    def __init__(
        self,
        queue: Queue,
        dispatch: Dispatch,
        executor: Executor,
        me: Mapping[str, Any],
        *,
        bounds: Bounds | None = None,
        report: Report = silent,
        stop: Stop | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        is_gone: Callable[[Foreign], bool] = lambda _: False,
    ) -> None:
        self.id = str(me.get("id") or uuid.uuid4())
        self.tally = Tally()
        self._queue, self._dispatch, self._executor = queue, dispatch, executor
        self._me = {**me, "id": self.id, "engine": executor.name}
        self._bounds, self._report, self._stop = bounds or Bounds(), report, stop or Stop()
        self._monotonic, self._is_gone = monotonic, is_gone
        self._mine: dict[str, Mine] = {}
        self._ends = Ends(queue, dispatch, self._report, self.tally)
        self._looks, self._passed = Looks(), Passed()
        self._abandoned: list[Foreign] = []
        self._began = monotonic()
        self._beaten = self._renewed = self._heard = float("-inf")
        self._n_claimed = 0
        self._has_entered = False
        self._away_until, self._pause = float("-inf"), 1.0
        self._is_idle = False

    # ---------------------------------------------------------------- the loop

    def run(self) -> Tally:
        """Work until nothing is left, the bounds are reached, or somebody wishes to stop.

        Returns
        -------
        Tally
            What was done.

        Raises
        ------
        Cancelled
            If it was stopped; its jobs have yielded and are queued again.
        """
        try:
            while not self._stop.signal and not self._is_over():
                self.turn(TICK)
            if self._stop.signal:
                self._yield_all()
        finally:
            self._executor.close()
        with contextlib.suppress(CatalogError):  # the row of a driver without an end is looked at by its pid
            self._queue.leave(self.id)
        self._stop.check()
        return self.tally

    def turn(self, seconds: float) -> None:
        """Do one turn: events, ends, beats, takeovers, claims.

        Parameters
        ----------
        seconds : float
            Time to wait for the first event [s].
        """
        for message in self._executor.poll(seconds):
            self._take(message)
        if self._monotonic() >= self._away_until:
            try:
                self._with_database()
                self._pause = 1.0
            except CatalogError as error:
                self._wait_for_database(error)
        if self._monotonic() - self._renewed >= BEAT:
            self._renewed = self._monotonic()
            # Also while the database is away: nobody else can look then.
            self._executor.renew([token for token, mine in self._mine.items() if mine.wish != "lost"])

    def _with_database(self) -> None:
        if not self._has_entered:
            self._queue.enter(self._me)
            self._has_entered = True
        self._settle()
        self._open_gates()
        if self._monotonic() - self._beaten >= BEAT:
            self._beaten = self._monotonic()
            self._beat()
            self._look()
        if self._monotonic() - self._heard >= HEAR:
            self._heard = self._monotonic()
            self._hear_cancels()
        self._claim()

    def _wait_for_database(self, error: CatalogError) -> None:
        """Leave the database alone for a while, longer each time."""
        if error.code != "Q603":
            raise error
        self._away_until = self._monotonic() + self._pause
        self._pause = min(2 * self._pause, LONGEST_PAUSE)
        self._report(Event("note", "database", text=f"{error}; jobs go on"))

    def _is_over(self) -> bool:
        if self._mine or not self._has_entered:
            return False
        return (self._is_idle and not self._bounds.stay) or not self._may_claim()

    def _may_claim(self) -> bool:
        bounds = self._bounds
        if bounds.once is not None and self._n_claimed >= bounds.once:
            return False
        return bounds.max_seconds is None or self._monotonic() - self._began < bounds.max_seconds

    # ---------------------------------------------------------------- events of jobs

    def _take(self, message: Message) -> None:
        """Take what the executor tells of a job."""
        mine = self._mine.get(message.token)
        if mine is None or mine.end is not None:
            return
        data = message.data
        if message.what == "started":
            mine.n_started += 1
            mine.worker, mine.host = str(data.get("worker", "")), str(data.get("host", ""))
            if mine.n_started > 1:
                # A scheduler that ran the task again: the first worker is lost, and there is one token.
                self._executor.stop(message.token, "again")
        elif message.what == "ended":
            mine.end = data
        elif message.what == "lost":
            mine.end = {"ending": "lost", **data}
        else:
            self._take_event(mine, Event(**data))

    def _take_event(self, mine: Mine, event: Event) -> None:
        if event.kind == "ready":
            mine.is_ready = True
        elif event.kind == "checkpoint":
            mine.frame_to = event.done
        elif event.kind == "note" and event.stage == "resume":
            mine.frame_from = event.done
        elif event.kind == "outcome":
            mine.n_made += 1
        elif event.kind == "result":
            mine.n_made, mine.result = mine.n_made + 1, event.data
            return
        elif event.kind == "progress" and event.total:
            seconds = self._monotonic() - mine.since
            mine.share = min(1.0, event.done / event.total)
            if seconds > 0 and event.stage.startswith("reading"):
                mine.rate = (event.done - (mine.frame_from or 0)) / seconds
        self._report(
            Event(
                event.kind,
                event.stage,
                event.done,
                event.total,
                event.text,
                {**event.data, "job": mine.claim.name},
            )
        )

    # ---------------------------------------------------------------- ends of jobs

    def _settle(self) -> None:
        """Write the ends of jobs into the database; while it is away they wait."""
        for token, mine in list(self._mine.items()):
            if mine.end is not None:
                self._ends.settle(mine)
                self._mine.pop(token)

    # ---------------------------------------------------------------- the lease

    def _open_gates(self) -> None:
        """Let jobs publish what is ready, if a beat shows that they are still ours."""
        for token, mine in self._mine.items():
            if not mine.is_ready or mine.wish or mine.end is not None:
                continue
            held = self._beat_of([token])
            mine.is_ready = False
            if token in held:
                self._executor.allow(token)
            else:
                self._let_go(token, mine)

    def _beat_of(self, tokens: Sequence[str]) -> set[str]:
        from mystax.engine.catalog.claims import Progress

        held = {}
        for token in tokens:
            mine = self._mine[token]
            checkpoint = mine.frame_to if mine.frame_to != mine.reported else None
            held[token] = Progress(round(mine.share * mine.claim.total), mine.rate, checkpoint)
        found = self._queue.beat(self.id, held)
        for token in tokens:
            self._mine[token].reported = self._mine[token].frame_to
        return found

    def _beat(self) -> None:
        """Renew the lease of all jobs; stop those that are lost."""
        tokens = [token for token, mine in self._mine.items() if mine.wish != "lost"]
        held = self._beat_of(tokens)
        for token in tokens:
            mine = self._mine[token]
            if token not in held and mine.end is None:
                self._let_go(token, mine)

    def _hear_cancels(self) -> None:
        """Stop the jobs that somebody wants to be cancelled."""
        tokens = [token for token, mine in self._mine.items() if not mine.wish and mine.end is None]
        if not tokens:
            return
        for token, how in self._queue.cancel_requests(tokens).items():
            self._mine[token].wish = how
            self._executor.stop(token, "cancel")

    def _let_go(self, token: str, mine: Mine) -> None:
        mine.wish = "lost"
        self._executor.stop(token, "lost")

    def _look(self) -> None:
        """Look at the jobs of other drivers; those that are abandoned are taken when there is room."""
        rows = self._queue.look(self.id, self._bounds.where)
        beats = {row.id: (row.attempt, row.beat) for row in rows}
        still = set(self._looks.look(self._monotonic(), beats))
        self._abandoned = [row for row in rows if row.id in still or self._is_gone(row)]
        self._take_over()

    def _take_over(self) -> None:
        """Take abandoned jobs as long as there is room: they go before those that nobody has begun."""
        while self._abandoned and self._has_room():
            row = self._abandoned.pop(0)
            claim = self._queue.take_over(row, self.id)
            self._looks.forget([row.id])
            if claim is not None:
                self._begin_after_loss(claim, row)

    def _begin_after_loss(self, claim: Claim, row: Foreign) -> None:
        """Start a job whose driver was lost; one that loses every driver is given up."""
        text = f"{claim.name}: the driver on {row.host or 'another host'} is gone; this one takes the job"
        self._report(Event("job", "takeover", text=text, data={"job": claim.name, "id": claim.id}))
        if not row.has_advanced and row.n_lost + 1 >= LOST_DRIVERS:
            mine = Mine(claim, "", self._monotonic())
            verdict = after_death(
                "its driver was lost each time",
                claim.name,
                row.n_lost,
                claim.retries,
                has_advanced=False,
                limit=LOST_DRIVERS,
            )
            self._ends.give_back(mine, verdict)
            return
        self._begin(claim)

    # ---------------------------------------------------------------- claims

    def _has_room(self) -> bool:
        return not self._stop.signal and self._may_claim() and self._executor.slots() > 0

    def _claim(self) -> None:
        """Take jobs as long as there is room."""
        self._take_over()
        while self._has_room():
            claim = self._queue.claim(
                self.id,
                self._executor.slots(),
                size=self._executor.size,
                where=self._bounds.where,
                waits_too_long=lambda number: self._passed.too_long(number, self._monotonic()),
            )
            if claim is None:
                break
            self._n_claimed += 1
            self._begin(claim)
        if not self._mine:
            self._is_idle = not self._queue.is_open(self._bounds.where)

    def _begin(self, claim: Claim) -> None:
        """Start a job, or note what keeps it from starting."""
        mine = Mine(claim, "", self._monotonic())
        self._mine[claim.token] = mine
        try:
            spec = self._dispatch.spec_of(claim, self._queue.fenced(claim))
        except (MystaxError, OSError) as error:
            record = record_of(error, claim)
            mine.end = {"ending": "failed", "error": record.as_dict()}
            if record.code == "Q603":
                mine.end = {"ending": "stopped", "why": "the database was away"}
                raise
            return
        mine.log = spec.log
        self._executor.start(spec)
        self._report(
            Event("job", "started", text=f"{claim.name}: started", data={"job": claim.name, "id": claim.id})
        )

    # ---------------------------------------------------------------- stopping

    def _yield_all(self) -> None:
        """Ask all jobs to yield and wait for them a moment; the rest is killed by the executor."""
        for token, mine in self._mine.items():
            if mine.end is None and mine.wish != "lost":
                mine.wish = mine.wish or "yield"
                self._executor.stop(token, "yield")
        until = self._monotonic() + GRACE
        while any(mine.end is None for mine in self._mine.values()) and self._monotonic() < until:
            for message in self._executor.poll(0.2):
                self._take(message)
        self._executor.close()
        for message in self._executor.poll(0.0):
            self._take(message)
        for mine in self._mine.values():
            mine.end = mine.end or {"ending": "stopped", "why": signal.Signals(self._stop.signal).name}
        try:
            self._settle()
        except CatalogError as error:
            self._report(Event("note", "database", text=f"{error}; the next driver takes the jobs over"))
