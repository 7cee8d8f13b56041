"""Fur and whiskers as strokes: kernels' inputs from a coat's numbers."""

from dataclasses import dataclass

import numpy as np

from mystax.synth.draws import Draw

__all__ = ["Coat", "draw_coat", "root_hairs"]

COATS = {"black": 0.34, "agouti": 0.22, "brown": 0.14, "white": 0.16, "patched": 0.14}
HELD_OUT_COAT = "dilute"


@dataclass(frozen=True)
class Coat:
    """How a coat looks in infrared light.

    Attributes
    ----------
    values : array (24,)
        Numbers of the shading kernel: 0 fur albedo, 2 belly, 3 snout, 4 pad gain, 5-7 patches, 8 grain,
        9 shaved strip, 10-12 lids, 13-17 nose, 18-19 follicles, 20 jaw, 21 ear, 22 rim light.
    strands : int
        How many hairs are drawn.
    hair : array (10,)
        Length at the back of the head, length at the snout over it, tilt, spread of directions, root shade,
        tip shade, opacity, contrast between hairs, clumping, gloss.
    """

    values: np.ndarray
    strands: int
    hair: np.ndarray


def draw_coat(draw: Draw) -> Coat:
    """Draw a coat."""
    u = draw.uniform
    kind = draw.family(COATS, HELD_OUT_COAT)
    low, high = {
        "black": (0.05, 0.3),
        "agouti": (0.2, 0.5),
        "brown": (0.25, 0.6),
        "white": (0.55, 0.85),
        "patched": (0.06, 0.35),
        "dilute": (0.3, 0.7),
    }[kind]
    albedo = u(low, high, floor=0.04, ceiling=0.9)
    values = np.zeros(24)
    values[0] = albedo
    values[2] = u(-0.1, 0.7)
    values[3] = u(-0.35, 0.9) * (0.4 if kind == "white" else 1.0)
    values[5], values[6], values[7] = 9.0, u(0.6, 2.2, floor=0.4), albedo
    if kind == "patched":
        values[5], values[7] = u(-0.25, 0.4), u(0.5, 0.85, ceiling=0.9)
    elif draw.chance(0.15):
        values[5], values[7] = u(0.2, 0.5), albedo * u(0.6, 1.6)
    values[8] = u(0.05, 0.3) * (1.6 if kind in {"agouti", "dilute"} else 1.0)
    values[9] = u(0.15, 0.5) if draw.chance(0.12) else 0.0
    skin = u(0.3, 1.0, floor=0.15, ceiling=1.0)
    values[10] = skin * u(0.1, 0.8)
    values[11] = u(0.005, 0.024, floor=0.003)
    values[12] = u(-0.4, 1.2) if draw.chance(0.7) else 0.0
    values[13] = (0.4 * skin + 0.6 * albedo) * u(0.5, 1.4)
    values[14] = u(0.3, 0.95, ceiling=0.98)
    values[15] = u(0.0, 0.5, floor=0.0)
    values[16] = 17.0 + u(-4.0, 3.0)
    values[17] = u(0.26, 0.36)
    values[4] = u(-0.15, 0.6) if draw.chance(0.8) else 0.0
    values[18] = u(0.2, 0.8, ceiling=0.9) if draw.chance(0.85) else 0.0
    values[19] = u(0.010, 0.028, floor=0.006)
    values[20] = u(0.7, 1.4)
    values[21] = skin * u(0.35, 1.0)
    values[22] = u(0.0, 1.2, floor=0.0) if draw.chance(0.6) else 0.0
    sparse = draw.chance(0.1)
    banded = kind in {"agouti", "dilute"}
    hair = np.array(
        [
            u(0.1, 0.3, floor=0.06),
            u(0.25, 0.6, floor=0.15),
            np.radians(u(8, 35, floor=4)),
            u(0.08, 0.45, floor=0.03),
            u(0.35, 0.9, floor=0.2),
            u(1.05, 1.9) * (1.15 if banded else 1.0),
            u(0.35, 0.85, floor=0.2, ceiling=0.95) * (0.4 if sparse else 1.0),
            u(0.1, 0.55, floor=0.05),
            u(0.0, 0.8, floor=0.0),
            u(0.0, 0.7, floor=0.0),
        ]
    )
    return Coat(values, int(u(6000, 12000, floor=3000)), hair)


def root_hairs(points: np.ndarray, count: int, rows: tuple[int, int], seed: int) -> np.ndarray:
    """Places (row, column) of hairs, as dense everywhere on a surface whose columns close to a ring.

    Parameters
    ----------
    points : array (row, column, 3)
        The surface.
    count : int
        How many hairs.
    rows : (int, int)
        First and last row with hairs.
    seed : int
        Start of the random numbers.

    Returns
    -------
    array (hair, 2)
        Rows and columns.
    """
    generator = np.random.default_rng((seed, 0x4A1))
    part = points[rows[0] : rows[1] + 1]
    beside = np.roll(part, -1, axis=1)
    area = np.linalg.norm(np.cross(beside[1:] - part[:-1], part[1:] - beside[:-1]), axis=2).ravel()
    cells = np.searchsorted(np.cumsum(area) / area.sum(), generator.random(count))
    places = np.stack(np.divmod(np.minimum(cells, area.size - 1), points.shape[1]), axis=1).astype(float)
    return np.asarray(places + generator.random((count, 2)) * 0.999 + [rows[0], 0])
