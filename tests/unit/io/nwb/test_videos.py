"""The videos behind outcomes: found, looked at, named."""

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from mystax.io.fingerprint import quick_id
from mystax.io.nwb.videos import camera_videos, creation_time
from mystax.io.outcome_parts import OutcomeParts
from mystax.io.video import VideoWriter


def outcome(**files: list[str]) -> dict[str, OutcomeParts]:
    attributes = {"analysis": "motion", "run_camera_files": json.dumps(files)}
    return {"motion": OutcomeParts("motion", attributes, {"": xr.Dataset()}, {})}


def timed(n: int, times: np.ndarray, first: int = 0, camera: str = "") -> OutcomeParts:
    """Make an outcome of the frames of one camera of `left` and `right`, or of the only one."""
    known = {"time": ("time", times), "frame": ("time", first + np.arange(n))}
    names = {"left": ["/gone/a.mp4"], **({"right": ["/gone/b.mp4"]} if camera else {})}
    attributes = {"analysis": "motion", "run_camera_files": json.dumps(names)}
    return OutcomeParts("motion", attributes, {camera: xr.Dataset(coords=known)}, {})


def film(path: Path, n: int) -> None:
    facts = {"creation_time": "2024-03-01T10:00:00Z"}
    with VideoWriter(path, size=(64, 48), rate=Fraction(30), metadata=facts) as writer:
        for k in range(n):
            writer.write(np.full((48, 64), 20 + k, np.uint8))


def test_files_of_a_camera_are_joined_with_their_first_frames(tmp_path: Path) -> None:
    for name, n in (("a.mp4", 5), ("b.mp4", 7)):
        film(tmp_path / name, n)
    found, notes = camera_videos(outcome(left=["/gone/a.mp4", "/gone/b.mp4"]), tmp_path / "a.mystax")
    video = found["left"]
    assert notes == []
    assert [path.name for path in video.files] == ["a.mp4", "b.mp4"]
    assert video.starting_frames == (0, 5)
    assert (video.width, video.height, video.n_frames, len(video.times)) == (64, 48, 12, 12)
    assert video.created is not None
    assert video.created.isoformat() == "2024-03-01T10:00:00+00:00"


def test_video_that_is_gone_is_told(tmp_path: Path) -> None:
    found, notes = camera_videos(outcome(left=["/gone/a.mp4"]), tmp_path)
    assert (found, len(notes)) == ({}, 1)
    assert "left" in notes[0]


def test_video_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"no video")
    found, notes = camera_videos(outcome(left=[str(tmp_path / "a.mp4")]), tmp_path)
    assert found == {}
    assert "not read" in notes[0]


@pytest.mark.parametrize("text", ["", "yesterday", "1904-01-01T00:00:00Z", "1970-01-01T00:00:00Z"])
def test_times_that_containers_make_up_are_none(text: str) -> None:
    assert creation_time(text) is None


@pytest.mark.parametrize("camera", ["", "left"])
def test_video_has_the_times_of_the_outcomes_not_those_of_its_stamps(tmp_path: Path, camera: str) -> None:
    film(tmp_path / "a.mp4", 6)
    film(tmp_path / "b.mp4", 6)
    clock = np.array([100.0, 100.04, 100.07, np.nan, 100.16, 100.2])
    found, notes = camera_videos({"motion": timed(6, clock, camera=camera)}, tmp_path / "a.mystax")
    np.testing.assert_array_equal(found["left"].times, clock)
    assert notes == []
    if camera:  # nothing was measured in the right one
        np.testing.assert_allclose(found["right"].times, np.arange(6) / 30)


def test_video_whose_times_no_outcome_tells_is_told(tmp_path: Path) -> None:
    film(tmp_path / "a.mp4", 6)
    found, notes = camera_videos({"motion": timed(3, np.arange(3) + 50.0, first=2)}, tmp_path)
    np.testing.assert_allclose(found["left"].times, np.arange(6) / 30)
    assert [note.partition(" has ")[0] for note in notes] == ["the video of camera 'left'"]


def test_another_video_of_the_same_name_is_not_the_one_that_was_measured(tmp_path: Path) -> None:
    film(tmp_path / "a.mp4", 6)
    inputs = [{"role": "frames", "camera": "left", "position": 0, "id": quick_id(tmp_path / "a.mp4")}]
    (tmp_path / "a.mp4").rename(tmp_path / "moved.mp4")
    film(tmp_path / "a.mp4", 7)
    attributes = {
        "analysis": "motion",
        "run_camera_files": json.dumps({"left": [str(tmp_path / "a.mp4")]}),
        "inputs": json.dumps(inputs),
    }
    parts = {"motion": OutcomeParts("motion", attributes, {"": xr.Dataset()}, {})}
    found, notes = camera_videos(parts, tmp_path / "a.mystax")
    assert (found, len(notes)) == ({}, 1)
    (tmp_path / "a.mystax").mkdir()
    (tmp_path / "moved.mp4").rename(tmp_path / "a.mystax" / "a.mp4")  # the right one lies beside the outcomes
    found, notes = camera_videos(parts, tmp_path / "a.mystax")
    assert (found["left"].files, notes) == ((tmp_path / "a.mystax" / "a.mp4",), [])
