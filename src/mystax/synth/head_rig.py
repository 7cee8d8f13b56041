"""Several calibrated cameras about one rendered head, with places in space known for both sides."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property

import numpy as np

from mystax.core.keypoint_sides import MIDLINE
from mystax.core.typing import Float64
from mystax.errors import ParameterError
from mystax.synth.draws import Draw
from mystax.synth.head_mesh import KEYPOINTS, build_head
from mystax.synth.head_script import HeadScript, express, pose_at
from mystax.synth.head_truth import in_world, place_keypoints
from mystax.synth.head_video import HeadVideo, face_camera, video_scene
from mystax.synth.head_view import HeadCamera
from mystax.synth.optics import draw_optics

__all__ = ["RIG_KEYPOINTS", "HeadRig", "render_rig", "rotation_vector", "seen_name"]

RIG_KEYPOINTS = tuple(
    name if name in MIDLINE else f"{side}.{name}"
    for side in ("left", "right")
    for name in KEYPOINTS
    if side == "left" or name not in MIDLINE
)
"""Anatomical names of a rig's points: left ones and those of the midline, then right ones."""
MAX_CAMERAS = 6


def seen_name(name: str, side: int) -> str:
    """Give the anatomical name of a point that a camera of one side (1 left, -1 right) calls by `name`."""
    return name if name in MIDLINE else f"{'left' if side == 1 else 'right'}.{name}"


def rotation_vector(rotation: Float64[np.ndarray, "3 3"]) -> Float64[np.ndarray, " 3"]:
    """Axis times angle [rad] of a rotation matrix."""
    cosine = min(max((float(np.trace(rotation)) - 1) / 2, -1.0), 1.0)
    angle = math.acos(cosine)
    twist = np.array(
        [rotation[2, 1] - rotation[1, 2], rotation[0, 2] - rotation[2, 0], rotation[1, 0] - rotation[0, 1]]
    )
    if angle < 1e-9:
        return np.zeros(3)
    if angle > math.pi - 1e-5:  # the twist vanishes: take the axis from the symmetric part
        _, axes = np.linalg.eigh(rotation + rotation.T)
        axis = axes[:, 2]
        return np.asarray(angle * axis * (1.0 if axis @ twist >= 0 else -1.0))
    return np.asarray(angle * twist / (2 * math.sin(angle)))


@dataclass(frozen=True, eq=False)
class HeadRig:
    """A rig's videos and truth.

    Attributes
    ----------
    videos : mapping
        Name of the camera to its `HeadVideo`, whose times are those of the session.
    offsets : mapping
        Name of the camera to how late its clock is: its own time is the session's minus this [s].
    """

    videos: Mapping[str, HeadVideo]
    offsets: Mapping[str, float]

    @property
    def cameras(self) -> dict[str, HeadCamera]:
        """The cameras by name."""
        return {name: video.camera for name, video in self.videos.items()}

    def xyz(self, times: Float64[np.ndarray, " time"]) -> Float64[np.ndarray, "time keypoint 3"]:
        """Places of `RIG_KEYPOINTS` in the rig's frame at any times [mm]; NaN where a part is not there."""
        video = next(iter(self.videos.values()))
        traces, rest = video.script.traces(times), video.scene
        found = np.full((len(times), len(RIG_KEYPOINTS), 3), np.nan)
        number = {name: k for k, name in enumerate(RIG_KEYPOINTS)}
        for k in range(len(times)):
            expression = express(rest.expression, traces, k, rest.side)
            mesh = build_head(rest.shape, expression)
            pose = pose_at(traces, k, rest.shape.length)
            for side in (1, -1):
                points = in_world(place_keypoints(mesh, side, rest.slips), rest.shape.length, pose)
                for point, name in zip(points, KEYPOINTS, strict=True):
                    found[k, number[seen_name(name, side)]] = point
        return found

    @cached_property
    def truth(self) -> dict[str, Float64[np.ndarray, "time keypoint 3"]]:
        """Places of `RIG_KEYPOINTS` at the times of each camera's frames [mm]."""
        return {name: self.xyz(video.times) for name, video in self.videos.items()}

    def calibration(self) -> str:
        """Return the text of the calibration file (Anipose's layout, millimetres)."""
        lines = []
        for number, (name, camera) in enumerate(self.cameras.items()):
            k1, k2 = camera.distortion
            lines += [
                f"[cam_{number}]",
                f'name = "{name}"',
                f"size = [{camera.size[0]}, {camera.size[1]}]",
                f"matrix = {_numbers(camera.matrix)}",
                f"distortions = {_numbers(np.array([k1, k2, 0.0, 0.0, 0.0]))}",
                f"rotation = {_numbers(rotation_vector(camera.rotation))}",
                f"translation = {_numbers(camera.translation)}",
                "",
            ]
        lines += ["[metadata]", 'format = "mystax-rig-1"', 'unit = "mm"', "adjusted = false", ""]
        return "\n".join(lines)


def _numbers(values: np.ndarray) -> str:
    """Write an array as TOML, so that it is read back exactly."""
    if values.ndim == 1:
        return "[" + ", ".join(repr(float(value)) for value in values) + "]"
    return "[" + ", ".join(_numbers(row) for row in values) + "]"


def render_rig(
    script: HeadScript,
    n_cameras: int = 3,
    fps: float | Fraction = 100.0,
    seconds: float = 5.0,
    *,
    seed: int = 0,
    size: tuple[int, int] = (320, 240),
    both: bool = False,
    offset: float = 0.0,
    drop: float = 0.0,
    quick: bool = False,
    workers: int = 1,
) -> HeadRig:
    """Film a rendered mouse by a calibrated rig.

    Parameters
    ----------
    script : HeadScript
        What the mouse does.
    n_cameras : int, optional
        2 to 6.
    fps : float, optional
        Frames per second of the first camera; where `offset` is given the others are up to 2 % slower.
    seconds : float, optional
        Length [s].
    seed : int, optional
        Which animal, cameras and lights.
    size : tuple of int, optional
        Width and height of the pictures [px].
    both : bool, optional
        Whether every second camera looks from the right.
    offset : float, optional
        Largest lateness of a camera's clock [s], at most 0.03.
    drop : float, optional
        Share of frames that are lost.
    quick : bool, optional
        As in `render_video`.
    workers : int, optional
        Threads of `HeadVideo.frames`.

    Returns
    -------
    HeadRig
        Videos and truth.

    Raises
    ------
    ParameterError
        P401, for a number of cameras outside 2..6, a clock offset above 0.03 s or a share of lost frames
        outside 0..0.5.
    """
    _check("n_cameras", n_cameras, 2, MAX_CAMERAS)
    _check("offset", offset, 0, 0.03)
    _check("drop", drop, 0, 0.5)
    draw = Draw((seed, 0x816))
    base = video_scene(draw, face_camera(size, length=12.75))
    videos, offsets = {}, {}
    step = draw.uniform(20, 45)
    for k in range(n_cameras):
        side = -1 if both and k % 2 else 1
        rank = k // 2 if both else k
        count = (n_cameras + 1) // 2 if both else n_cameras
        camera = face_camera(
            size,
            azimuth=10 + step * (rank - (count - 1) / 2) + draw.uniform(-3, 3),
            elevation=draw.uniform(-15, 25),
            roll=draw.uniform(-6, 6),
            side=side,
            share=draw.uniform(0.38, 0.46),
            distance=draw.uniform(120, 250),
            length=base.shape.length,
        )
        rate = Fraction(fps).limit_denominator(100_000) * (1 - (Fraction(k, 250) if offset else 0))
        late = draw.uniform(0, offset) if k else 0.0
        times = late + np.arange(max(round(seconds * float(rate)), 1)) / float(rate)
        kept = draw.generator.random(len(times)) >= drop
        kept[0] = True
        seen = video_scene(Draw((seed, 0x817, k)), camera)
        scene = replace(
            base,
            camera=camera,
            side=side,
            lights=seen.lights,
            backdrop=seen.backdrop,
            optics=replace(draw_optics(Draw((seed, 0x818, k))), motion=(0.0, 0.0)),
            seed=base.seed + k,
        )
        name = f"{'left' if side == 1 else 'right'}{rank + 1}"
        videos[name] = HeadVideo(scene, script, times[kept], rate, quick=quick, workers=workers)
        offsets[name] = late
    return HeadRig(videos, offsets)


def _check(name: str, value: float, low: float, high: float) -> None:
    """Refuse a value outside its range."""
    if not low <= value <= high:
        raise ParameterError(
            "P401",
            f"parameter {name!r} of 'render_rig'",
            expected=f"{low} <= {name} <= {high}",
            got=str(value),
        )
