"""What is known of a video file: claims of its header, what was found, and what follows from both."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from fractions import Fraction
from pathlib import Path

import numpy as np

from mystax.core.quality import Flag
from mystax.errors import VideoError
from mystax.io.fingerprint import index_id, quick_id
from mystax.io.video_index import FrameIndex, PacketTable
from mystax.io.video_library import Library
from mystax.io.video_pixels import (
    PixelPlan,
)
from mystax.io.video_times import Timing

__all__ = ["HAS_TABLE", "MAX_METADATA", "FileFacts", "Probe", "Scan"]

MAX_METADATA = 4096


HAS_TABLE = ("mov,mp4,m4a,3gp,3g2,mj2", "avi")
"""Containers whose count of frames is believed."""


@dataclass(frozen=True, eq=False)
class Probe:
    """What is known of one video file before its frames are decoded.

    Attributes
    ----------
    path, size, fingerprint, index_id
        Identity: the file, its length [bytes], its quick id, the id of its packet table.
    container, codec, profile, pixel_format, bits, width, height, rotation, pixel_aspect
        The picture, as displayed (after rotation, which is counter-clockwise [degrees]).
    color_range, color_range_source
        ``full`` or ``limited``, and whether a tag, the format, the user or an assumption says so.
    interlaced, sampled_maximum
        Whether pictures are interlaced; the largest code among the first pictures.
    n_frames, n_frames_header, n_packets, route, key_interval
        Counts; how frames are numbered; frames between key frames.
    rate, is_constant, clock_kind, time_base, first_time, last_time, duration
        Proven rate [1/s] or None, and the times [s].
    interval, gaps, n_repeated, n_backward, n_negative
        Time between frames [s], lost frames, repaired stamps.
    coverage_claimed
        Frames that exist as a share of those that the header claims.
    flags, metadata
        Remarks, and texts of the container.
    """

    path: str
    size: int
    fingerprint: str
    index_id: str
    container: str
    codec: str
    profile: str | None
    pixel_format: str
    bits: int
    width: int
    height: int
    rotation: int
    pixel_aspect: str
    color_range: str
    color_range_source: str
    interlaced: bool
    sampled_maximum: int
    n_frames: int
    n_frames_header: int | None
    n_packets: int
    route: str
    key_interval: Mapping[str, float]
    rate: str | None
    is_constant: bool
    clock_kind: str
    time_base: str
    first_time: float | None
    last_time: float | None
    duration: float | None
    interval: Mapping[str, float | None]
    gaps: Sequence[Mapping[str, float]]
    n_repeated: int
    n_backward: int
    n_negative: int
    coverage_claimed: float
    flags: Sequence[Flag]
    metadata: Mapping[str, str]

    def as_dict(self) -> dict[str, object]:
        """Return the JSON object of the probe."""
        values: dict[str, object] = {item.name: getattr(self, item.name) for item in fields(self)}
        values["flags"] = [flag.as_dict() for flag in self.flags]
        for name in ("key_interval", "interval", "metadata"):
            values[name] = dict(getattr(self, name))
        values["gaps"] = [dict(gap) for gap in self.gaps]
        return values


@dataclass(frozen=True, eq=False)
class Scan:
    """Header and packets of one file; nothing is decoded yet."""

    path: Path
    library: Library
    size: int
    changed: int
    container: str
    codec: str
    profile: str | None
    picture_size: tuple[int, int]
    pixel_format: str
    bits: int
    time_base: Fraction
    stated_rates: tuple[Fraction, ...]
    n_header: int | None
    n_left_out: int
    duration: Fraction | None
    pixel_aspect: Fraction
    metadata: dict[str, str]
    table: PacketTable
    is_cut: bool

    @property
    def n_stated(self) -> int | None:
        """Frames that the header counts and that are to be shown; None where it counts none."""
        if self.n_header is None:
            return None
        return self.n_header - self.n_left_out - int((~self.table.shown).sum())


@dataclass(frozen=True, eq=False)
class FileFacts:
    """One file, ready to be decoded.

    Attributes
    ----------
    delay : int
        By how many places stamps were moved to the pictures that they belong to (see `shown_stamps`).
    unsure : frozenset of int
        Frames near gaps that may lie behind one: how far stamps had to be moved is not known for sure.
    """

    scan: Scan
    index: FrameIndex
    timing: Timing
    plan: PixelPlan
    size: tuple[int, int]
    pixel_format: str
    rotation: int
    color_range: str
    color_range_source: str
    interlaced: bool
    sampled_maximum: int
    flags: tuple[Flag, ...]
    delay: int = 0
    unsure: frozenset[int] = frozenset()
    _identity: list[str] = field(default_factory=list)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns as displayed [px]."""
        width, height = self.size
        return (width, height) if self.rotation % 180 else (height, width)

    @property
    def n_claimed(self) -> int:
        """Frames that the header claims where it is believed, at least those that exist."""
        return max(self.index.n_frames, self.scan.n_stated or 0, self._n_timed)

    @property
    def _n_timed(self) -> int:
        """Frames that fill the duration of a file that is cut short and has no count; gaps count apart."""
        duration, interval = self.scan.duration, self.timing.interval
        if not self.scan.is_cut or self.scan.n_header is not None or duration is None or not interval:
            return 0
        lost = sum(gap.missing for gap in self.timing.gaps)
        return round((duration - self.timing.first) / interval) - lost

    @property
    def suspects(self) -> frozenset[int]:
        """Groups of pictures of H.264 with a hole in time: the decoder can tell whether packets are lost."""
        if self.scan.codec != "h264":
            return frozenset()
        last = self.index.n_frames - 1
        behind = [min(gap.after + 1 + self.delay, last) for gap in self.timing.gaps]
        return frozenset(int(group) for group in self.index.group[self.index.packet[behind]])

    @property
    def fingerprint(self) -> str:
        """Quick id of the file, computed once."""
        if not self._identity:
            self._identity.append(quick_id(self.scan.path))
        return self._identity[0]

    def check(self) -> None:
        """Make sure that the file is the one that was indexed.

        Raises
        ------
        VideoError
            V130, if it is not; V131, if it cannot be read any more.
        """
        before = self.fingerprint if self._identity else None
        try:
            now = self.scan.path.stat()
            same = now.st_size == self.scan.size and (
                now.st_mtime_ns == self.scan.changed or quick_id(self.scan.path) == before
            )
        except OSError as error:
            raise VideoError("V131", str(self.scan.path), "the file is gone", got=str(error)) from error
        if not same:
            raise VideoError(
                "V130",
                str(self.scan.path),
                "the file changed while it was read",
                expected=f"{self.scan.size} bytes",
                got=f"{now.st_size} bytes",
                hint="wait until the recording is finished, then run again",
            )

    def probe(self) -> Probe:
        """Return what is known of the file."""
        scan, index, timing = self.scan, self.index, self.timing
        clock = timing.clock()
        steps = np.diff(clock.seconds) if clock is not None and clock.n > 1 else None
        group_sizes = np.diff(np.append(index.keys, len(index.table)))
        rows, columns = self.shape
        interval = None if steps is None else float(np.median(steps))
        last = None if clock is None or not clock.n else float(clock.seconds[-1])
        return Probe(
            path=str(scan.path),
            size=scan.size,
            fingerprint=self.fingerprint,
            index_id=index_id(index.table.pts, index.table.size, index.table.key),
            container=scan.container,
            codec=scan.codec,
            profile=scan.profile,
            pixel_format=self.pixel_format,
            bits=self.plan.bits,
            width=columns,
            height=rows,
            rotation=self.rotation,
            pixel_aspect=f"{scan.pixel_aspect.numerator}/{scan.pixel_aspect.denominator}",
            color_range=self.color_range,
            color_range_source=self.color_range_source,
            interlaced=self.interlaced,
            sampled_maximum=self.sampled_maximum,
            n_frames=index.n_frames,
            n_frames_header=scan.n_header,
            n_packets=len(index.table),
            route=index.route,
            key_interval={
                "min": int(group_sizes.min()),
                "median": float(np.median(group_sizes)),
                "max": int(group_sizes.max()),
            },
            rate=_ratio(1 / timing.period) if timing.period else None,
            is_constant=timing.is_constant,
            clock_kind=timing.kind,
            time_base=_ratio(timing.time_base),
            first_time=None if clock is None else float(timing.first),
            last_time=None if last is None else float(timing.first) + last,
            duration=None if last is None else last + float(timing.interval),
            interval={
                "min": None if steps is None else float(steps.min()),
                "median": interval,
                "max": None if steps is None else float(steps.max()),
            },
            gaps=[
                {"after": gap.after, "missing": gap.missing, "seconds": gap.seconds} for gap in timing.gaps
            ],
            n_repeated=index.n_repeated,
            n_backward=index.n_backward,
            n_negative=index.n_negative,
            coverage_claimed=index.n_frames / max(1, self.n_claimed),
            flags=self.flags,
            metadata=scan.metadata,
        )


def _ratio(value: Fraction) -> str:
    return f"{value.numerator}/{value.denominator}"
