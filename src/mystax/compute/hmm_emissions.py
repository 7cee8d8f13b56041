"""Gaussian emissions as products: log densities of frames, moments of states, their constrained update."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np

from mystax.compute.hmm_frames import HmmFrames
from mystax.compute.kernels.hmm import fill_products
from mystax.core.analysis import Tiles
from mystax.core.typing import Bool, Float64, Int64

__all__ = ["Moments", "density_weights", "emission_update", "floored", "frame_moments", "log_densities"]

LOG_2_PI = float(np.log(2 * np.pi))
ONE_THREAD = 200_000
"""Multiplications of a matrix product that are surely done on one thread: threads of the library would wait
for each other longer than they work, and pieces of work have threads of their own already."""


@dataclass(frozen=True, eq=False)
class Moments:
    """Sums over frames, weighted by the posterior of each state.

    Attributes
    ----------
    weight : array (state,)
        Frames.
    first : array (state, feature)
        Sums of the features.
    second : array (state, feature, feature)
        Sums of their products.
    """

    weight: Float64[np.ndarray, " state"]
    first: Float64[np.ndarray, "state feature"]
    second: Float64[np.ndarray, "state feature feature_too"]


def density_weights(
    means: Float64[np.ndarray, "state feature"],
    covariances: Float64[np.ndarray, "state feature feature_too"],
    patterns: Bool[np.ndarray, "pattern feature"],
    is_diagonal: bool,
) -> list[Float64[np.ndarray, "product state"]]:
    """Return, for each pattern of observed columns, the weights of the products in the log densities.

    Parameters
    ----------
    means, covariances : array
        Of the states.
    patterns : array (pattern, feature)
        Observed columns.
    is_diagonal : bool
        Whether only squares are among the products.

    Returns
    -------
    list of array (product, state)
        Zero for the products of columns that are not observed.
    """
    n_states, d = means.shape
    upper = _upper(d)
    found = []
    for pattern in patterns:
        seen = np.flatnonzero(pattern)
        precision = np.zeros((n_states, d, d))
        inner = covariances[:, seen[:, None], seen[None, :]]
        if is_diagonal:
            variance = np.einsum("kii->ki", inner)
            precision[:, seen, seen] = 1 / variance
            log_det = np.log(variance).sum(1)
        else:
            lower = np.linalg.cholesky(inner)
            half = np.linalg.solve(lower, np.eye(len(seen)))
            precision[:, seen[:, None], seen[None, :]] = np.swapaxes(half, 1, 2) @ half
            log_det = 2 * np.log(np.einsum("kii->ki", lower)).sum(1)
        linear = np.einsum("kij,kj->ki", precision, means)
        constant = -0.5 * (np.einsum("ki,ki->k", linear, means) + log_det + len(seen) * LOG_2_PI)
        if is_diagonal:
            square = -0.5 * np.einsum("kii->ki", precision)
        else:
            square = -precision[:, upper[0], upper[1]]
            square[:, upper[0] == upper[1]] *= 0.5
        found.append(np.ascontiguousarray(np.concatenate([constant[:, None], linear, square], 1).T))
    return found


def log_densities(
    frames: HmmFrames,
    pattern: int,  # noqa: ARG001 - parts are (pattern, rows); the weights belong to it
    rows: Int64[np.ndarray, " row"],
    weights: Float64[np.ndarray, "product state"],
) -> Float64[np.ndarray, "row state"]:
    """Return the log density of some rows of one pattern under each state."""
    d = frames.n_features
    out = np.empty((len(rows), weights.shape[1]))
    for at, found in _products(frames, rows, len(weights) != 1 + 2 * d or d == 1, weights.shape[1]):
        np.dot(found.T, weights, out=out[at])
    return out


@cache
def _upper(d: int) -> tuple[Int64[np.ndarray, " pair"], Int64[np.ndarray, " pair"]]:
    """Return the places of the products in a matrix; read only."""
    return np.triu_indices(d)


def _n_products(n_features: int, is_full: bool) -> int:
    return 1 + n_features + (n_features * (n_features + 1) // 2 if is_full else n_features)


def _products(
    frames: HmmFrames, rows: Int64[np.ndarray, " _"], is_full: bool, n_states: int
) -> Iterator[tuple[slice, Float64[np.ndarray, "_ _"]]]:
    """Yield pieces of rows with the products of their features, (product, row).

    A matrix product with the states is done on one thread, and finds them in the processor's cache.
    """
    n_products = _n_products(frames.n_features, is_full)
    size = max(1, ONE_THREAD // (n_products * n_states))
    for first in range(0, len(rows), size):
        some = rows[first : first + size]
        out = np.empty((n_products, len(some)))
        fill_products(frames.values, some, is_full, out)
        yield slice(first, first + len(some)), out


def frame_moments(
    frames: HmmFrames,
    posterior: Float64[np.ndarray, "frame state"],
    means: Float64[np.ndarray, "state feature"],
    covariances: Float64[np.ndarray, "state feature feature_too"],
    is_diagonal: bool,
    pool: Tiles | None = None,
) -> Moments:
    """Sum the moments of each state; columns that are not observed by their conditional moments.

    Parameters
    ----------
    frames : HmmFrames
        The data.
    posterior : array (frame, state)
        Weights.
    means, covariances : array
        Of the model that the posterior comes from.
    is_diagonal : bool
        Whether only variances are wanted.
    pool : Tiles, optional
        Threads.

    Returns
    -------
    Moments
        Exact expectations of the sums over complete frames.
    """
    d, n_states = frames.n_features, posterior.shape[1]
    is_full = not is_diagonal
    n_products = _n_products(d, is_full)

    def work(part: tuple[int, Int64[np.ndarray, " row"]]) -> Float64[np.ndarray, "product state"]:
        rows = part[1]
        weight, total = posterior[rows], np.zeros((n_products, n_states))
        for at, found in _products(frames, rows, is_full, n_states):
            total += found @ weight[at]
        return total

    worked: list[np.ndarray] = _mapped(pool, work, list(frames.parts))
    sums = np.zeros((len(frames.patterns), n_products, n_states))
    for (pattern, _), part in zip(frames.parts, worked, strict=True):
        sums[pattern] += part
    weight, first, second = np.zeros(n_states), np.zeros((n_states, d)), np.zeros((n_states, d, d))
    for pattern, found in zip(frames.patterns, sums, strict=True):
        n, one, two = found[0], found[1 : 1 + d].T.copy(), _squares(found[1 + d :].T, d, is_full)
        if not pattern.all():
            _complete(pattern, n, one, two, means, covariances)
        weight += n
        first += one
        second += two
    return Moments(weight, first, second)


def _mapped(pool: Tiles | None, work: Callable[..., np.ndarray], items: list[object]) -> list[np.ndarray]:
    return [work(item) for item in items] if pool is None else pool.map(work, items)


def _squares(
    found: Float64[np.ndarray, "state product"], d: int, is_full: bool
) -> Float64[np.ndarray, "state feature feature_too"]:
    out = np.zeros((len(found), d, d))
    if is_full:
        upper = _upper(d)
        out[:, upper[0], upper[1]] = found
        out[:, upper[1], upper[0]] = found
    else:
        out[:, np.arange(d), np.arange(d)] = found
    return out


def _complete(
    pattern: Bool[np.ndarray, " feature"],
    n: Float64[np.ndarray, " state"],
    first: Float64[np.ndarray, "state feature"],
    second: Float64[np.ndarray, "state feature feature_too"],
    means: Float64[np.ndarray, "state feature"],
    covariances: Float64[np.ndarray, "state feature feature_too"],
) -> None:
    """Put the conditional moments of hidden columns into sums over frames of one pattern."""
    seen, hidden = np.flatnonzero(pattern), np.flatnonzero(~pattern)
    for k in range(len(n)):
        cov = covariances[k]
        gain = np.linalg.solve(cov[np.ix_(seen, seen)], cov[np.ix_(seen, hidden)]).T
        offset = means[k, hidden] - gain @ means[k, seen]
        rest = cov[np.ix_(hidden, hidden)] - gain @ cov[np.ix_(seen, hidden)]
        one, two = first[k, seen], second[k][np.ix_(seen, seen)]
        first[k, hidden] = offset * n[k] + gain @ one
        cross = np.outer(offset, one) + gain @ two
        second[k][np.ix_(hidden, seen)] = cross
        second[k][np.ix_(seen, hidden)] = cross.T
        mixed = gain @ np.outer(one, offset)
        second[k][np.ix_(hidden, hidden)] = (
            n[k] * (rest + np.outer(offset, offset)) + mixed + mixed.T + gain @ two @ gain.T
        )


def floored(
    covariances: Float64[np.ndarray, "state feature feature_too"], floor: float
) -> Float64[np.ndarray, "state feature feature_too"]:
    """Raise eigenvalues to a floor: the most likely covariances that are nowhere smaller."""
    even = (covariances + np.swapaxes(covariances, 1, 2)) / 2
    values, vectors = np.linalg.eigh(even)
    low = values[:, 0] < floor
    if low.any():
        raised = np.maximum(values[low], floor)
        even[low] = (vectors[low] * raised[:, None]) @ np.swapaxes(vectors[low], 1, 2)
    return np.asarray(even)


def emission_update(
    moments: Moments,
    means: Float64[np.ndarray, "state feature"],
    covariances: Float64[np.ndarray, "state feature feature_too"],
    covariance: Literal["full", "diagonal", "tied"],
    floor: float,
) -> tuple[Float64[np.ndarray, "state feature"], Float64[np.ndarray, "state feature feature_too"]]:
    """Return the means and covariances that make the moments most likely, with covariances above a floor.

    Parameters
    ----------
    moments : Moments
        Of the states.
    means, covariances : array
        Kept for a state without weight.
    covariance : {"full", "diagonal", "tied"}
        Form of the covariances.
    floor : float
        Smallest eigenvalue.

    Returns
    -------
    tuple of array
        Means (state, feature) and covariances (state, feature, feature).
    """
    has_weight = moments.weight > 1e-10
    safe = np.where(has_weight, moments.weight, 1.0)
    fresh = np.where(has_weight[:, None], moments.first / safe[:, None], means)
    outer = fresh[:, :, None] * fresh[:, None, :]
    if covariance == "tied":
        total = (moments.second - moments.weight[:, None, None] * outer)[has_weight].sum(0)
        one = floored(total[None] / moments.weight.sum(), floor)
        return fresh, np.repeat(one, len(fresh), axis=0)
    spread = moments.second / safe[:, None, None] - outer
    out = covariances.copy()
    if covariance == "diagonal":
        variance = np.maximum(np.einsum("kii->ki", spread), floor)
        out[has_weight] = (variance[:, :, None] * np.eye(spread.shape[1]))[has_weight]
    else:
        out[has_weight] = floored(spread[has_weight], floor)
    return fresh, out
