"""Tests of `mystax.engine.catalog.transitions`: what is not as expected is left as it is."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import and_

from mystax.engine.catalog.claims import Facts
from mystax.engine.catalog.queue import Queue
from mystax.engine.catalog.tables import job
from mystax.engine.catalog.transitions import leave_running, release_waiting, start_claimed
from tests.fixtures.jobs import attempts, empty_queue, enter, jobs_of, new_jobs


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[Queue]:
    made = empty_queue(tmp_path)
    enter(made, "a", "b")
    yield made
    made.database.close()


def test_two_who_saw_one_job_queued_make_one_attempt(queue: Queue) -> None:
    new_jobs(queue)
    seen = and_(job.c.id == 1, job.c.state == "queued")
    with queue.database.write() as connection:
        first = start_claimed(connection, seen, "a", "1" * 16)
    with queue.database.write() as connection:
        second = start_claimed(connection, seen, "b", "2" * 16)
    assert first is not None
    assert second is None
    assert [(row.driver_id, row.token) for row in attempts(queue, 1)] == [("a", "1" * 16)]


def test_job_of_another_token_goes_on_running(queue: Queue) -> None:
    new_jobs(queue)
    claim = queue.claim("a", 8)
    assert claim is not None
    late = replace(claim, token="0" * 16)
    with queue.database.write() as connection:
        assert not leave_running(connection, late, "failed", Facts(), state="failed")
    (row,) = jobs_of(queue)
    assert (row.state, row.token, row.driver_id) == ("running", claim.token, "a")
    assert [one.ending for one in attempts(queue, 1)] == [None]


def test_job_that_stops_running_belongs_to_nobody(queue: Queue) -> None:
    new_jobs(queue)
    claim = queue.claim("a", 8)
    assert claim is not None
    queue.cancel(job.c.id == 1)
    with queue.database.write() as connection:
        assert leave_running(connection, claim, "failed", Facts(), state="failed")
    (row,) = jobs_of(queue)
    assert (row.state, row.token, row.driver_id, row.cancel_requested) == ("failed", None, None, False)
    assert [one.ending for one in attempts(queue, 1)] == ["failed"]


def test_only_waiting_jobs_without_open_needs_are_queued(queue: Queue) -> None:
    new_jobs(queue, 2)
    new_jobs(queue, needs=["key-0", "key-1"])
    claim = queue.claim("a", 8)
    assert claim is not None
    with queue.finishing(claim, "done", Facts()):
        pass
    with queue.database.write() as connection:
        release_waiting(connection, job.c.id.in_([1, 2, 3]))
    assert [row.state for row in jobs_of(queue)] == ["done", "queued", "waiting"]
