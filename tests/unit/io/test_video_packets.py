"""Tests of `mystax.io.video_packets`: jumps are believed only where they give the packets of the index."""

import contextlib
import errno
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from mystax.errors import VideoError
from mystax.io.video_index import FrameIndex, PacketTable
from mystax.io.video_library import Library, Opened
from mystax.io.video_packets import PacketReader

N = 30
SIZES = [100 + 7 * number % 40 for number in range(N)]


@dataclass(frozen=True)
class Packet:
    """What the reader looks at; the number says where it truly belongs, -1 for a scrap."""

    number: int
    size: int
    pts: int
    dts: int
    pos: int | None = None


TRUE = [Packet(number, size, number, number) for number, size in enumerate(SIZES)]


def scrap(number: int, size: int | None = None) -> Packet:
    """Make a piece cut out in another way, with the stamp of a packet (and its size, by chance)."""
    return Packet(-1, SIZES[number] if size is None else size, number, number)


@dataclass
class Film:
    """A file whose jumps lead to packets that are told; by default to the key packet that is meant."""

    landings: Mapping[int, Sequence[Packet] | Exception] = field(default_factory=dict)
    packets: Sequence[Packet] = field(default_factory=lambda: TRUE)
    jumps: list[int] = field(default_factory=list)
    at: int | None = None

    def seek(self, offset: int, **_: Any) -> None:
        self.jumps.append(offset)
        self.at = offset
        if isinstance(self.landings.get(offset), Exception):
            raise self.landings[offset]  # type: ignore[misc]  # it is one

    def demux(self, _: Any) -> Iterator[Packet]:
        given = self.packets if self.at is None else self.landings.get(self.at, self.packets[self.at :])
        assert not isinstance(given, Exception)
        yield from given

    def close(self) -> None:
        self.at = None


class Context:
    """A decoder that is not open."""

    is_open = False


def reader_of(film: Film) -> PacketReader:
    numbers = np.arange(N)
    every = np.ones(N, bool)
    table = PacketTable(
        numbers,
        numbers,
        np.full(N, -1),
        np.array(SIZES),
        numbers % 6 == 0,
        shown=every,
        fed=every,
        alone=every,
        void=~every,
    )
    library = Library(
        where="film.mpg",
        open=lambda threads: Opened(film, None, Context(), threads),
        count_errors=lambda: 0,
        listen=lambda _: contextlib.nullcontext([]),
        failure=OSError,
        twin=lambda packet: packet,
        count_samples=lambda: N,
    )
    return PacketReader(library, FrameIndex.build(table, "stamp", "mpeg"))


def rest(reader: PacketReader) -> list[int]:
    return [packet.number for packet in iter(reader.read, None)]


@pytest.mark.parametrize("packet", [0, 6, 18, 24])
def test_reader_gives_all_packets_from_a_key_packet_on(packet: int) -> None:
    film = Film()
    reader = reader_of(film)
    assert reader.seek(packet, 1) == packet
    assert rest(reader) == list(range(packet, N))
    assert film.jumps == [packet] * (packet > 0)


@pytest.mark.parametrize(
    ("why", "landing"),
    [
        ("other packets", [scrap(15, 3), *TRUE[16:]]),
        ("one that looks right by chance", [scrap(15), scrap(16, 3), *TRUE[17:]]),
        ("the goal itself by chance", [scrap(18), TRUE[18], *TRUE[19:]]),
        ("cut out anew before the goal", [TRUE[14], TRUE[15], scrap(16, 3), *TRUE[17:]]),
        ("behind the goal", TRUE[19:]),
        ("the end", []),
        ("the end before the goal", TRUE[14:16]),
        ("nowhere", OSError(errno.EINVAL, "cannot seek")),
    ],
)
def test_jump_that_does_not_give_the_packets_of_the_index_is_not_believed(
    why: str, landing: Sequence[Packet] | Exception
) -> None:
    film = Film({18: landing})
    reader = reader_of(film)
    assert reader.seek(18, 1) == 18
    assert rest(reader) == list(range(18, N)), why
    assert film.jumps == [18, 12]


def test_file_is_read_from_its_start_where_no_jump_can_be_believed() -> None:
    film = Film({key: [scrap(key), *TRUE[key:]] for key in range(0, N, 6)})
    reader = reader_of(film)
    assert reader.seek(24, 1) == 24
    assert rest(reader) == list(range(24, N))
    assert len(film.jumps) == 3


def test_jump_may_land_before_the_packet() -> None:
    film = Film({24: TRUE[19:]})
    reader = reader_of(film)
    assert reader.seek(24, 1) == 24
    assert rest(reader) == list(range(24, N))
    assert film.jumps == [24]


def test_other_packets_from_the_start_on_are_v130() -> None:
    film = Film(packets=[*TRUE[:9], scrap(9, 3), *TRUE[10:]])
    with pytest.raises(VideoError, match="V130") as caught:
        rest_from(film, 0)
    assert "packet 9" in str(caught.value)
    film.landings = {12: [], 6: [], 18: []}
    with pytest.raises(VideoError, match="V130"):
        rest_from(film, 18)


def rest_from(film: Film, packet: int) -> list[int]:
    reader = reader_of(film)
    reader.seek(packet, 1)
    return rest(reader)


def test_disk_that_cannot_be_read_behind_a_jump_is_v131() -> None:
    class Broken(Film):
        def demux(self, _: Any) -> Iterator[Packet]:
            yield from TRUE[18:20]
            raise OSError(errno.EIO, "Input/output error")

    with pytest.raises(VideoError, match="V131"):
        rest_from(Broken(), 18)


def test_empty_packets_and_those_behind_the_index_are_left_out() -> None:
    film = Film(packets=[Packet(-1, 0, 0, 0), *TRUE, Packet(-1, 5, N, N)])
    assert rest_from(film, 0) == list(range(N))
