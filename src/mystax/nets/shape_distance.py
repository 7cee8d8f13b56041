"""Robust alignment of shapes to their mean, and distances of points given the other points of a shape."""

from dataclasses import dataclass

import numpy as np

from mystax.core.typing import Bool, Complex128, Float64

__all__ = ["LEAST_SEEN", "PointGaussian"]

LEAST_SEEN = 4
"""Points of a shape without which nothing is said of it."""
_WILD = 6.0
"""Square of a misfit, in units of the usual ones, from which a point may be wrong."""
_LEAST_USUAL = 4.0
_ROUNDS = 6
_MOST_NUMBERS = 4_000_000
"""Numbers of all precisions that are worked on at a time."""


@dataclass(frozen=True)
class PointGaussian:
    """A Gaussian over shapes, as distances need it.

    Attributes
    ----------
    mean : array (keypoint,)
        Mean shape, x + iy.
    covariance : array (coordinate, coordinate)
        Of all coordinates (x0, y0, x1, y1, ...), shift, turn and size being free.
    spread : array (keypoint,)
        Mean square distance of each point from its mean place.
    can_mirror : bool
        Whether a shape and its mirror image are the same.
    """

    mean: Complex128[np.ndarray, " keypoint"]
    covariance: Float64[np.ndarray, "coordinate coordinate"]
    spread: Float64[np.ndarray, " keypoint"]
    can_mirror: bool

    def distances(
        self, shapes: Complex128[np.ndarray, "n keypoint"], is_seen: Bool[np.ndarray, "n keypoint"]
    ) -> Float64[np.ndarray, "n keypoint"]:
        """Return the Mahalanobis distance of each point from where the other seen points put it.

        Shapes are laid onto the mean by a similarity whose weights fall with the misfit, and points that then
        lie off count as noisy, so that one wild point does not make its neighbours look wild.

        Parameters
        ----------
        shapes : array (n, keypoint)
            Places x + iy, any unit.
        is_seen : array (n, keypoint)
            Points to trust.

        Returns
        -------
        array (n, keypoint)
            0 in shapes of fewer than four seen points.
        """
        found = np.zeros(is_seen.shape)
        rows = np.flatnonzero(is_seen.sum(axis=1) >= LEAST_SEEN)
        at_once = max(1, _MOST_NUMBERS // self.covariance.size)
        for begin in range(0, len(rows), at_once):
            some = rows[begin : begin + at_once]
            moved, misfit = self._lay_robustly(shapes[some], is_seen[some])
            found[some] = self._conditional(moved, misfit, is_seen[some])
        return found

    def _lay_robustly(self, shapes: np.ndarray, is_seen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Lay shapes onto the mean, again and again with weights that fall with the misfit."""
        weight = is_seen.astype(np.float64)
        _, misfit = self._lay(shapes, weight)
        odd = np.flatnonzero(np.where(is_seen, misfit, 0.0).max(axis=1) > _WILD)
        if len(odd):
            weight[odd] = self._without_wildest(shapes[odd], is_seen[odd], _middle(misfit[odd], is_seen[odd]))
        for _ in range(_ROUNDS):
            moved, misfit = self._lay(shapes, weight)
            usual = np.maximum(_middle(misfit, is_seen), _LEAST_USUAL)[:, np.newaxis]
            weight = np.where(is_seen, 1 / (1 + misfit / usual) ** 2, 0.0)
        return moved, misfit

    def _without_wildest(self, shapes: np.ndarray, is_seen: np.ndarray, best: np.ndarray) -> np.ndarray:
        """Return weights without the point that is missed least: one wild point may have turned the shape."""
        dropped = np.full(len(shapes), -1)
        for k in range(shapes.shape[1]):
            weight = is_seen.astype(np.float64)
            weight[:, k] = 0.0
            usual = _middle(self._lay(shapes, weight)[1], is_seen)
            is_better = is_seen[:, k] & (usual < best)
            best, dropped = np.where(is_better, usual, best), np.where(is_better, k, dropped)
        return np.where(np.arange(shapes.shape[1]) == dropped[:, np.newaxis], 0.0, is_seen)

    def _lay(self, shapes: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Lay shapes onto the mean by a similarity, weighted; points of weight 0 only move along.

        Returns offsets from the mean, and their squares in units of the usual ones.
        """
        total = weight.sum(axis=1, keepdims=True)
        known = np.where(weight > 0, shapes, 0.0)
        here = (weight * known).sum(axis=1, keepdims=True) / total
        there = (weight * self.mean).sum(axis=1, keepdims=True) / total
        pull, known = weight * (self.mean - there), known - here
        power = np.maximum((weight * _square(known)).sum(axis=1, keepdims=True), 1e-12)
        factor = (pull * known.conj()).sum(axis=1, keepdims=True) / power
        moved = (shapes - here) * factor
        if self.can_mirror:
            mirrored = (pull * known).sum(axis=1, keepdims=True) / power
            moved = np.where(_square(mirrored) > _square(factor), (shapes - here).conj() * mirrored, moved)
        moved += there - self.mean
        return moved, _square(moved) / self.spread

    def _conditional(self, moved: np.ndarray, misfit: np.ndarray, is_seen: np.ndarray) -> np.ndarray:
        """Return the distances of offsets, each given those of the other seen points.

        Given the others, the covariance of a seen point is the inverse of its block of the precision, P, less
        the point's own noise, and its deviation is P^-1 (precision offset).
        """
        n, n_points = is_seen.shape
        noise = np.where(is_seen, self.spread * np.maximum(misfit - _WILD, 0.0), 0.0)
        # Shapes with the same points and no noise share one precision.
        settings, which = np.unique(np.concatenate((is_seen, noise), axis=1), axis=0, return_inverse=True)
        seen = np.repeat(settings[:, :n_points] > 0, 2, axis=1)
        both = seen[:, :, np.newaxis] & seen[:, np.newaxis]
        # Unseen points have a unit block of their own, which nothing links to.
        own = np.where(seen, np.repeat(settings[:, n_points:], 2, axis=1), 1.0)
        whole = np.where(both, self.covariance, 0.0) + own[:, np.newaxis] * np.eye(2 * n_points)
        precision = np.linalg.inv(whole)[which.ravel()]
        offset = np.stack((moved.real, moved.imag), axis=-1)
        known = np.where(is_seen[..., np.newaxis], offset, 0.0).reshape(n, -1, 1)
        pulled = (precision @ known).reshape(n, n_points, 2)
        p, q, r = _blocks(precision)
        det = p * r - q * q
        dx = (r * pulled[..., 0] - q * pulled[..., 1]) / det
        dy = (p * pulled[..., 1] - q * pulled[..., 0]) / det
        found = _distance(dx, dy, r / det - noise, -q / det, p / det - noise)
        rows = np.flatnonzero(~is_seen.all(axis=1))
        if len(rows):
            link = self.covariance * np.repeat(is_seen[rows], 2, axis=1)[:, np.newaxis]
            gain = link @ precision[rows]
            left = offset[rows] - (gain @ known[rows]).reshape(len(rows), n_points, 2)
            spread = _blocks(self.covariance - gain @ link.swapaxes(1, 2))
            unseen = _distance(left[..., 0], left[..., 1], *spread)
            found[rows] = np.where(is_seen[rows], found[rows], unseen)
        return found


def _square(values: np.ndarray) -> np.ndarray:
    return np.asarray(values.real**2 + values.imag**2)


def _middle(values: np.ndarray, use: np.ndarray) -> np.ndarray:
    """Return the (upper) median of the values to use of each row."""
    ordered = np.sort(np.where(use, values, np.inf), axis=1)
    return np.asarray(np.take_along_axis(ordered, use.sum(axis=1, keepdims=True) // 2, axis=1)[:, 0])


def _blocks(matrices: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return xx, xy and yy of the block of each point on the diagonal."""
    x = np.arange(0, matrices.shape[-1], 2)
    return matrices[..., x, x], matrices[..., x, x + 1], matrices[..., x + 1, x + 1]


def _distance(dx: np.ndarray, dy: np.ndarray, xx: np.ndarray, xy: np.ndarray, yy: np.ndarray) -> np.ndarray:
    """Return the Mahalanobis distance of offsets."""
    with np.errstate(divide="ignore", invalid="ignore"):  # infinitely far where nothing may change
        square = (yy * dx * dx - 2 * xy * dx * dy + xx * dy * dy) / (xx * yy - xy * xy)
    return np.asarray(np.sqrt(np.maximum(square, 0.0)))
