"""pose.path.*: a video to the points of the face, against the peer's whole path and against decoding alone.

The peer's published weights may not be fetched here, so its network gets random ones: the time is the same.
How wide that network is says only its file of parameters: two likely widths are timed.
"""

from pathlib import Path
from typing import Any

from benchmarks.claim import Claim, Goal
from benchmarks.side import Stopwatch

__all__ = ["CLAIMS", "check", "floor", "mystax", "prepare"]

N_FRAMES = 600
BOX = (140, 60, 360)
"""Left, top and side of the face box [px]."""

WIDTHS = {"narrow": [16, 32, 64, 128, 200], "wide": [32, 64, 128, 200, 200]}
"""Channels of the peer's stages."""


def _path(width: str) -> Claim:
    return Claim(
        name=f"pose.path.{width}",
        title=f"keypoints of {N_FRAMES} frames of 640 x 480 px, one thread ({width} network of the peer)",
        module=__name__,
        sets=("full",),
        sides={"mystax": "mystax", "floor": "floor"},
        goals=(Goal("cpu", "peer", 15.0), Goal("cpu", "floor", 4.5), Goal("cpu", "self", N_FRAMES / 150)),
        peer=("facemap", "track"),
        basis="work",
        arguments={"channels": WIDTHS[width]},
    )


CLAIMS = tuple(_path(width) for width in WIDTHS)


def prepare(job: dict[str, Any]) -> dict[str, Any]:
    """Make the video, and load what is compiled and cached on the first use ever."""
    from benchmarks.data import make_video

    path = make_video(Path(job["data"]), "tracked")
    ready = {"video": str(path), "box": BOX, "n_frames": N_FRAMES}
    mystax({**ready, "rep": 1})
    return ready


def mystax(job: dict[str, Any]) -> dict[str, Any]:
    """Track the whole video into an outcome."""
    import mystax as library

    box = ",".join(str(number) for number in job["box"])
    with Stopwatch() as watch:
        found = library.pose(job["video"], box=box, cores=1)
    finite = float(found["position"].notnull().mean())
    return {**watch.values(found.sizes["time"], "frame"), "finite": finite}


def floor(job: dict[str, Any]) -> dict[str, Any]:
    """Decode, and throw every frame away."""
    import av

    n = 0
    with av.open(job["video"]) as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        with Stopwatch() as watch:
            for _ in container.decode(stream):
                n += 1
    return watch.values(n, "frame")


def check(job: dict[str, Any]) -> dict[str, Any]:
    """Demand a row per frame from each side, and that cutting the work into batches moves no point."""
    import numpy as np

    import mystax as library

    box = ",".join(str(number) for number in job["box"])
    first, second = (
        library.pose(job["video"], box=box, cores=cores)["position_raw"].to_numpy() for cores in (1, 2)
    )
    away = float(np.nanmax(np.abs(first - second)))
    counts = {side: int(last["n"]) for side, last in job["last"].items()}
    return {"ok": away <= 1e-3 and set(counts.values()) == {N_FRAMES}, "away": away, "counts": counts}
