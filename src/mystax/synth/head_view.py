"""Cameras and lights about a synthetic head."""

import math
from dataclasses import dataclass

import numpy as np

from mystax.core.typing import Float64
from mystax.synth.draws import Draw
from mystax.synth.kernels.head import project_points

__all__ = ["HeadCamera", "Lights", "Pose", "draw_camera", "draw_lights", "look_at"]

FOCUS = np.array([0.6, 0.0, -0.12])
"""Middle of a face, in units of the head."""


@dataclass(frozen=True, eq=False)
class HeadCamera:
    """A pinhole camera with radial distortion; pixel centres are whole numbers.

    Attributes
    ----------
    rotation : array (3, 3)
        Rows: the camera's right, down and forward in the world.
    translation : array (3,)
        Camera coordinates of the world's origin [mm].
    focal : float
        Focal length [px].
    centre : (float, float)
        Principal point x, y [px].
    size : (int, int)
        Width, height [px].
    distortion : (float, float)
        k1, k2.
    """

    rotation: Float64[np.ndarray, "3 3"]
    translation: Float64[np.ndarray, " 3"]
    focal: float
    centre: tuple[float, float]
    size: tuple[int, int]
    distortion: tuple[float, float] = (0.0, 0.0)

    @property
    def matrix(self) -> Float64[np.ndarray, "3 3"]:
        """Camera matrix K."""
        (cx, cy), f = self.centre, self.focal
        return np.array([[f, 0.0, cx], [0.0, f, cy], [0.0, 0.0, 1.0]])

    @property
    def position(self) -> Float64[np.ndarray, " 3"]:
        """Place of the camera in the world [mm]."""
        return np.asarray(-self.rotation.T @ self.translation)

    def project(self, points: np.ndarray) -> Float64[np.ndarray, "*place 3"]:
        """Project points of the world [mm]: x, y [px] and depth [mm]."""
        flat = np.ascontiguousarray(points, np.float64).reshape(-1, 3)
        out = np.empty_like(flat)
        project_points(flat, self.rotation, self.translation, self.lens(1), out)
        return out.reshape(np.shape(points))

    def lens(self, oversampling: int) -> Float64[np.ndarray, " 6"]:
        """Focal length, centre and distortion in a finer grid of pixels, for compiled loops."""
        k, (cx, cy) = oversampling, self.centre
        middle = k * (cx + 0.5) - 0.5, k * (cy + 0.5) - 0.5
        return np.array([k * self.focal, *middle, *self.distortion, self.fold])

    @property
    def fold(self) -> float:
        """Square of the normalised radius from where on the distortion would turn the picture back."""
        k1, k2 = self.distortion
        squares = np.linspace(0.0, 4.0, 401)
        turned = 1 + 3 * k1 * squares + 5 * k2 * squares**2 < 0.2
        return float(squares[np.argmax(turned)]) if turned.any() else 4.0


@dataclass(frozen=True, eq=False)
class Pose:
    """Place of the head in the world: world = rotation @ head + translation [mm]."""

    rotation: Float64[np.ndarray, "3 3"]
    translation: Float64[np.ndarray, " 3"]

    @staticmethod
    def still() -> "Pose":
        """Head frame and world are the same."""
        return Pose(np.eye(3), np.zeros(3))


@dataclass(frozen=True, eq=False)
class Lights:
    """Lamps about a head, in units of the head, in the world's frame.

    Attributes
    ----------
    lamps : array (lamp, 5)
        x, y, z, strength (light at distance 1), size of the mirror image; the first is the key light.
    ambient : array (4,)
        Strength and direction it comes from.
    shadow : bool
        Whether the key light casts shadows.
    """

    lamps: Float64[np.ndarray, "lamp 5"]
    ambient: Float64[np.ndarray, " 4"]
    shadow: bool


def look_at(
    azimuth: float, elevation: float, roll: float, side: int, focus: np.ndarray, distance: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return rotation (3, 3) and translation (3,) of a camera that looks at a place from one side.

    Parameters
    ----------
    azimuth : float
        0 sees the profile, positive towards the front [rad].
    elevation, roll : float
        Height above the horizontal plane, turn about the line of sight [rad].
    side : int
        1 from the left, -1 from the right.
    focus : array (3,)
        Place in the middle of the view.
    distance : float
        Distance from there, in its unit.

    Returns
    -------
    rotation, translation
        As in `HeadCamera`.
    """
    ca, sa, ce, se = math.cos(azimuth), math.sin(azimuth), math.cos(elevation), math.sin(elevation)
    away = np.array([-sa * ce, side * ca * ce, se])
    forward = -away
    right = np.cross(forward, np.array([0.0, 0.0, 1.0]))
    right /= np.linalg.norm(right)
    down = np.cross(forward, right)
    c, s = math.cos(roll), math.sin(roll)
    rotation = np.stack([c * right + s * down, -s * right + c * down, forward])
    return rotation, np.asarray(-rotation @ (focus + distance * away))


def draw_camera(draw: Draw, size: int, length: float) -> tuple[HeadCamera, int]:
    """Draw a camera and the side it looks from, for a face in the middle of a square picture.

    Parameters
    ----------
    draw : Draw
        Random numbers.
    size : int
        Side of the picture [px].
    length : float
        Nose tip to eye centre [mm].

    Returns
    -------
    camera, side
        The camera still needs its crop; see `mystax.synth.head_truth.frame_face`.
    """
    u = draw.uniform
    side = 1 if draw.chance(0.5) else -1
    azimuth = u(-20, 35) if draw.chance(0.72) else u(-35, 65)
    elevation = u(-15, 25) if draw.chance(0.75) else u(-30, 45)
    roll = math.radians(u(-22, 22) + side * -1 * u(-12, 26))
    distance = max(draw.log_uniform(40, 400), 4.2 * length)
    rotation, translation = look_at(
        math.radians(azimuth), math.radians(elevation), roll, side, FOCUS * length, distance
    )
    across = rotation[:2] @ np.array([1.0, 0.42 * side, 0.0])
    seen = max(float(np.hypot(*across)), 0.5) * length
    scale = u(0.25, 0.65) if draw.chance(0.8) else u(0.12, 0.70, floor=0.1)
    focal = scale * size * distance / seen
    bend = (draw.normal(0.03), draw.normal(0.01)) if draw.chance(0.3) else (0.0, 0.0)
    spread = size / focal  # distortion is told for the edge of the picture
    distortion = (4 * bend[0] / spread**2, 16 * bend[1] / spread**4) if any(bend) else (0.0, 0.0)
    centre = ((size - 1) / 2, (size - 1) / 2)
    return HeadCamera(rotation, translation, focal, centre, (size, size), distortion), side


LAYOUTS = {"camera": 0.3, "front": 0.22, "above": 0.16, "any": 0.22, "snout": 0.1}
HELD_OUT_LAYOUT = "behind"


def draw_lights(draw: Draw, camera: HeadCamera, side: int, length: float) -> Lights:
    """Draw one to four lamps and ambient light."""
    u = draw.uniform
    layout = draw.family(LAYOUTS, HELD_OUT_LAYOUT)
    away = -camera.rotation[2]
    spots = {
        "camera": away + 0.45 * draw.direction(),
        "front": np.array([-0.9, 0.5 * side, 0.1]) + 0.5 * draw.direction(),
        "above": np.array([0.0, 0.4 * side, 1.0]) + 0.5 * draw.direction(),
        "any": draw.direction() + 0.7 * away,
        "snout": np.array([-0.8, 0.7 * side, -0.2]) + 0.5 * draw.direction(),
        "behind": np.array([0.6, -0.8 * side, 0.5]) + 0.4 * draw.direction(),
    }
    lamps = []
    for k in range(1 + int(3.6 * u(0, 1, floor=0, ceiling=0.99) ** 2)):
        toward = spots[layout] if k == 0 else draw.direction() + (0.3 if k == 1 else 0.0) * away
        toward = toward / np.linalg.norm(toward)
        near = layout == "snout" and k == 0
        distance = u(0.7, 1.6) if near else draw.log_uniform(15, 250) / length + 0.8
        focus = np.array([0.15, 0.0, -0.15]) if near else FOCUS
        strength = (1.0 if k == 0 else draw.log_uniform(0.08, 0.9)) * distance**2
        lamps.append([*(focus + distance * toward), strength, draw.log_uniform(0.6, 2.0)])
    ambient = 1 / draw.log_uniform(1.0, 30)
    up = draw.direction() + np.array([0.0, 0.0, 0.8]) + 0.5 * away
    up /= np.linalg.norm(up)
    return Lights(np.array(lamps), np.array([ambient * u(0.6, 1.6), *up]), draw.chance(0.6))
