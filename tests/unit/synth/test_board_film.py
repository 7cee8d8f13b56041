"""Filmed boards: pictures that agree with the cameras, corners that are where the projection puts them."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from mystax.compute.projection import project_rig
from mystax.core.board import Board, board_from_text
from mystax.core.rig_model import CameraModel, RigModel, make_rig
from mystax.io.video import Video
from mystax.synth.board_film import BoardFilm, wave_board, write_board_film

BOARD = board_from_text("checkerboard:6x5:8")


def camera(name: str, lens: np.ndarray, *, is_fisheye: bool = False) -> CameraModel:
    matrix = np.array([[150.0, 0, 80.3], [0, 151, 58.9], [0, 0, 1]])
    return CameraModel(name, (160, 120), matrix, lens, np.eye(3), np.array([0.0, 0, 100]), is_fisheye)


def printed(board: Board, side: int = 30) -> np.ndarray:
    y, x = np.mgrid[0 : board.rows * side, 0 : board.columns * side] // side
    inside = np.where((x + y) % 2 == 0, 0, 255).astype(np.uint8)
    return np.pad(inside, side, constant_values=255)


def still(shift: tuple[float, float, float] = (0, 0, 0)) -> np.ndarray:
    """The board square to the camera, its middle on the optical axis."""
    middle = np.array([BOARD.columns, BOARD.rows, 0]) * BOARD.square / 2
    return np.concatenate([np.eye(3).ravel(), np.array(shift) - middle])[None]


@pytest.fixture(scope="module")
def rig() -> RigModel:
    return make_rig(
        [
            camera("plain", np.zeros(5)),
            camera("bent", np.array([-0.3, 0.1, 0.002, -0.001, 0.0])),
            camera("fish", np.array([0.05, -0.01, 0.0, 0.0]), is_fisheye=True),
        ]
    )


def test_corners_are_where_the_projection_puts_them(rig: RigModel) -> None:
    film = BoardFilm(rig, BOARD, printed(BOARD), wave_board(rig, BOARD, 5, reach=0.1))
    for k in range(5):
        rotation, shift = film.poses[k, :9].reshape(3, 3), film.poses[k, 9:]
        expected = project_rig(rig, BOARD.corners @ rotation.T + shift)
        for c, name in enumerate(rig.names):
            found = film.corners(name, k)
            known = np.isfinite(found[:, 0])
            assert known.sum() >= 10
            np.testing.assert_allclose(found[known], expected[c, known], atol=1e-6)


def test_squares_meet_at_the_corners(rig: RigModel) -> None:
    """About an inner corner two opposite quarters are black and two are white, through every lens."""
    film = BoardFilm(rig, BOARD, printed(BOARD), still(), noise=0.0)
    for name in rig.names:
        picture, corners = film.frame(name, 0).astype(float), film.corners(name, 0)
        for x, y in corners[np.isfinite(corners[:, 0])]:
            quarter = [
                picture[round(y + dy), round(x + dx)] > 125 for dx, dy in ((-4, -4), (4, -4), (4, 4), (-4, 4))
            ]
            assert quarter[0] == quarter[2] != quarter[1] == quarter[3]


def test_a_pixel_is_the_mean_over_its_area() -> None:
    """An edge that cuts a pixel at a third leaves a third of the black square in it."""
    focal = 100.0
    lens = np.zeros(5)
    matrix = np.array([[focal, 0, 79.5], [0, focal, 59.5], [0, 0, 1]])
    one = make_rig([CameraModel("one", (160, 120), matrix, lens, np.eye(3), np.array([0.0, 0, 100]))])
    # one pixel is one millimetre; the first inner corner lies at x = 40 + 1/3 - 0.5
    pose = np.concatenate([np.eye(3).ravel(), [40 + 1 / 3 - 0.5 - 79.5 - 8, 30 - 0.5 - 59.5 - 8, 0]])[None]
    picture = BoardFilm(one, BOARD, printed(BOARD, 48), pose, noise=0.0).frame("one", 0).astype(float)
    dark, light = picture[26, 36], picture[26, 44]
    assert dark < light
    assert picture[26, 40] == pytest.approx(dark / 3 + 2 * light / 3, abs=1)


def test_what_lies_behind_the_camera_is_not_seen(rig: RigModel) -> None:
    film = BoardFilm(rig, BOARD, printed(BOARD), still((0, 0, -300)), noise=0.0)
    assert (film.frame("plain", 0) == 90).all()
    assert np.isnan(film.corners("plain", 0)).all()


def test_pictures_do_not_depend_on_the_order_they_are_asked_for(rig: RigModel) -> None:
    first = BoardFilm(rig, BOARD, printed(BOARD), wave_board(rig, BOARD, 3), seed=4)
    second = BoardFilm(rig, BOARD, printed(BOARD), wave_board(rig, BOARD, 3), seed=4)
    later = first.frame("bent", 2)
    second.frame("plain", 0)
    np.testing.assert_array_equal(second.frame("bent", 2), later)
    assert not np.array_equal(first.frame("bent", 1), later)


def test_a_waved_board_is_tilted_and_smooth(rig: RigModel) -> None:
    poses = wave_board(rig, BOARD, 400, tilt=0.5)
    normals = poses[:, :9].reshape(-1, 3, 3)[:, :, 2]
    tilt = np.degrees(np.arccos(np.clip(normals[:, 2], -1, 1)))
    assert (tilt > 20).mean() > 0.3
    step = np.linalg.norm(np.diff(poses[:, 9:], axis=0), axis=1)
    assert step.max() < 5
    assert np.linalg.norm(np.ptp(poses[:, 9:], axis=0)) > 20


def test_videos_keep_every_grey_value(rig: RigModel, tmp_path: Path) -> None:
    film = BoardFilm(rig, BOARD, printed(BOARD), wave_board(rig, BOARD, 3))
    files = write_board_film(film, tmp_path / "board", Fraction(4), cameras=["bent"])
    assert list(files) == ["bent"]
    with Video([files["bent"]]) as video:
        frames = np.concatenate([chunk.data for chunk in video.chunks()])
        np.testing.assert_allclose(video.times, [0, 0.25, 0.5], atol=1e-3)
    np.testing.assert_array_equal(frames, np.stack([film.frame("bent", k) for k in range(3)]))
