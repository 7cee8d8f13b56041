"""One timed child process: CPU, wall and peak memory of its whole tree, and the load around it.

Only the standard library: the memory of the process that starts a child counts as a floor of the child's
peak on Linux, so the runner has to stay small.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["ChildError", "Row", "describe_host", "measure", "one_minute_load"]

MAX_SECONDS = 1800.0
PINS = ("OPENBLAS_CORETYPE", "MKL_ENABLE_INSTRUCTIONS", "MKL_CBWR", "NPY_DISABLE_CPU_FEATURES")
"""Variables that make a library use other loops than those made for this processor; no side gets them."""
TAIL = 1500


class ChildError(RuntimeError):
    """A side ended with an error, or took too long."""


@dataclass(frozen=True)
class Row:
    """One timed run of one side.

    Attributes
    ----------
    side : str
        Name of the side.
    rep : int
        Number of the repetition, from 1; 0 is the warm-up, which is not counted.
    wall_s, cpu_s : float
        Of the process and everything it started.
    rss_mib : float
        Peak resident memory of the largest process of the tree.
    load_before, load_after : float
        One-minute average of waiting processes.
    n, unit : int, str
        How much work was done (frames, starts).
    work_wall_s, work_cpu_s : float
        Of the work inside the process, without start-up.
    values : mapping
        What the side says about its output; used by the check.
    """

    side: str
    rep: int
    wall_s: float
    cpu_s: float
    rss_mib: float
    load_before: float
    load_after: float
    n: int
    unit: str
    work_wall_s: float
    work_cpu_s: float
    values: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for the JSON file, without what only the check needs."""
        fields = asdict(self)
        del fields["values"]
        return {key: round(value, 6) if isinstance(value, float) else value for key, value in fields.items()}


def one_minute_load() -> float:
    """Return the one-minute average of waiting processes; NaN where the system has none."""
    try:
        return os.getloadavg()[0]
    except (AttributeError, OSError):
        return float("nan")


def measure(
    command: Sequence[str],
    *,
    side: str,
    rep: int,
    result: Path | None = None,
    env: Mapping[str, str] | None = None,
    n: int = 1,
    unit: str = "run",
    limit: float = MAX_SECONDS,
) -> Row:
    """Run a command to its end and measure it.

    Parameters
    ----------
    command : sequence of str
        Program and arguments.
    side, rep : str, int
        Noted in the row.
    result : Path, optional
        JSON file that the command writes: ``n``, ``unit``, ``work_wall_s``, ``work_cpu_s`` and values.
    env : mapping, optional
        Added to the environment.
    n, unit : int, str, optional
        How much work it is, where the command does not say so.
    limit : float, optional
        Longest time [s].

    Returns
    -------
    Row
        The measurement.

    Raises
    ------
    ChildError
        If the command fails or takes longer than `limit`.
    """
    if result is not None:
        result.unlink(missing_ok=True)
    log = Path(str(result) + ".log") if result is not None else Path(os.devnull)
    before = one_minute_load()
    with log.open("wb") as output:
        start = time.perf_counter()
        child = subprocess.Popen(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={name: value for name, value in os.environ.items() if name not in PINS} | dict(env or {}),
        )
        status, usage = _wait(child, limit)
        wall = time.perf_counter() - start
    if status != 0:
        text = log.read_text("utf-8", "replace")[-TAIL:].strip() if result is not None else ""
        raise ChildError(f"{side} ended with status {status}: {text}")
    said = json.loads(result.read_text("utf-8")) if result is not None and result.exists() else {}
    cpu = usage.ru_utime + usage.ru_stime
    # Kilobytes everywhere but on macOS, which counts bytes.
    rss = usage.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
    return Row(
        side,
        rep,
        wall,
        cpu,
        rss,
        before,
        one_minute_load(),
        int(said.pop("n", n)),
        str(said.pop("unit", unit)),
        float(said.pop("work_wall_s", wall)),
        float(said.pop("work_cpu_s", cpu)),
        said,
    )


def _wait(child: "subprocess.Popen[bytes]", limit: float) -> tuple[int, Any]:
    """Wait for a child and return its status and what its tree used."""
    end = time.monotonic() + limit
    pause = 0.001
    while True:
        pid, status, usage = os.wait4(child.pid, os.WNOHANG)
        if pid:
            child.returncode = os.waitstatus_to_exitcode(status)
            return child.returncode, usage
        if time.monotonic() > end:
            child.kill()
            _, _, usage = os.wait4(child.pid, 0)
            child.returncode = -9
            raise ChildError(f"longer than {limit:.0f} s")
        time.sleep(pause)
        pause = min(0.02, pause * 1.5)


def describe_host() -> dict[str, Any]:
    """Describe the machine by what decides speed, and by nothing that tells which machine it is."""
    import platform

    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # not on every system
        cores = os.cpu_count() or 1
    return {
        "cores": cores,
        "ram_gib": _ram_gib(),
        "os": platform.system(),
        "python": platform.python_version(),
        "cpu_flags": _cpu_flags(),
    }


def _ram_gib() -> float:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    except (ValueError, OSError, AttributeError):
        return 0.0


def _cpu_flags() -> list[str]:
    """Return the vector units, which decide the speed of decoders and matrix products."""
    known = (
        "sse4_2",
        "avx",
        "avx2",
        "fma",
        "avx512f",
        "avx512_bf16",
        "avx512_vnni",
        "amx_tile",
        "asimd",
        "sve",
    )
    try:
        lines = Path("/proc/cpuinfo").read_text("ascii", "replace").splitlines()
    except OSError:
        return []
    found = next((line for line in lines if line.lower().startswith(("flags", "features"))), "")
    return [flag for flag in known if flag in found.split()]
