"""By how much one trace lags behind another: cross-correlation of traces with clocks of their own."""

from dataclasses import dataclass

import numpy as np

from mystax.core.typing import Float, Float64

__all__ = ["Lag", "find_lag"]

STEP = 0.01
MIN_OVERLAP = 0.25
APART = 0.5
"""Peaks closer to each other than this belong together [s]."""


@dataclass(frozen=True, slots=True)
class Lag:
    """How two traces fit together.

    Attributes
    ----------
    seconds : float
        To be added to the times of the second trace [s].
    correlation : float
        Correlation there.
    ratio : float
        That correlation over the next best one elsewhere.
    """

    seconds: float
    correlation: float
    ratio: float


def _on_grid(
    times: Float64[np.ndarray, " time"], values: Float[np.ndarray, " time"], step: float
) -> Float64[np.ndarray, " grid"]:
    """Interpolate a trace at equal steps from its first time on, less its mean."""
    good = np.isfinite(times) & np.isfinite(values)
    times, values = times[good], values[good]
    grid = np.arange(times[0], times[-1], step)
    traced = np.interp(grid, times, values)
    return np.asarray(traced - traced.mean(), np.float64)


def find_lag(
    first_times: Float64[np.ndarray, " a"],
    first: Float[np.ndarray, " a"],
    second_times: Float64[np.ndarray, " b"],
    second: Float[np.ndarray, " b"],
    *,
    step: float = STEP,
) -> Lag | None:
    """Find the shift of the second trace that correlates best with the first.

    Parameters
    ----------
    first_times, second_times : array
        Times of the samples [s], rising; NaN is left out.
    first, second : array
        Values, such as motion energies; NaN is left out.
    step : float, optional
        Step of the common grid [s].

    Returns
    -------
    Lag or None
        The shift, in steps of `step`, among those at which at least a quarter of the shorter trace
        overlaps; None where a trace is constant or too short.
    """
    if min(np.isfinite(first).sum(), np.isfinite(second).sum()) < 3:
        return None
    a, b = _on_grid(first_times, first, step), _on_grid(second_times, second, step)
    if min(len(a), len(b)) < 3 or not a.any() or not b.any():
        return None
    size = 1 << int(np.ceil(np.log2(len(a) + len(b))))
    product = np.fft.irfft(np.fft.rfft(a, size) * np.conj(np.fft.rfft(b, size)), size)
    shifts = np.arange(-(len(b) - 1), len(a))
    # energy of the overlapping parts, so that a short overlap is not preferred or punished
    sums_a = np.concatenate([[0.0], np.cumsum(a**2)])
    sums_b = np.concatenate([[0.0], np.cumsum(b**2)])
    low, high = np.maximum(shifts, 0), np.minimum(len(a), shifts + len(b))
    energy = (sums_a[high] - sums_a[low]) * (sums_b[high - shifts] - sums_b[low - shifts])
    enough = (high - low >= MIN_OVERLAP * min(len(a), len(b))) & (energy > 0)
    correlation = np.full(len(shifts), -1.0)
    correlation[enough] = product[shifts[enough] % size] / np.sqrt(energy[enough])
    best = int(np.argmax(correlation))
    rest = correlation[np.abs(shifts - shifts[best]) * step > APART]
    second_best = max(float(rest.max(initial=0.0)), 1e-9)
    good = [
        times[np.isfinite(times) & np.isfinite(values)][0]
        for times, values in ((first_times, first), (second_times, second))
    ]
    seconds = float(good[0] - good[1] + shifts[best] * step)
    return Lag(seconds, float(correlation[best]), float(correlation[best]) / second_best)
