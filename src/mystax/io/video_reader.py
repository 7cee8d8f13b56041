"""The reader of one camera: several files as one, their frames in chunks or at random, their times."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import numpy as np

from mystax.core.clock import Clock
from mystax.core.geometry import Box
from mystax.core.quality import Flag, merge_flags
from mystax.core.recording import FrameChunk, adjacency, chunk_length
from mystax.core.typing import Bool, Float64, Int64, Shaped
from mystax.errors import ParameterError, VideoError
from mystax.io.video_access import RandomAccess, sample_places
from mystax.io.video_ahead import read_ahead
from mystax.io.video_chunks import assemble, make_chunk
from mystax.io.video_facts import Probe
from mystax.io.video_files import (
    check_different,
    check_equal,
    check_rates,
    clock_for_frames,
    clock_values,
    format_of,
    key_frames_of,
    list_files,
    part_of,
    picture_of,
    thread_count,
)
from mystax.io.video_library import Library
from mystax.io.video_parts import UNKNOWN, Findings, Request, Timeline, check_damage
from mystax.io.video_pixels import grey_map_of
from mystax.io.video_probe import look_at, scan_file
from mystax.io.video_times import join_timings

__all__ = ["VideoReader"]

Reader = TypeVar("Reader", bound="VideoReader")


class VideoReader:
    """Frames of one camera, read with any library; see `mystax.io.video.Video` for the other parameters.

    Parameters
    ----------
    paths : str, Path or sequence of them
        The files in order.
    library : callable
        Binds the calls of FFmpeg's library to a file and the number of a stream.
    """

    def __init__(
        self,
        paths: str | Path | Sequence[str | Path],
        library: Callable[[Path, int | None], Library],
        *,
        stream: int | None,
        damage: str,
        grey_range: str,
        rate: Fraction | None,
        clock: Clock | None,
        poison: int,
        threads: int | str,
    ) -> None:
        self._damage = check_damage(damage)
        self._poison = poison
        self._threads = thread_count(threads)
        self._options: dict[str, Any] = {"stream": stream, "damage": damage, "grey_range": grey_range}
        files = list_files(paths)
        scans = [scan_file(path, library(path, stream)) for path in files]
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
            V111, if the file has none that can be used, and none were given.
        """
        if self._clock is None:
            bare = next(facts for facts in self._files if facts.index.stamps is None)
            raise VideoError(
                "V111",
                str(bare.scan.path),
                "the time stamps are not usable" if bare.index.distrust else "the file has no time stamps",
                expected="rising stamps, at most 1 % of them repeated" if bare.index.distrust else "",
                got=bare.index.distrust,
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
        """Give frames start, start + step, ... < stop in chunks.

        They are decoded ahead in a thread of their own, unless the reader may use one thread only.

        Parameters
        ----------
        start, stop, step : int, optional
            Which frames; by default all.
        box : Box, optional
            Part of the picture; by default the whole.
        size : int, optional
            Frames per chunk; by default 8 MiB of pixels, 16 to 512 frames.

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
            chunks = assemble(self._parts, request, self._timeline, self._findings)
            yield from chunks if self._threads == 1 else read_ahead(chunks)

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

    def limit_threads(self, threads: int) -> None:
        """Decode with no more threads than these, from the next pass on; with one nothing is read ahead.

        Raises
        ------
        ParameterError
            P401, for less than one.
        """
        self._threads = min(self._threads, thread_count(threads))

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

    def with_clock(self, clock: Clock, no_time: Bool[np.ndarray, " time"] | None = None) -> "VideoReader":
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

    def copy(self: Reader) -> Reader:  # noqa: PYI019 - beartype knows no Self outside of its classes
        """Return another reader of the same frames, without a new look at the files."""
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        other.__dict__.pop("_timeline", None)
        other._access = None
        return other

    def close(self) -> None:
        """Let go of files."""
        if self._access is not None:
            self._access.close()
            self._access = None

    def __enter__(self) -> "VideoReader":
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

    # ------------------------------------------------------------------ inside

    @cached_property
    def _timeline(self) -> Timeline:
        times = self.clock.seconds
        if self._no_time is not None:
            times = np.where(self._no_time, np.nan, times)
        adjacent = adjacency(times)
        if self._keeps_stamps:
            for part, facts in zip(self._parts, self._files, strict=True):
                adjacent[[part.offset + frame for frame in facts.unsure]] = False
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
