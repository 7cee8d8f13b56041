"""Edits of finished files, checked with small files made by hand."""

import struct

import pytest

from mystax.errors import FormatError
from mystax.synth import faulty_boxes as boxes


def box(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), name) + content


def movie(*, movie_scale: int = 1000, track_scale: int = 15360) -> bytes:
    """Make an mp4 with the boxes that are edited: 300 samples of 512 ticks, edit from 0 to the end."""
    mvhd = box(b"mvhd", bytes(12) + struct.pack(">II", movie_scale, 10 * movie_scale))
    tkhd = box(b"tkhd", bytes(40) + struct.pack(">9i", 65536, 0, 0, 0, 65536, 0, 0, 0, 1 << 30) + bytes(8))
    elst = box(b"elst", struct.pack(">IIIiI", 0, 1, 10 * movie_scale, 0, 65536))
    mdhd = box(b"mdhd", bytes(12) + struct.pack(">II", track_scale, 10 * track_scale))
    stts = box(b"stts", struct.pack(">IIIIII", 0, 2, 200, 512, 100, 512))
    mdia = box(b"mdia", mdhd + box(b"minf", box(b"stbl", stts)))
    trak = box(b"trak", tkhd + box(b"edts", elst) + mdia)
    return box(b"ftyp", b"isom0000") + box(b"moov", mvhd + trak) + box(b"mdat", b"pictures")


def content(data: bytes, name: str) -> bytes:
    found = boxes.find_box(data, name)
    return data[found.start : found.end]


def test_boxes_come_outer_before_inner_with_their_path() -> None:
    paths = ["/".join(one.path) for one in boxes.iterate_boxes(movie())]
    assert paths[:4] == ["ftyp", "moov", "moov/mvhd", "moov/trak"]
    assert "moov/trak/mdia/minf/stbl/stts" in paths
    assert paths[-1] == "mdat"


def test_content_of_a_box_is_found() -> None:
    assert content(movie(), "mdat") == b"pictures"


def test_a_box_of_64_bit_length_and_one_up_to_the_end_are_walked() -> None:
    long = struct.pack(">I4sQ", 1, b"free", 16 + 4) + b"abcd"
    open_end = struct.pack(">I4s", 0, b"mdat") + b"rest"
    found = list(boxes.iterate_boxes(long + open_end))
    assert [(one.path[-1], (long + open_end)[one.start : one.end]) for one in found] == [
        ("free", b"abcd"),
        ("mdat", b"rest"),
    ]


def test_a_box_shorter_than_its_header_ends_the_walk() -> None:
    assert list(boxes.iterate_boxes(struct.pack(">I4s", 4, b"free") + bytes(100))) == []


def test_a_missing_box_is_refused_by_name() -> None:
    with pytest.raises(FormatError, match="ctts") as caught:
        boxes.find_box(movie(), "ctts")
    assert caught.value.code == "F804"


def test_sample_count_grows_in_the_last_run_only() -> None:
    changed = boxes.set_sample_count(movie(), 50)
    assert struct.unpack(">6I", content(changed, "stts")) == (0, 2, 200, 512, 150, 512)
    assert len(changed) == len(movie())


def test_edit_start_moves_and_the_edit_becomes_shorter() -> None:
    # 30 frames of 512 ticks are 15360 ticks: 1 s, 1000 units of the movie.
    changed = boxes.set_edit_start(movie(), 30 * 512)
    assert struct.unpack(">IIIiI", content(changed, "elst")) == (0, 1, 9000, 15360, 65536)


def test_track_scale_is_read() -> None:
    assert boxes.track_scale(movie(track_scale=90000)) == 90000


@pytest.mark.parametrize(
    ("degrees", "a", "b", "c", "d"), [(90, 0, 1, -1, 0), (180, -1, 0, 0, -1), (270, 0, -1, 1, 0)]
)
def test_rotation_matrix_turns_clockwise(degrees: int, a: int, b: int, c: int, d: int) -> None:
    matrix = struct.unpack_from(">9i", content(boxes.set_rotation(movie(), degrees), "tkhd"), 40)
    assert matrix == (a << 16, b << 16, 0, c << 16, d << 16, 0, 0, 0, 1 << 30)


def avi() -> bytes:
    avih = b"avih" + struct.pack("<I", 56) + struct.pack("<14I", *range(14))
    strh = b"strh" + struct.pack("<I", 56) + struct.pack("<14I", *range(14))
    strf = b"strf" + struct.pack("<I", 40) + struct.pack("<IIIHH", 40, 96, 96, 1, 24) + bytes(20)
    dmlh = b"dmlh" + struct.pack("<I", 4) + struct.pack("<I", 300)
    return b"RIFF....AVI " + avih + strh + strf + dmlh + b"LIST....movi00dc"


def test_all_counts_of_an_avi_are_set() -> None:
    changed = boxes.set_avi_count(avi(), 777)
    assert struct.unpack_from("<I", changed, changed.index(b"avih") + 8 + 4 * 4) == (777,)
    assert struct.unpack_from("<I", changed, changed.index(b"strh") + 8 + 4 * 8) == (777,)
    assert struct.unpack_from("<I", changed, changed.index(b"dmlh") + 8) == (777,)
    assert sum(a != b for a, b in zip(changed, avi(), strict=True)) <= 12


def test_size_of_an_avi_is_set_in_both_headers() -> None:
    changed = boxes.set_avi_size(avi(), 65500, 65400)
    assert struct.unpack_from("<II", changed, changed.index(b"avih") + 8 + 32) == (65500, 65400)
    assert struct.unpack_from("<II", changed, changed.index(b"strf") + 12) == (65500, 65400)


def test_packets_are_found_one_after_the_other_even_if_equal() -> None:
    data = b"head" + b"AAAA" + b"BB" + b"AAAA" + b"tail"
    places = boxes.locate_packets(data, [b"AAAA", b"BB", b"AAAA"], has_start_codes=False)
    assert places == [(4, 8), (8, 10), (10, 14)]


def test_start_codes_that_became_lengths_do_not_hide_a_packet() -> None:
    packet = b"\0\0\0\1\x67set\0\0\1\x65slice"
    stored = struct.pack(">I", 4) + b"\x67set" + struct.pack(">I", 6) + b"\x65slice"
    start, end = boxes.locate_packets(b"x" + stored, [packet], has_start_codes=True)[0]
    assert (b"x" + stored)[start:end] == b"\x65slice"


def test_a_packet_that_is_not_there_is_refused() -> None:
    with pytest.raises(FormatError, match="packet 1 ") as caught:
        boxes.locate_packets(b"AAAA", [b"AA", b"CC"], has_start_codes=False)
    assert caught.value.code == "F804"


@pytest.mark.parametrize(
    ("container", "data", "place"),
    [
        ("mp4", movie(), movie().index(b"pictures")),
        ("avi", avi(), avi().index(b"00dc")),
        ("mkv", b"head\x1f\x43\xb6\x75....packet", 4),
    ],
)
def test_pictures_begin_behind_the_headers(container: str, data: bytes, place: int) -> None:
    assert boxes.first_picture_byte(data, container, len(data) - 6) == place
