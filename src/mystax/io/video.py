"""The video door: the only module that knows FFmpeg's library (av).  `Video` reads, `VideoWriter` writes."""

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any

import av
import av.error
import av.logging
import av.packet
import av.video.frame
import av.video.stream
import numpy as np

from mystax.core.clock import Clock
from mystax.core.geometry import Box
from mystax.core.quality import Flag, merge_flags
from mystax.core.recording import FrameChunk, adjacency, chunk_length
from mystax.core.safe_names import is_there
from mystax.core.typing import Bool, Float64, Int64, Shaped
from mystax.errors import MystaxError, ParameterError, RecipeError, VideoError
from mystax.io.video_access import RandomAccess, sample_places
from mystax.io.video_chunks import (
    UNKNOWN,
    Findings,
    Request,
    Timeline,
    assemble,
    check_damage,
    make_chunk,
    read_ahead,
)
from mystax.io.video_decode import Library, Opened, is_readable, read_failure
from mystax.io.video_files import (
    check_different,
    check_equal,
    check_rates,
    clock_for_frames,
    clock_from_values,
    clock_values,
    format_of,
    key_frames_of,
    list_files,
    part_of,
    picture_of,
    thread_count,
)
from mystax.io.video_index import INTRA_ONLY
from mystax.io.video_pixels import grey_map_of
from mystax.io.video_probe import Probe, Scan, look_at, scan_file
from mystax.io.video_times import join_timings

__all__ = ["Packet", "Probe", "Video", "VideoWriter", "write_audio_only"]

Packet = av.packet.Packet
OnPacket = Callable[[int, Packet], Sequence[Packet]]
ENCODERS = {"h264": "libx264", "hevc": "libx265", "vp8": "libvpx", "vp9": "libvpx-vp9"}
RANGES = {"tv": 1, "pc": 2}
NTH_OF_RGB = {"rgb": (0, 1, 2), "bgr": (2, 1, 0), "gbr": (1, 2, 0)}
CONTAINERS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,asf,ivf,yuv4mpegpipe,h264,hevc,mjpeg"
STRICT = "crccheck+bitstream+buffer+explode"
BOXES = (b"ftyp", b"mdat", b"free", b"wide", b"skip", b"moov", b"uuid", b"pnot")
MATROSKA = b"\x1a\x45\xdf\xa3"


_SINK: list[av.logging.Capture] = []


def listen_to_log() -> None:
    """Have FFmpeg's error lines counted and collected, and never printed."""
    level = av.logging.get_level()
    if level is None or level < av.logging.ERROR:
        av.logging.set_level(av.logging.ERROR)
    if av.logging.get_skip_repeated():
        av.logging.set_skip_repeated(False)
        # Lines of decoder threads would go to the logging module, and from there to the terminal.
        _SINK.append(av.logging.Capture(local=False))
        _SINK[0].__enter__()
    del _SINK[0].logs[:]


def count_errors() -> int:
    """Return how many error lines FFmpeg wrote in this process since they are counted."""
    return int(av.logging.get_last_error()[0])


def _open_file(path: Path, stream: int | None, threads: int) -> Opened:
    """Open a file under the rules for foreign videos: a plain file, a listed container, no references.

    Raises
    ------
    VideoError
        V102, V103, V104 or V131.
    RecipeError
        P403, if there is no such file.
    """
    where = str(path)
    listen_to_log()
    rules = {"format_whitelist": CONTAINERS, "protocol_whitelist": "file"}
    with av.logging.Capture(local=True) as lines:
        try:
            container = av.open(f"file:{path}", options=rules, metadata_errors="replace")
        except (av.error.FFmpegError, ValueError) as error:
            raise _refusal(path, error, [line[2] for line in lines]) from error
    try:
        chosen = _choose_stream(container, stream, where)
        context = chosen.codec_context
        if context is None:
            raise VideoError("V104", where, "there is no decoder for its codec")
        context.thread_type = "AUTO"
        context.thread_count = threads
        context.copy_opaque = True
        if context.name in INTRA_ONLY:
            context.options = {"err_detect": STRICT}
        elif context.name == "hevc":
            # Checks the sums of pictures where the encoder wrote them; nothing else shows damage there.
            context.options = {"err_detect": "crccheck"}
    except BaseException:
        container.close()
        raise
    return Opened(container, chosen, context, threads)


def _choose_stream(container: Any, stream: int | None, where: str) -> Any:
    """Return the video stream that is meant; pictures of covers are none."""
    real = [
        one for one in container.streams.video if not one.disposition & av.stream.Disposition.attached_pic
    ]
    if not real:
        kinds = ", ".join(one.type for one in container.streams) or "nothing"
        raise VideoError("V104", where, expected="a video stream", got=kinds)
    if (stream is None and len(real) > 1) or (stream is not None and not 0 <= stream < len(real)):
        listed = "; ".join(f"{k}: {_describe(one)}" for k, one in enumerate(real))
        raise VideoError(
            "V104", where, f"it has {len(real)} video streams ({listed})", hint="choose one with stream="
        )
    return real[stream or 0]


def _describe(stream: Any) -> str:
    """Say what a video stream is."""
    context = stream.codec_context
    return "no decoder" if context is None else f"{context.name} {context.width} x {context.height}"


def _refusal(path: Path, error: Exception, lines: Sequence[str]) -> MystaxError:
    """Say in our words why a file cannot be opened."""
    where = str(path)
    disk = read_failure(error, where)
    if disk is not None and not is_readable(path):
        return disk
    if not is_there(path):
        return RecipeError("P403", where, "there is no such file")
    if isinstance(error, PermissionError):
        return RecipeError("P403", where, "the file may not be read", hint="check its permissions")
    with path.open("rb") as file:
        head = file.read(64)
        size = file.seek(0, os.SEEK_END)
    if size == 0:
        return VideoError("V103", where, "the file is empty")
    if head[4:8] in BOXES and any("moov atom not found" in line for line in lines):
        if size > 4096:
            hint = "the recording was never closed; try untrunc, with a good file of the same camera"
            return VideoError("V102", where, "the index (moov) is missing", hint=hint)
        return VideoError("V103", where, "the file holds a header and no frame")
    is_avi = head.startswith(b"RIFF") and head[8:11] == b"AVI"  # sound has the same first letters
    if is_avi or head.startswith(MATROSKA):
        return VideoError("V103", where, "the file holds a header and no frame", got=str(error))
    return VideoError("V104", where, "not a video that can be opened", got=_reason(error, lines))


def _reason(error: Exception, lines: Sequence[str]) -> str:
    text = lines[-1].strip() if lines else getattr(error, "strerror", None) or str(error)
    return str(text).rstrip(".")


@contextlib.contextmanager
def _listen(everything: bool) -> Iterator[list[Any]]:
    """Collect FFmpeg's lines of this thread; those for developers too, where everything is wanted."""
    level = av.logging.get_level()
    if everything:
        av.logging.set_level(av.logging.DEBUG)
    try:
        with av.logging.Capture(local=True) as lines:
            yield lines
    finally:
        if everything:
            av.logging.set_level(level)


def _twin(packet: Any) -> Any:
    """Copy the data of a packet and what comes with them."""
    twin = Packet(bytes(packet))
    for side in packet.iter_sidedata():
        side.to_packet(twin)
    return twin


def _library(path: Path, stream: int | None) -> Library:
    """Bind the calls of FFmpeg's library to one file."""

    def opened(threads: int) -> Opened:
        return _open_file(path, stream, threads)

    return Library(str(path), opened, count_errors, _listen, av.error.FFmpegError, _twin)


class Video:
    """Frames of one camera, from one file or several consecutive ones.

    Implements `mystax.core.recording.FrameSource`.  One thread uses it; `copy` gives another reader of the
    same index.

    Parameters
    ----------
    paths : str, Path or sequence of them
        The files in order.
    stream : int, optional
        Which video stream, where a file has several.
    damage : {"mark", "keep", "refuse"}, optional
        Corrupt frames and those that depend on damaged ones are missing, kept, or refused.
    grey_range : {"auto", "full", "limited"}, optional
        Whether codes fill the depth; by default the file decides.
    rate : Fraction, optional
        Constant rate [1/s] instead of the stamps of the file.
    clock : Clock, optional
        Times of all frames instead of the stamps of the file.
    poison : int, optional
        Code that fills missing frames (a test hook: it may change no outcome).
    threads : int or "auto", optional
        Decoder threads; by default one for each core, at most 8.

    Raises
    ------
    VideoError
        V102, V103, V104, V120, V131; with ``damage="refuse"`` also V101, V105, V106.
    RecipeError
        P403, for a file that does not exist, or the same one twice.
    ParameterError
        P401, for a parameter out of its range.

    Examples
    --------
    >>> video = Video("face.mp4")  # doctest: +SKIP
    >>> for chunk in video.chunks():  # doctest: +SKIP
    ...     print(chunk.index[0], chunk.data.mean())
    """

    def __init__(
        self,
        paths: str | Path | Sequence[str | Path],
        *,
        stream: int | None = None,
        damage: str = "mark",
        grey_range: str = "auto",
        rate: Fraction | None = None,
        clock: Clock | None = None,
        poison: int = 0,
        threads: int | str = "auto",
    ) -> None:
        self._damage = check_damage(damage)
        self._poison = poison
        self._threads = thread_count(threads)
        self._options: dict[str, Any] = {"stream": stream, "damage": damage, "grey_range": grey_range}
        files = list_files(paths)
        scans = [_scan(path, stream) for path in files]
        check_equal([(scan.path, format_of(scan)) for scan in scans])
        self._files = [look_at(scan, grey_range) for scan in scans]
        check_equal([(facts.scan.path, picture_of(facts)) for facts in self._files])
        check_rates(self._files)
        if len(files) > 1:
            check_different(self._files)
        if damage == "refuse":
            self._refuse_flags()
        offsets = np.cumsum([0] + [facts.index.n_frames for facts in self._files])
        self._parts = [
            part_of(facts, int(offset)) for facts, offset in zip(self._files, offsets[:-1], strict=True)
        ]
        self._n_frames = int(offsets[-1])
        timings = [facts.timing for facts in self._files]
        own, proven = join_timings(timings, [facts.index.n_frames for facts in self._files])
        self._boundaries = offsets[1:-1]
        self._proven = proven
        self._findings = Findings(np.full(self._n_frames, UNKNOWN, np.uint8))
        self._no_time: Bool[np.ndarray, " time"] | None = None
        self._given: Clock | None = None
        self._own = self._clock = own
        self._access: RandomAccess | None = None
        if rate is not None:
            self._set_clock(Clock.from_rate(Fraction(rate), self._n_frames), None)
        if clock is not None:
            self._set_clock(clock, None)

    # ------------------------------------------------------------------ what it is

    @property
    def files(self) -> tuple[str, ...]:
        """The files in order."""
        return tuple(str(facts.scan.path) for facts in self._files)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of a frame [px], as displayed."""
        return self._files[0].shape

    @property
    def bits(self) -> int:
        """Depth of the frames."""
        return self._files[0].plan.bits

    @property
    def n_frames(self) -> int:
        """Number of frames."""
        return self._n_frames

    @property
    def n_claimed(self) -> int:
        """Number of frames that there should be, by headers that are believed."""
        return sum(facts.n_claimed for facts in self._files)

    @property
    def damage(self) -> str:
        """What happens to corrupt frames."""
        return self._damage

    @property
    def key_frames(self) -> Int64[np.ndarray, " key"]:
        """Numbers of the frames at which decoding can start."""
        return np.unique(np.concatenate([key_frames_of(part) for part in self._parts]))

    @cached_property
    def identity(self) -> tuple[str, ...]:
        """Quick ids of the files, and the options that change what is read from them."""
        ids = [facts.fingerprint for facts in self._files]
        defaults = {"stream": None, "damage": "mark", "grey_range": "auto"}
        return (*ids, *(f"{k}={v}" for k, v in self._options.items() if v != defaults[k]))

    @cached_property
    def probes(self) -> tuple[Probe, ...]:
        """What is known of each file."""
        return tuple(facts.probe() for facts in self._files)

    def probe(self) -> Probe:
        """Return what is known of the first file."""
        return self.probes[0]

    @property
    def clock(self) -> Clock:
        """Times of all frames.

        Raises
        ------
        VideoError
            V111, if the file has none and none were given.
        """
        if self._clock is None:
            raise VideoError(
                "V111",
                self.files[0],
                "the file has no time stamps",
                hint="give its rate or a clock file (--clock rate:30)",
            )
        return self._clock

    @property
    def times(self) -> Float64[np.ndarray, " time"]:
        """Times of all frames [s], session clock; NaN where there is none."""
        return self._timeline.times

    @property
    def flags(self) -> tuple[Flag, ...]:
        """Remarks on the files, and on what decoding has shown so far."""
        joined = [facts.flags for facts in self._files]
        offsets = [part.offset for part in self._parts]
        moved = [
            [Flag(f.code, f.text, tuple(k + offset for k in f.frames), f.n_frames) for f in flags]
            for flags, offset in zip(joined, offsets, strict=True)
        ]
        assumed: list[Flag] = []
        if self._keeps_stamps and not all(self._proven):
            frames = [int(b) for b, sure in zip(self._boundaries, self._proven, strict=True) if not sure]
            text = "files are taken to follow each other without a gap: boundary time assumed"
            assumed.append(Flag.about("V121", text, frames))
        own_times = ("V110", "V111", "V113", "V117")
        kept = [[f for f in flags if self._keeps_stamps or f.code not in own_times] for flags in moved]
        return tuple(merge_flags(*kept, assumed, self._findings.flags()))

    @property
    def coverage(self) -> float:
        """Valid frames as a share of those that there should be; frames not read yet count as valid."""
        bad = np.isin(self._findings.reason, (0, UNKNOWN), invert=True)
        return float(self._n_frames - int(bad.sum())) / max(1, self.n_claimed)

    def findings_state(self) -> dict[str, np.ndarray]:
        """Return what decoding has shown so far as plain arrays, for a checkpoint."""
        found = self._findings
        return {
            "reason": found.reason.copy(),
            "silent": np.array(sorted(found.silent), np.int64),
            "ended": np.array(sorted(found.ended), np.int64),
        }

    def restore_findings(self, state: Mapping[str, np.ndarray]) -> None:
        """Take what decoding had shown before an interruption: remarks must not depend on it."""
        self._findings.reason[:] = state["reason"]
        self._findings.silent.update(int(frame) for frame in state["silent"])
        self._findings.ended.update(int(frame) for frame in state["ended"])

    # ------------------------------------------------------------------ frames

    def chunks(
        self,
        start: int = 0,
        stop: int | None = None,
        step: int = 1,
        *,
        box: Box | None = None,
        size: int | None = None,
    ) -> Iterator[FrameChunk]:
        """Give frames start, start + step, ... < stop in chunks, decoded ahead in a thread of their own.

        Parameters
        ----------
        start, stop, step : int, optional
            Which frames; by default all.
        box : Box, optional
            Part of the picture; by default the whole.
        size : int, optional
            Frames per chunk; by default 32 MiB of pixels, 16 to 512 frames.

        Yields
        ------
        FrameChunk
            Consecutive wanted frames.

        Raises
        ------
        VideoError
            V105 with ``damage="refuse"``; V111 without times; V120, V130, V131.
        """
        end = self._n_frames if stop is None else min(stop, self._n_frames)
        if start < 0 or step < 1 or (size is not None and size < 1):
            raise ParameterError("P401", "chunks", expected="start >= 0, step >= 1, size >= 1")
        request = self._request(range(start, max(start, end), step), box, size)
        if len(request.frames) and request.box.width and request.box.height:
            yield from read_ahead(assemble(self._parts, request, self._timeline, self._findings))

    def _request(self, frames: range, box: Box | None, size: int | None) -> Request:
        whole = Box(0, 0, self.shape[1], self.shape[0])
        area = whole if box is None else box.clip(self.shape)
        plan = self._files[0].plan
        return Request(
            frames=frames,
            size=size or chunk_length((area.height, area.width), plan.dtype.itemsize),
            box=area,
            whole=area == whole,
            grey_map=grey_map_of(self._files[0].color_range, plan.bits),
            damage=self._damage,
            poison=self._poison,
            threads=self._threads,
        )

    def frame_at(self, index: int) -> FrameChunk:
        """Give one frame as a chunk of one, equal bit for bit to the sequential frame.

        Raises
        ------
        IndexError
            If there is no such frame.
        """
        if not 0 <= index < self._n_frames:
            raise IndexError(f"frame {index} is outside 0..{self._n_frames - 1}")
        return self._single_frames([index], alone=False, in_order=True)

    def _single_frames(self, frames: Sequence[int], *, alone: bool, in_order: bool) -> FrameChunk:
        """Give frames at random as one chunk."""
        if self._access is None:
            self._access = RandomAccess(self._parts)
        request = self._request(range(0, 1, 1 if in_order else 2), None, None)
        codes = np.full((len(frames), *self.shape), self._poison, self._files[0].plan.dtype)
        reason = np.zeros(len(frames), np.uint8)
        for row, frame in enumerate(frames):
            pixels, reason[row] = self._access.frame(frame, alone=alone)
            if pixels is not None and pixels.shape == self.shape:
                codes[row] = pixels
        return make_chunk(np.array(frames, np.int64), codes, reason, self._timeline, request)

    def sample(self, n: int) -> FrameChunk:
        """Give up to n valid frames at fixed places, the same for every caller.

        Parameters
        ----------
        n : int
            How many at most.

        Returns
        -------
        FrameChunk
            Key frames spread over the video (`mystax.io.video_access.sample_places`); those that are not
            valid are replaced by the next key frame that is.
        """
        keys = self.key_frames
        places, are_keys = sample_places(n, self._n_frames, keys)
        alone = are_keys and all(part.index.route == "stamp" for part in self._parts)
        chosen: list[int] = []
        for place in places.tolist():
            later = [place, *(int(key) for key in keys[keys > place][:8])]
            for frame in later:
                if frame in chosen:
                    continue
                one = self._single_frames([frame], alone=alone or frame != place, in_order=False)
                if one.valid[0]:
                    chosen.append(frame)
                    break
        return self._single_frames(sorted(chosen), alone=alone, in_order=False)

    def color_at(self, index: int) -> Shaped[np.ndarray, "y x colour"]:
        """Give a frame in red, green and blue of 8 bits: for display only.

        A frame that cannot be decoded is black.
        """
        if not 0 <= index < self._n_frames:
            raise IndexError(f"frame {index} is outside 0..{self._n_frames - 1}")
        access = RandomAccess(self._parts, colour=True, limit=0)
        try:
            pixels, _ = access.frame(index)
        finally:
            access.close()
        if pixels is None or pixels.shape[:2] != self.shape:
            return np.zeros((*self.shape, 3), np.uint8)
        return pixels

    # ------------------------------------------------------------------ readers

    def with_clock(self, clock: Clock, no_time: Bool[np.ndarray, " time"] | None = None) -> "Video":
        """Return a reader of the same index whose times come from elsewhere.

        Parameters
        ----------
        clock : Clock
            Times of all frames, or of those that have one.
        no_time : array (time,), optional
            Frames without a time: they are missing (reason 5).

        Raises
        ------
        ClockError
            C202, if the number of times fits neither.
        """
        other = self.copy()
        other._set_clock(clock, no_time)
        return other

    def copy(self) -> "Video":
        """Return another reader of the same frames, without a new look at the files."""
        other = object.__new__(Video)
        other.__dict__.update(self.__dict__)
        other.__dict__.pop("_timeline", None)
        other._access = None
        return other

    def close(self) -> None:
        """Let go of files."""
        if self._access is not None:
            self._access.close()
            self._access = None

    def __enter__(self) -> "Video":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def spec(self) -> dict[str, Any]:
        """Return plain values (JSON) from which `from_spec` opens the same frames with the same times."""
        clock, no_time = self._given, self._no_time
        return {
            "paths": list(self.files),
            **self._options,
            "poison": self._poison,
            "threads": self._threads,
            "clock": None if clock is None else clock_values(clock),
            "no_time": None if no_time is None else np.flatnonzero(no_time).tolist(),
        }

    @classmethod
    def from_spec(cls, spec: Mapping[str, Any]) -> "Video":
        """Open what `spec` described."""
        values = dict(spec)
        clock, no_time = values.pop("clock"), values.pop("no_time")
        video = cls(values.pop("paths"), **values)
        if clock is not None:
            missing = None
            if no_time is not None:
                missing = np.zeros(video.n_frames, bool)
                missing[no_time] = True
            video._set_clock(clock_from_values(clock), missing)
        return video

    # ------------------------------------------------------------------ inside

    @cached_property
    def _timeline(self) -> Timeline:
        times = self.clock.seconds
        if self._no_time is not None:
            times = np.where(self._no_time, np.nan, times)
        adjacent = adjacency(times)
        if self._keeps_stamps or (self._given is not None and self._given.source == "rate"):
            for boundary, sure in zip(self._boundaries, self._proven, strict=True):
                if not sure and boundary < self._n_frames:
                    adjacent[boundary] = False
        return Timeline(times, adjacent, self._no_time)

    @property
    def _keeps_stamps(self) -> bool:
        """Whether the times are those of the files, at most shifted as a whole (`Clock.shifted`)."""
        return self._given is None or (self._own is not None and self._given.source == self._own.source)

    def _set_clock(self, clock: Clock, no_time: Bool[np.ndarray, " time"] | None) -> None:
        self._given = self._clock = clock_for_frames(clock, no_time, self._n_frames, self.files[0])
        self._no_time = no_time
        self.__dict__.pop("_timeline", None)

    def _refuse_flags(self) -> None:
        """Raise what ``damage="refuse"`` does not allow of what is known at once."""
        for facts in self._files:
            for flag in facts.flags:
                if flag.code in ("V101", "V106"):
                    raise VideoError(
                        flag.code, str(facts.scan.path), flag.text, hint="damage='mark' reads what exists"
                    )


def _scan(path: Path, stream: int | None) -> Scan:
    if not is_there(path):
        raise RecipeError("P403", str(path), "there is no such file")
    return scan_file(path, _library(path, stream))


class VideoWriter:
    """Write frames to a video file: for demonstrations, tests and benchmarks, never for measurements.

    Parameters
    ----------
    path : str or Path
        The file.
    size : tuple of int
        Width and height [px].
    rate : Fraction
        Frames per second, as the file states it.
    codec : str, optional
        FFmpeg's name of the codec.
    container : str, optional
        FFmpeg's name of the container; by default decided by the suffix.
    pixel_format : str, optional
        FFmpeg's name of the pixel format.
    time_base : Fraction, optional
        Unit of `pts` [s]; by default one frame.
    options : mapping, optional
        Options of the encoder (``crf``, ``g``, ``bf``, ...).
    color_range : {"tv", "pc"}, optional
        Range tag; by default none is written.
    container_options : mapping, optional
        Options of the container.
    on_packet : callable, optional
        Gets the number and each encoded packet in decode order; returns the packets to write.  It may
        drop, repeat or change them.
    rotation : int, optional
        Counter-clockwise turn that a player must apply [degrees].
    pixel_aspect : Fraction, optional
        Width of a pixel by its height.
    metadata : mapping, optional
        Texts of the container (title, creation_time, ...).
    n_streams : int, optional
        Number of video streams; `write` says which one it means.

    Examples
    --------
    >>> with VideoWriter("ramp.mkv", size=(64, 48), rate=Fraction(30), codec="ffv1") as out:  # doctest: +SKIP
    ...     out.write(np.zeros((48, 64), np.uint8))
    """

    def __init__(
        self,
        path: str | Path,
        *,
        size: tuple[int, int],
        rate: Fraction,
        codec: str = "h264",
        container: str | None = None,
        pixel_format: str = "yuv420p",
        time_base: Fraction | None = None,
        options: Mapping[str, str] | None = None,
        color_range: str | None = None,
        container_options: Mapping[str, str] | None = None,
        on_packet: OnPacket | None = None,
        rotation: int = 0,
        pixel_aspect: Fraction | None = None,
        metadata: Mapping[str, str] | None = None,
        n_streams: int = 1,
    ) -> None:
        self._size, self._pixel_format = size, pixel_format
        self._time_base = time_base or 1 / Fraction(rate)
        self._on_packet = on_packet
        self._n_packets = 0
        name = "file:" + str(Path(path).absolute())
        self._file = av.open(name, "w", format=container, options=dict(container_options or {}))
        self._file.metadata.update(metadata or {})
        self._streams = [self._stream(rate, codec, options or {}) for _ in range(n_streams)]
        for stream in self._streams:
            if color_range is not None:
                stream.codec_context.color_range = RANGES[color_range]
            if rotation:
                stream.set_display_rotation(rotation)
            if pixel_aspect is not None:
                stream.sample_aspect_ratio = pixel_aspect
        self._written = [0] * n_streams

    def _stream(self, rate: Fraction, codec: str, options: Mapping[str, str]) -> av.video.stream.VideoStream:
        """Add one video stream; one thread, so that equal calls write equal bytes."""
        given = dict(options)
        if codec == "hevc":
            given["x265-params"] = ":".join(filter(None, [given.get("x265-params"), "log-level=none"]))
        stream = self._file.add_stream(ENCODERS.get(codec, codec), rate=rate, options=given)
        assert isinstance(stream, av.video.stream.VideoStream)  # noqa: S101 - narrows the type for mypy
        stream.width, stream.height = self._size
        stream.pix_fmt = self._pixel_format
        stream.codec_context.time_base = self._time_base
        stream.time_base = self._time_base
        stream.codec_context.thread_count = 1
        return stream

    def write(self, frame: Shaped[np.ndarray, "..."], pts: int | None = None, *, stream: int = 0) -> None:
        """Write one frame.

        Parameters
        ----------
        frame : array (y, x) or (y, x, 3)
            Luma codes, written as they are into the first plane (the colour planes become neutral), or
            red, green and blue for an RGB format.
        pts : int, optional
            Time stamp in units of the time base; by default frames follow each other.
        stream : int, optional
            Number of the video stream.
        """
        picture = picture_from_array(frame, self._pixel_format)
        step = 1 / (self._streams[stream].codec_context.framerate * self._time_base)
        picture.pts = round(self._written[stream] * step) if pts is None else pts
        picture.time_base = self._time_base
        self._written[stream] += 1
        self._mux(self._streams[stream].encode(picture))

    def _mux(self, packets: Sequence[Packet]) -> None:
        for packet in packets:
            kept = [packet] if self._on_packet is None else self._on_packet(self._n_packets, packet)
            self._n_packets += 1
            for one in kept:
                self._file.mux_one(one)

    def close(self) -> None:
        """Write what the encoder still holds, and close the file."""
        for stream in self._streams:
            self._mux(stream.encode(None))
        self._file.close()

    def __enter__(self) -> "VideoWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self._file.close()


def picture_from_array(frame: Shaped[np.ndarray, "..."], pixel_format: str) -> av.video.frame.VideoFrame:
    """Make a picture of FFmpeg from luma codes (y, x), or red, green and blue (y, x, 3)."""
    picture = av.video.frame.VideoFrame(frame.shape[1], frame.shape[0], pixel_format)
    kind = np.dtype(np.uint8 if picture.format.components[0].bits <= 8 else "<u2")
    if picture.format.is_big_endian:
        kind = kind.newbyteorder(">")
    for number, plane in enumerate(picture.planes):
        rows = np.frombuffer(memoryview(plane), kind).reshape(-1, plane.line_size // kind.itemsize)[
            : plane.height
        ]
        rows[:] = 0
        if picture.format.is_rgb and picture.format.is_planar:
            rows[:, : frame.shape[1]] = frame[..., NTH_OF_RGB["gbr"][number]]
        elif picture.format.is_rgb:
            n = picture.format.padded_bits_per_pixel // (8 * kind.itemsize)
            pixels = rows[:, : frame.shape[1] * n].reshape(plane.height, -1, n)
            pixels[..., :3] = frame[..., NTH_OF_RGB[pixel_format[:3]]]
        elif number == 0:
            rows[:, : frame.shape[1]] = frame
        else:
            rows[:] = 1 << (picture.format.components[number].bits - 1)
    return picture


def write_audio_only(path: str | Path, *, n_samples: int = 8000) -> None:
    """Write a file with a silent sound track and no picture."""
    with av.open("file:" + str(Path(path).absolute()), "w") as file:
        stream = file.add_stream("aac" if Path(path).suffix != ".wav" else "pcm_s16le", rate=8000)
        kind = "fltp" if Path(path).suffix != ".wav" else "s16"
        for start in range(0, n_samples, 1024):
            silence = np.zeros((1, 1024), np.float32 if kind == "fltp" else np.int16)
            sound = av.AudioFrame.from_ndarray(silence, format=kind, layout="mono")
            sound.sample_rate, sound.pts = 8000, start
            for packet in stream.encode(sound):
                file.mux_one(packet)
        for packet in stream.encode(None):
            file.mux_one(packet)
