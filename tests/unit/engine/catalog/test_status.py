"""What people ask of the queue."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import insert, update

from mystax.engine.catalog.claims import Facts, Progress
from mystax.engine.catalog.queue import Queue
from mystax.engine.catalog.status import job_errors, job_list, job_log, queue_status
from mystax.engine.catalog.tables import attempt, job
from mystax.engine.queue.rules import after_error
from mystax.errors import RecipeError, RoiError, SpaceError, VideoError
from tests.fixtures.jobs import empty_queue, enter, new_jobs


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[Queue]:
    made = empty_queue(tmp_path)
    enter(made, "a")
    yield made
    made.database.close()


def end(queue: Queue, n: int, seconds: float) -> None:
    """Let jobs be done, each in a time."""
    for _ in range(n):
        claim = queue.claim("a", 1)
        assert claim is not None
        with queue.finishing(claim, "done", Facts()) as connection:
            assert connection is not None
            row = attempt.c.token == claim.token
            connection.execute(update(attempt).where(row).values(started=attempt.c.ended - seconds))


def test_an_empty_queue_has_nothing_to_say(queue: Queue) -> None:
    found = queue_status(queue.database)
    assert set(found["counts"].values()) == {0}
    assert found["running"] == []


def test_jobs_are_counted_by_state(queue: Queue) -> None:
    new_jobs(queue, 3)
    new_jobs(queue, needs=["key-0"])
    claim = queue.claim("a", 1)
    assert claim is not None
    queue.beat("a", {claim.token: Progress(25, 400.0)})
    found = queue_status(queue.database)
    assert (found["counts"]["queued"], found["counts"]["running"], found["counts"]["waiting"]) == (2, 1, 1)
    (own,) = found["running"]
    assert (own["job"], own["share"], own["rate"], own["host"]) == ("j1", 0.25, 400.0, "host-a")
    assert [one["host"] for one in found["drivers"]] == ["host-a"]


def test_jobs_that_wait_for_a_failed_one_are_blocked(queue: Queue) -> None:
    new_jobs(queue)
    new_jobs(queue, needs=["key-0"])
    assert queue_status(queue.database)["blocked"] == 0
    claim = queue.claim("a", 1)
    assert claim is not None
    queue.give_back(claim, after_error(RoiError("P402", "x").record(), 0, 0), Facts())
    assert queue_status(queue.database)["blocked"] == 1


def test_held_jobs_say_why(queue: Queue) -> None:
    new_jobs(queue)
    claim = queue.claim("a", 1)
    assert claim is not None
    queue.give_back(claim, after_error(SpaceError("S501", "disk").record(), 0, 0), Facts())
    assert queue_status(queue.database)["held"] == {"held: S501 disk": 1}


def test_the_time_left_of_equal_jobs_is_right_after_a_fifth(queue: Queue) -> None:
    new_jobs(queue, 40)
    end(queue, 8, 3.0)
    eta = queue_status(queue.database)["eta"]
    assert eta["seconds"] == pytest.approx(32 * 3.0, rel=0.05)
    assert eta["low"] <= eta["seconds"] <= eta["high"]


def test_the_time_left_is_unknown_at_first(queue: Queue) -> None:
    new_jobs(queue, 4)
    assert queue_status(queue.database)["eta"] is None


def test_errors_are_grouped_by_code_with_an_example_and_a_hint(queue: Queue) -> None:
    new_jobs(queue, 4)
    errors = [VideoError("V102", f"{n}.mp4", "no index", got="nothing", hint="repair it") for n in range(3)]
    for error in [*errors, RoiError("P402", "roi 'eye'", "it is outside", hint="draw it inside")]:
        claim = queue.claim("a", 1)
        assert claim is not None
        queue.give_back(claim, after_error(error.record(), 0, 0), Facts())
    first, second = job_errors(queue.database)
    assert (first["code"], first["count"], first["jobs"]) == ("V102", 3, ["j1", "j2", "j3"])
    assert (first["where"], first["got"], first["hint"]) == ("0.mp4", "nothing", "repair it")
    assert (second["code"], second["count"]) == ("P402", 1)
    assert "draw it inside" in second["text"]
    assert second["got"]


def test_jobs_are_listed_with_their_error(queue: Queue) -> None:
    new_jobs(queue, 2)
    claim = queue.claim("a", 1)
    assert claim is not None
    queue.give_back(claim, after_error(RoiError("P402", "x").record(), 0, 0), Facts())
    found = job_list(queue.database, job.c.state == "failed")
    assert [(one["job"], one["error"]["code"], one["attempt"]) for one in found] == [("j1", "P402", 1)]


def test_the_log_of_a_job_shows_attempts_and_the_last_lines(queue: Queue, tmp_path: Path) -> None:
    new_jobs(queue)
    claim = queue.claim("a", 1)
    assert claim is not None
    path = tmp_path / "j1-1.log"
    path.write_text("".join(f"line {n}\n" for n in range(100)))
    with queue.finishing(claim, "done", Facts("w", "h", log=str(path))) as connection:
        assert connection is not None
    found = job_log(queue.database, 1, lines=3)
    assert found["lines"] == ["line 97", "line 98", "line 99"]
    assert [one["ending"] for one in found["attempts"]] == ["done"]
    path.unlink()
    assert job_log(queue.database, 1)["lines"] == []


def test_an_unknown_job_is_refused(queue: Queue) -> None:
    with pytest.raises(RecipeError, match="no such job"):
        job_log(queue.database, 99)


def test_ten_thousand_jobs_are_counted_in_half_a_second(queue: Queue) -> None:
    rows = [
        {"plan_key": f"k{n}", "kind": "pass", "state": "done" if n % 3 else "queued", "total": 100}
        for n in range(10_000)
    ]
    with queue.database.write() as connection:
        connection.execute(insert(job), rows)
        connection.execute(
            insert(attempt),
            [
                {
                    "job_id": n + 1,
                    "number": 1,
                    "token": f"t{n}",
                    "started": n,
                    "ended": n + 2.0,
                    "ending": "done",
                }
                for n in range(10_000)
                if n % 3
            ],
        )
    queue_status(queue.database)
    start = time.process_time()
    found = queue_status(queue.database)
    assert time.process_time() - start <= 0.5
    assert found["counts"]["done"] == 6666
    assert found["eta"]["seconds"] == pytest.approx(3334 * 2.0)
