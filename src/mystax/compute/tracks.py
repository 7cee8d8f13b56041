"""Keypoints over time: smoothed with their variance, over the real times of the frames.

Each point moves with white acceleration; a Kalman filter and a backward pass weigh every measurement by its
own covariance.  In steady state that is a low-pass without lag, ``|H(f)| = 1 / (1 + (f / fc)^4)`` with
``fc = (q / (r dt))^(1/4) / 2 pi``.
"""

from dataclasses import dataclass

import numpy as np

from mystax.compute.kernels.kalman import filter_likelihood, smooth_point
from mystax.core.typing import Bool, Float, Float64
from mystax.errors import ParameterError, nearest

__all__ = ["METHODS", "SmoothTracks", "cutoff_of", "smooth_tracks", "strength_of"]

METHODS = ("none", "ml", "adaptive")
SPEED_VARIANCE = 1e8
"""Variance of the velocity before the first measurement [px^2/s^2]: nothing is known."""
N_ROBUST = 2
MIN_VARIANCE = 1e-6
MIN_CONFIDENCE = 0.05
MAX_ML_FRAMES = 20_000
N_BLOCKS = 10
N_DECADES = 13
ACTIVE_CUTOFF, ACTIVE_SHARE, QUIET_CUTOFF = 40.0, 0.4, 2.0
ACTIVITY_WINDOW = 0.1
QUIET_RATIO, ACTIVE_RATIO = 1.0, 3.0
NOISE_PERCENTILE = 20.0
SPIKE_FRAMES, SPIKE_TIMES, SPIKE_RETURN, SPIKE_FLOOR = 2, 5.0, 0.5, 0.05
"""Longest spike; how many times as high as all else about it; how near each other the places before and after
lie, as a share of its height; least height that it is compared with [SD of a measurement]."""
_ROUNDING = 1e-6
RESPONSE = 64
"""Frames before and after an impulse within which the fastest smoother's answer to it dies."""
SECOND_DIFFERENCE_FACTOR = 1.0 + 2.0 * ((4.0 / 6.0) ** 2 + (1.0 / 6.0) ** 2)
"""How many second differences of white noise are worth one independent value."""


@dataclass(frozen=True, slots=True)
class SmoothTracks:
    """Smoothed keypoints.

    Attributes
    ----------
    position : array (time, keypoint, space)
        Place [px]; NaN beyond bridged gaps.
    covariance : array (time, keypoint, cov)
        Posterior covariance xx, xy, yy [px^2].
    velocity : array (time, keypoint, space)
        Velocity [px/s].
    distance : array (time, keypoint)
        Squared Mahalanobis distance of the raw point from its prediction; NaN where unseen.
    gap_filled : array (time, keypoint)
        Bridged frames.
    cutoff : array (keypoint,)
        Highest cut-off that was used [Hz].
    noise : array (keypoint,)
        Typical standard deviation of a measurement [px].
    """

    position: Float64[np.ndarray, "time keypoint space"]
    covariance: Float64[np.ndarray, "time keypoint cov"]
    velocity: Float64[np.ndarray, "time keypoint space"]
    distance: Float64[np.ndarray, "time keypoint"]
    gap_filled: Bool[np.ndarray, "time keypoint"]
    cutoff: Float64[np.ndarray, " keypoint"]
    noise: Float64[np.ndarray, " keypoint"]


def cutoff_of(strength: float, variance: float, step: float) -> float:
    """Return the cut-off of the smoother in steady state.

    Parameters
    ----------
    strength : float
        Power of the acceleration, q [px^2/s^3].
    variance : float
        Variance of a measurement, r [px^2].
    step : float
        Time between frames [s].

    Returns
    -------
    float
        Frequency at which half the amplitude passes [Hz].

    Examples
    --------
    >>> round(cutoff_of(strength_of(8.0, 0.5, 0.01), 0.5, 0.01), 9)
    8.0
    """
    return float((strength / (variance * step)) ** 0.25 / (2.0 * np.pi))


def strength_of(cutoff: float, variance: float, step: float) -> float:
    """Return the power of the acceleration that gives a cut-off; the inverse of `cutoff_of`."""
    return float(variance * step * (2.0 * np.pi * cutoff) ** 4)


def smooth_tracks(
    position: Float[np.ndarray, "time keypoint space"],
    covariance: Float[np.ndarray, "time keypoint cov"],
    confidence: Float[np.ndarray, "time keypoint"],
    time: Float64[np.ndarray, " time"],
    *,
    method: str = "adaptive",
    min_cutoff: float | None = None,
    cutoff: float | None = None,
    max_gap: float = 0.25,
) -> SmoothTracks:
    """Smooth keypoints over time.

    Parameters
    ----------
    position : array (time, keypoint, space)
        Measured places [px]; NaN where unseen.
    covariance : array (time, keypoint, cov)
        Their covariances xx, xy, yy [px^2].
    confidence : array (time, keypoint)
        0..1; a measurement's covariance is divided by it.  What is no number counts as 0.
    time : array (time,)
        Rising times [s]; frames without a time (NaN) stay NaN.
    method : {"adaptive", "ml", "none"}, optional
        ``ml``: one strength per keypoint, by maximum marginal likelihood.  ``adaptive``: strong where the
        point is still, and up to the fastest whisking where it moves.  ``none``: as measured.
    min_cutoff : float, optional
        Never smooth below this cut-off [Hz].
    cutoff : float, optional
        Use this cut-off for every point instead of finding one [Hz].
    max_gap : float, optional
        Longest time between two measured frames that is bridged [s].

    Returns
    -------
    SmoothTracks
        Places with posterior covariances.

    Raises
    ------
    ParameterError
        P401, if the method is unknown.

    References
    ----------
    .. [1] Rauch, Tung & Striebel (1965), doi:10.2514/3.3166
    """
    if method not in METHODS:
        raise ParameterError("P401", "parameter 'smooth'", f"no method {method!r}{nearest(method, METHODS)}")
    n, k = position.shape[:2]
    z = np.array(position, np.float64)
    sure = np.where(np.isfinite(confidence), confidence, 0.0)
    r = np.array(covariance, np.float64) / np.maximum(sure, MIN_CONFIDENCE)[..., None]
    r[..., 0] = np.maximum(r[..., 0], MIN_VARIANCE)
    r[..., 2] = np.maximum(r[..., 2], MIN_VARIANCE)
    del sure  # as long as the recording; what is needed no more is let go of
    known = np.isfinite(time)
    if np.any(np.diff(time[known]) <= 0):
        raise ParameterError("P401", "times of the frames", expected="times that rise", got="others")
    bad = ~(np.isfinite(z).all(-1) & np.isfinite(r).all(-1) & (r[..., 0] * r[..., 2] > r[..., 1] ** 2))
    z[bad | ~known[:, None]] = np.nan
    out = SmoothTracks(
        np.full((n, k, 2), np.nan),
        np.full((n, k, 3), np.nan),
        np.full((n, k, 2), np.nan),
        np.full((n, k), np.nan),
        np.zeros((n, k), np.bool_),
        np.full(k, np.nan),
        np.full(k, np.nan),
    )
    if method == "none":
        out.position[:], out.covariance[:] = z, np.where(np.isfinite(z[..., :1]), r, np.nan)
        return out
    frames = slice(None) if known.all() else known  # long recordings: no copy of what is needed whole
    for point in range(k):
        own, its = (np.ascontiguousarray(values[frames, point]) for values in (z, r))
        _smooth_one(out, point, own, its, time[frames], known, method, min_cutoff, cutoff)
    _open_gaps(out, z, time, max_gap)
    return out


def _smooth_one(
    out: SmoothTracks,
    point: int,
    z: np.ndarray,
    r: np.ndarray,
    times: np.ndarray,
    known: np.ndarray,
    method: str,
    min_cutoff: float | None,
    cutoff: float | None,
) -> None:
    """Smooth one point over the frames whose time is known, and write it into `out`."""
    seen = np.isfinite(z[:, 0])
    if seen.sum() < 2:
        out.position[known, point], out.covariance[known, point] = z, np.where(seen[:, None], r, np.nan)
        return
    step = float(np.median(np.diff(times)))
    variance = float(np.median(0.5 * (r[seen, 0] + r[seen, 2])))
    spike, own = _widen_spikes(times, z, r, SPIKE_FLOOR * np.sqrt(variance), step)
    lowest = 0.0 if min_cutoff is None else strength_of(min_cutoff, variance, step)
    if cutoff is not None:
        strength = np.full(len(times), max(lowest, strength_of(cutoff, variance, step)))
    else:
        best = max(lowest, _likeliest(times, z, r, variance, step))
        strength = np.full(len(times), best)
        if method == "adaptive":
            fastest = min(ACTIVE_CUTOFF, ACTIVE_SHARE / step)
            active = max(best, strength_of(fastest, variance, step))
            quiet = min(active, max(lowest, strength_of(QUIET_CUTOFF, variance, step)))
            strength = _adapted(times, z, r, variance, step, quiet, active)
    mean, cov, distance, _ = _run(times, z, r, strength)
    distance[spike] = _squares(z[spike] - mean[spike, :2], own)
    out.position[known, point], out.velocity[known, point] = mean[:, :2], mean[:, 2:]
    out.covariance[known, point], out.distance[known, point] = cov, distance
    out.cutoff[point] = cutoff_of(float(strength.max()), variance, step)
    out.noise[point] = np.sqrt(variance)


def _widen_spikes(
    times: np.ndarray, z: np.ndarray, r: np.ndarray, least: float, step: float
) -> tuple[np.ndarray, np.ndarray]:
    """Widen the covariances where a point is elsewhere for a frame or two and then back.

    A network that sees two places alike takes now this one and now that, and its covariance allows for
    both: only the neighbours in time tell.  A whisk is no spike, since its strokes follow each other; where
    frames are too slow for whisks, a single frame may be true.

    Returns
    -------
    spike : array (spike,)
        Frames whose covariance is changed in `r`, which is large for long recordings and not copied.
    own : array (spike, cov)
        What it was.
    """
    n, factor = len(times), np.ones(len(times))
    lengths = (
        range(1, min(SPIKE_FRAMES, n - 2) + 1) if ACTIVE_CUTOFF * step <= ACTIVE_SHARE + _ROUNDING else ()
    )
    for length in lengths:
        first, last = slice(0, n - length - 1), slice(length + 1, n)
        middle = 0.5 * (z[first] + z[last])
        inside = [slice(i, n - length - 1 + i) for i in range(1, length + 1)]
        height = np.min([np.hypot(*(z[part] - middle).T) for part in inside], axis=0)
        with np.errstate(invalid="ignore"):
            ratio = height / np.fmax(_about(height, length), least)
            found = (ratio > SPIKE_TIMES) & (np.hypot(*(z[last] - z[first]).T) < SPIKE_RETURN * height)
        found &= times[last] - times[first] < (length + 1.5) * step
        for part in inside:
            factor[part][found] *= ratio[found] ** 2
    spike = np.flatnonzero(factor != 1.0)
    own = r[spike]
    r[spike] *= factor[spike, None]
    return spike, own


def _squares(away: np.ndarray, cov: np.ndarray) -> np.ndarray:
    """Return squared Mahalanobis distances."""
    (dx, dy), (xx, xy, yy) = away.T, cov.T
    return np.asarray((yy * dx**2 - 2 * xy * dx * dy + xx * dy**2) / (xx * yy - xy**2))


def _about(height: np.ndarray, length: int) -> np.ndarray:
    """Return the mean height of three frames before and three after a spike, its flanks left out."""
    total, count = np.zeros(len(height)), np.zeros(len(height))
    for shift in range(length + 1, length + 4):
        for here, there in (
            (slice(shift, None), slice(None, -shift)),
            (slice(None, -shift), slice(shift, None)),
        ):
            known = np.isfinite(height[there])
            total[here] += np.where(known, height[there], 0.0)
            count[here] += known
    return np.asarray(total / np.maximum(count, 1.0))


def _run(
    times: np.ndarray, z: np.ndarray, r: np.ndarray, strength: np.ndarray, n_robust: int = N_ROBUST
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return states, covariances of the place, distances of the innovations, and weights."""
    n = len(times)
    mean, cov, distance, weight = np.empty((n, 4)), np.empty((n, 3)), np.empty(n), np.ones(n)
    smooth_point(times, z, r, strength, SPEED_VARIANCE, n_robust, weight, mean, cov, distance)
    return mean, cov, distance, weight


def _likeliest(times: np.ndarray, z: np.ndarray, r: np.ndarray, variance: float, step: float) -> float:
    """Return the strength of maximum marginal likelihood: 13 decades up to the frame rate, then refined.

    Outliers must not look like motion, so they are found first, by an agile smoother, and count less.
    """
    from scipy.optimize import minimize_scalar

    n = len(times)
    if n <= MAX_ML_FRAMES:
        starts, size = [0], n
    else:
        size = MAX_ML_FRAMES // N_BLOCKS
        starts = [round(b * (n - size) / (N_BLOCKS - 1)) for b in range(N_BLOCKS)]
    top = np.log10(strength_of(1.0 / step, variance, step))
    agile = strength_of(min(ACTIVE_CUTOFF, ACTIVE_SHARE / step), variance, step)
    weight = _run(times, z, r, np.full(n, agile))[3]

    def loss(decade: float) -> float:
        strength = 10.0 ** float(decade)
        return -sum(
            float(filter_likelihood(times, z, r, weight, strength, SPEED_VARIANCE, start, start + size))
            for start in starts
        )

    grid = [top - N_DECADES + 1 + d for d in range(N_DECADES)]
    best = grid[int(np.argmin([loss(decade) for decade in grid]))]
    found = minimize_scalar(loss, bounds=(best - 1.0, best + 1.0), method="bounded", options={"xatol": 0.01})
    return float(10.0**found.x)


def _adapted(
    times: np.ndarray,
    z: np.ndarray,
    r: np.ndarray,
    variance: float,
    step: float,
    quiet: float,
    active: float,
) -> np.ndarray:
    """Return a strength per frame: `quiet` where the point moves as noise does, `active` at thrice that."""
    n = len(times)
    mean = _run(times, z, r, np.full(n, active))[0]
    speed = _window_mean(np.nan_to_num(mean[:, 2] ** 2 + mean[:, 3] ** 2), times, ACTIVITY_WINDOW)
    noise = min(variance, _jitter(times, z, step))
    expected = 2.0 * noise * _speed_gain(variance, step, active)
    ratio = np.sqrt(speed / max(expected, 1e-300))
    share = np.clip((ratio - QUIET_RATIO) / (ACTIVE_RATIO - QUIET_RATIO), 0.0, 1.0)
    return np.asarray(quiet * (active / quiet) ** share, np.float64)


def _speed_gain(variance: float, step: float, strength: float) -> float:
    """Return the variance of a component of the smoothed velocity for noise of variance 1 [1/s^2]."""
    n = 2 * RESPONSE + 1
    impulse = np.zeros((n, 2))
    impulse[RESPONSE, 0] = 1.0
    cov = np.tile(np.array([variance, 0.0, variance]), (n, 1))
    mean = _run(np.arange(n) * step, impulse, cov, np.full(n, strength), n_robust=0)[0]
    return float((mean[:, 2] ** 2).sum())


def _window_mean(values: np.ndarray, times: np.ndarray, half: float) -> np.ndarray:
    """Return the mean of the values within `half` before and after each time."""
    total = np.concatenate([[0.0], np.cumsum(values)])
    first = np.searchsorted(times, times - half - _ROUNDING, "left")
    last = np.searchsorted(times, times + half + _ROUNDING, "right")
    return np.asarray((total[last] - total[first]) / (last - first))


def _jitter(times: np.ndarray, z: np.ndarray, step: float) -> float:
    """Return the variance of measurements in the quietest fifth of the time, by second differences."""
    from scipy.special import gammaincinv

    second = z[2:] - 2.0 * z[1:-1] + z[:-2]
    even = np.abs(np.diff(times, 2)) < 0.1 * step
    good = np.isfinite(second).all(1) & even & (np.diff(times)[1:] < 1.5 * step)
    if good.sum() < 10:
        return float("inf")
    squares = (second[good] ** 2).sum(1) / 12.0  # each of two components has 1 + 4 + 1 times the variance
    local = _window_mean(squares, times[1:-1][good], ACTIVITY_WINDOW)
    # the low percentile of a mean over few values lies below it: chi-square with their effective number
    n_effective = 2.0 * max(1.0, 2.0 * ACTIVITY_WINDOW / step) / SECOND_DIFFERENCE_FACTOR
    low = gammaincinv(n_effective / 2.0, NOISE_PERCENTILE / 100.0) * 2.0 / n_effective
    return float(np.percentile(local, NOISE_PERCENTILE) / low)


def _open_gaps(out: SmoothTracks, z: np.ndarray, time: np.ndarray, max_gap: float) -> None:
    """Mark bridged frames, and make those of longer holes and at the ends missing again."""
    for point in range(z.shape[1]):
        seen = np.flatnonzero(np.isfinite(z[:, point, 0]))
        holes = np.flatnonzero(~np.isfinite(z[:, point, 0]))
        if len(holes) == 0:
            continue
        after = np.searchsorted(seen, holes)
        inside = (after > 0) & (after < len(seen)) & np.isfinite(time[holes])
        short = np.zeros(len(holes), bool)
        width = time[seen[after[inside]]] - time[seen[after[inside] - 1]]
        short[inside] = width <= max_gap + _ROUNDING
        out.gap_filled[holes[short], point] = True
        for array in (out.position, out.covariance, out.velocity):
            array[holes[~short], point] = np.nan
