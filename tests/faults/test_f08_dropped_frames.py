"""F8: frames that the camera dropped are holes in time: listed, never bridged."""

from pathlib import Path

import numpy as np
import pytest

from tests.fixtures.reading import make, see, time_error, wrong_numbers

pytestmark = pytest.mark.fault(8)

CONTAINERS = ("mp4", "mov", "mkv", "ts")


@pytest.mark.parametrize("container", CONTAINERS)
def test_all_gaps_are_listed_with_what_is_missing(container: str, tmp_path: Path) -> None:
    truth = make(tmp_path, "gap", container)
    probe = see(truth).video.probe()
    assert [(gap["after"], gap["missing"]) for gap in probe.gaps] == list(truth.holes)
    for gap, (_, missing) in zip(probe.gaps, truth.holes, strict=True):
        assert gap["seconds"] == pytest.approx((missing + 1) / 30, abs=0.0011)


@pytest.mark.parametrize("container", CONTAINERS)
def test_times_go_on_behind_a_gap_and_v113_says_so(container: str, tmp_path: Path) -> None:
    truth = make(tmp_path, "gap", container)
    seen = see(truth)
    assert time_error(seen, truth) <= truth.tick
    assert wrong_numbers(seen, truth) == []
    assert "V113" in seen.codes
    assert seen.video.probe().clock_kind == "constant_with_gaps"


@pytest.mark.parametrize("container", CONTAINERS)
def test_pairs_across_a_gap_are_not_adjacent_and_all_others_are(container: str, tmp_path: Path) -> None:
    truth = make(tmp_path, "gap", container)
    seen = see(truth)
    behind = [after + 1 for after, _ in truth.holes]
    assert np.flatnonzero(~seen.adjacent).tolist() == [0, *behind]
    assert seen.valid.all()


@pytest.mark.parametrize("n_frames", [40, 900])
def test_holes_of_one_to_three_hundred_frames_are_found(n_frames: int, tmp_path: Path) -> None:
    truth = make(tmp_path, "gap", n_frames=n_frames, size=(48, 32))
    assert truth.holes[-1][1] == n_frames // 3
    gaps = see(truth).video.probe().gaps
    assert [(gap["after"], gap["missing"]) for gap in gaps] == list(truth.holes)


@pytest.mark.parametrize("codec", ["mpeg4", "mjpeg", "ffv1"])
@pytest.mark.parametrize("lost", [50, 60, 75])
def test_one_empty_slot_of_an_avi_is_a_hole_although_ticks_are_as_long_as_frames(
    codec: str, lost: int, tmp_path: Path
) -> None:
    truth = make(tmp_path, "packet_lost", "avi", codec, n_frames=2 * lost)
    seen = see(truth)
    assert np.flatnonzero(~seen.adjacent).tolist() == [0, truth.holes[0][0] + 1]
    assert time_error(seen, truth) < 1e-9
