"""The videos behind outcomes: found, looked at, named."""

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from mystax.io.nwb.videos import camera_videos, creation_time
from mystax.io.outcome_parts import OutcomeParts
from mystax.io.video import VideoWriter


def outcome(**files: list[str]) -> dict[str, OutcomeParts]:
    attributes = {"analysis": "motion", "run_camera_files": json.dumps(files)}
    return {"motion": OutcomeParts("motion", attributes, {"": xr.Dataset()}, {})}


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
