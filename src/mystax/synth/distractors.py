"""Things that stand about a head-fixed mouse: spouts, bars, paws, wheels, plates, lamps, cables."""

import math
from dataclasses import dataclass

import numpy as np

from mystax.synth.draws import Draw
from mystax.synth.head_mesh import HeadMesh
from mystax.synth.head_parts import PARTS, Surface, make_surface

__all__ = ["draw_distractors", "paw_surfaces", "tube"]

Line = list[np.ndarray]


@dataclass(frozen=True, eq=False)
class Stage:
    """Where things are put: random numbers, the head, the side of the camera (1 left, -1 right)."""

    draw: Draw
    mesh: HeadMesh
    side: int


def tube(points: Line, radii: list[float], part: str, columns: int = 12) -> Surface:
    """Round tube along a line of points with rounded ends."""
    line, radius = np.array(points, float), np.array(radii, float)
    first, last = line[0] - line[1], line[-1] - line[-2]
    first, last = first / np.linalg.norm(first), last / np.linalg.norm(last)
    caps = [(1.0, 0.02), (0.87, 0.5), (0.5, 0.87)]
    ends = [line[0] + radius[0] * a * first for a, _ in caps]
    tips = [line[-1] + radius[-1] * a * last for a, _ in reversed(caps)]
    line = np.concatenate([ends, line, tips])
    radius = np.concatenate(
        [[radius[0] * b for _, b in caps], radius, [radius[-1] * b for _, b in reversed(caps)]]
    )
    ahead = np.gradient(line, axis=0)
    ahead /= np.linalg.norm(ahead, axis=1, keepdims=True)
    across = np.empty_like(ahead)
    guide = np.eye(3)[int(np.argmin(np.abs(ahead[0])))]
    for k, direction in enumerate(ahead):  # carried along, so that the tube is not twisted
        guide = guide - (guide @ direction) * direction
        guide = guide / np.linalg.norm(guide)
        across[k] = guide
    over = np.cross(across, ahead)
    phi = np.arange(columns) * (2 * math.pi / columns)
    ring = np.cos(phi)[None, :, None] * across[:, None] + np.sin(phi)[None, :, None] * over[:, None]
    return make_surface(line[:, None] + radius[:, None, None] * ring, PARTS[part])


def plate(middle: np.ndarray, a: np.ndarray, b: np.ndarray, part: str) -> Surface:
    """Flat plate of half axes a and b, seen from both sides."""
    s = np.linspace(-1, 1, 3)
    grid = middle + s[:, None, None] * a + s[None, :, None] * b
    return make_surface(grid, PARTS[part], wrap=False, both=True)


def paw_surfaces(tip: np.ndarray, root: np.ndarray, draw: Draw, size: float = 1.0) -> list[Surface]:
    """Forearm, palm and four fingers that end near `tip`."""
    reach = tip - root
    reach = reach / np.linalg.norm(reach)
    across = np.cross(reach, np.array([0.3, 0.5, 0.8]) + 0.4 * draw.direction())
    across /= np.linalg.norm(across)
    palm = tip - 0.17 * size * reach
    wrist = palm - 0.14 * size * reach
    bend = 0.5 * (root + wrist) + 0.1 * draw.direction()
    found = [
        tube([root, bend, wrist, palm], [0.17 * size, 0.12 * size, 0.075 * size, 0.085 * size], "paw", 14),
    ]
    for k in range(4):
        spread = (k - 1.5) * 0.055 * size
        long = (0.98 if k in {1, 2} else 0.75) * 0.17 * size
        base = palm + spread * across
        end = palm + 1.5 * spread * across + long * reach + 0.01 * k * np.array([0.0, 0.0, 1.0])
        if k == 1:
            end = tip - 0.02 * reach
        curl = 0.5 * (base + end) + 0.03 * size * np.cross(reach, across)
        found.append(tube([base, curl, end], [0.030 * size, 0.026 * size, 0.02 * size], "paw", 8))
    return found


def spout(stage: Stage) -> list[Surface]:
    """Lick spout before or under the mouth."""
    draw, u = stage.draw, stage.draw.uniform
    mouth = np.array([stage.mesh.shape.mouth[0], 0.0, stage.mesh.shape.mouth[1]])
    tip = mouth + np.array([u(-0.55, 0.05), stage.side * u(-0.12, 0.3), u(-0.4, -0.02)])
    away = np.array([u(-1.0, 0.1), stage.side * u(-0.4, 0.6), u(-1.0, -0.05)])
    away /= np.linalg.norm(away)
    radius = u(0.035, 0.11, floor=0.02)
    found = [tube([tip, tip + 0.8 * away, tip + 4 * away], [radius, radius, radius], "metal")]
    if draw.chance(0.25):
        offset = np.array([0.0, stage.side * u(0.15, 0.3), u(-0.1, 0.1)])
        found.append(
            tube([tip + offset, tip + offset + 0.8 * away, tip + offset + 4 * away], [radius] * 3, "metal")
        )
    return found


def bar(stage: Stage) -> list[Surface]:
    """Head bar with cement on the crown."""
    draw, u = stage.draw, stage.draw.uniform
    x, z = u(1.1, 1.8), stage.mesh.shape.crown + u(-0.02, 0.12)
    top = np.array([x, 0.0, z])
    found = []

    def beside(x: float, y: float, z: float) -> np.ndarray:
        return np.asarray(top + np.array([x, y, z]))

    if draw.chance(0.6):
        wide = u(0.25, 0.6)
        line = [beside(-wide, 0, -0.1), beside(0, 0, 0.02), beside(wide, 0, -0.05)]
        found.append(tube(line, [0.12, u(0.15, 0.4), 0.15], "fixture", 16))
    radius = u(0.04, 0.12)
    if draw.chance(0.5):
        line = [beside(0, -3, 0.1), beside(0, 0, 0.12), beside(0, 3, 0.1)]
        found.append(tube(line, [radius] * 3, "metal"))
    else:
        lean = np.array([u(-0.2, 0.6), stage.side * u(-0.3, 0.5), 1.0])
        found.append(tube([top, top + 0.7 * lean, top + 3 * lean], [radius * 1.3] * 3, "metal"))
    if draw.chance(0.3):
        tilt = np.array([0.0, 1.2, u(-0.2, 0.4)])
        found.append(plate(beside(0.3, 0, 0.3), np.array([0.7, 0.1, 0.0]), tilt, "fixture"))
    return found


def second_paw(stage: Stage) -> list[Surface]:
    """Another forepaw, farther down."""
    draw, u = stage.draw, stage.draw.uniform
    tip = np.array([u(0.2, 1.2), stage.side * u(-0.3, 0.6), u(-1.5, -0.85)])
    return paw_surfaces(tip, tip + np.array([u(0.6, 1.2), 0.1 * stage.side, u(-0.8, 0.1)]), draw, u(0.8, 1.2))


def wheel(stage: Stage) -> list[Surface]:
    """Part of a wheel, ball or treadmill below the animal."""
    draw, u = stage.draw, stage.draw.uniform
    radius, height = u(2.0, 6.0), stage.mesh.shape.chest - u(0.3, 0.9)
    middle = np.array([u(0.8, 2.5), 0.0, height - radius])
    if draw.chance(0.35):
        turn = np.linspace(0, math.pi, 24)
        line = [middle + radius * 0.998 * np.array([-math.cos(t), 0, 0]) for t in turn]
        return [tube(line, [max(radius * math.sin(t), 0.02) for t in turn], "fixture", 48)]
    t = np.linspace(-0.6, 0.6, 40)
    y = np.linspace(-1, 1, 4) * u(0.5, 1.5)
    grid = np.stack(
        [
            np.broadcast_to(middle[0] + radius * np.sin(t)[:, None], (40, 4)),
            np.broadcast_to(y[None], (40, 4)),
            np.broadcast_to(middle[2] + radius * np.cos(t)[:, None], (40, 4)),
        ],
        axis=-1,
    )
    return [make_surface(grid, PARTS["fixture"], wrap=False, both=True)]


def board(stage: Stage) -> list[Surface]:
    """Edge of a monitor, wall or holder beside the animal."""
    draw, u = stage.draw, stage.draw.uniform
    middle = np.array([u(-2.5, 3.0), -stage.side * u(1.0, 4.0), u(-2.0, 1.5)])
    turn = u(-0.6, 0.6)
    a = np.array([math.cos(turn), 0.3 * stage.side, math.sin(turn)]) * u(0.3, 2.5)
    b = np.array([-math.sin(turn), u(-0.5, 0.5), math.cos(turn)]) * u(0.2, 2.0)
    return [plate(middle, a, b, "fixture" if draw.chance(0.8) else "lamp")]


def objective(stage: Stage) -> list[Surface]:
    """Objective or implant above the skull."""
    u = stage.draw.uniform
    foot = np.array([u(1.0, 1.9), 0.2 * stage.side * u(-1, 1), stage.mesh.shape.crown + u(0.1, 0.5)])
    lean = np.array([u(-0.4, 0.4), stage.side * u(-0.3, 0.3), 1.0])
    wide = u(0.3, 0.9)
    return [
        tube(
            [foot, foot + 0.4 * lean, foot + 0.5 * lean, foot + 3 * lean],
            [0.5 * wide, 0.6 * wide, wide, wide],
            "fixture",
            20,
        )
    ]


def lamp(stage: Stage) -> list[Surface]:
    """Place a lamp in the background."""
    draw, u = stage.draw, stage.draw.uniform
    middle = np.array([u(-2.0, 3.0), -stage.side * u(1.5, 4.0), u(-2.0, 2.0)])
    radius = u(0.05, 0.4)
    return [tube([middle, middle + 0.01 * draw.direction()], [radius, radius], "lamp", 16)]


def cable(stage: Stage) -> list[Surface]:
    """Lay a cable or thin rod anywhere near."""
    draw, u = stage.draw, stage.draw.uniform
    start = np.array([u(-1.5, 2.5), stage.side * u(-1.5, 0.8), u(-2.5, 2.5)])
    way, bow = 5 * draw.direction(), 0.8 * draw.direction()
    start[1] -= 0.5 * way[1] if way[1] * stage.side > 0 else 0.0
    line = [start + t * way + (1 - (2 * t - 1) ** 2) * bow for t in np.linspace(0, 1, 12)]
    distance = min(float(np.linalg.norm((p - [0.6, 0.4 * stage.side, -0.1]) * [1, 0.5, 1])) for p in line)
    if distance < 0.8 and not draw.chance(0.2):
        return []
    return [tube(line, [u(0.015, 0.08)] * 12, "fixture" if draw.chance(0.6) else "metal", 8)]


def holder(stage: Stage) -> list[Surface]:
    """Half-tube about the body, seen from outside and inside."""
    u = stage.draw.uniform
    x, radius = u(1.2, 2.2), u(1.0, 1.5)
    phi = np.linspace(-2.6, 2.6, 28) + math.pi
    rows = np.array([x, x + 0.05, 6.0])
    grid = np.stack(
        [
            np.broadcast_to(rows[:, None], (3, 28)),
            np.broadcast_to(radius * np.sin(phi)[None], (3, 28)),
            np.broadcast_to(radius * np.cos(phi)[None] - 0.35, (3, 28)),
        ],
        axis=-1,
    )
    return [make_surface(grid, PARTS["fixture"], wrap=False, both=True)]


HIDING = 0.16
"""How often a thing is put right before a point."""
KINDS = {
    "spout": (spout, 0.38),
    "bar": (bar, 0.35),
    "second_paw": (second_paw, 0.12),
    "wheel": (wheel, 0.22),
    "board": (board, 0.3),
    "objective": (objective, 0.1),
    "lamp": (lamp, 0.1),
    "cable": (cable, 0.15),
}


def cover(draw: Draw, points: np.ndarray, eyepoint: np.ndarray) -> list[Surface]:
    """Put a paw or a rod right before one of some points, as seen from a place."""
    target = points[int(draw.generator.integers(len(points)))]
    away = eyepoint - target
    away /= np.linalg.norm(away)
    spot = target + draw.uniform(0.12, 0.4) * away + 0.06 * draw.direction()
    if draw.chance(0.6):
        root = spot + np.array([draw.uniform(-0.3, 0.9), 0.0, draw.uniform(-1.2, -0.5)]) + 0.3 * away
        tip = spot + 0.12 * (spot - root) / np.linalg.norm(spot - root)
        return paw_surfaces(tip, root, draw, draw.uniform(0.8, 1.2))
    way = draw.direction()
    way -= (way @ away) * away
    way /= np.linalg.norm(way)
    start = -0.05 if draw.chance(0.5) else -4.0
    radius = draw.uniform(0.03, 0.1, floor=0.02)
    return [
        tube([spot + start * way, spot + 4 * way], [radius] * 2, "metal" if draw.chance(0.5) else "fixture")
    ]


def draw_distractors(
    draw: Draw, mesh: HeadMesh, side: int, points: np.ndarray, eyepoint: np.ndarray
) -> list[Surface]:
    """Draw what stands about the head.

    Parameters
    ----------
    draw : Draw
        Random numbers.
    mesh : HeadMesh
        The head.
    side : int
        Side of the camera, 1 left or -1.
    points : array (point, 3)
        Points of the face, one of which is hidden now and then.
    eyepoint : array (3,)
        Place of the camera.

    Returns
    -------
    list of Surface
        Things in units of the head, in its frame.
    """
    stage = Stage(draw, mesh, side)
    found: list[Surface] = []
    for make, probability in KINDS.values():
        if draw.chance(probability):
            found += make(stage)
    if draw.chance(HIDING):
        found += cover(draw, points, eyepoint)
    if draw.shifted and draw.chance(0.3):
        found += holder(stage)
    return found
