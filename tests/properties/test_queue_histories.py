"""Any history of claims, beats, takeovers, ends and wishes by three drivers keeps the rules of the queue."""

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from mystax.engine.catalog.claims import Claim, Facts, Foreign, Progress
from mystax.engine.catalog.queue import Queue
from mystax.engine.catalog.tables import job
from mystax.engine.queue.rules import after_death, after_error, after_yield
from mystax.errors import RoiError, VideoError
from tests.fixtures.jobs import attempts, empty_queue, enter, jobs_of, new_jobs
from tests.fixtures.postgres import PostgresServer

DRIVERS = ("a", "b", "c")
driver_names = st.sampled_from(DRIVERS)


class History(RuleBasedStateMachine):
    """Drivers that may be late: each keeps the claims that it believes in, valid or not."""

    url = "sqlite:///mystax.db"

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        self.queue: Queue = empty_queue(Path(self._folder.name), self.url)
        enter(self.queue, *DRIVERS)
        new_jobs(self.queue, 2)
        new_jobs(self.queue, needs=["key-0", "key-1"])
        self.believed: list[tuple[str, Claim]] = []
        self.valid: dict[int, str] = {}
        self.seen: list[Foreign] = []
        self.done_by_force = 0
        self.attempts: dict[int, int] = {}
        self.states: dict[int, str] = {}

    def teardown(self) -> None:
        self.queue.database.close()
        self._folder.cleanup()

    def _ended(self, claim: Claim, held: bool) -> None:
        """An end is accepted if and only if the token is the valid one."""
        assert held == (self.valid.get(claim.id) == claim.token)
        if held:
            del self.valid[claim.id]

    @rule(name=driver_names)
    def claim(self, name: str) -> None:
        found = self.queue.claim(name, 4)
        if found is not None:
            assert found.id not in self.valid
            self.valid[found.id] = found.token
            self.believed.append((name, found))

    @rule(name=driver_names)
    def look(self, name: str) -> None:
        self.seen = self.queue.look(name)
        assert {row.id for row in self.seen} <= set(self.valid)

    @rule(name=driver_names, data=st.data())
    @precondition(lambda self: self.seen)
    def take_over(self, name: str, data: Any) -> None:
        row = data.draw(st.sampled_from(self.seen))
        before = next(item for item in jobs_of(self.queue) if item.id == row.id)
        as_seen = (before.state, before.attempt, before.beat) == ("running", row.attempt, row.beat)
        found = self.queue.take_over(row, name)
        assert (found is not None) == as_seen
        if found is not None:
            assert found.token != self.valid[found.id]
            self.valid[found.id] = found.token
            self.believed.append((name, found))

    @rule(data=st.data(), done=st.integers(0, 100))
    @precondition(lambda self: self.believed)
    def beat(self, data: Any, done: int) -> None:
        name, claim = data.draw(st.sampled_from(self.believed))
        held = self.queue.beat(name, {claim.token: Progress(done, 1.0, done)})
        assert held == ({claim.token} if self.valid.get(claim.id) == claim.token else set())

    @rule(data=st.data(), how=st.sampled_from(["done", "yield", "again", "failed", "lost", "cancelled"]))
    @precondition(lambda self: self.believed)
    def end(self, data: Any, how: str) -> None:
        _, claim = data.draw(st.sampled_from(self.believed))
        if attempts(self.queue, claim.id)[claim.attempt - 1].ending is not None:
            return  # it has ended, and its driver knows
        if how == "done":
            with self.queue.finishing(claim, "done", Facts()) as connection:
                held = connection is not None
        elif how == "cancelled":
            held = self.queue.cancelled(claim, Facts())
        else:
            verdict = {
                "yield": after_yield("x", claim.strikes, claim.retries),
                "again": after_error(VideoError("V131", "x").record(), claim.strikes, claim.retries),
                "failed": after_error(RoiError("P402", "x").record(), claim.strikes, claim.retries),
                "lost": after_death("x", "x", claim.strikes, claim.retries, has_advanced=False),
            }[how]
            held = self.queue.give_back(claim, verdict, Facts())
        self._ended(claim, held)

    @rule(number=st.integers(1, 3))
    def cancel(self, number: int) -> None:
        self.queue.cancel(job.c.id == number)

    @rule(number=st.integers(1, 3))
    def retry(self, number: int) -> None:
        for found in self.queue.retry(job.c.id == number):
            assert self.states[found] in ("failed", "cancelled")

    @rule(number=st.integers(1, 3))
    def force(self, number: int) -> None:
        for found in self.queue.redo(job.c.id == number, "force"):
            assert self.states[found] == "done"
            self.states[found] = "forced"

    @invariant()
    def rules_hold(self) -> None:
        rows = jobs_of(self.queue)
        state = {row.plan_key: row.state for row in rows}
        for row in rows:
            # one token is valid, and only of a job that runs
            assert (row.state == "running") == (row.id in self.valid)
            assert row.token == self.valid.get(row.id)
            # no way back from done but by force
            if self.states.get(row.id) == "done":
                assert row.state == "done"
            # the attempt is a fence: it only grows, and each has one row
            assert row.attempt >= self.attempts.get(row.id, 0)
            own = attempts(self.queue, row.id)
            assert [one.number for one in own] == list(range(1, row.attempt + 1))
            open_ones = [one.token for one in own if one.ending is None]
            assert open_ones == ([row.token] if row.state == "running" else [])
            assert row.strikes < 3 or row.state == "failed"
            assert row.retries <= 5
            self.attempts[row.id], self.states[row.id] = row.attempt, row.state
        if state["key-2"] == "waiting":
            assert (state["key-0"], state["key-1"]) != ("done", "done")


def run_history(machine: type[History], n_examples: int) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=n_examples,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_histories_on_sqlite() -> None:
    run_history(History, 6)


def test_histories_on_postgresql(postgres: PostgresServer) -> None:
    class OnPostgres(History):
        url = ""

        def __init__(self) -> None:
            self.url = postgres.new_database()
            super().__init__()

    run_history(OnPostgres, 4)


@pytest.mark.slow
def test_many_histories_on_sqlite() -> None:
    run_history(History, 300)
