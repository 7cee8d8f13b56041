"""Filters that know missing samples: windows, rhythms and memories, divided by their valid mass."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np

from mystax.compute.grid_bins import Bins
from mystax.core.typing import Bool, Float64

__all__ = ["Filters", "Shape", "memory"]

CHUNK = 1 << 16
"""Samples that are transformed at once."""
SPECTRA = 32
"""Transforms and templates of filters that are kept: every part and fold needs the same ones."""
HALO = 6.5
"""Reach of the longest filter of a bank [s]."""

Kind = Literal["window", "cosine", "sine"]
WAVES: tuple[Kind, Kind] = ("cosine", "sine")


@dataclass(frozen=True, slots=True)
class Shape:
    """A finite filter: a raised cosine, or the Gaussian window of a rhythm.

    Attributes
    ----------
    kind : str
        ``bump`` or ``envelope``.
    centre, width : float
        How long behaviour precedes the output, and half-width [s]; of an envelope, the sd of its window.
    frequency : float
        Of an envelope [Hz].
    """

    kind: str
    centre: float
    width: float
    frequency: float = 0.0

    @classmethod
    def bump(cls, centre: float, width: float, rate: float) -> "Shape":
        """Make a raised cosine, at least one sample wide."""
        return cls("bump", centre, max(width, 1 / rate))

    @classmethod
    def envelope(cls, frequency: float) -> "Shape":
        """Make the window of a rhythm."""
        return cls("envelope", 0.0, (0.6 if frequency > 2 else 0.42) / frequency, frequency)

    @property
    def reach(self) -> tuple[float, float]:
        """Earliest and latest lag that it sees [s]."""
        side = 3 * self.width if self.kind == "envelope" else self.width
        return self.centre - side, self.centre + side

    def lags(self, rate: float) -> tuple[int, int]:
        """Return first and last lag in samples."""
        low, high = self.reach
        return int(np.floor(low * rate + 1e-9)), int(np.ceil(high * rate - 1e-9))

    def window(self, rate: float) -> Float64[np.ndarray, " lag"]:
        """Return its non-negative weights from first to last lag; they sum to 1."""
        first, last = self.lags(rate)
        s = np.arange(first, last + 1) / rate
        if self.kind == "envelope":
            weights = np.exp(-(s**2) / (2 * self.width**2)) * (np.abs(s) <= 3 * self.width + 1e-9)
        else:
            inside = np.abs(s - self.centre) < self.width - 1e-12
            weights = np.where(inside, 0.5 + 0.5 * np.cos(np.pi * (s - self.centre) / self.width), 0.0)
        return np.asarray(weights / weights.sum())

    def waves(self, rate: float) -> tuple[Float64[np.ndarray, " lag"], Float64[np.ndarray, " lag"]]:
        """Return the cosine (without its mean) and sine of an envelope under its window."""
        first, last = self.lags(rate)
        s = np.arange(first, last + 1) / rate
        window = self.window(rate)
        cosine = window * np.cos(2 * np.pi * self.frequency * s)
        return cosine - cosine.sum() * window, window * np.sin(2 * np.pi * self.frequency * s)


def memory(
    values: Float64[np.ndarray, "component sample"], tau: float, rate: float
) -> Float64[np.ndarray, "component sample"]:
    """Return the leaky memory y_t = a y_(t-1) + (1 - a) x_t with a = exp(-1 / (tau rate)), from y = 0.

    Parameters
    ----------
    values : array (component, sample)
        Input.
    tau : float
        Time constant [s].
    rate : float
        Samples per second.

    Returns
    -------
    array (component, sample)
        Output.
    """
    from scipy.signal import lfilter

    a = float(np.exp(-1 / (tau * rate)))
    return np.asarray(lfilter([1 - a], [1, -a], values))


class Filters:
    """Filters on one set of valid samples.

    Parameters
    ----------
    valid : array (sample,)
        Samples that count.
    rate : float
        Samples per second.
    chunk : int, optional
        Samples that are transformed at once; the result does not depend on it.
    """

    def __init__(self, valid: Bool[np.ndarray, " sample"], rate: float, chunk: int | None = None) -> None:
        from scipy.fft import next_fast_len

        self.valid, self.rate = valid, rate
        self._halo = int(np.ceil(HALO * rate)) + 1
        self._size = max(1, min(chunk or CHUNK, len(valid)))
        self._length = int(next_fast_len(self._size + 2 * self._halo, real=True))
        self._weights = valid.astype(np.float64)
        self._before = np.concatenate([[0], np.cumsum(valid)])
        self._masses: dict[Shape, Float64[np.ndarray, " sample"]] = {}
        self._memories: dict[float, Float64[np.ndarray, " sample"]] = {}

    def mass(self, shape: Shape) -> Float64[np.ndarray, " sample"]:
        """Return the share of a filter that lies on valid samples."""
        if shape not in self._masses:
            found = self._convolved(self._transformed(self._weights[None]), shape, "window")
            self._masses[shape] = np.clip(found[0], 0, 1)
        return self._masses[shape]

    def means(
        self, values: Float64[np.ndarray, "component sample"], shapes: Sequence[Shape], bins: Bins
    ) -> Float64[np.ndarray, "window component time"]:
        """Filter values with several windows and average inside bins.

        Missing samples count nothing, and where a window sees nothing valid the filtered sample is 0.
        """
        from mystax.compute.kernels.windows import window_means

        seen = values * self._weights
        sizes, kinds = bins.sizes
        found = np.empty((len(shapes), len(values), len(kinds)))
        for shape, out in zip(shapes, found, strict=True):
            window, (first, _) = shape.window(self.rate), shape.lags(self.rate)
            templates = _templates(shape, self.rate, tuple(sizes.tolist()))
            window_means(
                seen, self.valid, self._before, window, first, bins.first, bins.stop, kinds, templates, out
            )
        return found

    def envelopes(
        self, values: Float64[np.ndarray, "_component _sample"], shapes: Sequence[Shape]
    ) -> Iterator[Float64[np.ndarray, "_component _sample"]]:
        """Give the size of each rhythm."""
        seen = self._transformed(values * self._weights)
        for shape in shapes:
            a, b = (self._convolved(seen, shape, kind) for kind in WAVES)
            yield np.sqrt((a * a + b * b) * _inverse(self.mass(shape)) ** 2 + 1e-9)

    def memory(
        self, values: Float64[np.ndarray, "component sample"], tau: float
    ) -> Float64[np.ndarray, "component sample"]:
        """Return the leaky memory of valid samples, divided by that of the mask."""
        if tau not in self._memories:
            self._memories[tau] = _inverse(memory(self._weights[None], tau, self.rate)[0])
        return np.asarray(memory(values * self._weights, tau, self.rate) * self._memories[tau])

    def _transformed(self, values: Float64[np.ndarray, "component sample"]) -> list[np.ndarray]:
        """Return the transforms of chunks of values, each with all samples that any filter can reach."""
        from scipy.fft import rfft

        padded = np.pad(values, ((0, 0), (self._halo, self._halo)))
        return [
            rfft(padded[:, start : start + self._size + 2 * self._halo], self._length)
            for start in range(0, values.shape[1], self._size)
        ]

    def _convolved(
        self, chunks: Sequence[np.ndarray], shape: Shape, kind: Kind
    ) -> Float64[np.ndarray, "component sample"]:
        """Return sum over lags of kernel(lag) value(t - lag), with zeros outside."""
        from scipy.fft import irfft

        first, last = shape.lags(self.rate)
        if max(-first, last) >= self._halo:
            raise ValueError(f"a filter reaches farther than {HALO:g} s: {shape}")
        # output t needs padded sample t + halo - lag; the kernel starts at the first lag
        at = self._halo - first
        spectrum = _spectrum(shape, kind, self.rate, self._length)
        found = [irfft(part * spectrum, self._length)[:, at : at + self._size] for part in chunks]
        return np.concatenate(found, axis=1)[:, : len(self.valid)]


@lru_cache(SPECTRA)
def _templates(shape: Shape, rate: float, sizes: tuple[int, ...]) -> Float64[np.ndarray, "size lag"]:
    """Return the weights of samples in the mean of a window over bins of some sizes, latest lag first."""
    window = shape.window(rate)
    found = np.zeros((len(sizes), len(window) + max(sizes, default=1) - 1))
    for row, size in zip(found, sizes, strict=True):
        row[: len(window) + size - 1] = np.convolve(window[::-1], np.ones(size)) / size
    return found


@lru_cache(SPECTRA)
def _spectrum(shape: Shape, kind: Kind, rate: float, length: int) -> np.ndarray:
    """Return the transform of a filter's weights."""
    from scipy.fft import rfft

    if kind == "window":
        weights = shape.window(rate)
    else:
        weights = shape.waves(rate)[0 if kind == "cosine" else 1]
    return np.asarray(rfft(weights, length))


def _inverse(mass: Float64[np.ndarray, " sample"]) -> Float64[np.ndarray, " sample"]:
    """Return what values are multiplied with to be divided by their mass: 0 where there is none."""
    return np.asarray(np.divide(1.0, mass, out=np.zeros_like(mass), where=mass > 1e-6))
