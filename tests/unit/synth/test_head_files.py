"""Rendered videos as files: every grey value kept, truth that loads, one calibration per rig."""

import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import mystax
from mystax.errors import ParameterError
from mystax.io.video import Video
from mystax.synth.head_files import rig_dataset, video_dataset, write_rig, write_video
from mystax.synth.head_mesh import KEYPOINTS
from mystax.synth.head_rig import render_rig
from mystax.synth.head_script import HeadScript
from mystax.synth.head_video import HeadVideo, face_camera, render_video

SIZE = (96, 72)


@pytest.fixture(scope="module", autouse=True)
def rendered_once() -> Iterator[None]:
    """Let each frame of a video be rendered once: what is made of it is tested here."""
    made: dict[tuple[HeadVideo, int], np.ndarray] = {}
    render = HeadVideo.frame

    def frame(video: HeadVideo, k: int) -> np.ndarray:
        if (video, k) not in made:
            made[video, k] = render(video, k)
        return made[video, k].copy()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(HeadVideo, "frame", frame)
        yield


@cache
def ten_frames() -> HeadVideo:
    return render_video(HeadScript(2), face_camera(SIZE), fps=50, seconds=0.2, quick=True)


def test_a_lossless_video_holds_the_frames(tmp_path: Path) -> None:
    video = ten_frames()
    (path,) = write_video(video, tmp_path / "face.mkv", codec="ffv1", truth=False)
    with Video(path) as read:
        assert read.n_frames == len(video)
        np.testing.assert_array_equal(read.frame_at(4).data[0], video.frame(4))


@pytest.mark.parametrize("codec", ["h264", "ffv1"])
def test_grey_levels_are_read_as_they_were_rendered(codec: str, tmp_path: Path) -> None:
    """Dark and bright ones too: no range is guessed, and nothing is stretched."""
    video = ten_frames()
    (path,) = write_video(video, tmp_path / "face.mkv", codec=codec, truth=False)
    with Video(path) as film:
        assert film.flags == ()
        found = np.concatenate([chunk.data for chunk in film.chunks()]).astype(float)
    wanted = np.stack([video.frame(k) for k in range(len(video))])
    assert np.ptp(wanted) > 220
    slope, offset = np.polyfit(wanted.ravel(), found.ravel(), 1)
    assert abs(slope - 1) < 0.02
    assert abs(offset) < 1.5


def test_the_truth_beside_a_video_is_that_of_the_video(tmp_path: Path) -> None:
    video = render_video(HeadScript(2), face_camera(SIZE), fps=50, seconds=0.1, quick=True)
    _, beside = write_video(video, tmp_path / "face.mkv", seen=True)
    truth = mystax.load(beside)
    assert isinstance(truth, xr.Dataset)
    assert truth["position"].dims == ("time", "space", "keypoint", "individual")
    np.testing.assert_allclose(
        truth["position"].to_numpy()[..., 0], video.truth.xy.transpose(0, 2, 1), atol=1e-3
    )
    assert truth["keypoint"].to_numpy().tolist() == list(KEYPOINTS)
    np.testing.assert_array_equal(truth["state"].to_numpy()[2, :, 0], video.states(2))
    np.testing.assert_allclose(truth["whisker_angle"].to_numpy(), video.truth.traces.whisk, atol=1e-6)


def test_states_are_left_out_where_not_asked() -> None:
    video = render_video(HeadScript(2), face_camera(SIZE), fps=50, seconds=0.04, quick=True)
    assert "state" not in video_dataset(video)


def test_a_rig_is_written_with_its_calibration(tmp_path: Path) -> None:
    rig = render_rig(HeadScript(2), 2, fps=50, seconds=0.06, size=SIZE, quick=True)
    files = write_rig(rig, tmp_path / "rig", codec="ffv1")
    assert sorted(path.name for path in files) == [
        "calibration.toml",
        "left1.mkv",
        "left1_space.nc",
        "left1_truth.nc",
        "left2.mkv",
        "left2_space.nc",
        "left2_truth.nc",
    ]
    assert tomllib.loads(files[-1].read_text(encoding="utf-8"))["cam_1"]["name"] == "left2"
    before = {path: path.read_bytes() for path in files if path.suffix != ".mkv"}  # which begins with a draw
    assert write_rig(rig, tmp_path / "rig", codec="ffv1") == files
    assert {path: path.read_bytes() for path in before} == before
    space = mystax.load(tmp_path / "rig" / "left2_space.nc")
    assert isinstance(space, xr.Dataset)
    np.testing.assert_allclose(space["position"].to_numpy(), rig_dataset(rig, "left2")["position"].to_numpy())


def test_equal_videos_are_encoded_alike(tmp_path: Path) -> None:
    video = render_video(HeadScript(0), face_camera((64, 48)), fps=30, seconds=1.5, quick=True)
    made = []
    for number in range(3):
        write_video(video, tmp_path / f"{number}.mkv", truth=False)
        with Video(tmp_path / f"{number}.mkv") as film:
            made.append(np.concatenate([chunk.data.copy() for chunk in film.chunks()]))
    assert len(made[0]) == 45
    assert np.array_equal(made[0], made[1])
    assert np.array_equal(made[0], made[2])


def test_a_lossless_video_holds_deep_frames(tmp_path: Path) -> None:
    made = render_video(HeadScript(1), face_camera((48, 36)), fps=50, seconds=0.04, quick=True, bits=12)
    path = write_video(made, tmp_path / "deep.mkv", codec="ffv1", truth=False)[0]
    (chunk,) = Video([path]).chunks()
    assert chunk.data.dtype == np.uint16
    np.testing.assert_array_equal(chunk.data >> 4, np.stack(made.frames()))


def test_codecs_that_cannot_hold_deep_frames_are_refused(tmp_path: Path) -> None:
    made = render_video(HeadScript(1), face_camera((48, 36)), fps=50, seconds=0.04, quick=True, bits=12)
    with pytest.raises(ParameterError, match="ffv1"):
        write_video(made, tmp_path / "deep.mp4", truth=False)
    assert not (tmp_path / "deep.mp4").exists()
