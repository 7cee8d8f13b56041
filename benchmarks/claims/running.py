"""running: movement of a wheel with known shifts, in memory, without decoding."""

from pathlib import Path
from typing import Any

from benchmarks.claim import Claim, Goal
from benchmarks.claims.eye import measured

__all__ = ["CLAIMS", "check", "mystax", "prepare"]

N_FRAMES = 2000
SHAPE = (96, 136)
MAX_SHIFT = 12
NOISE = 4.0

CLAIMS = (
    Claim(
        name="running",
        title=f"running, {SHAPE[1]} x {SHAPE[0]} px, {N_FRAMES} frames in memory",
        module=__name__,
        sets=("quick",),
        sides={"mystax": "mystax"},
        goals=(Goal("cpu", "peer", 4.0),),
        peer=("facemap", "running"),
        basis="work",
    ),
)


def prepare(job: dict[str, Any]) -> dict[str, Any]:
    """Make a wheel that is shifted by whole pixels, and noise."""
    import numpy as np

    from mystax.synth.texture import speckle

    generator = np.random.default_rng(7)
    rows, columns = SHAPE
    texture = 120.0 + 34.0 * speckle((512, 512), 1.5, generator)
    shift = generator.integers(-MAX_SHIFT, MAX_SHIFT + 1, (N_FRAMES, 2))
    place = np.cumsum(shift, axis=0)
    frames = np.empty((N_FRAMES, rows, columns), np.uint8)
    for number, (dy, dx) in enumerate(place):
        part = np.take(texture, np.arange(-dy, rows - dy), 0, mode="wrap")
        part = np.take(part, np.arange(-dx, columns - dx), 1, mode="wrap")
        frames[number] = np.clip(np.rint(part + generator.normal(0, NOISE, SHAPE)), 0, 255)
    path = Path(job["work"]) / "frames.npz"
    np.savez(path, frames=frames, shift=shift)
    return {"frames": str(path)}


def mystax(job: dict[str, Any]) -> dict[str, Any]:
    """Measure every pair of frames."""
    import numpy as np

    from mystax.core.geometry import Rectangle, Roi

    roi = Roi("wheel", "running", Rectangle(0, 0, SHAPE[1], SHAPE[0]), "face")
    values, outcome = measured("running", job["frames"], roi, {})
    np.savez(job["out"], shift=outcome["shift"].values[:, 0])
    return values


def check(job: dict[str, Any]) -> dict[str, Any]:
    """Count the shifts that are right after rounding; correlate those of the peer."""
    import numpy as np

    truth = np.load(job["frames"])["shift"][1:, ::-1]
    found = np.load(Path(job["last"]["mystax"]["folder"]) / "out.npz")["shift"][1:]
    error = np.abs(found - truth).max(1)
    right = float(np.mean(error < 0.5))
    said: dict[str, Any] = {"right": right, "median_error": float(np.nanmedian(error))}
    for side, last in job["last"].items():
        if side.startswith("peer"):
            theirs = np.load(Path(last["folder"]) / "out.npz")["shift"]
            n = min(len(theirs), len(truth))
            pair = theirs[:n, 1].astype(float), truth[:n, 0].astype(float)
            said["peer_correlation"] = float(np.corrcoef(*pair)[0, 1]) if pair[0].std() > 0 else 0.0
    return {"ok": right >= 0.98, **said}
