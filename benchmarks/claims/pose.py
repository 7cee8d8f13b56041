"""pose.*: a video to the points of the face, against the peer's whole path and against decoding alone.

The peer's published weights may not be fetched here, so its network gets random ones: the time is the same.
How wide that network is says only its file of parameters: two likely widths are timed.  On both sides modules
are imported and the network is made before the watch starts; `pose.start` tells what that takes.
"""

import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.claim import Claim, Goal
from benchmarks.side import Stopwatch

__all__ = ["CLAIMS", "check", "check_live", "check_start", "first_pose", "floor", "live", "mystax", "prepare"]

N_FRAMES = 600
N_LIVE, N_WARM, N_STARTS = 500, 20, 5
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


CLAIMS = (
    *(_path(width) for width in WIDTHS),
    Claim(
        name="pose.start",
        title="a file that is opened to its first points, in a new process",
        module=__name__,
        sets=("full",),
        sides={"mystax": "first_pose"},
        goals=(Goal("wall", "self", 0.7),),
        check="check_start",
        basis="work",
    ),
    Claim(
        name="pose.live",
        title=f"99th percentile of {N_LIVE} live frames of 256 x 256 px, two threads",
        module=__name__,
        sets=("full",),
        sides={"mystax": "live"},
        goals=(Goal("wall", "self", 0.012),),
        check="check_live",
        basis="work",
    ),
)


def prepare(job: dict[str, Any]) -> dict[str, Any]:
    """Make the video, and load what is compiled and cached on the first use ever."""
    from benchmarks.data import make_video

    path = make_video(Path(job["data"]), "tracked")
    ready = {"video": str(path), "box": BOX, "n_frames": N_FRAMES}
    mystax({**ready, "rep": 1})
    return ready


def mystax(job: dict[str, Any]) -> dict[str, Any]:
    """Track the whole video into an outcome."""
    import numpy as np

    import mystax as library
    from mystax.core.array_source import ArraySource

    box = ",".join(str(number) for number in job["box"])
    some = np.random.default_rng(0).integers(0, 256, (9, 480, 640)).astype(np.uint8)
    library.pose(ArraySource(some), box=box, cores=1)
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


def first_pose(job: dict[str, Any]) -> dict[str, Any]:
    """Time from the opened file to the points of the first frames, in processes of their own."""
    code = (
        "import time\nfrom mystax.io.video import Video\n"
        f"video = Video({job['video']!r})\n"
        "begin = time.perf_counter(), time.process_time()\n"
        "from mystax.core.analysis import get_analysis\n"
        "from mystax.core.params import check_params\n"
        "from mystax.engine.passes import CameraPass\n"
        "pose = get_analysis('pose')\n"
        f"wishes = {{'box': {','.join(str(number) for number in job['box'])!r}}}\n"
        "reducer = pose.make(check_params(pose.params, wishes, 'pose'))\n"
        "reducer.start(CameraPass(video, 'face', []))\n"
        "reducer.update(next(video.chunks(size=1)))\n"
        "reducer.state()\n"
        "print(time.perf_counter() - begin[0], time.process_time() - begin[1])\n"
    )
    done = [
        subprocess.run(
            [sys.executable, "-c", code], check=True, capture_output=True, text=True
        ).stdout.split()
        for _ in range(N_STARTS)
    ]
    watch = Stopwatch()
    watch.wall_s, watch.cpu_s = (statistics.median(float(row[k]) for row in done) for k in (0, 1))
    return watch.values(1, "start")


def check_start(_: dict[str, Any]) -> dict[str, Any]:
    """Nothing but success can be checked of processes that end well."""
    return {"ok": True}


def live(job: dict[str, Any]) -> dict[str, Any]:
    """Track single frames as they come, each timed by itself."""
    import av
    import numpy as np

    import mystax as library

    left, top, _ = job["box"]
    with av.open(job["video"]) as container:
        decoded = (frame.to_ndarray(format="gray") for frame in container.decode(video=0))
        frames = [np.ascontiguousarray(f[top : top + 256, left : left + 256]) for f in decoded]
    tracker = library.Tracker(box="frame", cores=2)
    walls, cpu = [], time.process_time()
    n_seen = 0
    for number in range(N_WARM + N_LIVE):
        begin = time.perf_counter()
        pose = tracker(frames[number % len(frames)], time=number / 100)
        walls.append(time.perf_counter() - begin)
        n_seen += int(np.isfinite(pose.position).all())
    watch = Stopwatch()
    watch.wall_s = float(np.percentile(walls[N_WARM:], 99))
    watch.cpu_s = (time.process_time() - cpu) / (N_WARM + N_LIVE)
    median = float(np.median(walls[N_WARM:]))
    return {**watch.values(1, "frame"), "median_s": median, "seen": n_seen / (N_WARM + N_LIVE)}


def check_live(job: dict[str, Any]) -> dict[str, Any]:
    """Demand places in every frame."""
    found = job["last"]["mystax"]
    return {"ok": found["seen"] == 1.0, "median_s": found["median_s"]}
