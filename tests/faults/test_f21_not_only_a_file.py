"""F21: playlists, scripts and protocol names that pose as a video are refused and followed nowhere."""

from pathlib import Path

import pytest

from mystax.errors import MystaxError, RecipeError, VideoError
from mystax.io.video import Video
from tests.fixtures.reading import make

pytestmark = [pytest.mark.fault(21), pytest.mark.attack]


@pytest.mark.parametrize("kind", ["playlist", "concat_script", "sdp", "huge"])
@pytest.mark.parametrize("suffix", ["mp4", "m3u8", "sdp", "ffconcat", "avi"])
def test_posing_files_are_v104(kind: str, suffix: str, tmp_path: Path) -> None:
    path = make(tmp_path, kind, n_frames=10).path
    posing = path.rename(path.with_suffix("." + suffix))
    with pytest.raises(VideoError) as caught:
        Video(posing)
    assert caught.value.code == "V104"


@pytest.mark.parametrize(
    "name",
    [
        "concat:{a}|{a}",
        "subfile,,start,0,end,0,,:{a}",
        "file:{a}",
        "cache:{a}",
        "async:{a}",
        "http://127.0.0.1:9/{a}",
        "pipe:0",
        "crypto:{a}",
    ],
)
def test_protocol_names_are_names_of_missing_files(name: str, tmp_path: Path) -> None:
    good = make(tmp_path, "clean", n_frames=10).path
    with pytest.raises(RecipeError) as caught:
        Video(name.format(a=good))
    assert caught.value.code == "P403"


def test_a_file_named_like_a_protocol_is_read(tmp_path: Path) -> None:
    good = make(tmp_path, "clean", n_frames=10).path
    odd = good.rename(tmp_path / "concat:a|b.mp4")
    assert Video(odd).n_frames == 10


def test_a_folder_is_no_video(tmp_path: Path) -> None:
    with pytest.raises(MystaxError):
        Video(tmp_path)
