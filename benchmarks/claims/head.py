"""head.*: rendered mouse faces, for training and as videos."""

from itertools import pairwise
from typing import Any

from benchmarks.claim import Claim, Goal
from benchmarks.side import Stopwatch

__all__ = ["CLAIMS", "check_film", "check_pictures", "film", "pictures", "prepare"]

N_PICTURES = 1000
N_FRAMES = 300
CLAIMS = (
    Claim(
        name="head.pictures",
        title=f"rendered faces for training, {N_PICTURES} of 256 x 256 px, one thread",
        module=__name__,
        sets=("full",),
        sides={"mystax": "pictures"},
        goals=(Goal("cpu", "self", 0.030 * N_PICTURES), Goal("rss", "self", 500)),
        check="check_pictures",
        basis="work",
    ),
    Claim(
        name="head.film",
        title=f"rendered video, quick, {N_FRAMES} frames of 320 x 240 px, two threads",
        module=__name__,
        sets=("quick",),
        sides={"mystax": "film"},
        goals=(Goal("wall", "self", N_FRAMES / 100), Goal("cpu", "self", 2 * N_FRAMES / 100)),
        check="check_film",
        basis="work",
    ),
)


def prepare(_: dict[str, Any]) -> dict[str, Any]:
    """Compile the loops before anything is timed."""
    from mystax.synth.head import render_image

    render_image(0, 0)
    film({"frames": 2})
    return {"frames": N_FRAMES, "pictures": N_PICTURES}


def pictures(job: dict[str, Any]) -> dict[str, Any]:
    """Render pictures, and tell how varied they are."""
    import numpy as np

    from mystax.synth.head import render_batch

    render_batch(7, 0, 2)
    levels: list[float] = []
    placed = 0.0
    with Stopwatch() as watch:
        for start in range(0, job["pictures"], 50):
            batch = render_batch(7, start, 50)
            levels += batch.image.mean(axis=(1, 2)).tolist()
            placed += float((batch.state[:, :13] == 2).mean()) * 50 / job["pictures"]
    spread = float(np.std(levels))
    return {**watch.values(job["pictures"], "picture"), "spread": spread, "placed": placed}


def film(job: dict[str, Any]) -> dict[str, Any]:
    """Render a video of a mouse that whisks, licks and blinks."""
    import numpy as np

    from mystax.synth.head_script import HeadScript
    from mystax.synth.head_video import render_video

    video = render_video(HeadScript(3), fps=100, seconds=job["frames"] / 100, quick=True, workers=2)
    video.frames(0, 2)
    with Stopwatch() as watch:
        frames = video.frames()
    change = float(np.mean([np.abs(np.subtract(a, b, dtype=float)).mean() for a, b in pairwise(frames)]))
    return {**watch.values(len(frames), "frame"), "change": change}


def check_pictures(job: dict[str, Any]) -> dict[str, Any]:
    """See that pictures differ in brightness, and that most points are in view."""
    found = job["last"]["mystax"]
    return {"ok": found["spread"] > 20 and 0.7 < found["placed"] < 1.0, **found}


def check_film(job: dict[str, Any]) -> dict[str, Any]:
    """See that the animal moves."""
    found = job["last"]["mystax"]
    return {"ok": found["change"] > 0.2, **found}
