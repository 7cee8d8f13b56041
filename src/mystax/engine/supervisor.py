"""The parent of a run: starts the child, listens to it, restarts it when it dies or hangs."""

import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mystax.core.events import Event, Report, silent
from mystax.engine.child import CANCELLED
from mystax.engine.deaths import DeathRecord
from mystax.engine.jobs import Job
from mystax.engine.nursery import Newborn, nursery_here
from mystax.engine.signals import Stop
from mystax.errors import Cancelled, InternalError, MystaxError, error_from_record

__all__ = ["Limits", "child_environment", "supervise"]

Process = subprocess.Popen[str] | Newborn

ONE_THREAD = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMBA_NUM_THREADS",
)
NOT_INHERITED = ("DISPLAY", "WAYLAND_DISPLAY", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
WAITS = (2.0, 4.0, 8.0, 16.0, 32.0)
"""Pauses before an error that may pass is tried again [s]."""

TICK = 0.2
LEAST_GRACE, GRACE_SHARE = 2.0, 0.1
"""A child that is asked to end is waited for a tenth of the time since its last checkpoint, and 2 s at least:
what it has done in a few seconds, while loops were compiled, is not worth more of anybody's patience."""
ANEW = "it starts again with what is known of earlier deaths"


@dataclass(frozen=True, slots=True)
class Limits:
    """What a child may take.

    Attributes
    ----------
    stall : float
        Longest silence [s]; a child that announces a longer piece of work is given that.
    grace : float
        Time to end by itself when asked to [s]; less where little would be lost.
    memory : int
        Resident memory of the child and its children [byte]; 0 for no limit.
    """

    stall: float = 60.0
    grace: float = 5.0
    memory: int = 0


@dataclass
class _Child:
    """A running child and what is known of it."""

    process: Process
    events: "queue.Queue[dict[str, Any] | None]" = field(default_factory=queue.Queue)
    telling: threading.Lock = field(default_factory=threading.Lock)
    place: Mapping[str, Any] = field(default_factory=dict)
    stage: str = ""
    error: MystaxError | None = None
    checkpointed: bool = False
    peak: int = 0
    cause: str = ""
    saved: float = field(default_factory=time.monotonic)
    """When it started, or saved what it had done."""

    def listen(self) -> None:
        """Put every line of the child into the queue; None at the end."""
        stream = self.process.stdout
        for line in stream or ():
            try:
                self.events.put(json.loads(line))
            except ValueError:
                continue  # a line that was cut by the child's death
        self.events.put(None)

    def tell(self, line: str) -> None:
        """Write a line to the child; one that is gone is noticed elsewhere."""
        try:
            with self.telling:
                if self.process.stdin is not None:
                    self.process.stdin.write(line + "\n")
                    self.process.stdin.flush()
        except (OSError, ValueError):  # broken, or closed
            return


def supervise(
    job: Job,
    *,
    report: Report = silent,
    limits: Limits | None = None,
    stop: Stop | None = None,
    refuse_damage: bool = False,
    environment: Mapping[str, str] | None = None,
    sleep: Callable[[float], None] = time.sleep,
    waits: Sequence[float] = WAITS,
    log_file: Path | None = None,
    has_nursery: bool = False,
) -> None:
    """Run a job in child processes until it is done.

    Parameters
    ----------
    job : Job
        What to do.
    report : callable, optional
        Takes the child's events; it may raise `Cancelled`.
    limits : Limits, optional
        Silence, grace, memory.
    stop : Stop, optional
        The wish to stop.
    refuse_damage : bool, optional
        Refuse a place where the decoder dies (V107) instead of leaving it out.
    environment : mapping, optional
        More variables for the child.
    sleep : callable, optional
        Waits before an error that may pass is tried again.
    waits : sequence of float, optional
        The pauses before such an error is tried again [s]; none where the caller tries again.
    log_file : Path, optional
        File that the log is added to, and stays; by default a temporary one that is kept for bugs only.
    has_nursery : bool, optional
        Fork the child where everything is loaded already: for a process that runs many jobs.

    Raises
    ------
    Cancelled
        If the user stopped the work; a checkpoint has been written.
    MystaxError
        What the run refused.
    PoisonJob
        Q602, if the child died three times without getting further.
    VideoError
        V107, if the decoder died three times at one place and `refuse_damage` is set.
    InternalError
        B999, if the child ended in a way that it should not.
    """
    limits, stop = limits or Limits(), stop or Stop()
    deaths = DeathRecord(job, refuse_damage)
    retries = 0
    with _open_log(log_file) as log:
        path = Path(log.name)
        while True:
            child = _start(deaths.job, log, environment, stop if has_nursery else None)
            stop.reach(child.tell)
            try:
                status = _watch(child, limits, report, stop, deaths)
            finally:
                _end(child.process, limits.grace)
            if status == 0:
                found: dict[str, object] = {"peak": child.peak, "attempt": deaths.job.attempt}
                report(Event("done", "run", text="done", data=found))
                break
            if stop.signal or status == CANCELLED:
                _drop(path, log_file)
                raise Cancelled("run", stop.signal or signal.SIGINT)
            if child.error is not None:
                if child.error.retry != "transient" or child.error.code == "S504" or retries >= len(waits):
                    raise _with_log(child.error, path, log_file)
                report(Event("note", "retry", text=f"{child.error}; tried again in {waits[retries]:g} s"))
                _wait(waits[retries], stop, sleep)
                deaths.job, retries = deaths.job.again(), retries + 1
                continue
            if child.cause == ANEW:
                continue
            deaths.next_job(child.stage, child.place, _cause(child, status), child.checkpointed, child.peak)
            report(Event("warning", "restart", text=deaths.text))
    _drop(path, log_file)


def _open_log(log_file: Path | None) -> Any:
    """Open the log of the children."""
    if log_file is not None:
        log_file.parent.mkdir(parents=True, exist_ok=True)
        return log_file.open("a", encoding="utf-8")
    return tempfile.NamedTemporaryFile("w+", prefix="mystax-run-", suffix=".log", delete=False)


def _drop(path: Path, log_file: Path | None) -> None:
    """Remove a log that nobody asked for."""
    if log_file is None:
        path.unlink(missing_ok=True)


def child_environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the variables of a child: one thread for every library that has a pool of its own."""
    kept = {name: value for name, value in os.environ.items() if name.upper() not in NOT_INHERITED}
    return {**kept, **dict.fromkeys(ONE_THREAD, "1"), "PYTHONFAULTHANDLER": "1", **(more or {})}


def _start(job: Job, log: Any, environment: Mapping[str, str] | None, stop: Stop | None = None) -> _Child:
    """Start a child and give it its job; with a wish to stop, in the nursery if there is one."""
    variables = child_environment(environment)
    nursery = None if stop is None else nursery_here(variables)
    process: Process | None = None
    if nursery is not None and stop is not None:
        process = nursery.bear(log, stop.check)
    child = _Child(process or _process(log, variables))
    threading.Thread(target=child.listen, name="mystax-child", daemon=True).start()
    child.tell(job.to_json())
    return child


def _process(log: Any, variables: Mapping[str, str]) -> "subprocess.Popen[str]":
    """Start a process that waits for its job."""
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "mystax.engine.child"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
        encoding="utf-8",
        env=variables,
        start_new_session=True,
    )


def _watch(child: _Child, limits: Limits, report: Report, stop: Stop, deaths: DeathRecord) -> int:
    """Listen until the child has ended; return its status."""
    heard = looked = time.monotonic()
    stall, asked, grace = limits.stall, 0.0, limits.grace
    while True:
        try:
            fields = child.events.get(timeout=TICK)
        except queue.Empty:
            fields = {}
        now = time.monotonic()
        if fields is None:
            return child.process.wait()
        if fields:
            heard = now
            stall = max(limits.stall, float(fields.get("data", {}).get("stall", 0.0)))
            if fields["kind"] == "work" and deaths.enter(str(fields["data"]["folder"])):
                return _kill(child, ANEW)
            _take(child, fields, report, stop)
        if stop.signal and not asked:
            asked = now
            grace = _patience(limits, now - child.saved)
            child.tell("cancel")
        if asked and now - asked > grace:
            return _kill(child, "stopped")
        if now - heard > stall:
            return _kill(child, f"no sign of life for {stall:g} s", limits.grace)
        if now - looked >= 1.0:
            looked = now
            child.peak = max(child.peak, _resident(child.process.pid))
            stop.pulse(child.peak)
            if limits.memory and child.peak > limits.memory:
                return _kill(child, "memory")


def _patience(limits: Limits, unsaved: float) -> float:
    """Say how long a child may take to save the work of some seconds [s]."""
    return min(limits.grace, max(LEAST_GRACE, GRACE_SHARE * unsaved))


def _take(child: _Child, fields: Mapping[str, Any], report: Report, stop: Stop) -> None:
    """Note what an event says and hand it on."""
    data = fields.get("data", {})
    if fields["kind"] == "error":
        child.error = error_from_record(data)
        return
    if fields["kind"] == "progress":
        child.stage, child.place = str(fields["stage"]), data
    if fields["kind"] == "checkpoint":
        child.checkpointed, child.saved = True, time.monotonic()
    try:
        report(Event(**fields))
    except Cancelled as wish:
        stop.signal = wish.signal


def _kill(child: _Child, cause: str, grace: float = 0.0) -> int:
    """End a child: first politely, if there is time for it."""
    child.cause = cause
    if grace:
        child.process.terminate()
        try:
            return child.process.wait(grace)
        except subprocess.TimeoutExpired:
            pass
    child.process.kill()
    return child.process.wait()


def _end(process: Process, grace: float) -> None:
    """Leave no child behind, whatever happened."""
    if process.poll() is None:
        process.kill()
        process.wait(grace)
    for stream in (process.stdin, process.stdout):
        try:
            if stream is not None:
                stream.close()
        except OSError:
            continue


def _resident(pid: int) -> int:
    """Return the resident memory of a process and its children [byte]."""
    import psutil

    try:
        process = psutil.Process(pid)
        every = [process, *process.children(recursive=True)]
        return sum(int(item.memory_info().rss) for item in every)
    except psutil.Error:
        return 0


def _cause(child: _Child, status: int) -> str:
    """Say in words why a child ended."""
    if child.cause:
        return child.cause
    if status < 0:
        try:
            return f"signal {signal.Signals(-status).name}"
        except ValueError:
            return f"signal {-status}"
    return f"exit status {status}"


def _with_log(error: MystaxError, path: Path, log_file: Path | None = None) -> MystaxError:
    """Name the log of a bug; that of anything else is not needed."""
    if isinstance(error, InternalError):
        error.hint = f"this is a bug in mystax; please report it with the log {path}"
    else:
        _drop(path, log_file)
    return error


def _wait(seconds: float, stop: Stop, sleep: Callable[[float], None]) -> None:
    """Wait in small steps, so that a wish to stop is heard."""
    left = seconds
    while left > 0:
        stop.check()
        sleep(min(TICK, left))
        left -= TICK
