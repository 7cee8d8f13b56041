"""One clock in terms of another: a robust line through matched events, bent where the clocks wander."""

from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from mystax.core.typing import Float64
from mystax.errors import ClockError

__all__ = ["ClockFit", "Line", "fit_events", "fit_line"]

MIN_BENT_EVENTS = 16
MIN_BENT_SPAN = 600.0
EVENTS_PER_KNOT = 8
MAX_RESIDUAL = 0.5
"""Largest residual of a fit, in intervals of the camera."""
MAX_DRIFT = 1e-3


class Line(NamedTuple):
    """Straight line: ``offset + rate * (x - pivot)``; `pivot` in the middle of the data keeps it exact."""

    pivot: float
    offset: float
    rate: float

    def __call__(self, x: Float64[np.ndarray, " n"]) -> Float64[np.ndarray, " n"]:
        """Return the line at `x`."""
        return self.offset + self.rate * (x - self.pivot)


def fit_line(x: Float64[np.ndarray, " n"], y: Float64[np.ndarray, " n"], delta: float) -> Line:
    """Fit a line by Huber regression: squares up to `delta`, absolute values beyond.

    Parameters
    ----------
    x, y : array (n,)
        Points; at least one.
    delta : float
        Residual above which a point counts less, in the unit of `y`.

    Returns
    -------
    Line
        The fit; of slope 1 where a slope cannot be had.

    References
    ----------
    .. [1] Huber (1964), doi:10.1214/aoms/1177703732

    Examples
    --------
    >>> x = np.arange(5.0)
    >>> fit_line(x, 2 * x + 1, 0.1).rate
    2.0
    """
    pivot = float(x.mean())
    centred = x - pivot
    # y follows x closely: fit the difference, so that no digits are lost at large times
    lag = y - x
    base = float(np.median(lag))
    lag = lag - base
    weight = np.ones(len(x))
    slope, height = 0.0, 0.0
    for _ in range(50):
        total = weight.sum()
        mean_x = float((weight * centred).sum() / total)
        mean_y = float((weight * lag).sum() / total)
        spread = float((weight * (centred - mean_x) ** 2).sum())
        new_slope = (
            float((weight * (centred - mean_x) * (lag - mean_y)).sum() / spread) if spread > 0 else 0.0
        )
        new_height = mean_y - new_slope * mean_x
        done = abs(new_height - height) <= 1e-12 + 1e-9 * delta and abs(new_slope - slope) <= 1e-15
        slope, height = new_slope, new_height
        residual = np.abs(lag - height - slope * centred)
        weight = np.where(residual <= delta, 1.0, delta / np.maximum(residual, 1e-300))
        if done:
            break
    return Line(pivot, pivot + base + height, 1.0 + slope)


@dataclass(frozen=True, eq=False)
class ClockFit:
    """Session time as a function of camera time.

    Attributes
    ----------
    line : Line
        Straight fit.
    knots, heights : array (knot,)
        Camera times and session times of a bent fit [s]; empty for a straight one.
    first, last : float
        Camera times of the first and last event [s].
    n_events : int
        Matched events.
    residual_rms, residual_max : float
        What is left of the matched events [s].
    """

    line: Line
    first: float
    last: float
    n_events: int
    residual_rms: float
    residual_max: float
    knots: Float64[np.ndarray, " knot"] = field(default_factory=lambda: np.empty(0))
    heights: Float64[np.ndarray, " knot"] = field(default_factory=lambda: np.empty(0))

    def __call__(self, times: Float64[np.ndarray, " n"]) -> Float64[np.ndarray, " n"]:
        """Return the session times of camera times [s]."""
        if len(self.knots) == 0:
            return self.line(times)
        return _bend(times, self.knots, self.heights, self.line.rate)

    @property
    def drift(self) -> float:
        """Relative difference of the clocks' rates."""
        return self.line.rate - 1.0

    def beyond(self, times: Float64[np.ndarray, " n"]) -> float:
        """Return how far the times reach outside the events, at the worse end [s]."""
        if len(times) == 0:
            return 0.0
        return max(0.0, self.first - float(times.min()), float(times.max()) - self.last)


def _bend(
    times: Float64[np.ndarray, " n"],
    knots: Float64[np.ndarray, " knot"],
    heights: Float64[np.ndarray, " knot"],
    rate: float,
) -> Float64[np.ndarray, " n"]:
    """Join knots by straight pieces; beyond the outer knots the overall rate holds."""
    bent = times + np.interp(times, knots, heights - knots)
    bent += (rate - 1.0) * (np.minimum(times - knots[0], 0.0) + np.maximum(times - knots[-1], 0.0))
    return np.asarray(bent)


def _knots(
    camera: Float64[np.ndarray, " n"], session: Float64[np.ndarray, " n"]
) -> tuple[np.ndarray, np.ndarray]:
    """Return the medians of eight events each; the last group takes the rest."""
    n_groups = len(camera) // EVENTS_PER_KNOT
    cuts = [k * EVENTS_PER_KNOT for k in range(n_groups)] + [len(camera)]
    groups = [slice(first, last) for first, last in pairwise(cuts)]
    lags = session - camera
    knots = np.array([np.median(camera[group]) for group in groups])
    return knots, knots + np.array([np.median(lags[group]) for group in groups])


def fit_events(
    camera: Float64[np.ndarray, " n"],
    session: Float64[np.ndarray, " n"],
    interval: float,
    *,
    max_drift: float = MAX_DRIFT,
    where: str = "clock",
) -> ClockFit:
    """Fit session time as a function of camera time through matched events.

    A line by Huber regression; with at least 16 events over at least 10 min also straight pieces
    between the medians of eight events, used if they halve the residual.

    Parameters
    ----------
    camera, session : array (n,)
        The same events in camera time and in session time [s], rising.
    interval : float
        Median interval of the camera's frames [s].
    max_drift : float, optional
        Largest relative difference of the two clocks' rates.
    where : str, optional
        Name of the clock for messages.

    Returns
    -------
    ClockFit
        The fit with its residuals.

    Raises
    ------
    ClockError
        C203, if the largest residual is over half an interval or the drift over `max_drift`.

    Examples
    --------
    >>> events = np.array([0.0, 1.3, 2.1, 4.0])
    >>> round(float(fit_events(events, 10 + 1.0001 * events, 0.03)(np.array([2.0]))[0]), 4)
    12.0002
    """
    line = fit_line(camera, session, interval)
    residual = session - line(camera)
    knots = heights = np.empty(0)
    if len(camera) >= MIN_BENT_EVENTS and camera[-1] - camera[0] >= MIN_BENT_SPAN:
        at, to = _knots(camera, session)
        bent = session - _bend(camera, at, to, line.rate)
        if np.sqrt(np.mean(bent**2)) <= 0.5 * np.sqrt(np.mean(residual**2)):
            knots, heights, residual = at, to, bent
    fit = ClockFit(
        line,
        float(camera[0]),
        float(camera[-1]),
        len(camera),
        float(np.sqrt(np.mean(residual**2))),
        float(np.abs(residual).max()),
        knots,
        heights,
    )
    if fit.residual_max > MAX_RESIDUAL * interval:
        raise ClockError(
            "C203",
            where,
            "the events do not lie on one line",
            expected=f"residuals up to {MAX_RESIDUAL * interval * 1e3:.3g} ms (half a frame)",
            got=f"{fit.residual_max * 1e3:.3g} ms",
            hint="look for events that are recorded by one side only, or a clock that was restarted",
        )
    if abs(fit.drift) > max_drift:
        raise ClockError(
            "C203",
            where,
            "the clocks drift apart",
            expected=f"rates that agree within {max_drift * 1e6:.3g} ppm",
            got=f"{fit.drift * 1e6:.4g} ppm",
            hint="check the units of both files, or allow more by max_drift",
        )
    return fit
