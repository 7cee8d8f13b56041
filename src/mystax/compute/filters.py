"""Filters that know missing samples: windows, rhythms and memories, divided by their valid mass."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from mystax.core.typing import Bool, Float64

__all__ = ["Filters", "Shape", "memory"]

CHUNK = 1 << 16
"""Samples that are transformed at once."""
HALO = 6.5
"""Reach of the longest filter of a bank [s]."""

Kind = Literal["window", "cosine", "sine"]


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


def memory(values: Float64[np.ndarray, " sample"], tau: float, rate: float) -> Float64[np.ndarray, " sample"]:
    """Return the leaky memory y_t = a y_(t-1) + (1 - a) x_t with a = exp(-1 / (tau rate)), from y = 0.

    Parameters
    ----------
    values : array (sample,)
        Input.
    tau : float
        Time constant [s].
    rate : float
        Samples per second.

    Returns
    -------
    array (sample,)
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
        self.valid, self.rate, self._chunk = valid, rate, chunk or CHUNK
        self._weights = valid.astype(np.float64)
        self._masses: dict[Shape, Float64[np.ndarray, " sample"]] = {}
        self._memories: dict[float, Float64[np.ndarray, " sample"]] = {}
        self._spectra: dict[tuple[Shape, Kind, int], np.ndarray] = {}

    def mass(self, shape: Shape) -> Float64[np.ndarray, " sample"]:
        """Return the share of a filter that lies on valid samples."""
        if shape not in self._masses:
            self._masses[shape] = np.clip(self._convolve(self._weights, [(shape, "window")])[0], 0, 1)
        return self._masses[shape]

    def apply(
        self, values: Float64[np.ndarray, " sample"], shapes: Sequence[Shape]
    ) -> list[Float64[np.ndarray, " sample"]]:
        """Filter values with several windows; missing samples count nothing, and nothing valid gives 0."""
        made = self._convolve(values * self._weights, [(shape, "window") for shape in shapes])
        return [_divided(found, self.mass(shape)) for found, shape in zip(made, shapes, strict=True)]

    def envelope(
        self, values: Float64[np.ndarray, " sample"], shape: Shape
    ) -> Float64[np.ndarray, " sample"]:
        """Return the size of a rhythm."""
        a, b = self._convolve(values * self._weights, [(shape, "cosine"), (shape, "sine")])
        mass = self.mass(shape)
        return np.asarray(np.sqrt(_divided(a, mass) ** 2 + _divided(b, mass) ** 2 + 1e-9))

    def memory(self, values: Float64[np.ndarray, " sample"], tau: float) -> Float64[np.ndarray, " sample"]:
        """Return the leaky memory of valid samples, divided by that of the mask."""
        if tau not in self._memories:
            self._memories[tau] = memory(self._weights, tau, self.rate)
        return _divided(memory(values * self._weights, tau, self.rate), self._memories[tau])

    def _kernel(self, shape: Shape, kind: Kind) -> Float64[np.ndarray, " lag"]:
        if kind == "window":
            return shape.window(self.rate)
        return shape.waves(self.rate)[0 if kind == "cosine" else 1]

    def _spectrum(self, shape: Shape, kind: Kind, length: int) -> np.ndarray:
        from scipy.fft import rfft

        key = (shape, kind, length)
        if key not in self._spectra:
            self._spectra[key] = rfft(self._kernel(shape, kind), length)
        return self._spectra[key]

    def _convolve(
        self, values: Float64[np.ndarray, " sample"], kernels: Sequence[tuple[Shape, Kind]]
    ) -> list[Float64[np.ndarray, " sample"]]:
        """Return sum over lags of kernel(lag) value(t - lag), with zeros outside.

        The values are cut into chunks with all samples around them that any filter can reach.
        """
        from scipy.fft import irfft, next_fast_len, rfft

        n = len(values)
        halo = max(round(HALO * self.rate), *(max(map(abs, s.lags(self.rate))) for s, _ in kernels)) + 1
        padded = np.concatenate([np.zeros(halo), values, np.zeros(halo)])
        found = [np.empty(n) for _ in kernels]
        size = max(1, min(self._chunk, n))
        length = next_fast_len(size + 2 * halo, real=True)
        for start in range(0, n, size):
            stop = min(start + size, n)
            part = rfft(padded[start : stop + 2 * halo], length)
            for place, (shape, kind) in enumerate(kernels):
                # output t needs padded sample t + halo - lag; the kernel starts at the first lag
                at = halo - shape.lags(self.rate)[0]
                whole = irfft(part * self._spectrum(shape, kind, length), length)
                found[place][start:stop] = whole[at : at + stop - start]
        return found


def _divided(
    values: Float64[np.ndarray, " sample"], mass: Float64[np.ndarray, " sample"]
) -> Float64[np.ndarray, " sample"]:
    return np.where(mass > 1e-6, values / np.maximum(mass, 1e-6), 0.0)
