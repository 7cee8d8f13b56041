"""Pieces that a synthetic head is made of: materials, surfaces, and what moves."""

import math
from dataclasses import dataclass

import numpy as np

from mystax.synth.kernels.head import normals_of

__all__ = ["PARTS", "Expression", "Surface", "at", "make_surface", "section", "unit"]

PARTS = {
    "skin": 1,
    "jaw": 2,
    "ear": 3,
    "tongue": 4,
    "globe": 5,
    "paw": 6,
    "fixture": 7,
    "metal": 8,
    "lamp": 9,
}
"""Numbers of the materials in the z-buffer; 0 is the background; from 6 on they hide the face."""


@dataclass(frozen=True)
class Expression:
    """What moves in a face; angles in radians, lengths in units of the head.

    Attributes
    ----------
    lids : float
        Openness of the lids, 0 closed to 1 open, 1.15 wide.
    pupil : float
        Radius of the pupil over that of the globe.
    gaze : (float, float)
        Turn of the eye, caudal and up.
    whisk : float
        Forward angle of the whiskers.
    pad_shift : (float, float)
        Movement of the follicles, caudal and up.
    jaw : float
        Opening of the jaw.
    tongue : float
        How far the tongue is out; 0 not at all.
    nose_pitch : float
        Turn of the nose.
    nose_shift : (float, float, float)
        Movement of the nose in x, y, z.
    neck_pitch, neck_turn : float
        Pose of the body behind the head.
    ear_turn : float
        Turn of the ears beyond their shape's.
    paw : (float, float, float) or None
        Place of the nearest forepaw's tip in x, y, z; None where it is not near.
    """

    lids: float = 1.0
    pupil: float = 0.3
    gaze: tuple[float, float] = (0.0, 0.0)
    whisk: float = 0.0
    pad_shift: tuple[float, float] = (0.0, 0.0)
    jaw: float = 0.0
    tongue: float = 0.0
    nose_pitch: float = 0.0
    nose_shift: tuple[float, float, float] = (0.0, 0.0, 0.0)
    neck_pitch: float = 0.0
    neck_turn: float = 0.0
    ear_turn: float = 0.0
    paw: tuple[float, float, float] | None = None


@dataclass(frozen=True, eq=False)
class Surface:
    """A grid of points of one material.

    Attributes
    ----------
    points : array (row, column, 3)
        Places in units of the head.
    normals : array (row, column, 3)
        Outward unit normals.
    part : int
        Number of the material.
    wrap : bool
        Whether the columns close to a ring.
    both : bool
        Whether the surface is seen from behind too.
    """

    points: np.ndarray
    normals: np.ndarray
    part: int
    wrap: bool = True
    both: bool = False


def make_surface(points: np.ndarray, part: int, *, wrap: bool = True, both: bool = False) -> Surface:
    """Make a surface of a grid of points; its normals follow from them."""
    points = np.ascontiguousarray(points, np.float64)
    normals = np.empty_like(points)
    normals_of(points, wrap, normals)
    return Surface(points, normals, part, wrap, both)


def section(exponent: float, columns: int) -> np.ndarray:
    """Sideways and upwards place (column, 2) around a superellipse of half axes 1."""
    phi = np.arange(columns) * (2 * math.pi / columns)
    s, c = np.sin(phi), np.cos(phi)
    power = 2 / exponent
    return np.stack([np.sign(s) * np.abs(s) ** power, np.sign(c) * np.abs(c) ** power], axis=1)


def at(points: np.ndarray, row: float | np.ndarray, column: float | np.ndarray) -> np.ndarray:
    """Bilinear places on a grid whose columns close to a ring."""
    rows, columns = points.shape[:2]
    i = np.clip(np.floor(row).astype(int), 0, rows - 2)
    j = np.floor(column).astype(int)
    s, t = (np.asarray(row) - i)[..., None], (np.asarray(column) - j)[..., None]
    j, k = j % columns, (j + 1) % columns
    top = (1 - t) * points[i, j] + t * points[i, k]
    low = (1 - t) * points[i + 1, j] + t * points[i + 1, k]
    return np.asarray((1 - s) * top + s * low)


def unit(vector: np.ndarray) -> np.ndarray:
    """Scale a vector to length 1."""
    return np.asarray(vector / np.linalg.norm(vector))
