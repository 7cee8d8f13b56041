"""svd.accuracy: variance that each route captures, relative to a dense decomposition; routes are forced."""

from pathlib import Path
from typing import Any

from benchmarks.claim import Claim
from benchmarks.side import Stopwatch

__all__ = ["CLAIMS", "check", "mystax", "prepare"]

BIN = 4
BOUNDS = {"gram_frames": (0.99999, 0.99999), "spooled": (0.999, 0.98), "streamed": (0.995, 0.96)}

ROUTES = {"gram_frames": "gram_frames", "spooled": "subspace", "streamed": "subspace_streamed"}


def _claim(case: str, title: str, **arguments: Any) -> Claim:
    return Claim(
        name=f"svd.accuracy.{case}",
        title=f"captured variance over exact, {title}",
        module=__name__,
        sets=("full",),
        sides={"mystax": "mystax"},
        goals=(),
        arguments=arguments,
    )


CLAIMS = (
    _claim("synthetic", "6,000 synthetic frames", name="high", routes=["spooled", "streamed"]),
    _claim("openfield", "real clip", clip="openfield", routes=["gram_frames", "spooled", "streamed"]),
    _claim("mirror", "real clip", clip="mirror", routes=["gram_frames"]),
)


def prepare(job: dict[str, Any]) -> dict[str, Any]:
    """Find or make the video."""
    from benchmarks.data import find_clip, make_video

    if "clip" not in job:
        return {"video": str(make_video(Path(job["data"]), job["name"]))}
    path = find_clip(job["clip"])
    return (
        {"absent": "the real clips are not here (MYSTAX_TEST_DATA)"} if path is None else {"video": str(path)}
    )


def mystax(job: dict[str, Any]) -> dict[str, Any]:
    """Decompose the whole frame by each route."""
    import numpy as np

    from mystax.compute.svd import SvdReducer
    from mystax.compute.svd_routes import SvdSettings
    from mystax.engine.passes import CameraPass, drive, whole_frame
    from mystax.io.video import Video

    watch, n = Stopwatch(), 0
    for name in job["routes"]:
        max_spool = 0.0 if name == "streamed" else 16.0
        route: Any = ROUTES[name]
        reducer = SvdReducer(
            settings=SvdSettings(n_components=500, route=route, max_spool=max_spool), size=BIN
        )
        with Video(job["video"]) as video, watch:
            lent = CameraPass(video, "face", [whole_frame(video.shape, "face")])
            drive(video, {"svd": (reducer, lent)})
            n += video.n_frames
            outcome = reducer.finish()
        masks = outcome["motion_mask"].values[0]
        np.save(Path(job["folder"]) / f"{name}.npy", masks.reshape(len(masks), -1))
    return watch.values(n, "frame")


def check(job: dict[str, Any]) -> dict[str, Any]:
    """Compare every route with the exact one."""
    import numpy as np

    from benchmarks.exact import block_sums, captured_share, exact_values, motion_rows

    video = Path(job["video"])
    motion = motion_rows(block_sums(video, BIN))
    keep = Path(job["data"]) / f"{video.stem}.bin{BIN}.npz"
    values = exact_values(motion, keep)
    found: dict[str, Any] = {"ok": True}
    for name in job["routes"]:
        masks = np.nan_to_num(np.load(Path(job["last"]["mystax"]["folder"]) / f"{name}.npy")).T
        shares = [captured_share(motion, masks, values, n) for n in (100, 500)]
        found[name] = shares
        found["ok"] &= all(share >= bound for share, bound in zip(shares, BOUNDS[name], strict=True))
    return found
