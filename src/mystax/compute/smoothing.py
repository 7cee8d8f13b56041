"""Traces over time: running median and percentile, bridges over short holes, robust spread."""

import numpy as np

from mystax.compute.kernels.smoothing import window_quantile
from mystax.core.typing import Float, Float64, Shaped

__all__ = ["bridge_gaps", "robust_sd", "running_median", "running_percentile"]

_ROUNDING = 1e-6
"""Seconds by which a window is wider: frames exactly on its border always count, however times round."""

_BLOCK = 4096


def running_percentile(
    values: Shaped[np.ndarray, " time"],
    times: Float64[np.ndarray, " time"],
    window: float,
    percentile: float,
) -> Float64[np.ndarray, " time"]:
    """Percentile of the values within half a window before and after each sample.

    Missing values (NaN) take no part; the cost is O(n log w) for windows of w samples, and memory does
    not depend on the window.

    Parameters
    ----------
    values : array (time,)
        Trace; NaN where missing.
    times : array (time,)
        Rising times [s]; NaN where unknown.
    window : float
        Full width of the window [s].
    percentile : float
        0..100; between two values it is interpolated as `numpy.percentile` does.

    Returns
    -------
    array (time,)
        The percentile; NaN where the time is unknown or the window holds no value.

    Examples
    --------
    >>> running_percentile(np.array([1.0, 9.0, np.nan, 3.0]), np.arange(4.0), 2.0, 100.0).tolist()
    [9.0, 9.0, 9.0, 3.0]
    """
    result = np.full(len(times), np.nan)
    known = np.isfinite(times)
    used = known & np.isfinite(values)
    if not used.any():
        return result
    samples, at = np.asarray(values[used], np.float64), times[used]
    centres = times[known]
    half = window / 2 + _ROUNDING
    first = np.searchsorted(at, centres - half, "left")
    last = np.searchsorted(at, centres + half, "right")
    quantiles = np.empty(len(centres))
    # Blocks of a few windows keep the tree of counts small: log w instead of log n, and in the cache.
    block = max(_BLOCK, 4 * int((last - first).max()))
    for start in range(0, len(centres), block):
        cut = slice(start, start + block)
        low, high = int(first[cut][0]), int(last[cut][-1])
        part = samples[low:high]
        order = np.argsort(part, kind="stable")
        rank = np.empty(len(part), np.int64)
        rank[order] = np.arange(len(part))
        window_quantile(
            part[order], rank, first[cut] - low, last[cut] - low, percentile / 100.0, quantiles[cut]
        )
    result[known] = quantiles
    return result


def running_median(
    values: Shaped[np.ndarray, " time"], times: Float64[np.ndarray, " time"], window: float
) -> Float64[np.ndarray, " time"]:
    """Median of the values within half a window before and after each sample.

    Parameters
    ----------
    values : array (time,)
        Trace; NaN where missing.
    times : array (time,)
        Rising times [s]; NaN where unknown.
    window : float
        Full width of the window [s]; 0 gives the values themselves.

    Returns
    -------
    array (time,)
        The median; NaN where the time is unknown or the window holds no value.
    """
    return running_percentile(values, times, window, 50.0)


def bridge_gaps(
    values: Float[np.ndarray, " time"], times: Float64[np.ndarray, " time"], max_gap: float
) -> Float64[np.ndarray, " time"]:
    """Fill short holes by straight lines; longer ones, and those at the ends, stay NaN.

    Parameters
    ----------
    values : array (time,)
        Trace; NaN in the holes.
    times : array (time,)
        Rising times [s]; NaN where unknown.
    max_gap : float
        Longest time between the two good samples around a hole that is bridged [s].

    Returns
    -------
    array (time,)
        The trace with its short holes filled; good samples are unchanged.

    Examples
    --------
    >>> bridge_gaps(np.array([1.0, np.nan, 3.0, np.nan]), np.arange(4.0), 2.0).tolist()
    [1.0, 2.0, 3.0, nan]
    """
    filled = np.array(values, np.float64)
    filled[~np.isfinite(filled)] = np.nan
    good = np.flatnonzero(np.isfinite(filled) & np.isfinite(times))
    holes = np.flatnonzero(~np.isfinite(filled) & np.isfinite(times))
    if len(good) < 2 or len(holes) == 0:
        return filled
    after = np.searchsorted(good, holes)
    inside = (after > 0) & (after < len(good))
    holes, after = holes[inside], after[inside]
    before_at, after_at = times[good[after - 1]], times[good[after]]
    short = after_at - before_at <= max_gap + _ROUNDING
    holes, after, before_at, after_at = holes[short], after[short], before_at[short], after_at[short]
    before_value, after_value = filled[good[after - 1]], filled[good[after]]
    share = (times[holes] - before_at) / (after_at - before_at)
    filled[holes] = before_value + share * (after_value - before_value)
    return filled


def robust_sd(values: Shaped[np.ndarray, "..."]) -> float:
    """Return 1.4826 times the median distance from the median; NaN without finite values.

    Parameters
    ----------
    values : array
        Any values; NaN take no part.

    Returns
    -------
    float
        The standard deviation that a normal distribution with this spread has.
    """
    finite = values[np.isfinite(values)]
    if finite.size == 0:
        return float("nan")
    return float(1.4826 * np.median(np.abs(finite - np.median(finite))))
