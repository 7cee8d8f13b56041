"""Cameras of Bouguet's toolbox, against its own formula of projection and the file of a real camera."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import savemat

from mystax.compute.projection import project_rig
from mystax.core.rotations import rotation_of
from mystax.errors import FormatError
from mystax.io.formats.rig_files import read_rig_file

pytestmark = pytest.mark.usefixtures("readers_here")

OM, T = np.array([0.02, -0.4, 0.1]), np.array([-90.0, 3.0, 12.0])
KC = np.array([-0.25, 0.12, 0.001, -0.002, 0.03])


def camera(end: str = "", **more: Any) -> dict[str, Any]:
    """The variables of a camera as the toolbox saves them: columns, numbers of MATLAB."""
    found = {
        "fc": np.array([[500.0], [510.0]]),
        "cc": np.array([[310.0], [250.0]]),
        "kc": KC[:, None],
        "alpha_c": 0.0,
    }
    return {f"{name}{end}": value for name, value in {**found, **more}.items()}


def pair(**more: Any) -> dict[str, Any]:
    right = camera("_right", fc=np.array([[480.0], [490.0]]))
    where = {"om": OM[:, None], "R": rotation_of(OM), "T": T[:, None]}
    return {**camera("_left"), **right, **where, "nx": 640.0, "ny": 480.0, **more}


def projected(values: dict[str, Any], end: str, points: np.ndarray) -> np.ndarray:
    """Project points of the camera's frame as the toolbox's project_points2 does, in its own words."""
    fc, cc, kc = (np.ravel(values[f"{name}{end}"]) for name in ("fc", "cc", "kc"))
    x = points[:, :2] / points[:, 2:]
    r2 = (x**2).sum(axis=1)
    radial = 1 + kc[0] * r2 + kc[1] * r2**2 + kc[4] * r2**3
    a1, a2, a3 = 2 * x[:, 0] * x[:, 1], r2 + 2 * x[:, 0] ** 2, r2 + 2 * x[:, 1] ** 2
    tangential = np.stack([kc[2] * a1 + kc[3] * a2, kc[2] * a3 + kc[3] * a1], axis=1)
    return np.asarray(fc * (x * radial[:, None] + tangential) + cc)


@pytest.mark.parametrize("has_matrix", [True, False])
def test_pair_projects_as_in_the_toolbox(tmp_path: Path, has_matrix: bool) -> None:
    values = pair()
    if not has_matrix:
        del values["R"]
    savemat(tmp_path / "Calib_Results_stereo.mat", values)
    rig = read_rig_file(tmp_path / "Calib_Results_stereo.mat")
    assert rig.names == ("left", "right")
    assert rig.cameras[1].size == (640, 480)
    points = np.random.default_rng(0).uniform([-60, -60, 250], [60, 60, 400], (40, 3))
    seen = project_rig(rig, points)
    np.testing.assert_allclose(seen[0], projected(values, "_left", points), atol=1e-9)
    moved = points @ rotation_of(OM).T + T
    np.testing.assert_allclose(seen[1], projected(values, "_right", moved), atol=1e-9)


def test_camera_is_called_by_the_end_of_its_file_and_keeps_its_deviations(tmp_path: Path) -> None:
    errors = {"fc_error": np.array([[3.0], [6.0]]), "cc_error": np.ones((2, 1)), "kc_error": np.zeros((5, 1))}
    more = {"err_std": np.array([[0.1], [0.3]]), "active_images": np.array([[1, 0, 1, 1]])}
    savemat(tmp_path / "Calib_Results_left.mat", {**camera(), "nx": 640, "ny": 480, **errors, **more})
    (found,) = read_rig_file(tmp_path / "Calib_Results_left.mat").cameras
    assert found.name == "left"
    assert found.sd == {"fx": 1.0, "fy": 2.0, "cx": pytest.approx(1 / 3), "cy": pytest.approx(1 / 3)}
    assert found.n_views == 3
    assert found.rms == pytest.approx(np.sqrt(0.05))


def test_four_numbers_of_the_lens_are_enough(tmp_path: Path) -> None:
    savemat(tmp_path / "Calib_Results.mat", {**camera(kc=KC[:4, None]), "nx": 640, "ny": 480})
    (found,) = read_rig_file(tmp_path / "Calib_Results.mat").cameras
    assert found.name == "camera"
    assert found.distortion.tolist() == [*KC[:4], 0.0]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"alpha_c_left": 0.01}, "skewed"),
        ({"fc_right": np.ones((3, 1))}, "fc_right: 2 numbers"),
        ({"R": np.diag([1.0, 1, -1])}, "no rotation"),
        ({"nx": "wide"}, "nx"),
    ],
)
def test_files_that_are_not_whole_are_refused(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    savemat(tmp_path / "a.mat", pair(**change))
    with pytest.raises(FormatError, match=said) as refused:
        read_rig_file(tmp_path / "a.mat")
    assert refused.value.code == "F804"


def test_other_files_of_matlab_are_no_rig(tmp_path: Path) -> None:
    savemat(tmp_path / "a.mat", {"x": 1.0})
    with pytest.raises(FormatError, match="fc: 2 numbers"):
        read_rig_file(tmp_path / "a.mat")


@pytest.mark.needs_data
def test_real_cameras_are_read(real_data: Path) -> None:
    folder = real_data / "stereo" / "dlc_stereo_example"
    (left,) = read_rig_file(folder / "Calib_Results_left.mat").cameras
    np.testing.assert_allclose(np.diag(left.matrix)[:2], [533.0, 533.15], atol=0.006)
    np.testing.assert_allclose(left.matrix[:2, 2], [341.59, 234.26], atol=0.006)
    assert left.size == (640, 480)
    assert left.n_views > 10
