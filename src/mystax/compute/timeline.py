"""Tracks on the clock of the states: holes bridged, many frames averaged into one, columns brought beside."""

import numpy as np

from mystax.compute.kinematics import segment_starts
from mystax.core.typing import Bool, Float64, Int64

__all__ = ["StateClock", "average_onto", "bridge_holes", "make_clock", "state_rate"]

HIGHEST = 45.0
"""Tracks up to this rate are taken frame by frame [Hz]."""
USUAL = 30.0
SHARE = 0.5
"""Share of an interval that must be observed."""
ALIKE = 0.02
LEAP = 4.0
"""A point leaps where it moves so many times what is usual in as many frames."""
LEAP_PAIRS, FEWEST_PAIRS = 20_000, 20
"""Pairs of frames from which usual moves are learned: about so many, and at least so many."""


class StateClock:
    """Times of the states of one recording.

    Attributes
    ----------
    times : array (state time,)
        Middle of each interval [s].
    is_start : array (state time,)
        Where segments start.
    frame : array (source frame,)
        Interval of each source frame.
    expected : float
        Source frames in a whole interval; 1 where frames are taken as they are.
    step : float
        Length of an interval [s].
    """

    def __init__(
        self,
        times: Float64[np.ndarray, " time"],
        is_start: Bool[np.ndarray, " time"],
        frame: Int64[np.ndarray, " frame"],
        expected: float,
        step: float,
    ) -> None:
        self.times, self.is_start, self.frame, self.expected, self.step = (
            times,
            is_start,
            frame,
            expected,
            step,
        )


def source_rate(times: Float64[np.ndarray, " time"]) -> float:
    """Return the usual rate of times [Hz]; 0 for fewer than two."""
    return float(1 / np.median(np.diff(times))) if len(times) > 1 else 0.0


def state_rate(times: Float64[np.ndarray, " time"]) -> float:
    """Return the rate of the states that is chosen for a track: its own, or about 30 Hz of a faster one."""
    rate = source_rate(times)
    return rate if rate <= HIGHEST * (1 + 1e-6) else rate / max(1, round(rate / USUAL))


def bridge_holes(
    times: Float64[np.ndarray, " time"],
    points: Float64[np.ndarray, "time keypoint space"],
    longest: float,
) -> Float64[np.ndarray, "time keypoint space"]:
    """Interpolate holes up to a length, point by point; not where the point has leapt meanwhile.

    Parameters
    ----------
    times : array (time,)
        Times [s].
    points : array (time, keypoint, space)
        NaN where missing.
    longest : float
        Longest time between the places on both sides of a hole that is bridged, less one frame [s].

    Returns
    -------
    array (time, keypoint, space)
        Edges and longer holes stay NaN, and those across which a point moves more than four times what is
        usual in that time: an expression changes within them, and no place half way was ever taken.
    """
    out = points.copy()
    if longest <= 0 or len(times) < 3:
        return out
    step = float(np.median(np.diff(times)))
    for k in range(points.shape[1]):
        own = points[:, k]
        is_known = np.isfinite(own).all(1)
        known, hole = np.flatnonzero(is_known), np.flatnonzero(~is_known)
        if len(known) < 2 or not len(hole):
            continue
        after = np.searchsorted(known, hole)
        inside = (after > 0) & (after < len(known))
        hole, after = hole[inside], after[inside]
        a, b = known[after - 1], known[after]
        short = times[b] - times[a] - step <= longest * (1 + 1e-9)
        hole, a, b = hole[short], a[short], b[short]
        calm = ~_leaps(own, a, b)
        hole, a, b = hole[calm], a[calm], b[calm]
        share = ((times[hole] - times[a]) / (times[b] - times[a]))[:, None]
        out[hole, k] = (1 - share) * own[a] + share * own[b]
    return out


def _leaps(
    place: Float64[np.ndarray, "time space"], a: Int64[np.ndarray, " hole"], b: Int64[np.ndarray, " hole"]
) -> Bool[np.ndarray, " hole"]:
    """Tell between which frames a point moves much more than it usually does in as many frames."""
    lags = 2 ** np.ceil(np.log2(np.maximum(b - a, 1))).astype(np.int64)
    most = np.full(len(lags), np.inf)
    for lag in np.unique(lags):
        first = np.arange(0, len(place) - lag, max(1, len(place) // LEAP_PAIRS))
        moves = np.linalg.norm(place[first + lag] - place[first], axis=1)
        moves = moves[moves > 0]
        if len(moves) >= FEWEST_PAIRS:
            most[lags == lag] = LEAP * np.median(moves)
    return np.asarray(np.linalg.norm(place[b] - place[a], axis=1) > most)


def make_clock(times: Float64[np.ndarray, " time"], rate: float) -> StateClock:
    """Make the times of the states of a track.

    Parameters
    ----------
    times : array (time,)
        Of the track [s].
    rate : float
        Wanted rate [Hz].

    Returns
    -------
    StateClock
        The track's own frames if it has about this rate, or a lower one; else intervals from the start of
        each segment.
    """
    own, step = source_rate(times), 1 / rate
    if own <= rate * (1 + ALIKE):
        step = max(step, 1 / own) if own > 0 else step
        return StateClock(times, segment_starts(times, 1.5 * step), np.arange(len(times)), 1.0, step)
    starts = segment_starts(times, 1.5 * step)
    heads = np.flatnonzero(starts)
    segment = np.cumsum(starts) - 1
    begin = times[heads] - 0.5 / own
    place = np.floor((times - begin[segment]) / step + 1e-6).astype(np.int64)
    n_intervals = np.append(place[heads[1:] - 1], place[-1]) + 1
    offset = np.append(0, np.cumsum(n_intervals)[:-1])
    middle = np.concatenate(
        [first + (np.arange(n) + 0.5) * step for first, n in zip(begin, n_intervals, strict=True)]
    )
    is_start = np.zeros(len(middle), bool)
    is_start[offset] = True
    return StateClock(middle, is_start, place + offset[segment], own * step, step)


def average_onto(
    clock: StateClock, values: Float64[np.ndarray, "frame column"]
) -> Float64[np.ndarray, "time column"]:
    """Average the frames of each interval; missing where less than half of it is observed."""
    if clock.expected == 1.0:
        return values.copy()
    n = len(clock.times)
    out = np.full((n, values.shape[1]), np.nan)
    for column in range(values.shape[1]):
        known = np.isfinite(values[:, column])
        count = np.bincount(clock.frame[known], minlength=n)
        total = np.bincount(clock.frame[known], values[known, column], n)
        good = count >= SHARE * clock.expected * (1 - 1e-9)
        good &= count > 0
        out[good, column] = total[good] / count[good]
    return out


def bring_beside(
    clock: StateClock,
    times: Float64[np.ndarray, " time"],
    values: Float64[np.ndarray, "time column"],
) -> Float64[np.ndarray, "state_time column"]:
    """Bring columns of another clock to the states' times: means of intervals, or between neighbours."""
    out = np.full((len(clock.times), values.shape[1]), np.nan)
    if not len(times):
        return out
    own = source_rate(times)
    low = np.searchsorted(times, clock.times - clock.step / 2, "left")
    high = np.searchsorted(times, clock.times + clock.step / 2, "left")
    step = 1 / own if own > 0 else clock.step
    for column in range(values.shape[1]):
        known = np.isfinite(values[:, column])
        if not known.any():
            continue
        if own * clock.step >= 1.5:
            sums = np.concatenate([[0.0], np.cumsum(np.where(known, values[:, column], 0))])
            counts = np.concatenate([[0], np.cumsum(known)])
            n = counts[high] - counts[low]
            good = n >= SHARE * own * clock.step
            out[good, column] = (sums[high] - sums[low])[good] / n[good]
            continue
        at, y = times[known], values[known, column]
        after = np.clip(np.searchsorted(at, clock.times), 0, len(at) - 1)
        before = np.clip(after - 1, 0, len(at) - 1)
        near = np.minimum(np.abs(at[after] - clock.times), np.abs(at[before] - clock.times))
        good = near <= max(step, clock.step) * (1 + 1e-6)
        out[good, column] = np.interp(clock.times[good], at, y)
    return out
