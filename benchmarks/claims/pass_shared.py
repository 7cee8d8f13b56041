"""pass.shared: all frame analyses in one decode pass, against one decode and the sum of the parts."""

from pathlib import Path
from typing import Any

from benchmarks.claim import Claim, Goal
from benchmarks.side import Stopwatch

__all__ = ["CLAIMS", "apart", "check", "prepare", "together"]

ANALYSES = ("motion", "svd", "pupil", "blink", "running")

CLAIMS = (
    Claim(
        name="pass.shared",
        title="five analyses in one pass, 2,000 frames (floor: one decode + the sum of the parts)",
        module=__name__,
        sets=("full",),
        sides={"mystax": "together", "floor": "apart"},
        goals=(Goal("cpu", "floor", 1.10),),
        basis="work",
        arguments={"name": "short"},
    ),
)


def prepare(job: dict[str, Any]) -> dict[str, Any]:
    """Make the video."""
    from benchmarks.data import make_video

    return {"video": str(make_video(Path(job["data"]), job["name"]))}


def _measure(job: dict[str, Any], names: tuple[str, ...], watch: Stopwatch) -> tuple[dict[str, Any], int]:
    """Run some analyses in one pass over the video."""
    from mystax.core.analysis import get_analysis
    from mystax.core.params import check_params
    from mystax.engine.passes import CameraPass, drive, whole_frame
    from mystax.io.video import Video
    from mystax.synth import benchmark_video

    drawn = benchmark_video(2).rois
    lines = {}
    with Video(job["video"], threads=1) as video:
        for name in names:
            analysis = get_analysis(name)
            wanted = analysis.roi_input
            kind = wanted.kind if wanted is not None else ""
            rois = [roi.at("face") for roi in drawn if roi.kind == kind and kind != "motion"]
            lent = CameraPass(video, "face", rois or [whole_frame(video.shape, "face")])
            lines[name] = (analysis.make(check_params(analysis.params, {}, name)), lent)
        with watch:
            drive(video, lines)
            outcomes = {name: reducer.finish() for name, (reducer, _) in lines.items()}
        n = video.n_frames
    return outcomes, n


def _keep(job: dict[str, Any], outcomes: dict[str, Any]) -> None:
    """Save the variables of outcomes for the check."""
    import numpy as np

    for name, outcome in outcomes.items():
        arrays: dict[str, Any] = {
            key: np.asarray(value) for key, value in outcome.variables.items() if value.dtype.kind in "fiu"
        }
        np.savez(Path(job["folder"]) / f"{name}.npz", **arrays)


def together(job: dict[str, Any]) -> dict[str, Any]:
    """Run all analyses in one pass."""
    watch = Stopwatch()
    outcomes, n = _measure(job, ANALYSES, watch)
    _keep(job, outcomes)
    return watch.values(n, "frame")


def apart(job: dict[str, Any]) -> dict[str, Any]:
    """Decode once, run every analysis alone, and count one decode plus what each analysis adds to it."""
    from mystax.io.video import Video

    decode, total, n = Stopwatch(), Stopwatch(), 0
    with Video(job["video"], threads=1) as video, decode:
        for _ in video.chunks():
            pass
    for name in ANALYSES:
        part = Stopwatch()
        outcomes, n = _measure(job, (name,), part)
        _keep(job, outcomes)
        total.wall_s += part.wall_s - decode.wall_s
        total.cpu_s += part.cpu_s - decode.cpu_s
    total.wall_s += decode.wall_s
    total.cpu_s += decode.cpu_s
    return total.values(n, "frame")


def check(job: dict[str, Any]) -> dict[str, Any]:
    """Compare every variable bit for bit."""
    import numpy as np

    different = []
    for name in ANALYSES:
        paths = [Path(job["last"][side]["folder"]) / f"{name}.npz" for side in ("mystax", "floor")]
        one, other = (np.load(path) for path in paths)
        different += [
            f"{name}.{key}" for key in one.files if not np.array_equal(one[key], other[key], equal_nan=True)
        ]
    return {"ok": not different, "different": different}
