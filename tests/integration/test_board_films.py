"""Films of a board before lenses and boards of unusual kinds: wide, fisheye, badly printed."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import mystax
from mystax.core.board import board_from_text
from mystax.core.rig_model import RigModel, make_rig
from mystax.synth.board_film import BoardFilm, wave_board, write_board_film
from tests.fixtures.rigs import error_of, points_about, rig_of

FACE = points_about(6, 300)
"""Points that rigs are judged by [mm]."""

BOARD = "charuco:7x5:4:3"
SIZE = (320, 240)
N_VIEWS = 24
DRAWN = 40
"""Pixels of a square in the drawing of the board."""
pytestmark = [pytest.mark.slow, pytest.mark.extra("calib")]


def small_rig(focal: float, lens: list[float], *, apart: float = 45.0) -> RigModel:
    """Two small cameras, so many mm from the middle; four numbers are those of a fisheye lens."""
    cameras = []
    for k, camera in enumerate(rig_of(2).cameras):
        matrix = np.array([[focal, 0, 160 - 2 * k], [0, focal, 118.0], [0, 0, 1]])
        place = camera.translation * apart / 300
        cameras.append(
            replace(
                camera,
                size=SIZE,
                matrix=matrix,
                distortion=np.array(lens),
                is_fisheye=len(lens) == 4,
                translation=place,
            )
        )
    return make_rig(cameras)


def film_of(rig: RigModel, folder: Path, *, reach: float = 0.3, creep: float = 0.0) -> dict[str, Path]:
    """Write films of the board, whose print is drawn along x towards one end by up to `creep` squares."""
    from mystax.compute.cameras import draw_board

    pytest.importorskip("cv2", reason='pip install "mystax[calib]"')
    board = board_from_text(BOARD)
    picture = draw_board(board, DRAWN)
    x = np.arange(picture.shape[1])
    sought = x + creep * DRAWN * (2 * x / picture.shape[1] - 1) ** 2
    crept = np.stack([np.interp(sought, x, row) for row in picture.astype(np.float64)])
    poses = wave_board(rig, board, N_VIEWS, reach=reach)
    film = BoardFilm(rig, board, np.clip(crept + 0.5, 0, 255).astype(np.uint8), poses)
    return write_board_film(film, folder, Fraction(2))


def test_badly_printed_board_is_found_with_the_cameras(tmp_path: Path) -> None:
    """Corners of a sheet lie up to 0.4 mm beside their places."""
    truth = small_rig(300, [-0.1, 0.02, 0, 0, 0])
    files = film_of(truth, tmp_path, creep=0.1)
    plain = mystax.Rig.calibrate(files, board=BOARD, out=tmp_path / "rig.toml").model
    found = mystax.Rig.calibrate(tmp_path / "rig.corners.nc", board="", board_error=0.2).model
    assert max(camera.rms for camera in found.cameras) < 0.7 * max(camera.rms for camera in plain.cameras)
    assert error_of(found, truth, FACE) < 0.25 * error_of(plain, truth, FACE)


def test_third_radial_number_is_found_in_films(tmp_path: Path) -> None:
    truth = small_rig(220, [-0.15, 0.05, 0, 0, 0.25], apart=28)
    files = film_of(truth, tmp_path, reach=0.5)
    found = mystax.Rig.calibrate(
        files, board=BOARD, model="pinhole", k3=True, out=tmp_path / "rig.toml"
    ).model
    plain = mystax.Rig.calibrate(tmp_path / "rig.corners.nc", board="", model="pinhole").model
    for camera in found.cameras:
        assert abs(camera.distortion[4] - 0.25) < 4 * camera.sd["k3"]
        assert camera.sd["k3"] < 0.1
    assert max(camera.rms for camera in found.cameras) < max(camera.rms for camera in plain.cameras)


def test_fisheye_lenses_are_found_in_films(tmp_path: Path) -> None:
    truth = small_rig(140, [0.05, -0.02, 0, 0], apart=28)
    files = film_of(truth, tmp_path, reach=0.7)
    found = mystax.Rig.calibrate(files, board=BOARD, model="fisheye", out=tmp_path / "rig.toml")
    assert error_of(found.model, truth, FACE) < 0.02
    for ours, theirs in zip(found.model.cameras, truth.cameras, strict=True):
        assert abs(ours.matrix[0, 0] - theirs.matrix[0, 0]) < 4 * ours.sd["fx"]
        assert np.abs(ours.distortion[:2] - theirs.distortion[:2]).max() < 0.02
    assert mystax.Rig.load(tmp_path / "rig.toml").model.fisheye().all()
