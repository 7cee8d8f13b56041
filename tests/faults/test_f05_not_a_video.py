"""F5: sound, text, pictures are V104; the content decides, not the suffix."""

import wave
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mystax.errors import RecipeError, VideoError
from mystax.io.video import Video
from tests.fixtures.reading import make, see, wrong_numbers

pytestmark = pytest.mark.fault(5)


def audio_mp4(folder: Path) -> Path:
    return make(folder, "audio_only").path


def audio_wav(folder: Path) -> Path:
    path = folder / "sound.mp4"
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(16000))
    return path


def text(folder: Path) -> Path:
    return make(folder, "text").path


def picture(folder: Path) -> Path:
    path = folder / "picture.mp4"
    Image.fromarray(np.zeros((48, 64), np.uint8)).save(path, format="PNG")
    return path


def array(folder: Path) -> Path:
    path = folder / "frames.avi"
    with path.open("wb") as file:
        np.save(file, np.zeros((10, 48, 64), np.uint8))
    return path


def noise(folder: Path) -> Path:
    path = folder / "noise.mkv"
    path.write_bytes(np.random.default_rng(0).bytes(100_000))
    return path


@pytest.mark.parametrize("make_file", [audio_mp4, audio_wav, text, picture, array, noise])
def test_what_is_no_video_is_v104(make_file: object, tmp_path: Path) -> None:
    assert callable(make_file)
    path = make_file(tmp_path)
    with pytest.raises(VideoError) as caught:
        Video(path)
    assert caught.value.code == "V104"
    assert caught.value.retry == "never"
    assert path.name in caught.value.where


@pytest.mark.parametrize("suffix", ["avi", "txt", "jpg", "mp4", "csv"])
def test_a_video_with_a_wrong_suffix_is_read(suffix: str, tmp_path: Path) -> None:
    truth = make(tmp_path, "wrong_suffix", "mp4", n_frames=30)
    path = truth.path.rename(tmp_path / f"face.{suffix}")
    seen = see(path)
    assert "matroska" in seen.video.probe().container
    assert seen.barcodes == list(range(30))


def test_two_streams_are_refused_with_their_list_until_one_is_chosen(tmp_path: Path) -> None:
    path = make(tmp_path, "two_streams", n_frames=30).path
    with pytest.raises(VideoError) as caught:
        Video(path)
    assert caught.value.code == "V104"
    assert "stream" in str(caught.value)
    assert see(path, stream=1).barcodes == list(range(30))


def test_streams_without_a_decoder_are_listed_too(tmp_path: Path) -> None:
    path = make(tmp_path, "two_streams", n_frames=5).path
    path.write_bytes(path.read_bytes().replace(b"avc1", b"zzzz"))
    with pytest.raises(VideoError, match="no decoder") as caught:
        Video(path)
    assert caught.value.code == "V104"


@pytest.mark.parametrize(
    "name", ["a b.mp4", "$(touch X).mp4", "-i.mp4", 'x";touch X;".mp4', "f%03d.mp4", "a\nb.mp4"]
)
def test_odd_names_are_only_names(name: str, tmp_path: Path) -> None:
    truth = make(tmp_path, "clean", n_frames=10)
    path = truth.path.rename(tmp_path / name)
    assert wrong_numbers(see(path), truth) == []
    assert not (tmp_path / "X").exists()


def test_a_file_that_does_not_exist_is_a_mistake_of_the_request(tmp_path: Path) -> None:
    with pytest.raises(RecipeError) as caught:
        Video(tmp_path / "nothing.mp4")
    assert caught.value.code == "P403"
