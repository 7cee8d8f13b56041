"""Executors: one job at a time under a supervisor; messages, orders, publication on leave only."""

import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from mystax.engine.queue.executor import Executor, JobSpec, Message, SupervisorExecutor, attend, order
from tests.fixtures.engine_runs import ENVIRONMENT, digest_of, run_folder, toy_job, toy_recipe
from tests.fixtures.engine_toys import make_recording, toy_spec
from tests.fixtures.jobs import FakeExecutor

TOKEN = "0123456789abcdef"  # noqa: S105 - of a job


def spec_of(folder: Path, spec: dict[str, Any], *names: str, **more: Any) -> JobSpec:
    job = toy_job(folder / "out", spec, toy_recipe(*names), token=TOKEN, gated=True)
    return JobSpec(
        TOKEN, "j1", asdict(job), str(folder / "log" / "j1-1.log"), environment=ENVIRONMENT, **more
    )


@pytest.fixture(scope="module")
def executor() -> Iterator[SupervisorExecutor]:
    """An executor that is free whenever a test begins: each waits for the end of its job."""
    made = SupervisorExecutor()
    yield made
    made.close()


def until(executor: SupervisorExecutor, what: str, kind: str = "") -> list[Message]:
    """Poll until a message of a kind has come."""
    found: list[Message] = []
    end = time.monotonic() + 100
    while not any(one.what == what and one.data.get("kind", "") == kind for one in found):
        assert time.monotonic() < end, found
        found += executor.poll(1.0)
    return found


def test_the_executors_are_what_a_driver_expects() -> None:
    assert isinstance(SupervisorExecutor(), Executor)
    assert isinstance(FakeExecutor(), Executor)


def test_a_job_publishes_only_when_it_is_allowed(tmp_path: Path, executor: SupervisorExecutor) -> None:
    assert executor.slots() == 1
    executor.start(spec_of(tmp_path, toy_spec(40)))
    assert executor.slots() == 0
    first = until(executor, "event", "ready")
    assert first[0].what == "started"
    assert not (tmp_path / "out" / "toy.nc").exists()
    assert list((tmp_path / "out").glob(f".toy.{TOKEN}.nc.part"))
    executor.allow(TOKEN)
    last = until(executor, "ended")[-1]
    assert last.data["ending"] == "done"
    assert executor.slots() == 1
    run_folder(tmp_path / "here", make_recording(toy_spec(40)))
    assert digest_of(tmp_path / "out") == digest_of(tmp_path / "here")
    assert (tmp_path / "log" / "j1-1.log").is_file()


def test_a_job_that_is_stopped_at_the_gate_leaves_no_part(
    tmp_path: Path, executor: SupervisorExecutor
) -> None:
    executor.start(spec_of(tmp_path, toy_spec(40)))
    until(executor, "event", "ready")
    executor.stop(TOKEN, "lost")
    last = until(executor, "ended")[-1]
    assert (last.data["ending"], last.data["why"]) == ("stopped", "lost")
    assert not (tmp_path / "out" / "toy.nc").exists()
    assert not list((tmp_path / "out").rglob("*.nc.part"))


def test_a_refusal_is_told_with_its_fields(tmp_path: Path, executor: SupervisorExecutor) -> None:
    executor.start(spec_of(tmp_path, toy_spec(40), "toyeye"))
    until(executor, "event", "ready")  # the proposals
    executor.allow(TOKEN)
    last = until(executor, "ended")[-1]
    assert last.data["ending"] == "failed"
    assert last.data["error"]["code"] == "P402"
    assert last.data["error"]["hint"]


def test_a_job_that_nobody_renews_stops_by_itself(tmp_path: Path, executor: SupervisorExecutor) -> None:
    executor.start(spec_of(tmp_path, toy_spec(40), lease=0.5))
    last = until(executor, "ended")[-1]
    assert (last.data["ending"], last.data["why"]) == ("stopped", "lost")


def test_orders_reach_only_jobs_of_this_process() -> None:
    assert order("renew", ["ffffffffffffffff"]) == []


def test_a_worker_that_is_about_to_end_takes_no_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MYSTAX_DEADLINE", str(int(time.time()) + 30))
    told: list[Message] = []
    attend(spec_of(tmp_path, toy_spec(40)), told.append)
    assert [(one.what, one.data["why"]) for one in told] == [("ended", "no_time")]


def test_whatever_a_job_raises_stays_with_it(tmp_path: Path) -> None:
    told: list[Message] = []
    spec = spec_of(tmp_path, toy_spec(40))
    broken = JobSpec(**{**spec.as_dict(), "log": str(tmp_path / "log" / "j1" / "x" / "\0.log")})
    attend(broken, told.append)
    assert told[-1].data["error"]["code"] == "B999"
