"""F10: stamps repeated, backward, negative, absent, wrapped; B-frames; edit lists."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from mystax.errors import VideoError
from mystax.io.video import Packet, Video, VideoWriter
from mystax.synth import Truth, read_barcode
from mystax.synth.faulty_plan import copy_packet
from tests.fixtures.reading import make, see, time_error, wrong_numbers

pytestmark = pytest.mark.fault(10)

CODECS = ("h264", "mpeg4", "mjpeg", "ffv1")


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("kind", ["pts_repeat", "pts_backward", "pts_negative"])
def test_repaired_stamps_give_the_right_frames_at_the_right_times(
    kind: str, codec: str, tmp_path: Path
) -> None:
    truth = make(tmp_path, kind, codec=codec)
    seen = see(truth)
    assert len(seen.index) == truth.n_frames
    assert time_error(seen, truth) <= truth.tick
    assert wrong_numbers(seen, truth) == []
    assert seen.valid.all()
    assert "V111" in seen.codes


def test_repeated_backward_and_negative_stamps_are_counted(tmp_path: Path) -> None:
    counts = {}
    for kind in ("pts_repeat", "pts_backward", "pts_negative", "clean"):
        probe = see(make(tmp_path, kind, codec="mjpeg")).video.probe()
        counts[kind] = (probe.n_repeated, probe.n_backward, probe.n_negative)
    assert counts == {
        "pts_repeat": (1, 0, 0),
        "pts_backward": (0, 3, 0),
        "pts_negative": (0, 0, 10),
        "clean": (0, 0, 0),
    }


def test_more_than_one_percent_of_repeated_stamps_is_refused(tmp_path: Path) -> None:
    truth = make(tmp_path, "pts_repeat", n_frames=150)  # 2 of 150
    with pytest.raises(VideoError) as caught:
        see(truth)
    assert caught.value.code == "V111"


@pytest.mark.parametrize("kind", ["bare_stream", "pts_absent"])
def test_a_bare_stream_is_refused_until_a_rate_is_given(kind: str, tmp_path: Path) -> None:
    truth = make(tmp_path, kind)
    with pytest.raises(VideoError) as caught:
        see(truth)
    assert caught.value.code == "V111"
    assert "rate" in caught.value.hint
    seen = see(truth, rate=Fraction(30))
    assert seen.barcodes == list(range(120))
    np.testing.assert_allclose(seen.time, np.arange(120) / 30, atol=1e-12)


def test_the_invented_stamps_of_bare_mjpeg_are_not_believed(tmp_path: Path) -> None:
    truth = make(tmp_path, "clean", "mjpeg", "mjpeg")
    with pytest.raises(VideoError) as caught:
        see(truth)
    assert caught.value.code == "V111"
    assert see(truth, rate=Fraction(30)).barcodes == list(range(120))


@pytest.mark.parametrize("container", ["mp4", "mkv", "ts"])
@pytest.mark.parametrize("codec", ["h264", "hevc", "mpeg4"])
@pytest.mark.parametrize("kind", ["b_frames", "open_gop"])
def test_b_frames_come_in_the_order_of_presentation(
    kind: str, codec: str, container: str, tmp_path: Path
) -> None:
    truth = make(tmp_path, kind, container, codec)
    seen = see(truth)
    assert wrong_numbers(seen, truth) == []
    assert time_error(seen, truth) <= truth.tick
    assert seen.valid.all()
    assert "V111" not in seen.codes


def test_the_order_route_of_an_avi_counts_right(tmp_path: Path) -> None:
    truth = make(tmp_path, "order_route")
    seen = see(truth)
    assert seen.video.probe().route == "order"
    assert wrong_numbers(seen, truth) == []
    assert time_error(seen, truth) < 1e-9
    assert seen.valid.all()


@pytest.mark.parametrize("container", ["mp4", "mov"])
@pytest.mark.parametrize("codec", ["h264", "mjpeg", "ffv1"])
def test_frames_before_the_start_of_an_edit_list_are_no_frames(
    codec: str, container: str, tmp_path: Path
) -> None:
    if (container, codec) == ("mov", "ffv1"):
        codec = "png"
    truth = make(tmp_path, "edit_list", container, codec)
    seen = see(truth)
    assert len(seen.index) == 108
    assert seen.barcodes == list(range(12, 120))
    assert time_error(seen, truth) <= truth.tick


def test_a_transport_stream_whose_stamps_wrap_has_rising_times(tmp_path: Path) -> None:
    truth = make(tmp_path, "mpegts_offset", n_frames=700, size=(48, 32))
    seen = see(truth)
    assert wrong_numbers(seen, truth) == []
    assert time_error(seen, truth) <= truth.tick
    assert seen.video.clock.is_constant


def test_pictures_that_are_never_shown_are_no_frames_and_v115(tmp_path: Path) -> None:
    truth = make(tmp_path, "altref")
    seen = see(truth)
    assert seen.video.n_frames == len(seen.index) == truth.n_frames == 108
    assert wrong_numbers(seen, truth) == []
    assert time_error(seen, truth) <= truth.tick
    assert "V115" in seen.codes
    assert seen.valid.all()


def test_frame_zero_is_the_first_shown_and_has_time_zero(tmp_path: Path) -> None:
    for kind in ("pts_negative", "edit_list", "mpegts_offset", "b_frames"):
        assert Video(make(tmp_path, kind).path).times[0] == 0.0


def set_back(truth: Truth, path: Path, codec: str, pixel_format: str) -> Path:
    """Write the frames of a video again, half a frame over 50 frames earlier from frame 60 on."""
    stamps = [2 * k - 101 * (k >= 60) for k in range(truth.n_frames)]

    def late(number: int, packet: Packet) -> list[Packet]:
        return [copy_packet(packet, pts=stamps[number], dts=min(stamps[number:]))]

    with VideoWriter(
        path,
        size=(64, 48),
        rate=Fraction(30),
        codec=codec,
        pixel_format=pixel_format,
        time_base=Fraction(1, 60),
        options={"bf": "0", "g": "30"},
        on_packet=late,
    ) as out:
        for picture in see(truth).data:
            out.write(picture)
    return path


@pytest.mark.parametrize(("codec", "pixel_format"), [("ffv1", "gray"), ("h264", "yuv420p")])
def test_frames_of_a_clock_that_was_set_back_keep_their_order(
    codec: str, pixel_format: str, tmp_path: Path
) -> None:
    """Sorted by such stamps, frames of two moments would take turns; times given to it are used."""
    path = set_back(make(tmp_path, "clean", "mkv", "ffv1"), tmp_path / "back.mkv", codec, pixel_format)
    video = Video(path)
    with pytest.raises(VideoError, match="V111") as caught:
        video.clock  # noqa: B018 - a property that refuses
    assert "stamps go back by up to" in caught.value.got
    seen = see(path, rate=Fraction(30))
    assert seen.valid.all()
    assert seen.barcodes == list(range(120))
    video = Video(path, rate=Fraction(30))
    assert [read_barcode(video.frame_at(k).data[0]) for k in (61, 5, 119)] == [61, 5, 119]


def test_many_repeated_stamps_do_not_matter_beside_other_times(tmp_path: Path) -> None:
    truth = make(tmp_path, "pts_repeat", codec="ffv1", n_frames=150)
    seen = see(truth, rate=Fraction(30))
    assert seen.valid.all()
    assert seen.barcodes == list(range(150))
