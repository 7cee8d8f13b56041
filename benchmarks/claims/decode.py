"""decode.*: a file to grey chunks, against the peer's reader and against decoding alone."""

from pathlib import Path
from typing import Any

from benchmarks.claim import Claim, Goal
from benchmarks.side import Stopwatch

__all__ = ["CLAIMS", "check", "floor", "mystax", "prepare"]

PEER = ("facemap", "read")
SIDES = {"mystax": "mystax", "floor": "floor"}
SLACK = 1.10


def _generated(name: str, title: str, bound: float, part: str = "quick", video: str = "") -> Claim:
    return Claim(
        name=f"decode.{name}",
        title=f"{title} to grey chunks",
        module=__name__,
        sets=(part,),
        sides=SIDES,
        goals=(Goal("cpu", "peer", bound), Goal("cpu", "floor", SLACK)),
        peer=PEER,
        basis="work",
        arguments={"name": video or name},
    )


def _real(name: str) -> Claim:
    return Claim(
        name=f"decode.clip.{name}",
        title=f"real clip ({name}) to grey chunks",
        module=__name__,
        sets=("full",),
        sides=SIDES,
        goals=(Goal("cpu", "peer", 1.3), Goal("cpu", "floor", SLACK)),
        peer=PEER,
        basis="work",
        arguments={"clip": name},
    )


CLAIMS = (
    _generated("easy", "H.264 of low rate, 6,000 frames", 2.2),
    _generated("high", "H.264 of high rate, 2,000 frames", 1.3, video="short"),
    _generated("mjpeg", "MJPEG, 2,000 frames", 1.7),
    _generated("ffv1", "FFV1 grey, 1,000 frames", 1.1, "full"),
    _real("mirror"),
    _real("openfield"),
)


def prepare(job: dict[str, Any]) -> dict[str, Any]:
    """Make the video; decode it the plain way for the check."""
    import av
    import numpy as np

    from benchmarks.data import find_clip, make_video

    if "clip" in job:
        path = find_clip(job["clip"])
        if path is None:
            return {"absent": "the real clips are not here (MYSTAX_TEST_DATA)"}
    else:
        path = make_video(Path(job["data"]), job["name"])
    with av.open(str(path)) as container:
        sums = [int(_luma(frame).sum(dtype=np.int64)) for frame in container.decode(video=0)]
    np.savez(Path(job["work"]) / "truth.npz", sums=np.array(sums, np.int64))
    return {"video": str(path), "n_frames": len(sums), "threads": 1}


def _luma(frame: Any) -> Any:
    """Return the first plane of a frame (8 bits)."""
    import numpy as np

    plane = frame.planes[0]
    return np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[: frame.height, : frame.width]


def mystax(job: dict[str, Any]) -> dict[str, Any]:
    """Read all chunks."""
    import numpy as np

    from mystax.io.video import Video

    n, parts = 0, []
    with Video(job["video"], threads=job["threads"]) as video, Stopwatch() as watch:
        for chunk in video.chunks():
            n += len(chunk)
            # The warm-up is checked by the sums of stored codes (grey levels of a limited range are others),
            # the timed runs by their number of frames.
            if job["rep"] == 0:
                parts.append(chunk.codes.sum((1, 2), dtype=np.int64))
    if parts:
        np.savez(Path(job["work"]) / "mystax-sums.npz", sums=np.concatenate(parts))
    return watch.values(n, "frame")


def floor(job: dict[str, Any]) -> dict[str, Any]:
    """Decode, and throw every frame away."""
    import av

    n = 0
    with av.open(job["video"]) as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = job["threads"]
        stream.codec_context.thread_type = "AUTO"
        with Stopwatch() as watch:
            for _ in container.decode(stream):
                n += 1
    return watch.values(n, "frame")


def check(job: dict[str, Any]) -> dict[str, Any]:
    """Compare the sums of all frames with those of a plain decoder."""
    import numpy as np

    work = Path(job["work"])
    truth, found = np.load(work / "truth.npz")["sums"], np.load(work / "mystax-sums.npz")["sums"]
    same = bool(truth.shape == found.shape and (truth == found).all())
    counts = {side: int(last["n"]) for side, last in job["last"].items()}
    return {
        "ok": same and set(counts.values()) == {len(truth)},
        "equal_frames": int((truth == found).sum()) if truth.shape == found.shape else 0,
        "counts": counts,
    }
