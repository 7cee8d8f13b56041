"""Jaw, ears and tongue of a synthetic head."""

import math

import numpy as np

from mystax.synth.head_parts import PARTS, Expression, Surface, at, make_surface, section, unit
from mystax.synth.head_shape import HeadShape
from mystax.synth.kernels.head import loft_surface

__all__ = ["ear_surface", "jaw_surface", "tongue_surface"]

JAW_ROWS, JAW_COLUMNS = 40, 48


def jaw_surface(shape: HeadShape, expression: Expression) -> Surface:
    """Lower jaw, hinged below the ear."""
    t = np.linspace(0, 1, JAW_ROWS) ** 1.5
    (lx, lz), (cx, cz) = shape.lip, shape.corner
    chin_x, chin_z = lx + 0.16, lz - shape.chin
    back = max(1.25, cx + 0.4)
    knots = np.array([0.0, 0.25, 0.6, 1.0])
    low = np.stack(
        [
            np.interp(t, knots, [lx, chin_x, 0.5 * (chin_x + back), back]),
            np.interp(t, knots, [lz, chin_z, min(shape.throat, chin_z) - 0.01, shape.throat + 0.05]),
        ],
        axis=1,
    )
    (mx, mz) = shape.mouth
    lift = 0.1 + mz - lz
    top = np.stack(
        [
            np.interp(t, knots, [mx + 0.04, lx + 0.1, cx + 0.05, back]),
            np.interp(t, knots, [lz + lift, lz + lift + 0.08, max(cz, lz) + 0.22, cz + 0.3]),
        ],
        axis=1,
    )
    for line in (low, top):
        line[1:-1] = 0.25 * line[:-2] + 0.5 * line[1:-1] + 0.25 * line[2:]
        line[2:-2] = (line[:-4] + line[1:-3] + line[2:-2] + line[3:-1] + line[4:]) / 5
    front = np.sqrt(np.clip(1 - (1 - np.clip(t / 0.1, 0, 1)) ** 2, 0, 1))
    pole = np.array([mx + 0.02, mz + 0.03])
    low, top = pole + (low - pole) * front[:, None], pole + (top - pole) * front[:, None]
    width = np.sqrt(front) * np.interp(
        t,
        [0, 0.1, 0.35, 1],
        np.array([0.34, 0.44, 0.62, 0.8]) * ([shape.snout_width] * 3 + [shape.cheek_width]),
    )
    points = np.empty((JAW_ROWS, JAW_COLUMNS, 3))
    loft_surface(top, low, width, np.full(JAW_ROWS, 0.5), section(2.2, JAW_COLUMNS), points)
    c, s = math.cos(expression.jaw), math.sin(expression.jaw)
    px, pz = points[..., 0] - 1.25, points[..., 2] + 0.3
    points[..., 0], points[..., 2] = 1.25 + c * px - s * pz, -0.3 + s * px + c * pz
    return make_surface(points, PARTS["jaw"])


def ear_surface(shape: HeadShape, expression: Expression, skin: np.ndarray, side: int) -> Surface:
    """One ear, a cupped leaf (16 x 24)."""
    turn = shape.ear_turn + expression.ear_turn
    place = find_ear(skin, shape.ear_base, shape.ear_up)
    root = at(skin, place[0], side * place[1])
    up = unit(np.array([0.25, side * (0.35 + math.sin(shape.ear_lean)), math.cos(shape.ear_lean)]))
    across = np.array([math.cos(turn), side * math.sin(turn), 0.0])
    across = unit(across - (across @ up) * up)
    out = np.cross(across, up) * side * -1
    v = np.linspace(0, 1, 16)[:, None]
    w = np.linspace(-1, 1, 24)[None, :]
    outline = (
        shape.ear_width
        / 2
        * np.sqrt(np.clip(1 - (2 * v**0.8 - 1) ** 2 * 0.98, 0.02, 1))
        * np.minimum(1, 0.45 + 1.6 * v)
    )
    depth = 0.22 * outline * (1 - w * w) * (1 - 0.7 * v) - 0.1 * v * v
    points = (
        root
        - 0.06 * up
        + shape.ear_length * v[..., None] * up
        + (outline * w)[..., None] * across
        - depth[..., None] * out
    )
    return make_surface(points, PARTS["ear"], wrap=False, both=True)


def find_ear(skin: np.ndarray, x: float, lift: float) -> tuple[float, float]:
    """Row and column of the left skin at a distance behind the nose; `lift` is 0 lateral to 1 dorsal."""
    rows, columns = skin.shape[:2]
    row = float(np.searchsorted(skin[rows // 4 :, columns // 4, 0], x) + rows // 4)
    return min(row, rows - 3.0), columns / 4 * (1 - lift) + 1.0


def tongue_surface(shape: HeadShape, expression: Expression) -> Surface:
    """Tongue, from inside the mouth forwards and down."""
    (lx, lz), out = shape.lip, expression.tongue
    t = np.linspace(0, 1, 14)
    drop = math.sin(expression.jaw) * max(1.25 - lx, 0.2)
    start = np.array([lx + 0.3, lz + 0.08 - 0.4 * drop])
    tip = np.array([lx - 0.6 * out, lz + 0.02 - drop - 0.8 * out])
    middle = np.array([lx - 0.1 * out, lz + 0.05 - 0.6 * drop])
    line = ((1 - t) ** 2)[:, None] * start + (2 * t * (1 - t))[:, None] * middle + (t**2)[:, None] * tip
    thick = 0.035 * np.sqrt(np.clip(1 - t**4, 0, 1))
    offset = np.stack([-thick * 0.5, thick], axis=1)
    points = np.empty((14, 16, 3))
    width = 0.085 * np.sqrt(np.clip(1 - t**5, 0, 1))
    loft_surface(line + offset, line - offset, width, np.full(14, 0.5), section(2.0, 16), points)
    return make_surface(points[::-1], PARTS["tongue"])
