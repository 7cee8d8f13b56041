"""Frames and who gives them: `FrameChunk`, `FrameSource`, `Camera`, `Recording`."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum
from fractions import Fraction
from functools import cached_property
from typing import Protocol, runtime_checkable

import numpy as np

from mystax.core.clock import Clock
from mystax.core.geometry import Box
from mystax.core.quality import Flag
from mystax.core.typing import Bool, Float64, Int64, Shaped, UInt, UInt8
from mystax.core.viewers import view_recording
from mystax.errors import RecipeError, nearest

__all__ = [
    "ArraySource",
    "Camera",
    "FrameChunk",
    "FrameSource",
    "GreyMap",
    "Reason",
    "Recording",
    "adjacency",
    "chunk_length",
]

CHUNK_BYTES = 8 << 20


class Reason(IntEnum):
    """Why a frame is missing; 0 is a good frame."""

    GOOD = 0
    UNDECODABLE = 1
    CORRUPT = 2
    DOUBTFUL = 3
    OTHER_SIZE = 4
    NO_TIME = 5


@dataclass(frozen=True, slots=True)
class GreyMap:
    """Stored luma codes to grey levels of 8 bits: grey = (code - offset) * gain, unclipped.

    Attributes
    ----------
    offset : float
        Code of black.
    gain : float
        Grey levels of 8 bits per code.
    bits : int
        Depth of the codes.
    """

    offset: float = 0.0
    gain: float = 1.0
    bits: int = 8

    @classmethod
    def full(cls, bits: int = 8) -> "GreyMap":
        """Return the map of full-range codes of a depth: value / 2^(bits - 8)."""
        return cls(0.0, 1.0 / 2 ** (bits - 8), bits)

    @classmethod
    def limited(cls, bits: int = 8) -> "GreyMap":
        """Return the map of limited-range codes: 16 is black and 235 white, times 2^(bits - 8)."""
        scale = 2 ** (bits - 8)
        top = (2**bits - 1) / scale
        return cls(16.0 * scale, top / (219.0 * scale), bits)

    @property
    def is_identity(self) -> bool:
        """Whether codes are full-range grey already."""
        return self.offset == 0.0

    def table(self) -> UInt[np.ndarray, " code"]:
        """Return the table from code to full-range grey in the same depth, rounded and clipped."""
        scale = 2.0 ** (self.bits - 8)
        top = 2**self.bits - 1
        codes = np.arange(2**self.bits, dtype=np.float64)
        grey = np.floor((codes - self.offset) * self.gain * scale + 0.5)
        return np.clip(grey, 0, top).astype(np.uint8 if self.bits <= 8 else np.uint16)


@dataclass(frozen=True, eq=False)
class FrameChunk:
    """Consecutive frames of one camera.

    Attributes
    ----------
    index : array (n,)
        Frame numbers over the joined files of the camera, rising, without holes.
    time : array (n,)
        Times [s], session clock; NaN only where ``reason == 5``.
    codes : array (n, y, x)
        Stored luma codes, read-only; rows of missing frames hold one fixed byte.
    grey_map : GreyMap
        Codes to grey levels of 8 bits.
    valid : array (n,)
        Whether the frame may be used.
    reason : array (n,)
        `Reason` of each frame.
    adjacent : array (n,)
        Whether frame i - 1 is the true predecessor of frame i in time.  A pair (i - 1, i) may be used
        only if both are valid and ``adjacent[i]``.
    origin : tuple (x, y)
        Place of the first column and row in the full picture; (0, 0) unless a box was asked for.
    cache : dict
        Values derived from the chunk that several analyses share (block sums); never results.
    """

    index: Int64[np.ndarray, " n"]
    time: Float64[np.ndarray, " n"]
    codes: Shaped[np.ndarray, "n y x"]
    grey_map: GreyMap
    valid: Bool[np.ndarray, " n"]
    reason: UInt8[np.ndarray, " n"]
    adjacent: Bool[np.ndarray, " n"]
    origin: tuple[int, int] = (0, 0)
    cache: dict[object, object] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.index)

    @property
    def bits(self) -> int:
        """Depth of `codes` and `data`."""
        return self.grey_map.bits

    @cached_property
    def data(self) -> Shaped[np.ndarray, "n y x"]:
        """Full-range grey in the camera's depth, uint8 or uint16, read-only; made on demand, once."""
        if self.grey_map.is_identity:
            return self.codes
        grey = self.grey_map.table()[self.codes]
        grey.flags.writeable = False
        return np.asarray(grey)

    def pairs(self) -> Bool[np.ndarray, " n"]:
        """Tell for each frame but the first of the chunk whether its pair with the frame before counts.

        The first entry says whether the frame is valid and adjacent to the last frame of the chunk
        before; whoever needs that pair must know whether that frame was valid.
        """
        usable: np.ndarray = self.valid & self.adjacent
        usable[1:] &= self.valid[:-1]
        return usable

    def part(self, start: int, stop: int) -> "FrameChunk":
        """Return rows start..stop as a chunk of its own (views)."""
        cut = slice(start, stop)
        return FrameChunk(
            self.index[cut],
            self.time[cut],
            self.codes[cut],
            self.grey_map,
            self.valid[cut],
            self.reason[cut],
            self.adjacent[cut],
            self.origin,
        )


@runtime_checkable
class FrameSource(Protocol):
    """Whatever gives frames: files, arrays, a renderer.  One thread uses it; `copy()` gives another."""

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of a frame [px], as displayed."""
        ...

    @property
    def bits(self) -> int:
        """Depth of the frames."""
        ...

    @property
    def n_frames(self) -> int:
        """Number of frames."""
        ...

    @property
    def clock(self) -> Clock:
        """Times of all frames."""
        ...

    @property
    def times(self) -> Float64[np.ndarray, " time"]:
        """Times of all frames [s], session clock."""
        ...

    @property
    def identity(self) -> tuple[str, ...]:
        """Fingerprints of what the frames come from, in order: enough to know the same frames again."""
        ...

    @property
    def flags(self) -> tuple[Flag, ...]:
        """Remarks on the source so far (more may come while frames are read)."""
        ...

    def chunks(
        self,
        start: int = 0,
        stop: int | None = None,
        step: int = 1,
        *,
        box: Box | None = None,
        size: int | None = None,
    ) -> Iterator[FrameChunk]:
        """Give frames start, start + step, ... < stop in chunks of `size` frames (default by memory)."""
        ...

    def frame_at(self, index: int) -> FrameChunk:
        """Give one frame as a chunk of one, equal bit for bit to the sequential frame."""
        ...

    def sample(self, n: int) -> FrameChunk:
        """Give up to n valid frames at fixed places, the same for every caller."""
        ...

    def copy(self) -> "FrameSource":
        """Give another reader of the same frames."""
        ...

    def close(self) -> None:
        """Let go of files."""
        ...


def chunk_length(shape: tuple[int, int], itemsize: int) -> int:
    """Frames per chunk: 8 MiB of pixels, clamped to 16..512 frames.

    Four chunks are alive while a video is read; more would not fit into the caches of a core, and memory
    that is touched for the first time costs as much as decoding.
    """
    frame = max(1, shape[0] * shape[1] * itemsize)
    return int(min(512, max(16, CHUNK_BYTES // frame)))


def adjacency(times: Float64[np.ndarray, " time"]) -> Bool[np.ndarray, " time"]:
    """Tell which frames follow their predecessor without a gap: at most 1.5 median intervals later.

    Parameters
    ----------
    times : array (time,)
        Times [s]; NaN where unknown.

    Returns
    -------
    array (time,)
        False for the first frame.
    """
    adjacent = np.zeros(len(times), bool)
    if len(times) > 1:
        steps = np.diff(times)
        known = steps[np.isfinite(steps)]
        if len(known):
            adjacent[1:] = steps <= 1.5 * np.median(known)
    return adjacent


def _clock_of_array(n_frames: int, rate: Fraction | float, times: np.ndarray | None) -> Clock:
    """Return the clock of frames in memory; refuse what is none."""
    if times is None:
        if not 0 < rate < float("inf"):
            raise RecipeError("P403", "rate of frames", expected="frames per second above 0", got=str(rate))
        exact = rate if isinstance(rate, Fraction) else Fraction(rate).limit_denominator(1_000_000)
        return Clock.from_rate(exact or Fraction(rate), n_frames)
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


@dataclass(frozen=True)
class Camera:
    """One view of a recording.

    Attributes
    ----------
    name : str
        Name of the camera.
    video : FrameSource
        Where its frames come from.
    files : tuple of str
        Its files in order; empty for frames from memory.
    clock_report : mapping
        JSON-able: how its times were made (counts, policy, residual, drift); empty for its own stamps.
    """

    name: str
    video: FrameSource
    files: tuple[str, ...] = ()
    clock_report: Mapping[str, object] = field(default_factory=dict)

    @property
    def clock(self) -> Clock:
        """Times of its frames."""
        return self.video.clock


@dataclass(frozen=True)
class Recording:
    """The cameras of one session.

    Attributes
    ----------
    name : str
        Name of the recording (of its first file, without suffix).
    cameras : mapping of str to Camera
        Cameras by name, in order; the first is the reference unless `reference` names another.
    reference : str
        Name of the camera whose frames make the common timeline.
    flags : tuple of Flag
        Remarks on clocks, and on how the cameras fit together.
    request : mapping
        JSON-able arguments of `mystax.open` that open the same recording again; empty for frames from
        memory.
    """

    name: str
    cameras: Mapping[str, Camera]
    reference: str = ""
    flags: tuple[Flag, ...] = ()
    request: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.cameras:
            raise RecipeError("P403", self.name, "a recording needs at least one camera")
        if not self.reference:
            object.__setattr__(self, "reference", next(iter(self.cameras)))

    def video(self, camera: str = "") -> FrameSource:
        """Return the frames of a camera; of the reference camera when none is named.

        Raises
        ------
        RecipeError
            P403, if there is no such camera.
        """
        name = camera or self.reference
        if name not in self.cameras:
            raise RecipeError("P403", self.name, f"no camera {name!r}{nearest(name, self.cameras)}")
        return self.cameras[name].video

    def renamed(self, name: str) -> "Recording":
        """Return the recording under another name."""
        return replace(self, name=name)

    view = view_recording

    def close(self) -> None:
        """Let go of all files."""
        for camera in self.cameras.values():
            camera.video.close()
