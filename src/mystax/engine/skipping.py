"""Frames at which the decoder dies: a source that leaves them out and says so (V107)."""

from collections.abc import Iterator, Sequence

import numpy as np

from mystax.core.geometry import Box
from mystax.core.quality import Flag
from mystax.core.recording import FrameChunk, FrameSource, Reason, adjacency, chunk_length
from mystax.engine.wrapped import WrappedSource
from mystax.errors import NumbersError

__all__ = ["SkippingSource"]


class SkippingSource(WrappedSource):
    """A source without some ranges of frames: they are missing (reason 1) and never decoded.

    Parameters
    ----------
    source : FrameSource
        The frames.
    ranges : sequence of tuple of two ints
        Frames start <= i < stop to leave out; in order, without overlap.
    """

    def __init__(self, source: FrameSource, ranges: Sequence[tuple[int, int]]) -> None:
        super().__init__(source)
        self._ranges = merge_ranges(ranges, source.n_frames)
        self._form: FrameChunk | None = None

    @property
    def flags(self) -> tuple[Flag, ...]:
        """Remarks on the source, and what was left out."""
        skipped = tuple(
            Flag.about(
                "V107",
                f"the decoder died or stalled three times here: frames {start} to {stop - 1} are missing",
                range(start, stop),
            )
            for start, stop in self._ranges
        )
        return (*self._source.flags, *skipped)

    def chunks(
        self,
        start: int = 0,
        stop: int | None = None,
        step: int = 1,
        *,
        box: Box | None = None,
        size: int | None = None,
    ) -> Iterator[FrameChunk]:
        """Give frames start, start + step, ... < stop; frames left out come as missing ones."""
        end = self.n_frames if stop is None else min(stop, self.n_frames)
        at = start
        while at < end:
            inside = next((item for item in self._ranges if item[0] <= at < item[1]), None)
            if inside is not None:
                last = min(inside[1], end)
                yield from self._missing(np.arange(at, last, step), box, size, step == 1)
            else:
                last = min([first for first, _ in self._ranges if first > at] + [end])
                for chunk in self._source.chunks(at, last, step, box=box, size=size):
                    yield self._cut(chunk)
            at += -(-(last - at) // step) * step

    def _cut(self, chunk: FrameChunk) -> FrameChunk:
        """Mark the first frame behind a range: what is before it was not read."""
        behind = np.isin(chunk.index, [stop for _, stop in self._ranges])
        if not behind.any():
            return chunk
        return FrameChunk(
            chunk.index,
            chunk.time,
            chunk.codes,
            chunk.grey_map,
            chunk.valid,
            chunk.reason,
            chunk.adjacent & ~behind,
            chunk.origin,
            chunk.cache,
        )

    def _missing(
        self, frames: np.ndarray, box: Box | None, size: int | None, in_order: bool
    ) -> Iterator[FrameChunk]:
        form = self._find_form()
        area = (box or Box(0, 0, self.shape[1], self.shape[0])).clip(self.shape)
        adjacent = adjacency(self.times)
        length = size or chunk_length(self.shape, form.codes.dtype.itemsize)
        for first in range(0, len(frames), length):
            part = frames[first : first + length]
            codes = np.zeros((len(part), area.height, area.width), form.codes.dtype)
            codes.flags.writeable = False
            yield FrameChunk(
                part.astype(np.int64),
                self.times[part],
                codes,
                form.grey_map,
                np.zeros(len(part), bool),
                np.full(len(part), int(Reason.UNDECODABLE), np.uint8),
                adjacent[part] & in_order,
                (area.x0, area.y0),
            )

    def _find_form(self) -> FrameChunk:
        """Return a frame outside the ranges: missing frames have its type and grey map."""
        if self._form is None:
            places = [0, *(stop for _, stop in self._ranges)]
            good = [at for at in places if at < self.n_frames and not self._is_out(at)]
            if not good:
                raise NumbersError("N303", "video", "no frame is left to compute with")
            self._form = self._source.frame_at(good[0])
        return self._form

    def _is_out(self, frame: int) -> bool:
        return any(start <= frame < stop for start, stop in self._ranges)

    def frame_at(self, index: int) -> FrameChunk:
        """Give one frame as a chunk of one."""
        if self._is_out(index):
            return next(iter(self._missing(np.array([index]), None, 1, True)))
        return self._cut(self._source.frame_at(index))

    def sample(self, n: int) -> FrameChunk:
        """Give up to n valid frames, evenly spaced over the frames that are not left out."""
        left = np.ones(self.n_frames, bool)
        for start, stop in self._ranges:
            left[start:stop] = False
        frames = np.flatnonzero(left)
        places = np.unique(np.linspace(0, max(0, len(frames) - 1), min(n, len(frames))).round().astype(int))
        single = [self._source.frame_at(int(frames[place])) for place in places]
        good = [chunk for chunk in single if chunk.valid[0]]
        if not good:
            return self._find_form().part(0, 0)
        return FrameChunk(
            np.concatenate([chunk.index for chunk in good]),
            np.concatenate([chunk.time for chunk in good]),
            np.concatenate([chunk.codes for chunk in good]),
            good[0].grey_map,
            np.ones(len(good), bool),
            np.zeros(len(good), np.uint8),
            np.zeros(len(good), bool),
        )

    def copy(self) -> "SkippingSource":
        """Give another reader of the same frames."""
        return SkippingSource(self._source.copy(), self._ranges)


def merge_ranges(ranges: Sequence[tuple[int, int]], n_frames: int) -> tuple[tuple[int, int], ...]:
    """Sort ranges, join those that touch, and cut them to the frames there are."""
    merged: list[tuple[int, int]] = []
    for start, stop in sorted((max(0, start), min(stop, n_frames)) for start, stop in ranges):
        if start >= stop:
            continue
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(stop, merged[-1][1]))
        else:
            merged.append((start, stop))
    return tuple(merged)
