"""Inputs of the truth table: small movies whose right measurements are known."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np

from mystax.core.recording import ArraySource
from mystax.core.typing import Float64, UInt8
from mystax.io.video import VideoWriter
from mystax.synth.texture import speckle

__all__ = [
    "BIN",
    "RATE",
    "SHIFTS",
    "World",
    "block_sums_of",
    "flicker_movie",
    "jump_movie",
    "moving_movie",
    "wheel_movie",
    "write_movie",
]

SHIFTS = ((-3, 0), (0, -5), (4, -2), (-7, 6), (-1, -1), (2, 9))
"""Shifts (dy, dx) of the wheel in row 1 [px]."""

BIN = 4
"""Side of a block of pixels [px]."""

RATE = 100
"""Frames per second of most movies."""

SHAPE = (128, 160)


def write_movie(path: Path, frames: UInt8[np.ndarray, "time y x"], rate: int = 100) -> Path:
    """Write frames without loss.

    Parameters
    ----------
    path : Path
        The file (.mkv).
    frames : array (time, y, x)
        Grey levels.
    rate : int, optional
        Frames per second.

    Returns
    -------
    Path
        The file.
    """
    size = frames.shape[2], frames.shape[1]
    with VideoWriter(path, size=size, rate=Fraction(rate), codec="ffv1", pixel_format="gray") as out:
        for frame in frames:
            out.write(frame)
    return path


def wheel_movie(
    shifts: Sequence[tuple[int, int]] = SHIFTS, shape: tuple[int, int] = (96, 136), noise: float = 2.0
) -> UInt8[np.ndarray, "time y x"]:
    """Film a textured wheel that moves by (dy, dx) from frame to frame."""
    generator = np.random.default_rng(1)
    texture = 120.0 + 34.0 * speckle((512, 512), 1.5, generator)
    rows, columns = shape
    y = x = 256
    frames = np.empty((len(shifts) + 1, rows, columns), np.uint8)
    for number, (dy, dx) in enumerate(((0, 0), *shifts)):
        y, x = y - dy, x - dx
        part = np.take(texture, np.arange(y, y + rows), 0, mode="wrap")
        part = np.take(part, np.arange(x, x + columns), 1, mode="wrap")
        frames[number] = np.clip(np.rint(part + generator.normal(0, noise, shape)), 0, 255)
    return frames


def jump_movie(n_frames: int, jumps: Sequence[int]) -> UInt8[np.ndarray, "time y x"]:
    """Film a picture that stands still but for some jumps."""
    generator = np.random.default_rng(2)
    picture = 100.0 + 20.0 * speckle((64, 64), 3.0, generator)
    frames = np.empty((n_frames, 64, 64), np.uint8)
    for number in range(n_frames):
        turn = sum(number >= jump for jump in jumps)
        frames[number] = np.roll(picture, 9 * turn, 1)
    return frames


def moving_movie(
    n_frames: int = 1000,
    *,
    shape: tuple[int, int] = SHAPE,
    light: float = 1.0,
    noise: float = 2.0,
    rate: int = 100,
    bouts: bool = False,
    seed: int = 3,
) -> UInt8[np.ndarray, "time y x"]:
    """Film a texture that moves back and forth, with pauses in between, and sensor noise.

    Parameters
    ----------
    n_frames : int, optional
        Number of frames.
    shape : tuple of int, optional
        Rows and columns [px].
    light, noise : float, optional
        Factor of the brightness, and sd of the noise [grey level].
    rate : int, optional
        Frames per second: the movement in time is the same.
    bouts : bool, optional
        Movement comes in rare, strong bouts.
    seed : int, optional
        Start of the random numbers.

    Returns
    -------
    array (time, y, x)
        Grey levels.
    """
    generator = np.random.default_rng(seed)
    texture = 110.0 + 25.0 * speckle((shape[0] + 64, shape[1] + 64), 3.0, generator)
    times = np.arange(n_frames) / rate
    gate = _gate(times, bouts)
    x = 32 + 10.0 * gate * np.sin(2 * np.pi * 1.7 * times)
    y = 32 + 5.0 * gate * np.sin(2 * np.pi * 1.1 * times + 1.0)
    frames = np.empty((n_frames, *shape), np.uint8)
    for number in range(n_frames):
        picture = light * _part(texture, y[number], x[number], shape)
        frames[number] = np.clip(np.rint(picture + generator.normal(0, noise, shape)), 0, 255)
    return frames


def _gate(times: Float64[np.ndarray, " time"], bouts: bool) -> Float64[np.ndarray, " time"]:
    if bouts:
        return np.asarray(np.clip(8 * np.sin(2 * np.pi * 0.031 * times + 0.4) - 6.0, 0.0, 2.0))
    return np.asarray(np.clip(2 * np.sin(2 * np.pi * 0.4 * times), 0.0, 1.0))


def _part(
    texture: Float64[np.ndarray, "v u"], y: float, x: float, shape: tuple[int, int]
) -> Float64[np.ndarray, "y x"]:
    """Return a part of the texture at a place between pixels."""
    row, column = int(y), int(x)
    v, u = y - row, x - column
    block = texture[row : row + shape[0] + 1, column : column + shape[1] + 1]
    left = (1 - v) * block[:-1, :-1] + v * block[1:, :-1]
    right = (1 - v) * block[:-1, 1:] + v * block[1:, 1:]
    return np.asarray((1 - u) * left + u * right)


def flicker_movie(n_frames: int = 1000, share: float = 0.1) -> UInt8[np.ndarray, "time y x"]:
    """Film a still picture in light that changes by `share` from frame to frame."""
    generator = np.random.default_rng(5)
    picture = 110.0 + 12.0 * speckle((96, 96), 3.0, generator)
    light = 1.0 + share * generator.uniform(-1, 1, n_frames)
    noise = generator.normal(0, 2.0, (n_frames, 96, 96))
    return np.clip(np.rint(light[:, None, None] * picture + noise), 0, 255).astype(np.uint8)


class World:
    """Movies of one table, made when they are first needed, also as files for a peer.

    Parameters
    ----------
    folder : Path
        Where files go.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._movies: dict[str, np.ndarray] = {}

    def movie(self, name: str) -> np.ndarray:
        """Return frames by the name of the input."""
        if name not in self._movies:
            self._movies[name] = _MOVIES[name]()
        return self._movies[name]

    def source(self, name: str, rate: int = RATE) -> ArraySource:
        """Return frames as a source for mystax."""
        return ArraySource(self.movie(name), rate)

    def file(self, name: str) -> Path:
        """Return a file without loss that holds the same frames."""
        path = self.folder / f"{name}.mkv"
        return path if path.exists() else write_movie(path, self.movie(name))


_MOVIES: dict[str, Callable[[], np.ndarray]] = {
    "wheel": wheel_movie,
    "jumps": lambda: jump_movie(1000, (300, 700)),
    "moving": moving_movie,
    "flicker": flicker_movie,
    "bouts": lambda: moving_movie(6000, shape=(48, 48), bouts=True, seed=8),
    "reference": lambda: moving_movie(800, seed=9),
    "half_light": lambda: moving_movie(800, light=0.5, seed=9),
    "double_noise": lambda: moving_movie(800, noise=4.0, seed=9),
    "half_rate": lambda: moving_movie(400, rate=50, seed=9),
}


def block_sums_of(frames: np.ndarray, size: int = BIN) -> np.ndarray:
    """Sum blocks of size x size pixels of every frame, plainly."""
    n, rows, columns = frames.shape
    cut = frames[:, : rows // size * size, : columns // size * size]
    blocks = cut.reshape(n, rows // size, size, columns // size, size)
    return np.asarray(blocks.sum((2, 4), dtype=np.uint16).reshape(n, -1))
