"""Frames with other times: a clock file or an offset laid over any source of frames."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from mystax.core.clock import Clock
from mystax.core.geometry import Box
from mystax.core.recording import FrameChunk, FrameSource, Reason, adjacency
from mystax.core.typing import Bool, Float64
from mystax.engine.wrapped import WrappedSource

__all__ = ["Reclocked", "with_times"]

OWN_TIMES = ("spec", "from_spec", "with_clock", "clock_id")
"""What a source says or makes with its own times, and what must not be passed on under others."""


def with_times(
    source: FrameSource, clock: Clock, no_time: Bool[np.ndarray, " time"] | None = None
) -> FrameSource:
    """Return the same frames with other times.

    Parameters
    ----------
    source : FrameSource
        The frames.
    clock : Clock
        One time per frame.
    no_time : array (time,), optional
        Frames that have no time; None if the times are those of the source, shifted as a whole: which
        frames follow each other then stays as the source says.

    Returns
    -------
    FrameSource
        The source's own reader on another clock, where it has one.
    """
    made = getattr(source, "with_clock", None)
    if callable(made):
        other = made(clock, no_time)
        if isinstance(other, FrameSource):
            return other
    return Reclocked(source, clock, no_time)


class Reclocked(WrappedSource):
    """A source of frames whose times come from elsewhere; everything else is that of the source.

    Parameters
    ----------
    source : FrameSource
        The frames.
    clock : Clock
        One time per frame.
    no_time : array (time,), optional
        Frames that have no time; None if the times are only shifted.
    """

    def __init__(
        self, source: FrameSource, clock: Clock, no_time: Bool[np.ndarray, " time"] | None = None
    ) -> None:
        super().__init__(source)
        self._clock = clock
        self._keeps_pairs = no_time is None
        self._no_time = ~np.isfinite(source.times) if no_time is None else no_time
        self._times = np.where(self._no_time, np.nan, clock.seconds)
        self._adjacent = adjacency(self._times)

    def __getattr__(self, name: str) -> Any:
        """Hand on what only some sources have, but nothing that depends on their own times."""
        if name in OWN_TIMES or name.startswith("_"):
            raise AttributeError(name)
        return super().__getattr__(name)

    @property
    def clock(self) -> Clock:
        """Times of all frames."""
        return self._clock

    @property
    def times(self) -> Float64[np.ndarray, " time"]:
        """Times of all frames [s]; NaN where a frame has none."""
        return self._times

    def _timed(self, chunk: FrameChunk, *, in_order: bool) -> FrameChunk:
        """Give a chunk the other times; frames without a time are missing."""
        lost = self._no_time[chunk.index]
        codes = chunk.codes
        if bool((lost & chunk.valid).any()):
            codes = np.array(codes)
            codes[lost] = 0
            codes.flags.writeable = False
        adjacent = chunk.adjacent if self._keeps_pairs else self._adjacent[chunk.index] & in_order
        return replace(
            chunk,
            time=self._times[chunk.index],
            codes=codes,
            valid=chunk.valid & ~lost,
            reason=np.where(lost & (chunk.reason == 0), np.uint8(Reason.NO_TIME), chunk.reason),
            adjacent=adjacent,
            cache={},
        )

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
        for chunk in self._source.chunks(start, stop, step, box=box, size=size):
            yield self._timed(chunk, in_order=step == 1)

    def frame_at(self, index: int) -> FrameChunk:
        """Give one frame as a chunk of one."""
        return self._timed(self._source.frame_at(index), in_order=True)

    def sample(self, n: int) -> FrameChunk:
        """Give up to n valid frames at fixed places."""
        chunk = self._timed(self._source.sample(n), in_order=False)
        return _rows(chunk, np.flatnonzero(chunk.valid)) if not chunk.valid.all() else chunk

    def copy(self) -> "Reclocked":
        """Give another reader of the same frames."""
        return Reclocked(self._source.copy(), self._clock, None if self._keeps_pairs else self._no_time)


def _rows(chunk: FrameChunk, rows: np.ndarray) -> FrameChunk:
    """Return some rows of a chunk."""
    codes = chunk.codes[rows]
    codes.flags.writeable = False
    return replace(
        chunk,
        index=chunk.index[rows],
        time=chunk.time[rows],
        codes=codes,
        valid=chunk.valid[rows],
        reason=chunk.reason[rows],
        adjacent=chunk.adjacent[rows],
        cache={},
    )
