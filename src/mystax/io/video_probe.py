"""What a video file is: header, packets, first pictures, and the remarks on them.

Objects of FFmpeg's library come through `Library`; this module does not import it.
"""

import itertools
import os
from collections.abc import Generator, Mapping
from contextlib import closing, suppress
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from mystax.core.quality import Flag
from mystax.core.safe_names import is_there
from mystax.errors import VideoError
from mystax.io.video_facts import HAS_TABLE, MAX_METADATA, FileFacts, Scan
from mystax.io.video_index import BARE, NO_STAMP, FrameIndex, PacketTable, Route, scan_packets
from mystax.io.video_library import Library, is_readable, read_failure
from mystax.io.video_pixels import (
    PixelPlan,
    decide_range,
    plan_pixels,
    read_grey,
    share_outside_limited,
)
from mystax.io.video_refusals import absence
from mystax.io.video_times import around_gaps, shown_stamps, time_frames

__all__ = ["look_at", "scan_file"]

MAX_HEAD = 32
MAX_PIXELS = 1 << 26
MAX_OUTSIDE = 0.001
MAX_DELAY = 4
"""Files that ask a decoder to hold back more pictures name what it may be able to, not what they need."""
KNOWN_ENCODERS = (b"x264", b"x265")
"""Encoders that stamp packets with the delay that they ask of the decoder."""
MICROSECONDS = 1_000_000
TORN = "File ended prematurely"
"""What FFmpeg says of a Matroska file that ends inside a block or a cluster."""


def scan_file(path: Path, library: Library) -> Scan:
    """Read the header and all packets of a file.

    Raises
    ------
    RecipeError
        P403, if there is no such file.
    VideoError
        V103, if there is no frame; V104, if pictures are too large or have no size; V131, if the disk
        could not be read.
    """
    if not is_there(path):
        raise absence(path)
    state = path.stat()
    opened = library.open(1)
    try:
        container, stream, context = opened.container, opened.stream, opened.context
        name, codec = str(container.format.name), str(context.name)
        size = (int(context.width), int(context.height))
        if min(size) < 1 or size[0] * size[1] > MAX_PIXELS:
            raise VideoError(
                "V104",
                library.where,
                expected=f"pictures of 1 to {MAX_PIXELS} pixels",
                got=f"{size[0]} x {size[1]} pixels",
            )
        guessed = getattr(stream, "guessed_rate", None)
        rates = tuple(Fraction(rate) for rate in (stream.average_rate, guessed, stream.base_rate) if rate)
        duration = container.duration
        n_header = int(stream.frames) if name in HAS_TABLE and stream.frames else None
        pixels = context.format
        aspect = stream.sample_aspect_ratio
        ends = _last_byte(stream) if name == HAS_TABLE[0] else 0
        with library.listen(False) as lines:
            failed: list[Exception] = []
            packets = _until_failure(container.demux(stream), library, failed)
            table = scan_packets(
                packets,
                codec,
                _nal_length(context.extradata),
                invents_stamps=name == "avi" and codec in ("h264", "hevc"),
            )
        n_left_out = _left_out(name, n_header, stream.index_entries, table, library)
        metadata = {str(key): str(value) for key, value in container.metadata.items()}
        time_base = Fraction(stream.time_base)
    finally:
        opened.close()
    if not table.shown.any():
        raise VideoError("V103", library.where, "the video has no frame")
    claimed = _claimed_size(path, name)
    beyond = max(ends, claimed)
    # A recorder that crashed left no length to compare with: only the reader meets the torn block.
    is_torn = name.startswith("matroska") and not claimed and any(TORN in line[2] for line in lines)
    return Scan(
        path=path,
        library=library,
        size=state.st_size,
        changed=state.st_mtime_ns,
        container=name,
        codec=codec,
        profile=context.profile,
        picture_size=size,
        pixel_format=pixels.name if pixels else "",
        bits=int(pixels.components[0].bits) if pixels else 0,
        time_base=time_base,
        stated_rates=rates,
        n_header=n_header,
        n_left_out=n_left_out,
        # A Matroska file gets its length and its duration together, when it is finished.
        duration=Fraction(duration, MICROSECONDS) if duration and claimed and name != "avi" else None,
        pixel_aspect=Fraction(aspect) if aspect else Fraction(1),
        metadata=_short(metadata),
        table=table,
        is_cut=table.is_cut or bool(failed) or is_torn or beyond > state.st_size,
    )


def _until_failure(packets: Any, library: Library, failed: list[Exception] | None = None) -> Any:
    """Give packets until the reader fails: what comes behind cannot be read."""
    try:
        yield from packets
    except library.failure as error:
        refusal = read_failure(error, library.where)
        # FFmpeg also says "input/output error" of damaged data; then the file itself can be read.
        if refusal is not None and not is_readable(Path(library.where)):
            raise refusal from error
        if failed is not None:
            failed.append(error)


def _nal_length(extradata: bytes | None) -> int:
    """Return how many bytes of length stand in front of each unit of H.264; 0 for start codes."""
    return (extradata[4] & 3) + 1 if extradata and len(extradata) > 6 and extradata[0] == 1 else 0


def _short(metadata: Mapping[str, str]) -> dict[str, str]:
    """Keep the texts of a container up to 4 kB in all."""
    kept: dict[str, str] = {}
    left = MAX_METADATA
    for key, value in metadata.items():
        left -= len(key) + len(value)
        if left < 0:
            break
        kept[key] = value
    return kept


def _last_byte(stream: Any) -> int:
    """Return where the last sample of a table of samples ends."""
    entries = stream.index_entries
    if not len(entries):
        return 0
    last = entries[len(entries) - 1]
    return int(last.pos) + int(last.size)


def _left_out(name: str, n_header: int | None, entries: Any, table: PacketTable, library: Library) -> int:
    """Return how many of the frames that a header counts are none: edited away, or dropped slots of an avi.

    An edit list that shows samples twice makes the number negative.
    """
    if n_header is None or not len(entries) or n_header == len(entries):
        return 0
    if name != "avi":
        return library.count_samples() - len(entries)
    steps = np.diff(table.dts[table.dts != NO_STAMP])
    # The slots behind the last frame, up to a usual interval, belong to it.
    usual = max(1, int(np.median(steps))) if len(steps) else 1
    n_slots = min(n_header, int(entries[len(entries) - 1].timestamp) + usual)
    return max(0, n_slots - len(entries))


def _claimed_size(path: Path, container: str) -> int:
    """Return the length that an avi or Matroska file says it has; 0 where it says nothing."""
    with path.open("rb") as file:
        head = file.read(256)
    if container == "avi" and head[:4] == b"RIFF":
        return int.from_bytes(head[4:8], "little") + 8
    segment = head.find(b"\x18\x53\x80\x67")
    if container.startswith("matroska") and segment >= 0:
        first = head[segment + 4]
        length = 9 - first.bit_length()
        raw = int.from_bytes(head[segment + 4 : segment + 4 + length], "big")
        value = raw & ((1 << 7 * length) - 1)
        unknown = value == (1 << 7 * length) - 1
        return 0 if unknown else segment + 4 + length + value
    return 0


def look_at(scan: Scan, grey_range: str = "auto") -> FileFacts:
    """Decode the first group of pictures of a file, and decide route, times, pixels and range.

    Parameters
    ----------
    scan : Scan
        Header and packets.
    grey_range : {"auto", "full", "limited"}, optional
        The user's word on the range.

    Raises
    ------
    VideoError
        V103, if no picture can be decoded; V104, if the pixel format cannot be read.
    """
    where = scan.library.where
    head = _Head(where)
    with closing(_pictures(scan, head)) as pictures:
        for picture in pictures:
            head.take(picture)
    if head.plan is None:
        raise VideoError("V103", where, "no picture can be decoded", hint="the stream may be damaged")
    index = FrameIndex.build(scan.table, _route(scan, head), scan.container)
    delay, unsure = 0, frozenset[int]()
    if index.route == "order" and index.stamps is not None and not (scan.table.pts != NO_STAMP).any():
        delay, most = head.delays()
        stamps = shown_stamps(index.stamps, delay)
        index = replace(index, stamps=stamps)
        if delay != most or not head.is_known:
            unsure = frozenset(around_gaps(stamps, most - delay, delay))
    color_range, source = decide_range(head.format, head.color_range, grey_range)
    chosen = slice(None, None, max(1, len(head.packets) // 8))
    facts = FileFacts(
        scan=scan,
        index=index,
        timing=time_frames(index.stamps, scan.time_base, scan.stated_rates, scan.container),
        plan=head.plan,
        size=head.size,
        pixel_format=head.format.name,
        rotation=head.rotation,
        color_range=color_range,
        color_range_source=source,
        interlaced=head.interlaced,
        sampled_maximum=max(head.largest[chosen]),
        flags=(),
        delay=delay,
        unsure=unsure,
    )
    doubtful_range = source == "assumed" and max(head.outside[chosen]) > MAX_OUTSIDE
    return _flagged(facts, is_odd_rotation=head.is_odd, doubtful_range=doubtful_range)


class _Head:
    """What the first pictures of a file say.

    No picture is kept: those of many files together would be most of the memory of a long recording.
    """

    def __init__(self, where: str) -> None:
        self._where = where
        self.plan: PixelPlan | None = None
        self.format: Any = None
        self.size = (0, 0)
        self.color_range = self.rotation = 0
        self.is_odd = self.interlaced = False
        self.packets: list[int] = []
        self.is_known = False
        self.n_kept: int | None = None
        self.largest: list[int] = []
        self.outside: list[float] = []

    def take(self, picture: Any) -> None:
        """Look at a picture; the first one decides how all are read."""
        if self.plan is None:
            self.plan = plan_pixels(picture.format, self._where)
            self.format, self.color_range = picture.format, int(picture.color_range)
            self.size = (picture.width, picture.height)
            self.rotation, self.is_odd = _rotation(picture)
            self.interlaced = bool(picture.interlaced_frame)
        codes = read_grey(picture, self.plan)
        self.packets.append(picture.opaque[0])
        self.largest.append(int(codes.max()))
        self.outside.append(share_outside_limited(codes, self.plan.bits))

    def delays(self) -> tuple[int, int]:
        """Return how many pictures the encoder probably lets a decoder hold back, and how many at most."""
        stored = np.argsort(np.argsort(self.packets))
        needed = int((stored - np.arange(len(stored))).max(initial=0))
        most = max(needed, self.n_kept or 0)
        return most if self.is_known and most <= MAX_DELAY else needed, most


def _pictures(scan: Scan, head: _Head) -> Generator[Any]:
    """Decode up to the second key frame, at most 64 packets; later groups where the first gives nothing."""
    library = scan.library
    opened = library.open(1)
    number, found = 0, False
    try:
        with library.listen(False):
            for packet in _until_failure(opened.container.demux(opened.stream), library):
                if packet.size == 0 or number >= len(scan.table):
                    continue
                if found and (number >= MAX_HEAD or (scan.table.key[number] and number > 1)):
                    break
                packet.opaque = (number,)
                if not number:
                    notes = bytes(packet) + (opened.context.extradata or b"")
                    head.is_known = any(name in notes for name in KNOWN_ENCODERS)
                number += 1
                try:
                    pictures = opened.context.decode(packet)
                except library.failure:
                    continue
                if pictures and head.n_kept is None:
                    head.n_kept = number - 1 - pictures[0].opaque[0]
                found = found or bool(pictures)
                yield from pictures
                if number > 1000:
                    break
            try:
                yield from opened.context.decode(None)
            except library.failure:
                return
    finally:
        opened.close()


def _route(scan: Scan, head: _Head) -> Route:
    """Choose the route: by stamps where the decoder gives pictures in the order of their packets' stamps.

    Where a file only says when packets are decoded, pictures that wait in the decoder are enough to distrust
    it: the first ones may be in order by chance.
    """
    if scan.container in BARE:
        return "order"
    stamps = [int(scan.table.stamp[packet]) for packet in head.packets]
    if any(stamp == NO_STAMP for stamp in stamps):
        return "order"
    falls = sum(b < a for a, b in itertools.pairwise(stamps))
    if (falls or head.n_kept) and not (scan.table.pts != NO_STAMP).any():
        return "order"
    # A single stamp that goes back is a fault of the stamps; a tenth of them is another order.
    return "order" if falls > max(len(stamps) // 10, 0 if scan.container == "avi" else 1) else "stamp"


def _rotation(picture: Any) -> tuple[int, bool]:
    """Return the counter-clockwise turn of the display matrix, and whether it is one that is not applied."""
    turn = int(picture.rotation) % 360
    is_odd = turn % 90 != 0
    # PyAV gives no side data of a picture at all where one is of a kind that it does not know (Exif).
    with suppress(ValueError):
        matrix = picture.side_data.get("DISPLAYMATRIX")
        if matrix is not None:
            a, b, _, c, d = np.frombuffer(bytes(matrix), "<i4")[:5].astype(np.float64)
            is_odd = is_odd or a * d - b * c <= 0
    return (0 if is_odd else turn), bool(is_odd)


def _flagged(facts: FileFacts, *, is_odd_rotation: bool, doubtful_range: bool) -> FileFacts:
    """Add the remarks that follow from header, packets and first pictures."""
    scan, index, timing = facts.scan, facts.index, facts.timing
    name = os.fspath(scan.path.name)
    flags: list[Flag] = []
    claimed = facts.n_claimed
    if scan.is_cut:
        text = f"{name} is cut short: {index.n_frames} frames exist"
        flags.append(Flag("V101", text + (f" of {claimed}" if claimed > index.n_frames else "")))
    elif scan.n_stated is not None and scan.n_stated != int(scan.table.shown.sum()):
        text = f"the header of {name} claims {scan.n_stated} frames, {int(scan.table.shown.sum())} exist"
        flags.append(Flag("V106", text))
    if doubtful_range:
        text = f"{name} has no range tag and uses codes outside 16..235: probably full range; "
        flags.append(Flag("V109", text + 'say grey_range="full" (on the command line --grey-range full)'))
    if timing.kind == "variable":
        flags.append(Flag("V110", f"the frame rate of {name} is variable"))
    repaired = [
        f"{count} {word}"
        for count, word in [
            (index.n_repeated, "repeated"),
            (index.n_backward, "out of order"),
            (index.n_negative, "negative"),
        ]
        if count
    ]
    if repaired:
        flags.append(Flag("V111", f"time stamps of {name}: {', '.join(repaired)}"))
    if index.distrust:
        flags.append(Flag("V111", f"time stamps of {name} are not used: {index.distrust}"))
    if facts.interlaced:
        flags.append(Flag("V112", f"{name} is interlaced; frames are used as they are"))
    if timing.gaps:
        n_missing = sum(gap.missing for gap in timing.gaps)
        frames = "1 frame is" if n_missing == 1 else f"{n_missing} frames are"
        gaps = "1 gap" if len(timing.gaps) == 1 else f"{len(timing.gaps)} gaps"
        text = f"{frames} missing in {gaps} of {name}"
        flags.append(Flag.about("V113", text, [gap.after for gap in timing.gaps]))
    if timing.gaps and facts.delay:
        text = f"{name} stores pictures out of order: times near gaps hold if frames were lost before coding"
        behind = [range(gap.after + 1, gap.after + 1 + facts.delay) for gap in timing.gaps]
        near = {frame for frame in facts.unsure.union(*behind) if frame < index.n_frames}
        flags.append(Flag.about("V113", text, sorted(near)))
    if is_odd_rotation:
        flags.append(Flag("V114", f"the rotation of {name} is no quarter turn; it is not applied"))
    if scan.pixel_aspect != 1:
        flags.append(Flag("V114", f"pixels of {name} are not square ({scan.pixel_aspect}); not resampled"))
    if scan.table.n_hidden:
        flags.append(Flag("V115", f"{scan.table.n_hidden} packets of {name} hold no picture that is shown"))
    if timing.kind == "container_rate":
        text = f"{name} holds a rate, not times: times are nominal; give a clock file to compare"
        flags.append(Flag("V117", text + " with other instruments"))
    return replace(facts, flags=tuple(flags))
