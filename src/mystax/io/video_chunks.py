"""Decoded frames into chunks: several files as one, nothing invented."""

import sys
from collections.abc import Generator, Sequence

import numpy as np

from mystax.core.recording import FrameChunk, Reason
from mystax.core.typing import Int64, Shaped, UInt8
from mystax.errors import VideoError
from mystax.io.video_decode import Decoder
from mystax.io.video_parts import Findings, Part, Request, Timeline
from mystax.io.video_pixels import Picture

__all__ = ["assemble", "make_chunk"]

MAX_OTHER_SIZE = 0.01


class _Buffers:
    """Pixel buffers that are used again once nobody holds a chunk of them any more."""

    def __init__(self, shape: tuple[int, int, int], dtype: np.dtype) -> None:
        self._shape, self._dtype = shape, dtype
        self._all: list[np.ndarray] = []

    def take(self) -> Shaped[np.ndarray, "n y x"]:
        """Return a buffer that is free, or a new one."""
        for k in range(len(self._all)):
            # Two references: the list, and the argument of getrefcount.
            if sys.getrefcount(self._all[k]) == 2:
                return self._all[k]
        self._all.append(np.empty(self._shape, self._dtype))
        return self._all[-1]


class _Assembly:
    """Rows of the chunks that are not complete yet."""

    def __init__(
        self, parts: Sequence[Part], request: Request, timeline: Timeline, findings: Findings
    ) -> None:
        self.parts, self.request, self.timeline, self.findings = parts, request, timeline, findings
        length = min(request.size, max(1, len(request.frames)))
        shape = (length, request.box.height, request.box.width)
        self._buffers = _Buffers(shape, parts[0].plan.dtype)
        self._open: dict[int, np.ndarray] = {}
        self._reason = np.zeros(length, np.uint8)
        self._length = length
        self._done = 0  # chunks handed over
        self._rows = 0  # rows of the next chunk whose reason is known
        self._n_other = 0

    def put(self, frame: int, part: Part, picture: Picture) -> bool:
        """Write a picture to its row if it is wanted; False if it is of another kind than the video."""
        if not part.fits(picture):
            return False
        frames = self.request.frames
        place = frame - frames.start
        if place < 0 or frame >= frames.stop or place % frames.step:
            return True
        chunk, row = divmod(place // frames.step, self._length)
        if chunk < self._done or (chunk == self._done and row < self._rows):
            return True
        if chunk not in self._open:
            self._open[chunk] = self._buffers.take()
        self._open[chunk][row] = part.grey(picture, None if self.request.whole else self.request.box)
        return True

    def last_frame(self) -> int:
        """Return the last frame of the next chunk."""
        stop = min((self._done + 1) * self._length, len(self.request.frames))
        return self.request.frames[stop - 1]

    def is_complete(self) -> bool:
        """Tell whether all wanted frames were handed over."""
        return self._done * self._length >= len(self.request.frames)

    def judge(self, part: Part, decoder: Decoder) -> None:
        """Take the reasons of those rows of the next chunk that lie in a file."""
        frames = self.request.frames[self._done * self._length :][: self._length]
        frames = frames[self._rows :]
        frames = frames[: len(range(frames.start, part.offset + part.index.n_frames, frames.step))]
        if not len(frames):
            return
        first, last = frames[0], frames[-1]
        local = (first - part.offset, last + 1 - part.offset)
        if decoder.are_plain(*local) and not decoder.gave_up:
            self.findings.reason[first : last + 1] = Reason.GOOD
            self._reason[self._rows : self._rows + len(frames)] = Reason.GOOD
        else:
            reason = decoder.reasons(*local)
            self.findings.silent.update(part.offset + frame for frame in decoder.silent_frames(*local))
            if decoder.gave_up:
                self.findings.ended.add(first)
            self.findings.reason[first : last + 1] = reason
            self._refuse(part, reason, first)
            self._reason[self._rows : self._rows + len(frames)] = reason[:: frames.step]
        self._rows += len(frames)

    def _refuse(self, part: Part, reason: np.ndarray, first: int) -> None:
        """Raise what the policy, or a change of size, does not allow."""
        self._n_other += int((reason == Reason.OTHER_SIZE).sum())
        if self._n_other > MAX_OTHER_SIZE * part.index.n_frames:
            raise VideoError(
                "V120",
                part.library.where,
                "the picture changes its size, format or grey range inside the file",
                expected=f"{part.size[0]} x {part.size[1]} pixels, {part.pixel_format}, "
                f"{part.color_range} range",
                got=f"{self._n_other} other frames",
                hint="cut the file where it changes, or say grey_range= if only the range does",
            )
        damaged = np.flatnonzero((reason > 0) & (reason <= Reason.DOUBTFUL))
        if self.request.damage == "refuse" and len(damaged):
            raise VideoError(
                "V105",
                part.library.where,
                f"frame {first + int(damaged[0])} is damaged",
                hint="damage='mark' makes damaged frames missing",
            )

    def take(self) -> FrameChunk:
        """Return the next chunk, whose rows are all known."""
        request = self.request
        frames = request.frames[self._done * self._length :][: self._length]
        n = len(frames)
        buffer = self._open.pop(self._done, None)
        codes = self._buffers.take()[:n] if buffer is None else buffer[:n]
        index = np.arange(frames.start, frames.stop, frames.step, dtype=np.int64)
        chunk = make_chunk(index, codes, self._reason[:n].copy(), self.timeline, request)
        self._done += 1
        self._rows = 0
        return chunk


def make_chunk(
    index: Int64[np.ndarray, " n"],
    codes: Shaped[np.ndarray, "n y x"],
    reason: UInt8[np.ndarray, " n"],
    timeline: Timeline,
    request: Request,
) -> FrameChunk:
    """Make a chunk of rows: fill those that are missing, add times and neighbourhood."""
    if timeline.no_time is not None:
        reason[timeline.no_time[index]] = Reason.NO_TIME
    valid = reason == Reason.GOOD
    if request.damage == "keep":
        valid |= (reason == Reason.CORRUPT) | (reason == Reason.DOUBTFUL)
    if not valid.all():
        codes[~valid] = request.poison
    codes = codes[:]
    codes.flags.writeable = False
    adjacent = timeline.adjacent[index] if request.frames.step == 1 else np.zeros(len(index), bool)
    origin = (request.box.x0, request.box.y0)
    return FrameChunk(index, timeline.times[index], codes, request.grey_map, valid, reason, adjacent, origin)


def assemble(
    parts: Sequence[Part], request: Request, timeline: Timeline, findings: Findings
) -> Generator[FrameChunk, None, None]:
    """Decode the wanted frames and give them in chunks.

    Parameters
    ----------
    parts : sequence of Part
        The files in order.
    request : Request
        Which frames, and how.
    timeline : Timeline
        Their times.
    findings : Findings
        Takes what decoding shows.

    Yields
    ------
    FrameChunk
        Consecutive wanted frames.

    Raises
    ------
    VideoError
        V105 with ``damage="refuse"``; V120, if more than 1 % of the frames of a file have another size;
        V130 or V131, if the file changed or could not be read.
    """
    assembly = _Assembly(parts, request, timeline, findings)
    for part in parts:
        stop = part.offset + part.index.n_frames
        if assembly.is_complete():
            return
        first = max(part.offset, request.frames[0])
        if first >= stop or part.offset >= request.frames.stop:
            continue
        decoder = part.decoder(request.threads)
        try:
            decoder.start(part.index.start_for(first - part.offset))
            yield from _decode_part(part, decoder, assembly, stop)
            part.check()
        finally:
            decoder.close()


def _decode_part(
    part: Part, decoder: Decoder, assembly: _Assembly, stop: int
) -> Generator[FrameChunk, None, None]:
    """Decode one file, and give the chunks that end in it."""

    def needed() -> int:
        last = assembly.last_frame()
        return int(part.index.reach[last - part.offset]) if last < stop else sys.maxsize

    goal = needed()
    while not assembly.is_complete():
        for local, picture in decoder.step():
            if not assembly.put(part.offset + local, part, picture):
                decoder.mark_other(local)
        while decoder.settled >= goal or (decoder.finished and goal < sys.maxsize):
            assembly.judge(part, decoder)
            yield assembly.take()
            if assembly.is_complete():
                return
            goal = needed()
        if decoder.finished:
            assembly.judge(part, decoder)
            return
