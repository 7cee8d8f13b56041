"""Long work: the queue, new jobs, their logs, and a stream of what changes."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse

from mystax.app.child_runs import ChildRuns
from mystax.app.collection import find
from mystax.app.jobs import Jobs, with_runs
from mystax.app.schemas import JobCurve, JobLog, JobsAdded, JobWanted, QueueState
from mystax.app.security import refused
from mystax.app.writes import check_writable
from mystax.errors import CatalogError

__all__ = ["router"]

router = APIRouter(tags=["queue"])
MOST_STREAMS = 8
BETWEEN, SILENCE = 1.0, 15.0
"""Time between two looks at the queue, and until a line says that the stream lives [s]."""


def _holder(request: Request, key: str) -> Jobs | ChildRuns:
    """Return who knows a job: what this computer does beside the queue, or the queue."""
    state = request.app.state.mystax
    jobs: Jobs = state.jobs
    return next((runs for runs in _own(request) if key in runs), jobs)


def _own(request: Request) -> tuple[ChildRuns, ...]:
    """Return what this computer does beside the queue."""
    state = request.app.state.mystax
    return (state.trainings, state.comparisons, state.additions)


@router.get("/queue")
async def queue(request: Request) -> QueueState:
    """Give all jobs, their counts, and when they will be done."""
    state = request.app.state.mystax
    return with_runs(await state.jobs.state(), *_own(request))


@router.post("/jobs")
async def add(wanted: JobWanted, request: Request) -> JobsAdded:
    """Queue work on a recording; none is added where all outcomes are there."""
    check_writable(request, "queue")
    state = request.app.state.mystax
    ids = await state.jobs.add(find(state.collection.items(), wanted.recording), wanted)
    return JobsAdded(ids=ids)


@router.post("/queue/work")
async def work(request: Request) -> QueueState:
    """Let this computer work on what is queued."""
    check_writable(request, "queue")
    await request.app.state.mystax.jobs.work()
    return await queue(request)


@router.post("/jobs/{key}/{action}")
async def act(key: str, action: Literal["cancel", "retry"], request: Request) -> QueueState:
    """Cancel a job, or queue it again."""
    check_writable(request, "queue")
    await _holder(request, key).act(key, action)
    return await queue(request)


@router.get("/jobs/{key}/log")
async def log(key: str, request: Request, after: Annotated[int, Query(ge=0)] = 0) -> JobLog:
    """Give the lines of a job's log from some number on."""
    return await _holder(request, key).log(key, after)


@router.get("/jobs/{key}/curve")
async def curve(key: str, request: Request) -> JobCurve:
    """Give the loss of a training over its steps, while it runs and after."""
    found = next((runs for runs in _own(request) if key in runs), None)
    if found is None:
        raise refused(404, "W903", f"curve of job {key[:60]!r}", "only trainings of this computer have one")
    return found.curve(key)


@router.get("/events", response_class=StreamingResponse)
async def events(request: Request) -> StreamingResponse:
    """Stream the queue as server-sent events, each time that it changes."""
    state = request.app.state.mystax
    if state.streams >= MOST_STREAMS:
        raise refused(429, "W906", "events", f"{MOST_STREAMS} streams are open", hint="close a page")
    return StreamingResponse(_changes(request), media_type="text/event-stream")


async def _changes(request: Request) -> AsyncIterator[str]:
    """Give the queue whenever it is another one; a comment in long silence."""
    state = request.app.state.mystax
    state.streams += 1
    told, silent, number = "", 0.0, 0
    try:
        while True:
            try:
                found = (await queue(request)).model_dump_json()
            except CatalogError:  # the database is away for a moment
                found = told
            if found != told:
                number, told, silent = number + 1, found, 0.0
                yield f"id: {number}\nevent: queue\ndata: {found}\n\n"
            elif silent >= SILENCE:
                silent = 0.0
                yield ": here\n\n"
            await asyncio.sleep(BETWEEN)
            silent += BETWEEN
    finally:
        state.streams -= 1
