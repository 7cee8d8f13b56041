"""Tests of `mystax.io.video_index`: packet tables, ranks, groups of pictures, places to start."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mystax.io.video_index import (
    MAX_REORDER,
    NO_STAMP,
    FrameIndex,
    PacketTable,
    Route,
    has_idr,
    needs_preamble,
    scan_packets,
)

MP4 = "mov,mp4,m4a,3gp,3g2,mj2"


@dataclass
class FakePacket:
    """A packet as the library gives it."""

    pts: int | None
    dts: int | None = None
    data: bytes = b"\x10" * 20
    pos: int | None = None
    is_keyframe: bool = False
    is_discard: bool = False
    is_corrupt: bool = False
    sides: Sequence[str] = field(default_factory=tuple)

    @property
    def size(self) -> int:
        return len(self.data)

    def __bytes__(self) -> bytes:
        return self.data

    def __buffer__(self, flags: int) -> memoryview:
        return memoryview(self.data)

    def has_sidedata(self, kind: str) -> bool:
        return kind in self.sides


class RealBytes(bytes):
    """Bytes that look like a packet: before Python 3.12 only real buffers can be viewed."""

    pts: int | None
    dts: int | None
    pos: int | None
    is_keyframe: bool
    is_discard: bool
    is_corrupt: bool
    sides: Sequence[str]
    size: int

    def has_sidedata(self, kind: str) -> bool:
        return kind in self.sides


def as_bytes(packet: FakePacket) -> RealBytes:
    real = RealBytes(packet.data)
    for name in ("pts", "dts", "pos", "is_keyframe", "is_discard", "is_corrupt", "sides", "size"):
        setattr(real, name, getattr(packet, name))
    return real


def scan(
    packets: Sequence[FakePacket], codec: str = "mpeg2video", *, invents_stamps: bool = False
) -> PacketTable:
    return scan_packets([as_bytes(packet) for packet in packets], codec, invents_stamps=invents_stamps)


def simple(stamps: Sequence[int], keys: Sequence[int] = (0,), codec: str = "mpeg2video") -> PacketTable:
    return scan(
        [FakePacket(stamp, dts=k * 10, pos=k * 100, is_keyframe=k in keys) for k, stamp in enumerate(stamps)],
        codec,
    )


def built(table: PacketTable, route: Route = "stamp", container: str = MP4) -> FrameIndex:
    return FrameIndex.build(table, route, container)


# ---------------------------------------------------------------------- the table


def test_table_holds_what_packets_say() -> None:
    table = scan([FakePacket(5, 3, b"\x10" * 7, 11, is_keyframe=True), FakePacket(None, 4, b"\x20")])
    assert table.pts.tolist() == [5, NO_STAMP]
    assert table.dts.tolist() == [3, 4]
    assert table.stamp.tolist() == [5, 4]
    assert table.size.tolist() == [7, 1]
    assert table.pos.tolist() == [11, -1]
    assert table.key.tolist() == [True, False]


def test_empty_packets_are_no_frames() -> None:
    assert len(scan([FakePacket(0), FakePacket(1, data=b""), FakePacket(2)])) == 2


def test_packets_that_an_edit_list_leaves_out_are_fed_and_not_shown() -> None:
    table = scan([FakePacket(0, is_discard=True), FakePacket(1)])
    assert table.shown.tolist() == [False, True]
    assert table.fed.all()


def test_exact_repetition_of_a_packet_is_not_fed_again() -> None:
    table = scan([FakePacket(0), FakePacket(1, data=b"abc"), FakePacket(1, data=b"abc"), FakePacket(2)])
    assert table.fed.tolist() == [True, True, False, True]
    assert built(table).n_frames == 3
    assert built(table).n_repeated == 1


def test_equal_bytes_at_another_time_are_another_frame() -> None:
    assert scan([FakePacket(0, data=b"abc"), FakePacket(1, data=b"abc")]).fed.all()


def test_hidden_references_of_vp8_are_no_frames() -> None:
    shown, hidden = b"\x10\x00\x00", b"\x01\x00\x00"
    table = scan([FakePacket(0, data=shown), FakePacket(1, data=hidden), FakePacket(2, data=shown)], "vp8")
    assert table.shown.tolist() == [True, False, True]
    assert table.n_hidden == 1


def test_packet_of_zeros_is_damage_and_not_a_hidden_reference() -> None:
    table = scan([FakePacket(0, data=b"\x10abc"), FakePacket(1, data=bytes(40))], "vp8")
    assert table.void.tolist() == [False, True]
    assert table.shown.all()


def test_black_raw_pictures_are_no_damage() -> None:
    assert not scan([FakePacket(0, data=bytes(40))], "rawvideo").void.any()


def test_cut_last_packet_is_left_out() -> None:
    table = scan([FakePacket(0), FakePacket(1), FakePacket(2, is_corrupt=True)])
    assert len(table) == 2
    assert table.is_cut


def test_corrupt_packet_in_the_middle_stays() -> None:
    table = scan([FakePacket(0), FakePacket(1, is_corrupt=True), FakePacket(2)])
    assert len(table) == 3
    assert not table.is_cut


@pytest.mark.parametrize("codec", ["mjpeg", "png", "rawvideo", "huffyuv"])
def test_every_picture_of_an_intra_codec_is_a_key_frame(codec: str) -> None:
    assert scan([FakePacket(k) for k in range(4)], codec).key.all()


def test_invented_stamps_are_left_out() -> None:
    table = scan([FakePacket(1, 0), FakePacket(2, 1)], invents_stamps=True)
    assert table.stamp.tolist() == [0, 1]


def test_no_packets_make_an_empty_table() -> None:
    assert len(scan([])) == 0


# ---------------------------------------------------------------------- finding a packet again


def test_packet_is_found_by_place_and_size() -> None:
    table = simple([0, 1, 2])
    assert table.find(FakePacket(None, None, b"\x10" * 20, pos=200)) == 2


def test_packet_without_a_place_is_found_by_its_stamp() -> None:
    assert simple([0, 10, 20]).find(FakePacket(10)) == 1


def test_packet_of_another_size_is_not_found() -> None:
    assert simple([0, 10, 20]).find(FakePacket(10, data=b"xy", pos=100)) is None


# ---------------------------------------------------------------------- ranks


def test_frames_are_numbered_in_the_order_of_their_stamps() -> None:
    index = built(simple([0, 3, 1, 2, 6, 4, 5]))
    assert index.rank.tolist() == [0, 3, 1, 2, 6, 4, 5]
    assert index.packet.tolist() == [0, 2, 3, 1, 5, 6, 4]
    assert index.stamps is not None
    assert index.stamps.tolist() == list(range(7))


def test_second_of_two_equal_stamps_is_dropped_and_counted() -> None:
    stamps = [*range(150), 149, *range(151, 200)]
    packets = [FakePacket(stamp, data=bytes([1 + k % 250] * 5)) for k, stamp in enumerate(stamps)]
    index = built(scan(packets))
    assert (index.n_frames, index.n_repeated) == (199, 1)
    assert index.rank[150] == -1


def test_many_equal_stamps_are_not_used() -> None:
    packets = [FakePacket(k // 2, data=bytes([1 + k % 250] * 5)) for k in range(300)]
    index = built(scan(packets))
    assert (index.route, index.stamps, index.n_frames) == ("order", None, 300)
    assert index.distrust == "150 of 300 stamps are repeated"


def test_stamps_of_a_clock_that_was_set_back_are_not_used() -> None:
    """Sorted by them, frames of two moments would take turns."""
    stamps = [*range(0, 1000, 10), *range(505, 1505, 10)]
    index = built(scan([FakePacket(stamp) for stamp in stamps]))
    assert (index.route, index.stamps) == ("order", None)
    assert index.rank.tolist() == list(range(200))
    assert index.distrust == "stamps go back by up to 49 frames"


@pytest.mark.parametrize("far", [MAX_REORDER, MAX_REORDER + 1])
def test_stamps_may_go_back_as_far_as_codecs_do(far: int) -> None:
    stamps = [*range(1, far + 1), 0, *range(far + 1, 60)]
    assert (built(scan([FakePacket(stamp) for stamp in stamps])).stamps is None) == (far > MAX_REORDER)


def test_negative_stamps_are_kept_and_counted() -> None:
    index = built(simple([-20, -10, 0, 10]))
    assert (index.n_frames, index.n_negative) == (4, 2)


def test_stamp_that_goes_back_is_sorted_and_counted() -> None:
    packets = [FakePacket(stamp) for stamp in (0, 1, 2, 5, 4, 6)]
    index = built(scan(packets))
    assert index.n_backward == 1
    assert index.rank.tolist() == [0, 1, 2, 4, 3, 5]


def test_overflow_of_mpeg_stamps_among_reordered_pictures_keeps_their_order() -> None:
    """Decoded I P B B P B B: the pictures between go back behind the overflow, and it is no second one."""
    top, step = 1 << 33, 3000
    shown = [0, 3, 1, 2, 6, 4, 5]
    stamps = [(top - 2 * step + k * step) % top for k in shown]
    index = built(simple(stamps), container="mpegts")
    assert index.rank.tolist() == shown
    assert index.stamps is not None
    assert np.diff(index.stamps).tolist() == [step] * 6


def test_stamps_that_overflow_go_on() -> None:
    top = 1 << 33
    index = built(simple([top - 3000, 0, 3000]), container="mpegts")
    assert index.stamps is not None
    assert np.diff(index.stamps).tolist() == [3000, 3000]


def test_few_absent_stamps_are_put_between_their_neighbours() -> None:
    packets = [FakePacket(0), FakePacket(None, None), FakePacket(20)]
    index = built(scan(packets))
    assert index.stamps is not None
    assert index.stamps.tolist() == [0, 10, 20]


@pytest.mark.parametrize("container", ["h264", "hevc", "mjpeg"])
def test_bare_streams_have_no_times(container: str) -> None:
    index = built(simple([0, 1, 2]), container=container)
    assert (index.route, index.stamps, index.n_frames) == ("order", None, 3)


@settings(deadline=None, max_examples=40)
@given(order=st.permutations(range(12)))
def test_rank_and_packet_undo_each_other(order: list[int]) -> None:
    index = built(simple(order))
    np.testing.assert_array_equal(index.rank[index.packet], np.arange(12))
    assert (np.diff(index.reach) >= 0).all()
    assert all(index.reach[rank] > packet for packet, rank in enumerate(index.rank))


# ---------------------------------------------------------------------- groups


def test_groups_begin_at_key_frames() -> None:
    index = built(simple(range(10), keys=(0, 4, 8)))
    assert index.keys.tolist() == [0, 4, 8]
    assert index.group.tolist() == [0, 0, 0, 0, 1, 1, 1, 1, 2, 2]
    assert not index.is_open.any()


def test_what_comes_before_the_first_key_frame_is_a_group() -> None:
    assert built(simple(range(6), keys=(2,))).keys.tolist() == [0, 2]


def test_pictures_shown_before_their_key_frame_make_the_group_open() -> None:
    index = built(simple([0, 1, 2, 5, 3, 4, 6], keys=(0, 3)))
    assert np.flatnonzero(index.leading).tolist() == [4, 5]
    assert index.is_open.tolist() == [False, True]


def test_closed_group_is_decoded_from_its_own_key_frame() -> None:
    index = built(simple(range(100), keys=(0, 50)))
    assert [index.start_for(frame) for frame in (0, 49, 50, 99)] == [0, 0, 50, 50]


def test_open_group_is_decoded_from_groups_before() -> None:
    stamps = list(range(300))
    for key in (60, 120, 180, 240):
        stamps[key : key + 3] = [key + 2, key, key + 1]
    index = built(simple(stamps, keys=(0, 60, 120, 180, 240)))
    assert index.start_for(200) == 60
    assert index.start_for(70) == 0


def test_order_route_needs_the_group_before() -> None:
    index = built(simple(range(300), keys=(0, 100, 200)), "order")
    assert index.start_for(250) == 0


def test_order_route_of_single_pictures_needs_none() -> None:
    index = built(simple(range(20), keys=range(20)), "order")
    assert index.start_for(15) == 15


def test_frames_of_the_order_route_are_final_only_far_behind() -> None:
    index = built(simple(range(100), keys=(0,)), "order")
    assert index.reach[0] > 2 * MAX_REORDER
    assert index.reach[99] == 101


@pytest.mark.parametrize(
    ("stamps", "ahead"), [(range(9), 0), ([0, 2, 1, 4, 3], 1), ([0, 4, 1, 2, 3, 8, 6, 5, 7], 3)]
)
def test_packets_stand_ahead_of_their_place_by_their_b_frames(stamps: Sequence[int], ahead: int) -> None:
    index = built(simple(stamps, keys=(0,)))
    assert index.ahead == max(int(rank) - packet for packet, rank in enumerate(index.rank)) == ahead


def test_packets_may_stand_far_ahead_where_their_place_is_not_known() -> None:
    assert built(simple(range(9), keys=(0,)), "order").ahead == MAX_REORDER


def test_frames_before_a_packet_leave_out_what_is_not_shown() -> None:
    packets = [FakePacket(k, is_discard=k < 2) for k in range(6)]
    index = built(scan(packets))
    assert [index.frames_before(packet) for packet in range(6)] == [0, 0, 0, 1, 2, 3]


# ---------------------------------------------------------------------- what H.264 packets hold


def units(*kinds: int) -> list[bytes]:
    return [bytes([kind]) + b"\x11" * 4 for kind in kinds]


@pytest.mark.parametrize(
    ("kinds", "expected"), [((9, 7, 8, 5), True), ((6, 1), False), ((9,), False), ((5,), True)]
)
def test_refresh_is_found_behind_start_codes(kinds: tuple[int, ...], expected: bool) -> None:
    assert has_idr(b"".join(b"\x00\x00\x01" + unit for unit in units(*kinds)), 0) is expected


@pytest.mark.parametrize("length", [2, 4])
def test_refresh_is_found_behind_lengths(length: int) -> None:
    data = b"".join(len(unit).to_bytes(length, "big") + unit for unit in units(6, 5))
    assert has_idr(data, length)


@settings(deadline=None, max_examples=60)
@given(data=st.binary(max_size=60), length=st.sampled_from([0, 1, 2, 4]))
def test_any_bytes_are_looked_at_without_an_exception(data: bytes, length: int) -> None:
    assert has_idr(data, length) in (True, False)


def test_note_of_an_old_x264_makes_the_first_packet_needed() -> None:
    packets = (FakePacket(0, data=b"..x264 - core 148 r2"), FakePacket(0, data=b"..x264 - core 164 r3"))
    assert [needs_preamble(as_bytes(packet), "h264") for packet in packets] == [True, False]


def test_palette_of_the_first_packet_is_needed_everywhere() -> None:
    assert needs_preamble(as_bytes(FakePacket(0, sides=["palette"])), "rawvideo")
    assert not needs_preamble(as_bytes(FakePacket(0)), "rawvideo")


def test_scan_of_a_generator_that_fails_passes_the_failure_on() -> None:
    def broken() -> Iterator[RealBytes]:
        yield as_bytes(FakePacket(0))
        raise OSError(5, "gone")

    with pytest.raises(OSError, match="gone"):
        scan_packets(broken(), "mpeg4")
