"""Long work of the app: runs of folders in children, and the queue of a catalogue in its own words."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mystax.app.collection import CatalogCollection, Item
from mystax.app.jobs import CatalogJobs, FolderJobs
from mystax.app.schemas import JobWanted
from mystax.engine.catalog.catalog import Catalog
from mystax.errors import AppError, PlanError
from tests.fixtures.catalogues import make_lab

CHILD = """
import json, sys, time
wish = json.loads(sys.stdin.readline())
def tell(**event): print(json.dumps(event), flush=True)
tell(kind="progress", done=1, total=4, data={"rate": 50.0})
tell(kind="note", text=str(sorted(wish["request"]["paths"])) + " " + str(wish["rois"]))
print("no event", flush=True)
if wish["force"]:
    time.sleep(60)
if wish["parameters"]:
    tell(error={"code": "V102", "where": "face.mp4", "what": "broken", "got": json.dumps(wish["parameters"])})
    sys.exit(1)
"""
ITEM = Item("f1", "face", {"face": (Path("face.mp4"),)})


def wanted(**more: Any) -> JobWanted:
    return JobWanted(recording="f1", analyses=["motion"], **more)


def with_jobs(job: Callable[[FolderJobs], Awaitable[Any]]) -> Any:
    """Do something with the jobs of folders, whose child is a small one."""

    async def run() -> Any:
        jobs = FolderJobs((sys.executable, "-c", CHILD))
        try:
            return await asyncio.wait_for(job(jobs), 30)
        finally:
            await jobs.close()

    return asyncio.run(run())


async def until(jobs: FolderJobs | CatalogJobs, *states: str) -> Any:
    """Wait until the first job is in a state."""
    while True:
        found = await jobs.state()
        if found.jobs[0].state in states:
            return found
        await asyncio.sleep(0.01)


def test_a_run_is_followed_to_its_end() -> None:
    async def job(jobs: FolderJobs) -> Any:
        assert await jobs.add(ITEM, wanted()) == ["j1"]
        return await until(jobs, "done"), await jobs.log("j1", 0), await jobs.log("j1", 1)

    state, log, rest = with_jobs(job)
    assert (state.jobs[0].share, state.jobs[0].rate) == (1.0, 50.0)
    assert state.counts["done"] == 1
    assert state.is_worked
    assert log.lines == ["['face'] None"]
    assert (rest.lines, rest.next) == ([], 1)


def test_a_run_that_fails_keeps_its_reason_and_can_be_tried_again() -> None:
    async def job(jobs: FolderJobs) -> Any:
        await jobs.add(ITEM, wanted(parameters={"motion": {"bin": 2}}))
        failed = await until(jobs, "failed")
        await jobs.act("j1", "retry")
        again = await jobs.state()
        return failed, again, await until(jobs, "failed")

    failed, again, _ = with_jobs(job)
    known = {"code": "V102", "where": "face.mp4", "what": "broken", "got": '{"motion": {"bin": 2}}'}
    assert failed.jobs[0].error == known, "the child got what was typed"
    assert again.jobs[0].state in {"queued", "running"}


def test_a_child_that_dies_is_a_failure_with_a_code() -> None:
    async def job() -> Any:
        jobs = FolderJobs((sys.executable, "-c", "import os; os._exit(9)"))
        await jobs.add(ITEM, wanted())
        found = await until(jobs, "failed")
        await jobs.close()
        return found

    error = asyncio.run(job()).jobs[0].error
    assert (error["code"], error["what"]) == ("B999", "its process ended with 9")


def test_a_run_is_cancelled_and_the_next_one_begins() -> None:
    async def job(jobs: FolderJobs) -> Any:
        await jobs.add(ITEM, wanted(force=True))
        await until(jobs, "running")
        await jobs.add(ITEM, wanted())
        assert [row.state for row in (await jobs.state()).jobs] == ["running", "queued"]
        await jobs.act("j1", "cancel")
        while (found := await jobs.state()).jobs[1].state != "done":
            await asyncio.sleep(0.01)
        return found

    assert [row.state for row in with_jobs(job).jobs] == ["cancelled", "done"]


def test_closing_ends_the_child() -> None:
    async def job() -> Any:
        jobs = FolderJobs((sys.executable, "-c", CHILD))
        await jobs.add(ITEM, wanted(force=True))
        await until(jobs, "running")
        await asyncio.wait_for(jobs.close(), 5)

    asyncio.run(job())


def test_what_is_unknown_is_refused_before_a_child_starts() -> None:
    async def job(jobs: FolderJobs) -> Any:
        with pytest.raises(PlanError, match="motion"):
            await jobs.add(ITEM, JobWanted(recording="f1", analyses=["motoin"]))
        with pytest.raises(PlanError, match="P401"):
            await jobs.add(ITEM, wanted(parameters={"motion": {"bin": -1}}))
        with pytest.raises(AppError, match="W903"):
            await jobs.log("j1", 0)
        return await jobs.state()

    assert with_jobs(job).jobs == []


def test_the_queue_of_a_catalogue_is_told_in_its_own_words(tmp_path: Path) -> None:
    make_lab(tmp_path, 2, n_frames=6)

    async def job() -> None:
        with Catalog.open(tmp_path) as catalog:
            jobs = CatalogJobs(catalog)
            first, second = CatalogCollection(catalog).items()
            wish = JobWanted(recording=first.id, analyses=["motion"])
            (key,) = await jobs.add(first, wish)
            assert await jobs.add(first, wish) == [], "what is queued is not queued again"
            await jobs.add(second, JobWanted(recording=second.id, analyses=["motion"]))
            state = await jobs.state()
            assert [row.state for row in state.jobs] == ["queued", "queued"]
            assert state.jobs[0].id == key
            assert state.jobs[0].analyses == ["motion"]
            assert state.counts["queued"] == 2
            assert not state.is_worked
            await jobs.act(key, "cancel")
            assert (await jobs.state()).jobs[0].state == "cancelled"
            await jobs.act(key, "retry")
            assert (await jobs.state()).jobs[0].state == "queued"
            log = await jobs.log(key, 0)
            assert (log.state, log.lines) == ("queued", [])
            with pytest.raises(PlanError, match="P403"):
                await jobs.act("j99", "cancel")
            with pytest.raises(PlanError, match="P403"):
                await jobs.log("nonsense", 0)
            await jobs.close()

    asyncio.run(job())


def test_a_long_log_of_a_catalogue_goes_on_and_that_of_another_attempt_begins_anew(tmp_path: Path) -> None:
    log = tmp_path / "1.log"
    told = {"state": "running", "log": str(log), "lines": []}
    jobs = CatalogJobs(SimpleNamespace(log=lambda *_, **__: told))
    lines = [f"line {number} of a job that has much to say, more than fits" for number in range(2500)]
    log.write_text("\n".join(lines[:2400]) + "\n" + lines[2400][:9])
    first = asyncio.run(jobs.log("j1", 0))
    assert (first.lines, first.next) == (lines[1400:2400], 2400), "the line that is being written waits"
    log.write_text("\n".join(lines))
    told["state"] = "done"
    rest = asyncio.run(jobs.log("j1", first.next))
    assert (rest.lines, rest.next, rest.state) == (lines[2400:], 2500, "done")
    told |= {"log": str(tmp_path / "2.log"), "state": "running"}
    (tmp_path / "2.log").write_text("again\n")
    again = asyncio.run(jobs.log("j1", rest.next))
    assert (again.lines, again.next) == (["again"], 1)
    told["log"] = ""
    assert asyncio.run(jobs.log("j1", 0)).lines == []


@pytest.mark.slow
def test_this_computer_works_on_the_queue_when_it_is_asked_to(tmp_path: Path) -> None:
    make_lab(tmp_path, 1, n_frames=6)

    async def job() -> Any:
        with Catalog.open(tmp_path) as catalog:
            jobs = CatalogJobs(catalog)
            item = CatalogCollection(catalog).items()[0]
            await jobs.add(item, JobWanted(recording=item.id, analyses=["motion"]))
            await jobs.work()
            assert (await jobs.state()).is_worked
            found = await asyncio.wait_for(until(jobs, "done", "failed"), 60)
            await jobs.close()
            collection = CatalogCollection(catalog)
            return found, collection.items()[0].outcomes()

    found, outcomes = asyncio.run(job())
    assert found.jobs[0].state == "done", found
    assert [outcome.analysis for outcome in outcomes] == ["motion"]
