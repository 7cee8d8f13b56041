"""Frames and who gives them: `FrameChunk`, and what every source of frames can do."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property
from typing import Protocol, runtime_checkable

import numpy as np

from mystax.core.clock import Clock
from mystax.core.geometry import Box
from mystax.core.quality import Flag
from mystax.core.typing import Bool, Float64, Int64, Shaped, UInt, UInt8

__all__ = ["FrameChunk", "FrameSource", "GreyMap", "Reason", "adjacency", "chunk_length"]

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
    base : int
        Number of the camera's frame that is called 0 here: 0 but in a preview, which shows an analysis some
        frames as if there were no others.
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
    base: int = 0

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
            base=self.base,
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
