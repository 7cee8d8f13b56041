"""Frames from an array: for notebooks and tests."""

from collections.abc import Iterator
from fractions import Fraction
from functools import cached_property

import numpy as np

from mystax.core.clock import Clock
from mystax.core.frames import FrameChunk, GreyMap, adjacency, chunk_length
from mystax.core.geometry import Box
from mystax.core.quality import Flag
from mystax.core.typing import Bool, Float64
from mystax.errors import RecipeError

__all__ = ["ArraySource"]


def _clock_of_array(n_frames: int, rate: Fraction | float, times: np.ndarray | None) -> Clock:
    """Return the clock of frames in memory; refuse what is none."""
    if times is None:
        if not 0 < rate < float("inf"):
            raise RecipeError("P403", "rate of frames", expected="frames per second above 0", got=str(rate))
        return Clock.from_rate(rate, n_frames)
    seconds = np.asarray(times, np.float64)
    if seconds.shape != (n_frames,):
        got = f"shape {seconds.shape}"
        raise RecipeError("P403", "times of frames", expected=f"one per frame ({n_frames})", got=got)
    if not (np.isfinite(seconds).all() and (np.diff(seconds) > 0).all()):
        row = int(np.argmin(np.isfinite(seconds[1:]) & (np.diff(seconds) > 0))) + 1 if n_frames > 1 else 0
        raise RecipeError(
            "P403", "times of frames", expected="rising times", got=f"{seconds[row]} at row {row}"
        )
    return Clock.from_seconds(seconds)


class ArraySource:
    """Frames from an array, for notebooks and tests.

    Parameters
    ----------
    frames : array (time, y, x), uint8 or uint16
        Full-range grey.
    rate : Fraction, int or float, optional
        Frames per second; default 30.
    times : array (time,), optional
        Times [s] instead of a rate.
    bits : int, optional
        Depth; by default 8 for uint8 and 16 for uint16.
    reason : array (time,), optional
        `Reason` of each frame; default all good.
    poison : int, optional
        Byte that fills missing frames (a test hook: it may change no outcome).

    Raises
    ------
    RecipeError
        P403, if frames, rate, times, depth and reasons do not fit together.
    """

    def __init__(
        self,
        frames: np.ndarray,
        rate: Fraction | float = 30,
        *,
        times: np.ndarray | None = None,
        bits: int | None = None,
        reason: np.ndarray | None = None,
        poison: int = 0,
    ) -> None:
        if frames.ndim != 3 or frames.dtype not in (np.uint8, np.uint16):
            raise RecipeError(
                "P403",
                "array of frames",
                expected="dimensions (time, y, x) of type uint8 or uint16",
                got=f"{frames.dtype} of shape {frames.shape}",
            )
        self._frames = frames
        self._bits = bits or 8 * frames.itemsize
        if not 1 <= self._bits <= 8 * frames.itemsize:
            raise RecipeError(
                "P403", "array of frames", expected=f"bits of 1 to {8 * frames.itemsize}", got=f"{bits}"
            )
        self._clock = _clock_of_array(len(frames), rate, times)
        self._reason = np.zeros(len(frames), np.uint8) if reason is None else np.asarray(reason, np.uint8)
        if self._reason.shape != (len(frames),):
            raise RecipeError(
                "P403",
                "reason of frames",
                expected=f"one per frame ({len(frames)})",
                got=f"shape {self._reason.shape}",
            )
        self._poison = poison

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of a frame [px]."""
        return self._frames.shape[1], self._frames.shape[2]

    @property
    def bits(self) -> int:
        """Depth of the frames."""
        return self._bits

    @property
    def n_frames(self) -> int:
        """Number of frames."""
        return len(self._frames)

    @property
    def clock(self) -> Clock:
        """Times of all frames."""
        return self._clock

    @property
    def times(self) -> Float64[np.ndarray, " time"]:
        """Times of all frames [s]."""
        return self._clock.seconds

    @cached_property
    def identity(self) -> tuple[str, ...]:
        """Fingerprint of the frames and times."""
        import hashlib

        digest = hashlib.blake2b(digest_size=16)
        clock = self._clock
        digest.update(repr((self._frames.shape, self._frames.dtype.str, self._bits, clock.tick)).encode())
        for array in (self._frames, clock.ticks, self._reason):
            digest.update(np.ascontiguousarray(array).tobytes())
        return (f"array-{digest.hexdigest()}",)

    @property
    def flags(self) -> tuple[Flag, ...]:
        """Remarks on the source."""
        missing = np.flatnonzero(self._reason)
        return (Flag.about("V105", f"{len(missing)} frames are missing", missing),) if len(missing) else ()

    @cached_property
    def _adjacent(self) -> Bool[np.ndarray, " time"]:
        return adjacency(self.times)

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
        frames = np.arange(start, self.n_frames if stop is None else min(stop, self.n_frames), step)
        length = size or chunk_length(self.shape, self._frames.dtype.itemsize)
        for first in range(0, len(frames), length):
            yield self._take(frames[first : first + length], box, step == 1)

    def _take(self, frames: np.ndarray, box: Box | None, in_order: bool) -> FrameChunk:
        area = (box or Box(0, 0, self.shape[1], self.shape[0])).clip(self.shape)
        codes = self._frames[frames, area.y0 : area.y1, area.x0 : area.x1]
        reason = self._reason[frames]
        codes[reason != 0] = self._poison
        codes.flags.writeable = False
        adjacent = self._adjacent[frames] & in_order
        times = self.times[frames]
        return FrameChunk(
            frames.astype(np.int64),
            times,
            codes,
            GreyMap.full(self._bits),
            reason == 0,
            reason,
            adjacent,
            (area.x0, area.y0),
        )

    def frame_at(self, index: int) -> FrameChunk:
        """Give one frame as a chunk of one."""
        if not 0 <= index < self.n_frames:
            raise IndexError(f"frame {index} is outside 0..{self.n_frames - 1}")
        return self._take(np.array([index]), None, True)

    def sample(self, n: int) -> FrameChunk:
        """Give up to n valid frames, evenly spaced, first and last 2 % left out."""
        good = np.flatnonzero(self._reason == 0)
        edge = len(good) // 50
        good = good[edge : len(good) - edge]
        places = np.linspace(0, max(0, len(good) - 1), min(n, len(good))).round().astype(np.int64)
        return self._take(good[np.unique(places)], None, False)

    def copy(self) -> "ArraySource":
        """Give another reader of the same frames."""
        return self

    def close(self) -> None:
        """Nothing to let go of."""
