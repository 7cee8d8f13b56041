"""eye.together.*: pupil, blink and running of one region each, in memory; what a frame costs in all."""

from pathlib import Path
from typing import Any

from benchmarks.claim import Claim, Goal
from benchmarks.claims import eye, running

__all__ = ["CLAIMS", "check", "prepare", "together"]

N_FRAMES = eye.N_FRAMES
LEAST_RIGHT = 0.98


def _claim(method: str, most: float, error: float) -> Claim:
    return Claim(
        name=f"eye.together.{method}",
        title=f"pupil ({method}), blink, running of {N_FRAMES} frames in memory, {1000 * most:g} ms a frame",
        module=__name__,
        sets=("quick",),
        sides={"mystax": "together"},
        goals=(Goal("cpu", "self", most * N_FRAMES),),
        basis="work",
        arguments={"method": method, "error": error},
    )


CLAIMS = (_claim("moments", 0.35e-3, 0.15), _claim("rim", 0.95e-3, 0.015))


def prepare(job: dict[str, Any]) -> dict[str, Any]:
    """Film an eye and a wheel."""
    made = {}
    for name, module in (("eye", eye), ("wheel", running)):
        folder = Path(job["work"]) / name
        folder.mkdir()
        made[name] = str(module.prepare({**job, "work": str(folder)})["frames"])
    return made


def together(job: dict[str, Any]) -> dict[str, Any]:
    """Measure all three, one after the other."""
    import numpy as np

    from mystax.core.geometry import Ellipse, Rectangle, Roi

    height, width = eye.SHAPE
    lids = Ellipse((width - 1) / 2, (height - 1) / 2, (width - 1) / 2, (height - 1) / 2)
    wheel = Rectangle(0, 0, running.SHAPE[1], running.SHAPE[0])
    pupil = {"method": job["method"]} | ({"threshold": eye.SATURATION} if job["method"] == "moments" else {})
    parts = (
        eye.measured("pupil", job["eye"], Roi("eye", "pupil", lids, "face"), pupil),
        eye.measured("blink", job["eye"], Roi("lids", "blink", lids, "face"), {"level": eye.SATURATION}),
        eye.measured("running", job["wheel"], Roi("wheel", "running", wheel, "face"), {}),
    )
    np.savez(job["out"], area=parts[0][1]["area"].values[:, 0], shift=parts[2][1]["shift"].values[:, 0])
    times = {name: sum(values[name] for values, _ in parts) for name in ("work_wall_s", "work_cpu_s")}
    return {**times, "n": N_FRAMES, "unit": "frame"}


def check(job: dict[str, Any]) -> dict[str, Any]:
    """Compare areas and shifts with the truth."""
    import numpy as np

    found = np.load(Path(job["last"]["mystax"]["folder"]) / "out.npz")
    area = float(np.nanmedian(np.abs(found["area"] / np.load(job["eye"])["area"] - 1)))
    error = np.abs(found["shift"][1:] - np.load(job["wheel"])["shift"][1:, ::-1]).max(1)
    right = float(np.mean(error < 0.5))
    return {"ok": area <= job["error"] and right >= LEAST_RIGHT, "median_area_error": area, "right": right}
