"""DeepLabCut's stereo parameters: a pair of cameras, and no code."""

import pickle
from pathlib import Path

import numpy as np
import pytest

from mystax.errors import FormatError
from mystax.io.formats.rig_files import read_rig_file

K = np.array([[500.0, 0, 320], [0, 510, 240], [0, 0, 1]])


def pair(folder: Path, image_shape: object) -> Path:
    """Write the parameters of two cameras as DeepLabCut does."""
    values = {
        "cameraMatrix1": K,
        "cameraMatrix2": K * np.array([[1.1], [1.1], [1.0]]),
        "distCoeffs1": np.array([[-0.2, 0.1, 0.0, 0.0, 0.0]]),
        "distCoeffs2": np.zeros((1, 5)),
        "R": np.eye(3),
        "T": np.array([[90.0], [0.0], [0.0]]),
        "image_shape": image_shape,
    }
    path = folder / "stereo_params.pickle"
    path.write_bytes(pickle.dumps({"camera-1-camera-2": values}))
    return path


def test_pair_is_read_with_its_names(tmp_path: Path) -> None:
    rig = read_rig_file(pair(tmp_path, [(640, 480), (640, 480)]))
    assert rig.names == ("camera-1", "camera-2")
    assert rig.cameras[0].size == (640, 480)
    assert rig.cameras[1].translation.tolist() == [90, 0, 0]
    assert rig.metadata["unit"] == "square"


@pytest.mark.parametrize(
    ("image_shape", "sizes"),
    [
        ([(640, 480), (1280, 1024)], [(640, 480), (1280, 1024)]),
        ((640, 480), [(640, 480), (640, 480)]),
        (None, [(641, 481), (705, 529)]),  # the principal point is taken for the middle
        ([(640, 480), (0, 0)], [(641, 481), (705, 529)]),
    ],
)
def test_each_camera_has_its_own_size(
    image_shape: object, sizes: list[tuple[int, int]], tmp_path: Path
) -> None:
    rig = read_rig_file(pair(tmp_path, image_shape))
    assert [camera.size for camera in rig.cameras] == sizes


@pytest.mark.attack
def test_code_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "stereo_params.pickle"
    path.write_bytes(b"\x80\x03cos\nsystem\nX\x04\x00\x00\x00true\x85R.")
    with pytest.raises(FormatError) as refused:
        read_rig_file(path)
    assert refused.value.code == "F801"
