"""F14: rotation tags, odd sizes, padding, interlacing, pixels that are not square."""

from pathlib import Path

import numpy as np
import pytest

from tests.fixtures.reading import make, see, wrong_numbers

pytestmark = pytest.mark.fault(14)


@pytest.mark.parametrize("container", ["mp4", "mov"])
@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_turned_videos_are_shown_upright(degrees: int, container: str, tmp_path: Path) -> None:
    truth = make(tmp_path, f"rotated_{degrees}", container, n_frames=20, size=(80, 48))
    seen = see(truth)
    assert seen.video.shape == (48, 80)
    assert (seen.video.probe().width, seen.video.probe().height) == (80, 48)
    assert wrong_numbers(seen, truth) == []
    difference = np.abs(seen.data[7].astype(int) - truth.clean(7)).mean()
    assert difference < 4  # loss of the codec only
    np.testing.assert_array_equal(seen.video.frame_at(7).data[0], seen.data[7])


@pytest.mark.parametrize("codec", ["h264", "mpeg4", "mjpeg", "ffv1"])
@pytest.mark.parametrize("size", [(64, 48), (96, 60), (50, 38)])
def test_odd_sizes_are_cropped_to_the_pixel(size: tuple[int, int], codec: str, tmp_path: Path) -> None:
    truth = make(tmp_path, "odd_size", codec=codec, n_frames=20, size=size)
    seen = see(truth)
    width, height = size
    assert seen.video.shape == (height - 1, width - 1)
    assert wrong_numbers(seen, truth) == []
    assert np.abs(seen.data[3].astype(int) - truth.clean(3)).mean() < 6


@pytest.mark.parametrize("size", [(2, 2), (3, 2), (2, 7), (5, 5)])
def test_the_smallest_pictures_are_read(size: tuple[int, int], tmp_path: Path) -> None:
    truth = make(tmp_path, "clean", "mkv", "ffv1", n_frames=5, size=size)
    seen = see(truth)
    np.testing.assert_array_equal(seen.data[4], truth.clean(4))


@pytest.mark.parametrize("codec", ["h264", "mpeg4"])
def test_interlaced_files_are_v112_and_read_as_they_are(codec: str, tmp_path: Path) -> None:
    truth = make(tmp_path, "interlaced", codec=codec, n_frames=30)
    seen = see(truth)
    assert "V112" in seen.codes
    assert seen.video.probe().interlaced
    assert wrong_numbers(seen, truth) == []


def test_pixels_that_are_not_square_are_v114_and_not_resampled(tmp_path: Path) -> None:
    truth = make(tmp_path, "aspect", n_frames=10)
    seen = see(truth)
    assert "V114" in seen.codes
    assert seen.video.shape == (48, 64)
    assert seen.video.probe().pixel_aspect in ("4/3", "4:3")


def test_plain_files_have_no_remark_on_geometry(tmp_path: Path) -> None:
    assert not see(make(tmp_path, "clean", n_frames=10)).codes & {"V112", "V114"}
