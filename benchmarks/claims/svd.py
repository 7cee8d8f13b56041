"""svd.full4, svd.roi, svd.bin2, svd.long: motion SVD as a user runs it, from the file to the outcome."""

import os
from pathlib import Path
from typing import Any

from benchmarks.claim import Claim, Goal
from benchmarks.side import Stopwatch

__all__ = ["CLAIMS", "N_COMPONENTS", "PEER", "check", "floor", "mystax", "prepare", "run_svd"]

PEER = ("facemap", "process")
SIDES = {"mystax": "mystax", "floor": "floor"}
ROI = (200, 140, 200, 200)
N_COMPONENTS = 500

CLAIMS = (
    Claim(
        name="svd.full4",
        title="motion SVD, 6,000 frames, bin 4, 500 components",
        module=__name__,
        sets=("quick",),
        sides=SIDES,
        goals=(
            Goal("wall", "peer", 6.0),
            Goal("cpu", "peer", 4.5),
            Goal("rss", "peer", 4.0),
            Goal("wall", "floor", 1.8),
            Goal("cpu", "floor", 2.4),
            Goal("rss", "self", 700.0),
        ),
        peer=PEER,
        arguments={"name": "high", "bin": 4, "captured": [0.999, 0.98], "variance": 1e-9},
    ),
    Claim(
        name="svd.roi",
        title="motion SVD of a region of 200 x 200, bin 4, 2,000 frames",
        module=__name__,
        sets=("full",),
        sides=SIDES,
        goals=(Goal("cpu", "peer", 5.0), Goal("cpu", "floor", 2.0)),
        peer=PEER,
        arguments={"name": "short", "bin": 4, "box": ROI, "captured": [0.99999, 0.99999]},
    ),
    Claim(
        name="svd.bin2",
        title="motion SVD, 2,000 frames, bin 2",
        module=__name__,
        sets=("full",),
        sides=SIDES,
        goals=(Goal("wall", "peer", 8.0),),
        peer=PEER,
        arguments={"name": "short", "bin": 2, "captured": [0.99999, 0.99999]},
    ),
    Claim(
        name="svd.long",
        title="motion SVD, 1 h at 100 frames per second, bin 4",
        module=__name__,
        sets=("scaling",),
        sides=SIDES,
        goals=(Goal("cpu", "peer", 2.0), Goal("cpu", "floor", 1.6)),
        peer=PEER,
        arguments={"name": "high", "bin": 4, "n_copies": 60},
    ),
)


def prepare(job: dict[str, Any]) -> dict[str, Any]:
    """Make the video, and the exact decomposition of the short ones for the check."""
    import av

    from benchmarks.data import joined, make_video

    data = Path(job["data"])
    videos = (
        joined(data, job["name"], job["n_copies"]) if "n_copies" in job else [make_video(data, job["name"])]
    )
    with av.open(str(videos[0])) as container:
        stream = container.streams.video[0]
        n, shape = stream.frames * len(videos), [stream.height, stream.width]
    prepared = {
        "videos": [str(video) for video in videos],
        "video": str(videos[0]),
        "n_frames": n,
        "shape": shape,
        "motion": True,
    }
    if "box" in job:
        prepared |= {"rois": [{"kind": "motion", "box": job["box"], "bin": job["bin"]}], "whole": False}
    if job["name"] == "high":
        # Two thread settings of the peer are told apart on fewer frames: a minute each is too long for that.
        prepared["warm"] = {"videos": [str(make_video(data, "short"))]}
    return prepared


def mystax(job: dict[str, Any]) -> dict[str, Any]:
    """Run the command line: start, decoding, decomposition, outcome on disk."""
    return run_svd(job)


def run_svd(job: dict[str, Any], *more: str) -> dict[str, Any]:
    """Run the command line on the videos of a job, with more words."""
    from mystax.cli import main

    words = [
        "run",
        *job["videos"],
        "--analyses",
        "svd",
        "--svd-bin",
        str(job["bin"]),
        "--no-report",
        "--quiet",
    ]
    if len(job["videos"]) > 1:
        words.append("--join")
    if "box" in job:
        words += ["--roi", "motion:rectangle:" + ",".join(str(value) for value in job["box"])]
    try:
        main([*words, *more, "--out", job["folder"]])
    except SystemExit as leave:
        if leave.code:
            raise
    return {"n": job["n_frames"], "unit": "frame"}


def floor(job: dict[str, Any]) -> dict[str, Any]:
    """Decode the same files with all cores, and throw every frame away."""
    import av

    n = 0
    with Stopwatch() as watch:
        for video in job["videos"]:
            with av.open(video) as container:
                stream = container.streams.video[0]
                stream.codec_context.thread_count = min(8, os.cpu_count() or 1)
                stream.codec_context.thread_type = "AUTO"
                for _ in container.decode(stream):
                    n += 1
    return watch.values(n, "frame")


def check(job: dict[str, Any]) -> dict[str, Any]:
    """Compare the outcome of the timed run with a dense decomposition of the same block sums."""
    import numpy as np

    from benchmarks.exact import block_sums, captured_share, exact_values, motion_rows
    from mystax.io.outcomes import load

    outcome: Any = load(next(Path(job["last"]["mystax"]["folder"]).rglob("svd.nc")))
    n_components = int(outcome.sizes["component"])
    found: dict[str, Any] = {
        "n_components": n_components,
        "method": str(outcome["motion_method"].values[0]),
        "shortfall": float(outcome["motion_shortfall"].values[0]),
    }
    if "n_copies" in job:
        scores = outcome["motion_svd"]
        found["ok"] = n_components == N_COMPONENTS and scores.sizes["time"] == job["n_frames"]
        return found
    sums = block_sums(Path(job["video"]), job["bin"], job.get("box"))
    motion = motion_rows(sums)
    box = ".box" if "box" in job else ""
    keep = Path(job["data"]) / f"{Path(job['video']).stem}.bin{job['bin']}{box}.npz"
    values = exact_values(motion, keep)
    masks = np.nan_to_num(outcome["motion_mask"].values[0].reshape(n_components, -1).T)
    shares = [captured_share(motion, masks, values, n) for n in (100, N_COMPONENTS)]
    factor = float(outcome.attrs["grey_gain"]) / job["bin"] ** 2
    variance = float(outcome["motion_variance"].values[0]) / factor**2
    inner = masks.T @ masks - np.eye(n_components)
    found |= {
        "captured_100": shares[0],
        "captured_500": shares[1],
        "variance_error": abs(variance / float(values.sum()) - 1),
        "orthogonality": float(np.abs(inner).max()),
    }
    close = all(share >= bound for share, bound in zip(shares, job["captured"], strict=True))
    found["ok"] = (
        close and found["variance_error"] <= job.get("variance", 1e-6) and found["orthogonality"] <= 1e-4
    )
    return found
