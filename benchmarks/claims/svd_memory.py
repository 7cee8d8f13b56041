"""svd.memory: peak memory must not grow with the length of the video."""

from pathlib import Path
from typing import Any

from benchmarks.claim import Claim, Goal

__all__ = ["CLAIMS", "check", "long", "prepare", "short"]

N_SHORT, N_LONG = 4, 16

CLAIMS = (
    Claim(
        name="svd.memory",
        title="motion SVD of 96,000 joined frames (mystax) against 24,000 (floor)",
        module=__name__,
        sets=("scaling",),
        sides={"mystax": "long", "floor": "short"},
        goals=(Goal("rss", "floor", 1.05),),
        arguments={"name": "easy", "bin": 4},
    ),
)


def prepare(job: dict[str, Any]) -> dict[str, Any]:
    """Make the joined files."""
    from benchmarks.data import VIDEOS, joined

    files = joined(Path(job["data"]), job["name"], N_LONG)
    return {"files": [str(path) for path in files], "n_each": VIDEOS[job["name"]].n_frames}


def _run(job: dict[str, Any], n_files: int) -> dict[str, Any]:
    from benchmarks.claims.svd import mystax

    return mystax({**job, "videos": job["files"][:n_files], "n_frames": n_files * job["n_each"]})


def long(job: dict[str, Any]) -> dict[str, Any]:
    """Decompose all files as one."""
    return _run(job, N_LONG)


def short(job: dict[str, Any]) -> dict[str, Any]:
    """Decompose the first quarter."""
    return _run(job, N_SHORT)


def check(job: dict[str, Any]) -> dict[str, Any]:
    """Look whether every frame has its row, and whether the joined copies have equal rows."""
    import numpy as np

    from mystax.io.outcomes import load

    found: dict[str, Any] = {"ok": True}
    for side, n_files in (("mystax", N_LONG), ("floor", N_SHORT)):
        outcome: Any = load(next(Path(job["last"][side]["folder"]).rglob("svd.nc")))
        scores, n = outcome["motion_svd"], job["n_each"]
        first = np.asarray(scores[1 : min(n, 64), 0, :50])
        last = np.asarray(scores[(n_files - 1) * n + 1 :, 0, :50])[: len(first)]
        found[f"n_frames_{side}"] = int(scores.sizes["time"])
        found["ok"] &= scores.sizes["time"] == n_files * n and bool(
            np.allclose(first, last, rtol=1e-4, atol=1e-3)
        )
    return found
