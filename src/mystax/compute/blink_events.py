"""From darkness to openness, and from openness to blinks and closures."""

from dataclasses import dataclass

import numpy as np

from mystax.compute.smoothing import running_percentile
from mystax.core.recording import adjacency
from mystax.core.typing import Float64, Int8, Shaped

__all__ = ["BlinkEvents", "closed_state", "find_blinks", "open_level", "openness_of"]

_OPEN_PERCENTILE = 80.0
_FLOOR_PERCENTILE = 95.0
_FLOOR_SHARE = 0.2
_MOST_OPEN = 1.5
_ROUNDING = 1e-6


def open_level(
    darkness: Shaped[np.ndarray, " time"], times: Float64[np.ndarray, " time"], baseline: float
) -> Float64[np.ndarray, " time"]:
    """Darkness of the open eye: the running 80th percentile, at least 20 % of the recording's 95th.

    Parameters
    ----------
    darkness : array (time,)
        Mean darkness [grey level]; NaN where missing.
    times : array (time,)
        Times [s].
    baseline : float
        Window [s].

    Returns
    -------
    array (time,)
        The open level [grey level]; NaN where the window is empty.
    """
    finite = darkness[np.isfinite(darkness)].astype(np.float64)
    if len(finite) == 0:
        return np.full(len(darkness), np.nan)
    floor = _FLOOR_SHARE * float(np.percentile(finite, _FLOOR_PERCENTILE))
    level = running_percentile(darkness, times, baseline, _OPEN_PERCENTILE)
    return np.asarray(np.maximum(level, floor))


def openness_of(
    darkness: Shaped[np.ndarray, " time"], level: Float64[np.ndarray, " time"]
) -> Float64[np.ndarray, " time"]:
    """Darkness over that of the open eye, 0..1.5; 0 where the region is never dark.

    Parameters
    ----------
    darkness : array (time,)
        Mean darkness [grey level]; NaN where missing.
    level : array (time,)
        Darkness of the open eye [grey level].

    Returns
    -------
    array (time,)
        Openness; NaN where missing.
    """
    values = darkness.astype(np.float64)
    openness = np.divide(values, level, out=np.zeros(len(values)), where=level > 0)
    return np.where(np.isfinite(values), np.clip(openness, 0.0, _MOST_OPEN), np.nan)


def closed_state(
    openness: Float64[np.ndarray, " time"], level: Float64[np.ndarray, " time"], threshold: float
) -> Int8[np.ndarray, " time"]:
    """Tell in which frames the eye is closed.

    Parameters
    ----------
    openness : array (time,)
        Openness; NaN where missing.
    level : array (time,)
        Darkness of the open eye; where it is 0 nothing can be told and the eye does not count as closed.
    threshold : float
        Openness below which it is closed.

    Returns
    -------
    array (time,)
        1 closed, 0 open, -1 missing.
    """
    closed = ((openness < threshold) & (level > 0)).astype(np.int8)
    closed[~np.isfinite(openness)] = -1
    return closed


@dataclass(frozen=True, eq=False)
class BlinkEvents:
    """Blinks and closures of one region, in order of time.

    Attributes
    ----------
    start, stop : array (event,)
        First time at which the eye is closed, and first time at which it is open again [s].
    depth : array (event,)
        1 - lowest openness, at least 0.
    kind : array (event,)
        0 blink, 1 closure.
    cut : array (event,)
        1 if start or stop was not seen.
    starts_seen : int
        Number of blinks (kind 0) whose start was seen.
    """

    start: Float64[np.ndarray, " event"]
    stop: Float64[np.ndarray, " event"]
    depth: Float64[np.ndarray, " event"]
    kind: Int8[np.ndarray, " event"]
    cut: Int8[np.ndarray, " event"]
    starts_seen: int


def find_blinks(
    openness: Float64[np.ndarray, " time"],
    closed: Int8[np.ndarray, " time"],
    times: Float64[np.ndarray, " time"],
    *,
    min_duration: float,
    max_duration: float,
) -> BlinkEvents:
    """List the runs of closed frames.

    Parameters
    ----------
    openness : array (time,)
        Openness; NaN where missing.
    closed : array (time,)
        1 closed, 0 open, -1 missing.
    times : array (time,)
        Times [s].
    min_duration, max_duration : float
        Shorter runs are left out; longer ones are closures [s].

    Returns
    -------
    BlinkEvents
        The events.  A run that touches a missing frame, a gap in time or an end of the recording is cut;
        where its stop was not seen, it lasts to the end of its last closed frame.
    """
    n = len(closed)
    adjacent = adjacency(times)
    known = np.diff(times[np.isfinite(times)])
    interval = float(np.median(known)) if len(known) else 0.0
    is_closed = closed == 1
    joins = np.zeros(n, bool)
    joins[1:] = is_closed[1:] & is_closed[:-1] & adjacent[1:]
    firsts = np.flatnonzero(is_closed & ~joins)
    lasts = np.flatnonzero(is_closed & ~np.append(joins[1:], False))
    start_seen = np.zeros(len(firsts), bool)
    stop_seen = np.zeros(len(firsts), bool)
    stops = times[lasts] + interval
    inner = firsts > 0
    start_seen[inner] = (closed[firsts[inner] - 1] == 0) & adjacent[firsts[inner]]
    inner = lasts < n - 1
    stop_seen[inner] = (closed[lasts[inner] + 1] == 0) & adjacent[lasts[inner] + 1]
    stops[stop_seen] = times[lasts[stop_seen] + 1]
    starts = times[firsts]
    duration = stops - starts
    depth = np.array(
        [
            1.0 - min(1.0, float(openness[a : b + 1].min()))
            for a, b in zip(firsts.tolist(), lasts.tolist(), strict=True)
        ]
    )
    kept = duration >= min_duration - _ROUNDING
    kind = (duration > max_duration + _ROUNDING).astype(np.int8)
    cut = (~(start_seen & stop_seen)).astype(np.int8)
    return BlinkEvents(
        starts[kept],
        stops[kept],
        depth[kept] if len(depth) else np.empty(0),
        kind[kept],
        cut[kept],
        int((start_seen & kept & (kind == 0)).sum()),
    )
