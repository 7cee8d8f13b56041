"""How unlike a face a set of points is: a Gaussian over shapes without place, size and turn."""

from dataclasses import dataclass

import numpy as np

from mystax.core.typing import Bool, Complex128, Float, Float64
from mystax.errors import NumbersError

__all__ = ["ShapeModel", "fit_shapes", "ledoit_wolf", "shape_residuals"]

MIN_POINTS = 3
MIN_SHAPES = 10
N_ROUNDS = 6
FREE = 1e3
"""Variance of place, size and turn, in the same units: nothing is known of them."""
FLOOR = 1e-5
"""Variance that every coordinate has at least, in units of the squared size of the mean shape."""


@dataclass(frozen=True, slots=True)
class ShapeModel:
    """A Gaussian over aligned shapes.

    Attributes
    ----------
    mean : array (keypoint,)
        Mean shape x + iy, centred, of size 1 (root of the mean squared distance from its centre).
    covariance : array (coordinate, coordinate)
        Of x0, y0, x1, y1, ... about the mean.
    """

    mean: Complex128[np.ndarray, " keypoint"]
    covariance: Float64[np.ndarray, "coordinate coordinate"]


def ledoit_wolf(
    values: Float64[np.ndarray, "sample coordinate"],
) -> Float64[np.ndarray, "coordinate coordinate"]:
    """Return the covariance of centred samples, shrunk towards a multiple of the identity.

    Parameters
    ----------
    values : array (sample, coordinate)
        Samples about their mean.

    Returns
    -------
    array (coordinate, coordinate)
        Positive definite for any number of samples with some spread.

    References
    ----------
    .. [1] Ledoit & Wolf (2004), doi:10.1016/S0047-259X(03)00096-4
    """
    n, p = values.shape
    sample = values.T @ values / n
    level = float(np.trace(sample)) / p
    spread = float(((sample - level * np.eye(p)) ** 2).sum()) / p
    if spread <= 0:
        return np.asarray(sample)
    # mean squared distance of x x^T from the sample covariance, without making n matrices
    squares = float(((values**2).sum(1) ** 2).sum()) / n
    noise = min(spread, max(0.0, (squares - float((sample**2).sum())) / (n * p)))
    share = noise / spread
    return np.asarray((1 - share) * sample + share * level * np.eye(p))


def _align(
    shapes: Complex128[np.ndarray, "row keypoint"],
    mean: Complex128[np.ndarray, " keypoint"],
    used: Bool[np.ndarray, "row keypoint"],
) -> Complex128[np.ndarray, "row keypoint"]:
    """Move, turn and scale each shape onto the mean by its used points; NaN where fewer than two are used."""
    count = used.sum(1, keepdims=True)
    plain = np.where(used, shapes, 0)
    target = np.where(used, mean, 0)
    centre = plain.sum(1, keepdims=True) / np.maximum(count, 1)
    goal = target.sum(1, keepdims=True) / np.maximum(count, 1)
    away = np.where(used, plain - centre, 0)
    size = (np.abs(away) ** 2).sum(1, keepdims=True)
    turn = (np.conj(away) * np.where(used, target - goal, 0)).sum(1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        factor = np.where((count >= 2) & _apart(shapes, used)[:, None], turn / size, np.nan)
    return np.asarray((shapes - centre) * factor + goal)


def _apart(
    shapes: Complex128[np.ndarray, "row keypoint"], used: Bool[np.ndarray, "row keypoint"]
) -> Bool[np.ndarray, " row"]:
    """Tell in which rows the used points do not all lie in one place: else they have no size."""
    widths = [
        np.where(used, along, -np.inf).max(1) - np.where(used, along, np.inf).min(1)
        for along in (shapes.real, shapes.imag)
    ]
    return np.asarray(np.maximum(*widths) > 0)


def _complex(position: Float[np.ndarray, "row keypoint space"]) -> Complex128[np.ndarray, "row keypoint"]:
    """Return places as x + iy; NaN where they are no numbers."""
    known = np.isfinite(position).all(-1)
    shapes = np.full(known.shape, np.nan, np.complex128)
    shapes[known] = position[known].astype(np.float64) @ np.array([1.0, 1j])
    return shapes


def _flat(shapes: Complex128[np.ndarray, "row keypoint"]) -> np.ndarray:
    """Return complex rows as x0, y0, x1, y1, ..."""
    return np.ascontiguousarray(shapes).view(np.float64).reshape(len(shapes), -1)


def fit_shapes(position: Float[np.ndarray, "row keypoint space"]) -> ShapeModel:
    """Fit the Gaussian to labelled frames; missing points are filled by what the others say of them.

    Parameters
    ----------
    position : array (row, keypoint, space)
        Places [px]; NaN where missing.

    Returns
    -------
    ShapeModel
        The model; points that are in no row vary as much as the shape is large.

    Raises
    ------
    NumbersError
        N303, if fewer than 10 rows have 3 points that do not all lie in one place.
    """
    shapes = _complex(position)
    seen = np.isfinite(shapes)
    rows = (seen.sum(1) >= MIN_POINTS) & _apart(shapes, seen)
    if rows.sum() < MIN_SHAPES:
        raise NumbersError(
            "N303",
            "shapes of labelled frames",
            expected=f"{MIN_SHAPES} frames of {MIN_POINTS} points",
            got=str(int(rows.sum())),
        )
    shapes, seen = shapes[rows], seen[rows]
    mean = shapes[int(np.argmax(seen.sum(1)))]
    mean = np.where(np.isfinite(mean), mean, np.nanmean(mean))
    covariance = np.eye(2 * len(mean))
    for turn in range(N_ROUNDS):
        mean = _unit(mean)
        aligned = _align(shapes, mean, seen)
        if turn < 2:
            filled, unsure = np.where(seen, aligned, mean), np.zeros_like(covariance)
        else:
            filled, unsure = _fill(aligned, mean, covariance, seen)
        mean = filled.mean(0)
        spread = ledoit_wolf(_flat(filled - mean)) + unsure
        covariance = spread + FLOOR * np.eye(2 * len(mean)) + _free(mean)
    never = np.repeat(~seen.any(0), 2)
    covariance[never] = covariance[:, never] = 0.0
    covariance[never, never] = 1.0
    return ShapeModel(mean, covariance)


def _free(mean: np.ndarray) -> np.ndarray:
    """Return a large variance along moves, turns and scalings of the mean: they say nothing of a shape."""
    ones = np.ones(len(mean), complex)
    away = mean - mean.mean()
    basis, _ = np.linalg.qr(_flat(np.stack([ones, 1j * ones, away, 1j * away])).T)
    return np.asarray(FREE * basis @ basis.T)


def _unit(mean: np.ndarray) -> np.ndarray:
    away = mean - mean.mean()
    return np.asarray(away / np.sqrt((np.abs(away) ** 2).mean()))


def _fill(
    aligned: np.ndarray, mean: np.ndarray, covariance: np.ndarray, seen: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Put the conditional mean where a point is missing; returns also the mean covariance of what was put."""
    filled = np.where(seen, aligned, mean)
    unsure = np.zeros_like(covariance)
    patterns, which = np.unique(seen, axis=0, return_inverse=True)
    for number, pattern in enumerate(patterns):
        known, gone = np.repeat(pattern, 2), np.repeat(~pattern, 2)
        if not gone.any():
            continue
        at = np.ravel(which) == number
        away = _flat(filled[at] - mean)
        gain = np.linalg.solve(covariance[np.ix_(known, known)], covariance[np.ix_(known, gone)])
        left = covariance[np.ix_(gone, gone)] - covariance[np.ix_(gone, known)] @ gain
        unsure[np.ix_(gone, gone)] += left * (at.sum() / len(filled))
        away[:, gone] = away[:, known] @ gain
        filled[at] = mean + away.reshape(len(away), -1, 2) @ np.array([1, 1j])
    return filled, unsure


def shape_residuals(
    model: ShapeModel,
    position: Float[np.ndarray, "row keypoint space"],
    trusted: Bool[np.ndarray, "row keypoint"] | None = None,
) -> Float64[np.ndarray, "row keypoint"]:
    """Return how far each point lies from where the other points of its frame put it.

    Parameters
    ----------
    model : ShapeModel
        From `fit_shapes`.
    position : array (row, keypoint, space)
        Places [px]; NaN where missing.
    trusted : array (row, keypoint), optional
        Points that may speak for others; by default all.

    Returns
    -------
    array (row, keypoint)
        Mahalanobis distance of each point given the others; NaN where it is missing or fewer than three
        others are there.
    """
    shapes = _complex(position)
    seen = np.isfinite(shapes)
    speaks = seen if trusted is None else seen & trusted
    found = np.full(shapes.shape, np.nan)
    for k in range(shapes.shape[1]):
        others = speaks.copy()
        others[:, k] = False
        rows = np.flatnonzero(seen[:, k] & (others.sum(1) >= MIN_POINTS))
        if len(rows) == 0:
            continue
        away = _flat(_align(shapes[rows], model.mean, others[rows]) - model.mean)
        patterns, which = np.unique(others[rows], axis=0, return_inverse=True)
        for number, pattern in enumerate(patterns):
            at = np.ravel(which) == number
            found[rows[at], k] = _distance(away[at], model.covariance, np.repeat(pattern, 2), k)
    return found


def _distance(away: np.ndarray, covariance: np.ndarray, known: np.ndarray, k: int) -> np.ndarray:
    """Return the Mahalanobis distance of point k given the known coordinates."""
    own = slice(2 * k, 2 * k + 2)
    gain = np.linalg.solve(covariance[np.ix_(known, known)], covariance[known, own])
    left = covariance[own, own] - covariance[known, own].T @ gain
    difference = away[:, own] - away[:, known] @ gain
    squared = np.einsum("ni,ij,nj->n", difference, np.linalg.inv(left), difference)
    return np.asarray(np.sqrt(squared))
