"""Anipose's points in space: the frame of the cameras comes back, mirrored or not."""

from pathlib import Path

import numpy as np
import pytest

from mystax.core.rotations import rotation_of
from mystax.errors import FormatError
from mystax.io.formats.anipose_points import (
    AniposePoints,
    anipose_points_text,
    is_anipose_points,
    read_anipose_points,
)
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


def test_written_points_are_read_back_into_the_frame_of_the_cameras(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    truth, turn, origin = (
        rng.normal(0, 40, (6, 2, 3)),
        rotation_of(np.array([0.3, -0.9, 1.4])),
        rng.normal(0, 9, 3),
    )
    stored = AniposePoints(
        ("nose", "ear, left"),
        (truth - origin) @ turn.T,
        rng.uniform(0, 3, (6, 2)),
        rng.uniform(0, 1, (6, 2)),
        rng.integers(0, 4, (6, 2)).astype(float),
        np.arange(10, 22, 2.0),
        1.0,
        0.0,
    )
    (tmp_path / "a.csv").write_text(anipose_points_text(stored, turn, origin))
    found = read_anipose_points(tmp_path / "a.csv")
    np.testing.assert_allclose(found.position, truth, atol=1e-12)
    for name in ("names", "residual", "confidence", "n_cameras", "frame"):
        np.testing.assert_array_equal(getattr(found, name), getattr(stored, name))
    kept = read_anipose_points(tmp_path / "a.csv", keep_frame=True)
    np.testing.assert_array_equal(kept.position, stored.position)


def test_missing_numbers_are_empty_cells_and_single_precision_stays_short(tmp_path: Path) -> None:
    one = np.full((1, 1), np.nan, np.float32)
    place = np.array([[[0.1, 2.5, np.nan]]], np.float32)
    points = AniposePoints(("a",), place, one, one, one, np.zeros(1), 1.0, 0.0)
    line = anipose_points_text(points, np.eye(3), np.zeros(3)).splitlines()[1]
    assert line.startswith("0.1,2.5,,,,,1.0,")
    (tmp_path / "a.csv").write_text(anipose_points_text(points, np.eye(3), np.zeros(3)))
    back = read_anipose_points(tmp_path / "a.csv", keep_frame=True).position.astype(np.float32)
    np.testing.assert_array_equal(back, place)


def test_columns_are_those_that_anipose_writes(tmp_path: Path) -> None:
    write_anipose(tmp_path / "theirs.csv", ["a", "b"], np.zeros((2, 2, 3)))
    found = read_anipose_points(tmp_path / "theirs.csv")
    ours = anipose_points_text(found, np.eye(3), np.zeros(3)).splitlines()[0].split(",")
    theirs = (tmp_path / "theirs.csv").read_text().splitlines()[0].split(",")
    assert ours == theirs
