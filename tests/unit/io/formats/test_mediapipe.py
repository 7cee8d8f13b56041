"""Landmarks of MediaPipe in npz files, made here."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mystax.errors import FormatError
from mystax.io.formats.mediapipe import read_mediapipe

POINTS = np.random.default_rng(0).uniform(0, 1, (5, 478, 3))


def test_points_are_in_pixels(tmp_path: Path) -> None:
    shapes = np.random.default_rng(1).uniform(0, 1, (5, 2))
    np.savez(
        tmp_path / "a.npz", points=POINTS, size=[640, 480], time=np.arange(5) / 30, blendshapes=shapes,
        blendshape_names=["jawOpen", "smile"],
    )  # fmt: skip
    found = read_mediapipe(tmp_path / "a.npz")
    np.testing.assert_allclose(found.points[..., 0], POINTS[..., 0] * 640)
    np.testing.assert_allclose(found.points[..., 1], POINTS[..., 1] * 480)
    np.testing.assert_allclose(found.points[..., 2], POINTS[..., 2] * 640)
    np.testing.assert_allclose(found.blendshapes["smile"], shapes[:, 1])
    assert found.time is not None


def test_pickled_objects_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", points=np.array([{}], object), size=[640, 480])
    with pytest.raises(FormatError, match="F801"):
        read_mediapipe(tmp_path / "a.npz")


@pytest.mark.parametrize(
    "arrays",
    [
        {"size": [640, 480]},
        {"points": POINTS[:, :100], "size": [640, 480]},
        {"points": POINTS},
        {"points": POINTS, "size": [0, 480]},
        {"points": POINTS, "size": [640, 480], "time": np.arange(4)},
    ],
)
def test_other_arrays_are_refused(tmp_path: Path, arrays: dict[str, Any]) -> None:
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(FormatError, match="F804"):
        read_mediapipe(tmp_path / "a.npz")


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.npz").write_bytes(b"PK\x03\x04 no archive")
    with pytest.raises(FormatError, match="F804"):
        read_mediapipe(tmp_path / "a.npz")
