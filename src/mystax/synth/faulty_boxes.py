"""Changes to the bytes of finished files: boxes of mp4, headers of avi, the place of packets."""

import struct
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from mystax.errors import FormatError

__all__ = [
    "Box",
    "find_box",
    "first_picture_byte",
    "iterate_boxes",
    "locate_packets",
    "set_avi_count",
    "set_avi_size",
    "set_edit_start",
    "set_rotation",
    "set_sample_count",
    "track_scale",
]

_CONTAINERS = {b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts", b"udta"}


class Box(NamedTuple):
    """One box of an mp4: its path from the top, the first byte of its content, and its end."""

    path: tuple[str, ...]
    start: int
    end: int


def iterate_boxes(
    data: bytes | bytearray, start: int = 0, end: int | None = None, path: tuple[str, ...] = ()
) -> Iterator[Box]:
    """Give all boxes of an mp4, outer before inner.

    Parameters
    ----------
    data : bytes
        The file.
    start, end : int, optional
        Part to walk; by default all of it.
    path : tuple of str, optional
        Names of the boxes around that part.

    Yields
    ------
    Box
        Path, first byte of the content, end.
    """
    stop = len(data) if end is None else end
    while start + 8 <= stop:
        size, name = struct.unpack_from(">I4s", data, start)
        header = 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, start + 8)
            header = 16
        size = size or stop - start
        if size < header:
            return
        here = (*path, name.decode("latin-1"))
        yield Box(here, start + header, min(start + size, stop))
        if name in _CONTAINERS:
            yield from iterate_boxes(data, start + header, min(start + size, stop), here)
        start += size


def find_box(data: bytes | bytearray, name: str) -> Box:
    """Find the first box of a name.

    Parameters
    ----------
    data : bytes
        The file.
    name : str
        Four letters.

    Returns
    -------
    Box
        The box.

    Raises
    ------
    FormatError
        F804, if there is none.
    """
    for box in iterate_boxes(data):
        if box.path[-1] == name:
            return box
    raise FormatError("F804", "mp4", f"no box {name!r}")


def set_sample_count(data: bytes, n_more: int) -> bytes:
    """Let an mp4 claim more frames than it holds: the last run of its time table becomes longer."""
    changed = bytearray(data)
    table = find_box(changed, "stts")
    (n_runs,) = struct.unpack_from(">I", changed, table.start + 4)
    last = table.start + 8 + 8 * (n_runs - 1)
    (n_samples,) = struct.unpack_from(">I", changed, last)
    struct.pack_into(">I", changed, last, n_samples + n_more)
    return bytes(changed)


def set_edit_start(data: bytes, n_ticks: int) -> bytes:
    """Move the start of an mp4's edit list by some ticks of the track: what comes before is not shown."""
    changed = bytearray(data)
    edits = find_box(changed, "elst")
    movie_scale = struct.unpack_from(">I", changed, find_box(changed, "mvhd").start + 12)[0]
    track_scale = struct.unpack_from(">I", changed, find_box(changed, "mdhd").start + 12)[0]
    length, start = struct.unpack_from(">Ii", changed, edits.start + 8)
    length -= n_ticks * movie_scale // track_scale
    struct.pack_into(">Ii", changed, edits.start + 8, length, start + n_ticks)
    return bytes(changed)


def set_rotation(data: bytes, degrees: int) -> bytes:
    """Let the track header of an mp4 say that a player must turn the picture clockwise [degrees].

    The matrix maps stored (x, y) to displayed (a x + c y + tx, b x + d y + ty), x right and y down
    (ISO/IEC 14496-12, track header box), so that a = d = cos and b = -c = sin of the clockwise angle.
    """
    cosine, sine = {90: (0, 1), 180: (-1, 0), 270: (0, -1)}[degrees]
    one = 1 << 16
    matrix = (cosine * one, sine * one, 0, -sine * one, cosine * one, 0, 0, 0, 1 << 30)
    changed = bytearray(data)
    struct.pack_into(">9i", changed, find_box(changed, "tkhd").start + 40, *matrix)
    return bytes(changed)


def set_avi_count(data: bytes, n_frames: int) -> bytes:
    """Let the headers of an avi claim a number of frames."""
    changed = bytearray(data)
    struct.pack_into("<I", changed, data.index(b"avih") + 8 + 16, n_frames)
    struct.pack_into("<I", changed, data.index(b"strh") + 8 + 32, n_frames)
    extended = data.find(b"dmlh")
    if extended >= 0:
        struct.pack_into("<I", changed, extended + 8, n_frames)
    return bytes(changed)


def set_avi_size(data: bytes, width: int, height: int) -> bytes:
    """Let the headers of an avi claim a picture size [px]."""
    changed = bytearray(data)
    struct.pack_into("<II", changed, data.index(b"avih") + 8 + 32, width, height)
    struct.pack_into("<II", changed, data.index(b"strf") + 8 + 4, width, height)
    return bytes(changed)


def locate_packets(data: bytes, packets: Sequence[bytes], *, has_start_codes: bool) -> list[tuple[int, int]]:
    """Find the bytes of each packet in a finished file.

    Containers store packets as they are, one after the other, but for the start codes of H.264 and HEVC,
    which mp4 and mkv replace by lengths; so what follows the last start code of a packet is looked for.

    Parameters
    ----------
    data : bytes
        The file.
    packets : sequence of bytes
        Encoded packets in decode order.
    has_start_codes : bool
        Whether the codec is H.264 or HEVC.

    Returns
    -------
    list of (int, int)
        First byte and end of each packet's (last) piece.

    Raises
    ------
    FormatError
        F804, if a packet is not there in one piece (mpeg-ts).
    """
    places, cursor = [], 0
    for number, packet in enumerate(packets):
        payload = packet[packet.rfind(b"\x00\x00\x01") + 3 :] if has_start_codes else packet
        start = data.find(payload, cursor)
        if start < 0:
            raise FormatError("F804", "video", f"packet {number} does not stand in the file in one piece")
        cursor = start + len(payload)
        places.append((start, cursor))
    return places


def track_scale(data: bytes) -> int:
    """Return the ticks per second of the (first) track of an mp4."""
    (scale,) = struct.unpack_from(">I", data, find_box(data, "mdhd").start + 12)
    return int(scale)


def first_picture_byte(data: bytes, container: str, first: int) -> int:
    """Return where the pictures begin, with whatever stands in front of the first packet.

    Parameters
    ----------
    data : bytes
        The file.
    container : str
        Its container.
    first : int
        A byte of the first packet.

    Returns
    -------
    int
        Bytes before the pictures.
    """
    if container in ("mp4", "mov"):
        return find_box(data, "mdat").start
    if container == "avi":
        return data.index(b"movi") + 4
    return data.rindex(b"\x1f\x43\xb6\x75", 0, first)  # identifier of a matroska cluster
