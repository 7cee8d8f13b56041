"""Surfaces of a head in one pose, and the places of its keypoints on them."""

import math
from dataclasses import dataclass

import numpy as np

from mystax.core.typing import Float64
from mystax.synth.head_organs import ear_surface, jaw_surface, tongue_surface
from mystax.synth.head_parts import PARTS, Expression, Surface, at, make_surface, section, unit
from mystax.synth.head_shape import HeadShape
from mystax.synth.kernels.head import add_bumps, bend_surface, fit_lids, loft_surface, normals_of

__all__ = ["KEYPOINTS", "HeadMesh", "build_head"]

KEYPOINTS = (
    "eye_front", "eye_back", "eye_top", "eye_bottom", "nose_top", "nose_tip", "nose_bottom", "nose_far",
    "whisker_I", "whisker_II", "whisker_III", "mouth", "lower_lip", "nosebridge", "paw", "whisker_C2",
    "whisker_E1", "pupil", "ear_base", "ear_tip", "chin", "tongue_tip",
)  # fmt: skip
"""Names of the points of a rendered face, in the order of the set `mouse-face-22`."""

ROWS, COLUMNS = 160, 128
NOSE_ROW = 18
"""Row of the surface where the naked nose ends."""
KNOTS = np.array([NOSE_ROW, 30, 46, 66, 94, 118, 134, 145, 153, 159], float)


@dataclass(frozen=True, eq=False)
class HeadMesh:
    """A head in one pose, left side +y; lengths in units of the head.

    Attributes
    ----------
    shape : HeadShape
        The animal.
    expression : Expression
        What is moved.
    surfaces : tuple of Surface
        Skin first, then jaw, ears, tongue.
    eye : array (3,)
        Centre of the left globe.
    eye_axes : array (3, 3)
        Rows: along the lid opening (caudal), up, outward; left eye.
    eye_radius : float
        Radius of the globe.
    pad_place : (float, float)
        Row and column of the pad's centre on the skin, left side.
    pad_steps : (float, float)
        Rows per unit caudal and columns per unit ventral at the pad.
    """

    shape: HeadShape
    expression: Expression
    surfaces: tuple[Surface, ...]
    eye: Float64[np.ndarray, " 3"]
    eye_axes: Float64[np.ndarray, "3 3"]
    eye_radius: float
    pad_place: tuple[float, float]
    pad_steps: tuple[float, float]

    @property
    def skin(self) -> Surface:
        """The surface of the head."""
        return self.surfaces[0]

    @property
    def lid(self) -> Float64[np.ndarray, " 4"]:
        """Half length, reach above and below the axis (sum 0 when closed), point exponent of the lids."""
        shape, openness = self.shape, self.expression.lids
        half = shape.lid_half
        up, down = half * (1.25 * openness - 0.25), half * min(0.25 + 0.75 * openness, 1.05)
        top = 0.96 * self.eye_radius
        return np.array([shape.lid_length / 2, min(up, top), min(down, top), shape.lid_point])

    def follicles(self, rows: np.ndarray, arcs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the places (row, column) of whiskers' follicles on the left skin.

        Parameters
        ----------
        rows, arcs : array (follicle,)
            Rows A..E are 0..4, arcs 1..7 from behind; straddlers stand between rows at arc 0.
        """
        shape, (dx, dz) = self.shape, self.expression.pad_shift
        behind = -(arcs - 1) * shape.arc_step
        below = (rows - 2.5) * shape.row_step * (1.0 + shape.pad_fan * (0.3 - 0.12 * (arcs - 1)))
        below = below + shape.row_curve * behind**2
        behind = behind + shape.first - 0.075 * shape.row_step * (rows - 2) ** 2
        behind = behind + np.where(rows == 0, 0.4 * shape.arc_step, 0.0)
        c, s = math.cos(shape.row_tilt), math.sin(shape.row_tilt)
        along, down = c * behind + 0.3 * s * below + dx, -s * behind + below - dz
        row = self.pad_place[0] + along * self.pad_steps[0]
        column = self.pad_place[1] + down * self.pad_steps[1]
        return np.clip(row, NOSE_ROW + 2.0, ROWS - 2.0), np.clip(column, 4.0, COLUMNS / 2 - 3.0)


def curve(knots: list[tuple[float, float]]) -> np.ndarray:
    """Draw a smooth line through knots at the rows `KNOTS`, for rows from the nose on."""
    rows = np.arange(NOSE_ROW, ROWS, dtype=float)
    values = np.array(knots, float)
    slopes = np.empty_like(values)
    steps = np.diff(KNOTS)[:, None]
    chords = np.diff(values, axis=0) / steps
    slopes[1:-1] = (chords[:-1] * steps[1:] + chords[1:] * steps[:-1]) / (steps[1:] + steps[:-1])
    slopes[0], slopes[-1] = chords[0], chords[-1]
    k = np.clip(np.searchsorted(KNOTS, rows, side="right") - 1, 0, len(KNOTS) - 2)
    h = steps[k, 0]
    t = ((rows - KNOTS[k]) / h)[:, None]
    h = h[:, None]
    square, cube = t * t, t * t * t
    return np.asarray(
        (2 * cube - 3 * square + 1) * values[k]
        + (cube - 2 * square + t) * h * slopes[k]
        + (3 * square - 2 * cube) * values[k + 1]
        + (cube - square) * h * slopes[k + 1]
    )


def profile(shape: HeadShape) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Dorsal line (row, 2), ventral line (row, 2) and half-width (row,) of a head."""
    (tx, tz), (bx, bz), (mx, mz) = shape.nose_top, shape.nose_bottom, shape.mouth
    run = 0.82 - tx
    rise = shape.brow - shape.stop - tz
    dorsal = [
        (tx, tz),
        (tx + 0.22 * run, tz + 0.24 * rise + 0.6 * shape.bridge),
        (tx + 0.55 * run, tz + 0.56 * rise + shape.bridge),
        (0.82, tz + rise + 0.3 * shape.bridge),
        (1.12, shape.brow + 0.3 * (shape.crown - shape.brow)),
        (1.5, shape.crown),
        (1.95, shape.occiput),
        (2.6, shape.nape),
        (4.6, shape.nape + 0.4),
        (6.6, shape.nape - 0.6),
    ]
    length = math.hypot(mx - bx, mz - bz)
    ox, oz = (mz - bz) / length * shape.lip_bulge, -(mx - bx) / length * shape.lip_bulge
    cx, cz = shape.corner
    ventral = [
        (bx, bz),
        (bx + 0.42 * (mx - bx) + ox, bz + 0.42 * (mz - bz) + oz),
        (mx, mz),
        (cx, cz),
        (1.02, shape.throat + 0.06),
        (1.4, 0.5 * (shape.throat + shape.chest)),
        (1.75, shape.chest),
        (2.2, shape.chest - 0.15),
        (4.4, shape.chest - 0.7),
        (6.5, shape.nape - 1.0),
    ]
    nose = shape.nose_width / 2
    snout, eye = shape.snout_width, shape.eye_side
    width = [
        (nose, 0.0),
        (nose + 0.5 * (snout - nose), 0.0),
        (snout, 0.0),
        (snout + 0.42 * (eye - snout), 0.0),
        (eye, 0.0),
        (shape.cheek_width, 0.0),
        (0.5 * (shape.cheek_width + shape.neck_width), 0.0),
        (0.5 * (shape.neck_width + shape.body_width), 0.0),
        (shape.body_width, 0.0),
        (0.3, 0.0),
    ]
    angle = np.linspace(0, math.pi / 2, NOSE_ROW + 1)[:-1]
    cap = np.stack([1 - np.cos(angle), np.sin(angle)], axis=1)
    lines = [
        np.concatenate([cap * np.array([tx, tz]), curve(dorsal)]),
        np.concatenate([cap * np.array([bx, bz]), curve(ventral)]),
    ]
    half = np.concatenate([nose * cap[:, 1], curve(width)[:, 0]])
    return lines[0], lines[1], half


def find_place(points: np.ndarray, x: float, z: float) -> tuple[float, float]:
    """Find the row and column of the left surface at a place of the side view."""
    left = points[NOSE_ROW + 1 : 130, 3 : COLUMNS // 2 - 1]
    square = (left[..., 0] - x) ** 2 + (left[..., 2] - z) ** 2
    i, j = np.unravel_index(int(np.argmin(square)), square.shape)
    row, column = int(i) + NOSE_ROW + 1, int(j) + 3
    here = points[row, column]
    along = (points[row + 1, column] - points[row - 1, column]) / 2
    around = (points[row, column + 1] - points[row, column - 1]) / 2
    matrix = np.array([[along[0], around[0]], [along[2], around[2]]])
    step = np.linalg.solve(matrix + 1e-9 * np.eye(2), np.array([x - here[0], z - here[2]]))
    return row + float(np.clip(step[0], -1, 1)), column + float(np.clip(step[1], -1, 1))


def build_head(shape: HeadShape, expression: Expression) -> HeadMesh:
    """Build the surfaces of a head.

    Parameters
    ----------
    shape : HeadShape
        The animal.
    expression : Expression
        What is moved.

    Returns
    -------
    HeadMesh
        Surfaces in units of the head, in the head's frame.
    """
    dorsal, ventral, half = profile(shape)
    skin = np.empty((ROWS, COLUMNS, 3))
    rows = np.arange(ROWS)
    widest = shape.widest + (0.5 - shape.widest) * np.clip((rows - 40) / 60, 0, 1)
    loft_surface(dorsal, ventral, half, widest, section(shape.square, COLUMNS), skin)
    normals = np.empty_like(skin)
    normals_of(skin, True, normals)
    centre, axes, radius = eye_frame(shape, skin, normals)
    pad_place = find_place(skin, *shape.pad)
    i, j = round(pad_place[0]), round(pad_place[1])
    steps = (
        2 / float(np.linalg.norm(skin[i + 1, j] - skin[i - 1, j])),
        2 / float(np.linalg.norm(skin[i, j + 1] - skin[i, j - 1])),
    )
    add_bumps(skin, normals, bumps_of(shape, expression, at(skin, *pad_place)))
    fit_lids(skin, centre, axes, 1.03 * radius, 0.11)
    nose = (expression.nose_pitch, np.array(expression.nose_shift))
    bend_surface(skin, expression.neck_pitch, expression.neck_turn, *nose)
    parts = [make_surface(skin, PARTS["skin"]), jaw_surface(shape, expression)]
    parts += [ear_surface(shape, expression, skin, side) for side in (1, -1)]
    if expression.tongue > 0:
        parts.append(tongue_surface(shape, expression))
    return HeadMesh(shape, expression, tuple(parts), centre, axes, radius, pad_place, steps)


def eye_frame(
    shape: HeadShape, skin: np.ndarray, normals: np.ndarray
) -> tuple[np.ndarray, np.ndarray, float]:
    """Centre, axes (rows along, up, out) and radius of the left globe, from the skin under it."""
    radius = shape.lid_length / 2 * shape.globe
    place = find_place(skin, 1.0, 0.0)
    normal = normals[round(place[0]), round(place[1])]
    look = np.array([-shape.eye_forward, 1.0, shape.eye_up])
    out = unit(0.5 * normal + 0.5 * unit(look))
    along = np.array([math.cos(shape.lid_tilt), 0.0, -math.sin(shape.lid_tilt)])
    along = unit(along - (along @ out) * out)
    axes = np.stack([along, np.cross(along, out), out])
    centre = at(skin, *place) - out * radius * (1 - shape.protrusion)
    centre[[0, 2]] = np.array([1.0, 0.0]) - out[[0, 2]] * radius * 0.6
    return centre, axes, radius


def bumps_of(shape: HeadShape, expression: Expression, pad: np.ndarray) -> np.ndarray:
    """Rows of (x, y, z, rx, ry, rz, height) for `add_bumps`."""
    r = shape.pad_radius
    dx, dz = expression.pad_shift
    mx, mz = shape.mouth
    return np.array(
        [
            (pad[0] + dx, pad[1], pad[2] + dz, r, 0.7 * r, 0.85 * r, shape.pad_bulge),
            (1.35, shape.cheek_width, -0.3, 0.4, 0.3, 0.35, shape.cheek_bulge),
            (0.95, 0.6 * shape.eye_side, shape.lid_half + 0.08, 0.22, 0.15, 0.1, shape.brow_bulge),
            (mx + 0.12, 0.5 * shape.snout_width, mz + 0.04, 0.2, 0.12, 0.08, shape.fold),
            (0.6 * mx, 0.0, 0.55 * (mz + shape.nose_bottom[1]), 0.3, 0.035, 0.22, -shape.cleft),
            (0.13 * shape.length / 12.5, 0.45 * shape.nose_width, 0.01, 0.05, 0.05, 0.05, 0.012),
        ]
    )
