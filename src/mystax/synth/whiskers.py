"""Whiskers: follicles in rows and arcs, long vibrissae, and the short hairs of lips, brow and chin."""

import math
from dataclasses import dataclass

import numpy as np

from mystax.synth.draws import Draw
from mystax.synth.head_mesh import NOSE_ROW, HeadMesh
from mystax.synth.head_parts import at

__all__ = ["Whiskers", "draw_whisker_look", "follicles", "whisker_lines"]

ARCS = (4, 4, 6, 7, 7)
"""Arcs per row A..E."""
LATTICE = np.array(
    [(row, arc) for row, last in enumerate(ARCS) for arc in range(1, last + 1)]
    + [(k + 0.5, 0) for k in range(4)],
    float,
)
"""Row and arc of every follicle, straddlers last."""


@dataclass(frozen=True, eq=False)
class Whiskers:
    """How the whiskers of one animal look.

    Attributes
    ----------
    contrast : float
        -0.6 (dark) to 1 (bright).
    solid : bool
        Whether bright whiskers are seen before what is brighter, too.
    opacity, thickness, length : float
        Look of all; length over the usual one.
    set_point : float
        Resting angle of arc 1, 0 caudal to pi forward [rad].
    spread : float
        How far rows point up and down [rad].
    random : array (whisker, 6)
        Differences between whiskers: length, angle, elevation, curvature twice, brightness.
    missing : array (whisker,)
        Whiskers that are trimmed.
    short : array (hair, 6)
        Places and directions of short hairs: row, column, length, angle, elevation, brightness.
    """

    contrast: float
    solid: bool
    opacity: float
    thickness: float
    length: float
    set_point: float
    spread: float
    random: np.ndarray
    missing: np.ndarray
    short: np.ndarray


def draw_whisker_look(draw: Draw) -> Whiskers:
    """Draw the look of an animal's whiskers."""
    u, generator = draw.uniform, draw.generator
    count = 2 * (sum(ARCS) + 4)
    contrast = u(0.25, 1.0) if draw.chance(0.68) else u(-0.6, -0.05)
    trimmed = u(0.3, 1.0) if draw.chance(0.08) else u(0.0, 0.3, floor=0.0)
    n_short = int(u(20, 90, floor=5))
    short = generator.standard_normal((n_short, 6))
    short[:, 0] = NOSE_ROW + 3 + 30 * generator.random(n_short)
    short[:, 1] = 22 + 42 * generator.random(n_short) ** 0.6
    short[:, 1] *= 1 - 2 * (generator.random(n_short) < 0.5)
    short[:, 2] = 0.1 + 0.35 * generator.random(n_short) ** 2
    return Whiskers(
        contrast,
        draw.chance(0.45),
        u(0.35, 1.0, floor=0.2, ceiling=1.0),
        u(0.0040, 0.011, floor=0.003),
        u(0.75, 1.25),
        math.radians(u(45, 105)),
        math.radians(u(25, 65)),
        generator.standard_normal((count, 6)),
        generator.random(count) < trimmed,
        short,
    )


def follicles(mesh: HeadMesh, side: int) -> tuple[np.ndarray, np.ndarray]:
    """Places and outward normals (follicle, 3) on one side (1 left, -1 right), in the order of `LATTICE`."""
    row, column = mesh.follicles(LATTICE[:, 0], LATTICE[:, 1])
    return at(mesh.skin.points, row, side * column), at(mesh.skin.normals, row, side * column)


def whisker_lines(mesh: HeadMesh, look: Whiskers, bright: float) -> np.ndarray:
    """Strokes of all whiskers: rows for `mystax.synth.kernels.fur.draw_whiskers`.

    Parameters
    ----------
    mesh : HeadMesh
        The head.
    look : Whiskers
        Look of the whiskers.
    bright : float
        Luminance of a bright whisker.

    Returns
    -------
    array (whisker, 13)
        Three points, radius, value, opacity, blend.
    """
    rows, arcs = LATTICE.T
    n = len(rows)
    random = look.random[: 2 * n].reshape(2, n, 6)
    missing = look.missing[: 2 * n].reshape(2, n)
    parts = []
    for k, side in enumerate((1, -1)):
        r = random[k]
        root, _ = follicles(mesh, side)
        length = (2.35 - 0.32 * arcs) * (1 + 0.12 * r[:, 0]) * look.length
        angle = look.set_point + 0.16 * (arcs - 1) + 0.12 * r[:, 1] + mesh.expression.whisk
        lift = look.spread * (1.8 - 0.85 * rows) * 0.6 + 0.12 * r[:, 2]
        ahead = np.stack(
            [np.cos(angle) * np.cos(lift), side * np.sin(angle) * np.cos(lift), np.sin(lift)], axis=1
        )
        bend = np.stack([0.14 + 0.1 * r[:, 3], np.zeros(n), -0.08 + 0.1 * r[:, 4]], axis=1)
        lines = np.empty((n, 13))
        lines[:, 0:3] = root
        lines[:, 3:6] = root + 0.5 * length[:, None] * ahead
        lines[:, 6:9] = root + length[:, None] * (ahead + bend)
        lines[:, 9] = look.thickness * (1.1 - 0.06 * arcs)
        lines[:, 10] = strength(look, bright, r[:, 5])
        lines[:, 11] = look.opacity
        parts.append(lines[~missing[k]])
    parts.append(short_lines(mesh, look, bright))
    lines = np.concatenate(parts)
    lines[:, 12] = (1 + look.solid) * (look.contrast > 0)
    return lines


def strength(look: Whiskers, bright: float, random: np.ndarray) -> np.ndarray:
    """Luminance of bright whiskers, or how much dark ones take away."""
    if look.contrast > 0:
        return np.asarray(look.contrast * bright * np.clip(1 + 0.35 * random, 0.2, 2.0))
    return np.asarray(-look.contrast * np.clip(1 + 0.35 * random, 0.2, 1.6))


def short_lines(mesh: HeadMesh, look: Whiskers, bright: float) -> np.ndarray:
    """Short hairs of the lips and the pad's front, two long hairs above each eye."""
    skin, normals = mesh.skin.points, mesh.skin.normals
    lines = np.empty((len(look.short) + 4, 13))
    row, column, length, turn, tilt, gain = look.short.T
    few = len(row)
    root, ahead = at(skin, row, column), at(normals, row, column)
    ahead[:, 0] += 0.3 + 0.35 * turn
    ahead[:, 2] += -0.25 + 0.3 * tilt
    lines[:few, 0:3] = root
    lines[:few, 3:6] = root + 0.5 * length[:, None] * ahead
    lines[:few, 6:9] = root + length[:, None] * (ahead + np.array([0.15, 0.0, -0.15]))
    lines[:few, 9], lines[:few, 10] = 0.5 * look.thickness, strength(look, bright, gain)
    lines[:few, 11] = 0.7 * look.opacity
    for k in range(4):
        side, r = 1 - 2 * (k % 2), look.random[k]
        root = mesh.eye * np.array([1, side, 1]) + np.array(
            [-0.05 + 0.08 * (k // 2), -0.1 * side, mesh.shape.lid_half + 0.06]
        )
        ahead = np.array([0.2 + 0.3 * r[0], side * (0.5 + 0.2 * r[1]), 0.8])
        line = lines[len(look.short) + k]
        line[0:3], line[3:6] = root, root + 0.35 * ahead
        line[6:9] = root + (0.7 + 0.15 * r[2]) * ahead + np.array([0.25, 0.0, 0.0])
        line[9:12] = 0.7 * look.thickness, strength(look, bright, r[5:])[0], look.opacity
    return lines
