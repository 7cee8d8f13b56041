"""svd.compat: components as Facemap has them, against those in the file that it writes itself."""

from pathlib import Path
from typing import Any

from benchmarks.claim import Claim, Goal
from benchmarks.claims.svd import N_COMPONENTS, PEER, prepare, run_svd

__all__ = ["CLAIMS", "check", "compat", "plain", "prepare"]

N_COLUMNS = 10
CORRELATION, SINGULAR = 0.99, 0.01
COSINES = {10: 0.99, 50: 0.97}
"""Number of components -> smallest cosine of the angles between the two subspaces."""

N_MASKS, UNIFORM = 20, 0.1
"""Without the switch, one of so many masks has a mean of this size (times the root of the bins)."""

CLAIMS = (
    Claim(
        name="svd.compat",
        title="motion SVD as Facemap has it, 6,000 frames, bin 4 (plain: without the switch)",
        module=__name__,
        sets=("full",),
        sides={"mystax": "compat", "plain": "plain"},
        goals=(Goal("cpu", "peer", 4.0),),
        peer=PEER,
        arguments={"name": "high", "bin": 4},
    ),
)


def compat(job: dict[str, Any]) -> dict[str, Any]:
    """Run with the switch."""
    return run_svd(job, "--svd-facemap-compat", "true")


def plain(job: dict[str, Any]) -> dict[str, Any]:
    """Run without it."""
    return run_svd(job)


def _outcome(job: dict[str, Any], side: str) -> Any:
    from mystax.io.outcomes import load

    return load(next(Path(job["last"][side]["folder"]).rglob("svd.nc")))


def check(job: dict[str, Any]) -> dict[str, Any]:
    """Compare traces, subspaces and singular values with those of the peer's file."""
    import numpy as np
    from scipy.linalg import subspace_angles

    from mystax.io.formats.facemap import read_facemap

    masks = np.nan_to_num(_outcome(job, "plain")["motion_mask"].values[0].reshape(N_COMPONENTS, -1))
    uniform = float(np.abs(masks[:N_MASKS].mean(1)).max() * np.sqrt(masks.shape[1]))
    said: dict[str, Any] = {"ok": uniform > UNIFORM, "uniform_without_switch": uniform}
    side = next((name for name in job["last"] if name.startswith("peer")), None)
    if side is None:
        return said
    theirs = read_facemap(Path(job["last"][side]["saved"]))
    ours = _outcome(job, "mystax")
    columns = [
        np.asarray(found, np.float64)[1:] for found in (ours["motion_svd"].values[:, 0], theirs["motSVD"][0])
    ]
    said["correlation"] = [
        float(abs(np.corrcoef(columns[0][:, k], columns[1][:, k])[0, 1])) for k in range(N_COLUMNS)
    ]
    said["cosine"] = {
        str(k): float(np.cos(subspace_angles(columns[0][:, :k], columns[1][:, :k])).min()) for k in COSINES
    }
    singular = np.asarray(theirs["motSv"], np.float64)[:N_COLUMNS]
    difference = ours["motion_singular_value"].values[0, :N_COLUMNS] / singular - 1
    said["singular_difference"] = float(np.abs(difference).max())
    said["ok"] &= (
        min(said["correlation"]) >= CORRELATION
        and all(said["cosine"][str(k)] >= bound for k, bound in COSINES.items())
        and said["singular_difference"] <= SINGULAR
    )
    return said
