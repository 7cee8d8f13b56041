"""Transitions of jobs: one conditional UPDATE each, guarded by state or token."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import true

from mystax.engine.catalog.claims import Claim, Facts, NewJob, Progress
from mystax.engine.catalog.queue import Queue
from mystax.engine.catalog.tables import job
from mystax.engine.queue.rules import after_error, after_yield
from mystax.errors import RoiError, VideoError
from tests.fixtures.jobs import attempts, drivers, empty_queue, enter, jobs_of, new_jobs


@pytest.fixture(params=["sqlite", "postgresql"])
def queue(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Queue]:
    url = "sqlite:///mystax.db"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres").new_database()
    made = empty_queue(tmp_path, url)
    enter(made, "a", "b")
    yield made
    made.database.close()


def claimed(queue: Queue, driver: str = "a") -> Claim:
    found = queue.claim(driver, 8)
    assert found is not None
    return found


def finished(queue: Queue, claim: Claim) -> bool:
    with queue.finishing(claim, "done", Facts()) as connection:
        return connection is not None


def state(queue: Queue, number: int = 1) -> str:
    return str(next(row.state for row in jobs_of(queue) if row.id == number))


def test_the_same_work_is_queued_once(queue: Queue) -> None:
    new = NewJob({"plan_key": "k", "kind": "pass"})
    assert queue.add([new, new]) == [1]
    assert queue.add([new]) == []
    assert len(jobs_of(queue)) == 1


def test_a_claim_makes_an_attempt_with_a_token_of_its_own(queue: Queue) -> None:
    new_jobs(queue)
    claim = claimed(queue)
    (row,) = jobs_of(queue)
    assert (row.state, row.driver_id, row.token, row.attempt) == ("running", "a", claim.token, 1)
    (own,) = attempts(queue, 1)
    assert (own.token, own.driver_id, own.ending) == (claim.token, "a", None)
    assert abs(own.started - row.created) < 60


def test_priority_goes_before_age(queue: Queue) -> None:
    new_jobs(queue, 2)
    new_jobs(queue, 1, priority=5)
    assert [claimed(queue).id for _ in range(3)] == [3, 1, 2]
    assert queue.claim("a", 8) is None


def test_a_job_that_wants_more_cores_than_are_free_waits(queue: Queue) -> None:
    new_jobs(queue, 1, cores=4)
    assert queue.claim("a", 2) is None
    assert queue.claim("a", 2, size=4) is None
    assert queue.claim("a", 4, size=4) is not None


def test_a_job_that_wants_more_than_any_worker_has_gets_all_of_one(queue: Queue) -> None:
    new_jobs(queue, 1, cores=64)
    assert queue.claim("a", 2, size=2) is not None


def test_cores_are_kept_free_for_a_job_of_higher_priority(queue: Queue) -> None:
    new_jobs(queue, 2)
    new_jobs(queue, 1, cores=4, priority=1)
    assert queue.claim("a", 3, size=4) is None
    assert [queue.claim("a", cores, size=4).id for cores in (4, 3)] == [3, 1]  # type: ignore[union-attr] # there are two


def test_smaller_jobs_go_before_one_of_their_priority_until_it_has_waited_too_long(queue: Queue) -> None:
    new_jobs(queue, 1, cores=4)
    new_jobs(queue, 2)
    asked: list[int] = []

    def waits_too_long(number: int) -> bool:
        asked.append(number)
        return len(asked) > 1

    first = queue.claim("a", 3, size=4, waits_too_long=waits_too_long)
    assert first is not None
    assert first.id == 2
    assert queue.claim("a", 3, size=4, waits_too_long=waits_too_long) is None
    assert asked == [1, 1]


def test_a_job_that_is_held_keeps_no_cores_free(queue: Queue) -> None:
    new_jobs(queue, 1, cores=4, priority=1, not_before=1e12)
    new_jobs(queue, 1)
    found = queue.claim("a", 3, size=4)
    assert found is not None
    assert found.id == 2


def test_only_jobs_of_a_condition_are_claimed(queue: Queue) -> None:
    new_jobs(queue, 3)
    found = queue.claim("a", 1, where=job.c.id == 2)
    assert found is not None
    assert found.id == 2
    assert queue.claim("a", 1, where=job.c.id == 2) is None


def test_a_beat_renews_what_is_still_held_and_keeps_progress(queue: Queue) -> None:
    new_jobs(queue, 2)
    first, second = claimed(queue), claimed(queue)
    queue.cancel(job.c.id == 2)
    queue.cancelled(second, Facts())
    held = queue.beat("a", {first.token: Progress(40, 12.5, 30), second.token: Progress()})
    assert held == {first.token}
    row = jobs_of(queue)[0]
    assert (row.beat, row.done, row.rate) == (1, 40, 12.5)
    assert attempts(queue, 1)[0].frame_to == 30
    assert drivers(queue)[0].seen >= drivers(queue)[0].started


def test_a_beat_without_jobs_is_one_of_the_driver_alone(queue: Queue) -> None:
    assert queue.beat("a", {}) == set()


def test_a_done_job_has_no_token_and_its_attempt_has_an_end(queue: Queue) -> None:
    new_jobs(queue)
    claim = claimed(queue)
    with queue.finishing(claim, "done", Facts("w", "h", "", 123, 0, 99, "x.log")) as connection:
        assert connection is not None
    (row,) = jobs_of(queue)
    assert (row.state, row.token, row.driver_id) == ("done", None, None)
    (own,) = attempts(queue, 1)
    assert (own.ending, own.worker, own.peak_memory, own.frame_to) == ("done", "w", 123, 99)
    assert queue.has_ended(claim, "done")


def test_a_late_driver_changes_nothing(queue: Queue) -> None:
    new_jobs(queue)
    late = claimed(queue)
    taken = queue.take_over(queue.look("b")[0], "b")
    assert taken is not None
    assert not finished(queue, late)
    assert not queue.give_back(late, after_yield("x", 0, 0), Facts())
    assert not queue.cancelled(late, Facts())
    assert queue.beat("a", {late.token: Progress(99)}) == set()
    (row,) = jobs_of(queue)
    assert (row.state, row.token, row.done) == ("running", taken.token, 0)
    assert finished(queue, taken)


def test_a_takeover_needs_the_beat_that_was_seen(queue: Queue) -> None:
    new_jobs(queue)
    claim = claimed(queue)
    (seen,) = queue.look("b")
    queue.beat("a", {claim.token: Progress()})
    assert queue.take_over(seen, "b") is None
    (again,) = queue.look("b")
    assert queue.take_over(again, "b") is not None
    assert queue.take_over(again, "c") is None
    first, second = attempts(queue, 1)
    assert (first.ending, second.ending, second.driver_id) == ("lost", None, "b")


def test_a_driver_does_not_look_at_its_own_jobs(queue: Queue) -> None:
    new_jobs(queue)
    claimed(queue)
    assert queue.look("a") == []
    assert [row.driver_id for row in queue.look("b")] == ["a"]


def test_a_look_says_whether_a_job_got_further_and_how_often_it_was_lost(queue: Queue) -> None:
    new_jobs(queue)
    claim = claimed(queue)
    queue.beat("a", {claim.token: Progress(10, None, 50)})
    (row,) = queue.look("b")
    assert row.has_advanced
    assert row.n_lost == 0
    queue.take_over(row, "b")
    (row,) = queue.look("a")
    assert not row.has_advanced
    assert row.n_lost == 1


def test_earlier_tokens_are_fenced(queue: Queue) -> None:
    new_jobs(queue)
    first = claimed(queue)
    assert queue.fenced(first) == []
    queue.give_back(first, after_yield("x", 0, 0), Facts())
    second = claimed(queue)
    assert queue.fenced(second) == [first.token]
    assert second.token != first.token


def test_a_yielded_job_goes_on_at_once(queue: Queue) -> None:
    new_jobs(queue)
    assert queue.give_back(claimed(queue), after_yield("walltime", 1, 2), Facts())
    (row,) = jobs_of(queue)
    assert (row.state, row.strikes, row.retries, row.reason) == ("queued", 1, 2, "walltime")
    assert not queue.is_first(claimed(queue, "b"))


def test_a_held_job_is_not_claimed_before_its_time(queue: Queue) -> None:
    new_jobs(queue)
    verdict = after_error(VideoError("V131", "face.mp4").record(), 0, 0)
    queue.give_back(claimed(queue), verdict, Facts())
    assert queue.claim("a", 8) is None
    assert queue.is_open()
    (row,) = jobs_of(queue)
    assert row.error["code"] == "V131"
    assert 1.0 < row.not_before - row.started < 30.0


def test_a_failed_job_keeps_its_error_with_the_hint(queue: Queue) -> None:
    new_jobs(queue)
    error = RoiError("P402", "roi 'eye'", hint="draw it inside the frame").record()
    queue.give_back(claimed(queue), after_error(error, 0, 0), Facts(error=error.as_dict()))
    (row,) = jobs_of(queue)
    assert (row.state, row.error["hint"]) == ("failed", "draw it inside the frame")
    assert attempts(queue, 1)[0].error["code"] == "P402"
    assert not queue.is_open()


def test_a_retry_starts_with_fresh_counters(queue: Queue) -> None:
    new_jobs(queue, 2)
    error = RoiError("P402", "roi 'eye'").record()
    queue.give_back(claimed(queue), replace(after_error(error, 2, 3)), Facts())
    assert queue.retry(true()) == [1]
    row = jobs_of(queue)[0]
    assert (row.state, row.strikes, row.retries, row.error, row.attempt) == ("queued", 0, 0, {}, 1)
    assert claimed(queue).attempt == 2


def test_done_jobs_are_not_retried(queue: Queue) -> None:
    new_jobs(queue)
    finished(queue, claimed(queue))
    assert queue.retry(true()) == []
    assert queue.redo(true(), "stale") == [1]
    assert state(queue) == "queued"


def test_waiting_and_queued_jobs_are_cancelled_at_once(queue: Queue) -> None:
    new_jobs(queue)
    new_jobs(queue, needs=["key-0"])
    assert queue.cancel(true()) == ([1, 2], [])
    assert {row.state for row in jobs_of(queue)} == {"cancelled"}


def test_a_running_job_is_asked_to_stop(queue: Queue) -> None:
    new_jobs(queue)
    claim = claimed(queue)
    assert queue.cancel(true(), discard=True) == ([], [1])
    assert queue.cancel_requests([claim.token]) == {claim.token: "cancel and discard"}
    assert state(queue) == "running"
    assert queue.cancelled(claim, Facts())
    (row,) = jobs_of(queue)
    assert (row.state, row.cancel_requested) == ("cancelled", False)


def test_a_job_waits_for_all_its_needs(queue: Queue) -> None:
    new_jobs(queue, 2)
    new_jobs(queue, needs=["key-0", "key-1"])
    assert state(queue, 3) == "waiting"
    finished(queue, claimed(queue))
    assert state(queue, 3) == "waiting"
    finished(queue, claimed(queue))
    assert state(queue, 3) == "queued"


def test_a_job_whose_needs_are_done_need_not_wait(queue: Queue) -> None:
    new_jobs(queue)
    finished(queue, claimed(queue))
    new_jobs(queue, needs=["key-0"])
    assert state(queue, 2) == "queued"


def test_a_failed_need_leaves_its_dependants_waiting_until_it_is_retried(queue: Queue) -> None:
    new_jobs(queue)
    new_jobs(queue, needs=["key-0"])
    queue.give_back(claimed(queue), after_error(RoiError("P402", "x").record(), 0, 0), Facts())
    assert state(queue, 2) == "waiting"
    queue.retry(true())
    finished(queue, claimed(queue))
    assert state(queue, 2) == "queued"


def test_priority_changes_only_jobs_that_are_not_through(queue: Queue) -> None:
    new_jobs(queue, 2)
    finished(queue, claimed(queue))
    assert queue.set_priority(true(), 9) == [2]


def test_what_the_caller_writes_at_the_end_is_undone_with_it(queue: Queue) -> None:
    new_jobs(queue)
    claim = claimed(queue)
    with pytest.raises(ZeroDivisionError), queue.finishing(claim, "done", Facts()):
        raise ZeroDivisionError
    assert state(queue) == "running"


def test_an_end_whose_answer_was_lost_is_not_a_lost_lease(queue: Queue) -> None:
    new_jobs(queue)
    claim = claimed(queue)
    assert queue.give_back(claim, after_yield("x", 0, 0), Facts())
    assert queue.give_back(claim, after_yield("x", 0, 0), Facts())
    assert len(attempts(queue, 1)) == 1


def test_the_end_of_a_driver_is_noted(queue: Queue) -> None:
    queue.leave("a")
    assert [row.ended is None for row in drivers(queue)] == [False, True]


def test_a_turn_that_somebody_keeps_holds_nobody_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import fcntl

    made = empty_queue(tmp_path)
    monkeypatch.setattr("mystax.engine.catalog.database.BUSY_SECONDS", 0.05)
    with Path(f"{made.database.url.database}-turn").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert new_jobs(made, 2) == [1, 2]
    made.database.close()
