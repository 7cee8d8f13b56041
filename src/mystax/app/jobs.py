"""Long work of the app: jobs of a catalogue's queue, or runs of folders one after the other.

Both are processes of their own: the web process never measures.
"""

import asyncio
import contextlib
import json
import sys
import time
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

from starlette.concurrency import run_in_threadpool

from mystax.app.collection import Item
from mystax.app.schemas import JobLog, JobRow, JobWanted, QueueState
from mystax.app.security import refused

__all__ = ["CatalogJobs", "FolderJobs", "Jobs"]

COMMAND = (sys.executable, "-P", "-m", "mystax.app.run_child")
WORK = (sys.executable, "-P", "-c", "from mystax.cli import main; main()")
STATES = ("waiting", "queued", "running", "done", "failed", "cancelled")
MOST_LINES = 1000
"""Lines of a log that are kept of a run of a folder."""
HEARD = 60.0
"""Silence after which a driver of the queue counts as gone [s]."""
Action = Literal["cancel", "retry"]


@runtime_checkable
class Jobs(Protocol):
    """Where long work is asked for."""

    async def state(self) -> QueueState:
        """Return all jobs."""
        ...

    async def add(self, item: Item, wanted: JobWanted) -> list[str]:
        """Queue work on a recording; return the ids of new jobs, none where all is there already."""
        ...

    async def act(self, key: str, action: Action) -> None:
        """Cancel a job, or queue it again."""
        ...

    async def log(self, key: str, after: int) -> JobLog:
        """Return the log of a job from some line on."""
        ...

    async def work(self) -> None:
        """Let this computer work on what is queued."""
        ...

    async def close(self) -> None:
        """End what was started here; it goes on from its checkpoint another time."""
        ...


def _none(key: str) -> Exception:
    return refused(404, "W903", f"job {key[:60]!r}", "there is nothing of that name here")


class CatalogJobs:
    """The queue of a catalogue: the objects of `mystax queue`.

    Parameters
    ----------
    catalog : Catalog
        The open catalogue.
    """

    def __init__(self, catalog: Any) -> None:
        self._catalog = catalog
        self._worker: asyncio.subprocess.Process | None = None

    async def state(self) -> QueueState:
        """Return all jobs."""
        return await run_in_threadpool(self._state)

    def _state(self) -> QueueState:
        status = self._catalog.status()
        running = {row["job"]: row for row in status["running"]}
        rows = [self._row(row, running.get(row["job"], {})) for row in self._catalog.jobs()]
        is_heard = any(driver["seen_age"] < HEARD for driver in status["drivers"])
        eta = status["eta"]
        return QueueState(
            jobs=rows,
            counts={**status["counts"], "blocked": status["blocked"]},
            eta=None if eta is None else float(eta["seconds"]),
            is_worked=is_heard or self._is_working(),
        )

    def _row(self, row: Mapping[str, Any], running: Mapping[str, Any]) -> JobRow:
        names = dict.fromkeys(Path(str(path)).stem for path in row["outcomes"])
        share = row["share"] if running.get("share") is None else running["share"]
        return JobRow(
            id=str(row["job"]),
            recording=str(row["recording"] or ""),
            kind=str(row["kind"]),
            recipe=str(row["recipe"] or ""),
            analyses=list(names),
            state=str(row["state"]),
            reason=str(row["reason"] or ""),
            share=share,
            rate=running.get("rate"),
            seconds=running.get("seconds"),
            error={str(k): str(v) for k, v in row["error"].items()} or None,
        )

    async def add(self, item: Item, wanted: JobWanted) -> list[str]:
        """Queue work on a recording."""
        from mystax.engine.recipe import recipe_from

        recipe = recipe_from(wanted.recipe, analyses=wanted.analyses or None, parameters=wanted.parameters)

        def add() -> list[int]:
            found: list[int] = self._catalog.add(recipe, item.id, force=wanted.force)
            return found

        return [f"j{number}" for number in await run_in_threadpool(add)]

    async def act(self, key: str, action: Action) -> None:
        """Cancel a job, or queue it again."""
        await run_in_threadpool(self._catalog.log, key, lines=1)  # refuses a job that is none
        await run_in_threadpool(self._catalog.cancel if action == "cancel" else self._catalog.retry, key)

    async def log(self, key: str, after: int) -> JobLog:
        """Return the end of the log of the last attempt."""
        found = await run_in_threadpool(self._catalog.log, key, lines=MOST_LINES)
        return JobLog(lines=list(found["lines"])[after:], next=len(found["lines"]), state=str(found["state"]))

    def _is_working(self) -> bool:
        return self._worker is not None and self._worker.returncode is None

    async def work(self) -> None:
        """Start `mystax queue work` on this computer, unless it runs."""
        from mystax.engine.catalog.places import FILE

        place = self._catalog.place
        named = str(place.folder) if (place.folder / FILE).is_file() else place.url
        if not self._is_working():
            self._worker = await asyncio.create_subprocess_exec(
                *WORK,
                *("queue", "work", "--quiet", "--catalog", named),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
            )

    async def close(self) -> None:
        """Let the work of this computer yield."""
        if self._worker is not None:
            await _end(self._worker)


async def _end(process: asyncio.subprocess.Process) -> None:
    """Ask a process to stop; it is killed if it does not within a second."""
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), 1.0)
    except TimeoutError:
        _kill_all(process.pid)
        await process.wait()


def _kill_all(pid: int) -> None:
    """Kill a process and those that it has started."""
    import psutil

    try:
        parent = psutil.Process(pid)
        for one in [*parent.children(recursive=True), parent]:
            with contextlib.suppress(psutil.NoSuchProcess):
                one.kill()
    except psutil.NoSuchProcess:
        return


@dataclass(slots=True)
class _Run:
    """A run of a folder's recording."""

    id: str
    item: Item
    wanted: JobWanted
    state: str = "queued"
    share: float | None = None
    rate: float | None = None
    started: float | None = None
    error: dict[str, str] | None = None
    lines: "deque[str]" = field(default_factory=lambda: deque(maxlen=MOST_LINES))
    n_lines: int = 0
    process: asyncio.subprocess.Process | None = None

    def note(self, text: str) -> None:
        """Add a line to the log."""
        self.lines.append(text)
        self.n_lines += 1

    def row(self) -> JobRow:
        """Return the job as the page gets it."""
        seconds = None if self.started is None or self.state != "running" else time.monotonic() - self.started
        return JobRow(
            id=self.id,
            recording=self.item.name,
            kind="run",
            recipe=self.wanted.recipe,
            analyses=list(self.wanted.analyses),
            state=self.state,
            reason="",
            share=self.share,
            rate=self.rate,
            seconds=seconds,
            error=self.error,
        )


class FolderJobs:
    """Runs of recordings that no catalogue knows, one after the other.

    Parameters
    ----------
    command : sequence of str, optional
        The child (a test hook).
    """

    def __init__(self, command: Sequence[str] = COMMAND) -> None:
        self._command = tuple(command)
        self._runs: dict[str, _Run] = {}
        self._task: asyncio.Task[None] | None = None

    async def state(self) -> QueueState:
        """Return all jobs."""
        rows = [run.row() for run in self._runs.values()]
        counts = Counter(row.state for row in rows)
        left = [row.seconds / row.share * (1 - row.share) for row in rows if row.seconds and row.share]
        eta = left[0] if left and counts["queued"] == 0 else None
        full = {name: counts.get(name, 0) for name in STATES} | {"blocked": 0}
        return QueueState(jobs=rows, counts=full, eta=eta, is_worked=True)

    async def add(self, item: Item, wanted: JobWanted) -> list[str]:
        """Queue a run."""
        from mystax.engine.recipe import recipe_from

        recipe_from(wanted.recipe, analyses=wanted.analyses or None, parameters=wanted.parameters)
        key = f"j{len(self._runs) + 1}"
        self._runs[key] = _Run(key, item, wanted)
        self._begin()
        return [key]

    def _begin(self) -> None:
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._serve())

    async def _serve(self) -> None:
        while run := next((one for one in self._runs.values() if one.state == "queued"), None):
            await self._do(run)

    async def _do(self, run: _Run) -> None:
        """Run a child and follow what it tells."""
        run.state, run.error, run.share, run.started = "running", None, None, time.monotonic()
        process = run.process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        if run.state != "running":  # cancelled before there was a process
            await _end(process)
        assert process.stdin is not None  # noqa: S101 - both are pipes
        assert process.stdout is not None  # noqa: S101
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            process.stdin.write(json.dumps(_wish(run)).encode() + b"\n")
            await process.stdin.drain()
            process.stdin.close()
        async for line in process.stdout:
            self._take(run, line)
        status = await process.wait()
        if run.state == "running":
            run.state, run.share = ("done", 1.0) if status == 0 else ("failed", run.share)
            if run.state == "failed" and run.error is None:
                run.error = {"code": "B999", "where": "run", "what": f"its process ended with {status}"}

    def _take(self, run: _Run, line: bytes) -> None:
        try:
            event = json.loads(line)
        except ValueError:
            return
        if "error" in event:
            run.error = {str(k): str(v) for k, v in event["error"].items()}
            run.note(f"{run.error.get('code', '')} {run.error.get('what', '')}")
        elif event.get("kind") == "progress" and event.get("total"):
            run.share = min(1.0, event["done"] / event["total"])
            rate = event.get("data", {}).get("rate")
            run.rate = float(rate) if isinstance(rate, int | float) else run.rate
        elif event.get("text"):
            run.note(str(event["text"]))

    def _get(self, key: str) -> _Run:
        if key not in self._runs:
            raise _none(key)
        return self._runs[key]

    async def act(self, key: str, action: Action) -> None:
        """Cancel a run, or queue it again: it goes on from its checkpoint."""
        run = self._get(key)
        if action == "cancel" and run.state in {"queued", "running"}:
            run.state = "cancelled"
            if run.process is not None:
                await _end(run.process)
        elif action == "retry" and run.state in {"failed", "cancelled"}:
            run.state = "queued"
            self._begin()

    async def log(self, key: str, after: int) -> JobLog:
        """Return what a run has told, from some line on."""
        run = self._get(key)
        first = run.n_lines - len(run.lines)
        return JobLog(lines=list(run.lines)[max(0, after - first) :], next=run.n_lines, state=run.state)

    async def work(self) -> None:
        """Nothing to do: what is queued runs."""

    async def close(self) -> None:
        """End the run; it goes on from its checkpoint another time."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        for run in self._runs.values():
            if run.process is not None:
                await _end(run.process)


def _wish(run: _Run) -> dict[str, Any]:
    """Say what the child shall do: the recording's files, its regions, and what was asked for."""
    rois = next((path for folder in run.item.folders if (path := folder / "rois.toml").is_file()), None)
    return {
        "name": run.item.name,
        "cameras": {name: [str(path) for path in paths] for name, paths in run.item.cameras.items()},
        "rois": None if rois is None else str(rois),
        "recipe": run.wanted.recipe,
        "analyses": run.wanted.analyses or None,
        "parameters": run.wanted.parameters,
        "force": run.wanted.force,
    }
