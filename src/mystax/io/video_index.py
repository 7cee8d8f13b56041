"""Which packet is which frame: the packet table of a file, the two routes, groups of pictures.

Packets and streams are objects of FFmpeg's library; this module does not import it.
"""

import re
from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np

from mystax.core.typing import Bool, Int64

__all__ = [
    "BARE",
    "INTRA_ONLY",
    "MAX_REORDER",
    "NO_STAMP",
    "FrameIndex",
    "PacketTable",
    "Route",
    "scan_packets",
]

Route = Literal["stamp", "order"]
NO_STAMP = int(np.iinfo(np.int64).min)
BARE = ("h264", "hevc", "mjpeg")
"""Bare streams: their stamps are absent, or invented by the reader."""
INTRA_ONLY = (
    *("mjpeg", "jpeg2000", "png", "huffyuv", "ffvhuff", "rawvideo", "prores", "dnxhd", "utvideo", "v210"),
    *("v410", "r210", "jpegls", "tiff", "bmp", "targa", "dvvideo", "ljpeg", "magicyuv", "cfhd", "qoi"),
)
"""Codecs whose pictures never depend on each other."""
MAX_REORDER = 16
"""No codec holds back more frames than this before it shows one, nor stores one farther before its place."""
MAX_REPEATED = 0.01
X264_REGULAR = 151


@dataclass(frozen=True, eq=False)
class PacketTable:
    """Packets of one video stream in decode order.

    Attributes
    ----------
    pts, dts : array (packet,)
        Stamps in units of the stream; `NO_STAMP` where there is none.
    pos : array (packet,)
        Places in the file [bytes]; -1 where unknown.
    size : array (packet,)
        Lengths [bytes].
    key : array (packet,)
        Whether decoding can start there.
    shown : array (packet,)
        Whether the packet should give a frame (no edit list leaves it out, it is not a hidden reference).
    fed : array (packet,)
        Whether it goes to the decoder: false for an exact repetition of the packet before.
    alone : array (packet,)
        Whether nothing behind a key packet looks back beyond it (not so for H.264 recovery points).
    is_cut : bool
        Whether the last packet was cut off (it is not in the table).
    void : array (packet,)
        Packets of zeros only: what a file system leaves where data were lost.
    n_hidden : int
        Packets that hold a reference that is never shown.
    preamble : packet or None
        First packet, where a decoder that starts elsewhere must see it first.
    """

    pts: Int64[np.ndarray, " packet"]
    dts: Int64[np.ndarray, " packet"]
    pos: Int64[np.ndarray, " packet"]
    size: Int64[np.ndarray, " packet"]
    key: Bool[np.ndarray, " packet"]
    shown: Bool[np.ndarray, " packet"]
    fed: Bool[np.ndarray, " packet"]
    alone: Bool[np.ndarray, " packet"]
    void: Bool[np.ndarray, " packet"]
    is_cut: bool = False
    n_hidden: int = 0
    preamble: Any = None

    def __len__(self) -> int:
        return len(self.pts)

    @property
    def stamp(self) -> Int64[np.ndarray, " packet"]:
        """Presentation stamp, or the decode stamp where that is all there is."""
        return np.where(self.pts != NO_STAMP, self.pts, self.dts)

    def find(self, packet: Any) -> int | None:
        """Return the number of a packet that was read after a jump; None if it is not in the table."""
        same = self.size == packet.size
        if packet.pos is not None and packet.pos >= 0:
            found = np.flatnonzero(same & (self.pos == packet.pos))
            if len(found) == 1:
                return int(found[0])
        stamps = ((self.pts, packet.pts), (self.dts, packet.dts))
        for known, stamp in stamps:
            if stamp is not None:
                found = np.flatnonzero(same & (known == stamp))
                if len(found) == 1:
                    return int(found[0])
        return None


def is_end(packet: Any) -> bool:
    """Tell whether a packet carries nothing: the reader's mark of the end, or a dropped slot of an avi."""
    return bool(packet.size == 0)


def _is_hidden(packet: Any, codec: str) -> bool:
    """Tell whether a packet holds a reference that is never shown (VP8 says so in bit 4)."""
    return codec == "vp8" and not memoryview(packet)[0] >> 4 & 1


def _is_void(packet: Any, codec: str) -> bool:
    """Tell whether a packet holds nothing but zeros, which some decoders take for a picture."""
    return codec != "rawvideo" and not any(memoryview(packet)[:16]) and not any(bytes(packet))


def has_idr(data: bytes, nal_length: int) -> bool:
    """Tell whether an H.264 packet holds an instantaneous refresh: nothing behind it looks back beyond it.

    Parameters
    ----------
    data : bytes
        The packet.
    nal_length : int
        Bytes of the length in front of each unit; 0 where units begin with start codes.
    """
    at = 0
    while at + 3 < len(data):
        if nal_length:
            begin = at + nal_length
            at = begin + int.from_bytes(data[at:begin], "big")
        else:
            begin = at = data.find(b"\x00\x00\x01", at) + 3
            if begin == 2:
                return False
        if begin < len(data) and data[begin] & 31 in (1, 5):
            return data[begin] & 31 == 5
    return False


def _stands_alone(packet: Any, codec: str, nal_length: int) -> bool:
    """Tell whether a key packet frees the decoder from all that was before it."""
    if codec == "h264":
        return bool(packet.is_keyframe) and has_idr(bytes(packet), nal_length)
    # What FFmpeg makes of a damaged key frame of MPEG-4 part 2 depends on the frames before.
    return codec != "mpeg4"


def needs_preamble(packet: Any, codec: str) -> bool:
    """Tell whether a decoder that starts elsewhere must see the first packet of the file before.

    Old versions of x264 coded some streams (8x8 transform at 4:4:4) in a way of their own.  The decoder
    allows for it once it has seen the note, which is written only once, at the start; without it, decoding
    from any other key frame gives wrong pictures.  MPEG-4 part 2 streams carry such notes, too, and a
    palette comes with the first packet only.
    """
    if codec == "h264":
        found = re.search(rb"x264 - core (\d+)", bytes(packet))
        return found is not None and int(found[1]) < X264_REGULAR
    return codec == "mpeg4" or bool(packet.has_sidedata("palette"))


def scan_packets(
    packets: Iterable[Any], codec: str, nal_length: int = 0, *, invents_stamps: bool = False
) -> PacketTable:
    """Read all packets of a stream without decoding them.

    Parameters
    ----------
    packets : iterable of packets
        As the reader gives them.  It may raise where the file breaks off; `OSError` other than that of
        damaged data goes through.
    codec : str
        FFmpeg's name of the codec.
    nal_length : int, optional
        H.264: bytes of the length in front of each unit; 0 where units begin with start codes.
    invents_stamps : bool, optional
        Whether presentation stamps are guesses of the reader (H.264 in avi): they are left out.

    Returns
    -------
    PacketTable
        The table.
    """
    columns = [array("q") for _ in range(4)]
    pts, dts, pos, size = columns
    key, shown, fed, alone, void, broken = (bytearray() for _ in range(6))
    previous: Any = None
    preamble: Any = None
    n_hidden = 0
    for packet in packets:
        if is_end(packet):
            continue
        if previous is None:
            preamble = packet if needs_preamble(packet, codec) else None
        twice = (
            previous is not None
            and packet.pts is not None
            and packet.pts == previous.pts
            and packet.size == previous.size
            and bytes(packet) == bytes(previous)
        )
        pts.append(NO_STAMP if packet.pts is None or invents_stamps else packet.pts)
        dts.append(NO_STAMP if packet.dts is None else packet.dts)
        pos.append(-1 if packet.pos is None else packet.pos)
        size.append(packet.size)
        key.append(packet.is_keyframe)
        void.append(_is_void(packet, codec))
        hidden = _is_hidden(packet, codec) and not void[-1]
        n_hidden += hidden
        shown.append(not (twice or packet.is_discard or hidden))
        fed.append(not twice)
        alone.append(_stands_alone(packet, codec, nal_length))
        broken.append(packet.is_corrupt)
        previous = packet
    is_cut = bool(broken) and bool(broken[-1])
    n = len(pts) - is_cut
    numbers = [np.array(column, np.int64)[:n] for column in columns]
    marks = [np.array(mark, np.uint8)[:n].astype(bool) for mark in (key, shown, fed, alone, void)]
    if codec in INTRA_ONLY:
        marks[0][:] = True
    return PacketTable(
        pts=numbers[0],
        dts=numbers[1],
        pos=numbers[2],
        size=numbers[3],
        key=marks[0],
        shown=marks[1],
        fed=marks[2],
        alone=marks[3],
        void=marks[4],
        is_cut=is_cut,
        n_hidden=n_hidden,
        preamble=preamble,
    )


@dataclass(frozen=True, eq=False)
class FrameIndex:
    """Which packet of a file is which frame.

    Attributes
    ----------
    table : PacketTable
        The packets.
    route : {"stamp", "order"}
        Whether the number of a frame is the rank of its stamp, or its place in the decoder's output.
    rank : array (packet,)
        Frame number of each packet; -1 for packets that give no frame.  In the order route this is the
        place among the packets, which holds for whole groups only.
    stamps : array (time,) or None
        Stamps of the frames, rising; None if the file has none.
    n_repeated, n_backward, n_negative : int
        Frames dropped because their stamp was there already; stamps out of order; stamps below zero.
    distrust : str
        Why the stamps of the file are not used; empty where they are, or where there are none.
    """

    table: PacketTable
    route: Route
    rank: Int64[np.ndarray, " packet"]
    stamps: Int64[np.ndarray, " time"] | None
    n_repeated: int = 0
    n_backward: int = 0
    n_negative: int = 0
    distrust: str = ""
    _cache: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def build(cls, table: PacketTable, route: Route, container: str) -> "FrameIndex":
        """Give every frame of a file its number.

        Stamps of which more than 1 % are repeated, or which put a picture farther from its place in the
        file than any codec does (a clock that was set back), are not used: frames are numbered in the
        decoder's order, and have no times of their own.

        Parameters
        ----------
        table : PacketTable
            The packets.
        route : {"stamp", "order"}
            The route.
        container : str
            FFmpeg's name of the container.
        """
        stamp = _unwrapped(table.stamp, container)
        given = stamp != NO_STAMP
        if container in BARE or not given.any():
            return cls._by_place(table)
        stamp = _filled(stamp, given)
        shown = table.shown.copy()
        numbers = np.flatnonzero(shown)
        order = numbers[np.argsort(stamp[numbers], kind="stable")]
        again = np.zeros(len(order), bool)
        again[1:] = np.diff(stamp[order]) == 0
        n_repeated = int(again.sum()) + int((~table.fed).sum())
        if again.sum() > MAX_REPEATED * max(100, len(order)):
            return cls._by_place(table, f"{n_repeated} of {len(order)} stamps are repeated")
        if route == "stamp" and (far := _farthest(numbers, order)) > MAX_REORDER:
            return cls._by_place(table, f"stamps go back by up to {far} frames")
        late = table.pts != NO_STAMP
        has_order = bool(np.any(late & (table.dts != NO_STAMP) & (table.pts != table.dts)))
        backward = (table.pts < table.dts) & late if has_order else np.zeros(len(table), bool)
        n_backward = int(backward.sum()) if has_order else int((np.diff(stamp[numbers]) < 0).sum())
        stamps = stamp[order[~again]]
        if route == "order":
            if again.any():
                shown[order[again]] = False
                table = replace(table, shown=shown)
            rank = np.where(shown, np.cumsum(shown) - 1, -1)
            n_backward = 0
        else:
            rank = np.full(len(table), -1, np.int64)
            rank[order[~again]] = np.arange(len(stamps))
        return cls(table, route, rank, stamps, n_repeated, n_backward, int((stamps < 0).sum()))

    @classmethod
    def _by_place(cls, table: PacketTable, distrust: str = "") -> "FrameIndex":
        """Give frames their place in the file as number; they have no times."""
        rank = np.where(table.shown, np.cumsum(table.shown) - 1, -1)
        return cls(table, "order", rank, None, distrust=distrust)

    @property
    def n_frames(self) -> int:
        """Number of frames."""
        return int((self.rank >= 0).sum()) if self.stamps is None else len(self.stamps)

    @cached_property
    def packet(self) -> Int64[np.ndarray, " time"]:
        """Packet of each frame (in the order route: the packet at its place, right for whole groups only)."""
        numbers = np.flatnonzero(self.rank >= 0)
        found = np.empty(len(numbers), np.int64)
        found[self.rank[numbers]] = numbers
        return found

    @cached_property
    def keys(self) -> Int64[np.ndarray, " group"]:
        """First packet of each group of pictures; what comes before the first key frame is a group too."""
        found = np.flatnonzero(self.table.key & self.table.fed)
        return found if len(found) and found[0] == 0 else np.concatenate([[0], found]).astype(np.int64)

    @cached_property
    def group(self) -> Int64[np.ndarray, " packet"]:
        """Group of pictures of each packet."""
        return np.asarray(np.searchsorted(self.keys, np.arange(len(self.table)), side="right") - 1)

    @cached_property
    def leading(self) -> Bool[np.ndarray, " packet"]:
        """Packets shown before the key frame of their group: they depend on the group before, too."""
        if self.route == "order":
            return np.zeros(len(self.table), bool)
        first = self.rank[self.keys][self.group]
        found = (self.rank >= 0) & (self.rank < first)
        found[self.group == 0] = False
        return np.asarray(found)

    @cached_property
    def ahead(self) -> int:
        """Most packets by which a picture comes before its place among those that are shown."""
        if self.route == "order":
            return MAX_REORDER
        shown = np.argsort(self.table.stamp, kind="stable")
        return min(MAX_REORDER, int((np.arange(len(shown)) - shown).max(initial=0)))

    @cached_property
    def is_open(self) -> Bool[np.ndarray, " group"]:
        """Groups that cannot be decoded alone, or whose frames cannot be numbered alone."""
        opened = ~self.table.alone[self.keys]
        opened[0] = False
        if self.route == "order":
            opened[1:] |= np.diff(self.keys, append=len(self.table))[1:] > 1
        else:
            opened[self.group[self.leading]] = True
        return np.asarray(opened)

    @cached_property
    def reach(self) -> Int64[np.ndarray, " time"]:
        """Number of packets that must be final before the frames 0..i are."""
        if self.route == "order":
            far = np.arange(self.n_frames) + 2 * MAX_REORDER + 1
            packet = self.packet[np.minimum(far, self.n_frames - 1)]
            # The last frames are numbered only when the decoder is empty.
            return np.where(far < self.n_frames, packet, len(self.table)) + 1
        return np.asarray(np.maximum.accumulate(self.packet) + 1)

    def frames_before(self, packet: int) -> int:
        """Count the packets before one that give a frame."""
        return int(np.searchsorted(np.flatnonzero(self.rank >= 0), packet))

    def start_for(self, frame: int) -> int:
        """Return the key packet at which decoding must start for a frame to be right."""
        return self.start_group(int(self.group[self.packet[frame]]))

    def start_group(self, group: int) -> int:
        """Return the key packet at which decoding must start for a group to be right.

        An open group needs the one before, whole, with all evidence of damage; what comes right behind the
        start itself may be wrong.
        """
        first = group
        while group > 0 and self.is_open[group]:
            group -= 1
            if self.keys[max(first - 1, 0)] - self.keys[group] > 2 * MAX_REORDER + 2:
                break
        return int(self.keys[group])


def _farthest(numbers: Int64[np.ndarray, " shown"], order: Int64[np.ndarray, " shown"]) -> int:
    """Return how far stamps put a picture from its place among the packets [frame]."""
    place = np.empty(len(order), np.int64)
    place[np.searchsorted(numbers, order)] = np.arange(len(order))
    return int(np.abs(place - np.arange(len(order))).max(initial=0))


def _unwrapped(stamp: Int64[np.ndarray, " packet"], container: str) -> Int64[np.ndarray, " packet"]:
    """Undo the overflow of the 33-bit stamps of MPEG streams."""
    if not container.startswith("mpeg") or len(stamp) < 2:
        return stamp
    turns = np.zeros(len(stamp), np.int64)
    known = np.flatnonzero(stamp != NO_STAMP)
    steps = np.diff(stamp[known])
    # Pictures are stored in another order than they are shown: around the overflow stamps go back and forth.
    turns[known[1:]] = np.cumsum((steps < -(1 << 32)).astype(np.int64) - (steps > 1 << 32))
    return np.asarray(stamp + (turns << 33))


def _filled(
    stamp: Int64[np.ndarray, " packet"], given: Bool[np.ndarray, " packet"]
) -> Int64[np.ndarray, " packet"]:
    """Put the few stamps that are absent between their neighbours."""
    if given.all():
        return stamp
    known = np.flatnonzero(given)
    middle = np.interp(np.arange(len(stamp)), known, stamp[known].astype(np.float64))
    return np.where(given, stamp, np.rint(middle).astype(np.int64))
