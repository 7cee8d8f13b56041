"""Time as whole ticks: one type for cameras, stimuli and neural recordings; gaps, alignment, resampling."""

import hashlib
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from math import lcm
from typing import Literal, get_args

import numpy as np

from mystax.core.typing import Bool, Float32, Float64, Int64, Num, Shaped
from mystax.errors import ClockError, ParameterError, nearest

__all__ = [
    "Alignment",
    "Clock",
    "Gap",
    "How",
    "align_times",
    "as_fraction",
    "check_rising",
    "clock_id",
    "resample",
]

How = Literal["nearest", "linear", "previous"]
GAP = 1.5
"""An interval longer than this many usual intervals is a gap."""
SNAP = 1e-6
"""Share of the usual interval within which two times are the same (rounding of seconds)."""
FARTHEST = 2**62 / 1e9
"""Seconds beyond which nothing is a time: 146 years."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A hole in time behind sample `after`: `missing` samples are lost, the interval lasts `seconds` [s]."""

    after: int
    missing: int
    seconds: float


@dataclass(frozen=True, eq=False)
class Alignment:
    """Which samples of one clock belong to the times of another.

    Attributes
    ----------
    index : array (m,)
        Sample of this clock for each time of the other.
    weight : array (m,)
        Weight of the sample after it, 0 where one sample is taken alone.
    valid : array (m,)
        Whether there is such a sample.
    """

    index: Int64[np.ndarray, " m"]
    weight: Float32[np.ndarray, " m"]
    valid: Bool[np.ndarray, " m"]

    def __len__(self) -> int:
        return len(self.index)


@dataclass(frozen=True, eq=False)
class Clock:
    """Times of samples, exact as integers.

    Parameters
    ----------
    ticks : array (time,)
        Rising whole numbers.
    tick : Fraction
        Length of a tick [s].
    start : Fraction, optional
        Time of tick 0 [s], session clock.
    source : str, optional
        Where the times come from.
    period : Fraction, optional
        Exact interval [s], only where the rate is proven to be constant.

    Examples
    --------
    >>> clock = Clock.from_rate(Fraction(30000, 1001), 3)
    >>> clock.is_constant, [round(float(t), 4) for t in clock.seconds]
    (True, [0.0, 0.0334, 0.0667])
    """

    ticks: Int64[np.ndarray, " time"]
    tick: Fraction
    start: Fraction = Fraction(0)
    source: str = ""
    period: Fraction | None = field(default=None)

    @property
    def n(self) -> int:
        """Number of samples."""
        return len(self.ticks)

    @property
    def is_constant(self) -> bool:
        """Whether the interval is proven to be the same everywhere."""
        return self.period is not None

    @cached_property
    def seconds(self) -> Float64[np.ndarray, " time"]:
        """Times [s], session clock, computed from the integers (within 1 ulp)."""
        if self.n == 0:
            return np.empty(0, np.float64)
        whole = lcm(self.tick.denominator, self.start.denominator)
        factor = self.tick.numerator * (whole // self.tick.denominator)
        offset = self.start.numerator * (whole // self.start.denominator)
        reach = max(abs(int(self.ticks.min())), abs(int(self.ticks.max()))) * factor + abs(offset)
        if reach < 2**53 and whole < 2**53:
            return np.asarray((self.ticks * factor + offset) / whole, np.float64)
        if reach < 2**62 and whole < 2**53:
            # By size and sign: a time just before 0, as -1 s and the rest, would be rounded as a second is.
            counts = self.ticks * factor + offset
            seconds, rest = np.divmod(np.abs(counts), whole)
            return np.asarray(np.sign(counts) * (seconds + rest / whole), np.float64)
        return np.array([float(self.start + int(tick) * self.tick) for tick in self.ticks], np.float64)

    @cached_property
    def interval(self) -> float:
        """Median interval [s]; NaN for fewer than two samples."""
        return float(np.median(np.diff(self.ticks))) * float(self.tick) if self.n > 1 else float("nan")

    @cached_property
    def gaps(self) -> tuple[Gap, ...]:
        """Holes in time: intervals longer than 1.5 usual ones, with the number of samples lost there."""
        if self.n < 3 or self.is_constant:
            return ()
        steps = np.diff(self.ticks).astype(np.float64)
        middle = float(np.median(steps))
        # The median of stamps that are rounded to whole ticks is up to a tick off, which adds up over a
        # long hole; the mean of the usual intervals is not.
        usual = steps[(steps >= middle / GAP) & (steps <= middle * GAP)]
        period = float(usual.mean()) if len(usual) else middle
        scale = float(self.tick)
        return tuple(
            Gap(int(after), max(1, round(float(steps[after]) / period) - 1), float(steps[after]) * scale)
            for after in np.flatnonzero(steps > GAP * middle)
        )

    @classmethod
    def from_rate(
        cls, rate: Fraction | float, n: int, start: Fraction | float = Fraction(0), source: str = "rate"
    ) -> "Clock":
        """Make the clock of `n` samples at a constant rate.

        Parameters
        ----------
        rate : Fraction, int or float
            Samples per second; a float is taken to the millionth part.
        n : int
            Number of samples.
        start : Fraction or float, optional
            Time of the first sample [s]; a float is taken to the nanosecond.
        source : str, optional
            Where the times come from.

        Raises
        ------
        ClockError
            C206, if the rate is not a finite number above 0.
        """
        if not 0 < rate < float("inf"):
            raise ClockError("C206", source, expected="a finite rate above 0", got=str(rate))
        exact = rate if isinstance(rate, Fraction) else Fraction(float(rate))
        if not isinstance(rate, Fraction):
            exact = exact.limit_denominator(1_000_000) or exact
        return cls(np.arange(n, dtype=np.int64), 1 / exact, as_fraction(start), source, 1 / exact)

    @classmethod
    def from_seconds(cls, seconds: np.ndarray, source: str = "seconds") -> "Clock":
        """Make a clock of given times, kept in ticks of 1 ns.

        Parameters
        ----------
        seconds : array (time,)
            Times [s], none of them before the one above it.
        source : str, optional
            Where the times come from.

        Raises
        ------
        ClockError
            C206, if the times are not one row of finite numbers below 146 years, or if they fall.
        """
        values = np.asarray(seconds, np.float64)
        if values.ndim != 1:
            raise ClockError("C206", source, expected="one row of seconds", got=f"shape {values.shape}")
        # not (a < b) is true of NaN, too
        bad = np.flatnonzero(~(np.abs(values) < FARTHEST))
        if len(bad):
            raise ClockError(
                "C206",
                source,
                "times are missing, not finite or too large",
                expected=f"seconds below {FARTHEST:.2g}",
                got=f"{values[bad[0]]} at row {bad[0]} (of {len(values)}; {len(bad)} in all)",
            )
        clock = cls(np.rint(values * 1e9).astype(np.int64), Fraction(1, 10**9), Fraction(0), source)
        check_rising(clock, source)
        return clock

    def shifted(self, seconds: Fraction | float) -> "Clock":
        """Return the clock with all times later by `seconds`.

        Parameters
        ----------
        seconds : Fraction or float
            Shift [s]; a float is taken to the nanosecond.
        """
        return replace(self, start=self.start + as_fraction(seconds))

    def align(self, other: "Clock", how: How = "nearest", max_gap: float | None = None) -> Alignment:
        """Find for each time of another clock the sample(s) of this clock.

        Parameters
        ----------
        other : Clock
            The times wanted.
        how : {"nearest", "linear", "previous"}, optional
            Nearest sample, weighted neighbours, or the last sample before.
        max_gap : float, optional
            Longest interval between samples that may be bridged [s]; by default 1.5 median intervals.

        Returns
        -------
        Alignment
            Sample, weight of the next one, and whether there is one: never across a gap.

        Raises
        ------
        ParameterError
            P401, if `how` is unknown.

        Examples
        --------
        >>> slow, fast = Clock.from_rate(Fraction(10), 3), Clock.from_rate(Fraction(20), 4)
        >>> slow.align(fast, "linear").weight.tolist()
        [0.0, 0.5, 0.0, 0.5]
        """
        return align_times(self.seconds, other.seconds, how, max_gap)


def as_fraction(seconds: Fraction | float) -> Fraction:
    """Return a time as a rational number; floats to the nanosecond."""
    if isinstance(seconds, Fraction):
        return seconds
    return Fraction(round(seconds * 10**9), 10**9)


def check_rising(clock: Clock, where: str) -> None:
    """Make sure that no time of a clock is before the one above it.

    Parameters
    ----------
    clock : Clock
        The times.
    where : str
        Where they come from, for the message.

    Raises
    ------
    ClockError
        C206 with the first row that is.
    """
    falling = np.flatnonzero(clock.ticks[1:] < clock.ticks[:-1])
    if len(falling):
        row = int(falling[0]) + 1
        raise ClockError(
            "C206",
            where,
            "times go backward",
            expected="rising times",
            got=f"{float(clock.seconds[row - 1]):.9g} s then {float(clock.seconds[row]):.9g} s at row {row}",
        )


def clock_id(clock: Clock) -> str:
    """Return a fingerprint of all times of a clock: equal ones have equal ticks, unit and start.

    Parameters
    ----------
    clock : Clock
        The times.

    Returns
    -------
    str
        32 hexadecimal digits, as they stand in the keys of outcomes.
    """
    digest = hashlib.blake2b(digest_size=16)
    digest.update(f"{clock.tick}|{clock.start}|{clock.n}".encode())
    digest.update(clock.ticks.astype("<i8").tobytes())
    return digest.hexdigest()


def align_times(
    times: Float64[np.ndarray, " time"],
    targets: Float64[np.ndarray, " m"],
    how: str = "nearest",
    max_gap: float | None = None,
) -> Alignment:
    """Find for each target time the sample(s) whose times are given.

    Parameters
    ----------
    times : array (time,)
        Rising times of the samples [s]; NaN where a sample has no time or may not be used.
    targets : array (m,)
        Times wanted [s], in any order; NaN gives an invalid entry.
    how : {"nearest", "linear", "previous"}, optional
        Nearest sample, weighted neighbours, or the last sample before.
    max_gap : float, optional
        Longest interval between used samples that may be bridged [s]; by default 1.5 median intervals.
        A nearest sample may be half of it away.  At both sides of a longer interval, and beyond the
        ends, a sample holds for its own share only: half of `max_gap` (nearest), one median interval
        (previous), nothing (linear).

    Returns
    -------
    Alignment
        Sample, weight of the next one, and whether there is one.

    Raises
    ------
    ParameterError
        P401, if `how` is unknown.
    """
    if how not in get_args(How):
        raise ParameterError("P401", "parameter 'how' of 'align'", f"unknown{nearest(how, get_args(How))}")
    usable = np.flatnonzero(np.isfinite(times))
    empty = Alignment(
        np.zeros(len(targets), np.int64), np.zeros(len(targets), np.float32), np.zeros(len(targets), bool)
    )
    if len(usable) == 0 or len(targets) == 0:
        return empty
    known = times[usable]
    usual = _usual_interval(times)
    longest = GAP * usual if max_gap is None else max_gap
    snap = SNAP * usual if np.isfinite(usual) else 1e-9
    bridge = longest + snap
    before = np.searchsorted(known, targets + snap, side="right") - 1
    left = np.clip(before, 0, len(known) - 1)
    right = np.clip(before + 1, 0, len(known) - 1)
    since = targets - known[left]
    width = known[right] - known[left]
    inside = (before >= 0) & (before < len(known) - 1)
    exact = (before >= 0) & (np.abs(since) <= snap)
    bridged = inside & (width <= bridge)
    weight = np.zeros(len(targets), np.float32)
    if how == "nearest":
        place = np.where(known[right] - targets < since, right, left)
        reach = bridge / 2 if np.isfinite(bridge) else snap
        valid = np.abs(targets - known[place]) <= reach
    elif how == "previous":
        place = left
        hold = min(usual, longest) if np.isfinite(usual) else snap
        valid = exact | bridged | ((before >= 0) & (since < hold))
    else:
        place = left
        valid = exact | bridged
        between = bridged & ~exact
        weight[between] = since[between] / width[between]
        # the neighbour must be the next row for `resample`; with unusable rows between them (a bridge
        # that the caller allowed) the nearer one is taken instead
        apart = between & (usable[right] != usable[left] + 1)
        place = np.where(apart & (weight > 0.5), right, place)
        weight[apart] = 0.0
    valid &= np.isfinite(targets)
    return Alignment(usable[place].astype(np.int64), np.where(valid, weight, np.float32(0)), valid)


def _usual_interval(times: Float64[np.ndarray, " time"]) -> float:
    """Return the median interval of samples whose times are known [s]; NaN if there is none."""
    steps = np.diff(times)
    known = steps[np.isfinite(steps)]
    return float(np.median(known)) if len(known) else float("nan")


def resample(
    values: Num[np.ndarray, "time ..."] | Bool[np.ndarray, "time ..."], alignment: Alignment
) -> Shaped[np.ndarray, "m ..."]:
    """Bring values of one clock to the times of another.

    Parameters
    ----------
    values : array (time, ...)
        One row per sample of the aligned clock.
    alignment : Alignment
        Made by `Clock.align`.

    Returns
    -------
    array (m, ...)
        float32 for float32 values, else float64; NaN where the alignment is not valid or a value that
        is used is NaN.

    Examples
    --------
    >>> slow, fast = Clock.from_rate(Fraction(10), 3), Clock.from_rate(Fraction(20), 4)
    >>> resample(np.array([0.0, 1.0, 4.0]), slow.align(fast, "linear")).tolist()
    [0.0, 0.5, 1.0, 2.5]
    """
    dtype = np.float32 if values.dtype == np.float32 else np.float64
    if len(values) == 0:
        return np.full((len(alignment), *values.shape[1:]), np.nan, dtype)
    taken = values[alignment.index].astype(dtype)
    mixed = np.flatnonzero(alignment.weight > 0)
    if len(mixed):
        weight = alignment.weight[mixed].astype(dtype).reshape(-1, *([1] * (values.ndim - 1)))
        after = values[np.minimum(alignment.index[mixed] + 1, len(values) - 1)].astype(dtype)
        with np.errstate(invalid="ignore"):
            blend = (1 - weight) * taken[mixed] + weight * after
        taken[mixed] = np.where(weight == 1, after, blend)
    taken[~alignment.valid] = np.nan
    return np.asarray(taken)
