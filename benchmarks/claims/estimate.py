"""estimate.*: what `mystax run --dry-run` says of memory and time, against the run that follows."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.claim import Claim
from benchmarks.side import Stopwatch

__all__ = ["CLAIMS", "check", "mystax", "prepare"]

MEMORY, TIME = 0.25, 0.50
"""Largest differences, as shares of what was taken."""

ROIS = (
    *("--roi", "pupil:ellipse:115,375,66,57", "--roi", "blink:ellipse:115,375,66,57"),
    *("--roi", "running:rectangle:240,290,136,96", "--roi", "motion:rectangle:0,0,640,480"),
)


def _claim(name: str, title: str, part: str, *words: str, n_copies: int = 1) -> Claim:
    return Claim(
        name=f"estimate.{name}",
        title=f"estimate of --dry-run, {title}",
        module=__name__,
        sets=(part,),
        sides={"mystax": "mystax"},
        goals=(),
        arguments={"name": "easy", "n_copies": n_copies, "words": list(words)},
    )


CLAIMS = (
    _claim("svd", "motion SVD, 6,000 frames", "full", "--analyses", "svd"),
    _claim(
        "all", "five analyses, 6,000 frames", "full", "--analyses", "motion,svd,pupil,blink,running", *ROIS
    ),
    _claim("hour", "motion SVD, 1 h at 100 frames per second", "scaling", "--analyses", "svd", n_copies=60),
)


def _command(job: dict[str, Any], *more: str) -> list[str]:
    words = ["run", *job["videos"], *job["words"], "--no-report"]
    return [*words, "--join", *more] if len(job["videos"]) > 1 else [*words, *more]


def prepare(job: dict[str, Any]) -> dict[str, Any]:
    """Make the videos, and ask what the run will take."""
    from benchmarks.data import VIDEOS, joined, make_video

    data = Path(job["data"])
    videos = (
        joined(data, job["name"], job["n_copies"]) if job["n_copies"] > 1 else [make_video(data, job["name"])]
    )
    job = {**job, "videos": [str(video) for video in videos]}
    code = "import sys; from mystax.cli import main; main(sys.argv[1:])"
    words = _command(job, "--dry-run", "--json", "--out", str(Path(job["work"]) / "none"))
    done = subprocess.run([sys.executable, "-c", code, *words], check=True, capture_output=True, text=True)
    plan = json.loads(done.stdout)["plans"][0]
    told = {name: plan[name] for name in ("seconds", "memory", "disk", "routes", "readings", "decodes")}
    return {"videos": job["videos"], "told": told, "n_frames": VIDEOS[job["name"]].n_frames * len(videos)}


def mystax(job: dict[str, Any]) -> dict[str, Any]:
    """Run, and say how long it took and what its child had in memory at most."""
    import resource

    from mystax.cli import main

    with Stopwatch() as watch:
        try:
            main(_command(job, "--quiet", "--out", job["folder"]))
        except SystemExit as leave:
            if leave.code:
                raise
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    # Kilobytes everywhere but on macOS, which counts bytes.
    memory = peak if sys.platform == "darwin" else peak << 10
    return {"n": job["n_frames"], "unit": "frame", "seconds": watch.wall_s, "memory": memory}


def check(job: dict[str, Any]) -> dict[str, Any]:
    """Compare what was told with what was taken; time on a busy machine is longer than was told."""
    told, took = job["told"], job["last"]["mystax"]
    memory = told["memory"] / took["memory"] - 1
    seconds = told["seconds"] / took["seconds"] - 1
    return {
        "ok": abs(memory) <= MEMORY and abs(seconds) <= TIME,
        "memory_difference": memory,
        "time_difference": seconds,
        "told": told,
        "seconds": took["seconds"],
        "memory": took["memory"],
    }
