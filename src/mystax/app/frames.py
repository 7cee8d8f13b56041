"""The frame workers: child processes that decode, so that the web process never does.

A camera always goes to the same worker, and its cache lies in one place.  A worker that dies or says nothing
is started again and asked once more; a frame that ends two of them is missing for this run of the app.
"""

import asyncio
import contextlib
import heapq
import itertools
import json
import os
import struct
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from mystax.errors import InternalError, error_from_record

__all__ = ["Priority", "Superseded", "Workers"]

Answer = tuple[dict[str, Any], bytes]
SILENCE = {
    "open": 120.0,
    "frame": 10.0,
    "levels": 10.0,
    "preview": 30.0,
    "footing": 120.0,
    "still": 10.0,
    "suggest": 300.0,
}
"""Longest time for an answer [s]."""
FIRST = {"preview": 300.0}
"""Longest time for the first answer of its kind, on the way to which loops may be compiled [s]."""
MOST_WORKERS = 4
COMMAND = (sys.executable, "-P", "-m", "mystax.app.frame_worker")


class Priority(IntEnum):
    """Which request comes first."""

    EXACT = 0
    NEAR = 1
    PREVIEW = 2
    AHEAD = 3


class Superseded(Exception):
    """The same panel has asked again before this request was begun."""


@dataclass(order=True)
class _Waiting:
    """A request in a worker's queue."""

    priority: int
    order: int
    request: dict[str, Any] = field(compare=False)
    future: "asyncio.Future[Answer]" = field(compare=False)
    panel: str = field(compare=False, default="")
    seq: int = field(compare=False, default=0)


class _Worker:
    """One child, its queue, and the task that feeds it."""

    def __init__(
        self, command: Sequence[str], silence: Mapping[str, float], first: Mapping[str, float]
    ) -> None:
        self._command, self._silence, self._first = command, silence, first
        self._queue: list[_Waiting] = []
        self._filled = asyncio.Event()
        self._process: asyncio.subprocess.Process | None = None
        self._deadly: set[tuple[str, str, int]] = set()
        self._answered: set[str] = set()
        self._told: dict[str, Any] = {}
        self._task = asyncio.create_task(self._serve())

    @property
    def pid(self) -> int | None:
        """Process number of the child, if it was started."""
        return None if self._process is None else self._process.pid

    def put(self, waiting: _Waiting) -> None:
        """Queue a request; an older one of its panel that has not begun is superseded."""
        for other in self._queue:
            is_older = other.panel == waiting.panel and other.seq < waiting.seq
            if waiting.panel and is_older and not other.future.done():
                other.future.set_exception(Superseded())
        heapq.heappush(self._queue, waiting)
        self._filled.set()

    async def _serve(self) -> None:
        while True:
            await self._filled.wait()
            while self._queue:
                waiting = heapq.heappop(self._queue)
                if waiting.future.done():
                    continue
                try:
                    answer = await self._ask(waiting.request)
                except Exception as error:  # noqa: BLE001 - whoever waits for the answer gets the reason
                    if not waiting.future.done():
                        waiting.future.set_exception(error)
                else:
                    if not waiting.future.done():
                        waiting.future.set_result(answer)
            self._filled.clear()

    async def _ask(self, request: dict[str, Any]) -> Answer:
        """Ask the child; once more if it dies or says nothing."""
        do, frame = str(request["do"]), int(request.get("frame", -1))
        kind = f"{do} {request.get('analysis', '')}".strip()
        place = (kind, str(request["camera"]), frame)
        why = "ended"
        is_first = kind not in self._answered
        limit = max(self._silence[do], self._first.get(do, 0.0)) if is_first else self._silence[do]
        for _ in range(2):
            if place in self._deadly:
                break
            try:
                answer = await asyncio.wait_for(self._once(request), limit)
            except TimeoutError:
                why = f"said nothing for {limit:.0f} s"
                await self.stop()
            except (asyncio.IncompleteReadError, OSError):
                why = "ended"
                await self.stop()
            else:
                self._answered.add(kind)
                return answer
        self._deadly.add(place)
        if do == "frame":
            return {
                "frame": frame,
                "time": None,
                "valid": False,
                "reason": "undecodable",
                "kind": "exact",
            }, b""
        raise InternalError("B999", f"{kind} of {place[1]}", f"the process that decodes {why} twice")

    async def _once(self, request: dict[str, Any]) -> Answer:
        from mystax.engine.supervisor import child_environment

        if self._process is None:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                env=child_environment(),
            )
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None  # noqa: S101 - both are pipes
        assert stdout is not None  # noqa: S101
        # How a camera is opened is told once: a clock of many frames is long.
        camera, spec = str(request["camera"]), request["spec"]
        is_known = camera in self._told and self._told[camera] == spec
        told = {name: value for name, value in request.items() if name != "spec" or not is_known}
        self._told[camera] = spec
        stdin.write(json.dumps(told).encode() + b"\n")
        await stdin.drain()
        n_header, n_body = struct.unpack("<II", await stdout.readexactly(8))
        header = json.loads(await stdout.readexactly(n_header))
        return header, await stdout.readexactly(n_body)

    async def stop(self) -> None:
        """End the child; the next request starts another."""
        process, self._process = self._process, None
        self._answered.clear()
        self._told.clear()
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()

    async def close(self) -> None:
        """End the child and its task."""
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        for waiting in self._queue:
            waiting.future.cancel()
        await self.stop()


class Workers:
    """All frame workers of the server.

    Parameters
    ----------
    n_workers : int, optional
        How many; by default one for each core, at most four.
    command : sequence of str, optional
        The child (a test hook).
    silence : mapping, optional
        Longest time for an answer of each kind [s].
    first : mapping, optional
        The same for the first answer of a process [s].
    """

    def __init__(
        self,
        n_workers: int | None = None,
        *,
        command: Sequence[str] = COMMAND,
        silence: Mapping[str, float] = SILENCE,
        first: Mapping[str, float] = FIRST,
    ) -> None:
        self._n = n_workers or min(MOST_WORKERS, os.cpu_count() or 1)
        self._command, self._silence, self._first = command, silence, first
        self._workers: dict[int, _Worker] = {}
        self._homes: dict[str, int] = {}
        self._order = itertools.count()

    def pid_of(self, camera: str) -> int | None:
        """Return the process that decodes a camera, if there is one."""
        home = self._homes.get(camera)
        return None if home is None or home not in self._workers else self._workers[home].pid

    async def ask(
        self,
        camera: str,
        spec: Mapping[str, Any],
        request: Mapping[str, Any],
        *,
        priority: Priority = Priority.EXACT,
        panel: str = "",
        seq: int = 0,
    ) -> Answer:
        """Ask the worker of a camera.

        Parameters
        ----------
        camera : str
            Key of the camera.
        spec : mapping
            From which the worker opens it.
        request : mapping
            ``do`` (open, frame, preview) and what belongs to it.
        priority : Priority, optional
            Which requests go first.
        panel : str, optional
            Who asks; an older request of the same panel that has not begun is superseded.
        seq : int, optional
            Number of the request within its panel.

        Returns
        -------
        tuple of dict and bytes
            The answer's header and body.

        Raises
        ------
        Superseded
            If the panel has asked for something newer meanwhile.
        MystaxError
            Whatever the worker refuses.
        """
        home = self._homes.setdefault(camera, len(self._homes) % self._n)
        if home not in self._workers:
            self._workers[home] = _Worker(self._command, self._silence, self._first)
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        full = {**request, "camera": camera, "spec": dict(spec)}
        self._workers[home].put(_Waiting(priority, next(self._order), full, future, panel, seq))
        header, body = await future
        if "error" in header:
            raise error_from_record(header["error"])
        return header, body

    async def close(self) -> None:
        """End all workers."""
        await asyncio.gather(*(worker.close() for worker in self._workers.values()))
        self._workers.clear()
