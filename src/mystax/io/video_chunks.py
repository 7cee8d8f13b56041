"""Decoded frames into chunks: several files as one, nothing invented, and a thread that reads ahead."""

import queue
import sys
import threading
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np

from mystax.core.geometry import Box
from mystax.core.quality import Flag
from mystax.core.recording import FrameChunk, GreyMap, Reason
from mystax.core.typing import Bool, Float64, Int64, Shaped, UInt8
from mystax.errors import ParameterError, VideoError
from mystax.io.video_decode import Decoder
from mystax.io.video_index import FrameIndex
from mystax.io.video_library import Library
from mystax.io.video_pixels import Picture, PixelPlan, read_grey

__all__ = ["Damage", "Findings", "Part", "Request", "Timeline", "assemble", "check_damage", "read_ahead"]

Damage = Literal["mark", "keep", "refuse"]
MAX_OTHER_SIZE = 0.01
UNKNOWN = 255


def check_damage(damage: str) -> Damage:
    """Return the policy for damaged frames.

    Raises
    ------
    ParameterError
        P401, if it is not ``mark``, ``keep`` or ``refuse``.
    """
    for known in get_args(Damage):
        if damage == known:
            found: Damage = known
            return found
    raise ParameterError(
        "P401", "parameter 'damage'", expected=" or ".join(get_args(Damage)), got=repr(damage)
    )


@dataclass(frozen=True, eq=False)
class Part:
    """One file of a camera, ready to be decoded.

    Attributes
    ----------
    library : Library
        How to open it.
    index : FrameIndex
        Its packets and frames.
    offset : int
        Number of its first frame in the camera.
    size : tuple of int
        Width and height as decoded [px].
    pixel_format : str
        FFmpeg's name of the pixel format.
    plan : PixelPlan
        How its grey is read.
    rotation : int
        Counter-clockwise turn for display [degrees].
    reopen_after : int
        Packets after which the decoder is opened anew.
    suspects : set of int
        Groups of pictures in which packets may have been lost.
    check : callable
        Raises V130 if the file is no longer the one that was indexed.
    """

    library: Library
    index: FrameIndex
    offset: int
    size: tuple[int, int]
    pixel_format: str
    plan: PixelPlan
    rotation: int
    reopen_after: int
    suspects: frozenset[int]
    check: Callable[[], None]

    def decoder(self, threads: int) -> Decoder:
        """Return a decoder of the file."""
        return Decoder(
            self.library,
            self.index,
            threads=threads,
            reopen_after=self.reopen_after,
            suspects=self.suspects,
        )

    def fits(self, picture: Picture) -> bool:
        """Tell whether a picture has the size and format of the file."""
        return (picture.width, picture.height) == self.size and picture.format.name == self.pixel_format

    def grey(self, picture: Picture, box: Box | None) -> Shaped[np.ndarray, "y x"]:
        """Read the codes of a picture."""
        return read_grey(picture, self.plan, self.rotation, box)


@dataclass(frozen=True, eq=False)
class Timeline:
    """Times of all frames of a camera.

    Attributes
    ----------
    times : array (time,)
        Times [s]; NaN where `no_time`.
    adjacent : array (time,)
        Whether each frame follows the one before without a gap.
    no_time : array (time,) or None
        Frames without a time.
    """

    times: Float64[np.ndarray, " time"]
    adjacent: Bool[np.ndarray, " time"]
    no_time: Bool[np.ndarray, " time"] | None = None


@dataclass(frozen=True, eq=False)
class Findings:
    """What decoding has shown so far; shared by all readers of a camera.

    Attributes
    ----------
    reason : array (time,)
        `Reason` of each frame that was read; 255 for the others.
    silent : set of int
        Frames whose packets held no picture.
    ended : set of int
        First frames of the ends that were given up.
    """

    reason: UInt8[np.ndarray, " time"]
    silent: set[int] = field(default_factory=set)
    ended: set[int] = field(default_factory=set)

    def flags(self) -> list[Flag]:
        """Return what was found as quality flags."""
        found = []
        known = self.reason != UNKNOWN
        damaged = known & np.isin(self.reason, (Reason.UNDECODABLE, Reason.CORRUPT, Reason.DOUBTFUL))
        damaged[sorted(self.silent)] = False
        if damaged.any():
            counts = np.bincount(self.reason[damaged], minlength=4)
            text = (
                f"damaged packets: {counts[1]} frames cannot be decoded, {counts[2]} are corrupt, "
                f"{counts[3]} depend on damaged ones"
            )
            found.append(Flag.about("V105", text, np.flatnonzero(damaged)))
        if self.ended:
            found.append(Flag.about("V101", "the end of the file cannot be decoded", self.ended))
        if self.silent:
            found.append(
                Flag.about(
                    "V115",
                    f"{len(self.silent)} packets hold no picture; they are missing frames",
                    self.silent,
                )
            )
        other = np.flatnonzero(known & (self.reason == Reason.OTHER_SIZE))
        if len(other):
            found.append(Flag.about("V120", f"{len(other)} frames have another size", other))
        return found


@dataclass(frozen=True, eq=False)
class Request:
    """Which frames are wanted, and how.

    Attributes
    ----------
    frames : range
        Frame numbers over all files.
    size : int
        Frames per chunk.
    box : Box
        Part of the displayed picture.
    whole : bool
        Whether the box is the whole picture.
    grey_map : GreyMap
        Codes to grey levels.
    damage : {"mark", "keep", "refuse"}
        What to do with corrupt and doubtful frames.
    poison : int
        Code that fills missing frames.
    threads : int
        Decoder threads.
    """

    frames: range
    size: int
    box: Box
    whole: bool
    grey_map: GreyMap
    damage: Damage
    poison: int
    threads: int


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
        """Write a picture to its row if it is wanted; False if it has another size than the video."""
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
                "the picture changes its size or format inside the file",
                expected=f"{part.size[0]} x {part.size[1]} pixels, {part.pixel_format}",
                got=f"{self._n_other} other frames",
                hint="cut the file where the size changes",
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


def read_ahead(chunks: Generator[FrameChunk, None, None]) -> Generator[FrameChunk, None, None]:
    """Give the items of a generator that runs in a thread of its own, one item ahead.

    The thread ends when the consumer stops, and its exceptions are raised here.
    """
    ready: queue.Queue[FrameChunk | BaseException | None] = queue.Queue(maxsize=1)
    stopped = threading.Event()

    def hand_over(item: FrameChunk | BaseException | None) -> bool:
        while not stopped.is_set():
            try:
                ready.put(item, timeout=0.2)
            except queue.Full:
                continue
            return True
        return False

    def work() -> None:
        last: BaseException | None = None
        try:
            for chunk in chunks:
                if not hand_over(chunk):
                    break
                del chunk
        except BaseException as error:  # noqa: BLE001 - raised again in the consumer's thread
            last = error
        chunks.close()
        hand_over(last)

    thread = threading.Thread(target=work, name="mystax-reader", daemon=True)
    thread.start()
    try:
        while True:
            item = ready.get()
            if isinstance(item, BaseException):
                raise item
            if item is None:
                return
            yield item
            item = None  # let go of the pixels while waiting
    finally:
        stopped.set()
        thread.join()
