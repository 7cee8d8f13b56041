"""Time of the frames of a video: which rate is proven, where frames are lost, how files follow each other."""

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import numpy as np

from mystax.core.clock import GAP, Clock, Gap
from mystax.core.typing import Int64

__all__ = ["ClockKind", "Timing", "around_gaps", "join_timings", "shown_stamps", "time_frames"]

ClockKind = Literal["constant", "constant_with_gaps", "variable", "container_rate", "none"]
COMMON_RATES = (
    *(Fraction(thousands * 1000, 1001) for thousands in (24, 30, 60)),
    *(Fraction(rate) for rate in (24, 25, 30, 50, 60, 100, 120, 200, 240, 250, 500)),
)
RATE_ONLY = ("avi", "yuv4mpegpipe")
"""Containers that hold a rate, not capture times."""
NANO = 10**9
LONGEST = 2**62
"""Ticks that a recording may last: numbers of 64 bits count no farther."""
ON_GRID = 0.02


@dataclass(frozen=True, eq=False)
class Timing:
    """Times of the frames of one file.

    Attributes
    ----------
    kind : str
        ``constant``, ``constant_with_gaps``, ``variable``, ``container_rate`` or ``none``.
    ticks : array (time,) or None
        Whole ticks since the first frame; None if the file has no times.
    tick : Fraction
        Length of a tick [s]: the period where the rate is constant, else the time base.
    time_base : Fraction
        Unit of the stamps of the file [s].
    period : Fraction or None
        Interval of the frames [s] where it is proven, also when frames are lost between others.
    gaps : tuple of Gap
        Where frames are lost.
    first : Fraction
        Stamp of the first frame [s], as the file has it.
    """

    kind: ClockKind
    ticks: Int64[np.ndarray, " time"] | None
    tick: Fraction
    time_base: Fraction
    period: Fraction | None = None
    gaps: tuple[Gap, ...] = ()
    first: Fraction = Fraction(0)

    @property
    def is_constant(self) -> bool:
        """Whether the rate is proven and no frame is lost."""
        return self.period is not None and not self.gaps

    @property
    def interval(self) -> Fraction:
        """Typical interval [s]: the proven one, else the median; 0 where there is none."""
        if self.period is not None:
            return self.period
        if self.ticks is None or len(self.ticks) < 2:
            return Fraction(0)
        return int(np.median(np.diff(self.ticks))) * self.tick

    @property
    def last(self) -> Fraction:
        """Time of the last frame since the first [s]."""
        if self.ticks is None or not len(self.ticks):
            return Fraction(0)
        return int(self.ticks[-1]) * self.tick

    def clock(self, start: Fraction = Fraction(0)) -> Clock | None:
        """Return the clock of the file; None if it has no times."""
        if self.ticks is None:
            return None
        return Clock(
            self.ticks, self.tick, start, "stamps of the video", self.period if self.is_constant else None
        )


def shown_stamps(stamps: Int64[np.ndarray, " time"], delay: int) -> Int64[np.ndarray, " time"]:
    """Turn the stamps at which packets are decoded into those at which their pictures are shown.

    Where pictures are stored out of order, an encoder stamps a packet with the time of the picture that is
    shown at its place, less the delay of the decoder: the time of a picture is found some packets later.

    Parameters
    ----------
    stamps : array (time,)
        Rising decode stamps.
    delay : int
        Pictures that a decoder holds back before it shows the first one.

    Returns
    -------
    array (time,)
        Stamps of the pictures in the order in which they are shown; the first one stays what it was, and
        behind the last packet they go on at the usual interval.
    """
    steps = np.diff(stamps)
    if not delay or len(steps) <= delay:
        return stamps
    usual = steps[steps <= GAP * np.median(steps)].mean()
    beyond = stamps[-1] + np.rint(np.arange(1, delay + 1) * usual).astype(np.int64)
    return np.asarray(np.concatenate([stamps[delay:], beyond]) - (stamps[delay] - stamps[0]))


def around_gaps(stamps: Int64[np.ndarray, " time"], before: int, behind: int) -> list[int]:
    """List the frames near gaps.

    Parameters
    ----------
    stamps : array (time,)
        Rising stamps.
    before, behind : int
        How many frames before and behind the first one after a gap, which is listed too.
    """
    steps = np.diff(stamps)
    if not len(steps):
        return []
    after = np.flatnonzero(steps > GAP * np.median(steps)) + 1
    near = np.unique(after[:, None] + np.arange(-before, behind + 1))
    return [int(frame) for frame in near if 0 < frame < len(stamps)]


def time_frames(
    stamps: Int64[np.ndarray, " time"] | None,
    time_base: Fraction,
    stated: Iterable[Fraction | None],
    container: str,
) -> Timing:
    """Find out what the stamps of a file prove about its rate.

    Parameters
    ----------
    stamps : array (time,) or None
        Rising stamps in units of the time base.
    time_base : Fraction
        Unit of the stamps [s].
    stated : iterable of Fraction
        Rates that the container states or suggests [1/s].
    container : str
        FFmpeg's name of the container.

    Returns
    -------
    Timing
        Constant rate (every stamp within one tick of it), constant with gaps, variable, or none.
    """
    if stamps is None:
        return Timing("none", None, time_base, time_base)
    ticks = stamps - stamps[0] if len(stamps) else stamps
    first = int(stamps[0]) * time_base if len(stamps) else Fraction(0)
    rates = [Fraction(rate) for rate in stated if rate]
    if len(ticks) < 2:
        period = 1 / rates[0] if rates else None
        return Timing(
            "constant" if period else "variable", ticks, period or time_base, time_base, period, (), first
        )
    mean = int(ticks[-1]) * time_base / (len(ticks) - 1)
    nearby = min(COMMON_RATES, key=lambda rate: abs(rate - 1 / mean))
    median = max(1, int(np.median(np.diff(ticks)))) * time_base
    common = min(COMMON_RATES, key=lambda rate: abs(rate - 1 / median))
    periods = [1 / rate for rate in (*rates, nearby)]
    if mean >= 2 * time_base:
        # With ticks as long as a frame a lost frame would only change the mean, and could not be seen.
        periods.append(mean)
    by_rate = container in RATE_ONLY
    for period in periods:
        if _is_constant(ticks, period / time_base):
            kind: ClockKind = "container_rate" if by_rate else "constant"
            return Timing(kind, np.arange(len(ticks), dtype=np.int64), period, time_base, period, (), first)
    grids = [
        (*_grid(ticks, period / time_base), period)
        for period in [*(1 / r for r in rates), 1 / common, median, _usual(ticks) * time_base]
    ]
    drift, missing, period = min(grids, key=lambda grid: grid[0])
    if missing is not None:
        kind = "container_rate" if by_rate else "constant_with_gaps"
        tick = time_base
        if drift <= 1:
            # Every stamp is a rounded place of the grid: with two or three ticks to a frame, an interval
            # may be rounded by as much as tells one from two.
            ticks, tick = np.concatenate([[0], np.cumsum(missing + 1)]), period
        return Timing(kind, ticks, tick, time_base, period, _gaps(ticks, missing, tick), first)
    gaps = _gaps(ticks, np.rint(np.diff(ticks) * float(time_base / median)).astype(np.int64) - 1, time_base)
    return Timing("variable", ticks, time_base, time_base, None, gaps, first)


def _is_constant(ticks: Int64[np.ndarray, " time"], period: Fraction) -> bool:
    """Tell whether every tick is within one of i x period, in exact integers.

    Where a tick is as long as a frame (avi), one tick off is one frame lost: there they must be equal.  With
    two or three ticks to a frame, a frame lost in the middle puts no stamp farther than a tick off the mean
    rate: no interval may be as long as two.
    """
    slack = 1 if period >= 2 else 0
    if slack and int(np.diff(ticks).max()) >= math.floor(2 * period):
        return False
    top, bottom = period.numerator, period.denominator
    number = np.arange(len(ticks), dtype=np.int64)
    if len(ticks) * max(top, 1) < 2**61 and int(np.abs(ticks).max()) * bottom < 2**61:
        exact = (2 * number * top + bottom) // (2 * bottom)
        return bool(np.abs(ticks - exact).max() <= slack)
    return all(abs(int(tick) - round(i * period)) <= slack for i, tick in enumerate(ticks))


def _grid(
    ticks: Int64[np.ndarray, " time"], period: Fraction
) -> tuple[float, Int64[np.ndarray, " interval"] | None]:
    """Count the frames lost in each interval, and say how far the stamps are off a grid of the period.

    The count is None where intervals are not whole multiples of the period, or mostly more than one.
    """
    steps = np.diff(ticks).astype(np.float64)
    times = np.rint(steps / float(period))
    off = np.abs(steps - times * float(period))
    if (
        times.min() < 1
        or np.median(times) > 1
        or np.any(off > np.maximum(1.0 + ON_GRID, ON_GRID * float(period)))
    ):
        return math.inf, None
    drift = np.abs(ticks[1:] - np.cumsum(times) * float(period))
    return float(drift.max()), np.asarray(times.astype(np.int64) - 1)


def _usual(ticks: Int64[np.ndarray, " time"]) -> Fraction:
    """Return the mean interval with lost frames counted in: the median of coarse ticks is a whole one."""
    steps = np.diff(ticks)
    usual = Fraction(max(1.0, float(np.median(steps))))
    for _ in range(3):
        inside = steps[(steps * GAP >= float(usual)) & (steps <= GAP * float(usual))]
        if not len(inside):
            break
        usual = Fraction(int(inside.sum()), len(inside))
    n_intervals = int(np.rint(steps / float(usual)).sum())
    return Fraction(int(steps.sum()), n_intervals) if n_intervals and steps.sum() else usual


def _gaps(
    ticks: Int64[np.ndarray, " time"], missing: Int64[np.ndarray, " interval"], tick: Fraction
) -> tuple[Gap, ...]:
    """List the intervals longer than one and a half."""
    steps = np.diff(ticks)
    long = (missing >= 1) & (steps > GAP * np.median(steps))
    return tuple(
        Gap(int(after), int(missing[after]), float(int(steps[after]) * tick))
        for after in np.flatnonzero(long)
    )


def join_timings(timings: Sequence[Timing], counts: Sequence[int]) -> tuple[Clock | None, list[bool]]:
    """Put the times of consecutive files on one timeline.

    Parameters
    ----------
    timings : sequence of Timing
        Times of the files in order.
    counts : sequence of int
        Their numbers of frames.

    Returns
    -------
    Clock or None
        Clock of all frames; None if a file has no times.
    list of bool
        For each boundary, whether the stamps prove that the files are contiguous.
    """
    if any(timing.ticks is None for timing in timings):
        return None, [False] * (len(timings) - 1)
    if len(timings) == 1:
        return timings[0].clock(), []
    starts, proven = [Fraction(0)], []
    for before, after in itertools.pairwise(timings):
        step = after.first - before.first - before.last
        continues = abs(step - before.interval) <= max(before.time_base, after.time_base)
        proven.append(continues)
        starts.append(starts[-1] + before.last + (step if continues else before.interval))
    if all(timing.is_constant for timing in timings) and len({timing.period for timing in timings}) == 1:
        period = timings[0].period or Fraction(1)
        return Clock.from_rate(1 / period, sum(counts), source="stamps of the video"), proven
    parts = [value for timing in timings for value in (timing.tick, timing.interval)] + starts
    bottom = math.lcm(*(value.denominator for value in parts))
    top = math.gcd(*(value.numerator * (bottom // value.denominator) for value in parts))
    tick = Fraction(max(1, top), bottom)
    if (starts[-1] + timings[-1].last) / tick >= LONGEST:
        return _in_nanoseconds(timings, starts), proven
    ticks = [
        timing.ticks * int(timing.tick / tick) + int(start / tick)
        for timing, start in zip(timings, starts, strict=True)
        if timing.ticks is not None
    ]
    return Clock(np.concatenate(ticks), tick, Fraction(0), "stamps of the video"), proven


def _in_nanoseconds(timings: Sequence[Timing], starts: Sequence[Fraction]) -> Clock:
    """Return the clock of files whose periods have no common unit that 62 bits can count."""
    ticks = [
        round(start * NANO) + np.rint(timing.ticks * (float(timing.tick) * NANO)).astype(np.int64)
        for timing, start in zip(timings, starts, strict=True)
        if timing.ticks is not None
    ]
    return Clock(np.concatenate(ticks), Fraction(1, NANO), Fraction(0), "stamps of the video")
