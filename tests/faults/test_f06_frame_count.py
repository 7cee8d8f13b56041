"""F6: the header's count of frames is absent or wrong; frames are counted, arrays sized by the truth."""

from pathlib import Path

import pytest

from mystax.errors import VideoError
from tests.fixtures.reading import make, see, time_error, wrong_numbers

pytestmark = pytest.mark.fault(6)


@pytest.mark.parametrize("container", ["mp4", "mov", "avi"])
def test_a_count_that_lies_is_v106_and_the_true_count_is_used(container: str, tmp_path: Path) -> None:
    truth = make(tmp_path, "count_lies", container)
    seen = see(truth)
    probe = seen.video.probe()
    assert (probe.n_frames, probe.n_frames_header) == (120, 160)
    assert len(seen.index) == 120
    assert "V106" in seen.codes
    assert probe.coverage_claimed == pytest.approx(0.75)
    assert wrong_numbers(seen, truth) == []
    assert seen.valid.all()


@pytest.mark.parametrize("container", ["mp4", "avi", "mkv"])
def test_without_a_count_frames_are_counted(container: str, tmp_path: Path) -> None:
    truth = make(tmp_path, "no_count", container)
    seen = see(truth)
    assert seen.video.probe().n_frames == len(seen.index) == 120
    assert wrong_numbers(seen, truth) == []
    assert time_error(seen, truth) <= truth.tick


def test_the_mean_of_a_lying_avi_is_not_used_for_times(tmp_path: Path) -> None:
    truth = make(tmp_path, "count_lies", "avi")
    assert time_error(see(truth), truth) < 1e-9


def test_refuse_refuses_a_lying_count(tmp_path: Path) -> None:
    with pytest.raises(VideoError) as caught:
        see(make(tmp_path, "count_lies"), damage="refuse")
    assert caught.value.code in ("V101", "V106")


def test_a_claim_of_huge_size_is_refused_before_memory_is_taken(tmp_path: Path) -> None:
    with pytest.raises(VideoError) as caught:
        see(make(tmp_path, "huge", n_frames=10))
    assert caught.value.code == "V104"
