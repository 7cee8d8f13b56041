"""How points lie to each other: a Gaussian over shapes, and how far a point is from its place among them."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mystax.core.typing import Bool, Complex128, Float, Float32, Float64
from mystax.nets.shape_distance import PointGaussian

__all__ = ["ShapePrior", "align", "fit_shape_prior", "shrunk_covariance"]

_LEAST_POINTS = 3
_ROUNDS = 4
_MOST_FACTORS = 40


@dataclass(frozen=True)
class ShapePrior:
    """Gaussian over shapes, up to shift, turn, size and (for one-sided sets) mirror.

    Attributes
    ----------
    mean : array (keypoint, space)
        Mean shape, centred, of root mean square radius 1.
    factors : array (factor, coordinate)
        Directions of change; their outer products sum to the covariance, less the diagonal.
    noise : float
        Variance of every coordinate beside the factors.
    can_mirror : bool
        Whether a shape and its mirror image are the same.
    """

    mean: Float32[np.ndarray, "keypoint space"]
    factors: Float32[np.ndarray, "factor coordinate"]
    noise: float
    can_mirror: bool

    def tensors(self) -> dict[str, Float32[np.ndarray, "..."]]:
        """Return the arrays that weights keep beside the network."""
        numbers = np.array([self.noise, float(self.can_mirror)], np.float32)
        return {"shape.mean": self.mean, "shape.factors": self.factors, "shape.numbers": numbers}

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, np.ndarray]) -> "ShapePrior | None":
        """Read what `tensors` gave; None if there is nothing."""
        if "shape.mean" not in tensors:
            return None
        mean, factors = tensors["shape.mean"], tensors["shape.factors"]
        if mean.ndim != 2 or factors.ndim != 2 or mean.size != factors.shape[1]:
            raise ValueError(f"shapes {mean.shape} and {factors.shape} of the shape prior")
        noise, can_mirror = tensors["shape.numbers"]
        return cls(mean=mean, factors=factors, noise=float(noise), can_mirror=bool(can_mirror))

    @cached_property
    def covariance(self) -> Float64[np.ndarray, "coordinate coordinate"]:
        """Covariance of all coordinates (x0, y0, x1, y1, ...), shift, turn and size being free.

        How a shape was laid onto the mean then hardly matters.
        """
        factors = self.factors.astype(np.float64)
        free = _similarity_directions(self.mean.astype(np.float64))
        found: np.ndarray = factors.T @ factors + self.noise * np.eye(factors.shape[1]) + free.T @ free
        return found

    @cached_property
    def spread(self) -> Float64[np.ndarray, " keypoint"]:
        """Mean square distance of each point from its mean place."""
        own = (self.factors.astype(np.float64) ** 2).sum(axis=0) + self.noise
        found: np.ndarray = own.reshape(-1, 2).sum(axis=1)
        return found

    def residuals(
        self, xy: Float[np.ndarray, "n keypoint space"], is_seen: Bool[np.ndarray, "n keypoint"]
    ) -> Float32[np.ndarray, "n keypoint"]:
        """Return the Mahalanobis distance of every point from where the other seen points put it.

        Parameters
        ----------
        xy : array (n, keypoint, space)
            Places, any unit.
        is_seen : array (n, keypoint)
            Points to trust.

        Returns
        -------
        array (n, keypoint)
            Distances; 0 where fewer than 3 other points are seen.
        """
        own = PointGaussian(_flat(self.mean), self.covariance, self.spread, self.can_mirror)
        found: np.ndarray = own.distances(_flat(xy), is_seen).astype(np.float32)
        return found


def _flat(xy: Float[np.ndarray, "... space"]) -> Complex128[np.ndarray, "..."]:
    """Return places as x + iy."""
    return np.asarray(np.asarray(xy, np.float64) @ np.array([1.0, 1j]))


def align(
    shape: Float[np.ndarray, "keypoint space"],
    target: Float[np.ndarray, "keypoint space"],
    weight: Float[np.ndarray, " keypoint"],
    can_mirror: bool,
) -> Float64[np.ndarray, "keypoint space"]:
    """Shift, turn, scale and perhaps mirror a shape onto another, by weighted least squares.

    Parameters
    ----------
    shape, target : array (keypoint, space)
        What to move, and where to.
    weight : array (keypoint,)
        Weights; points of weight 0 only move along.
    can_mirror : bool
        Whether a mirror image may be taken.

    Returns
    -------
    array (keypoint, space)
        The moved shape.
    """
    w = weight / weight.sum()
    known = weight > 0
    source = np.where(known[:, None], shape, 0.0)
    goal = np.where(known[:, None], target, 0.0)
    from_mean, to_mean = w @ source, w @ goal
    z = (shape - from_mean) @ np.array([1.0, 1j])
    goal_z = (goal - to_mean) @ np.array([1.0, 1j])
    known_z = np.where(known, z, 0.0)
    power = float(w @ np.abs(known_z) ** 2)
    factor = (w @ (np.conj(known_z) * goal_z)) / power  # rotation and size as one complex number
    moved = z * factor
    if can_mirror:
        mirrored = (w @ (known_z * goal_z)) / power
        if abs(mirrored) > abs(factor):
            moved = np.conj(z) * mirrored
    found: np.ndarray = np.stack((moved.real, moved.imag), axis=-1) + to_mean
    return found


def shrunk_covariance(
    values: Float64[np.ndarray, "n coordinate"],
) -> Float64[np.ndarray, "coordinate coordinate"]:
    """Estimate a covariance, shrunk towards a multiple of the unit matrix by Ledoit and Wolf's rule.

    Parameters
    ----------
    values : array (n, coordinate)
        Samples.

    Returns
    -------
    array (coordinate, coordinate)
        Covariance, never singular unless all samples are equal.

    References
    ----------
    .. [1] Ledoit & Wolf (2004), doi:10.1016/S0047-259X(03)00096-4
    """
    n, size = values.shape
    centred = values - values.mean(axis=0)
    sample = centred.T @ centred / n
    level = np.trace(sample) / size
    spread = float(np.sum((sample - level * np.eye(size)) ** 2))
    noise = float(np.sum((centred**2).T @ (centred**2)) / n - np.sum(sample**2)) / n
    share = 1.0 if spread <= 0 else min(max(noise / spread, 0.0), 1.0)
    found: np.ndarray = (1 - share) * sample + share * level * np.eye(size)
    return found


def fit_shape_prior(
    xy: Float[np.ndarray, "n keypoint space"],
    is_seen: Bool[np.ndarray, "n keypoint"],
    *,
    can_mirror: bool,
) -> ShapePrior | None:
    """Fit the Gaussian over shapes to labelled or rendered ones, some points of which may be missing.

    Parameters
    ----------
    xy : array (n, keypoint, space)
        Points, any unit.
    is_seen : array (n, keypoint)
        Points that are known.
    can_mirror : bool
        Whether a shape and its mirror image are the same.

    Returns
    -------
    ShapePrior or None
        None if there are fewer than 4 points, or fewer than 10 shapes with 4 known points.
    """
    n_points = is_seen.shape[1]
    use = is_seen.sum(axis=1) >= max(_LEAST_POINTS + 1, min(n_points, 4))
    if n_points <= _LEAST_POINTS or use.sum() < 10:
        return None
    shapes, known = np.asarray(xy[use], np.float64), is_seen[use]
    mean = shapes[np.argmax(known.sum(axis=1))].copy()
    mean[~np.isfinite(mean)] = 0.0
    aligned = shapes
    for _ in range(_ROUNDS):
        aligned = np.stack(
            [align(s, mean, k.astype(float), can_mirror) for s, k in zip(shapes, known, strict=True)]
        )
        counts = known.sum(axis=0)
        total = np.where(known[..., None], aligned, 0.0).sum(axis=0)
        mean = np.where(counts[:, None] > 0, total / np.maximum(counts, 1)[:, None], mean)
        mean -= mean.mean(axis=0)
        mean /= np.sqrt((mean**2).sum(axis=1).mean())
    filled = _fill(aligned.reshape(len(aligned), -1), np.repeat(known, 2, axis=1), mean.ravel())
    covariance = shrunk_covariance(filled)
    free = _similarity_directions(mean)
    inner = np.eye(len(covariance)) - free.T @ free
    values, vectors = np.linalg.eigh(inner @ covariance @ inner)
    values, vectors = values[4:], vectors[:, 4:]  # the 4 directions of a similarity have no variance left
    n_factors = min(_MOST_FACTORS, len(values) - 1)
    noise = max(float(values[:-n_factors].mean()), 1e-6)
    strength = np.sqrt(np.maximum(values[-n_factors:] - noise, 0.0))
    return ShapePrior(
        mean=mean.astype(np.float32),
        factors=(vectors[:, -n_factors:] * strength).T.astype(np.float32),
        noise=noise,
        can_mirror=can_mirror,
    )


def _similarity_directions(
    mean: Float64[np.ndarray, "keypoint space"],
) -> Float64[np.ndarray, "4 coordinate"]:
    """Return unit vectors along which shifts, turns and changes of size move the coordinates."""
    n = len(mean)
    across, down = np.zeros((n, 2)), np.zeros((n, 2))
    across[:, 0] = down[:, 1] = 1.0
    turned = np.stack((-mean[:, 1], mean[:, 0]), axis=-1)
    rows = np.stack([v.ravel() for v in (across, down, mean - mean.mean(axis=0), turned)])
    return np.linalg.qr(rows.T)[0].T


def _fill(
    values: Float64[np.ndarray, "n coordinate"],
    known: Bool[np.ndarray, "n coordinate"],
    mean: Float64[np.ndarray, " coordinate"],
) -> Float64[np.ndarray, "n coordinate"]:
    """Put expected values for missing ones, given the known ones of the same shape, in a few rounds."""
    filled = np.where(known, values, mean)
    if known.all():
        return filled
    patterns, which = np.unique(known, axis=0, return_inverse=True)
    for _ in range(_ROUNDS):
        centre = filled.mean(axis=0)
        covariance = shrunk_covariance(filled)
        for number, pattern in enumerate(patterns):
            rows = np.flatnonzero(which == number)
            gain = np.linalg.solve(
                covariance[np.ix_(pattern, pattern)], covariance[np.ix_(pattern, ~pattern)]
            )
            filled[np.ix_(rows, ~pattern)] = (
                centre[~pattern] + (filled[np.ix_(rows, pattern)] - centre[pattern]) @ gain
            )
    return filled
