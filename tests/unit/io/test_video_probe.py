"""Tests of `mystax.io.video_probe`, `mystax.io.video_files` and `mystax.io.video_access`."""

import json
import struct
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from mystax.core.clock import Clock
from mystax.errors import ClockError, ParameterError, RecipeError, VideoError
from mystax.io.video import Packet, Video, VideoWriter
from mystax.io.video_access import RandomAccess, sample_places
from mystax.io.video_files import clock_for_frames, clock_from_values, clock_values, list_files, thread_count
from mystax.io.video_library import Opened
from mystax.io.video_reader import VideoReader
from mystax.synth import faulty_video

SMALL = {"n_frames": 60, "size": (64, 48), "key_interval": 20}
Make = Callable[..., Path]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def made(kind: str = "clean", container: str = "mp4", codec: str = "h264", **options: object) -> Path:
        path = tmp_path / f"{kind}.{container}"
        faulty_video(path, kind, container=container, codec=codec, **(SMALL | options))  # type: ignore[arg-type]
        return path

    return made


def codes(video: VideoReader) -> set[str]:
    return {flag.code for flag in video.flags}


# ---------------------------------------------------------------------- probe


def test_probe_has_all_names_of_the_contract_and_is_json(make: Make) -> None:
    probe = Video(make()).probe().as_dict()
    names = (
        "path size fingerprint index_id container codec profile pixel_format bits width height rotation "
        "pixel_aspect color_range color_range_source interlaced n_frames n_frames_header n_packets route "
        "key_interval rate is_constant clock_kind time_base first_time last_time duration interval gaps "
        "n_repeated n_backward n_negative coverage_claimed flags metadata"
    )
    assert set(names.split()) <= set(probe)
    assert json.loads(json.dumps(probe))["n_frames"] == 60


def test_probe_tells_the_truth_of_a_clean_file(make: Make) -> None:
    probe = Video(make()).probe()
    assert (probe.width, probe.height, probe.bits, probe.codec) == (64, 48, 8, "h264")
    assert (probe.n_frames, probe.n_frames_header, probe.n_packets) == (60, 60, 60)
    assert (probe.rate, probe.clock_kind, probe.is_constant) == ("30/1", "constant", True)
    assert probe.key_interval == {"min": 20, "median": 20.0, "max": 20}
    assert probe.duration == pytest.approx(2.0)
    assert probe.last_time == pytest.approx(59 / 30)
    assert probe.coverage_claimed == 1.0
    assert probe.flags == ()


def test_same_bytes_have_the_same_ids(make: Make, tmp_path: Path) -> None:
    path = make()
    copy = tmp_path / "copy.mp4"
    copy.write_bytes(path.read_bytes())
    one, two = Video(path).probe(), Video(copy).probe()
    assert (one.fingerprint, one.index_id) == (two.fingerprint, two.index_id)


def test_rotation_swaps_width_and_height(make: Make) -> None:
    probe = Video(make("rotated_90", size=(64, 48))).probe()
    assert probe.rotation in (90, 270)
    assert (probe.width, probe.height) == (64, 48)


@pytest.mark.parametrize(("orientation", "turn"), [(1, 0), (6, 270), (3, 180)])
def test_pictures_with_exif_notes_are_read(orientation: int, turn: int, tmp_path: Path) -> None:
    exif = b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<HHHIII", 1, 0x112, 3, 1, orientation, 0)
    segment = b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif

    def noted(_: int, packet: Packet) -> list[Packet]:
        data = bytes(packet)
        made = Packet(data[:2] + segment + data[2:])
        made.pts, made.dts, made.time_base = packet.pts, packet.dts, packet.time_base
        made.stream, made.is_keyframe = packet.stream, True
        return [made]

    path, size = tmp_path / "a.avi", (64, 48)
    kind = {"codec": "mjpeg", "pixel_format": "yuvj420p", "on_packet": noted}
    with VideoWriter(path, size=size, rate=Fraction(30), **kind) as out:  # type: ignore[arg-type]
        for k in range(5):
            out.write(np.full((48, 64), 40 + 30 * k, np.uint8))
    video = Video(path)
    assert video.probe().rotation == turn
    assert "V114" not in codes(video)
    means = np.concatenate([chunk.data for chunk in video.chunks()]).mean(axis=(1, 2))
    assert means == pytest.approx(40 + 30 * np.arange(5), abs=2)


@pytest.mark.parametrize("container", ["mp4", "mkv", "avi"])
def test_cut_file_has_its_true_number_of_frames_and_v101(container: str, tmp_path: Path) -> None:
    truth = faulty_video(tmp_path / f"a.{container}", "cut_50", container=container, **SMALL)  # type: ignore[arg-type]
    video = Video(truth.path)
    assert truth.present[0] <= video.n_frames <= truth.present[1]
    assert "V101" in codes(video)
    assert video.probe().coverage_claimed == pytest.approx(video.n_frames / 60)


@pytest.mark.parametrize("code", ["V101", "V106"])
def test_what_the_index_shows_is_refused_where_damage_is_refused(code: str, tmp_path: Path) -> None:
    kind = "cut_50" if code == "V101" else "count_lies"
    truth = faulty_video(tmp_path / "a.avi", kind, container="avi", codec="mjpeg", **SMALL)  # type: ignore[arg-type]
    assert code in codes(Video(truth.path))
    with pytest.raises(VideoError, match=code):
        Video(truth.path, damage="refuse")


def test_metadata_is_cut_at_four_kilobytes(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    with VideoWriter(
        path,
        size=(64, 48),
        rate=Fraction(30),
        codec="ffv1",
        pixel_format="gray",
        metadata={"TITLE": "x", "LONG": "y" * 9000},
    ) as out:
        for _ in range(4):
            out.write(np.full((48, 64), 9, np.uint8))
    metadata = Video(path).probe().metadata
    assert sum(len(key) + len(value) for key, value in metadata.items()) <= 4096


def test_grey_range_of_the_user_stands_in_the_probe_and_the_identity(make: Make) -> None:
    path = make()
    assert Video(path, grey_range="full").probe().color_range_source == "user"
    assert Video(path, grey_range="full").identity != Video(path).identity
    assert Video(path).identity == (Video(path).probe().fingerprint,)


def test_untagged_codes_outside_the_limited_range_are_v109(make: Make) -> None:
    path = make("untagged_full")
    assert "V109" in codes(Video(path))
    assert "V109" not in codes(Video(path, grey_range="full"))
    (flag,) = [flag for flag in Video(path).probe().flags if flag.code == "V109"]
    assert 'grey_range="full"' in flag.text
    assert "--grey-range full" in flag.text


# ---------------------------------------------------------------------- several files


def test_same_file_twice_is_p403(make: Make, tmp_path: Path) -> None:
    path = make()
    with pytest.raises(RecipeError, match=r"P403.*twice"):
        Video([path, path])
    copy = tmp_path / "copy.mp4"
    copy.write_bytes(path.read_bytes())
    with pytest.raises(RecipeError, match=r"P403.*clean.mp4"):
        Video([path, copy])


def test_no_file_is_p403() -> None:
    with pytest.raises(RecipeError, match="P403"):
        list_files([])


def test_file_that_does_not_exist_is_p403(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"P403.*no such file"):
        Video(tmp_path / "nothing.mp4")


@pytest.mark.parametrize("other", [{"size": (48, 48)}, {"rate": Fraction(25)}])
def test_files_that_differ_are_v120_naming_both(other: dict[str, object], make: Make, tmp_path: Path) -> None:
    first = make()
    second = tmp_path / "second.mp4"
    faulty_video(second, "clean", **(SMALL | {"seed": 1} | other))  # type: ignore[arg-type]
    with pytest.raises(VideoError, match=r"V120.*second.mp4.*clean.mp4"):
        Video([first, second])


def test_files_join_to_one_timeline_with_an_assumed_boundary(make: Make, tmp_path: Path) -> None:
    first, second = make(), tmp_path / "second.mp4"
    faulty_video(second, "clean", **(SMALL | {"seed": 1}))  # type: ignore[arg-type]
    video = Video([first, second])
    assert (video.n_frames, len(video.probes), len(video.identity)) == (120, 2, 2)
    np.testing.assert_allclose(np.diff(video.times), 1 / 30)
    chunks = list(video.chunks(size=50))
    assert np.concatenate([chunk.index for chunk in chunks]).tolist() == list(range(120))
    adjacent = np.concatenate([chunk.adjacent for chunk in chunks])
    assert np.flatnonzero(~adjacent).tolist() == [0, 60]
    assert "V121" in codes(video)
    alone = next(iter(Video(second).chunks(7, 8)))
    np.testing.assert_array_equal(video.frame_at(67).codes, alone.codes)


def test_clock_over_all_files_proves_the_boundary(make: Make, tmp_path: Path) -> None:
    first, second = make(), tmp_path / "second.mp4"
    faulty_video(second, "clean", **(SMALL | {"seed": 1}))  # type: ignore[arg-type]
    video = Video([first, second]).with_clock(Clock.from_seconds(np.arange(120) / 30))
    assert "V121" not in codes(video)
    assert np.concatenate([chunk.adjacent for chunk in video.chunks()])[60]


@pytest.mark.parametrize("threads", [0, -1, "many"])
def test_impossible_number_of_threads_is_refused(threads: int | str) -> None:
    with pytest.raises(ParameterError, match="P401"):
        thread_count(threads)


def test_automatic_threads_are_between_one_and_eight() -> None:
    assert 1 <= thread_count("auto") <= 8
    assert thread_count(3) == 3


# ---------------------------------------------------------------------- clocks


def test_clock_values_come_back_exact() -> None:
    clock = Clock(np.array([0, 3, 10], np.int64), Fraction(1001, 30000), Fraction(7, 3), "test", None)
    back = clock_from_values(json.loads(json.dumps(clock_values(clock))))
    assert (back.tick, back.start, back.source, back.period) == (clock.tick, clock.start, "test", None)
    np.testing.assert_array_equal(back.ticks, clock.ticks)


def test_times_of_some_frames_keep_their_places() -> None:
    no_time = np.array([False, True, False, True, True])
    clock = clock_for_frames(Clock.from_seconds(np.array([5.0, 6.0])), no_time, 5, "a.mp4")
    assert clock.n == 5
    assert clock.seconds[[0, 2]].tolist() == [5.0, 6.0]
    assert (np.diff(clock.ticks) > 0).sum() >= 3


def test_another_number_of_times_is_c202() -> None:
    with pytest.raises(ClockError, match=r"C202.*5 times.*got 4"):
        clock_for_frames(Clock.from_seconds(np.arange(4.0)), None, 5, "a.mp4")


# ---------------------------------------------------------------------- frames at random


def test_passed_frames_are_kept_up_to_the_limit(make: Make) -> None:
    part = Video(make())._parts[0]
    access = RandomAccess([part], limit=10 * 64 * 48)
    pixels, reason = access.frame(15)
    assert reason == 0
    assert pixels is not None
    assert access._used <= 10 * 64 * 48
    assert len(access._cache) <= 10
    access.close()


def test_kept_frame_is_given_without_decoding(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    part = Video(make())._parts[0]
    access = RandomAccess([part])
    first, _ = access.frame(15)
    monkeypatch.setattr(access, "_at", None)
    again, _ = access.frame(15)
    assert again is first
    passed, _ = access.frame(12)
    assert passed is not None
    access.close()


def test_frame_ahead_in_the_same_group_goes_on_from_here(make: Make) -> None:
    part = Video(make())._parts[0]
    opened: list[int] = []

    def counted(threads: int) -> Opened:
        opened.append(threads)
        return part.library.open(threads)

    access = RandomAccess([replace(part, library=replace(part.library, open=counted))])
    for frame in (3, 9, 14, 27, 58, 2):
        assert access.frame(frame)[1] == 0
    access.close()
    assert len(opened) <= 2


def test_samples_are_key_frames_spread_over_the_video() -> None:
    keys = np.arange(0, 100_000, 250)
    places, are_keys = sample_places(50, 100_000, keys)
    assert are_keys
    assert len(places) == 50
    assert np.isin(places, keys).all()
    assert places.min() >= 2000
    assert places.max() <= 98_000
    assert np.abs(np.diff(places) - 96_000 / 49).max() <= 250


def test_samples_of_endless_groups_come_from_the_first_two_thousand_frames() -> None:
    places, are_keys = sample_places(20, 100_000, np.array([0, 5000]))
    assert not are_keys
    assert len(places) == 20
    assert places.max() < 2000


def test_short_video_with_few_key_frames_is_sampled_everywhere() -> None:
    places, are_keys = sample_places(8, 300, np.array([0]))
    assert not are_keys
    assert len(places) == 8
    assert places[0] == 6
    assert places[-1] == 293


@pytest.mark.parametrize("n_frames", [1, 2, 3])
def test_tiny_videos_can_be_sampled(n_frames: int) -> None:
    places, _ = sample_places(5, n_frames, np.array([0]))
    assert 1 <= len(places) <= n_frames
