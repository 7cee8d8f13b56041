"""Time as whole ticks: one type for cameras, stimuli and neural recordings."""

from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property

import numpy as np

from mystax.core.typing import Float64, Int64

__all__ = ["Clock", "Gap"]


@dataclass(frozen=True, slots=True)
class Gap:
    """A hole in time behind sample `after`: `missing` samples are lost, the interval lasts `seconds` [s]."""

    after: int
    missing: int
    seconds: float


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
        """Times [s], session clock, computed from the integers."""
        scale = self.tick
        offset = self.start / scale
        if offset.denominator == 1 and abs(offset.numerator) < 2**62:
            whole = self.ticks + offset.numerator
            if len(whole) == 0 or int(np.abs(whole).max()) * scale.numerator < 2**53:
                return np.asarray(whole * scale.numerator / scale.denominator, np.float64)
        return np.array([float(self.start + int(tick) * scale) for tick in self.ticks], np.float64)

    @cached_property
    def interval(self) -> float:
        """Median interval [s]; NaN for fewer than two samples."""
        return float(np.median(np.diff(self.ticks))) * float(self.tick) if self.n > 1 else float("nan")

    @classmethod
    def from_rate(
        cls, rate: Fraction, n: int, start: Fraction = Fraction(0), source: str = "rate"
    ) -> "Clock":
        """Make the clock of `n` samples at a constant rate [1/s]."""
        return cls(np.arange(n, dtype=np.int64), 1 / rate, start, source, 1 / rate)

    @classmethod
    def from_seconds(cls, seconds: np.ndarray, source: str = "seconds") -> "Clock":
        """Make a clock of given times [s], kept in ticks of 1 ns."""
        ticks = np.rint(np.asarray(seconds, np.float64) * 1e9).astype(np.int64)
        return cls(ticks, Fraction(1, 10**9), Fraction(0), source)
