"""states.em: ten iterations of EM from an equal start, against hmmlearn, at equal likelihood."""

from pathlib import Path
from typing import Any

from benchmarks.claim import Claim, Goal
from benchmarks.side import Stopwatch

__all__ = ["CLAIMS", "check", "hmmlearn_default", "hmmlearn_scaling", "mystax", "prepare"]

N, N_STATES, N_FEATURES, ITERATIONS = 100_000, 9, 10, 10

CLAIMS = (
    Claim(
        name="states.em",
        title=f"EM, {N} x {N_FEATURES}, {N_STATES} states, {ITERATIONS} iterations, against hmmlearn",
        module=__name__,
        sets=("quick",),
        sides={"mystax": "mystax", "floor": "hmmlearn_scaling", "default": "hmmlearn_default"},
        goals=(Goal("cpu", "floor", 1 / 3.5),),
        basis="work",
    ),
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


def mystax(job: dict[str, Any]) -> dict[str, Any]:
    """Fit with mystax."""
    import numpy as np

    from mystax.compute.hmm import HmmModel, HmmPrior, expect, fit_hmm
    from mystax.compute.hmm_frames import make_frames

    stored = np.load(job["chain"])
    spread = np.repeat(stored["spread"][None], N_STATES, axis=0)
    model = HmmModel(np.full(N_STATES, 1 / N_STATES), stored["transitions"], stored["means"], spread)
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

    stored = np.load(job["chain"])
    peer = GaussianHMM(
        N_STATES,
        covariance_type="full",
        n_iter=ITERATIONS,
        tol=-np.inf,
        init_params="",
        covars_prior=0,
        min_covar=0,
        covars_weight=0,
        implementation=implementation,
    )
    peer.startprob_, peer.transmat_ = np.full(N_STATES, 1 / N_STATES), stored["transitions"]
    peer.means_, peer.covars_ = stored["means"], np.repeat(stored["spread"][None], N_STATES, axis=0)
    with Stopwatch() as watch:
        peer.fit(stored["values"])
    return {**watch.values(N, "frame"), "log_likelihood": float(peer.score(stored["values"]))}


def check(job: dict[str, Any]) -> dict[str, Any]:
    """Compare the log-likelihoods, and give the ratios of CPU time of the last runs."""
    last = job["last"]
    ours = float(last["mystax"]["log_likelihood"])
    gap = max(abs(ours / float(item["log_likelihood"]) - 1) for item in last.values())
    own = float(last["mystax"]["work_cpu_s"])
    ratios = {
        f"ratio_{side}": float(item["work_cpu_s"]) / own for side, item in last.items() if side != "mystax"
    }
    return {"ok": gap < 1e-9 and ratios.get("ratio_default", 5.0) >= 5.0, "gap": gap, **ratios}
