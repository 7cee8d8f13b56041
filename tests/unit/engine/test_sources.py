"""What may be given as a video."""

from pathlib import Path

import numpy as np
import pytest

from mystax.core.recording import ArraySource
from mystax.engine.sources import recording_from
from mystax.errors import RecipeError
from tests.fixtures.engine_toys import frames_of, make_recording, toy_spec


def test_recording_stays_itself() -> None:
    recording = make_recording(toy_spec())
    assert recording_from(recording) is recording


def test_array_becomes_one_camera_at_thirty_frames_per_second() -> None:
    recording = recording_from(frames_of(0, 31))
    assert list(recording.cameras) == ["face"]
    assert recording.video().times[30] == 1.0


def test_source_becomes_one_camera() -> None:
    source = ArraySource(frames_of(0, 3))
    assert recording_from(source).video() is source


def test_path_is_opened(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="no such file"):
        recording_from(tmp_path / "absent.mp4")


def test_options_of_opening_are_refused_with_an_open_video() -> None:
    with pytest.raises(RecipeError, match="open already"):
        recording_from(frames_of(0, 3), damage="keep")


def test_options_that_are_not_given_do_not_matter() -> None:
    assert recording_from(frames_of(0, 3), damage=None).video().n_frames == 3


@pytest.mark.parametrize("video", [3, None, {1, 2}])
def test_other_things_are_refused(video: object) -> None:
    with pytest.raises(RecipeError, match="a path, a Recording") as error:
        recording_from(video)
    assert error.value.code == "P403"


def test_array_of_other_form_is_refused() -> None:
    with pytest.raises(RecipeError, match="time, y, x"):
        recording_from(np.zeros((3, 4), np.uint8))
