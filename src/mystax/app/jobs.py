"""Long work of the app: jobs of a catalogue's queue, or runs of folders one after the other.

Both are processes of their own: the web process never measures.
"""

import asyncio
import contextlib
import sys
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from starlette.concurrency import run_in_threadpool

from mystax.app.child_runs import MOST_LINES, Action, ChildRuns, Head, end_process
from mystax.app.collection import Item, address_of
from mystax.app.schemas import JobLog, JobRow, JobWanted, QueueState
from mystax.app.security import refused

__all__ = ["CatalogJobs", "FolderJobs", "Jobs", "state_of", "with_runs"]

COMMAND = (sys.executable, "-P", "-m", "mystax.app.run_child")
WORK = (sys.executable, "-P", "-c", "from mystax.cli import main; main()")
STATES = ("waiting", "queued", "running", "done", "failed", "cancelled")
HEARD = 60.0
"""Silence after which a driver of the queue counts as gone [s]."""


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
        """Return the log of the last attempt from some line on."""
        found = await run_in_threadpool(self._catalog.log, key, lines=1)
        state = str(found["state"])
        is_whole = state != "running"
        lines, n_lines = await run_in_threadpool(_lines_of, Path(found["log"]), after, is_whole=is_whole)
        return JobLog(lines=lines, next=n_lines, state=state)

    def _is_working(self) -> bool:
        return self._worker is not None and self._worker.returncode is None

    async def work(self) -> None:
        """Start `mystax queue work` on this computer, unless it runs."""
        if not self._is_working():
            self._worker = await asyncio.create_subprocess_exec(
                *WORK,
                *("queue", "work", "--quiet", "--catalog", address_of(self._catalog)),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
            )

    async def close(self) -> None:
        """Let the work of this computer yield."""
        if self._worker is not None:
            await end_process(self._worker)


def _lines_of(log: Path, after: int, *, is_whole: bool) -> tuple[list[str], int]:
    """Return the lines of a log from some line on, at most the last ones, and how many there are in all.

    Where it has fewer than were seen it is that of another attempt, and begins anew.  While it is written,
    its last line may lack its end.
    """
    kept: deque[str] = deque(maxlen=MOST_LINES)
    n_lines = 0
    with contextlib.suppress(OSError), log.open(encoding="utf-8", errors="replace") as stream:
        for line in stream:
            if is_whole or line.endswith("\n"):
                kept.append(line.removesuffix("\n"))
                n_lines += 1
    first = n_lines - len(kept)
    return list(kept)[max(0, (after if after <= n_lines else 0) - first) :], n_lines


class FolderJobs:
    """Runs of recordings that no catalogue knows, one after the other.

    Parameters
    ----------
    command : sequence of str, optional
        The child (a test hook).
    """

    def __init__(self, command: Sequence[str] = COMMAND) -> None:
        self._runs = ChildRuns(command)

    async def state(self) -> QueueState:
        """Return all jobs."""
        return state_of(self._runs.rows())

    async def add(self, item: Item, wanted: JobWanted) -> list[str]:
        """Queue a run."""
        from mystax.engine.recipe import recipe_from

        recipe_from(wanted.recipe, analyses=wanted.analyses or None, parameters=wanted.parameters)
        if item.is_lost:
            hint = "measure it where those times are: mystax.run, or `mystax run --clock`"
            raise refused(
                422, "P403", f"recording {item.name!r}", "its times came from an array of Python", hint=hint
            )
        head = Head(item.name, "run", wanted.recipe, tuple(wanted.analyses))
        return [self._runs.add(head, lambda: _wish(item, wanted))]

    async def act(self, key: str, action: Action) -> None:
        """Cancel a run, or queue it again: it goes on from its checkpoint."""
        await self._runs.act(key, action)

    async def log(self, key: str, after: int) -> JobLog:
        """Return what a run has told, from some line on."""
        return await self._runs.log(key, after)

    async def work(self) -> None:
        """Nothing to do: what is queued runs."""

    async def close(self) -> None:
        """End the run; it goes on from its checkpoint another time."""
        await self._runs.close()


def state_of(rows: Sequence[JobRow]) -> QueueState:
    """Return the state of a queue that works by itself, one job after the other.

    Parameters
    ----------
    rows : sequence of JobRow
        Its jobs.

    Returns
    -------
    QueueState
        With the time that is left only where nothing waits behind the job that runs.
    """
    counts = Counter(row.state for row in rows)
    running = [row for row in rows if row.state == "running"]
    left = [row.seconds / row.share * (1 - row.share) for row in running if row.seconds and row.share]
    full = {name: counts.get(name, 0) for name in STATES} | {"blocked": 0}
    eta = left[0] if left and counts["queued"] == 0 else None
    return QueueState(jobs=list(rows), counts=full, eta=eta, is_worked=True)


def with_runs(state: QueueState, *runs: ChildRuns) -> QueueState:
    """Return a queue with runs of this computer that are not in it: trainings, comparisons, added videos."""
    rows = [row for each in runs for row in each.rows()]
    counts = dict(state.counts)
    for row in rows:
        counts[row.state] = counts.get(row.state, 0) + 1
    return state.model_copy(update={"jobs": [*state.jobs, *rows], "counts": counts})


def _wish(item: Item, wanted: JobWanted) -> dict[str, Any]:
    """Say what the child shall do: the recording's files, its regions, and what was asked for."""
    rois = next((path for folder in item.folders if (path := folder / "rois.toml").is_file()), None)
    plain = {
        "paths": {name: [str(path) for path in paths] for name, paths in item.cameras.items()},
        "name": item.name,
    }
    return {
        "request": dict(item.request) or plain,
        "rois": None if rois is None else str(rois),
        "recipe": wanted.recipe,
        "analyses": wanted.analyses or None,
        "parameters": wanted.parameters,
        "force": wanted.force,
    }
