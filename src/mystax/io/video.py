"""The video door: the only module that knows FFmpeg's library (av).  `Video` reads, `VideoWriter` writes."""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
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
from mystax.core.typing import Shaped
from mystax.errors import VideoError
from mystax.io.video_facts import Probe
from mystax.io.video_files import clock_from_values
from mystax.io.video_library import Library, Opened
from mystax.io.video_reader import VideoReader
from mystax.io.video_refusals import refusal

__all__ = ["Packet", "Probe", "Video", "VideoWriter", "write_audio_only"]

Packet = av.packet.Packet
OnPacket = Callable[[int, Packet], Sequence[Packet]]
ENCODERS = {"h264": "libx264", "hevc": "libx265", "vp8": "libvpx", "vp9": "libvpx-vp9"}
EXACT = {"h264": {"mbtree": "0"}}
"""Options without which an encoder writes other bytes for equal pictures (one file in five)."""
RANGES = {"tv": 1, "pc": 2}
NTH_OF_RGB = {"rgb": (0, 1, 2), "bgr": (2, 1, 0), "gbr": (1, 2, 0)}
CONTAINERS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,asf,ivf,yuv4mpegpipe,h264,hevc,mjpeg"
STRICT = "crccheck+bitstream+buffer+explode"
STRICT_CODECS = ("mjpeg", "png", "jpegls")
"""Codecs of which a strict decoder shows more damage; that of TIFF would refuse intact pictures."""

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


def _open_file(path: Path, stream: int | None, threads: int, **options: str) -> Opened:
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
    rules = {**options, "format_whitelist": CONTAINERS, "protocol_whitelist": "file"}
    with av.logging.Capture(local=True) as lines:
        try:
            container = av.open(f"file:{path}", options=rules, metadata_errors="replace")
        except (av.error.FFmpegError, ValueError) as error:
            raise refusal(path, error, [line[2] for line in lines]) from error
    try:
        chosen = _choose_stream(container, stream, where)
        context = chosen.codec_context
        if context is None:
            raise VideoError("V104", where, "there is no decoder for its codec")
        context.thread_type = "AUTO"
        context.thread_count = threads
        context.copy_opaque = True
        if context.name in STRICT_CODECS:
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

    def count_samples() -> int:
        plain = _open_file(path, stream, 1, advanced_editlist="0")
        try:
            return len(plain.stream.index_entries)
        finally:
            plain.close()

    return Library(str(path), opened, count_errors, _listen, av.error.FFmpegError, _twin, count_samples)


class Video(VideoReader):
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
        super().__init__(
            paths,
            _library,
            stream=stream,
            damage=damage,
            grey_range=grey_range,
            rate=rate,
            clock=clock,
            poison=poison,
            threads=threads,
        )

    @classmethod
    def from_spec(cls, spec: Mapping[str, Any]) -> VideoReader:
        """Open what `spec` described."""
        values = dict(spec)
        clock, no_time = values.pop("clock"), values.pop("no_time")
        video = cls(values.pop("paths"), **values)
        if clock is None:
            return video
        missing = None
        if no_time is not None:
            missing = np.zeros(video.n_frames, bool)
            missing[no_time] = True
        return video.with_clock(clock_from_values(clock), missing)


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
        Options of the encoder (``crf``, ``g``, ``bf``, ...).  With ``mbtree`` equal pictures may become
        other bytes in H.264; it is off unless it is asked for.
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
        """Add one video stream; one thread and `EXACT`, so that equal calls write equal bytes."""
        given = {**EXACT.get(codec, {}), **options}
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
            red, green and blue: stored as they are by an RGB format, converted for any other.
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
    if frame.ndim == 3 and not picture.format.is_rgb:
        return picture_from_array(frame, "rgb24").reformat(format=pixel_format)
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
