"""F1: a file that is cut short is read as far as it goes; coverage below 1 and V101 say so."""

from pathlib import Path

import pytest

from mystax.errors import VideoError
from mystax.io.video import Video
from tests.fixtures.reading import make, see, time_error, wrong_numbers

pytestmark = pytest.mark.fault(1)

CONTAINERS = ("mp4", "avi", "mkv")
CUTS = (10, 30, 50, 70, 90)


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("percent", CUTS)
def test_the_probe_counts_exactly_the_whole_frames_and_says_v101(
    percent: int, container: str, tmp_path: Path
) -> None:
    truth = make(tmp_path, f"cut_{percent}", container)
    video = Video(truth.path)
    assert video.probe().n_frames == video.n_frames == truth.n_frames
    assert "V101" in {flag.code for flag in video.probe().flags}


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("codec", ["h264", "mjpeg"])
@pytest.mark.parametrize("percent", CUTS)
def test_every_frame_before_the_cut_is_right(
    percent: int, codec: str, container: str, tmp_path: Path
) -> None:
    truth = make(tmp_path, f"cut_{percent}", container, codec)
    seen = see(truth)
    assert seen.valid.all()
    assert wrong_numbers(seen, truth) == []
    assert time_error(seen, truth) <= truth.tick


@pytest.mark.parametrize("container", CONTAINERS)
def test_coverage_is_the_share_of_the_claimed_frames(container: str, tmp_path: Path) -> None:
    truth = make(tmp_path, "cut_50", container)
    seen = see(truth)
    assert seen.video.coverage == pytest.approx(truth.n_frames / 120)
    assert seen.video.probe().coverage_claimed == pytest.approx(truth.n_frames / 120)


@pytest.mark.parametrize("container", CONTAINERS)
def test_refuse_refuses(container: str, tmp_path: Path) -> None:
    truth = make(tmp_path, "cut_50", container)
    with pytest.raises(VideoError) as caught:
        see(truth, damage="refuse")
    assert caught.value.code in ("V101", "V106")


def test_a_cut_among_b_frames_gives_no_wrong_number(tmp_path: Path) -> None:
    for percent in CUTS:
        truth = make(tmp_path, f"cut_{percent}", b_frames=2)
        seen = see(truth)
        assert len(seen.index) == truth.n_frames
        assert wrong_numbers(seen, truth) == []


@pytest.mark.parametrize("container", CONTAINERS)
def test_a_whole_file_has_no_v101_and_full_coverage(container: str, tmp_path: Path) -> None:
    seen = see(make(tmp_path, "clean", container))
    assert "V101" not in seen.codes
    assert seen.video.coverage == 1.0
