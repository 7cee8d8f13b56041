"""Entry of a child process of our own: ``python -m benchmarks.side MODULE:FUNCTION JOB RESULT``.

The function takes the job (a mapping) and returns plain values, which go to the result file.
"""

import json
import sys
import time
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Any

__all__ = ["Stopwatch", "main"]


class Stopwatch:
    """Wall and CPU time of a piece of work in this process, all threads.

    Attributes
    ----------
    wall_s, cpu_s : float
        What has been measured so far [s].

    Examples
    --------
    >>> with Stopwatch() as watch:
    ...     total = sum(range(10))
    >>> watch.values(10, "item")["n"]
    10
    """

    def __init__(self) -> None:
        self.wall_s = self.cpu_s = 0.0

    def __enter__(self) -> "Stopwatch":
        self._wall, self._cpu = time.perf_counter(), time.process_time()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.wall_s += time.perf_counter() - self._wall
        self.cpu_s += time.process_time() - self._cpu

    def values(self, n: int, unit: str) -> dict[str, Any]:
        """Return what `benchmarks.measure` expects of a side."""
        return {"work_wall_s": self.wall_s, "work_cpu_s": self.cpu_s, "n": n, "unit": unit}


def main(arguments: list[str]) -> int:
    """Run one function on one job."""
    place, job, result = arguments
    module, function = place.split(":")
    found: dict[str, Any] = getattr(import_module(module), function)(json.loads(Path(job).read_text("utf-8")))
    Path(result).write_text(json.dumps(found), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
