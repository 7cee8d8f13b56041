"""Keypoints as they come: the causal half of the smoother, frame by frame."""

import numpy as np

from mystax.compute.kernels.kalman import filter_step
from mystax.compute.tracks import MIN_CONFIDENCE, MIN_VARIANCE, SPEED_VARIANCE, strength_of
from mystax.core.typing import Float, Float64

__all__ = ["CausalFilter"]


class CausalFilter:
    """Filters the keypoints of a face while frames come in.

    The state of a point is its place and velocity, moved by white acceleration; it equals the forward half
    of `mystax.compute.tracks.smooth_tracks` with one cut-off.

    Parameters
    ----------
    n_points : int
        Number of points.
    cutoff : float, optional
        Cut-off in steady state [Hz] (20).
    max_gap : float, optional
        After so long without a measurement a point begins anew [s] (0.25).
    """

    def __init__(self, n_points: int, *, cutoff: float = 20.0, max_gap: float = 0.25) -> None:
        self._cutoff, self._max_gap = cutoff, max_gap
        self._mean = np.zeros((n_points, 4))
        self._block = np.zeros((n_points, 10))
        self._started = np.zeros(n_points, np.bool_)
        self._strength = np.zeros(n_points)
        self._last = np.full(n_points, np.nan)
        self._time = np.nan

    def step(
        self,
        position: Float[np.ndarray, "keypoint space"],
        covariance: Float[np.ndarray, "keypoint cov"],
        confidence: Float[np.ndarray, " keypoint"],
        time: float,
    ) -> tuple[Float64[np.ndarray, "keypoint space"], Float64[np.ndarray, "keypoint cov"]]:
        """Take in the points of one frame.

        Parameters
        ----------
        position : array (keypoint, space)
            Measured places [px]; NaN where unseen.
        covariance : array (keypoint, cov)
            Their covariances xx, xy, yy [px^2].
        confidence : array (keypoint,)
            0..1; a measurement's covariance is divided by it.
        time : float
            Time of the frame [s], later than that of the frame before.

        Returns
        -------
        position : array (keypoint, space)
            Filtered places [px]; NaN for points that were not seen for `max_gap`.
        covariance : array (keypoint, cov)
            Their covariances [px^2].

        Raises
        ------
        ValueError
            If the time is not later than that of the frame before.
        """
        dt = 0.0 if np.isnan(self._time) else time - self._time
        if not np.isnan(self._time) and not dt > 0:
            raise ValueError(f"frames must follow each other: {time:g} s after {self._time:g} s")
        z = np.asarray(position, np.float64)
        sure = np.fmax(np.nan_to_num(np.asarray(confidence, np.float64)), MIN_CONFIDENCE)
        r = np.asarray(covariance, np.float64) / sure[:, None]
        r[:, [0, 2]] = np.fmax(r[:, [0, 2]], MIN_VARIANCE)
        seen = np.asarray(np.isfinite(z).all(axis=1) & np.isfinite(r).all(axis=1))
        z = np.where(seen[:, None], z, np.nan)
        lost = self._started & (time - self._last > self._max_gap)
        self._started[lost] = False
        if dt > 0:
            fresh = seen & (self._strength == 0)
            half = 0.5 * (r[fresh, 0] + r[fresh, 2])
            self._strength[fresh] = [strength_of(self._cutoff, float(v), dt) for v in half]
        filter_step(self._mean, self._block, self._started, z, r, dt, self._strength, SPEED_VARIANCE)
        self._last[seen] = time
        self._time = time
        known = self._started[:, None]
        return np.where(known, self._mean[:, :2], np.nan), np.where(known, self._block[:, :3], np.nan)
