"""One camera's view of a synthetic scene: the truth in its pixels, and the picture of any frame."""

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from mystax.core.typing import Float32, Float64, UInt8
from mystax.synth.eye import Eye, paint_eye
from mystax.synth.face import Face
from mystax.synth.kernels.scene import draw_hairs, expose, move_picture, paste_texture

__all__ = ["CameraTruth", "View", "frame_key"]

NOISE = 3.0
MAX_SPEED = 240.0
"""Fastest movement of the running surface [px of the 320 x 240 picture per second]."""
WOBBLE = 2.0
SWAY = (1.2, 0.8)
SNIFF = 0.5
PAD_REACH = (2.2, 1.2)
GAZE = (2.6, 1.6)
WHISK = 0.45
HAIR_POINTS = 9
HAIR_WIDTH = 0.9
EYE_MARGIN = 4

Motion = Mapping[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class CameraTruth:
    """What is true in the frames of one camera, in its pixels.

    Attributes
    ----------
    pupil_radius : array (time,)
        Radius of the pupil [px], seen or not.
    pupil_centre : array (time, space)
        Centre of the pupil [px].
    openness : array (time,)
        Height of the eye's opening over that of the open eye, 0..1.
    wheel_shift : array (time, space)
        Movement of the running surface since the frame before [px]; NaN in the first frame.
    head_shift : array (time, space)
        Movement of the head since the frame before [px]; NaN in the first frame.
    pad_place : array (time, space)
        Place of the whisker pad relative to its place at rest [px].
    whisker_angle : array (time,)
        Angle of all whiskers relative to rest [rad].
    """

    pupil_radius: Float64[np.ndarray, " time"]
    pupil_centre: Float64[np.ndarray, "time space"]
    openness: Float64[np.ndarray, " time"]
    wheel_shift: Float64[np.ndarray, "time space"]
    head_shift: Float64[np.ndarray, "time space"]
    pad_place: Float64[np.ndarray, "time space"]
    whisker_angle: Float64[np.ndarray, " time"]

    @property
    def pupil_area(self) -> Float64[np.ndarray, " time"]:
        """Area of the pupil [px2]."""
        return np.asarray(math.pi * self.pupil_radius**2)

    @property
    def pupil_diameter(self) -> Float64[np.ndarray, " time"]:
        """Diameter of the pupil [px]."""
        return 2 * self.pupil_radius


def frame_key(*numbers: int) -> np.uint64:
    """Return the start of a frame's sensor noise from numbers such as (seed, camera, frame)."""
    text = ",".join(str(number) for number in numbers)
    return np.uint64(int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little"))


class View:
    """What one camera sees of a scene.

    Parameters
    ----------
    face : Face
        What does not change.
    motion : mapping
        Traces of the behaviour at all frames: distance, wobble, pupil, gaze, openness, whisk, sniff,
        sway, light.
    seed : tuple of int
        Start of the sensor noise: (seed of the scene, number of the camera).
    """

    def __init__(self, face: Face, motion: Motion, seed: tuple[int, int]) -> None:
        self.face, self._seed = face, seed
        nose = np.array([face.forward, 1.0]) * face.scale
        self._light = motion["light"]
        self._head = (motion["sway"] * SWAY + np.array([0.0, SNIFF]) * motion["sniff"][:, None]) * nose
        self._pad = motion["whisk"][:, None] * np.array(PAD_REACH) * nose
        # The surface moves away from the nose as the animal runs forward.
        self._wheel = np.stack([-motion["distance"] * MAX_SPEED, WOBBLE * motion["wobble"]], axis=1) * nose
        first = np.full((1, 2), np.nan)[: len(self._head)]
        self.truth = CameraTruth(
            face.eye.radius * motion["pupil"],
            np.array(face.eye.centre) + self._head + motion["gaze"] * GAZE * nose,
            motion["openness"],
            np.concatenate([first, np.diff(self._wheel, axis=0)]),
            np.concatenate([first, np.diff(self._head, axis=0)]),
            self._head + self._pad,
            face.forward * WHISK * motion["whisk"],
        )

    def eye(self, frame: int) -> Eye:
        """Return the eye in one frame, in pixels of the camera."""
        (x, y), truth = self._head[frame].tolist(), self.truth
        cx, cy = truth.pupil_centre[frame].tolist()
        return replace(
            self.face.eye.at(x, y),
            centre=(cx, cy),
            radius=float(truth.pupil_radius[frame]),
            openness=float(truth.openness[frame]),
        )

    def picture(self, frame: int) -> Float32[np.ndarray, "y x"]:
        """Return what the camera sees, before optics, light and sensor noise [grey level]."""
        face = self.face
        picture = np.empty(face.canvas.shape, np.float32)
        move_picture(face.canvas, face.head, self._head[frame], face.pad, self._pad[frame], picture)
        self._draw_eye(picture, self.eye(frame))
        x, y = self._wheel[frame].tolist()
        paste_texture(face.wheel, x, y, face.wheel_cover, 0, face.wheel_top, picture)
        draw_hairs(self._whiskers(frame), HAIR_WIDTH * face.scale, face.greys, face.strengths, picture)
        return picture

    def _draw_eye(self, picture: Float32[np.ndarray, "y x"], eye: Eye) -> None:
        """Paint the eye over the fur in its place."""
        cx, cy, rx, ry = eye.opening
        x0, y0 = max(0, int(cx - rx) - EYE_MARGIN), max(0, int(cy - ry) - EYE_MARGIN)
        part = picture[y0 : int(cy + ry) + EYE_MARGIN, x0 : int(cx + rx) + EYE_MARGIN]
        local = eye.at(-x0, -y0, (part.shape[0], part.shape[1]))
        part[...] = paint_eye(local, part.astype(np.float64), blur=False)

    def _whiskers(self, frame: int) -> Float64[np.ndarray, "hair point space"]:
        """Points along the whiskers: each a bent line from its root in the moving pad."""
        face = self.face
        share = np.linspace(0.0, 1.0, HAIR_POINTS)
        turn = (face.angles + self.truth.whisker_angle[frame])[:, None] + face.bends[:, None] * share
        steps = np.stack([np.cos(turn), np.sin(turn)], axis=2)
        steps *= (face.lengths / (HAIR_POINTS - 1))[:, None, None]
        steps[:, 0] = face.roots + self.truth.pad_place[frame]
        return np.asarray(np.cumsum(steps, axis=1))

    def render(self, frame: int) -> UInt8[np.ndarray, "y x"]:
        """Take the picture of one frame."""
        picture = self.picture(frame)
        taken = np.empty(picture.shape, np.uint8)
        key = frame_key(*self._seed, frame)
        expose(picture, float(self._light[frame]), key, NOISE, True, taken)
        return taken
