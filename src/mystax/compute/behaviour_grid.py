"""Columns of behaviour on one regular grid: outliers out, short holes bridged, fast cameras averaged."""

import numpy as np
from scipy.ndimage import median_filter

from mystax.core.typing import Bool, Float32, Float64, Num

__all__ = ["find_outliers", "on_grid"]

MOST = 8.0
"""Values farther from the running median than this many robust standard deviations are missing."""
WINDOW = 1.0
"""Window of the running median [s]."""
TAIL = 0.5
"""The robust standard deviation is read off between these percentiles at both ends ..."""
TAIL_SD = 2.5758
"""... which lie this many standard deviations from the middle of a normal distribution."""
LEAST = 0.5
"""An average needs this share of its samples."""
SNAP = 1e-3
"""A sample is on the grid if it is this close, in intervals."""


def find_outliers(
    values: Float64[np.ndarray, "time column"], rate: float, most: float = MOST
) -> Bool[np.ndarray, "time column"]:
    """Find values far from the running median of their column.

    The scale is read off the 0.5th and 99.5th percentiles of the distances: movement in bouts (grooming,
    blinks) belongs to it, which the median of the distances would not know, and lost points are rare.

    Parameters
    ----------
    values : array (time, column)
        Columns; NaN is missing.
    rate : float
        Samples per second.
    most : float, optional
        Distance from which on a value is an outlier [robust sd].

    Returns
    -------
    array (time, column)
        Outliers; nothing in columns without spread.
    """
    found = np.zeros(values.shape, bool)
    width = max(3, round(WINDOW * rate) | 1)
    for k in range(values.shape[1]):
        good = np.flatnonzero(np.isfinite(values[:, k]))
        if len(good) < width:
            continue
        column = values[good, k]
        far = column - median_filter(column, width, mode="nearest")
        low, high = np.percentile(far, [TAIL, 100 - TAIL])
        sd = (high - low) / (2 * TAIL_SD)
        if sd > 0:
            found[good, k] = np.abs(far) > most * sd
    return found


def on_grid(
    times: Float64[np.ndarray, " time"],
    values: Num[np.ndarray, "time column"],
    grid: Float64[np.ndarray, " grid"],
    max_gap: float,
) -> Float32[np.ndarray, "grid column"]:
    """Bring columns to a regular grid; missing samples are bridged by straight lines up to a longest gap.

    Parameters
    ----------
    times : array (time,)
        Rising times [s].
    values : array (time, column)
        Columns; NaN is missing.
    grid : array (grid,)
        Regular times [s].
    max_gap : float
        Longest interval between samples that is bridged [s]; at least 1.5 usual intervals.

    Returns
    -------
    array (grid, column)
        Values on the grid; samples that come faster are averaged in the grid's cells first.
    """
    made = np.full((len(grid), values.shape[1]), np.nan, np.float32)
    if len(times) < 2 or len(grid) < 2:
        return made
    step, interval = float(grid[1] - grid[0]), float(np.median(np.diff(times)))
    source_times, source = times, np.asarray(values, np.float64)
    if interval < step * (1 - SNAP):
        source_times, source = grid, _averaged(times, source, grid, step, interval)
        interval = step
    bridge = max(max_gap, 1.5 * interval) + SNAP * interval
    for k in range(values.shape[1]):
        good = np.flatnonzero(np.isfinite(source[:, k]))
        if len(good):
            made[:, k] = _bridged(source_times[good], source[good, k], grid, bridge, SNAP * interval)
    return made


def _averaged(
    times: Float64[np.ndarray, " time"],
    values: Float64[np.ndarray, "time column"],
    grid: Float64[np.ndarray, " grid"],
    step: float,
    interval: float,
) -> Float64[np.ndarray, "grid column"]:
    """Average the samples around each point of the grid; half of them must be there."""
    cells = np.floor((times - grid[0]) / step + (0.5 + 1e-6)).astype(np.int64)
    inside = (cells >= 0) & (cells < len(grid))
    cells, values = cells[inside], values[inside]
    need = max(1.0, LEAST * step / interval)
    made = np.full((len(grid), values.shape[1]), np.nan)
    for k in range(values.shape[1]):
        good = np.isfinite(values[:, k])
        counts = np.bincount(cells[good], minlength=len(grid))
        sums = np.bincount(cells[good], values[good, k], minlength=len(grid))
        enough = counts >= need - 1e-9
        made[enough, k] = sums[enough] / counts[enough]
    return made


def _bridged(
    times: Float64[np.ndarray, " time"],
    values: Float64[np.ndarray, " time"],
    grid: Float64[np.ndarray, " grid"],
    bridge: float,
    snap: float,
) -> Float64[np.ndarray, " grid"]:
    """Interpolate between neighbours that are not farther apart than the bridge is long."""
    made = np.interp(grid, times, values)
    right = np.clip(np.searchsorted(times, grid), 0, len(times) - 1)
    left = np.clip(right - 1, 0, len(times) - 1)
    near = np.minimum(np.abs(times[right] - grid), np.abs(grid - times[left])) <= snap
    between = (grid >= times[left]) & (grid <= times[right]) & (times[right] - times[left] <= bridge)
    made[~(near | between)] = np.nan
    return np.asarray(made)
