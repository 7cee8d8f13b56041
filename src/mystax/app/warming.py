"""Whether the live preview can answer at once: its loops are compiled in a child."""

import asyncio
import contextlib
import hashlib
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path

import platformdirs

__all__ = ["COMMAND", "WARMED", "Warming", "mark_of"]

COMMAND = (sys.executable, "-P", "-m", "mystax.app.warm_child")
WARMED = ("motion", "blink", "running", "pupil")
"""Analyses with compiled loops, as in `mystax.engine.warm`, which the web process does not load."""
DELAY = 3.0
"""Time after a recording was opened for its first pictures, before the child begins [s]."""


def mark_of(analysis: str) -> Path:
    """Return the file that says: the loops of an analysis were compiled on this machine.

    It lies beside the compiled code, and its name depends on all that this was made from.
    """
    kept = os.environ.get("NUMBA_CACHE_DIR")
    place = Path(kept) if kept else platformdirs.user_cache_path("mystax") / "numba"
    kernels = Path(__file__).parents[1] / "compute" / "kernels"
    words = [analysis, str(kernels), sys.version, version("numba")]
    for path in sorted(kernels.glob("*.py")):
        known = path.stat()
        words += [path.name, str(known.st_mtime_ns), str(known.st_size)]
    digest = hashlib.blake2b("\0".join(words).encode(), digest_size=10).hexdigest()
    return place / f"preview-{analysis}-{digest}"


class Warming:
    """A child that compiles, and what it has got ready.

    Parameters
    ----------
    command : sequence of str, optional
        The child (a test hook): it tells each analysis that is ready in a JSON line.
    delay : float, optional
        Time between `begin` and the start of the child, unless somebody waits [s].
    mark : callable, optional
        Takes an analysis and gives the file that says that it is compiled already.
    """

    def __init__(
        self,
        command: Sequence[str] = COMMAND,
        delay: float = DELAY,
        *,
        mark: Callable[[str], Path] = mark_of,
    ) -> None:
        self._command, self._delay, self._mark = tuple(command), delay, mark
        self._ready = {name: asyncio.Event() for name in WARMED}
        self._wanted = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._begun = 0.0

    @property
    def seconds(self) -> float:
        """How long the child has been at work [s]."""
        return time.monotonic() - self._begun if self._begun else 0.0

    def begin(self) -> None:
        """Let the child begin in a moment, if anything is to be compiled; once for this start of the app."""
        if self._task is None and not all(map(self._is_ready, WARMED)):
            self._task = asyncio.create_task(self._run())

    async def wait(self, analysis: str, longest: float) -> bool:
        """Wait until an analysis is ready.

        A child that has ended, however it did, makes nobody wait: the frame worker then compiles by itself.

        Parameters
        ----------
        analysis : str
            Its name; one without compiled loops is ready.
        longest : float
            How long to wait [s].

        Returns
        -------
        bool
            Whether it is ready.
        """
        if analysis not in self._ready or self._is_ready(analysis):
            return True
        self._wanted.set()
        self.begin()
        try:
            await asyncio.wait_for(self._ready[analysis].wait(), longest)
        except TimeoutError:
            return False
        return True

    def _is_ready(self, analysis: str) -> bool:
        ready = self._ready[analysis]
        if not ready.is_set() and self._mark(analysis).is_file():
            ready.set()
        return ready.is_set()

    async def _run(self) -> None:
        try:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wanted.wait(), self._delay)
            await self._follow()
        finally:
            for event in self._ready.values():
                event.set()

    async def _follow(self) -> None:
        """Run the child and take what it tells."""
        from mystax.engine.supervisor import child_environment

        self._begun = time.monotonic()
        process = self._process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=child_environment(),
        )
        assert process.stdout is not None  # noqa: S101 - a pipe
        async for line in process.stdout:
            with contextlib.suppress(ValueError):
                found = json.loads(line).get("ready")
                if found in self._ready:
                    self._ready[found].set()
        await process.wait()

    async def close(self) -> None:
        """End the child."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
