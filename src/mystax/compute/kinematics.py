"""Speeds and accelerations of points, parts and the head, in real time."""

from dataclasses import dataclass

import numpy as np

from mystax.compute.kernels.kinematics import local_quadratic
from mystax.core.clock import GAP
from mystax.core.typing import Bool, Float64, Int64

__all__ = ["Derivatives", "derivatives", "noise_floor", "rotation_speed", "segment_starts", "speed_of"]

WINDOW = 0.1
FEWEST = 5


@dataclass(frozen=True, eq=False)
class Derivatives:
    """First and second derivative over time.

    Attributes
    ----------
    slope, bend : array (time, column)
        Per second, and per second squared; NaN where there is too little.
    """

    slope: Float64[np.ndarray, "time column"]
    bend: Float64[np.ndarray, "time column"]


def segment_starts(
    times: Float64[np.ndarray, " time"], longest: float | None = None
) -> Bool[np.ndarray, " time"]:
    """Tell where segments start: at the first frame and after every gap of the clock.

    Parameters
    ----------
    times : array (time,)
        Times [s].
    longest : float, optional
        Longest step inside a segment [s]; by default 1.5 median steps.

    Returns
    -------
    array (time,)
        True at the first frame of each segment.
    """
    starts = np.zeros(len(times), bool)
    if len(times):
        starts[0] = True
    if len(times) > 1:
        step = np.diff(times)
        starts[1:] = step > (GAP * float(np.median(step)) if longest is None else longest)
    return starts


def windows(
    times: Float64[np.ndarray, " time"], is_start: Bool[np.ndarray, " time"], window: float
) -> tuple[Int64[np.ndarray, " time"], Int64[np.ndarray, " time"]]:
    """Return the frames of the window around each frame: `window` long or 5 frames, inside its segment."""
    n = len(times)
    index = np.arange(n)
    half = window / 2 * (1 + 1e-9)
    first = np.minimum(np.searchsorted(times, times - half, "left"), index - FEWEST // 2)
    last = np.maximum(np.searchsorted(times, times + half, "right"), index + FEWEST // 2 + 1)
    heads = np.flatnonzero(is_start)
    segment = np.cumsum(is_start) - 1
    low, high = heads[segment], np.append(heads[1:], n)[segment]
    # at the edges of a segment the window lies on one side, as many frames long
    first, last = np.maximum(first, low), np.minimum(last, high)
    last = np.minimum(np.maximum(last, first + FEWEST), high)
    first = np.maximum(np.minimum(first, last - FEWEST), low)
    return first.astype(np.int64), last.astype(np.int64)


def derivatives(
    times: Float64[np.ndarray, " time"],
    values: Float64[np.ndarray, "time column"],
    is_start: Bool[np.ndarray, " time"] | None = None,
    window: float = WINDOW,
) -> Derivatives:
    """Differentiate columns by local quadratic least squares in real time.

    Parameters
    ----------
    times : array (time,)
        Times [s]; intervals may differ.
    values : array (time, column)
        Values; NaN where missing.
    is_start : array (time,), optional
        Where segments start; by default after gaps of the clock.
    window : float, optional
        Length of the window [s]; at least 5 frames are taken.

    Returns
    -------
    Derivatives
        Windows lie on one side at the edges of segments, and never reach across a gap.

    Examples
    --------
    >>> t = np.arange(20) / 50
    >>> float(derivatives(t, 3 * t[:, None]).slope[0, 0].round(9))
    3.0
    """
    starts = segment_starts(times) if is_start is None else is_start
    first, last = windows(times, starts, window)
    values = np.ascontiguousarray(values, np.float64)
    slope, bend = np.empty(values.shape), np.empty(values.shape)
    local_quadratic(np.ascontiguousarray(times, np.float64), values, first, last, slope, bend)
    return Derivatives(slope, bend)


def speed_of(slope: Float64[np.ndarray, "time ... space"]) -> Float64[np.ndarray, "time ..."]:
    """Return the length of velocities."""
    return np.asarray(np.sqrt((slope**2).sum(-1)))


def rotation_speed(
    times: Float64[np.ndarray, " time"],
    rotation: Float64[np.ndarray, "time space space"],
    is_start: Bool[np.ndarray, " time"] | None = None,
    window: float = WINDOW,
) -> Float64[np.ndarray, " time"]:
    """Return the angular speed of rotations [rad/s]: the size of R' R^T."""
    n, space, _ = rotation.shape
    slope = derivatives(times, rotation.reshape(n, -1), is_start, window).slope.reshape(n, space, space)
    spin = slope @ np.swapaxes(rotation, 1, 2)
    spin = (spin - np.swapaxes(spin, 1, 2)) / 2
    return np.asarray(np.sqrt((spin**2).sum((1, 2)) / 2))


def noise_floor(
    times: Float64[np.ndarray, " time"], sd: Float64[np.ndarray, " column"], window: float = WINDOW
) -> float:
    """Return the speed that independent errors of places alone would show [unit of `sd` per second].

    Parameters
    ----------
    times : array (time,)
        Times [s].
    sd : array (column,)
        Standard deviation of each coordinate of the place.
    window : float, optional
        Window of the derivatives [s].

    Returns
    -------
    float
        Square root of the mean squared speed.
    """
    if len(times) < FEWEST:
        return float("nan")
    step = float(np.median(np.diff(times)))
    n = max(FEWEST, 2 * int(window / 2 / step * (1 + 1e-9)) + 1)
    offsets = (np.arange(n) - n // 2) * step
    return float(np.sqrt((np.asarray(sd) ** 2).sum() / (offsets**2).sum()))
