"""The picture behind regions, and the video of each camera."""

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from mystax.core.recording import ArraySource
from mystax.io.provenance import texts_of
from mystax.io.video import Video, VideoWriter
from mystax.plot.pictures import View, frame_picture, mean_picture, open_source
from tests.fixtures.plot_outcomes import motion


def _video(path: Path, level: int, n: int = 6) -> Path:
    with VideoWriter(path, size=(32, 24), rate=Fraction(30), color_range="pc") as writer:
        for number in range(n):
            writer.write(np.full((24, 32), level + number, np.uint8))
    return path


def _inputs(**cameras: Path) -> str:
    entries = []
    for camera, path in cameras.items():
        with_ids = Video(path)
        entries += [
            {"role": "frames", "camera": camera, "position": k, "id": item}
            for k, item in enumerate(with_ids.identity)
        ]
        with_ids.close()
    return json.dumps(entries)


@pytest.fixture
def cameras(tmp_path: Path) -> dict[str, Path]:
    return {"left": _video(tmp_path / "l.mkv", 40), "right": _video(tmp_path / "r.mkv", 140)}


def test_each_camera_gets_its_own_video(cameras: dict[str, Path]) -> None:
    files = [str(path) for path in cameras.values()]
    for form in (files, json.dumps(files), np.array(files)):
        attributes = {"run_files": form, "inputs": _inputs(**cameras)}
        for camera, level in (("left", 43), ("right", 143)):
            source = open_source(attributes, camera, 6)
            assert source is not None
            assert abs(float(source.frame_at(3).data.mean()) - level) < 4
            source.close()


def test_a_single_camera_takes_all_files(cameras: dict[str, Path]) -> None:
    path = cameras["left"]
    source = open_source({"run_files": [str(path)], "inputs": _inputs(front=path)}, "", 6)
    assert source is not None
    source.close()


def test_a_video_that_changed_is_not_shown(cameras: dict[str, Path]) -> None:
    attributes = {"run_files": [str(cameras["left"])], "inputs": _inputs(front=cameras["left"])}
    _video(cameras["left"], 90)
    assert open_source(attributes, "", 6) is None


def test_a_video_that_went_away_or_has_other_frames_is_not_shown(cameras: dict[str, Path]) -> None:
    path = cameras["left"]
    attributes = {"run_files": [str(path)], "inputs": _inputs(front=path)}
    assert open_source(attributes, "", 7) is None
    path.unlink()
    assert open_source(attributes, "", 6) is None


def test_a_file_that_is_no_video_is_not_shown(tmp_path: Path) -> None:
    (tmp_path / "x.mp4").write_bytes(b"nothing")
    assert open_source({"run_files": [str(tmp_path / "x.mp4")]}, "", 6) is None


def test_outcomes_without_files_have_no_video() -> None:
    assert open_source({}, "", 6) is None
    assert open_source({"run_files": ["a", "b"], "inputs": "[]"}, "left", 6) is None


@pytest.mark.parametrize(
    ("value", "expected"), [(None, []), ("a.mp4", ["a.mp4"]), ('["a","b"]', ["a", "b"]), (["a"], ["a"])]
)
def test_lists_of_texts_come_back_from_any_form(value: object, expected: list[str]) -> None:
    assert texts_of(value) == expected


def test_the_frame_in_the_middle_is_shown() -> None:
    frames = np.arange(10, dtype=np.uint8)[:, None, None] * np.ones((1, 8, 8), np.uint8)
    picture = frame_picture(ArraySource(frames, 30))
    assert picture is not None
    assert (picture.words, int(picture.values[0, 0])) == ("frame 5", 5)
    assert picture.extent == (-0.5, 7.5, 7.5, -0.5)


def test_large_frames_are_thinned_but_keep_their_place() -> None:
    picture = frame_picture(ArraySource(np.zeros((1, 100, 2000), np.uint8), 30))
    assert picture is not None
    assert picture.values.shape == (25, 500)
    assert picture.extent == (-0.5, 1999.5, 99.5, -0.5)
    assert picture.aspect == 100 / 2000


def test_the_mean_picture_stands_where_its_bins_are() -> None:
    picture = mean_picture(motion())
    assert picture is not None
    assert (picture.words, picture.extent) == ("mean picture", (-0.5, 63.5, 47.5, -0.5))
    assert mean_picture(motion() * np.nan) is None
    assert mean_picture(motion().drop_vars("mean_frame")) is None


def test_a_view_names_its_camera_only_where_there_are_several() -> None:
    assert (View("", motion()).title("pad"), View("left", motion()).title("pad")) == ("pad", "left: pad")
