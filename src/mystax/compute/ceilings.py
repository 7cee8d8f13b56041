"""Ceilings on shared variance: from other neurons (peers), and from shared components (SVCA)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mystax.core.typing import Bool, Float, Float64, Int64

__all__ = ["Halves", "SvcaFold", "halves_of", "svca_fold", "svca_shares"]

SQUARE, BAND, BORDER = 200.0, 100.0, 40.0
"""Squares of an imaging field, bands of a probe, and how near a border neurons predict nobody [um]."""


@dataclass(frozen=True)
class Halves:
    """A population in two halves that do not touch.

    Attributes
    ----------
    half : array (neuron,)
        0 or 1.
    predicts : array (neuron,)
        Neurons far enough from a border to predict the other half.
    kind : str
        ``checkerboard``, ``bands`` or ``random``.
    """

    half: Int64[np.ndarray, " neuron"]
    predicts: Bool[np.ndarray, " neuron"]
    kind: str


def halves_of(
    x: Float[np.ndarray, " neuron"],
    y: Float[np.ndarray, " neuron"],
    z: Float[np.ndarray, " neuron"],
    seed: int = 0,
) -> Halves:
    """Part a population by place: squares of an imaging field, bands of a probe, at random without places.

    Parameters
    ----------
    x, y, z : array (neuron,)
        Places [um]; NaN if unknown.
    seed : int, optional
        Start of the random numbers.

    Returns
    -------
    Halves
        Two halves; neurons nearer than 40 um to a border do not predict (same tissue, same electrodes).
    """
    is_flat = np.isfinite(x).all() and np.isfinite(y).all() and np.ptp(x) > SQUARE and np.ptp(y) > SQUARE
    if is_flat:
        across, up = (x - x.min()) / SQUARE, (y - y.min()) / SQUARE
        half = (np.floor(across).astype(np.int64) + np.floor(up).astype(np.int64)) % 2
        near = np.minimum(_to_border(across), _to_border(up)) * SQUARE
        return _checked(half, near >= BORDER, "checkerboard", seed)
    depth = z if np.isfinite(z).all() and np.ptp(z) > BAND else y
    if np.isfinite(depth).all() and len(depth) and np.ptp(depth) > 2 * BAND:
        along = (depth - depth.min()) / BAND
        half = np.floor(along).astype(np.int64) % 2
        return _checked(half, _to_border(along) * BAND >= BORDER, "bands", seed)
    return _at_random(len(x), seed)


def _to_border(place: Float[np.ndarray, " neuron"]) -> Float64[np.ndarray, " neuron"]:
    """Return the distance to the nearest border between pieces; the ends of a field are none."""
    piece = np.floor(place)
    before = np.where(piece > 0, place - piece, np.inf)
    behind = np.where(piece < np.floor(place.max()), piece + 1 - place, np.inf)
    return np.asarray(np.minimum(before, behind), np.float64)


def _checked(half: Int64[np.ndarray, " neuron"], predicts: np.ndarray, kind: str, seed: int) -> Halves:
    """Fall back on random halves where one of them would have nobody to predict with."""
    counts = [int((predicts & (half == side)).sum()) for side in (0, 1)]
    sizes = [int((half == side).sum()) for side in (0, 1)]
    if min(counts) < 2 or min(sizes) < 0.1 * len(half):
        return _at_random(len(half), seed)
    return Halves(half, predicts, kind)


def _at_random(n: int, seed: int) -> Halves:
    half = np.zeros(n, np.int64)
    half[np.random.default_rng([seed, 0xCE1]).permutation(n)[: n // 2]] = 1
    return Halves(half, np.ones(n, bool), "random")


@dataclass(frozen=True)
class SvcaFold:
    """Sums of one split and fold.

    Attributes
    ----------
    reliable, total, left : array (component,)
        Covariance between halves, mean variance, and covariance of what behaviour leaves, on test bins.
    """

    reliable: Float64[np.ndarray, " component"]
    total: Float64[np.ndarray, " component"]
    left: Float64[np.ndarray, " component"]


def svca_fold(
    f: Float[np.ndarray, "time some"],
    g: Float[np.ndarray, "time other"],
    train: Bool[np.ndarray, " time"],
    test: Bool[np.ndarray, " time"],
    behaviour: Float[np.ndarray, "time feature"],
    penalty: float,
    n_components: int,
) -> SvcaFold:
    """Find components that two halves share on training bins, and judge them on test bins.

    Parameters
    ----------
    f, g : array (time, neuron)
        The halves, standardised on training bins.
    train, test : array (time,)
        Bins.
    behaviour : array (time, feature)
        Behaviour.
    penalty : float
        Ridge penalty, a multiple of the number of training bins.
    n_components : int
        Components at most.

    Returns
    -------
    SvcaFold
        Sums over test bins.

    References
    ----------
    .. [1] Stringer et al. (2019), doi:10.1126/science.aav7893
    """
    from scipy.linalg import cho_factor, cho_solve, svd

    a, b = f[train].astype(np.float64), g[train].astype(np.float64)
    u, _, vt = svd(a.T @ b, full_matrices=False)
    n = min(n_components, u.shape[1])
    first, second = f @ u[:, :n], g @ vt[:n].T
    x = behaviour[train].astype(np.float64)
    mean = x.mean(0)
    x = x - mean
    gram = x.T @ x + penalty * len(x) * np.eye(x.shape[1])
    factor = cho_factor(gram, check_finite=False)
    residuals = []
    for scores in (first, second):
        y = scores[train].astype(np.float64)
        weights = cho_solve(factor, x.T @ (y - y.mean(0)))
        residuals.append(scores[test] - y.mean(0) - (behaviour[test] - mean) @ weights)
    p, q = (s[test] - s[test].mean(0) for s in (first, second))
    d, e = (r - r.mean(0) for r in residuals)
    return SvcaFold((p * q).sum(0), ((p * p) + (q * q)).sum(0) / 2, (d * e).sum(0))


def svca_shares(
    splits: Sequence[Sequence[SvcaFold]],
) -> tuple[Float64[np.ndarray, " component"], Float64[np.ndarray, " component"]]:
    """Pool folds, and average over splits.

    Parameters
    ----------
    splits : sequence of sequences of SvcaFold
        Folds of each split.

    Returns
    -------
    reliable, behaviour : array (component,)
        Reliable share of each component, and the share of it that behaviour explains.
    """
    least = min(len(fold.total) for folds in splits for fold in folds)
    reliable, behaviour = [], []
    for folds in splits:
        s, t, left = (
            np.sum([getattr(fold, name)[:least] for fold in folds], axis=0)
            for name in ("reliable", "total", "left")
        )
        reliable.append(s / np.where(t > 0, t, np.inf))
        behaviour.append(np.where(s > 0, 1 - left / np.where(s > 0, s, 1), np.nan))
    shares = np.array(behaviour)
    known = np.isfinite(shares)
    total, n = np.where(known, shares, 0).sum(0), known.sum(0)
    return np.mean(reliable, axis=0), np.where(n > 0, total / np.maximum(n, 1), np.nan)
