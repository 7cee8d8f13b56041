"""Finding the best hidden Markov model: starts that know time, k-means starts, split and merge; no chance.

Every step is deterministic: the generators of k-means are fixed, and ties go to the earlier candidate.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import combinations
from typing import Literal

import numpy as np

from mystax.compute.clusters import best_change, k_means, merged_stretches, two_means
from mystax.compute.hmm import TOLERANCE, Fit, HmmModel, HmmPrior, expect, fit_hmm
from mystax.compute.hmm_emissions import floored
from mystax.compute.hmm_frames import HmmFrames
from mystax.core.analysis import Tiles
from mystax.core.typing import Float64, Int64

__all__ = ["SEARCH_FRAMES", "Start", "model_from_labels", "search_hmm", "spread_rows", "start_labels"]

SEARCH_FRAMES = 20_000
SHORT = 5_000
K_MEANS_STARTS, K_MEANS_QUICK = 5, 2
STRETCHES = (1, 2, 4, 16, 64)
"""Stretches per state of the starts in time."""
FIRST, FIRST_QUICK, LONG = 15, 8, 100
ROUGH = 1e-5
"""Relative gain at which fits that only judge a number of states stop."""
SCREEN, SCREENED = 3, 6
"""Iterations after which candidates of long recordings are sorted, and how many go on."""
KEPT, KEPT_SHORT = 3, 5
PROLONGED = 3
"""Candidates of a round that are followed to their end, of short recordings."""
GAIN = 0.1
"""Log-likelihood that a split and merge must gain."""
ROUNDS = 20
Covariance = Literal["full", "diagonal", "tied"]


@dataclass(frozen=True, slots=True)
class Start:
    """One tried start: where it came from, and the log-likelihood that it reached."""

    name: str
    log_likelihood: float


@dataclass(frozen=True, eq=False)
class Search:
    """The best model and the log of the starts."""

    fit: Fit
    starts: tuple[Start, ...] = field(default=())


def spread_rows(frames: HmmFrames, most: int, block: int = 500) -> Int64[np.ndarray, " row"]:
    """Choose up to `most` frames in contiguous blocks that are spread evenly."""
    n = len(frames)
    if n <= most:
        return np.arange(n)
    n_blocks = max(1, most // block)
    starts = np.round(np.linspace(0, n - block, n_blocks)).astype(np.int64)
    return np.unique((starts[:, None] + np.arange(block)).ravel())


def start_labels(
    frames: HmmFrames, n_states: int, n_draws: int = K_MEANS_STARTS
) -> list[tuple[str, Int64[np.ndarray, " frame"]]]:
    """Return labels of frames to start from: stretches of time grouped by their means, and k-means.

    Parameters
    ----------
    frames : HmmFrames
        The data.
    n_states : int
        Number of states.
    n_draws : int, optional
        Starts from k-means of single frames.

    Returns
    -------
    list of (name, array (frame,))
        Labels from 0; frames without any value carry those of their neighbours.
    """
    points, weights = frames.values, frames.has_value.astype(float)
    most = max(n_states, len(points) // 2)
    counts = sorted({min(n_states * factor, most) for factor in STRETCHES})
    found: list[tuple[str, Int64[np.ndarray, " frame"]]] = []
    for count, stretch in merged_stretches(points, frames.is_start, counts).items():
        n = int(stretch.max()) + 1
        mass = np.bincount(stretch, weights, n)
        sums = np.stack([np.bincount(stretch, weights * column, n) for column in points.T], 1)
        means = sums / np.maximum(mass, 1)[:, None]
        groups = np.arange(n) if n <= n_states else k_means(means, mass, n_states, 100 + count, 5)
        found.append((f"{count} stretches", groups[stretch]))
    draws = range(n_draws)
    return [*found, *((f"k-means {draw + 1}", k_means(points, weights, n_states, draw)) for draw in draws)]


def model_from_labels(
    frames: HmmFrames,
    labels: Int64[np.ndarray, " frame"],
    n_states: int,
    covariance: Covariance,
    prior: HmmPrior,
) -> HmmModel:
    """Make a model of frames that are sorted into states.

    Parameters
    ----------
    frames : HmmFrames
        The data; columns that are not observed count as 0, the mean of whitened features.
    labels : array (frame,)
        State of each frame.
    n_states : int
        Number of states; one without frames takes the moments of all.
    covariance : {"full", "diagonal", "tied"}
        Form of the covariances.
    prior : HmmPrior
        Pseudo-counts and floor.

    Returns
    -------
    HmmModel
        The start of EM.
    """
    known, d = frames.has_value, frames.n_features
    points, states = frames.values[known], labels[known]
    n = np.bincount(states, minlength=n_states).astype(float)
    sums = np.stack([np.bincount(states, column, n_states) for column in points.T], 1)
    means = np.where(n[:, None] > 0, sums / np.maximum(n, 1)[:, None], points.mean(0))
    pooled = np.cov(points.T, bias=True).reshape(d, d)
    covariances = np.empty((n_states, d, d))
    within = np.zeros((d, d))
    for k in range(n_states):
        inside = points[states == k] - means[k]
        scatter = inside.T @ inside
        within += scatter
        covariances[k] = scatter / n[k] if n[k] > 1 else pooled
    if covariance == "tied":
        covariances[:] = within / max(n.sum(), 1)
    if covariance == "diagonal":
        covariances *= np.eye(d)
    covariances = floored(covariances, max(prior.floor, 1e-9))
    moves = prior.transition_counts(n_states, len(labels)) + 1e-3
    goes_on = ~frames.is_start[1:]
    np.add.at(moves, (labels[:-1][goes_on], labels[1:][goes_on]), 1)
    starts = prior.start_counts(n_states) + np.bincount(labels[frames.is_start], minlength=n_states) + 1e-3
    return HmmModel(
        starts / starts.sum(), moves / moves.sum(1, keepdims=True), means, covariances, covariance
    )


def search_hmm(
    frames: HmmFrames,
    n_states: int,
    covariance: Covariance = "full",
    prior: HmmPrior | None = None,
    *,
    thorough: bool = True,
    pool: Tiles | None = None,
    watch: Callable[[str, Fit], None] | None = None,
) -> Search:
    """Find the model of the greatest likelihood.

    Parameters
    ----------
    frames : HmmFrames
        The data.
    n_states : int
        Number of states.
    covariance : {"full", "diagonal", "tied"}, optional
        Form of the covariances.
    prior : HmmPrior, optional
        Pseudo-counts and floor.
    thorough : bool, optional
        Whether states are also split and merged.
    pool : Tiles, optional
        Threads; the result does not depend on them.
    watch : callable, optional
        Called with a word and the best fit so far; what it raises stops the search.

    Returns
    -------
    Search
        The best model, fitted to all frames, and what each start reached.
    """
    prior = prior or HmmPrior()
    rows = spread_rows(frames, SEARCH_FRAMES)
    part = frames if len(rows) == len(frames) else frames.taken(rows)
    if n_states == 1:
        model = model_from_labels(part, np.zeros(len(part), np.int64), 1, covariance, prior)
        return Search(fit_hmm(frames, model, prior, pool=pool), ())
    is_short = len(part) <= SHORT
    is_quick = not thorough and not is_short
    candidates = start_labels(part, n_states, K_MEANS_QUICK if is_quick else K_MEANS_STARTS)

    def first(item: tuple[str, Int64[np.ndarray, " frame"]]) -> Fit:
        model = model_from_labels(part, item[1], n_states, covariance, prior)
        return fit_hmm(part, model, prior, iterations=FIRST_QUICK if is_quick else FIRST)

    fits: list[Fit] = [first(item) for item in candidates] if pool is None else pool.map(first, candidates)
    starts = tuple(Start(name, fit.log_likelihood) for (name, _), fit in zip(candidates, fits, strict=True))
    best = _different(fits)[: KEPT_SHORT if is_short and thorough else KEPT]
    if watch is not None:
        watch("starts", best[0])

    def prolonged(fit: Fit) -> Fit:
        longer = fit_hmm(part, fit.model, prior, iterations=LONG, tolerance=TOLERANCE if thorough else ROUGH)
        if watch is not None:
            watch("long", longer)
        return longer

    ended: list[Fit] = [prolonged(fit) for fit in best] if pool is None else pool.map(prolonged, best)
    if not thorough and len(part) == len(frames):
        return Search(max(ended, key=lambda fit: fit.log_likelihood), starts)
    if thorough:

        def mended(fit: Fit) -> Fit:
            return _split_and_merge(part, fit, prior, watch)

        apart = ended if is_short else _different(ended)[:1]
        ended = [mended(fit) for fit in apart] if pool is None else pool.map(mended, apart)
    winner = max(ended, key=lambda fit: fit.log_likelihood)
    if watch is not None:
        watch("search", winner)
    return Search(fit_hmm(frames, winner.model, prior, pool=pool), starts)


def _different(fits: list[Fit]) -> list[Fit]:
    """Sort fits by likelihood; those that reached the same place count once."""
    found: list[Fit] = []
    for fit in sorted(fits, key=lambda one: -one.log_likelihood):
        if not any(
            abs(fit.log_likelihood - other.log_likelihood) < 1e-6 * abs(other.log_likelihood)
            for other in found
        ):
            found.append(fit)
    return found


def _ward(
    weight: Float64[np.ndarray, " state"], means: Float64[np.ndarray, "state feature"], a: int, b: int
) -> float:
    gap = means[a] - means[b]
    return float(weight[a] * weight[b] / (weight[a] + weight[b] + 1e-12) * (gap @ gap))


def _split_and_merge(
    frames: HmmFrames, fit: Fit, prior: HmmPrior, watch: Callable[[str, Fit], None] | None
) -> Fit:
    """Merge two states and split another as long as the likelihood gains."""
    is_short = len(frames) <= SHORT
    few, steps = (6, FIRST) if is_short else (4, 8)
    for _ in range(ROUNDS):
        tried = []
        for labels in _candidates(frames, fit.model, few):
            model = model_from_labels(frames, labels, fit.model.n_states, fit.model.covariance, prior)
            tried.append(fit_hmm(frames, model, prior, iterations=steps if is_short else SCREEN))
        if not tried:
            return fit
        if not is_short:
            kept = _different(tried)[:SCREENED]
            tried = [fit_hmm(frames, one.model, prior, iterations=steps - SCREEN) for one in kept]
        ahead = _different(tried)[: PROLONGED if is_short else 1]
        ends = [fit_hmm(frames, one.model, prior, iterations=LONG) for one in ahead]
        longer = max(ends, key=lambda one: one.log_likelihood)
        if longer.log_likelihood <= fit.log_likelihood + GAIN:
            return fit
        fit = longer
        if watch is not None:
            watch("split and merge", fit)
    return fit


def _candidates(frames: HmmFrames, model: HmmModel, few: int) -> list[Int64[np.ndarray, " frame"]]:
    """Return labels in which two states are merged and another one is split."""
    posterior = expect(frames, model).posterior
    labels, weight = posterior.argmax(1), posterior.sum(0)
    n_states = model.n_states
    pairs = sorted(combinations(range(n_states), 2), key=lambda p: _ward(weight, model.means, *p))[:few]
    spread = weight * np.einsum("kii->k", model.covariances)
    largest = np.argsort(-spread, kind="stable")[:few].tolist()
    found = []
    for keep, free in pairs:
        merged = np.where(labels == free, keep, labels)
        for split in dict.fromkeys([*(k for k in largest if k not in (keep, free)), keep]):
            rows = np.flatnonzero((merged == split) & frames.has_value)
            if len(rows) < 4:
                continue
            for cut in (two_means, best_change):
                side = cut(frames.values[rows])
                if side.any() and not side.all():
                    fresh = merged.copy()
                    fresh[rows[side]] = free
                    found.append(fresh)
    return found
