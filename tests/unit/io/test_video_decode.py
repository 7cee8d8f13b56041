"""Tests of `mystax.io.video_decode`: evidence, taint, seeking, and that threads change nothing."""

import errno
import struct
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from av.video.frame import PictureType

from mystax.core.recording import Reason
from mystax.errors import VideoError
from mystax.io.video import Video, VideoWriter, picture_from_array
from mystax.io.video_decode import Decoder
from mystax.io.video_index import MAX_REORDER
from mystax.io.video_parts import Part
from mystax.synth import faulty_video
from mystax.synth.faulty_boxes import find_box, track_scale

TEXTURE = np.random.default_rng(3).integers(40, 200, (200, 300)).astype(np.uint8)
Change = Callable[[int, bytes], bytes | None]


def picture(number: int) -> np.ndarray:
    return TEXTURE[number % 90 : number % 90 + 48, 2 * number % 180 : 2 * number % 180 + 64]


def write(path: Path, codec: str, change: Change | None = None, **options: str) -> list[bytes]:
    """Write frames, with packets changed or (None) left out, and return the packets as they were."""
    packets = []

    def on_packet(number: int, packet: Any) -> list[Any]:
        packets.append(bytes(packet))
        data = packets[-1] if change is None else change(number, packets[-1])
        if data is None:
            return []
        twin = type(packet)(data)
        twin.pts, twin.dts, twin.time_base = packet.pts, packet.dts, packet.time_base
        twin.stream, twin.is_keyframe, twin.duration = packet.stream, packet.is_keyframe, packet.duration
        return [twin]

    pixel_format = "gray" if codec == "ffv1" else "yuvj420p" if codec == "mjpeg" else "yuv420p"
    with VideoWriter(
        path,
        size=(64, 48),
        rate=Fraction(30),
        codec=codec,
        pixel_format=pixel_format,
        options={
            "g": "12",
            **({"bf": "0", "sc_threshold": "0"} if codec == "h264" else {}),
            **options,
        },
        on_packet=on_packet,
    ) as out:
        for number in range(60):
            out.write(picture(number))
    return packets


def part_of(path: Path) -> Part:
    return Video(path, rate=Fraction(30))._parts[0]


def decoded(part: Part, threads: int = 1, start: int = 0) -> tuple[Decoder, dict[int, np.ndarray]]:
    decoder = part.decoder(threads)
    decoder.start(start)
    frames: dict[int, np.ndarray] = {}
    while not decoder.finished:
        for frame, image in decoder.step():
            frames[frame] = np.array(part.grey(image, None))
    decoder.close()
    return decoder, frames


def zeroed(numbers: tuple[int, ...]) -> Change:
    return lambda number, data: bytes(len(data)) if number in numbers else data


def garbled(data: bytes) -> bytes:
    """Keep the head of a packet, so that the container takes it, and fill the rest with noise."""
    return data[:12] + np.random.default_rng(0).integers(0, 256, len(data) - 12, dtype=np.uint8).tobytes()


CLEAN = [
    ("a.mp4", "h264", {}),
    ("a.mp4", "h264", {"bf": "2"}),
    ("a.avi", "h264", {"bf": "2"}),
    ("a.mkv", "mpeg4", {"bf": "2"}),
    ("a.avi", "mjpeg", {}),
    ("a.mkv", "ffv1", {"level": "3", "slicecrc": "1"}),
    ("a.mkv", "hevc", {}),
    ("a.h264", "h264", {"bf": "2"}),
    ("a.mpg", "mpeg2video", {"bf": "2"}),
]


@pytest.mark.parametrize(("name", "codec", "options"), CLEAN)
def test_clean_files_give_every_frame_without_a_mark(
    name: str, codec: str, options: dict[str, str], tmp_path: Path
) -> None:
    write(tmp_path / name, codec, None, **options)
    decoder, frames = decoded(part_of(tmp_path / name))
    assert sorted(frames) == list(range(60))
    assert not decoder.reasons(0, 60).any()
    assert all(decoder.are_plain(start, start + 5) for start in range(55))
    assert decoder.settled == 60


@pytest.mark.parametrize(("codec", "options", "most"), [("h264", {"bf": "2"}, 5), ("mjpeg", {}, 1)])
def test_a_frame_is_final_as_soon_as_its_picture_has_come(
    codec: str, options: dict[str, str], most: int, tmp_path: Path
) -> None:
    path = tmp_path / ("a.avi" if codec == "mjpeg" else "a.mp4")
    write(path, codec, None, **options)
    part = part_of(path)
    decoder = part.decoder(1)
    decoder.start(0)
    for frame in range(40):
        while decoder.settled < part.index.reach[frame]:
            decoder.step()
        assert decoder.position <= part.index.packet[: frame + 1].max() + most
    decoder.close()


@pytest.mark.parametrize("threads", [1, 2])
def test_frames_before_trouble_in_a_group_stay_good(threads: int, tmp_path: Path) -> None:
    write(tmp_path / "a.mp4", "h264", zeroed((18,)), bf="2")
    part = part_of(tmp_path / "a.mp4")
    decoder, frames = decoded(part, threads)
    reason = decoder.reasons(0, 60)
    packet, group = part.index.packet, part.index.group
    first = packet[reason > 0].min()
    is_touched = (packet >= first) & (group[packet] == group[first])
    assert 0 < is_touched.sum() < 12
    np.testing.assert_array_equal(reason > 0, is_touched)
    assert set(np.flatnonzero(reason == 0)) <= set(frames)


@pytest.mark.parametrize(("name", "codec", "options"), CLEAN)
def test_threads_change_no_pixel(name: str, codec: str, options: dict[str, str], tmp_path: Path) -> None:
    write(tmp_path / name, codec, None, **options)
    part = part_of(tmp_path / name)
    one, two = decoded(part, 1)[1], decoded(part, 2)[1]
    assert all(np.array_equal(one[frame], two[frame]) for frame in range(60))


@pytest.mark.parametrize("threads", [1, 2])
def test_damage_taints_the_rest_of_its_group_and_nothing_else(threads: int, tmp_path: Path) -> None:
    path, clean = tmp_path / "a.mp4", tmp_path / "clean.mp4"
    packets = write(clean, "h264")
    write(path, "h264", lambda number, _: garbled(packets[27]) if number == 27 else packets[number])
    part = part_of(path)
    decoder, frames = decoded(part, threads)
    reason = decoder.reasons(0, 60)
    key = next(int(key) for key in part.index.keys if key > 27)
    assert key > 28
    assert not reason[:27].any()
    assert reason[27] in (Reason.UNDECODABLE, Reason.CORRUPT)
    assert (reason[28:key] == Reason.DOUBTFUL).all()
    assert not reason[key:].any()
    _, truth = decoded(part_of(clean))
    assert all(np.array_equal(frames[frame], truth[frame]) for frame in np.flatnonzero(reason == 0).tolist())


@pytest.mark.parametrize("threads", [1, 2])
def test_damage_of_an_intra_codec_taints_one_frame(threads: int, tmp_path: Path) -> None:
    path = tmp_path / "a.avi"
    write(path, "mjpeg", zeroed((20, 21)))
    reason = decoded(part_of(path), threads)[0].reasons(0, 60)
    assert np.flatnonzero(reason).tolist() == [20, 21]


@pytest.mark.parametrize("codec", ["mpeg4", "ffv1", "h264"])
@pytest.mark.parametrize("seed", [0, 1])
def test_reasons_do_not_depend_on_threads(codec: str, seed: int, tmp_path: Path) -> None:
    truth = faulty_video(
        tmp_path / "a.mkv", "flipped", container="mkv", codec=codec, n_frames=120, key_interval=20, seed=seed
    )
    part = part_of(Path(truth.path))
    (one, first), (two, second) = decoded(part, 1), decoded(part, 2)
    reason = one.reasons(0, 120)
    assert reason.any()
    np.testing.assert_array_equal(reason, two.reasons(0, 120))
    assert all(np.array_equal(first[frame], second[frame]) for frame in np.flatnonzero(reason == 0).tolist())


@pytest.mark.parametrize(
    ("name", "codec", "options"), [clean for clean in CLEAN if clean[1] in ("h264", "mjpeg", "mpeg4", "hevc")]
)
@pytest.mark.parametrize("bad", [3, 13, 30, 59])
def test_frames_are_plain_only_where_every_reason_is_good(
    name: str, codec: str, options: dict[str, str], bad: int, tmp_path: Path
) -> None:
    write(tmp_path / name, codec, zeroed((bad,)), **options)
    part = part_of(tmp_path / name)
    decoder, _ = decoded(part)
    n_plain = 0
    for start in range(part.index.n_frames):
        for stop in range(start + 1, min(start + 9, part.index.n_frames + 1)):
            if decoder.are_plain(start, stop):
                n_plain += 1
                assert not decoder.reasons(start, stop).any()
                assert decoder.silent_frames(start, stop) == []
    assert 0 < n_plain < 60 * 8
    assert decoder.reasons(0, part.index.n_frames).any() == (not decoder.are_plain(0, part.index.n_frames))


def test_leading_pictures_of_the_next_group_are_doubtful_too(tmp_path: Path) -> None:
    truth = faulty_video(
        tmp_path / "a.ts",
        "clean",
        container="ts",
        codec="mpeg2video",
        n_frames=90,
        key_interval=15,
        b_frames=2,
    )
    part = part_of(Path(truth.path))
    index = part.index
    leading = np.flatnonzero(index.leading)
    assert len(leading)
    group = int(index.group[leading[0]])
    decoder, _ = decoded(part)
    # Evidence in the middle of the group before, as if its packet had been damaged.
    decoder._state[int(index.keys[group - 1]) + 5] |= 4
    reason = decoder.reasons(0, 90)
    ahead = index.rank[leading[index.group[leading] == group]]
    assert (reason[ahead] == Reason.DOUBTFUL).all()
    assert reason[index.rank[index.keys[group]]] == Reason.GOOD


@pytest.mark.parametrize("threads", [1, 2])
def test_lost_packet_of_h264_is_noticed_at_the_hole_in_time(threads: int, tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    write(path, "h264", lambda number, data: None if number == 29 else data, refs="1")
    reason = decoded(part_of(path), threads)[0].reasons(0, 59)
    assert not reason[:29].any()
    assert reason[29:35].all()
    assert not reason[35:].any()


def test_order_route_leaves_out_what_it_cannot_number(tmp_path: Path) -> None:
    path, clean = tmp_path / "a.avi", tmp_path / "clean.avi"
    packets = write(clean, "h264", bf="2")
    write(path, "h264", lambda number, _: garbled(packets[27]) if number == 27 else packets[number], bf="2")
    part = part_of(path)
    assert part.index.route == "order"
    decoder, frames = decoded(part)
    reason = decoder.reasons(0, 60)
    # The packet is shown somewhere near its number; all that is decoded behind it is in doubt.
    assert reason[26:31].any()
    assert reason[31:35].all()
    assert not reason[:23].any()
    assert not reason[37:].any()
    _, truth = decoded(part_of(clean))
    assert all(np.array_equal(frames[frame], truth[frame]) for frame in np.flatnonzero(reason == 0).tolist())


@pytest.mark.parametrize("seed", [0, 1])
def test_order_route_forgets_no_lost_packet_when_it_goes_on_behind_it(seed: int, tmp_path: Path) -> None:
    truth = faulty_video(
        tmp_path / "a.avi",
        "zeroed",
        container="avi",
        n_frames=150,
        size=(64, 64),
        key_interval=30,
        b_frames=2,
    )
    found = []
    for threads, size in ((8, None), (1, None), (2, 16), (1, 7)):
        chunks = Video(truth.path, threads=threads).chunks(size=size)
        found.append(np.concatenate([chunk.reason for chunk in chunks]))
    expected, *others = found
    assert expected.any()
    assert not expected.all()
    for other in others:
        np.testing.assert_array_equal(other, expected)
    video = Video(truth.path)
    for frame in np.random.default_rng(seed).permutation(150)[:40].tolist():
        assert video.frame_at(frame).reason[0] == expected[frame]


@pytest.mark.parametrize(("name", "codec", "options"), CLEAN)
def test_start_in_the_middle_gives_the_same_frames(
    name: str, codec: str, options: dict[str, str], tmp_path: Path
) -> None:
    write(tmp_path / name, codec, None, **options)
    part = part_of(tmp_path / name)
    _, whole = decoded(part)
    _, rest = decoded(part, start=part.index.start_for(40))
    assert set(range(40, 60)) <= set(rest)
    assert all(np.array_equal(rest[frame], whole[frame]) for frame in range(40, 60))


@pytest.mark.parametrize(
    ("n_in_order", "options"),
    [(0, {"bf": "16", "b-pyramid": "none"}), (0, {"bf": "7"}), (40, {"bf": "3"}), (40, {"bf": "1"})],
)
def test_frames_of_an_avi_are_those_of_an_mp4_also_where_few_at_its_start_are_out_of_order(
    n_in_order: int, options: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[int] = []

    def coded(*values: Any) -> Any:
        image = picture_from_array(*values)
        image.pict_type = PictureType.P if len(given) % 60 < n_in_order else PictureType.NONE
        given.append(0)
        return image

    monkeypatch.setattr("mystax.io.video.picture_from_array", coded)
    for name in ("a.avi", "a.mp4"):
        write(tmp_path / name, "h264", None, g="60", b_strategy="0", **options)
    (decoder, frames), (_, truth) = (decoded(part_of(tmp_path / name)) for name in ("a.avi", "a.mp4"))
    assert not decoder.reasons(0, 60).any()
    assert all(np.array_equal(frames[frame], truth[frame]) for frame in range(60))


def test_decoder_that_is_opened_anew_gives_the_same_frames(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    write(path, "h264", bf="2")
    part = part_of(path)
    opened: list[int] = []

    def counted(threads: int) -> Any:
        opened.append(threads)
        return part.library.open(threads)

    library = replace(part.library, open=counted)
    for threads in (1, 2):
        decoder = Decoder(library, part.index, threads=threads, reopen_after=15)
        decoder.start(0)
        seen = []
        while not decoder.finished:
            seen += [frame for frame, _ in decoder.step()]
        decoder.close()
        assert sorted(set(seen)) == list(range(60))
        assert not decoder.reasons(0, 60).any()
    assert len(opened) >= 4


class Hoarding:
    """A decoder that keeps so many pictures back, as it must for a file that says it may need to."""

    def __init__(self, context: Any, n_kept: int) -> None:
        self._context, self._n_kept = context, n_kept
        self._kept: list[Any] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._context, name)

    def decode(self, packet: Any) -> list[Any]:
        self._kept += self._context.decode(packet)
        n = len(self._kept) - (0 if packet is None else self._n_kept)
        given, self._kept = self._kept[: max(n, 0)], self._kept[max(n, 0) :]
        return given


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(
    ("name", "b_frames"), [(name, b_frames) for name in ("a.mp4", "a.avi") for b_frames in (3, 7, 16)]
)
def test_pictures_that_wait_long_in_the_decoder_are_not_taken_for_lost(
    name: str, b_frames: int, threads: int, tmp_path: Path
) -> None:
    write(tmp_path / name, "h264", g="60", bf=str(b_frames), b_strategy="0")
    part = part_of(tmp_path / name)

    def opened(threads: int) -> Any:
        # Two pictures wait for B frames anyway: H.264 allows 16 to be kept.
        real = part.library.open(threads)
        return replace(real, context=Hoarding(real.context, MAX_REORDER - 2))

    slow = replace(part, library=replace(part.library, open=opened))
    decoder, frames = decoded(slow, threads)
    assert sorted(frames) == list(range(60))
    assert not decoder.reasons(0, 60).any()


def without_middle(data: bytes, before: int, after: int) -> bytes:
    """Let the edit list of an mp4 of 60 frames show those before one, and those from another on."""
    changed, table = bytearray(data), find_box(data, "elst")
    for name in ("moov", "trak", "edts", "elst"):
        box = find_box(data, name)
        struct.pack_into(">I", changed, box.start - 8, box.end - box.start + 8 + 12)
    film = struct.unpack_from(">I", data, find_box(data, "mvhd").start + 12)[0] // 30
    start, later = struct.unpack_from(">i", data, table.start + 12)[0], after * track_scale(data) // 30
    rows = (before * film, start, 1 << 16), ((60 - after) * film, start + later, 1 << 16)
    changed[table.start + 4 : table.end] = struct.pack(">IIiIIiI", 2, *rows[0], *rows[1])
    return bytes(changed)


@pytest.mark.parametrize("threads", [1, 2])
def test_film_whose_edit_list_leaves_out_its_middle_is_whole(threads: int, tmp_path: Path) -> None:
    whole, cut = tmp_path / "a.mp4", tmp_path / "cut.mp4"
    write(whole, "h264", g="60", bf="3", b_strategy="0")
    cut.write_bytes(without_middle(whole.read_bytes(), 18, 36))
    truth, (decoder, frames) = decoded(part_of(whole))[1], decoded(part_of(cut), threads)
    kept = [*range(18), *range(36, 60)]
    assert sorted(frames) == list(range(len(kept)))
    assert not decoder.reasons(0, len(kept)).any()
    assert all(np.array_equal(frames[k], truth[frame]) for k, frame in enumerate(kept))


class Failing:
    """A container whose reader fails at a packet."""

    def __init__(self, container: Any, number: int, error: Exception) -> None:
        self._container, self._number, self._error = container, number, error

    def __getattr__(self, name: str) -> Any:
        return getattr(self._container, name)

    def demux(self, stream: Any) -> Iterator[Any]:
        for number, packet in enumerate(self._container.demux(stream)):
            if number == self._number:
                raise self._error
            yield packet


def failing(part: Part, number: int, error: Exception) -> Part:
    def opened(threads: int) -> Any:
        real = part.library.open(threads)
        return replace(real, container=Failing(real.container, number, error))

    return replace(part, library=replace(part.library, open=opened, failure=OSError))


@pytest.mark.parametrize("threads", [1, 2])
def test_disk_that_cannot_be_read_is_v131_and_may_be_tried_again(threads: int, tmp_path: Path) -> None:
    write(tmp_path / "a.mp4", "h264")
    part = failing(part_of(tmp_path / "a.mp4"), 30, OSError(errno.EIO, "Input/output error"))
    with pytest.raises(VideoError, match="V131") as caught:
        decoded(part, threads)
    assert caught.value.retry == "transient"


def test_reader_that_ends_early_leaves_frames_missing(tmp_path: Path) -> None:
    write(tmp_path / "a.mp4", "h264")
    part = failing(part_of(tmp_path / "a.mp4"), 30, OSError(errno.EINVAL, "damaged"))
    decoder, _ = decoded(part)
    reason = decoder.reasons(0, 60)
    assert not reason[:30].any()
    assert (reason[30:] == Reason.UNDECODABLE).all()


def test_other_packets_than_the_indexed_ones_are_v130(tmp_path: Path) -> None:
    write(tmp_path / "a.mp4", "h264")
    part = part_of(tmp_path / "a.mp4")
    size = part.index.table.size.copy()
    size[20] += 1
    changed = replace(part, index=replace(part.index, table=replace(part.index.table, size=size), _cache={}))
    with pytest.raises(VideoError, match="V130"):
        decoded(changed)


def test_thousand_failures_in_a_row_end_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mystax.io.video_decode.MAX_FAILURES", 5)
    write(tmp_path / "a.avi", "mjpeg", zeroed(tuple(range(10, 40))))
    decoder, _ = decoded(part_of(tmp_path / "a.avi"))
    assert decoder.gave_up
    assert (decoder.reasons(10, 60) > 0).all()
