"""Hidden Markov models with Gaussian emissions: likelihood, posteriors, EM, the best path.

Log densities are linear in products of the features, so both directions of EM are matrix products over
blocks of rows; blocks are fixed and their sums are added in order, so results do not depend on threads.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from mystax.compute.hmm_emissions import (
    Moments,
    density_weights,
    emission_update,
    frame_moments,
    log_densities,
)
from mystax.compute.hmm_frames import HmmFrames
from mystax.compute.kernels.hmm import best_path, forward_backward, take_peaks
from mystax.compute.partial_shapes import PartialShapes, partial_log_densities
from mystax.core.analysis import Tiles
from mystax.core.typing import Float64, Int64

__all__ = [
    "Expectation",
    "Fit",
    "HmmModel",
    "HmmPrior",
    "best_states",
    "expect",
    "fit_hmm",
    "maximise",
    "stationary",
]

Covariance = Literal["full", "diagonal", "tied"]
TOLERANCE = 1e-6
"""EM stops when an iteration gains less than this share of the objective."""
MAX_ITERATIONS = 300


@dataclass(frozen=True, eq=False)
class HmmModel:
    """A hidden Markov model.

    Attributes
    ----------
    start : array (state,)
        Probability of each state at the start of a segment.
    transitions : array (state, next state)
        Probability of the next state.
    means : array (state, feature)
        Mean of each state.
    covariances : array (state, feature, feature)
        Covariance of each state (of all, where tied).
    covariance : str
        ``full``, ``diagonal`` or ``tied``.
    """

    start: Float64[np.ndarray, " state"]
    transitions: Float64[np.ndarray, "state next"]
    means: Float64[np.ndarray, "state feature"]
    covariances: Float64[np.ndarray, "state feature feature_too"]
    covariance: Covariance = "full"

    @property
    def n_states(self) -> int:
        """Number of states."""
        return len(self.start)

    def ordered(self, order: Int64[np.ndarray, " state"]) -> "HmmModel":
        """Return the model with some of its states, in another order; probabilities add up again."""
        start, moves = self.start[order], self.transitions[np.ix_(order, order)]
        return replace(
            self,
            start=start / start.sum() if start.sum() > 0 else np.full(len(order), 1 / len(order)),
            transitions=_rows(moves),
            means=self.means[order],
            covariances=self.covariances[order],
        )


@dataclass(frozen=True, slots=True)
class HmmPrior:
    """What is believed before the data.

    Attributes
    ----------
    spread : float
        Pseudo-counts of a row of the transitions, and of the start, shared by the states.
    dwell : float
        Expected dwell [frame]; 0: nothing is believed.
    floor : float
        Smallest eigenvalue of a covariance.
    """

    spread: float = 1.0
    dwell: float = 0.0
    floor: float = 0.01

    def transition_counts(self, n_states: int, n_frames: int) -> Float64[np.ndarray, "state next"]:
        """Return the pseudo-counts of the transitions."""
        counts = np.full((n_states, n_states), self.spread / n_states)
        if self.dwell > 1 and n_states > 1:
            weight = n_frames / n_states
            counts += weight / (self.dwell * (n_states - 1))
            np.fill_diagonal(counts, self.spread / n_states + weight * (1 - 1 / self.dwell))
        return counts

    def start_counts(self, n_states: int) -> Float64[np.ndarray, " state"]:
        """Return the pseudo-counts of the start."""
        return np.full(n_states, self.spread / n_states)


@dataclass(frozen=True, eq=False)
class Expectation:
    """What the data say under a model.

    Attributes
    ----------
    log_likelihood : array (frame,)
        Log-likelihood of each frame given those before it in its segment.
    posterior : array (frame, state)
        Probability of each state given all frames of the segment.
    moves : array (state, next state)
        Expected moves.
    starts : array (state,)
        Expected starts.
    """

    log_likelihood: Float64[np.ndarray, " frame"]
    posterior: Float64[np.ndarray, "frame state"]
    moves: Float64[np.ndarray, "state next"]
    starts: Float64[np.ndarray, " state"]

    @property
    def total(self) -> float:
        """Log-likelihood of all frames."""
        return float(self.log_likelihood.sum())


@dataclass(frozen=True, eq=False)
class Fit:
    """A fitted model.

    Attributes
    ----------
    model : HmmModel
        The model.
    log_likelihood : float
        Of all frames, under the model.
    objective : tuple of float
        Log-likelihood and log prior before each iteration, and at the end.
    remarks : tuple of str
        States that were seeded again or removed.
    """

    model: HmmModel
    log_likelihood: float
    objective: tuple[float, ...] = ()
    remarks: tuple[str, ...] = field(default=())


def _rows(counts: Float64[np.ndarray, "state next"]) -> Float64[np.ndarray, "state next"]:
    """Divide rows by their sums; an empty row becomes uniform."""
    total = counts.sum(1, keepdims=True)
    return np.where(total > 0, counts / np.where(total > 0, total, 1), 1 / counts.shape[1])


def stationary(transitions: Float64[np.ndarray, "state next"]) -> Float64[np.ndarray, " state"]:
    """Return the distribution over states that the transitions leave as it is."""
    n = len(transitions)
    system = np.vstack([transitions.T - np.eye(n), np.ones(n)])
    found = np.linalg.lstsq(system, np.append(np.zeros(n), 1.0), rcond=None)[0]
    found = np.clip(found, 0, None)
    return np.asarray(found / found.sum())


def expect(frames: HmmFrames, model: HmmModel, pool: Tiles | None = None) -> Expectation:
    """Compute posteriors and likelihood: the E-step.

    Parameters
    ----------
    frames : HmmFrames
        The data.
    model : HmmModel
        The model.
    pool : Tiles, optional
        Threads; the result does not depend on them.

    Returns
    -------
    Expectation
        Posteriors, expected moves and starts, log-likelihood per frame.
    """
    n, k = len(frames), model.n_states
    likelihood, peak = np.ones((n, k)), np.zeros(n)
    weights = density_weights(model.means, model.covariances, frames.patterns, model.covariance == "diagonal")

    def fill(part: tuple[int, Int64[np.ndarray, " row"]]) -> None:
        pattern, rows = part
        _scale(log_densities(frames, pattern, rows, weights[pattern]), rows, likelihood, peak)

    _map(pool, fill, frames.parts)
    if frames.partial is not None:
        density = _partial_densities(frames.partial, frames, model)
        _scale(density, frames.partial.rows, likelihood, peak)
    posterior, scale = np.empty((n, k)), np.empty(n)
    pairs, starts = np.empty((k, k)), np.empty(k)
    forward_backward(
        likelihood, frames.is_start, model.start, model.transitions, posterior, scale, pairs, starts
    )
    return Expectation(np.log(scale) + peak, posterior, pairs * model.transitions, starts)


def _scale(
    log_density: Float64[np.ndarray, "row state"],
    rows: Int64[np.ndarray, " row"],
    likelihood: Float64[np.ndarray, "frame state"],
    peak: Float64[np.ndarray, " frame"],
) -> None:
    """Write densities divided by the highest of their row, and its logarithm; uses up `log_density`."""
    take_peaks(log_density, rows, peak)
    likelihood[rows] = np.exp(log_density, out=log_density)


def _partial_densities(
    partial: PartialShapes, frames: HmmFrames, model: HmmModel
) -> Float64[np.ndarray, "row state"]:
    return partial_log_densities(partial, frames.values, frames.observed, model.means, model.covariances)


def _map(pool: Tiles | None, work: Callable[..., object], items: Sequence[object]) -> list[object]:
    return [work(item) for item in items] if pool is None else pool.map(work, items)


def moments_of(
    frames: HmmFrames,
    posterior: Float64[np.ndarray, "frame state"],
    model: HmmModel,
    pool: Tiles | None = None,
) -> Moments:
    """Sum weights, first and second moments of each state, hidden columns filled in by expectation."""
    return frame_moments(
        frames, posterior, model.means, model.covariances, model.covariance == "diagonal", pool
    )


def maximise(
    frames: HmmFrames, expectation: Expectation, model: HmmModel, prior: HmmPrior, pool: Tiles | None = None
) -> HmmModel:
    """Return the model that the expectation makes most probable: the M-step.

    Parameters
    ----------
    frames : HmmFrames
        The data.
    expectation : Expectation
        Of the E-step under `model`.
    model : HmmModel
        The model of the E-step.
    prior : HmmPrior
        Pseudo-counts, and the floor of the covariances.
    pool : Tiles, optional
        Threads.

    Returns
    -------
    HmmModel
        The next model.
    """
    k = model.n_states
    moments = moments_of(frames, expectation.posterior, model, pool)
    means, covariances = emission_update(
        moments, model.means, model.covariances, model.covariance, prior.floor
    )
    starts = expectation.starts + prior.start_counts(k)
    return replace(
        model,
        start=starts / starts.sum(),
        transitions=_rows(expectation.moves + prior.transition_counts(k, len(frames))),
        means=means,
        covariances=covariances,
    )


def log_prior(model: HmmModel, prior: HmmPrior, n_frames: int) -> float:
    """Return the logarithm of the prior, up to a constant."""
    counts, starts = prior.transition_counts(model.n_states, n_frames), prior.start_counts(model.n_states)
    with np.errstate(divide="ignore"):
        moves, first = np.log(model.transitions), np.log(model.start)
    return float(
        np.where(counts > 0, counts * moves, 0).sum() + np.where(starts > 0, starts * first, 0).sum()
    )


def fit_hmm(
    frames: HmmFrames,
    model: HmmModel,
    prior: HmmPrior | None = None,
    *,
    iterations: int = MAX_ITERATIONS,
    tolerance: float = TOLERANCE,
    pool: Tiles | None = None,
    watch: Callable[[int, float], None] | None = None,
    mend: bool = True,
) -> Fit:
    """Fit a model by expectation and maximisation from a start.

    Parameters
    ----------
    frames : HmmFrames
        The data.
    model : HmmModel
        Where to start.
    prior : HmmPrior, optional
        Pseudo-counts and floor.
    iterations : int, optional
        At most so many.
    tolerance : float, optional
        Relative gain below which it stops.
    pool : Tiles, optional
        Threads; the result does not depend on them.
    watch : callable, optional
        Called after each iteration with its number and the objective; what it raises stops the fit.
    mend : bool, optional
        Whether a state that loses its frames is seeded again once, then removed.

    Returns
    -------
    Fit
        The last model with its log-likelihood; the objective never falls but where a state was seeded again.
    """
    prior = prior or HmmPrior()
    history: list[float] = []
    remarks: list[str] = []
    expectation = expect(frames, model, pool)
    for number in range(iterations):
        history.append(expectation.total + log_prior(model, prior, len(frames)))
        if watch is not None:
            watch(number, history[-1])
        if (
            number
            and abs(history[-1] - history[-2]) < tolerance * abs(history[-2])
            and not _is_fresh(remarks, number)
        ):
            return Fit(model, expectation.total, tuple(history), tuple(_plain(remarks)))
        weak = _weak_state(frames, expectation) if mend else None
        if weak is not None and model.n_states > 1:
            model = _mended(frames, expectation, model, weak, remarks, number)
        else:
            model = maximise(frames, expectation, model, prior, pool)
        expectation = expect(frames, model, pool)
    history.append(expectation.total + log_prior(model, prior, len(frames)))
    return Fit(model, expectation.total, tuple(history), tuple(_plain(remarks)))


def _is_fresh(remarks: Sequence[str], number: int) -> bool:
    return any(remark.startswith(f"{number - 1}:") for remark in remarks)


def _plain(remarks: Sequence[str]) -> list[str]:
    return [remark.partition(":")[2].strip() for remark in remarks]


def _weak_state(frames: HmmFrames, expectation: Expectation) -> int | None:
    """Return the state with the least weight, if that is too little for a mean and a spread."""
    weight = expectation.posterior[frames.has_value].sum(0)
    lightest = int(weight.argmin())
    return lightest if weight[lightest] < min(frames.n_features + 2, len(frames) / 4) else None


def _mended(
    frames: HmmFrames, expectation: Expectation, model: HmmModel, weak: int, remarks: list[str], number: int
) -> HmmModel:
    """Seed a weak state again at the worst explained stretch; the second time remove it."""
    if remarks:
        remarks.append(f"{number}: a state without frames was removed")
        return model.ordered(np.delete(np.arange(model.n_states), weak))
    stretch = min(len(frames), max(5, len(frames) // (10 * model.n_states)))
    sums = np.convolve(expectation.log_likelihood, np.ones(stretch), "valid")
    first = int(sums.argmin())
    values = np.where(
        frames.observed[first : first + stretch], frames.values[first : first + stretch], np.nan
    )
    known = np.isfinite(values).any(0)
    means = model.means.copy()
    means[weak, known] = np.nanmean(values[:, known], axis=0)
    covariances = model.covariances.copy()
    covariances[weak] = model.covariances.mean(0)
    moves = model.transitions.copy()
    moves[:, weak] = np.maximum(moves[:, weak], 1 / len(frames))
    moves[weak] = (1 - 1 / stretch) * (np.arange(model.n_states) == weak) + 1 / (stretch * model.n_states)
    remarks.append(f"{number}: a state without frames was seeded again at frame {first}")
    return replace(model, means=means, covariances=covariances, transitions=_rows(moves))


def best_states(frames: HmmFrames, model: HmmModel, pool: Tiles | None = None) -> Int64[np.ndarray, " frame"]:
    """Return the most probable sequence of states of each segment (Viterbi), ties to the lower state.

    Parameters
    ----------
    frames : HmmFrames
        The data.
    model : HmmModel
        The model.
    pool : Tiles, optional
        Threads.

    Returns
    -------
    array (frame,)
        States from 0.
    """
    density = np.zeros((len(frames), model.n_states))
    weights = density_weights(model.means, model.covariances, frames.patterns, model.covariance == "diagonal")

    def fill(part: tuple[int, Int64[np.ndarray, " row"]]) -> None:
        pattern, rows = part
        density[rows] = log_densities(frames, pattern, rows, weights[pattern])

    _map(pool, fill, frames.parts)
    if frames.partial is not None:
        density[frames.partial.rows] = _partial_densities(frames.partial, frames, model)
    path = np.zeros(len(frames), np.int64)
    with np.errstate(divide="ignore"):
        best_path(density, frames.is_start, np.log(model.start), np.log(model.transitions), path)
    return path
