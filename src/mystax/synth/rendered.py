"""Frames made when they are asked for: a `FrameSource` around a function from frame number to picture."""

import hashlib
from collections.abc import Callable, Iterator
from fractions import Fraction

import numpy as np

from mystax.core.clock import Clock
from mystax.core.geometry import Box
from mystax.core.quality import Flag
from mystax.core.recording import FrameChunk, GreyMap, chunk_length
from mystax.core.typing import Float64, Shaped

__all__ = ["RenderedSource"]

Render = Callable[[int], Shaped[np.ndarray, "y x"]]


class RenderedSource:
    """Frames from a function of the frame number (implements `FrameSource`).

    Parameters
    ----------
    render : callable
        Frame number -> picture (y, x) of type uint8 or uint16; always the same picture for the same number.
    shape : tuple of int
        Rows and columns [px].
    n_frames : int
        Number of frames.
    rate : Fraction
        Frames per second.
    name : str
        What is rendered, with all its parameters: two sources of one name have the same frames.
    bits : int, optional
        Depth of the frames; more than 8 are given as uint16.

    Examples
    --------
    >>> source = RenderedSource(lambda i: np.full((4, 6), i, np.uint8), (4, 6), 9, Fraction(30), "ramp")
    >>> [len(chunk) for chunk in source.chunks(size=4)]
    [4, 4, 1]
    """

    def __init__(
        self,
        render: Render,
        shape: tuple[int, int],
        n_frames: int,
        rate: Fraction,
        name: str,
        *,
        bits: int = 8,
    ) -> None:
        self._bits = bits
        self._render, self._shape, self._n_frames, self._name = render, shape, n_frames, name
        self._clock = Clock.from_rate(rate, n_frames)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of a frame [px]."""
        return self._shape

    @property
    def bits(self) -> int:
        """Depth of the frames."""
        return self._bits

    @property
    def n_frames(self) -> int:
        """Number of frames."""
        return self._n_frames

    @property
    def clock(self) -> Clock:
        """Times of all frames."""
        return self._clock

    @property
    def times(self) -> Float64[np.ndarray, " time"]:
        """Times of all frames [s]."""
        return self._clock.seconds

    @property
    def identity(self) -> tuple[str, ...]:
        """Fingerprint of what is rendered."""
        words = f"{self._name} {self._shape} {self._n_frames} {self._clock.period}"
        return (f"rendered-{hashlib.blake2b(words.encode(), digest_size=16).hexdigest()}",)

    @property
    def flags(self) -> tuple[Flag, ...]:
        """Remarks on the source: none."""
        return ()

    def chunks(
        self,
        start: int = 0,
        stop: int | None = None,
        step: int = 1,
        *,
        box: Box | None = None,
        size: int | None = None,
    ) -> Iterator[FrameChunk]:
        """Give frames start, start + step, ... < stop in chunks of `size` frames."""
        frames = np.arange(start, self._n_frames if stop is None else min(stop, self._n_frames), step)
        length = size or chunk_length(self._shape, 1 if self._bits <= 8 else 2)
        for first in range(0, len(frames), length):
            yield self._take(frames[first : first + length], box, in_order=step == 1)

    def _take(self, frames: np.ndarray, box: Box | None, *, in_order: bool) -> FrameChunk:
        area = (box or Box(0, 0, self._shape[1], self._shape[0])).clip(self._shape)
        codes = np.empty((len(frames), area.height, area.width), np.uint8 if self._bits <= 8 else np.uint16)
        for place, frame in enumerate(frames.tolist()):
            codes[place] = self._render(frame)[area.y0 : area.y1, area.x0 : area.x1]
        codes.flags.writeable = False
        return FrameChunk(
            frames.astype(np.int64),
            self.times[frames],
            codes,
            GreyMap.full(self._bits),
            np.ones(len(frames), bool),
            np.zeros(len(frames), np.uint8),
            (frames > 0) & in_order,
            (area.x0, area.y0),
        )

    def frame_at(self, index: int) -> FrameChunk:
        """Give one frame as a chunk of one."""
        if not 0 <= index < self._n_frames:
            raise IndexError(f"frame {index} is outside 0..{self._n_frames - 1}")
        return self._take(np.array([index]), None, in_order=True)

    def sample(self, n: int) -> FrameChunk:
        """Give up to n frames, evenly spaced, first and last 2 % left out."""
        edge = self._n_frames // 50
        last = max(edge, self._n_frames - edge - 1)
        places = np.linspace(edge, last, min(n, max(0, self._n_frames - 2 * edge))).round().astype(np.int64)
        return self._take(np.unique(places), None, in_order=False)

    def copy(self) -> "RenderedSource":
        """Give another reader of the same frames."""
        return self

    def close(self) -> None:
        """Nothing to let go of."""
