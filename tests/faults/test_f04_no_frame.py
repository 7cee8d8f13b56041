"""F4: a file of zero bytes, or with headers only, is refused with V103."""

from pathlib import Path

import pytest

from mystax.errors import VideoError
from mystax.io.video import Video
from tests.fixtures.reading import make

pytestmark = pytest.mark.fault(4)


@pytest.mark.parametrize("container", ["mp4", "avi", "mkv"])
@pytest.mark.parametrize("kind", ["empty", "header_only"])
def test_a_file_without_a_frame_is_v103(kind: str, container: str, tmp_path: Path) -> None:
    truth = make(tmp_path, kind, container)
    with pytest.raises(VideoError) as caught:
        Video(truth.path)
    assert caught.value.code == "V103"
    assert caught.value.retry == "never"


def test_a_video_of_one_frame_is_a_video(tmp_path: Path) -> None:
    video = Video(make(tmp_path, "clean", n_frames=1).path)
    assert video.n_frames == 1
    assert next(iter(video.chunks())).valid.tolist() == [True]
