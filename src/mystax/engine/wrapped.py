"""A source of frames around another one: everything is handed on, and subclasses change what they are for."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from mystax.core.clock import Clock
from mystax.core.geometry import Box
from mystax.core.quality import Flag
from mystax.core.recording import FrameChunk, FrameSource
from mystax.core.typing import Float64

__all__ = ["WrappedSource"]


class WrappedSource:
    """A source that is another one in every respect (implements `mystax.core.recording.FrameSource`).

    Parameters
    ----------
    source : FrameSource
        The frames.
    """

    def __init__(self, source: FrameSource) -> None:
        self._source = source

    def __getattr__(self, name: str) -> Any:
        """Hand on what only some sources have, such as key frames."""
        if name == "_source":
            raise AttributeError(name)
        return getattr(self._source, name)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of a frame [px]."""
        return self._source.shape

    @property
    def bits(self) -> int:
        """Depth of the frames."""
        return self._source.bits

    @property
    def n_frames(self) -> int:
        """Number of frames."""
        return self._source.n_frames

    @property
    def clock(self) -> Clock:
        """Times of all frames."""
        return self._source.clock

    @property
    def times(self) -> Float64[np.ndarray, " time"]:
        """Times of all frames [s]."""
        return self._source.times

    @property
    def identity(self) -> tuple[str, ...]:
        """Fingerprints of what the frames come from."""
        return self._source.identity

    @property
    def flags(self) -> tuple[Flag, ...]:
        """Remarks on the source."""
        return self._source.flags

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
        yield from self._source.chunks(start, stop, step, box=box, size=size)

    def frame_at(self, index: int) -> FrameChunk:
        """Give one frame as a chunk of one."""
        return self._source.frame_at(index)

    def sample(self, n: int) -> FrameChunk:
        """Give up to n valid frames at fixed places."""
        return self._source.sample(n)

    def copy(self) -> FrameSource:
        """Give another reader of the same frames."""
        return self._source.copy()

    def close(self) -> None:
        """Let go of files."""
        self._source.close()
