"""OpenCV's files of cameras: what is read, and what is refused."""

from pathlib import Path

import numpy as np
import pytest

from mystax.errors import FormatError
from mystax.io.formats.opencv import read_opencv_rig


def matrix(name: str, values: np.ndarray) -> str:
    rows, columns = values.shape
    data = ", ".join(repr(float(value)) for value in values.ravel())
    return f"{name}: !!opencv-matrix\n   rows: {rows}\n   cols: {columns}\n   dt: d\n   data: [ {data} ]\n"


K = np.array([[500.0, 0, 320], [0, 510, 240], [0, 0, 1]])
R = np.array([[0.0, 0, 1], [0, 1, 0], [-1, 0, 0]])


def test_pair_is_read_from_yaml(tmp_path: Path) -> None:
    parts = {
        "M1": K,
        "D1": np.array([[-0.2, 0.1, 0, 0, 0]]),
        "M2": np.array([[501.0, 0, 360], [0, 511, 240], [0, 0, 1]]),
        "D2": np.zeros((1, 5)),
    }
    parts |= {"R": R, "T": np.array([[100.0], [0], [5]])}
    path = tmp_path / "stereo.yml"
    path.write_text("%YAML:1.0\n---\n" + "".join(matrix(name, value) for name, value in parts.items()))
    rig = read_opencv_rig(path)
    assert rig.names == ("camera-1", "camera-2")
    np.testing.assert_array_equal(rig.cameras[1].rotation, R)
    assert rig.cameras[1].translation.tolist() == [100, 0, 5]
    assert rig.cameras[0].distortion[0] == -0.2
    assert [camera.size for camera in rig.cameras] == [(641, 481), (721, 481)], "each by its own middle"


def test_one_camera_is_read_from_xml(tmp_path: Path) -> None:
    data = " ".join(str(value) for value in K.ravel())
    path = tmp_path / "left.xml"
    path.write_text(
        '<?xml version="1.0"?><opencv_storage><image_width>640</image_width><image_height>480</image_height>'
        f'<camera_matrix type_id="opencv-matrix"><rows>3</rows><cols>3</cols><dt>d</dt><data>{data}</data>'
        "</camera_matrix></opencv_storage>"
    )
    camera = read_opencv_rig(path).cameras[0]
    assert (camera.name, camera.size) == ("left", (640, 480))
    np.testing.assert_array_equal(camera.matrix, K)


@pytest.mark.parametrize("word", ["fisheye_model: 1", "distortion_model: equidistant"])
def test_fisheye_cameras_are_read_as_such(word: str, tmp_path: Path) -> None:
    text = f"%YAML:1.0\n---\n{word}\n" + matrix("camera_matrix", K)
    path = tmp_path / "wide.yml"
    path.write_text(text + matrix("distortion_coefficients", np.array([[0.04], [-0.01], [0.002], [0.001]])))
    camera = read_opencv_rig(path).cameras[0]
    assert camera.is_fisheye
    assert camera.distortion.tolist() == [0.04, -0.01, 0.002, 0.001]
    plain = path.read_text().replace(word, "fisheye_model: 0")
    path.write_text(plain)
    assert not read_opencv_rig(path).cameras[0].is_fisheye
    path.write_text(text + matrix("distortion_coefficients", np.full((1, 5), 0.1)))
    with pytest.raises(FormatError, match="fisheye"):
        read_opencv_rig(path)


@pytest.mark.attack
def test_entities_and_objects_are_refused(tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.xml"
    bomb.write_text('<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>')
    with pytest.raises(FormatError) as refused:
        read_opencv_rig(bomb)
    assert refused.value.code == "F803"
    code = tmp_path / "code.yml"
    code.write_text("%YAML:1.0\n---\ncamera_matrix: !!python/object/apply:os.system ['true']\n")
    with pytest.raises(FormatError) as refused:
        read_opencv_rig(code)
    assert refused.value.code == "F804"


def test_file_without_a_camera_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.yml"
    path.write_text("%YAML:1.0\n---\nnothing: 3\n")
    with pytest.raises(FormatError, match="camera_matrix"):
        read_opencv_rig(path)


@pytest.mark.needs_data
def test_published_file_is_read(real_data: Path) -> None:
    camera = read_opencv_rig(real_data / "stereo" / "opencv_left_intrinsics.yml").cameras[0]
    assert 300 < camera.matrix[0, 0] < 1000
