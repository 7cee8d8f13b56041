"""F22: black, saturated or constant pictures, as a whole or in a region.

Every analysis gives defined values (motion 0, no pupil, no running), says so with N301, and no warning of the
numerical libraries leaks out.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mystax
from mystax.core.geometry import Rectangle, Roi, RoiKind
from mystax.synth import faulty_video

pytestmark = pytest.mark.fault(22)
N = 24
KINDS: tuple[RoiKind, ...] = ("motion", "pupil", "blink", "running")


def _roi(kind: RoiKind) -> Roi:
    return Roi(kind, kind, Rectangle(20, 30, 60, 50))


def _codes(outcome: Any) -> set[str]:
    return {flag["code"] for flag in json.loads(outcome.attrs["quality"])}


def _check(found: Mapping[RoiKind, Any], *, is_constant: bool) -> None:
    """Check the values of all analyses on pictures that hold nothing."""
    for outcome in found.values():
        assert "N301" in _codes(outcome) or not is_constant
        for variable in outcome.data_vars.values():
            assert variable.dtype.kind != "f" or not np.isinf(variable.values).any(), variable.name
    if is_constant:
        assert (found["motion"]["energy"].values[1:] == 0).all()
        assert np.isnan(found["pupil"]["area"].values).all()
        assert np.isnan(found["running"]["shift"].values).all()
        assert (found["blink"]["closed"].values <= 0).all()


@pytest.mark.parametrize("kind", ["black", "saturated", "constant"])
def test_a_video_without_a_picture_has_defined_values(kind: str, tmp_path: Path) -> None:
    faulty_video(tmp_path / "face.avi", kind, container="avi", codec="mjpeg", n_frames=N)
    video = tmp_path / "face.avi"
    _check({name: getattr(mystax, name)(video, rois=_roi(name)) for name in KINDS}, is_constant=True)


@pytest.mark.parametrize("kind", ["black", "saturated", "constant"])
def test_components_of_nothing_are_told_and_finite(kind: str, tmp_path: Path) -> None:
    faulty_video(tmp_path / "face.avi", kind, container="avi", codec="mjpeg", n_frames=N)
    outcome = mystax.svd(tmp_path / "face.avi", rois=_roi("motion"), n_components=4)
    assert _codes(outcome) & {"N301", "N304"}
    for variable in outcome.data_vars.values():
        assert variable.dtype.kind != "f" or not np.isinf(variable.values).any(), variable.name


@given(st.integers(0, 255), st.integers(1, 6))
@settings(deadline=None, max_examples=12)
def test_frames_of_one_level_have_defined_values(level: int, n: int) -> None:
    frames = np.full((n, 96, 96), level, np.uint8)
    found = {name: getattr(mystax, name)(frames, rois=_roi(name)) for name in KINDS}
    _check(found, is_constant=n > 1)
    np.testing.assert_allclose(found["motion"]["brightness"].values, level, atol=1e-4)
