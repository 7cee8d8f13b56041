"""The child process of a run: job on stdin, events as JSON lines on stdout, log on stderr.

``python -m mystax.engine.child``.  Lines after the job: ``cancel``, ``publish`` (the outcome that is ready
may take its place) and ``renew`` (the parent still holds the job).  The end of stdin means that the parent
is gone, and the child leaves at once; so it does when it is on a leash and hears nothing for that long.
"""

import gc
import json
import os
import sys
import threading
import time
import traceback
from typing import TextIO

from mystax.core.events import Event
from mystax.engine.jobs import Job, do_task, open_job
from mystax.errors import Cancelled, InternalError, MystaxError

__all__ = ["CANCELLED", "FAILED", "ORPHANED", "main", "serve"]

FAILED, CANCELLED, ORPHANED = 1, 75, 70
OPENING = 1800.0
"""Longest silence while files are opened and indexed [s]."""

GARBAGE = (50_000, 20, 100)
"""When cycles of objects are looked for; with the thresholds of Python, a sixth of the start is that."""

LOOK = 1.0
"""Time between two looks at what the parent has said [s]."""


class _Channel:
    """Events to the parent, and its wish to stop."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()
        self.stopping = threading.Event()
        self._allowed = threading.Event()
        self._heard = time.monotonic()

    def send(self, fields: dict[str, object]) -> None:
        """Write one line."""
        with self._lock:
            self._stream.write(json.dumps(fields) + "\n")
            self._stream.flush()

    def report(self, event: Event) -> None:
        """Send an event; raise `Cancelled` if the parent wants the work to stop."""
        self.send(event.as_dict())
        if self.stopping.is_set():
            raise Cancelled("run")

    def watch(self, stream: TextIO) -> None:
        """Take the parent's lines; leave the process when there are no more."""
        for line in stream:
            self.hear(line)
        os._exit(ORPHANED)

    def hear(self, line: str) -> None:
        """Take one line of the parent."""
        self._heard = time.monotonic()
        if line.strip() == "cancel":
            self.stopping.set()
        elif line.strip() == "publish":
            self._allowed.set()

    def hold_leash(self, leash: float) -> None:
        """Leave the process when the parent has said nothing for a time [s]: the job is another's by then."""
        while time.monotonic() - self._heard <= leash:
            time.sleep(min(LOOK, leash / 4))
        os._exit(ORPHANED)

    def gate(self, analysis: str) -> None:
        """Say that an outcome is ready and wait until it may take its place.

        Raises
        ------
        Cancelled
            If the work is to stop instead.
        """
        self._allowed.clear()
        self.report(Event("ready", analysis, text=analysis))
        while not self._allowed.wait(LOOK):
            self.report(Event("progress", "waiting", text=f"{analysis} waits for its publication"))


def serve(job: Job, channel: _Channel) -> None:
    """Do a job.

    Raises
    ------
    MystaxError
        Whatever the run refuses.
    """
    from mystax.engine.folders import run_in_folder

    gate = channel.gate if job.gated else None
    channel.send(Event("progress", "open", text="opening", data={"stall": OPENING}).as_dict())
    if job.task:
        do_task(job, channel.report, gate)
        return
    recording = open_job(job)
    try:
        run_in_folder(recording, job, channel.report, gate=gate)
    finally:
        recording.close()


def load_xarray_alone() -> None:
    """Import xarray as if there were neither dask nor pyarrow.

    Where dask is installed, xarray loads it to ask of every array whether it is one of dask's: a quarter of
    the start of a child, whose arrays are all its own.  pyarrow, which pandas loads where it is installed,
    also starts a thread.  Both can still be imported afterwards.
    """
    absent = [name for name in ("dask", "pyarrow") if name not in sys.modules]
    for name in absent:
        sys.modules[name] = None  # type: ignore[assignment] # Python's own way to say that it cannot be had
    try:
        import xarray

        xarray.Variable((), 0.0)  # now it has looked
    finally:
        for name in absent:
            del sys.modules[name]


def main() -> int:
    """Run the job that stands on stdin and return the exit status."""
    # Whatever else writes to stdout must not disturb the events.
    events = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    channel = _Channel(events)
    job = Job.from_json(sys.stdin.readline())
    threading.Thread(target=channel.watch, args=(sys.stdin,), name="mystax-parent", daemon=True).start()
    if job.leash:
        threading.Thread(
            target=channel.hold_leash, args=(job.leash,), name="mystax-leash", daemon=True
        ).start()
    try:
        if job.task:
            load_xarray_alone()
        else:
            # Frames need no xarray until their outcome is made: meanwhile it is loaded beside the decoder.
            threading.Thread(target=load_xarray_alone, name="mystax-xarray", daemon=True).start()
        serve(job, channel)
    except Cancelled:
        return CANCELLED
    except MystaxError as error:
        channel.send({"kind": "error", "data": error.record().as_dict()})
        return FAILED
    except Exception as error:  # noqa: BLE001 - the outermost frame of the process: a bug becomes B999
        traceback.print_exc(file=sys.stderr)
        bug = InternalError("B999", "run", f"{type(error).__name__}: {error}")
        channel.send({"kind": "error", "data": bug.record().as_dict()})
        return FAILED
    return 0


if __name__ == "__main__":
    gc.set_threshold(*GARBAGE)
    sys.stdout.flush()
    status = main()
    sys.stderr.flush()
    os._exit(status)
