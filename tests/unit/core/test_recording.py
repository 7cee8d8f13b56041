"""A recording: its cameras by name, and what can be had from its module."""

import numpy as np
import pytest

from mystax.core import array_source
from mystax.core import frames as frames_module
from mystax.core import recording as module
from mystax.core.recording import ArraySource, Camera, Recording
from mystax.errors import RecipeError


def frames() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 255, (10, 6, 8)).astype(np.uint8)


def test_recording_finds_its_cameras_and_names_the_nearest() -> None:
    source = ArraySource(frames())
    recording = Recording("day1", {"left": Camera("left", source), "right": Camera("right", source)})
    assert recording.reference == "left"
    assert recording.video() is source
    with pytest.raises(RecipeError, match="did you mean 'left'"):
        recording.video("lefft")


def test_recording_without_camera_is_refused() -> None:
    with pytest.raises(RecipeError, match="at least one camera"):
        Recording("empty", {})


def test_a_recording_lets_go_of_all_its_cameras() -> None:
    closed: list[str] = []

    class Closing(ArraySource):
        def close(self) -> None:
            closed.append("closed")

    recording = Recording("day1", {name: Camera(name, Closing(frames())) for name in ("left", "right")})
    recording.close()
    assert closed == ["closed", "closed"]
    assert recording.renamed("day2").cameras is recording.cameras


def test_frames_and_their_sources_can_be_had_from_here_too() -> None:
    own = {"Camera", "Recording"}
    assert set(module.__all__) == own | set(array_source.__all__) | set(frames_module.__all__)
    for other in (array_source, frames_module):
        assert all(getattr(module, name) is getattr(other, name) for name in other.__all__)
