"""Long work in children, one after the other: each tells what it does in JSON lines, and can be ended."""

import asyncio
import contextlib
import json
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from mystax.app.loss_curve import LossCurve
from mystax.app.schemas import JobCurve, JobLog, JobRow
from mystax.app.security import refused

__all__ = ["MOST_LINES", "Action", "ChildRuns", "Head", "end_process"]

MOST_LINES = 1000
"""Lines of a log that are kept of a run."""
LONGEST_LINE = 8 << 20
"""Longest line of a child [byte]."""
LONG = "compare"
"""The kind of run whose result is too long to stand in the queue."""
Action = Literal["cancel", "retry"]


class Head(NamedTuple):
    """What a run is called."""

    recording: str
    kind: str
    recipe: str = ""
    analyses: tuple[str, ...] = ()


async def end_process(process: asyncio.subprocess.Process) -> None:
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
    """A run; `wish` is asked when it begins, so that a second try takes what is there then."""

    id: str
    head: Head
    wish: Callable[[], Mapping[str, Any]]
    state: str = "queued"
    share: float | None = None
    rate: float | None = None
    started: float | None = None
    took: float | None = None
    error: dict[str, str] | None = None
    result: dict[str, Any] | None = None
    lines: "deque[str]" = field(default_factory=lambda: deque(maxlen=MOST_LINES))
    n_lines: int = 0
    curve: LossCurve = field(default_factory=LossCurve)
    process: asyncio.subprocess.Process | None = None

    def note(self, text: str) -> None:
        """Add a line to the log."""
        self.lines.append(text)
        self.n_lines += 1

    def row(self) -> JobRow:
        """Return the run as the page gets it."""
        is_running = self.state == "running" and self.started is not None
        seconds = time.monotonic() - self.started if is_running and self.started is not None else self.took
        return JobRow(
            id=self.id,
            recording=self.head.recording,
            kind=self.head.kind,
            recipe=self.head.recipe,
            analyses=list(self.head.analyses),
            state=self.state,
            reason="",
            share=self.share,
            rate=self.rate,
            seconds=seconds,
            error=self.error,
            result=None if self.head.kind == LONG else self.result,
        )


class ChildRuns:
    """Runs of one kind, one after the other.

    Parameters
    ----------
    command : sequence of str
        The child: it reads its wish as a JSON line, tells events as lines, and ends with 0 if all went well.
    prefix : str, optional
        Begin of the ids.
    ended : callable, optional
        Called after each run.
    """

    def __init__(
        self, command: Sequence[str], prefix: str = "j", ended: Callable[[], None] | None = None
    ) -> None:
        self._command, self._prefix, self._ended = tuple(command), prefix, ended
        self._runs: dict[str, _Run] = {}
        self._task: asyncio.Task[None] | None = None

    def rows(self) -> list[JobRow]:
        """Return all runs in the order in which they were asked for."""
        return [run.row() for run in self._runs.values()]

    def __contains__(self, key: object) -> bool:
        return key in self._runs

    def add(self, head: Head, wish: Callable[[], Mapping[str, Any]]) -> str:
        """Queue a run.

        Parameters
        ----------
        head : Head
            What it is called.
        wish : callable
            Gives what the child is told when it begins.

        Returns
        -------
        str
            Its id.
        """
        key = f"{self._prefix}{len(self._runs) + 1}"
        self._runs[key] = _Run(key, head, wish)
        self._begin()
        return key

    def _begin(self) -> None:
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._serve())

    async def _serve(self) -> None:
        while run := next((one for one in self._runs.values() if one.state == "queued"), None):
            await self._do(run)

    async def _do(self, run: _Run) -> None:
        """Run a child and follow what it tells."""
        run.state, run.error, run.share, run.started = "running", None, None, time.monotonic()
        run.result = run.took = None
        run.curve = LossCurve()
        process = run.process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            limit=LONGEST_LINE,
        )
        if run.state != "running":  # cancelled before there was a process
            await end_process(process)
        assert process.stdin is not None  # noqa: S101 - both are pipes
        assert process.stdout is not None  # noqa: S101
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            process.stdin.write(json.dumps(run.wish()).encode() + b"\n")
            await process.stdin.drain()
            process.stdin.close()
        async for line in process.stdout:
            self._take(run, line)
        status = await process.wait()
        run.took = time.monotonic() - run.started
        if self._ended is not None:
            self._ended()
        if run.state == "running":
            run.state, run.share = ("done", 1.0) if status == 0 else ("failed", run.share)
            if run.state == "failed" and run.error is None:
                run.error = {"code": "B999", "where": "run", "what": f"its process ended with {status}"}

    def _take(self, run: _Run, line: bytes) -> None:
        try:
            event = json.loads(line)
        except ValueError:
            return
        run.curve.take(event)
        if "error" in event:
            run.error = {str(k): str(v) for k, v in event["error"].items()}
            run.note(f"{run.error.get('code', '')} {run.error.get('what', '')}")
        elif "result" in event:
            run.result = dict(event["result"])
        elif event.get("kind") == "progress" and event.get("total"):
            run.share = min(1.0, event["done"] / event["total"])
            rate = event.get("data", {}).get("rate")
            run.rate = float(rate) if isinstance(rate, int | float) else run.rate
        elif event.get("text"):
            run.note(str(event["text"]))

    def _get(self, key: str) -> _Run:
        if key not in self._runs:
            raise refused(404, "W903", f"job {key[:60]!r}", "there is nothing of that name here")
        return self._runs[key]

    async def act(self, key: str, action: Action) -> None:
        """Cancel a run, or queue it again: it goes on from its checkpoint."""
        run = self._get(key)
        if action == "cancel" and run.state in {"queued", "running"}:
            run.state = "cancelled"
            if run.process is not None:
                await end_process(run.process)
        elif action == "retry" and run.state in {"failed", "cancelled"}:
            run.state = "queued"
            self._begin()

    async def log(self, key: str, after: int) -> JobLog:
        """Return what a run has told, from some line on."""
        run = self._get(key)
        first = run.n_lines - len(run.lines)
        return JobLog(lines=list(run.lines)[max(0, after - first) :], next=run.n_lines, state=run.state)

    def result(self, key: str) -> dict[str, Any] | None:
        """Return what a run has told at its end; None before."""
        return self._get(key).result

    def curve(self, key: str) -> JobCurve:
        """Return how a training goes."""
        return self._get(key).curve.shown()

    async def close(self) -> None:
        """End the run; it goes on from its checkpoint another time."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        for run in self._runs.values():
            if run.process is not None:
                await end_process(run.process)
