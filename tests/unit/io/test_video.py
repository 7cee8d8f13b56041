"""Tests of `mystax.io.video`: opening rules, the reader as a whole, the writer."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from mystax.core.clock import Clock
from mystax.core.recording import FrameSource, Reason
from mystax.errors import ClockError, ParameterError, RecipeError, VideoError
from mystax.io.video import Video, VideoWriter, listen_to_log, write_audio_only
from mystax.synth import faulty_video, read_barcode

DATA = Path(os.environ.get("MYSTAX_TEST_DATA", "../shared/data"))
REAL = [
    ("lp_mirror_mouse/videos/test_vid.mp4", 994, Fraction(250), (406, 396)),
    ("dlc_openfield/videos/m3v1mp4.mp4", 2330, Fraction(1000000, 33333), (480, 640)),
]
RAMP = np.add.outer(np.arange(48) * 2, np.arange(64) * 2).astype(np.uint8)


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clean") / "clean.mp4"
    faulty_video(path, "clean", n_frames=90, key_interval=20, b_frames=2, size=(64, 48))
    return path


def write(path: Path, frames: Sequence[np.ndarray], **options: Any) -> Path:
    size = (frames[0].shape[1], frames[0].shape[0])
    with VideoWriter(path, size=size, rate=Fraction(30), **options) as out:
        for frame in frames:
            out.write(frame)
    return path


def read(path: Path, **options: Any) -> np.ndarray:
    return np.concatenate([chunk.codes for chunk in Video(path, **options).chunks()])


# ---------------------------------------------------------------------- real files


@pytest.mark.needs_data
@pytest.mark.parametrize(("name", "n_frames", "rate", "shape"), REAL)
def test_real_clip_is_read_whole_without_a_mark(
    name: str, n_frames: int, rate: Fraction, shape: tuple[int, int]
) -> None:
    if not (DATA / name).exists():
        pytest.skip(f"{DATA / name} is not there")
    video = Video(DATA / name)
    assert (video.n_frames, video.shape) == (n_frames, shape)
    assert video.clock.period == 1 / rate
    seen = 0
    for chunk in video.chunks():
        assert chunk.valid.all()
        seen += len(chunk)
    assert seen == n_frames
    assert video.coverage == 1.0
    assert {flag.code for flag in video.flags} <= {"V109"}


@pytest.mark.needs_data
@pytest.mark.parametrize(("name", "n_frames", "rate", "shape"), REAL)
def test_real_clip_gives_the_same_frames_at_random(
    name: str, n_frames: int, rate: Fraction, shape: tuple[int, int]
) -> None:
    if not (DATA / name).exists():
        pytest.skip(f"{DATA / name} is not there")
    video = Video(DATA / name, threads=1)
    start = n_frames // 2
    sequential = next(iter(video.chunks(start, start + 40, size=40)))
    for row in (39, 3, 17):
        single = video.frame_at(start + row)
        assert single.valid[0]
        np.testing.assert_array_equal(single.codes[0], sequential.codes[row])


# ---------------------------------------------------------------------- what it is


def test_video_is_a_source_of_frames(clean: Path) -> None:
    video = Video(clean)
    assert isinstance(video, FrameSource)
    assert (video.shape, video.bits, video.n_frames, video.n_claimed) == ((48, 64), 8, 90, 90)
    assert video.files == (str(clean),)
    assert video.damage == "mark"
    assert video.key_frames.tolist() == [0, 20, 40, 60, 80]


def test_start_up_loads_nothing_heavy() -> None:
    script = (
        "import sys, mystax.io.video;"
        "bad = {'scipy', 'numba', 'xarray', 'pandas', 'h5py', 'matplotlib', 'pydantic'} & set(sys.modules);"
        "sys.exit(', '.join(sorted(bad)) or 0)"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def test_clock_and_times_are_the_stamps(clean: Path) -> None:
    video = Video(clean)
    assert video.clock.period == Fraction(1, 30)
    np.testing.assert_allclose(video.times, np.arange(90) / 30, rtol=0, atol=1e-12)


def test_single_frame_equals_the_sequential_one(clean: Path) -> None:
    video = Video(clean)
    whole = next(iter(video.chunks(size=90)))
    for number in (89, 0, 45, 44, 46, 20, 19):
        one = video.frame_at(number)
        np.testing.assert_array_equal(one.codes[0], whole.codes[number])
        assert (one.index[0], one.time[0], one.reason[0]) == (number, whole.time[number], 0)
        assert one.adjacent[0] == whole.adjacent[number]


@pytest.mark.parametrize("number", [-1, 90])
def test_frame_outside_is_an_index_error_with_the_range(number: int, clean: Path) -> None:
    with pytest.raises(IndexError, match=r"0\.\.89"):
        Video(clean).frame_at(number)
    with pytest.raises(IndexError, match=r"0\.\.89"):
        Video(clean).color_at(number)


def test_missing_frame_comes_back_with_its_reason(tmp_path: Path) -> None:
    truth = faulty_video(
        tmp_path / "a.avi", "zeroed", container="avi", codec="mjpeg", n_frames=40, size=(64, 48)
    )
    one = Video(truth.path, poison=7).frame_at(truth.damaged_packets[0])
    assert not one.valid[0]
    assert one.reason[0] in (Reason.UNDECODABLE, Reason.CORRUPT)
    assert (one.codes == 7).all()


def test_samples_are_valid_sorted_and_repeatable(clean: Path) -> None:
    video = Video(clean)
    sample = video.sample(5)
    assert len(sample) == 5
    assert sample.valid.all()
    assert (np.diff(sample.index) > 0).all()
    assert [read_barcode(picture) for picture in sample.data] == sample.index.tolist()
    np.testing.assert_array_equal(video.copy().sample(5).codes, sample.codes)


def test_colour_for_display_has_the_shape_of_the_frame(tmp_path: Path) -> None:
    frame = np.repeat(RAMP[..., None], 3, 2)
    frame[..., 0] = 200
    path = write(tmp_path / "a.avi", [frame] * 3, codec="rawvideo", pixel_format="bgr24")
    np.testing.assert_array_equal(Video(path).color_at(1), frame)


def test_reader_can_be_closed_and_used_again(clean: Path) -> None:
    with Video(clean) as video:
        first = video.frame_at(30).codes
    np.testing.assert_array_equal(video.frame_at(30).codes, first)
    video.close()


# ---------------------------------------------------------------------- clocks from outside


def test_clock_from_outside_gives_the_times(clean: Path) -> None:
    times = np.arange(90) * 0.04 + 100.0
    video = Video(clean).with_clock(Clock.from_seconds(times))
    np.testing.assert_allclose(video.times, times)
    assert Video(clean).times[0] == 0.0
    np.testing.assert_array_equal(video.clock.seconds, Video(clean, clock=video.clock).times)


def test_frames_without_a_time_are_missing_for_reason_five(clean: Path) -> None:
    no_time = np.zeros(90, bool)
    no_time[[5, 6, 80]] = True
    video = Video(clean, poison=9).with_clock(Clock.from_seconds(np.arange(87.0)), no_time)
    chunk = next(iter(video.chunks(size=90)))
    assert np.flatnonzero(chunk.reason == Reason.NO_TIME).tolist() == [5, 6, 80]
    np.testing.assert_array_equal(np.isnan(chunk.time), no_time)
    np.testing.assert_array_equal(chunk.valid, ~no_time)
    assert (chunk.codes[no_time] == 9).all()
    assert not chunk.adjacent[7]
    assert video.frame_at(6).reason[0] == Reason.NO_TIME


def test_wrong_number_of_times_is_c202(clean: Path) -> None:
    with pytest.raises(ClockError, match="C202"):
        Video(clean).with_clock(Clock.from_seconds(np.arange(50.0)))


def test_rate_by_word_makes_a_bare_stream_usable(tmp_path: Path) -> None:
    truth = faulty_video(tmp_path / "a.h264", "bare_stream", n_frames=40, size=(64, 48))
    with pytest.raises(VideoError, match=r"V111.*rate"):
        _ = Video(truth.path).clock
    with pytest.raises(VideoError, match="V111"):
        list(Video(truth.path).chunks())
    video = Video(truth.path, rate=Fraction(25))
    np.testing.assert_allclose(video.times, np.arange(40) / 25)
    assert [read_barcode(c) for chunk in video.chunks() for c in chunk.data] == list(range(40))


def test_spec_opens_the_same_frames_with_the_same_times(clean: Path) -> None:
    no_time = np.arange(90) % 30 == 4
    plain = Video(clean, damage="keep", grey_range="full", poison=3, threads=1)
    video = plain.with_clock(Clock.from_seconds(np.arange(90) * 0.1), no_time)
    other = Video.from_spec(json.loads(json.dumps(video.spec())))
    assert other.identity == video.identity
    np.testing.assert_array_equal(other.times, video.times)
    for one, two in zip(video.chunks(size=40), other.chunks(size=40), strict=True):
        np.testing.assert_array_equal(one.codes, two.codes)
        np.testing.assert_array_equal(one.reason, two.reason)
        assert one.grey_map == two.grey_map


def test_flags_about_the_own_times_do_not_stand_under_another_clock(tmp_path: Path) -> None:
    truth = faulty_video(
        tmp_path / "a.avi", "clean", container="avi", codec="mjpeg", n_frames=30, size=(64, 48)
    )
    video = Video(truth.path)
    assert "V117" in {flag.code for flag in video.flags}
    assert "V117" not in {flag.code for flag in video.with_clock(Clock.from_seconds(video.times)).flags}


# ---------------------------------------------------------------------- opening rules


@pytest.mark.parametrize(
    "name", ["a b.mp4", "a'b.mp4", 'a"b.mp4', "$(x).mp4", "%03d.mp4", "a\nb.mp4", "-a.mp4", "é.mp4"]
)
def test_odd_names_are_only_names(name: str, tmp_path: Path, clean: Path) -> None:
    (tmp_path / name).write_bytes(clean.read_bytes())
    assert Video(tmp_path / name).n_frames == 90


def test_content_decides_and_not_the_suffix(tmp_path: Path, clean: Path) -> None:
    (tmp_path / "a.avi").write_bytes(clean.read_bytes())
    assert Video(tmp_path / "a.avi").probe().container.startswith("mov")


@pytest.mark.parametrize(
    "text", ["#EXTM3U\n#EXTINF:1,\nclean.mp4\n", "ffconcat version 1.0\nfile 'clean.mp4'\n", "hello\n"]
)
@pytest.mark.parametrize("name", ["list.m3u8", "list.ffconcat", "list.mp4"])
def test_texts_that_name_other_files_are_v104(text: str, name: str, tmp_path: Path, clean: Path) -> None:
    (tmp_path / "clean.mp4").write_bytes(clean.read_bytes())
    (tmp_path / name).write_text(text)
    with pytest.raises(VideoError, match="V104"):
        Video(tmp_path / name)


@pytest.mark.parametrize("head", [b"RIFF\x00\x00\x00\x00AVI ", b"\x1a\x45\xdf\xa3" + bytes(20), b""])
def test_header_without_a_frame_is_v103(head: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(head)
    with pytest.raises(VideoError, match="V103"):
        Video(tmp_path / "a.bin")


def test_protocol_names_are_no_protocols(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="P403"):
        Video(f"concat:{tmp_path}/a.mp4|{tmp_path}/b.mp4")


def test_sound_alone_is_v104(tmp_path: Path) -> None:
    write_audio_only(tmp_path / "a.mp4")
    with pytest.raises(VideoError, match=r"V104.*audio"):
        Video(tmp_path / "a.mp4")


def test_several_streams_need_a_choice(tmp_path: Path) -> None:
    path = tmp_path / "two.mkv"
    with VideoWriter(
        path, size=(64, 48), rate=Fraction(30), codec="ffv1", pixel_format="gray", n_streams=2
    ) as out:
        for _ in range(5):
            out.write(RAMP)
            out.write(RAMP // 2, stream=1)
    with pytest.raises(VideoError, match=r"V104.*2 video streams.*1: ffv1 64 x 48"):
        Video(path)
    with pytest.raises(VideoError, match="V104"):
        Video(path, stream=2)
    np.testing.assert_array_equal(read(path, stream=0)[2], RAMP)
    np.testing.assert_array_equal(read(path, stream=1)[2], RAMP // 2)
    assert Video(path, stream=1).identity != Video(path, stream=0).identity


@pytest.mark.parametrize("wrong", [{"damage": "drop"}, {"grey_range": "wide"}, {"threads": 0}])
def test_wrong_options_are_p401(wrong: dict[str, Any], clean: Path) -> None:
    with pytest.raises(ParameterError, match="P401"):
        Video(clean, **wrong)


def test_log_of_the_library_is_never_printed(tmp_path: Path) -> None:
    truth = faulty_video(tmp_path / "a.mp4", "zeroed", n_frames=60, size=(64, 48))
    script = (
        f"from mystax.io.video import Video\nfor c in Video({str(truth.path)!r}, threads=2).chunks(): pass"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_listening_twice_changes_nothing() -> None:
    listen_to_log()
    level = av.logging.get_level()
    listen_to_log()
    assert av.logging.get_level() == level


# ---------------------------------------------------------------------- the writer


@pytest.mark.parametrize(
    ("name", "codec", "pixel_format"),
    [
        ("a.mkv", "ffv1", "gray"),
        ("a.avi", "rawvideo", "gray"),
        ("a.avi", "huffyuv", "yuv422p"),
        ("a.avi", "png", "gray"),
        ("a.avi", "ffv1", "yuv420p"),
        ("a.mov", "tiff", "gray"),
    ],
)
def test_lossless_codecs_keep_the_codes(name: str, codec: str, pixel_format: str, tmp_path: Path) -> None:
    frames = [RAMP, np.roll(RAMP, 3, 0), RAMP // 2]
    path = write(tmp_path / name, frames, codec=codec, pixel_format=pixel_format)
    np.testing.assert_array_equal(read(path), frames)


@pytest.mark.parametrize(
    ("pixel_format", "bits"), [("gray10le", 10), ("gray12le", 12), ("gray16le", 16), ("yuv420p10le", 10)]
)
def test_deep_codes_are_kept(pixel_format: str, bits: int, tmp_path: Path) -> None:
    codes = np.linspace(0, 2**bits - 1, 48 * 64).astype(np.uint16).reshape(48, 64)
    path = write(tmp_path / "a.mkv", [codes] * 3, codec="ffv1", pixel_format=pixel_format)
    chunk = next(iter(Video(path).chunks()))
    assert chunk.bits == bits
    assert chunk.codes.dtype == np.dtype(np.uint16)
    np.testing.assert_array_equal(chunk.codes[1], codes)


def test_deep_codes_of_tiff_pictures_are_kept(tmp_path: Path) -> None:
    codes = np.linspace(0, 2**16 - 1, 48 * 64).astype(np.uint16).reshape(48, 64)
    path = write(tmp_path / "a.mov", [codes, codes[::-1]], codec="tiff", pixel_format="gray16le")
    video = Video(path)
    assert video.flags == ()
    np.testing.assert_array_equal(read(path), [codes, codes[::-1]])


def test_colours_are_kept(tmp_path: Path) -> None:
    frame = np.random.default_rng(0).integers(0, 256, (48, 64, 3)).astype(np.uint8)
    for pixel_format, codec in (("bgr24", "rawvideo"), ("bgr0", "ffv1"), ("gbrp", "utvideo")):
        path = write(tmp_path / f"{pixel_format}.avi", [frame] * 2, codec=codec, pixel_format=pixel_format)
        np.testing.assert_array_equal(Video(path).color_at(1), frame)


def test_stamps_are_written_as_given(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    with VideoWriter(
        path, size=(64, 48), rate=Fraction(30), codec="ffv1", pixel_format="gray", time_base=Fraction(1, 1000)
    ) as out:
        for stamp in (0, 40, 70, 200, 210):
            out.write(RAMP, stamp)
    video = Video(path)
    np.testing.assert_allclose(video.times, [0, 0.04, 0.07, 0.2, 0.21])
    assert video.probe().clock_kind == "variable"
    assert "V110" in {flag.code for flag in video.flags}


def test_packets_can_be_left_out(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.mkv",
        [np.full((48, 64), 10 * k, np.uint8) for k in range(8)],
        codec="ffv1",
        pixel_format="gray",
        options={"g": "1"},
        on_packet=lambda number, packet: [] if number == 3 else [packet],
    )
    assert read(path)[:, 0, 0].tolist() == [0, 10, 20, 40, 50, 60, 70]
    assert Video(path).probe().gaps[0]["missing"] == 1


@pytest.mark.parametrize(("tag", "expected"), [("tv", "limited"), ("pc", "full"), (None, "limited")])
def test_range_tag_is_written(tag: str | None, expected: str, tmp_path: Path) -> None:
    path = write(tmp_path / "a.mkv", [RAMP] * 3, codec="ffv1", color_range=tag)
    probe = Video(path).probe()
    assert probe.color_range == expected
    assert probe.color_range_source == ("assumed" if tag is None else "tag")


def test_pixel_aspect_is_written_and_flagged(tmp_path: Path) -> None:
    video = Video(write(tmp_path / "a.mp4", [RAMP] * 3, pixel_aspect=Fraction(4, 3)))
    assert video.probe().pixel_aspect == "4/3"
    assert "V114" in {flag.code for flag in video.flags}


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_rotation_is_written_and_applied(rotation: int, tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.mp4",
        [RAMP] * 3,
        codec="mjpeg",
        pixel_format="yuvj420p",
        rotation=rotation,
        options={"qmin": "1", "qmax": "1"},
    )
    picture = next(iter(Video(path).chunks())).data[0]
    assert np.abs(picture.astype(int) - np.rot90(RAMP, rotation // 90)).max() <= 12


def test_rotation_by_another_angle_is_flagged_and_not_applied(tmp_path: Path) -> None:
    video = Video(write(tmp_path / "a.mp4", [RAMP] * 3, rotation=30))
    assert video.shape == (48, 64)
    assert "V114" in {flag.code for flag in video.flags}


def test_writer_that_fails_leaves_no_open_file(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="on purpose"):
        _write_and_fail(tmp_path / "a.mkv")


def _write_and_fail(path: Path) -> None:
    with VideoWriter(path, size=(64, 48), rate=Fraction(30), codec="ffv1", pixel_format="gray") as out:
        out.write(RAMP)
        raise ValueError("on purpose")


@pytest.mark.parametrize(("options", "said"), [({}, b"mbtree=0"), ({"mbtree": "1"}, b"mbtree=1")])
def test_x264_plans_without_its_macroblock_tree_unless_asked(
    tmp_path: Path, options: dict[str, str], said: bytes
) -> None:
    path = tmp_path / "a.mp4"
    with VideoWriter(path, size=(64, 48), rate=Fraction(30), options=options) as out:
        for level in range(4):
            out.write(np.full((48, 64), level, np.uint8))
    assert said in path.read_bytes()  # x264 writes its settings into the stream
