"""Reading in small pieces near the place where a decoder died, so that the place becomes known."""

from collections.abc import Iterator

import numpy as np

from mystax.core.geometry import Box
from mystax.core.recording import FrameChunk, FrameSource
from mystax.engine.wrapped import WrappedSource

__all__ = ["CarefulSource", "segment_at"]

PIECE = 16
"""Frames per piece where every frame is a key frame."""

WINDOW = 2048
"""Frames that are read in pieces: more than readers decode ahead."""


def segment_at(source: FrameSource, frame: int) -> tuple[int, int]:
    """Return the piece that holds a frame: from key frame to key frame, at least 16 frames.

    Parameters
    ----------
    source : FrameSource
        The frames; its `key_frames`, where it has them, are the borders.
    frame : int
        A frame.

    Returns
    -------
    tuple of two ints
        First frame of the piece, and the first one behind it.
    """
    keys = np.asarray(getattr(source, "key_frames", ()), np.int64)
    n = source.n_frames
    if len(keys) == 0:
        start = frame // PIECE * PIECE
        return start, min(start + PIECE, n)
    start, stop = 0, 0
    # Pieces are counted from the first frame, so that every attempt has the same borders.
    while True:
        later = keys[keys >= start + PIECE]
        stop = int(later[0]) if len(later) else n
        if frame < stop or stop >= n:
            return start, min(stop, n)
        start = stop


class CarefulSource(WrappedSource):
    """A source that reads frames `first` .. `first` + 2048 piece by piece, each with a reader of its own.

    Parameters
    ----------
    source : FrameSource
        The frames.
    first : int
        Where the pieces begin.
    """

    def __init__(self, source: FrameSource, first: int) -> None:
        super().__init__(source)
        self._first = first

    def piece(self, frame: int) -> tuple[int, int] | None:
        """Return the piece that holds a frame; None outside the careful part."""
        if not self._first <= frame < self._first + WINDOW:
            return None
        return segment_at(self._source, frame)

    def chunks(
        self,
        start: int = 0,
        stop: int | None = None,
        step: int = 1,
        *,
        box: Box | None = None,
        size: int | None = None,
    ) -> Iterator[FrameChunk]:
        """Give frames start, start + step, ... < stop."""
        end = self._source.n_frames if stop is None else min(stop, self._source.n_frames)
        if step != 1:
            yield from self._source.chunks(start, end, step, box=box, size=size)
            return
        at = start
        while at < end:
            piece = self.piece(at)
            if piece is not None:
                last = min(piece[1], end)
            elif at < self._first:
                last = min(self._first, end)
            else:
                last = end
            yield from self._source.chunks(at, last, box=box, size=size)
            at = last
