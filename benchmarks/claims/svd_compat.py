"""svd.compat: components as Facemap defines them, against a dense decomposition and against its own file.

Facemap decomposes chunks by a randomised method: of components of nearly equal strength its own are mixtures.
So what decides is the dense decomposition by its definition; how far its file is from both is told.
"""

from pathlib import Path
from typing import Any

from benchmarks.claim import Claim, Goal
from benchmarks.claims.svd import N_COMPONENTS, PEER, prepare, run_svd

__all__ = ["CLAIMS", "check", "compat", "plain", "prepare"]

N_COLUMNS, N_EXACT = 10, 60
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


def _by_definition(job: dict[str, Any], mean: Any) -> tuple[Any, Any]:
    """Decompose all rows densely: less the sampled mean, for the masks also less the mean of each row."""
    import numpy as np
    from scipy.sparse.linalg import eigsh

    from benchmarks.exact import block_sums

    grey = block_sums(Path(job["videos"][0]), job["bin"]).astype(np.float32) / job["bin"] ** 2
    rows = np.abs(np.diff(grey, axis=0)) - mean.astype(np.float32)
    centred = rows - rows.mean(1, keepdims=True)
    values, vectors = eigsh((centred @ centred.T).astype(np.float64), k=N_EXACT)
    singular = np.sqrt(values[::-1])
    masks = (centred.T @ vectors[:, ::-1].astype(np.float32)) / singular.astype(np.float32)
    return np.asarray(rows @ masks, np.float64), singular


def _distance(traces: Any, singular: Any, others: Any, other_singular: Any) -> dict[str, Any]:
    """Compare traces (time, component) and singular values with others."""
    import numpy as np
    from scipy.linalg import subspace_angles

    pairs = [(traces[:, k], others[:, k]) for k in range(N_COLUMNS)]
    difference = np.asarray(singular[:N_COLUMNS]) / np.asarray(other_singular[:N_COLUMNS]) - 1
    return {
        "least_correlation": min(float(abs(np.corrcoef(*pair)[0, 1])) for pair in pairs),
        "cosine": {
            str(k): float(np.cos(subspace_angles(traces[:, :k], others[:, :k])).min()) for k in COSINES
        },
        "singular_difference": float(np.abs(difference).max()),
    }


def check(job: dict[str, Any]) -> dict[str, Any]:
    """Compare traces, subspaces and singular values with the definition, and with the peer's file."""
    import numpy as np

    from mystax.io.formats.facemap import read_facemap

    masks = np.nan_to_num(_outcome(job, "plain")["motion_mask"].values[0].reshape(N_COMPONENTS, -1))
    uniform = float(np.abs(masks[:N_MASKS].mean(1)).max() * np.sqrt(masks.shape[1]))
    ours = _outcome(job, "mystax")
    traces = np.asarray(ours["motion_svd"].values[1:, 0], np.float64)
    singular = ours["motion_singular_value"].values[0]
    exact, exact_singular = _by_definition(job, ours["motion_mean"].values[0].ravel())
    found = _distance(traces, singular, exact, exact_singular)
    said: dict[str, Any] = {"uniform_without_switch": uniform, "to_definition": found}
    side = next((name for name in job["last"] if name.startswith("peer")), None)
    if side is not None:
        theirs = read_facemap(Path(job["last"][side]["saved"]))
        peer = np.asarray(theirs["motSVD"][0], np.float64)[1:]
        said["to_peer"] = _distance(traces, singular, peer, theirs["motSv"])
        said["peer_to_definition"] = _distance(peer, theirs["motSv"], exact, exact_singular)
    said["ok"] = (
        uniform > UNIFORM
        and found["least_correlation"] >= CORRELATION
        and all(found["cosine"][str(k)] >= bound for k, bound in COSINES.items())
        and found["singular_difference"] <= SINGULAR
    )
    return said
