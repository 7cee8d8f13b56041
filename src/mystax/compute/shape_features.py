"""Shapes as features of states: components of centred faces, whitened; frames with holes by what is seen."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mystax.compute.partial_shapes import PartialShapes
from mystax.core.typing import Float64

__all__ = ["ShapeModel", "fit_shape", "median_shape", "pooled_covariance", "shape_scores"]

LIVELY = 5.0
"""A point of a spread over so many times the median spread counts as one of that spread."""
TINY = 1e-6
EQUAL_FROM = 1_000
"""Recordings of at least so many frames count alike."""
MISSING_VARIANCE = 0.5


@dataclass(frozen=True, eq=False)
class ShapeModel:
    """Components of the aligned shape.

    Attributes
    ----------
    mean : array (coordinate,)
        Mean of the centred, weighted coordinates (keypoint, space).
    weight : array (keypoint,)
        Factor of each point: below 1 for very lively ones.
    loadings : array (component, coordinate)
        Orthonormal; the largest entry is positive.
    variances : array (component,)
        Variance along each component.
    noise : float
        Variance of what the components leave.
    spectrum : array (rank,)
        All variances, for the scree figure.
    """

    mean: Float64[np.ndarray, " coordinate"]
    weight: Float64[np.ndarray, " keypoint"]
    loadings: Float64[np.ndarray, "component coordinate"]
    variances: Float64[np.ndarray, " component"]
    noise: float
    spectrum: Float64[np.ndarray, " rank"]


def fit_shape(
    centred: Sequence[Float64[np.ndarray, "_ keypoint space"]], kept: float, most: int
) -> ShapeModel | None:
    """Find the components of centred shapes.

    Parameters
    ----------
    centred : sequence of array (time, keypoint, space)
        Aligned, centred places of each recording.
    kept : float
        Share of the variance to keep.
    most : int
        Components at most.

    Returns
    -------
    ShapeModel or None
        None where nothing moves.
    """
    n_points, space = centred[0].shape[1:]
    spread = _point_spread(np.concatenate(centred))
    positive = spread[spread > 0]
    limit = LIVELY * float(np.median(positive)) if len(positive) else 0.0
    weight = (
        np.where(spread > limit, limit / np.where(spread > 0, spread, 1), 1.0)
        if limit > 0
        else np.ones(n_points)
    )
    rows = [(item * weight[:, None]).reshape(len(item), n_points * space) for item in centred]
    is_equal = all(np.isfinite(item).all(1).sum() >= EQUAL_FROM or len(item) >= EQUAL_FROM for item in rows)
    mean, cov = pooled_covariance(rows, equal=is_equal)
    values, vectors = np.linalg.eigh(cov)
    values, vectors = values[::-1], vectors[:, ::-1]
    if values[0] <= 1e-18 * max(1.0, float(np.nanmax(np.abs(mean)) ** 2)) or values[0] <= 0:
        return None
    positive_values = np.where(values > TINY * values[0], values, 0)
    share = np.cumsum(positive_values) / positive_values.sum()
    n = min(
        int(np.searchsorted(share, kept - 1e-12)) + 1,
        most,
        int((positive_values > 0).sum()),
    )
    loadings = vectors[:, :n].T.copy()
    largest = np.abs(loadings).argmax(1)
    loadings *= np.sign(loadings[np.arange(n), largest])[:, None]
    rest = positive_values[n:]
    n_rest = max(1, len(values) - n)
    noise = max(float(rest.sum()) / n_rest, TINY * float(values[0]))
    return ShapeModel(mean, weight, loadings, values[:n].copy(), noise, positive_values)


def _point_spread(points: Float64[np.ndarray, "time keypoint space"]) -> Float64[np.ndarray, " keypoint"]:
    """Return the robust SD of each point, over its coordinates."""
    middle = median_shape(points)
    spread = np.zeros(points.shape[1])
    for k in range(points.shape[1]):
        gap = np.abs(points[:, k] - middle[k])
        known = gap[np.isfinite(gap).all(1)]
        if len(known):
            spread[k] = 1.4826 * float(np.sqrt((np.median(known, axis=0) ** 2).sum()))
    return spread


def pooled_covariance(
    rows: Sequence[Float64[np.ndarray, "_ coordinate"]], *, equal: bool
) -> tuple[Float64[np.ndarray, " coordinate"], Float64[np.ndarray, "coordinate coordinate_too"]]:
    """Return mean and covariance over pairs of observed values, recordings weighted alike or by frames."""
    p = rows[0].shape[1]
    total, first, second = np.zeros((p, p)), np.zeros((p, p)), np.zeros((p, p))
    for item in rows:
        known = np.isfinite(item).astype(float)
        value = np.where(known > 0, item, 0)
        weight = 1 / max(1, len(item)) if equal else 1.0
        total += weight * (known.T @ known)
        first += weight * (value.T @ known)
        second += weight * (value.T @ value)
    safe = np.where(total > 0, total, 1)
    own = np.diag(first) / np.diag(safe)
    # around the mean of each pair's common frames
    cov = np.where(total > 0, second / safe - (first / safe) * (first.T / safe), 0)
    return own, (cov + cov.T) / 2


def shape_scores(
    model: ShapeModel, rows: Float64[np.ndarray, "time coordinate"]
) -> tuple[Float64[np.ndarray, "time component"], PartialShapes]:
    """Return whitened scores; a frame with holes by its posterior mean, or missing if that says too little.

    Parameters
    ----------
    model : ShapeModel
        Components.
    rows : array (time, coordinate)
        Centred, weighted coordinates; NaN where missing.

    Returns
    -------
    scores : array (time, component)
        Unit variance.
    partial : PartialShapes
        The frames with holes that are not missing, and what they tell.
    """
    n = len(model.variances)
    out = np.full((len(rows), n), np.nan)
    scale = np.sqrt(model.variances)
    known = np.isfinite(rows)
    complete = known.all(1)
    out[complete] = (rows[complete] - model.mean) @ model.loadings.T / scale
    holed = np.flatnonzero(~complete & known.any(1))
    if not len(holed):
        return out, PartialShapes.none(n)
    patterns, codes = np.unique(known[holed], axis=0, return_inverse=True)
    codes = np.asarray(codes).ravel()
    order = np.argsort(codes, kind="stable")
    edges = np.searchsorted(codes[order], np.arange(len(patterns) + 1))
    loadings = model.loadings * scale[:, None]
    information = np.zeros((len(patterns), n, n))
    for number, pattern in enumerate(patterns):
        w = loadings[:, pattern]
        information[number] = w @ w.T / model.noise
        posterior = np.linalg.inv(information[number] + np.eye(n))
        if float(np.diag(posterior).mean()) > MISSING_VARIANCE:
            continue
        where = holed[order[edges[number] : edges[number + 1]]]
        gap = rows[np.ix_(where, np.flatnonzero(pattern))] - model.mean[pattern]
        out[where] = gap @ w.T @ posterior / model.noise
    told = np.isfinite(out[holed, 0])
    return out, PartialShapes(holed[told], codes[told], information)


def median_shape(points: Float64[np.ndarray, "time keypoint space"]) -> Float64[np.ndarray, "keypoint space"]:
    """Return the median of each coordinate; NaN where a point is never seen."""
    found = np.full(points.shape[1:], np.nan)
    seen = np.isfinite(points).any(0)
    if seen.any():
        found[seen] = np.nanmedian(points[:, seen], axis=0)
    return found
