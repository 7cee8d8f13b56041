"""The factory of faulty videos, judged by FFmpeg's library itself, not by the package's own reader."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from mystax.errors import CODES, RecipeError
from mystax.synth import faulty_video, read_barcode
from mystax.synth.faulty import faulty_kinds
from mystax.synth.truth import Truth

N = 72
Films = Callable[..., Truth]
SMALL = {"n_frames": N, "size": (64, 48), "key_interval": 12}
SPECIAL_FORM = {"packet_twice": "mkv"}  # kinds that refuse the usual container
NOT_A_VIDEO = ("no_index", "empty", "text", "playlist", "concat_script", "sdp", "audio_only", "huge")


def make(path: Path, kind: str, **options: object) -> Truth:
    container = SPECIAL_FORM.get(kind, "mp4")
    return faulty_video(path / "face.bin", kind, **{"container": container, **SMALL, **options})  # type: ignore[arg-type]  # options of one call


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Films:
    """Return films that tests only read: one of the same kind and options is made once."""
    made: dict[tuple[object, ...], Truth] = {}

    def take(kind: str, **options: object) -> Truth:
        whole = {"container": SPECIAL_FORM.get(kind, "mp4"), "codec": "h264", **SMALL, **options}
        key = (kind, *sorted(whole.items()))
        if key not in made:
            made[key] = make(tmp_path_factory.mktemp(kind), kind, **options)
        return made[key]

    return take


def packets(path: Path) -> list[tuple[int | None, bytes]]:
    """Return stamp and bytes of each shown packet of the first video stream."""
    with av.open(f"file:{path}", metadata_errors="replace") as file:
        every = file.demux(file.streams.video[0])
        return [(packet.pts, bytes(packet)) for packet in every if packet.size and not packet.is_discard]


def barcodes(path: Path) -> list[int | None]:
    """Return the barcodes of all pictures in the order in which the decoder gives them."""
    with av.open(f"file:{path}", metadata_errors="replace") as file:
        stream = file.streams.video[0]
        stream.thread_type = "NONE"
        return [read_barcode(grey(frame)) for frame in file.decode(stream)]


def grey(frame: av.VideoFrame) -> np.ndarray:
    return frame.to_ndarray() if frame.format.name.startswith("gray") else frame.to_ndarray(format="gray")


@pytest.mark.parametrize("kind", faulty_kinds())
def test_every_kind_states_codes_that_exist_and_writes_a_file(kind: str, film: Films) -> None:
    truth = film(kind)
    assert truth.path.exists()
    assert truth.kind == kind
    assert truth.codes <= set(CODES)
    assert truth.refusal is None or truth.refusal in CODES
    assert truth.present == (len(truth.barcodes),) * 2
    assert len(truth.times) == N


@pytest.mark.parametrize(
    "kind", [kind for kind in faulty_kinds() if kind not in (*NOT_A_VIDEO, "header_only", "two_streams")]
)
def test_a_file_holds_the_packets_that_its_truth_counts(kind: str, film: Films) -> None:
    truth = film(kind)
    n_packets = len(packets(truth.path))
    extra = {"altref": len(truth.special), "packet_twice": 1, "pts_repeat": 1}.get(kind, 0)
    if kind.startswith("cut_"):
        # The packet that was cut through may come out, marked as corrupt.
        assert n_packets - truth.n_frames in (0, 1)
    elif truth.refusal is None:
        assert n_packets == truth.n_frames + extra
    else:
        assert n_packets == N


WITH_BARCODES = (
    *("clean", "b_frames", "open_gop", "long_gop", "order_route", "altref", "mpegts_offset", "wrong_suffix"),
    *("count_lies", "no_count", "vfr", "gap", "ntsc", "ms_rounding", "pts_negative", "edit_list", "gray12"),
    *("yuv420p10", "full_range", "limited_range", "untagged_full", "rgb", "bgr", "yuv444", "odd_size"),
    *("interlaced", "aspect", "frozen", "flicker", "eye_closed", "bad_metadata"),
)


@pytest.mark.parametrize("kind", WITH_BARCODES)
def test_pictures_carry_the_numbers_that_the_truth_says(kind: str, film: Films) -> None:
    truth = film(kind)
    assert barcodes(truth.path) == list(truth.barcodes)


PAIRS = [
    *[("mp4", codec) for codec in ("h264", "hevc", "mpeg4", "mjpeg", "ffv1", "vp9", "png", "mpeg2video")],
    *[("mov", codec) for codec in ("h264", "mjpeg", "png", "rawvideo")],
    *[("mkv", codec) for codec in ("h264", "hevc", "mpeg4", "mjpeg", "ffv1", "vp8", "vp9", "rawvideo")],
    *[("avi", codec) for codec in ("h264", "mpeg4", "mjpeg", "ffv1", "huffyuv", "png", "rawvideo")],
    *[("webm", codec) for codec in ("vp8", "vp9")],
    *[("ts", codec) for codec in ("h264", "hevc", "mpeg4", "mpeg2video")],
    *[("asf", "mpeg4"), ("ivf", "vp8"), ("y4m", "rawvideo")],
]


@pytest.mark.parametrize(("container", "codec"), PAIRS)
def test_codecs_and_containers_keep_every_number(container: str, codec: str, film: Films) -> None:
    truth = film("clean", container=container, codec=codec)
    assert barcodes(truth.path) == list(range(N))


@pytest.mark.parametrize("key_interval", [1, 12, 60])
@pytest.mark.parametrize("codec", ["h264", "hevc", "mpeg4", "ffv1", "vp8"])
def test_key_frames_stand_where_they_are_wanted(codec: str, key_interval: int, film: Films) -> None:
    truth = film("clean", container="mkv", codec=codec, key_interval=key_interval)
    with av.open(str(truth.path)) as file:
        keys = [n for n, packet in enumerate(file.demux(video=0)) if packet.size and packet.is_keyframe]
    assert keys == list(range(0, N, key_interval))


@pytest.mark.parametrize("codec", ["h264", "hevc", "mpeg4"])
def test_b_frames_are_stored_out_of_order(codec: str, film: Films) -> None:
    truth = film("b_frames", codec=codec)
    stamps = [pts for pts, _ in packets(truth.path)]
    assert stamps != sorted(stamps, key=lambda pts: pts or 0)


def test_equal_calls_write_equal_bytes(tmp_path: Path) -> None:
    one = faulty_video(tmp_path / "one.mp4", "flipped", **SMALL)  # type: ignore[arg-type]  # options of one call
    two = faulty_video(tmp_path / "two.mp4", "flipped", **SMALL)  # type: ignore[arg-type]  # options of one call
    assert one.path.read_bytes() == two.path.read_bytes()
    assert one.damaged_packets == two.damaged_packets


@pytest.mark.parametrize("container", ["mp4", "mkv", "avi"])
@pytest.mark.parametrize("kind", ["flipped", "flipped_few", "flipped_key", "zeroed"])
def test_damage_is_in_the_stated_packets_and_nowhere_else(kind: str, container: str, film: Films) -> None:
    clean = packets(film("clean", container=container).path)
    truth = film(kind, container=container)
    damaged = packets(truth.path)
    differing = [number for number, (a, b) in enumerate(zip(clean, damaged, strict=True)) if a != b]
    assert tuple(differing) == truth.damaged_packets
    assert len(differing) > 0
    assert len(truth.path.read_bytes()) == len(film("clean", container=container).path.read_bytes())


def test_flipped_key_packets_are_key_packets(film: Films) -> None:
    assert {number % 12 for number in film("flipped_key").damaged_packets} == {0}


@pytest.mark.parametrize("container", ["mp4", "mkv", "avi"])
@pytest.mark.parametrize("percent", [10, 30, 50, 70, 90])
def test_a_cut_keeps_about_that_share_of_whole_packets(percent: int, container: str, film: Films) -> None:
    truth = film(f"cut_{percent}", container=container)
    whole = packets(film("clean", container=container).path)
    kept = packets(film(f"cut_{percent}", container=container).path)
    assert [data for _, data in kept[: truth.n_frames]] == [data for _, data in whole[: truth.n_frames]]
    assert 0.6 * percent / 100 * N - 1 <= truth.n_frames <= 1.2 * percent / 100 * N + 1


def test_a_cut_among_b_frames_keeps_the_right_numbers(film: Films) -> None:
    whole = [pts for pts, _ in packets(film("clean", b_frames=2).path)]
    order = sorted(whole, key=lambda pts: pts or 0)
    holes = []
    for percent in (30, 50, 70, 90):
        truth = film(f"cut_{percent}", b_frames=2)
        assert truth.barcodes == tuple(sorted(order.index(pts) for pts in whole[: truth.n_frames]))
        holes.append(truth.barcodes != tuple(range(truth.n_frames)))
    assert any(holes)


def test_growing_ends_as_the_whole_file(tmp_path: Path) -> None:
    truth = make(tmp_path, "growing")
    assert truth.n_frames == N * 6 // 10
    assert truth.grow is not None
    truth.grow()
    assert barcodes(truth.path) == list(range(N))


@pytest.mark.parametrize(
    ("kind", "rate"), [("clean", Fraction(30)), ("ntsc", Fraction(30000, 1001)), ("clean", Fraction(250))]
)
def test_stamps_are_the_stated_times_to_the_tick(kind: str, rate: Fraction, film: Films) -> None:
    truth = film(kind, rate=rate)
    with av.open(str(truth.path)) as file:
        base = file.streams.video[0].time_base
    stamps = [pts for pts, _ in packets(truth.path)]
    assert [(pts or 0) * (base or 0) for pts in stamps] == list(truth.times)


@pytest.mark.parametrize("kind", ["vfr", "gap", "pts_negative", "pts_backward", "edit_list", "ms_rounding"])
def test_odd_stamps_are_the_stated_times_within_a_tick(kind: str, film: Films) -> None:
    truth = film(kind)
    with av.open(str(truth.path)) as file:
        base = file.streams.video[0].time_base
    assert base is not None
    stamps = sorted((pts or 0) * base for pts, _ in packets(truth.path))
    for stamp, expected in zip(stamps, truth.frame_times, strict=True):
        assert abs(stamp - stamps[0] - expected) <= max(base, truth.tick if truth.container == "mkv" else 0)


def test_stamps_of_a_wrapped_transport_stream_pass_33_bits(film: Films) -> None:
    truth = film("mpegts_offset", n_frames=700, size=(48, 32))
    assert truth.times[0] * 90000 < 2**33 < truth.times[-1] * 90000


def test_gaps_are_where_the_truth_says(film: Films) -> None:
    truth = film("gap")
    steps = np.diff([float(time) for time in truth.frame_times]) * 30
    found = [(int(place), round(steps[place]) - 1) for place in np.flatnonzero(steps > 1.5)]
    assert found == list(truth.holes)
    assert [missing for _, missing in truth.holes] == [1, 5, 24]


def test_count_lies_claims_a_third_more(film: Films) -> None:
    for container in ("mp4", "avi"):
        with av.open(str(film("count_lies", container=container).path)) as file:
            assert file.streams.video[0].frames == N * 4 // 3


def test_no_count_claims_nothing(film: Films) -> None:
    for container in ("mp4", "avi", "mkv"):
        with av.open(str(film("no_count", container=container).path)) as file:
            assert file.streams.video[0].frames == 0


def test_rotated_files_are_stored_turned(film: Films) -> None:
    truth = film("rotated_90", size=(64, 48))
    with av.open(str(truth.path)) as file:
        picture = next(file.decode(video=0))
    assert (picture.width, picture.height) == (48, 64)
    assert truth.size == (64, 48)
    # Turned clockwise by 90 degrees the number can be read.
    assert read_barcode(np.rot90(picture.to_ndarray(format="gray"), -1)) == 0


@pytest.mark.parametrize("kind", ["gray10", "gray16"])
def test_lossless_deep_grey_is_the_clean_picture(kind: str, film: Films) -> None:
    truth = film(kind)
    with av.open(str(truth.path)) as file:
        for index, frame in enumerate(file.decode(video=0)):
            np.testing.assert_array_equal(frame.to_ndarray(), truth.clean(index))


def test_pixels_are_square_interlaced_and_of_two_sizes_as_stated(film: Films) -> None:
    with av.open(str(film("aspect").path)) as file:
        assert file.streams.video[0].sample_aspect_ratio == Fraction(4, 3)
    with av.open(str(film("interlaced").path)) as file:
        assert next(file.decode(video=0)).interlaced_frame
    truth = film("two_sizes", n_frames=200)
    with av.open(str(truth.path)) as file:
        sizes = [frame.width for frame in file.decode(video=0)]
    assert [place for place, width in enumerate(sizes) if width != 64] == list(truth.special) == [199]


def test_bad_metadata_is_not_utf8(film: Films) -> None:
    data = film("bad_metadata").path.read_bytes()
    assert b"\xff\xfe\xe9\x80" in data
    assert b"plain title" not in data


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"kind": "cut_5"}, "no kind 'cut_5'"),
        ({"kind": "clean", "container": "mp5"}, "did you mean 'mp4'"),
        ({"kind": "clean", "codec": "h265"}, "no codec 'h265'"),
        ({"kind": "clean", "scene": "fur"}, "no scene 'fur'"),
        ({"kind": "no_index", "container": "avi"}, "does not exist in that container"),
    ],
)
def test_what_cannot_be_made_is_refused_before_writing(
    arguments: dict[str, str], text: str, tmp_path: Path
) -> None:
    with pytest.raises(RecipeError, match=text) as caught:
        faulty_video(tmp_path / "x.mp4", **arguments)  # type: ignore[arg-type]  # options of one call
    assert caught.value.code == "P403"
    assert not (tmp_path / "x.mp4").exists()


def test_times_of_frames_count_from_the_first_listed_one(film: Films) -> None:
    truth = film("edit_list")
    assert truth.barcodes[0] == 7
    assert truth.frame_times[:3] == (Fraction(0), Fraction(1, 30), Fraction(2, 30))
