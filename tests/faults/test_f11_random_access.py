"""F11: random access gives the frame that was asked for, bit for bit, in every codec and container."""

from pathlib import Path

import numpy as np
import pytest

from mystax.io.video import Video
from mystax.synth.faulty_plan import CODECS
from tests.fixtures.reading import make, see

pytestmark = pytest.mark.fault(11)

PAIRS = [
    *[("mp4", codec) for codec in ("h264", "hevc", "mpeg4", "mjpeg", "ffv1", "vp9")],
    *[("mov", codec) for codec in ("h264", "png", "rawvideo")],
    *[("mkv", codec) for codec in ("h264", "hevc", "mpeg4", "mjpeg", "ffv1", "vp8", "vp9")],
    *[("avi", codec) for codec in ("h264", "mpeg4", "mjpeg", "ffv1", "huffyuv", "rawvideo")],
    *[("ts", codec) for codec in ("h264", "hevc", "mpeg4", "mpeg2video")],
    *[("webm", "vp8"), ("asf", "mpeg4"), ("ivf", "vp8"), ("y4m", "rawvideo")],
]
GROUPS = [
    (codec, container, *group)
    for container, codec in PAIRS
    for group in [(12, 0), (60, 2)]
    if group == (12, 0) or not CODECS[codec].is_intra  # every frame is a key frame: the file is the same
]


@pytest.mark.parametrize(("codec", "container", "key_interval", "b_frames"), GROUPS)
def test_frames_at_random_equal_sequential_ones(
    key_interval: int, b_frames: int, container: str, codec: str, tmp_path: Path
) -> None:
    """Acceptance 1: barcodes 100 % right, and `frame_at` equal for 60 random frames."""
    truth = make(tmp_path, "clean", container, codec, key_interval=key_interval, b_frames=b_frames)
    seen = see(truth)
    assert seen.barcodes == list(range(120))
    for frame in np.random.default_rng(0).integers(0, 120, 60 if codec == "h264" else 12):
        single = seen.video.frame_at(int(frame))
        assert single.index.tolist() == [frame]
        assert single.time[0] == seen.time[frame]
        assert single.valid[0]
        np.testing.assert_array_equal(single.data[0], seen.data[frame])


@pytest.mark.parametrize("container", ["mp4", "mkv", "avi"])
@pytest.mark.parametrize("key_interval", [1, 300])
def test_short_and_long_groups_of_pictures(key_interval: int, container: str, tmp_path: Path) -> None:
    truth = make(tmp_path, "clean", container, key_interval=key_interval, n_frames=310, b_frames=2)
    seen = see(truth)
    assert seen.barcodes == list(range(310))
    for frame in (309, 0, 155, 301, 299, 300, 1):
        np.testing.assert_array_equal(seen.video.frame_at(frame).data[0], seen.data[frame])


@pytest.mark.parametrize("kind", ["clean", "open_gop"])
@pytest.mark.parametrize("codec", ["h264", "hevc", "mpeg4", "mpeg2video"])
def test_frames_that_lean_on_the_group_before_are_right_whatever_was_asked_before(
    codec: str, kind: str, tmp_path: Path
) -> None:
    container = "ts" if codec == "mpeg2video" else "mp4"
    if kind == "open_gop" and codec == "mpeg2video":
        codec = "h264"
    truth = make(tmp_path, kind, container, codec, key_interval=12, n_frames=60, b_frames=2)
    seen = see(truth)
    for seed in range(2):
        fresh = Video(truth.path)
        for frame in np.random.default_rng(seed).permutation(60).tolist():
            np.testing.assert_array_equal(fresh.frame_at(frame).data[0], seen.data[frame])
    fresh = Video(truth.path)
    assert fresh.sample(6).valid.all()
    for frame in range(60):
        np.testing.assert_array_equal(fresh.frame_at(frame).data[0], seen.data[frame])


@pytest.mark.slow
@pytest.mark.parametrize(("container", "codec"), PAIRS)
@pytest.mark.parametrize("key_interval", [1, 12, 60, 300])
def test_sixty_random_frames_of_every_pair_and_key_interval(
    key_interval: int, container: str, codec: str, tmp_path: Path
) -> None:
    """Acceptance 1, with all its numbers."""
    b_frames = 2 if key_interval > 1 else 0
    truth = make(
        tmp_path, "clean", container, codec, key_interval=key_interval, n_frames=310, b_frames=b_frames
    )
    seen = see(truth)
    assert seen.barcodes == seen.index.tolist() == list(range(310))
    for frame in np.random.default_rng(key_interval).permutation(310)[:60].tolist():
        single = seen.video.frame_at(frame)
        assert single.valid[0]
        np.testing.assert_array_equal(single.data[0], seen.data[frame])


@pytest.mark.parametrize(
    "kind", ["order_route", "open_gop", "long_gop", "mpegts_offset", "altref", "edit_list", "vfr", "gap"]
)
def test_odd_files_are_accessed_right(kind: str, tmp_path: Path) -> None:
    truth = make(tmp_path, kind)
    seen = see(truth)
    for frame in np.random.default_rng(1).integers(0, len(seen.index), 30):
        np.testing.assert_array_equal(seen.video.frame_at(int(frame)).data[0], seen.data[frame])


@pytest.mark.parametrize("kind", ["flipped_few", "zeroed", "cut_50"])
@pytest.mark.parametrize("container", ["mp4", "mkv", "avi"])
def test_random_access_to_damaged_files_agrees_with_sequential_reading(
    kind: str, container: str, tmp_path: Path
) -> None:
    seen = see(make(tmp_path, kind, container))
    fresh = Video(seen.video.files)
    for frame in np.random.default_rng(2).permutation(len(seen.index))[:40]:
        single = fresh.frame_at(int(frame))
        assert single.valid[0] == seen.valid[frame]
        if single.valid[0]:
            np.testing.assert_array_equal(single.data[0], seen.data[frame])


def test_a_frame_that_does_not_exist_is_an_index_error_with_the_range(tmp_path: Path) -> None:
    video = Video(make(tmp_path, "clean").path)
    for frame in (-1, 120):
        with pytest.raises(IndexError, match=r"0\.\.119"):
            video.frame_at(frame)


def test_samples_are_valid_frames_and_the_same_for_all(tmp_path: Path) -> None:
    truth = make(tmp_path, "flipped_few", n_frames=200)
    seen = see(truth)
    sample, again = Video(truth.path).sample(5), seen.video.sample(5)
    assert sample.valid.all()
    np.testing.assert_array_equal(sample.index, again.index)
    np.testing.assert_array_equal(sample.data, seen.data[sample.index])
