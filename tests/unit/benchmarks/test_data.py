from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from benchmarks import data

from mystax.io.video import Video


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    tiny = {name: replace(spec, n_frames=3) for name, spec in data.VIDEOS.items()}
    monkeypatch.setattr(data, "VIDEOS", tiny)


@pytest.mark.parametrize("name", sorted(data.VIDEOS))
def test_every_generated_video_can_be_made_and_read(name: str, small: None, tmp_path: Path) -> None:
    path = data.make_video(tmp_path, name)
    with Video(path) as video:
        assert (video.n_frames, video.shape) == (3, (480, 640))
        assert np.allclose(np.diff(video.times), 0.01)


def test_a_video_is_made_once(small: None, tmp_path: Path) -> None:
    path = data.make_video(tmp_path, "ffv1")
    made = path.stat().st_mtime_ns
    assert data.make_video(tmp_path, "ffv1") == path
    assert path.stat().st_mtime_ns == made
    assert [item.name for item in tmp_path.iterdir()] == [path.name]


def test_joined_copies_are_one_longer_video(small: None, tmp_path: Path) -> None:
    files = data.joined(tmp_path, "easy", 3)
    with Video(files) as video:
        frames = np.concatenate([chunk.data for chunk in video.chunks()])
        assert video.n_frames == 9
    assert np.array_equal(frames[:3], frames[6:])


def test_real_clips_are_found_or_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MYSTAX_TEST_DATA", str(tmp_path))
    assert data.find_clip("mirror") is None
    path = tmp_path / data.CLIPS["mirror"]
    path.parent.mkdir(parents=True)
    path.write_bytes(b"")
    assert data.find_clip("mirror") == path
