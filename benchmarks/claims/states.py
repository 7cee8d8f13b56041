"""states.em*: ten iterations of EM from an equal start, against hmmlearn, at equal likelihood."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.claim import Claim, Goal
from benchmarks.side import Stopwatch

if TYPE_CHECKING:
    import numpy as np

__all__ = ["CLAIMS", "check", "hmmlearn_default", "hmmlearn_scaling", "mystax", "prepare", "start_of"]

N, N_STATES, N_FEATURES, ITERATIONS = 100_000, 9, 10, 10
WORDS = {"full": "full", "diagonal": "diag", "tied": "tied"}
"""What hmmlearn calls the forms of the covariances."""

CLAIMS = tuple(
    Claim(
        name=name,
        title=(
            f"EM, {N} x {N_FEATURES}, {N_STATES} states, {covariance} covariances, {ITERATIONS} iterations, "
            "against hmmlearn (peer: as it comes, floor: scaling)"
        ),
        module=__name__,
        sets=sets,
        sides={"mystax": "mystax", "floor": "hmmlearn_scaling", "peer": "hmmlearn_default"},
        goals=(Goal("cpu", "peer", 5.0), Goal("cpu", "floor", 1 / 3.5)),
        basis="work",
        arguments={"covariance": covariance},
    )
    for name, covariance, sets in (
        ("states.em", "full", ("quick",)),
        ("states.em.diagonal", "diagonal", ("full",)),
        ("states.em.tied", "tied", ("full",)),
    )
)


def prepare(job: dict[str, Any]) -> dict[str, Any]:
    """Simulate a chain of nine Gaussian states, and a start."""
    import numpy as np

    generator = np.random.default_rng(9)
    roots = generator.normal(size=(N_STATES, N_FEATURES, N_FEATURES))
    spread = roots @ np.swapaxes(roots, 1, 2) / N_FEATURES + 0.2 * np.eye(N_FEATURES)
    means = generator.normal(size=(N_STATES, N_FEATURES))
    draw, fresh = generator.random(N), generator.integers(N_STATES, size=N)
    states = np.zeros(N, np.int64)
    for t in range(1, N):
        states[t] = states[t - 1] if draw[t] < 0.98 else fresh[t]
    noise = generator.normal(size=(N, N_FEATURES))
    values = means[states] + np.einsum("tij,tj->ti", np.linalg.cholesky(spread)[states], noise)
    transitions = np.full((N_STATES, N_STATES), 0.02 / (N_STATES - 1))
    np.fill_diagonal(transitions, 0.98)
    path = Path(job["work"]) / "chain.npz"
    start = values[generator.integers(N, size=N_STATES)]
    np.savez(path, values=values, means=start, transitions=transitions, spread=np.cov(values.T))
    return {"chain": str(path)}


def start_of(spread: "np.ndarray", covariance: str) -> "np.ndarray":
    """Return the covariance of all frames, (feature, feature), without what a form does not hold."""
    import numpy as np

    return np.diag(np.diag(spread)) if covariance == "diagonal" else spread


def mystax(job: dict[str, Any]) -> dict[str, Any]:
    """Fit with mystax."""
    import numpy as np

    from mystax.compute.hmm import HmmModel, HmmPrior, expect, fit_hmm
    from mystax.compute.hmm_frames import make_frames

    stored = np.load(job["chain"])
    spread = np.repeat(start_of(stored["spread"], job["covariance"])[None], N_STATES, axis=0)
    start = np.full(N_STATES, 1 / N_STATES)
    model = HmmModel(start, stored["transitions"], stored["means"], spread, job["covariance"])
    expect(make_frames(stored["values"][:50]), model)  # loads the compiled passes
    with Stopwatch() as watch:
        frames = make_frames(stored["values"])
        fit = fit_hmm(frames, model, HmmPrior(0, 0, 0), iterations=ITERATIONS, tolerance=0, mend=False)
    return {**watch.values(N, "frame"), "log_likelihood": fit.log_likelihood}


def hmmlearn_default(job: dict[str, Any]) -> dict[str, Any]:
    """Fit with hmmlearn as it comes."""
    return _hmmlearn(job, "log")


def hmmlearn_scaling(job: dict[str, Any]) -> dict[str, Any]:
    """Fit with hmmlearn's faster passes."""
    return _hmmlearn(job, "scaling")


def _hmmlearn(job: dict[str, Any], implementation: str) -> dict[str, Any]:
    import numpy as np
    from hmmlearn.hmm import GaussianHMM  # type: ignore[import-untyped] # it has no stubs

    stored, covariance = np.load(job["chain"]), job["covariance"]
    peer = GaussianHMM(
        N_STATES,
        covariance_type=WORDS[covariance],
        n_iter=ITERATIONS,
        tol=-np.inf,
        init_params="",
        covars_prior=0,
        min_covar=0,
        covars_weight=1 if covariance == "diagonal" else 0,  # either way: no prior
        implementation=implementation,
    )
    peer.startprob_, peer.transmat_ = np.full(N_STATES, 1 / N_STATES), stored["transitions"]
    peer.means_ = stored["means"]
    spread = start_of(stored["spread"], covariance)
    peer.covars_ = {
        "full": np.repeat(spread[None], N_STATES, axis=0),
        "diagonal": np.repeat(np.diag(spread)[None], N_STATES, axis=0),
        "tied": spread,
    }[covariance]
    with Stopwatch() as watch:
        peer.fit(stored["values"])
    return {**watch.values(N, "frame"), "log_likelihood": float(peer.score(stored["values"]))}


def check(job: dict[str, Any]) -> dict[str, Any]:
    """Compare the log-likelihoods."""
    last = job["last"]
    ours = float(last["mystax"]["log_likelihood"])
    gap = max(abs(ours / float(item["log_likelihood"]) - 1) for item in last.values())
    return {"ok": gap < 1e-9, "gap": gap}
