"""A board of squares waved before calibrated cameras: exact pictures, and where each corner truly is."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path

import numpy as np

from mystax.core.board import Board
from mystax.core.rig_model import CameraModel, RigModel
from mystax.core.rotations import nearest_rotation, rotation_of
from mystax.core.typing import Float64, UInt8
from mystax.io.video import VideoWriter
from mystax.synth.kernels.board import see_board

__all__ = ["BoardFilm", "wave_board", "write_board_film"]

N_SUB = 3
"""Rays per pixel along x and y."""
BACKDROP = 90.0
INK, PAPER = 35.0, 215.0
"""Grey levels of black and white on the board."""
N_NEWTON = 12


def _distorted(camera: CameraModel, points: Float64[np.ndarray, "n 2"]) -> Float64[np.ndarray, "n 2"]:
    """Bend normalised points by the lens."""
    x, y = points.T
    r2 = x * x + y * y
    if camera.is_fisheye:
        r = np.sqrt(r2)
        theta = np.arctan(r)
        t2 = theta * theta
        k1, k2, k3, k4 = camera.distortion
        bent = theta * (1 + t2 * (k1 + t2 * (k2 + t2 * (k3 + t2 * k4))))
        ratio = np.where(r > 1e-12, bent / np.where(r > 1e-12, r, 1.0), 1.0)
        return np.stack([x * ratio, y * ratio], axis=1)
    k1, k2, p1, p2, k3 = camera.distortion
    radial = 1 + r2 * (k1 + r2 * (k2 + r2 * k3))
    return np.stack(
        [
            x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x),
            y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y,
        ],
        axis=1,
    )


def _straightened(camera: CameraModel, bent: Float64[np.ndarray, "n 2"]) -> Float64[np.ndarray, "n 2"]:
    """Undo the lens by Newton steps with the slope of differences; NaN where they do not arrive."""
    if not camera.distortion.any() and not camera.is_fisheye:
        return bent
    found, h = bent.copy(), 1e-6
    along, down = np.array([h, 0.0]), np.array([0.0, h])
    off = _distorted(camera, found) - bent
    for _ in range(N_NEWTON):
        dx = (_distorted(camera, found + along) - _distorted(camera, found - along)) / (2 * h)
        dy = (_distorted(camera, found + down) - _distorted(camera, found - down)) / (2 * h)
        det = dx[:, 0] * dy[:, 1] - dy[:, 0] * dx[:, 1]
        det = np.where(np.abs(det) > 1e-9, det, np.nan)
        found = found - np.stack(
            [
                (dy[:, 1] * off[:, 0] - dy[:, 0] * off[:, 1]) / det,
                (dx[:, 0] * off[:, 1] - dx[:, 1] * off[:, 0]) / det,
            ],
            axis=1,
        )
        off = _distorted(camera, found) - bent
        with np.errstate(invalid="ignore"):
            arrived = np.abs(off).max(axis=1) < 1e-9
        if arrived.all():
            break
    return np.where(arrived[:, None], found, np.nan)


@dataclass(frozen=True, eq=False)
class BoardFilm:
    """A board that moves before the cameras of a rig.

    Attributes
    ----------
    rig : RigModel
        The cameras.
    board : Board
        The board.
    picture : array (y, x)
        The board with a white margin of one square, as `mystax.compute.cameras.draw_board` draws it.
    poses : array (frame, 12)
        R (9) and t (3) of the board in the rig's frame [mm].
    noise : float
        Standard deviation of a pixel [grey levels].
    seed : int
        Start of the noise.
    """

    rig: RigModel
    board: Board
    picture: UInt8[np.ndarray, "y x"]
    poses: Float64[np.ndarray, "frame pose"]
    noise: float = 2.0
    seed: int = 0

    def __len__(self) -> int:
        """Return the number of frames."""
        return len(self.poses)

    @cached_property
    def _printed(self) -> Float64[np.ndarray, "y x"]:
        return np.asarray(INK + self.picture.astype(np.float64) / 255 * (PAPER - INK))

    @cached_property
    def _known_rays(self) -> dict[str, Float64[np.ndarray, "row column 2"]]:
        return {}

    def _rays(self, camera: CameraModel) -> Float64[np.ndarray, "row column 2"]:
        """Normalised rays of all parts of all pixels of a camera."""
        if camera.name not in self._known_rays:
            width, height = camera.size
            x = (np.arange(width * N_SUB) + 0.5) / N_SUB - 0.5
            y = (np.arange(height * N_SUB) + 0.5) / N_SUB - 0.5
            u, v = np.meshgrid(x, y)
            k = camera.matrix
            bent = np.stack([(u.ravel() - k[0, 2]) / k[0, 0], (v.ravel() - k[1, 2]) / k[1, 1]], axis=1)
            self._known_rays[camera.name] = _straightened(camera, bent).reshape(*u.shape, 2)
        return self._known_rays[camera.name]

    def _seen_from(self, camera: CameraModel, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Pose of the board in the frame of a camera."""
        rotation, shift = self.poses[k, :9].reshape(3, 3), self.poses[k, 9:]
        return camera.rotation @ rotation, camera.rotation @ shift + camera.translation

    def frame(self, name: str, k: int) -> UInt8[np.ndarray, "y x"]:
        """Return the picture of one camera at one frame."""
        camera = self.rig.camera(name)
        rotation, shift = self._seen_from(camera, k)
        out = np.empty((camera.size[1], camera.size[0]))
        side = self.picture.shape[1] / (self.board.columns + 2)
        to_board = np.linalg.inv(np.stack([rotation[:, 0], rotation[:, 1], shift], axis=1))
        see_board(
            self._rays(camera),
            to_board,
            self._printed,
            side / self.board.square,
            side - 0.5,
            BACKDROP,
            N_SUB,
            out,
        )
        generator = np.random.default_rng((self.seed, self.rig.names.index(name), k))
        out += generator.normal(0, self.noise, out.shape)
        return np.clip(np.floor(out + 0.5), 0, 255).astype(np.uint8)

    def corners(self, name: str, k: int) -> Float64[np.ndarray, "corner 2"]:
        """Return where the inner corners truly are [px]; NaN outside the picture."""
        camera = self.rig.camera(name)
        rotation, shift = self._seen_from(camera, k)
        places = self.board.corners @ rotation.T + shift
        bent = _distorted(camera, places[:, :2] / places[:, 2:])
        pixels = bent * [camera.matrix[0, 0], camera.matrix[1, 1]] + camera.matrix[:2, 2]
        inside = ((pixels > 0) & (pixels < np.array(camera.size) - 1)).all(axis=1) & (places[:, 2] > 0)
        return np.where(inside[:, None], pixels, np.nan)


def wave_board(
    rig: RigModel,
    board: Board,
    n_frames: int,
    *,
    seed: int = 0,
    reach: float = 0.5,
    tilt: float = 0.5,
    turns: float = 4.0,
) -> Float64[np.ndarray, "frame pose"]:
    """Poses of a board that is waved smoothly about the place where the cameras look.

    Parameters
    ----------
    rig : RigModel
        The cameras.
    board : Board
        The board.
    n_frames : int
        Number of frames.
    seed : int, optional
        Which way it is waved.
    reach : float, optional
        Largest shift, as a share of the board's diagonal.
    tilt : float, optional
        Largest turn about each axis [rad].
    turns : float, optional
        How often it is waved to and from at most.

    Returns
    -------
    array (frame, 12)
        R (9) and t (3) of the board in the rig's frame [mm].
    """
    generator = np.random.default_rng((seed, 0xB0A))
    axes = np.stack([camera.rotation[2] for camera in rig.cameras])
    centres = np.stack([camera.centre for camera in rig.cameras])
    across = np.eye(3) - axes[:, :, None] * axes[:, None, :]
    middle = np.linalg.lstsq(across.sum(axis=0), (across @ centres[:, :, None]).sum(axis=0)[:, 0])[0]
    facing = nearest_rotation(np.mean([camera.rotation.T for camera in rig.cameras], axis=0))
    size = np.array([board.columns, board.rows, 0.0]) * board.square
    phase = np.linspace(0, 2 * math.pi, n_frames, endpoint=False)
    waves = np.empty((n_frames, 6))
    for k in range(6):
        pace = generator.uniform(0.4, 1.0) * turns
        waves[:, k] = np.sin(pace * phase + generator.uniform(0, 2 * math.pi))
    poses = np.empty((n_frames, 12))
    for k, wave in enumerate(waves):
        rotation = facing @ rotation_of(tilt * wave[:3])
        centre = middle + facing @ (reach * float(np.linalg.norm(size)) * wave[3:])
        poses[k, :9], poses[k, 9:] = rotation.ravel(), centre - rotation @ (size / 2)
    return poses


def write_board_film(
    film: BoardFilm, folder: str | Path, rate: Fraction, *, cameras: Sequence[str] = ()
) -> dict[str, Path]:
    """Write a video of the board for each camera (FFV1: every grey value is kept).

    Parameters
    ----------
    film : BoardFilm
        What the cameras see.
    folder : path
        Where to; it is made.
    rate : Fraction
        Frames per second.
    cameras : sequence of str, optional
        Only these cameras.

    Returns
    -------
    dict of str to Path
        Camera to its video.
    """
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    files = {}
    for camera in film.rig.cameras:
        if cameras and camera.name not in cameras:
            continue
        files[camera.name] = place / f"{camera.name}.mkv"
        with VideoWriter(
            files[camera.name], size=camera.size, rate=rate, codec="ffv1", pixel_format="gray"
        ) as out:
            for k in range(len(film)):
                out.write(film.frame(camera.name, k))
    return files
