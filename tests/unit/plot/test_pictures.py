"""The picture behind regions, and the video of each camera."""

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mystax.core.recording import ArraySource, FrameChunk
from mystax.errors import VideoError
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


def test_a_measured_camera_among_others_gets_its_own_video(cameras: dict[str, Path]) -> None:
    files = {name: [str(path)] for name, path in cameras.items()}
    attributes = {"run_camera_files": json.dumps(files), "inputs": _inputs(right=cameras["right"])}
    source = open_source(attributes, "right", 6)
    assert source is not None
    assert abs(float(source.frame_at(3).data.mean()) - 143) < 4
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


@pytest.mark.parametrize(
    ("missing", "shown"), [([50], "frame 25"), ([50, 25], "frame 75"), ([50, 25, 75], "frame 0")]
)
def test_the_next_place_is_shown_where_the_middle_is_missing(missing: list[int], shown: str) -> None:
    reason = np.zeros(100, np.uint8)
    reason[missing] = 1
    frames = np.arange(100, dtype=np.uint8)[:, None, None] * np.ones((1, 8, 8), np.uint8)
    picture = frame_picture(ArraySource(frames, reason=reason))
    assert picture is not None
    assert picture.words == shown
    assert int(picture.values[0, 0]) == int(shown.split()[1])


@pytest.mark.parametrize("n", [0, 1, 100])
def test_a_video_without_a_good_frame_has_no_picture(n: int) -> None:
    assert frame_picture(ArraySource(np.zeros((n, 8, 8), np.uint8), reason=np.ones(n, np.uint8))) is None


def test_a_video_that_breaks_off_at_the_middle_is_shown_at_another_place() -> None:
    class Broken(ArraySource):
        def frame_at(self, index: int) -> FrameChunk:
            if index:
                raise VideoError("V105", "face.mp4", f"frame {index}")
            return super().frame_at(index)

    picture = frame_picture(Broken(np.full((9, 8, 8), 7, np.uint8)))
    assert picture is not None
    assert picture.words == "frame 0"


@pytest.mark.parametrize(
    ("attributes", "size"), [({"bin": 3}, 3), ({"frame_width": 64}, 4), ({}, 1), ({"bin": [1, 2]}, 1)]
)
def test_bins_of_unknown_size_follow_from_the_width_of_the_frame(
    attributes: dict[str, object], size: int
) -> None:
    dataset = motion().isel(x=slice(0, 16), y=slice(0, 12))
    dataset.attrs = attributes
    picture = mean_picture(dataset)
    assert picture is not None
    assert picture.extent == (-0.5, 16 * size - 0.5, 12 * size - 0.5, -0.5)


@pytest.mark.parametrize("options", [["grey_range=full"], ["stream=0"], ["stream=²"], ["damage=keep"]])
def test_a_video_is_opened_as_it_was_measured(options: list[str], cameras: dict[str, Path]) -> None:
    path = cameras["left"]
    entries = json.loads(_inputs(front=path))
    entries += [{"role": "frames", "camera": "front", "id": option} for option in options]
    source = open_source({"run_files": [str(path)], "inputs": json.dumps(entries)}, "", 6)
    assert source is not None
    source.close()


@pytest.mark.parametrize("options", [["grey_range=odd"], ["stream=7"], ["damage=maybe"]])
def test_a_video_that_cannot_be_opened_so_any_more_is_not_shown(
    options: list[str], cameras: dict[str, Path]
) -> None:
    path = cameras["left"]
    entries = json.loads(_inputs(front=path))
    entries += [{"role": "frames", "camera": "front", "id": option} for option in options]
    assert open_source({"run_files": [str(path)], "inputs": json.dumps(entries)}, "", 6) is None


@pytest.mark.parametrize(
    "inputs",
    ["", "{", "[" * 100_000, "3", '{"a": 1}', "[1, 2]", '[{"role": "rois"}]', "[null]"],
    ids=range(8),
)
def test_inputs_that_say_nothing_disturb_nothing(inputs: str, cameras: dict[str, Path]) -> None:
    attributes = {"run_files": [str(cameras["left"])], "inputs": inputs}
    source = open_source(attributes, "", 6)
    assert source is not None
    source.close()
    assert open_source({**attributes, "run_files": ["x" * 300, "a\0b"]}, "left", 6) is None


@given(rows=st.integers(1, 400), columns=st.integers(1, 3000), n=st.integers(1, 3))
@settings(deadline=None)
def test_a_picture_is_never_wider_than_a_figure_shows(rows: int, columns: int, n: int) -> None:
    picture = frame_picture(ArraySource(np.zeros((n, rows, columns), np.uint8)))
    assert picture is not None
    assert picture.values.shape[1] <= 640
    assert picture.aspect == pytest.approx(rows / columns)
