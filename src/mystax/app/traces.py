"""Traces on their way to the page: minima and maxima of as many samples as a pixel covers.

A pyramid holds the smallest and the largest value of 4, 16, 64, ... neighbouring samples, so that a window of
any width is answered with at most two points for each pixel and no peak is lost.  Bins without a finite
sample are NaN: a gap stays a gap.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar, runtime_checkable

import numpy as np

from mystax.core.typing import Float32, Float64, Shaped

__all__ = ["Pyramid", "PyramidCache", "Window"]

FACTOR = 4
SMALLEST = 64
"""A level with no more points than this has none above it."""
MOST_GAPS = 1000
"""Most gaps that are listed with a window."""
EVEN = 1e-9
"""Largest deviation of a time from even spacing, of the spacing, that still counts as even."""


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of a trace at the width of a screen.

    Attributes
    ----------
    low, high : array (point,)
        Smallest and largest value of each bin; NaN where there is none.
    time : array (point,)
        Middle of each bin [s].
    level : int
        Each bin covers 4 ** level samples.
    gaps : tuple of (float, float)
        Times of the first and the last sample of each run without a value, at most 1,000 of them.
    """

    low: Float32[np.ndarray, " point"]
    high: Float32[np.ndarray, " point"]
    time: Float64[np.ndarray, " point"]
    level: int
    gaps: tuple[tuple[float, float], ...]

    @property
    def step(self) -> float | None:
        """Distance of the points where it is the same everywhere, else None [s]."""
        if len(self.time) < 2:
            return None
        step = float(self.time[-1] - self.time[0]) / (len(self.time) - 1)
        even = self.time[0] + step * np.arange(len(self.time))
        return step if step > 0 and np.abs(self.time - even).max() <= EVEN * step else None


def _reduced(
    values: Float32[np.ndarray, " point"], smaller: Callable[..., np.ndarray]
) -> Float32[np.ndarray, " bin"]:
    """Reduce by four; NaN counts only where there is nothing else."""
    n = len(values) // FACTOR * FACTOR
    whole, rest = values[:n], values[n:]
    found = smaller(smaller(whole[0::4], whole[1::4]), smaller(whole[2::4], whole[3::4]))
    if not len(rest):
        return found
    last = rest[0]
    for value in rest[1:]:
        last = smaller(last, value)
    return np.append(found, np.float32(last))


class Pyramid:
    """Minima and maxima of one trace.

    Parameters
    ----------
    values : array (time,)
        The trace; what is not finite is a gap.
    times : array (time,)
        Its times, rising [s]; samples without one have no place and are left out.
    """

    def __init__(self, values: Shaped[np.ndarray, " sample"], times: Float64[np.ndarray, " time"]) -> None:
        if len(values) != len(times):
            raise ValueError(f"{len(values)} values, {len(times)} times")
        has_time = np.isfinite(times)
        if not has_time.all():
            values, times = values[has_time], times[has_time]
        raw = np.array(values, np.float32)
        raw[~np.isfinite(raw)] = np.nan
        self._times = times
        self._levels = [(raw, raw)]
        while len(self._levels[-1][0]) > SMALLEST:
            low, high = self._levels[-1]
            self._levels.append((_reduced(low, np.fmin), _reduced(high, np.fmax)))

    @property
    def n_bytes(self) -> int:
        """Size in memory."""
        above = sum(low.nbytes + high.nbytes for low, high in self._levels[1:])
        return self._levels[0][0].nbytes + self._times.nbytes + above

    def window(self, start: float, stop: float, width: int) -> Window:
        """Give what lies between two times, and one point beyond at either side.

        Parameters
        ----------
        start, stop : float
            The window [s].
        width : int
            Its width on the screen [px].

        Returns
        -------
        Window
            At most ``2 * width`` points, from the finest level that has no more of them.
        """
        n = len(self._times)
        first = max(0, int(np.searchsorted(self._times, start, "left")) - 1)
        last = min(n, int(np.searchsorted(self._times, stop, "right")) + 1)
        level, size = 0, 1
        while level + 1 < len(self._levels) and -(-last // size) - first // size > 2 * width:
            level, size = level + 1, size * FACTOR
        begin, end = first // size, -(-last // size)
        low, high = (half[begin:end] for half in self._levels[level])
        left = np.arange(begin, end) * size
        right = np.minimum(left + size, n) - 1
        middle = (self._times[left] + self._times[right]) / 2 if n else np.empty(0)
        return Window(low, high, middle, level, self._gaps(first, last))

    def _gaps(self, first: int, last: int) -> tuple[tuple[float, float], ...]:
        """Return the runs without a value between two samples."""
        is_gap = np.isnan(self._levels[0][0][first:last])
        edges = np.flatnonzero(np.diff(np.concatenate([[False], is_gap, [False]])))
        pairs = edges.reshape(-1, 2)[:MOST_GAPS] + first
        return tuple((float(self._times[a]), float(self._times[b - 1])) for a, b in pairs)


@runtime_checkable
class Kept(Protocol):
    """Something that can be kept: it knows its size."""

    @property
    def n_bytes(self) -> int:
        """Size in memory."""
        ...


K = TypeVar("K", bound=Kept)


class PyramidCache(Generic[K]):
    """Keeps the pyramids (or rasters) that were used last, up to a size.

    Parameters
    ----------
    limit : int, optional
        Size [bytes].
    """

    def __init__(self, limit: int = 256 << 20) -> None:
        self._limit = limit
        self._kept: OrderedDict[Hashable, K] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], K]) -> K:
        """Return the pyramid of a key; make it if it is not there."""
        with self._lock:
            if key not in self._kept:
                self._kept[key] = make()
            self._kept.move_to_end(key)
            while len(self._kept) > 1 and sum(one.n_bytes for one in self._kept.values()) > self._limit:
                self._kept.popitem(last=False)
            return self._kept[key]
