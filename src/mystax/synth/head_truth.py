"""What is true in a rendered face: places of the keypoints, whether they are seen, the crop about them."""

import math
from dataclasses import dataclass, replace

import numpy as np

from mystax.core.typing import Float64, UInt8
from mystax.synth.draws import Draw
from mystax.synth.head_mesh import COLUMNS, KEYPOINTS, NOSE_ROW, HeadMesh
from mystax.synth.head_parts import PARTS, Surface, at, unit
from mystax.synth.head_view import HeadCamera, Pose
from mystax.synth.kernels.head import lid_value

__all__ = [
    "ABSENT",
    "INVISIBLE",
    "PLACED",
    "Slips",
    "draw_slips",
    "eye_ellipses",
    "face_box",
    "frame_face",
    "hidden_by",
    "in_world",
    "place_keypoints",
    "seen_states",
    "under_lids",
]

ABSENT, INVISIBLE, PLACED = 0, 1, 2
NEAR, DEEP, OUTSIDE = 0.04, 0.15, 0.03
"""How far behind the front-most surface a point still counts as seen, and as guessed, how near to the outline
it counts as on it; in units of the head."""
DIRECTIONS = [(math.cos(k * math.pi / 6), math.sin(k * math.pi / 6)) for k in range(12)]
LABEL = {name: k for k, name in enumerate(KEYPOINTS)}
MAIN = 13
VIBRISSAE = {
    "whisker_I": (2, 1),
    "whisker_II": (3, 1),
    "whisker_III": (3, 2),
    "whisker_C2": (2, 2),
    "whisker_E1": (4, 1),
}
"""Rows (A is 0) and arcs of the whiskers that are points."""
OUTLINE = {"nose_tip", "nose_top", "nose_bottom", "nosebridge", "mouth"}
"""Points of the midline."""
"""The first points are those of the set `mouse-face-13`."""
SLIP = np.array([0.006] * 4 + [0.015] * 4 + [0.02] * 3 + [0.025] * 2 + [0.02] * 4 + [0.004] + [0.02] * 4)


@dataclass(frozen=True, eq=False)
class Slips:
    """How one labeller departs from the definitions: shifts along the skin, in units of the head.

    Attributes
    ----------
    shifts : array (keypoint, 2)
        Along the face and around it.
    contour : bool
        Whether a point of the midline that is turned away is labelled on the outline, as people do.
    """

    shifts: Float64[np.ndarray, "keypoint 2"]
    contour: bool = True


def draw_slips(draw: Draw) -> Slips:
    """Draw the departures of one picture's labels."""
    normal = np.clip(draw.generator.standard_normal((len(KEYPOINTS), 2)), -2.5, 2.5)
    return Slips(normal * SLIP[:, None] * (1.25 if draw.shifted else 1.0))


def place_keypoints(
    mesh: HeadMesh, side: int, slips: Slips, eyepoint: np.ndarray | None = None
) -> Float64[np.ndarray, "keypoint 3"]:
    """Places of all points in units of the head on side 1 (left) or -1; NaN where a part is not there."""
    found = np.full((len(KEYPOINTS), 3), np.nan)
    mirror = np.array([1.0, side, 1.0])
    skin, lid, shifts = mesh.skin.points, mesh.lid, slips.shifts
    radius = mesh.eye_radius

    def on_globe(p: float, q: float) -> np.ndarray:
        size = np.hypot(p, q)
        if size > 0.98 * radius:
            p, q = p * 0.98 * radius / size, q * 0.98 * radius / size
        n = np.sqrt(radius * radius - p * p - q * q)
        return np.asarray(
            (mesh.eye + p * mesh.eye_axes[0] + q * mesh.eye_axes[1] + n * mesh.eye_axes[2]) * mirror
        )

    gp, gq = np.sin(mesh.expression.gaze[0]) * radius, np.sin(mesh.expression.gaze[1]) * radius
    places = ((-lid[0], 0), (lid[0], 0), (0, lid[1]), (0, -lid[2]), (gp, gq))
    for k, (p, q) in zip((0, 1, 2, 3, LABEL["pupil"]), places, strict=True):
        found[k] = on_globe(p + shifts[k, 0], q + shifts[k, 1])
    around = COLUMNS
    spots = {
        "nose_tip": (0.0, 0.0),
        "nose_top": (NOSE_ROW, 0.0),
        "nose_bottom": (NOSE_ROW, around / 2),
        "nose_far": (10.5, -0.3 * around),
        "nosebridge": (38.0, 0.0),
        "mouth": (46.0, around / 2 - 4.0),
    }
    rows, columns = mesh.follicles(*np.array(list(VIBRISSAE.values()), float).T)
    spots |= dict(zip(VIBRISSAE, zip(rows.tolist(), columns.tolist(), strict=True), strict=True))
    for name, (row, column) in spots.items():
        place = turn_to(mesh.skin, row, column, side, eyepoint) if name in OUTLINE else (row, column)
        found[LABEL[name]] = slide(skin, *place, side, shifts[LABEL[name]])
    jaw = mesh.surfaces[1].points
    around = jaw.shape[1]
    for name, row in (("lower_lip", 5.0), ("chin", 16.0)):
        place = turn_to(mesh.surfaces[1], row, around / 2, side, eyepoint)
        found[LABEL[name]] = slide(jaw, *place, side, shifts[LABEL[name]])
    ear = mesh.surfaces[2 if side == 1 else 3].points
    found[LABEL["ear_base"]] = 0.5 * (ear[2, 0] + ear[2, 11])
    found[LABEL["ear_tip"]] = ear[15, 11]
    if mesh.expression.tongue > 0:
        found[LABEL["tongue_tip"]] = mesh.surfaces[4].points[0, 0]
    if mesh.expression.paw is not None:
        found[LABEL["paw"]] = np.array(mesh.expression.paw)
    return found


def turn_to(
    surface: Surface, row: float, column: float, side: int, eyepoint: np.ndarray | None
) -> tuple[float, float]:
    """Move a place of the midline around to the outline that the camera sees, by 50 degrees at most.

    Columns are those of the left side; the other side's are their negatives.
    """
    if eyepoint is None:
        return row, column
    columns = surface.points.shape[1]
    if row < 1:  # the tip: forwards to the outline of the near side
        rows = np.arange(12.0)
        places = rows, np.full(12, columns / 4)
    else:
        lateral = 1 if column < columns / 4 else -1
        places = np.full(int(0.14 * columns), row), column + lateral * np.arange(int(0.14 * columns))
    normals, points = (at(grid, places[0], side * places[1]) for grid in (surface.normals, surface.points))
    turned = np.sum(normals * (eyepoint - points), axis=-1) > 0
    k = int(np.argmax(turned))
    return (float(places[0][k]), float(places[1][k])) if turned[k] else (row, column)


def slide(points: np.ndarray, row: float, column: float, side: int, shift: np.ndarray) -> np.ndarray:
    """Place on one side of a surface, moved along it by lengths (down the rows, around)."""
    column = side * column
    i, j = min(max(round(row), 1), points.shape[0] - 2), round(column) % points.shape[1]
    along = float(np.linalg.norm(points[i + 1, j] - points[i - 1, j])) / 2 + 1e-6
    k, m = (j + 1) % points.shape[1], (j - 1) % points.shape[1]
    across = float(np.linalg.norm(points[i, k] - points[i, m])) / 2 + 1e-6
    row = row + shift[0] / along
    if row < 0:  # over the tip to the other side
        row, column = -row, column + points.shape[1] / 2
    limit = 0.06 * points.shape[1]
    return at(
        points, min(row, points.shape[0] - 1.001), column + side * min(max(shift[1] / across, -limit), limit)
    )


def in_world(points: np.ndarray, length: float, pose: Pose) -> Float64[np.ndarray, "*place 3"]:
    """Points of the head [units of the head] in the world [mm]."""
    return np.asarray(points * length @ pose.rotation.T + pose.translation)


def seen_states(
    screen: np.ndarray, depth: np.ndarray, length: float, camera: HeadCamera, oversampling: int
) -> UInt8[np.ndarray, " keypoint"]:
    """State of each point before a z-buffer of the animal alone.

    A point is placed if it is not more than `NEAR` behind the surface there, or at the outline that hides it,
    where people put it; invisible up to `DEEP` behind; else absent.

    Parameters
    ----------
    screen : array (keypoint, 3)
        x, y [px] and depth [mm].
    depth : array (y, x)
        Depth of the surface [units of the head], finer by `oversampling`.
    length : float
        Unit of the head [mm].
    camera : HeadCamera
        The camera.
    oversampling : int
        Rendered pixels per pixel and axis.

    Returns
    -------
    array (keypoint,)
        0 absent, 1 invisible, 2 placed.
    """
    state = np.zeros(len(screen), np.uint8)
    width, height = camera.size
    for k, (x, y, z) in enumerate(screen.tolist()):
        if not (np.isfinite(x) and z > 0 and -0.5 <= x < width - 0.5 and -0.5 <= y < height - 0.5):
            continue
        behind = z / length - nearest_depth(depth, x, y, oversampling)
        if NEAR < behind <= DEEP and k != LABEL["nose_far"]:
            reach = OUTSIDE * length * camera.focal / z
            around = [
                nearest_depth(depth, x + reach * dx, y + reach * dy, oversampling) for dx, dy in DIRECTIONS
            ]
            behind = z / length - max(around) if z / length - max(around) <= NEAR else behind
        state[k] = PLACED if behind <= NEAR else INVISIBLE if behind <= DEEP else ABSENT
    return state


def nearest_depth(depth: np.ndarray, x: float, y: float, oversampling: int) -> float:
    """Depth of the surface at a place of the picture."""
    row = min(max(int((y + 0.5) * oversampling), 0), depth.shape[0] - 1)
    column = min(max(int((x + 0.5) * oversampling), 0), depth.shape[1] - 1)
    return float(depth[row, column])


def under_lids(mesh: HeadMesh, state: np.ndarray) -> UInt8[np.ndarray, " keypoint"]:
    """Turn a placed pupil into an invisible one where the lids cover its middle."""
    state = state.copy()
    p, q = (math.sin(turn) * mesh.eye_radius for turn in mesh.expression.gaze)
    if state[LABEL["pupil"]] == PLACED and lid_value(p, q, mesh.lid) > 1:
        state[LABEL["pupil"]] = INVISIBLE
    return state


def hidden_by(
    state: np.ndarray,
    screen: np.ndarray,
    depth: np.ndarray,
    parts: np.ndarray,
    length: float,
    oversampling: int,
) -> UInt8[np.ndarray, " keypoint"]:
    """Turn placed points into invisible ones where a thing (a part from the paw on) stands before them."""
    state = state.copy()
    for k in np.flatnonzero(state == PLACED).tolist():
        x, y = float(screen[k, 0]), float(screen[k, 1])
        row = min(int((y + 0.5) * oversampling), parts.shape[0] - 1)
        column = min(int((x + 0.5) * oversampling), parts.shape[1] - 1)
        before = depth[row, column] < screen[k, 2] / length
        if before and parts[row, column] >= PARTS["paw"] and k != LABEL["paw"]:
            state[k] = INVISIBLE
    return state


def outline_ellipse(points: np.ndarray) -> Float64[np.ndarray, " 5"]:
    """Ellipse (x, y, half axes, angle of the first [rad]) of points at even steps of its parameter."""
    middle = points.mean(axis=0)
    spread, axes = np.linalg.eigh(2 * np.cov((points - middle).T, bias=True))
    major = axes[:, 1]
    half = np.sqrt(np.maximum(spread, 0.0))
    return np.array([*middle, half[1], half[0], math.atan2(major[1], major[0]) % math.pi])


def eye_ellipses(
    mesh: HeadMesh, side: int, camera: HeadCamera, pose: Pose
) -> tuple[Float64[np.ndarray, " 5"], Float64[np.ndarray, " 5"]]:
    """Ellipses (x, y, half axes [px], angle [rad]) of pupil and lids' opening in the picture.

    Parameters
    ----------
    mesh : HeadMesh
        The head.
    side : int
        Which eye: 1 left, -1 right.
    camera, pose : HeadCamera, Pose
        Where it is seen from, and where it is.

    Returns
    -------
    pupil, lids : array (5,)
        The lids' outline is an ellipse only where their corners are not pointed; then the best one.
    """
    turn = np.arange(32) * (2 * math.pi / 32)
    look, radius = mesh.expression, mesh.eye_radius
    gp, gq = math.sin(look.gaze[0]), math.sin(look.gaze[1])
    ahead = np.array([gp, gq, math.sqrt(max(1 - gp * gp - gq * gq, 0.0))])
    across = unit(np.cross(ahead, np.array([0.0, 1.0, 0.0])))
    over = np.cross(across, ahead)
    ring = np.cos(turn)[:, None] * across + np.sin(turn)[:, None] * over
    pupil = radius * (math.cos(look.pupil) * ahead + math.sin(look.pupil) * ring)
    half, up, down, point = mesh.lid
    p = half * np.cos(turn)
    q = (0.5 * (up - down) + 0.5 * (up + down) * np.sign(np.sin(turn))) * np.abs(np.sin(turn)) ** (2 * point)
    lids = np.stack([p, q, np.sqrt(np.maximum(radius**2 - p * p - q * q, 0.0))], axis=1)
    found = []
    for local in (pupil, lids):
        points = (mesh.eye + local @ mesh.eye_axes) * np.array([1.0, side, 1.0])
        found.append(outline_ellipse(camera.project(in_world(points, mesh.shape.length, pose))[:, :2]))
    return found[0], found[1]


def face_box(screen: np.ndarray) -> Float64[np.ndarray, " 3"]:
    """Square about a face: x, y of its corner, its side [px]; the eye is 0.42 of the side from the nose."""
    main = screen[:MAIN]
    main = main[np.isfinite(main[:, 0])]
    low, high = main[:, :2].min(0), main[:, :2].max(0)
    eye = screen[:4, :2].mean(0)
    side = max(
        float(np.hypot(*(eye - screen[LABEL["nose_tip"], :2]))) / 0.42, 1.15 * float((high - low).max())
    )
    return np.array([*((low + high) / 2 - side / 2), side])


def frame_face(
    camera: HeadCamera, points: np.ndarray, jitter: tuple[float, float], leave: int = 3
) -> HeadCamera:
    """Move the crop so that the face is in the middle, up to a jitter; at most `leave` main points outside.

    Parameters
    ----------
    camera : HeadCamera
        A camera.
    points : array (keypoint, 3)
        Points of the face in the world [mm].
    jitter : (float, float)
        Shift of the face, as share of the picture.
    leave : int, optional
        How many of the main points may leave the picture.

    Returns
    -------
    HeadCamera
        The same camera with another principal point.
    """
    screen = camera.project(np.nan_to_num(points[:MAIN]))[:, :2]
    width, height = camera.size
    middle = (screen.min(0) + screen.max(0)) / 2
    for shrink in (1.0, 0.75, 0.5, 0.25, 0.0):
        want = np.array([(width - 1) / 2, (height - 1) / 2]) + shrink * np.array(jitter) * [width, height]
        moved = screen + want - middle
        outside = ((moved < 2) | (moved > np.array([width, height]) - 3)).any(1).sum()
        if outside <= leave:
            break
    centre = camera.centre[0] + want[0] - middle[0], camera.centre[1] + want[1] - middle[1]
    return replace(camera, centre=(float(centre[0]), float(centre[1])))
