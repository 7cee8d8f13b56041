"""Which event is which: two trains of the same events, matched by the pattern of their intervals."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mystax.core.clock_fit import fit_line
from mystax.core.typing import Bool, Float64, Int64
from mystax.errors import ClockError

__all__ = ["MIN_EVENTS", "EventMatch", "match_events", "pair_nearest"]

Way = tuple[np.ndarray, np.ndarray]

MIN_EVENTS = 4
MIN_SHARE = 0.9
MAX_RUNNER_UP = 0.5
RELATIVE = 0.02
"""Two intervals are equal within this share of them, or two ticks."""
SEED_ROWS = 256
MAX_COMPARED = 4_000_000
MAX_SEEDS = 20_000
MIN_NEAR = 1e-3
"""Matched events may always be this far from the smoothed shift of the clocks [s]."""
PATIENCE = 20
"""Events after which a hypothesis that matches fewer than a third is given up."""


@dataclass(frozen=True, eq=False)
class EventMatch:
    """Pairs of events of two trains.

    Attributes
    ----------
    camera, session : array (pair,)
        Places in the two trains, rising.
    share : float
        Matched events over the events of the shorter train.
    runner_up : float
        The same for the next best way to lay the trains on each other.
    """

    camera: Int64[np.ndarray, " pair"]
    session: Int64[np.ndarray, " pair"]
    share: float
    runner_up: float

    @property
    def is_clear(self) -> bool:
        """Whether enough events match, and in one way only."""
        enough = self.share >= MIN_SHARE and len(self.camera) >= MIN_EVENTS
        return enough and self.runner_up <= MAX_RUNNER_UP


def match_events(
    camera: Float64[np.ndarray, " n"],
    session: Float64[np.ndarray, " m"],
    interval: float,
    *,
    where: str = "clock",
) -> EventMatch:
    """Match two trains of the same events, of which each may lack some, by the pattern of intervals.

    Every way to lay two equal intervals of one train on two of the other is followed in both directions:
    the next event is expected where the running shift of the clocks puts it, within 2 % of the time
    since the last match or two ticks.  A tick is first taken to be 1 ms; where that fails, events may
    be known to the frame only (seen in the pictures), and it is taken to be up to half a frame.

    Parameters
    ----------
    camera, session : array
        Times of the events in camera time and in session time [s], rising.
    interval : float
        Median interval of the camera's frames [s].
    where : str, optional
        Name of the clock for messages.

    Returns
    -------
    EventMatch
        The pairs.

    Raises
    ------
    ClockError
        C205, if fewer than 90 % of the events of the shorter train match, or if another way matches
        more than 50 % (regular trains).
    """
    fewest = min(len(camera), len(session))
    if fewest < MIN_EVENTS:
        raise ClockError(
            "C205",
            where,
            "there are too few events",
            expected=f"at least {MIN_EVENTS} in both trains",
            got=f"{len(camera)} and {len(session)}",
        )
    found = EventMatch(np.empty(0, np.int64), np.empty(0, np.int64), 0.0, 0.0)
    for tick in sorted({min(MIN_NEAR, interval / 2), interval / 8, interval / 2}):
        tried = _match(camera, session, tick)
        if tried.is_clear:
            return tried
        found = max(found, tried, key=lambda match: match.share)
    raise ClockError(
        "C205",
        where,
        "the event trains cannot be matched",
        expected=f"one way in which >= {MIN_SHARE:.0%} of the events match, and no other with"
        f" > {MAX_RUNNER_UP:.0%}",
        got=f"{found.share:.0%}, next best {found.runner_up:.0%} ({len(camera)} and {len(session)} events)",
        hint="regular pulses look alike: give a start mark or irregular pulses, or take the clock"
        " from the edges of one line (ttl:)",
    )


def _match(camera: np.ndarray, session: np.ndarray, tick: float) -> EventMatch:
    """Find the best way to lay the trains on each other, and how good the next best is."""
    fewest = min(len(camera), len(session))
    trains = _Trains(camera, session, tick)
    ways: list[Way] = []
    runner_up = 0
    for i, j in _seeds(camera, session, tick):
        if any(_is_on(i, j, way) for way in ways):
            continue
        way = trains.follow(i, j)
        ways.append(way)
        ways.sort(key=lambda pairs: -len(pairs[0]))
        runner_up = max((_unshared(other, ways[0]) for other in ways[1:]), default=0)
        if runner_up > MAX_RUNNER_UP * fewest:
            break
        ways = ways[:64]
    best = _refine(camera, session, ways[0], tick) if ways else (np.empty(0, np.int64),) * 2
    return EventMatch(best[0], best[1], len(best[0]) / fewest, runner_up / fewest)


def _equal(a: np.ndarray, b: np.ndarray, tick: float) -> Bool[np.ndarray, "n m"]:
    """Compare every interval of one train with every interval of the other."""
    near = np.maximum(RELATIVE * np.minimum(a[:, None], b[None, :]), 2 * tick)
    return np.asarray(np.abs(a[:, None] - b[None, :]) <= near)


def _seeds(camera: np.ndarray, session: np.ndarray, tick: float) -> list[tuple[int, int]]:
    """List pairs of events behind which two intervals agree, those that agree best first."""
    n_rows = min(SEED_ROWS, len(camera) - 2, max(4, MAX_COMPARED // len(session)))
    rows = np.unique(np.linspace(0, len(camera) - 3, n_rows).astype(np.int64))
    a, b = np.diff(camera), np.diff(session)
    same = _equal(a[rows], b[:-1], tick) & _equal(a[rows + 1], b[1:], tick)
    row, column = np.nonzero(same)
    row = rows[row]
    misfit = np.abs(a[row] - b[column]) + np.abs(a[row + 1] - b[column + 1])
    order = np.argsort(misfit, kind="stable")[:MAX_SEEDS]
    return list(zip(row[order].tolist(), column[order].tolist(), strict=True))


def _is_on(i: int, j: int, way: Way) -> bool:
    """Tell whether a pair belongs to a way that is known already."""
    place = int(np.searchsorted(way[0], i))
    return place < len(way[0]) and int(way[0][place]) == i and int(way[1][place]) == j


def _unshared(way: Way, best: Way) -> int:
    """Count the pairs of a way that are not pairs of the best one."""
    place = np.minimum(np.searchsorted(best[0], way[0]), len(best[0]) - 1)
    return len(way[0]) - int(((best[0][place] == way[0]) & (best[1][place] == way[1])).sum())


class _Trains:
    """Two trains as lists, forward and backward, for walks from many places."""

    def __init__(self, camera: np.ndarray, session: np.ndarray, tick: float) -> None:
        self._forward = camera.tolist(), session.tolist()
        self._backward = (-camera[::-1]).tolist(), (-session[::-1]).tolist()
        self._tick = tick

    def follow(self, i: int, j: int) -> Way:
        """Follow the hypothesis that the events i and j are the same to both ends."""
        n, m = len(self._forward[0]), len(self._forward[1])
        ahead = self._walk(*self._forward, i, j)
        back = self._walk(*self._backward, n - 1 - i, m - 1 - j)
        pairs = np.array([(n - 1 - a, m - 1 - b) for a, b in reversed(back[1:])] + ahead, np.int64)
        return pairs[:, 0], pairs[:, 1]

    def _walk(
        self, camera: Sequence[float], session: Sequence[float], i: int, j: int
    ) -> list[tuple[int, int]]:
        """Match events one after the other from the pair (i, j) on."""
        pairs = [(i, j)]
        shifts = [session[j] - camera[i]]
        expected, last, start = shifts[0], camera[i], i
        for k in range(i + 1, len(camera)):
            wanted = camera[k] + expected
            near = max(RELATIVE * (camera[k] - last), 2 * self._tick)
            found = bisect_left(session, wanted, j + 1)
            if found == len(session) or (
                found > j + 1 and wanted - session[found - 1] < session[found] - wanted
            ):
                found -= 1
            if found > j and abs(session[found] - wanted) <= near:
                j = found
                pairs.append((k, j))
                shifts.append(session[j] - camera[k])
                # the median of five keeps one wrong match from turning all later ones
                expected = sorted(shifts[-5:])[len(shifts[-5:]) // 2]
                last = camera[k]
            elif k - start >= PATIENCE and 3 * len(pairs) < k - start:
                break
        return pairs


def _refine(camera: np.ndarray, session: np.ndarray, way: Way, tick: float) -> Way:
    """Match again around the smoothed course of a way: wrong pairs go, forgotten ones come."""
    line = fit_line(camera[way[0]], session[way[1]], 2 * tick)
    rest = session[way[1]] - line(camera[way[0]])
    padded = np.pad(rest, 4, mode="edge")
    smooth = np.median(np.lib.stride_tricks.sliding_window_view(padded, 9), axis=1)
    noise = 1.4826 * float(np.median(np.abs(rest - smooth)))
    near = min(2 * tick, max(5 * noise, MIN_NEAR))
    return pair_nearest(line(camera) + np.interp(camera, camera[way[0]], smooth), session, near)


def pair_nearest(
    wanted: Float64[np.ndarray, " n"], times: Float64[np.ndarray, " m"], near: float
) -> tuple[Int64[np.ndarray, " pair"], Int64[np.ndarray, " pair"]]:
    """Pair wanted times with times, where both are nearest to each other and near.

    Parameters
    ----------
    wanted, times : array
        Rising times [s].
    near : float
        Largest distance of a pair [s].

    Returns
    -------
    tuple of array (pair,)
        Places in both, rising.
    """
    to = _nearest(times, wanted)
    back = _nearest(wanted, times)
    here = np.arange(len(wanted))
    kept = (back[to] == here) & (np.abs(times[to] - wanted) <= near)
    return here[kept].astype(np.int64), to[kept].astype(np.int64)


def _nearest(times: np.ndarray, wanted: np.ndarray) -> Int64[np.ndarray, " n"]:
    """Return the place of the time nearest to each wanted one."""
    right = np.clip(np.searchsorted(times, wanted), 0, len(times) - 1)
    left = np.maximum(right - 1, 0)
    return np.where(wanted - times[left] <= times[right] - wanted, left, right).astype(np.int64)
