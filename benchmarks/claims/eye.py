"""eye.*: pupil and blink of one region, in memory, without decoding."""

from pathlib import Path
from typing import Any

from benchmarks.claim import Claim, Goal
from benchmarks.side import Stopwatch

__all__ = ["CLAIMS", "check_blink", "check_compat", "check_pupil", "measured", "mystax", "prepare"]

N_FRAMES = 2000
SATURATION = 80.0
SHAPE = (100, 110)


def _claim(
    name: str, title: str, bound: float, check: str, task: str, *, repeats: int = 1, **arguments: Any
) -> Claim:
    return Claim(
        name=f"eye.{name}",
        title=f"{title}, {SHAPE[1]} x {SHAPE[0]} px, {repeats * N_FRAMES} frames in memory",
        module=__name__,
        sets=("quick",),
        sides={"mystax": "mystax"},
        goals=(Goal("cpu", "peer", bound),),
        peer=("facemap", task),
        check=check,
        basis="work",
        arguments={"saturation": SATURATION, "sigma": 2.0, "analysis": task, "repeats": repeats, **arguments},
    )


CLAIMS = (
    _claim(
        "compat",
        "pupil as the peer computes it",
        10.0,
        "check_compat",
        "pupil",
        parameters={
            "method": "moments",
            "facemap_compat": True,
            "threshold": SATURATION,
            "reflection_level": 256,
        },
    ),
    _claim(
        "moments",
        "pupil by moments",
        5.0,
        "check_pupil",
        "pupil",
        parameters={"method": "moments", "threshold": SATURATION},
        error=0.15,
    ),
    _claim("rim", "pupil by its rim (the default)", 1.0, "check_pupil", "pupil", parameters={}, error=0.015),
    # 2,000 frames take 17 ms: too short to be timed.
    _claim(
        "blink",
        "blink",
        2.0,
        "check_blink",
        "blink",
        repeats=5,
        parameters={"level": SATURATION},
        level=SATURATION,
    ),
)


def prepare(job: dict[str, Any]) -> dict[str, Any]:
    """Film an eye whose pupil breathes and wanders, as often as `repeats` says."""
    import numpy as np

    from mystax.synth.eye import eye_movie

    movie = eye_movie(N_FRAMES, seed=3)
    chunk = movie.source.chunks(size=N_FRAMES)
    repeats = job.get("repeats", 1)
    frames = np.tile(next(chunk).data, (repeats, 1, 1))
    path = Path(job["work"]) / "frames.npz"
    np.savez(path, frames=frames, area=np.tile(movie.area, repeats))
    return {"frames": str(path), "box": [0, 0, SHAPE[1], SHAPE[0]]}


def measured(name: str, frames: str, roi: Any, parameters: dict[str, Any]) -> tuple[dict[str, Any], Any]:
    """Run one analysis on frames in memory, timed from the first frame to the last trace.

    Parameters
    ----------
    name : str
        Name of the analysis.
    frames : str
        File with the array `frames`.
    roi : Roi
        Its region.
    parameters : dict
        Its parameters.

    Returns
    -------
    dict
        Times, as a side reports them.
    Dataset
        Variables of the outcome.
    """
    import numpy as np

    from mystax.core.analysis import get_analysis
    from mystax.core.params import check_params
    from mystax.core.recording import ArraySource
    from mystax.engine.passes import CameraPass, drive

    analysis = get_analysis(name)
    array = np.load(frames)["frames"]

    def run(part: Any, watch: Stopwatch | None) -> Any:
        source = ArraySource(part, 100)
        reducer = analysis.make(check_params(analysis.params, parameters, name))
        line = {name: (reducer, CameraPass(source, "face", [roi]))}
        if watch is None:
            drive(source, line)
        else:
            with watch:
                drive(source, line)
        return reducer.finish()

    run(array[:40], None)  # compiled loops are loaded before the watch starts
    watch = Stopwatch()
    outcome = run(array, watch)
    return watch.values(len(array), "frame"), outcome


def mystax(job: dict[str, Any]) -> dict[str, Any]:
    """Measure every frame."""
    import numpy as np

    from mystax.core.geometry import Ellipse, Rectangle, Roi

    height, width = SHAPE
    shape: Any = Ellipse((width - 1) / 2, (height - 1) / 2, (width - 1) / 2, (height - 1) / 2)
    if job["parameters"].get("facemap_compat"):
        shape = Rectangle(0, 0, width, height)
    roi = Roi("eye", job["analysis"], shape, "face")
    values, outcome = measured(job["analysis"], job["frames"], roi, job["parameters"])
    kept = {name: outcome[name].values[:, 0] for name in ("area", "centre", "darkness") if name in outcome}
    np.savez(job["out"], **kept)
    return values


def _outputs(job: dict[str, Any], side: str) -> Any:
    import numpy as np

    return np.load(Path(job["last"][side]["folder"]) / "out.npz")


def _peer(job: dict[str, Any]) -> str | None:
    return next((side for side in job["last"] if side.startswith("peer")), None)


def check_compat(job: dict[str, Any]) -> dict[str, Any]:
    """Compare area and centre with the peer's, where it is here; else with the truth, coarsely."""
    import numpy as np

    found = _outputs(job, "mystax")
    side = _peer(job)
    if side is None:
        error = float(np.nanmedian(np.abs(found["area"] / np.load(job["frames"])["area"] - 1)))
        return {"ok": error < 0.25, "median_area_error": error}
    theirs = _outputs(job, side)
    area = float(np.abs(found["area"] / theirs["area"] - 1).max())
    centre = float(np.abs(found["centre"][:, ::-1] - theirs["com"]).max())
    return {"ok": area <= 1e-6 and centre <= 1e-5, "area_difference": area, "centre_difference": centre}


def check_pupil(job: dict[str, Any]) -> dict[str, Any]:
    """Compare the areas with the truth."""
    import numpy as np

    truth = np.load(job["frames"])["area"]
    error = np.abs(_outputs(job, "mystax")["area"] / truth - 1)
    median = float(np.nanmedian(error))
    said = {"median_area_error": median, "finite": float(np.isfinite(error).mean())}
    side = _peer(job)
    if side is not None:
        said["peer_median_area_error"] = float(np.median(np.abs(_outputs(job, side)["area"] / truth - 1)))
    return {"ok": median <= job["error"] and said["finite"] >= 0.9, **said}


def check_blink(job: dict[str, Any]) -> dict[str, Any]:
    """Compare the darkness with a sum by NumPy."""
    import numpy as np

    frames = np.load(job["frames"])["frames"].astype(np.int64)
    height, width = SHAPE
    y, x = np.mgrid[0:height, 0:width]
    inside = ((x - (width - 1) / 2) / ((width - 1) / 2)) ** 2 + (
        (y - (height - 1) / 2) / ((height - 1) / 2)
    ) ** 2
    dark = np.maximum(0, int(SATURATION) - frames)[:, inside <= 1].mean(1)
    error = float(np.abs(_outputs(job, "mystax")["darkness"] / dark - 1).max())
    return {"ok": error <= 1e-6, "largest_error": error}
