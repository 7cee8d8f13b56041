"""F13: grey is full-range grey whatever was stored: luma of full or limited range, RGB, BGR."""

from pathlib import Path

import numpy as np
import pytest

from tests.fixtures.reading import Seen, make, see, wrong_numbers

pytestmark = pytest.mark.fault(13)

KINDS = ("full_range", "limited_range", "rgb", "bgr")


def read(kind: str, folder: Path, grey_range: str = "auto") -> Seen:
    return see(make(folder, kind, n_frames=5, size=(96, 96)), grey_range=grey_range)


@pytest.mark.parametrize("kind", KINDS)
def test_every_way_of_storing_gives_the_same_grey_within_a_level(kind: str, tmp_path: Path) -> None:
    """Acceptance 6: the four agree with the drawn ramp within 1 grey level."""
    truth = make(tmp_path, kind, n_frames=5, size=(96, 96))
    seen = see(truth)
    for frame in range(5):
        assert np.abs(seen.data[frame].astype(int) - truth.clean(frame)).max() <= 1
    assert wrong_numbers(seen, truth) == []


@pytest.mark.parametrize(
    ("kind", "n_levels"), [("full_range", 256), ("limited_range", 220), ("rgb", 256), ("bgr", 256)]
)
def test_no_level_is_lost(kind: str, n_levels: int, tmp_path: Path) -> None:
    assert len(np.unique(read(kind, tmp_path).data[0][-24:])) == n_levels


def test_untagged_full_range_is_v109_and_can_be_said(tmp_path: Path) -> None:
    seen = read("untagged_full", tmp_path)
    flag = next(flag for flag in seen.video.flags if flag.code == "V109")
    assert "grey_range" in flag.text
    assert seen.video.probe().color_range_source == "assumed"
    told = read("untagged_full", tmp_path, grey_range="full")
    assert "V109" not in told.codes
    assert len(np.unique(told.data[0][-24:])) == 256


@pytest.mark.parametrize("kind", KINDS)
def test_tagged_or_certain_ranges_are_not_v109(kind: str, tmp_path: Path) -> None:
    assert "V109" not in read(kind, tmp_path).codes


def test_the_probe_says_which_range(tmp_path: Path) -> None:
    ranges = {kind: read(kind, tmp_path).video.probe().color_range for kind in KINDS}
    assert ranges == {"full_range": "full", "limited_range": "limited", "rgb": "full", "bgr": "full"}


def test_codes_with_their_map_are_the_grey_of_8_bits(tmp_path: Path) -> None:
    chunk = next(iter(read("limited_range", tmp_path).video.chunks()))
    grey = (chunk.codes.astype(float) - chunk.grey_map.offset) * chunk.grey_map.gain
    np.testing.assert_allclose(np.clip(grey, 0, 255), chunk.data, atol=0.5 + 1e-9)


def test_yuv444_is_read_by_its_luma(tmp_path: Path) -> None:
    truth = make(tmp_path, "yuv444", n_frames=20)
    assert wrong_numbers(see(truth), truth) == []
