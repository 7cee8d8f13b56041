"""Anipose's points in space: the frame of the cameras comes back, mirrored or not."""

from pathlib import Path

import numpy as np
import pytest

from mystax.errors import FormatError
from mystax.io.formats.anipose_points import is_anipose_points, read_anipose_points
from tests.fixtures.anipose_tables import write_anipose


@pytest.mark.parametrize("mirror", [False, True])
def test_turn_shear_and_mirror_are_undone(tmp_path: Path, mirror: bool) -> None:
    generator = np.random.default_rng(0)
    truth = 50 * generator.normal(size=(7, 3, 3))
    matrix = np.linalg.qr(generator.normal(size=(3, 3)))[0] + 0.1 * generator.normal(size=(3, 3))
    matrix[0] *= np.sign(np.linalg.det(matrix)) * (-1 if mirror else 1)
    centre = np.array([3.0, -4.0, 5.0])
    write_anipose(tmp_path / "a.csv", ["a", "b", "c"], truth, matrix, centre)
    found = read_anipose_points(tmp_path / "a.csv")
    np.testing.assert_allclose(found.position, truth, atol=1e-9)
    assert (found.determinant < 0) == mirror
    assert found.distortion > 1e-3
    assert found.names == ("a", "b", "c")
    np.testing.assert_allclose(found.confidence, 0.9)


def test_coordinates_may_stay_as_they_are(tmp_path: Path) -> None:
    truth = np.random.default_rng(1).normal(size=(4, 2, 3))
    write_anipose(tmp_path / "a.csv", ["a", "b"], truth, np.diag([-1.0, 1, 1]), np.zeros(3))
    found = read_anipose_points(tmp_path / "a.csv", keep_frame=True)
    np.testing.assert_allclose(found.position, truth * [-1, 1, 1])


def test_table_without_matrix_or_with_a_flat_one_is_refused(tmp_path: Path) -> None:
    assert not is_anipose_points("a_x,a_y,a_z")
    (tmp_path / "a.csv").write_text("a_x,a_y,a_z\n1,2,3\n")
    with pytest.raises(FormatError, match="F804"):
        read_anipose_points(tmp_path / "a.csv")
    write_anipose(tmp_path / "b.csv", ["a"], np.zeros((2, 1, 3)), np.diag([1.0, 1, 0]), np.zeros(3))
    with pytest.raises(FormatError, match="cannot be undone"):
        read_anipose_points(tmp_path / "b.csv")
