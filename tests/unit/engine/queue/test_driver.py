"""One driver: claims, beats, gates, ends, takeovers and stops, with an executor that only pretends."""

import signal
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from mystax.core.events import Event
from mystax.engine.catalog.claims import Claim, Facts, Progress
from mystax.engine.catalog.queue import Queue
from mystax.engine.catalog.tables import job
from mystax.engine.queue.driver import Driver
from mystax.engine.queue.driver_state import Bounds
from mystax.engine.queue.executor import JobSpec
from mystax.engine.signals import Stop
from mystax.errors import Cancelled, CatalogError, RoiError, SpaceError, VideoError
from tests.fixtures.jobs import (
    FakeDispatch,
    FakeExecutor,
    attempts,
    drivers,
    empty_queue,
    enter,
    error_fields,
    jobs_of,
    new_jobs,
)


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Bench:
    """A driver on a queue of its own, and what it needs."""

    def __init__(self, folder: Path) -> None:
        self.queue = empty_queue(folder)
        self.clock, self.stop = Clock(), Stop()
        self.executor, self.dispatch = FakeExecutor(), FakeDispatch(self.queue)
        self.events: list[Event] = []

    def driver(self, queue: Any = None, **more: Any) -> Driver:
        return Driver(
            queue or self.queue,
            self.dispatch,
            self.executor,
            {"id": "me", "host": "here", "pid": 7},
            report=self.events.append,
            stop=self.stop,
            monotonic=self.clock,
            **more,
        )

    def turns(self, driver: Driver, seconds: float = 0.0, step: float = 1.0) -> None:
        driver.turn(0.0)
        for _ in range(round(seconds / step)):
            self.clock.now += step
            driver.turn(0.0)

    def state(self, number: int = 1) -> str:
        return str(next(row.state for row in jobs_of(self.queue) if row.id == number))

    def told(self, code: str) -> list[Event]:
        return [event for event in self.events if event.data.get("code") == code]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.queue.database.close()


def test_it_claims_as_many_jobs_as_there_is_room_for(bench: Bench) -> None:
    new_jobs(bench.queue, 3)
    bench.executor.n_slots = 2
    bench.turns(bench.driver())
    assert [row.state for row in jobs_of(bench.queue)] == ["running", "running", "queued"]
    assert [row.id for row in drivers(bench.queue)] == ["me"]


def running(bench: Bench) -> set[int]:
    return {row.id for row in jobs_of(bench.queue) if row.state == "running"}


def end_first(bench: Bench) -> None:
    """Let the job end that has run longest."""
    bench.executor.end(next(iter(bench.executor.running)))


def test_a_job_of_two_cores_is_not_starved_by_those_of_one(bench: Bench) -> None:
    bench.executor.n_slots = 2
    new_jobs(bench.queue, 1)
    new_jobs(bench.queue, 1, cores=2)
    new_jobs(bench.queue, 20)
    driver = bench.driver()
    bench.turns(driver)
    began = bench.clock.now
    assert running(bench) == {1, 3}
    while 2 not in running(bench):
        end_first(bench)
        bench.turns(driver, 10.0, 10.0)
        assert bench.clock.now - began < 100
    assert running(bench) == {2}
    assert bench.clock.now - began >= 60
    end_first(bench)
    bench.turns(driver)
    assert len(running(bench)) == 2


def test_a_job_of_two_cores_and_higher_priority_is_the_next_to_begin(bench: Bench) -> None:
    bench.executor.n_slots = 2
    new_jobs(bench.queue, 6)
    driver = bench.driver()
    bench.turns(driver)
    new_jobs(bench.queue, 1, cores=2, priority=1)
    end_first(bench)
    bench.turns(driver)
    assert running(bench) == {2}
    end_first(bench)
    bench.turns(driver)
    assert running(bench) == {7}


def test_a_job_that_ends_well_is_published_and_the_next_one_begins(bench: Bench) -> None:
    new_jobs(bench.queue, 2)
    driver = bench.driver()
    bench.turns(driver)
    bench.executor.event(bench.executor.token, "outcome", "motion")
    bench.executor.end(bench.executor.token)
    bench.turns(driver)
    assert bench.dispatch.published == [1]
    assert [row.state for row in jobs_of(bench.queue)] == ["done", "running"]
    assert (driver.tally.done, driver.tally.adopted) == (1, 0)


def test_a_job_that_made_nothing_has_adopted_what_was_there(bench: Bench) -> None:
    new_jobs(bench.queue)
    driver = bench.driver()
    bench.turns(driver)
    bench.executor.end(bench.executor.token)
    bench.turns(driver)
    assert [row.ending for row in attempts(bench.queue, 1)] == ["adopted"]


def test_an_outcome_takes_its_place_only_after_a_beat_that_shows_the_lease(bench: Bench) -> None:
    new_jobs(bench.queue)
    driver = bench.driver()
    bench.turns(driver)
    token, before = bench.executor.token, jobs_of(bench.queue)[0].beat
    bench.executor.event(token, "ready", "motion")
    bench.turns(driver)
    assert bench.executor.said("allow") == [(token, "")]
    assert jobs_of(bench.queue)[0].beat == before + 1


def test_an_outcome_of_a_job_that_was_taken_over_never_takes_its_place(bench: Bench) -> None:
    new_jobs(bench.queue)
    driver = bench.driver()
    bench.turns(driver)
    enter(bench.queue, "other")
    bench.queue.take_over(bench.queue.look("other")[0], "other")
    token = bench.executor.token
    bench.executor.event(token, "ready", "motion")
    bench.turns(driver)
    assert bench.executor.said("allow") == []
    assert bench.executor.said("stop") == [(token, "lost")]
    bench.executor.end(token, "stopped", why="lost")
    bench.turns(driver)
    assert driver.tally.lost == 1
    assert bench.told("Q601")
    assert bench.state() == "running"


def test_it_beats_every_ten_seconds_and_renews_its_jobs(bench: Bench) -> None:
    new_jobs(bench.queue)
    driver = bench.driver()
    bench.turns(driver, 30)
    assert jobs_of(bench.queue)[0].beat == 3
    assert bench.executor.said("renew") == [(bench.executor.token, "")] * 4


def test_progress_and_checkpoints_stand_in_the_beat(bench: Bench) -> None:
    new_jobs(bench.queue)
    driver = bench.driver()
    bench.turns(driver)
    token = bench.executor.token
    bench.executor.event(token, "note", "resume", 20, 200)
    bench.executor.event(token, "progress", "reading 1", 50, 200)
    bench.executor.event(token, "checkpoint", "checkpoint", 40, 200)
    bench.turns(driver, 10)
    assert jobs_of(bench.queue)[0].done == 25
    assert attempts(bench.queue, 1)[0].frame_to == 40


def test_a_beat_that_lost_a_job_stops_its_child(bench: Bench) -> None:
    new_jobs(bench.queue)
    driver = bench.driver()
    bench.turns(driver)
    enter(bench.queue, "other")
    bench.queue.take_over(bench.queue.look("other")[0], "other")
    bench.turns(driver, 10)
    assert bench.executor.said("stop") == [(bench.executor.token, "lost")]
    assert len(bench.executor.said("renew")) == 1


def test_a_refusal_before_the_start_is_settled_by_the_rules(bench: Bench) -> None:
    new_jobs(bench.queue, 2)
    bench.dispatch.refusals = {1: SpaceError("S501", "disk"), 2: RoiError("P402", "roi 'eye'")}
    driver = bench.driver()
    bench.turns(driver, 2)
    assert [row.state for row in jobs_of(bench.queue)] == ["queued", "failed"]
    assert jobs_of(bench.queue)[0].reason.startswith("held: S501")
    assert [error.code for error in driver.tally.errors] == ["P402"]


def test_an_error_that_may_pass_is_tried_again_later(bench: Bench) -> None:
    new_jobs(bench.queue)
    driver = bench.driver()
    bench.turns(driver)
    error = error_fields(VideoError("V131", "face.mp4", hint="see the disk"))
    bench.executor.end(bench.executor.token, "failed", error=error)
    bench.turns(driver)
    (row,) = jobs_of(bench.queue)
    assert (row.state, row.retries, row.error["hint"]) == ("queued", 1, "see the disk")
    assert driver.tally.again == 1


def test_three_lost_workers_without_progress_are_enough(bench: Bench) -> None:
    new_jobs(bench.queue)
    driver = bench.driver()
    for _ in range(3):
        bench.turns(driver)
        bench.executor.tell(bench.executor.token, "lost", cause="KilledWorker")
        bench.turns(driver)
    (row,) = jobs_of(bench.queue)
    assert (row.state, row.error["code"], row.strikes) == ("failed", "Q602", 3)
    assert "KilledWorker" in row.error["got"]


def test_lost_workers_that_left_checkpoints_do_not_count(bench: Bench) -> None:
    new_jobs(bench.queue)
    driver = bench.driver()
    bench.turns(driver)
    for n in range(5):
        bench.executor.event(bench.executor.token, "note", "resume", 100 * n, 1000)
        bench.executor.event(bench.executor.token, "checkpoint", "checkpoint", 100 * n + 100, 1000)
        bench.executor.tell(bench.executor.token, "lost", cause="preempted")
        bench.turns(driver)
        bench.turns(driver)
    assert (bench.state(), jobs_of(bench.queue)[0].strikes) == ("running", 0)


def test_a_scheduler_that_runs_a_job_twice_is_a_lost_worker(bench: Bench) -> None:
    new_jobs(bench.queue)
    driver = bench.driver()
    bench.turns(driver)
    token = bench.executor.token
    bench.executor.tell(token, "started", worker="second", host="h")
    bench.turns(driver)
    assert bench.executor.said("stop") == [(token, "again")]
    bench.executor.end(token)
    bench.turns(driver)
    assert bench.dispatch.published == []
    assert attempts(bench.queue, 1)[0].ending == "lost"
    assert jobs_of(bench.queue)[0].strikes == 1


@pytest.mark.parametrize("discard", [False, True])
def test_a_cancelled_job_is_stopped_within_seconds(bench: Bench, discard: bool) -> None:
    new_jobs(bench.queue)
    driver = bench.driver()
    bench.turns(driver, 2)
    bench.queue.cancel(job.c.id == 1, discard=discard)
    bench.turns(driver, 4)
    token = bench.executor.token
    assert bench.executor.said("stop") == [(token, "cancel")]
    bench.executor.end(token, "stopped", why="cancel")
    bench.turns(driver)
    assert bench.state() == "cancelled"
    assert bench.dispatch.discarded == ([1] if discard else [])


@pytest.mark.parametrize("heard", [False, True])
@pytest.mark.parametrize("how", ["failed", "lost", "stopped"])
@pytest.mark.parametrize("discard", [False, True])
def test_a_cancelled_job_stays_cancelled_however_it_ends(
    bench: Bench, discard: bool, how: str, heard: bool
) -> None:
    new_jobs(bench.queue)
    driver = bench.driver()
    bench.turns(driver, 2)
    bench.queue.cancel(job.c.id == 1, discard=discard)
    token = bench.executor.token
    if heard:
        bench.turns(driver, 4)
    if how == "failed":
        bench.executor.end(token, "failed", error=error_fields(VideoError("V131", "face.mp4")))
    elif how == "lost":
        bench.executor.end(token, "lost", cause="killed")
    else:
        bench.executor.end(token, "stopped", why="yield")
    bench.turns(driver)
    assert bench.state() == "cancelled"
    assert bench.executor.running == {}
    assert bench.dispatch.discarded == ([1] if discard else [])
    assert driver.tally.cancelled == 1


@pytest.mark.parametrize("discard", [False, True])
def test_a_job_to_be_cancelled_is_cancelled_by_the_driver_that_takes_it_over(
    bench: Bench, discard: bool
) -> None:
    enter(bench.queue, "other")
    new_jobs(bench.queue)
    bench.queue.claim("other", 1)
    bench.queue.cancel(job.c.id == 1, discard=discard)
    driver = bench.driver(is_gone=lambda row: row.host == "host-other")
    bench.turns(driver, 5)
    bench.executor.end(bench.executor.token, "stopped", why="cancel")
    bench.turns(driver)
    assert bench.state() == "cancelled"
    assert bench.dispatch.discarded == ([1] if discard else [])


def test_it_takes_a_job_whose_driver_has_been_silent_for_a_minute(bench: Bench) -> None:
    enter(bench.queue, "other")
    new_jobs(bench.queue)
    old = bench.queue.claim("other", 1)
    assert old is not None
    driver = bench.driver()
    bench.turns(driver, 50, step=10)
    assert bench.executor.running == {}
    bench.turns(driver, 20, step=10)
    assert bench.executor.token != old.token
    assert bench.dispatch.fenced[1] == [old.token]
    assert [row.ending for row in attempts(bench.queue, 1)] == ["lost", None]


def test_it_leaves_a_job_whose_driver_beats_now_and_then(bench: Bench) -> None:
    from mystax.engine.catalog.claims import Progress

    enter(bench.queue, "other")
    new_jobs(bench.queue)
    old = bench.queue.claim("other", 1)
    assert old is not None
    driver = bench.driver()
    for _ in range(10):
        bench.turns(driver, 50, step=10)
        assert bench.queue.beat("other", {old.token: Progress()}) == {old.token}
    assert bench.executor.running == {}


def test_a_driver_whose_process_is_gone_is_followed_at_once(bench: Bench) -> None:
    enter(bench.queue, "other")
    new_jobs(bench.queue)
    bench.queue.claim("other", 1)
    bench.turns(bench.driver(is_gone=lambda row: row.host == "host-other"))
    assert len(bench.executor.running) == 1


def test_a_job_that_loses_every_driver_is_given_up(bench: Bench) -> None:
    enter(bench.queue, "other")
    new_jobs(bench.queue)
    bench.queue.claim("other", 1)
    for n in range(9):
        enter(bench.queue, f"d{n}")
        assert bench.queue.take_over(bench.queue.look(f"d{n}")[0], f"d{n}") is not None
    bench.turns(bench.driver(is_gone=lambda _: True))
    (row,) = jobs_of(bench.queue)
    assert (row.state, row.error["code"]) == ("failed", "Q602")
    assert bench.executor.running == {}


def test_it_does_not_take_more_than_it_has_room_for(bench: Bench) -> None:
    enter(bench.queue, "other")
    new_jobs(bench.queue, 3)
    for _ in range(3):
        bench.queue.claim("other", 1)
    bench.turns(bench.driver(is_gone=lambda _: True))
    assert len(bench.executor.running) == 1


def test_an_abandoned_job_goes_before_those_that_nobody_has_begun(bench: Bench) -> None:
    enter(bench.queue, "other")
    new_jobs(bench.queue, 3)
    driver = bench.driver()
    bench.turns(driver)
    bench.queue.claim("other", 1)
    bench.turns(driver, 75)  # it looks, and has no room
    assert next(iter(bench.executor.running.values())).name == "j1"
    bench.executor.end(bench.executor.token)
    bench.turns(driver)
    assert next(iter(bench.executor.running.values())).name == "j2"
    assert [row.ending for row in attempts(bench.queue, 2)] == ["lost", None]


def test_a_driver_that_comes_back_before_there_is_room_keeps_its_job(bench: Bench) -> None:
    enter(bench.queue, "other")
    new_jobs(bench.queue, 2)
    driver = bench.driver()
    bench.turns(driver)
    claim = bench.queue.claim("other", 1)
    assert claim is not None
    bench.turns(driver, 75)
    bench.queue.beat("other", {claim.token: Progress()})
    bench.executor.end(bench.executor.token)
    bench.turns(driver)
    assert bench.executor.running == {}
    assert [row.driver_id for row in jobs_of(bench.queue)] == [None, "other"]


class AwayQueue(Queue):
    """A queue whose database can be away."""

    is_away = False

    def __getattribute__(self, name: str) -> Any:
        wrapped = ("beat", "claim", "look", "finishing", "give_back", "is_open", "cancel_requests")
        if name in wrapped and object.__getattribute__(self, "is_away"):
            raise CatalogError("Q603", "db", "the database is locked or away")
        return super().__getattribute__(name)


def test_while_the_database_is_away_jobs_go_on_and_ends_wait(bench: Bench) -> None:
    new_jobs(bench.queue)
    away = AwayQueue(bench.queue.database)
    bench.dispatch.queue = away
    driver = bench.driver(away)
    bench.turns(driver)
    token = bench.executor.token
    away.is_away = True
    bench.turns(driver, 300, step=5)
    assert len(bench.executor.said("renew")) >= 29
    assert bench.executor.said("stop") == []
    bench.executor.event(token, "ready", "motion")
    bench.executor.end(token)
    bench.turns(driver, 60)
    assert bench.state() == "running"
    away.is_away = False
    bench.turns(driver, 40)
    assert bench.state() == "done"
    assert [row.ending for row in attempts(bench.queue, 1)] == ["adopted"]
    assert len([event for event in bench.events if event.stage == "database"]) < 40


def test_it_ends_when_nothing_is_left(bench: Bench) -> None:
    assert bench.driver().run().as_dict() == dict.fromkeys(
        ("done", "adopted", "failed", "cancelled", "yielded", "lost", "again"), 0
    )
    assert bench.executor.is_closed
    assert drivers(bench.queue)[0].ended is not None


class ImmediateExecutor(FakeExecutor):
    """Every job is done as soon as it is started."""

    def start(self, spec: JobSpec) -> None:
        super().start(spec)
        self.event(spec.token, "outcome", "motion")
        self.end(spec.token)


@pytest.mark.parametrize(("bounds", "n"), [(Bounds(), 5), (Bounds(once=2), 2), (Bounds(max_seconds=0.0), 0)])
def test_its_bounds_hold(bench: Bench, bounds: Bounds, n: int) -> None:
    new_jobs(bench.queue, 5)
    bench.executor = ImmediateExecutor()
    assert bench.driver(bounds=bounds).run().done == n
    assert [row.state for row in jobs_of(bench.queue)].count("done") == n


def test_a_wish_to_stop_lets_jobs_yield(bench: Bench) -> None:
    new_jobs(bench.queue)

    class Yielding(FakeExecutor):
        def stop(self, token: str, how: str) -> None:
            super().stop(token, how)
            self.end(token, "stopped", why=how)

    bench.executor = Yielding()
    driver = bench.driver()
    bench.turns(driver)
    bench.stop.signal = signal.SIGINT
    with pytest.raises(Cancelled) as stopped:
        driver.run()
    assert stopped.value.signal == signal.SIGINT
    (row,) = jobs_of(bench.queue)
    assert (row.state, row.strikes, row.retries) == ("queued", 0, 0)
    assert [one.ending for one in attempts(bench.queue, 1)] == ["yielded"]


def test_a_worker_without_time_gives_its_job_back(bench: Bench) -> None:
    new_jobs(bench.queue)
    driver = bench.driver()
    bench.turns(driver)
    bench.executor.end(bench.executor.token, "stopped", why="no_time")
    bench.turns(driver)
    assert attempts(bench.queue, 1)[0].ending == "yielded"
    assert jobs_of(bench.queue)[0].attempt == 2


@pytest.mark.parametrize("when", ["start", "end"])
def test_a_disk_that_fails_is_no_end_of_the_driver(bench: Bench, when: str) -> None:
    new_jobs(bench.queue)

    class Failing(FakeDispatch):
        def spec_of(self, claim: Claim, fenced: Sequence[str]) -> JobSpec:
            if when == "start":
                raise OSError(5, "Input/output error", "face.mp4")
            return super().spec_of(claim, fenced)

        def publish(self, claim: Claim, facts: Facts, *, is_adopted: bool) -> bool:  # noqa: ARG002 - never read
            raise OSError(5, "Input/output error", "motion.nc")

    bench.dispatch = Failing(bench.queue)
    driver = bench.driver()
    bench.turns(driver)
    if when == "end":
        bench.executor.end(bench.executor.token)
    bench.turns(driver)
    (row,) = jobs_of(bench.queue)
    assert (row.state, row.error["code"], row.retries) == ("queued", "V131", 1)
