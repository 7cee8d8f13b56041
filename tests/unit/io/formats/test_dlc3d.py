"""DeepLabCut's stereo parameters: a pair of cameras, and no code."""

import pickle
from pathlib import Path

import numpy as np
import pytest

from mystax.errors import FormatError
from mystax.io.formats.rig_files import read_rig_file

K = np.array([[500.0, 0, 320], [0, 510, 240], [0, 0, 1]])


def test_pair_is_read_with_its_names(tmp_path: Path) -> None:
    values = {
        "cameraMatrix1": K,
        "cameraMatrix2": K * np.array([[1.1], [1.1], [1.0]]),
        "distCoeffs1": np.array([[-0.2, 0.1, 0.0, 0.0, 0.0]]),
        "distCoeffs2": np.zeros((1, 5)),
        "R": np.eye(3),
        "T": np.array([[90.0], [0.0], [0.0]]),
        "image_shape": [(640, 480), (640, 480)],
    }
    path = tmp_path / "stereo_params.pickle"
    path.write_bytes(pickle.dumps({"camera-1-camera-2": values}))
    rig = read_rig_file(path)
    assert rig.names == ("camera-1", "camera-2")
    assert rig.cameras[0].size == (640, 480)
    assert rig.cameras[1].translation.tolist() == [90, 0, 0]
    assert rig.metadata["unit"] == "square"


@pytest.mark.attack
def test_code_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "stereo_params.pickle"
    path.write_bytes(b"\x80\x03cos\nsystem\nX\x04\x00\x00\x00true\x85R.")
    with pytest.raises(FormatError) as refused:
        read_rig_file(path)
    assert refused.value.code == "F801"
