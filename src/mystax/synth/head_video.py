"""Videos of rendered mouse faces, by one camera or a calibrated rig, with exact truth."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property

import numpy as np

from mystax.core.typing import Float64, Shaped, UInt8
from mystax.errors import ParameterError
from mystax.synth.distractors import paw_surfaces
from mystax.synth.draws import Draw, Typical
from mystax.synth.fur import root_hairs
from mystax.synth.head_mesh import KEYPOINTS, build_head
from mystax.synth.head_render import render_scene
from mystax.synth.head_scene import HeadScene, draw_head_scene
from mystax.synth.head_script import HeadScript, Traces, express, pose_at
from mystax.synth.head_truth import Slips, eye_ellipses, in_world, place_keypoints
from mystax.synth.head_view import FOCUS, HeadCamera, draw_lights, look_at
from mystax.synth.optics import codes_of
from mystax.synth.rendered import RenderedSource

__all__ = ["HeadVideo", "VideoTruth", "face_camera", "render_video"]

QUICK_STRANDS = 3000
MIDDLE = FOCUS + np.array([0.1, 0.0, 0.0])
"""Where a face camera looks, in units of the head."""


@dataclass(frozen=True, eq=False)
class VideoTruth:
    """What is true in each frame of a video.

    Attributes
    ----------
    times : array (time,)
        Times of the frames [s].
    xy : array (time, keypoint, 2)
        Places in the picture [px]; NaN where a part is not there.
    xyz : array (time, keypoint, 3)
        Places in the world [mm].
    pupil, lids : array (time, 5)
        Ellipses: x, y, half axes [px], angle [rad].
    traces : Traces
        What the script does.
    """

    times: Float64[np.ndarray, " time"]
    xy: Float64[np.ndarray, "time keypoint 2"]
    xyz: Float64[np.ndarray, "time keypoint 3"]
    pupil: Float64[np.ndarray, "time 5"]
    lids: Float64[np.ndarray, "time 5"]
    traces: Traces


def face_camera(
    size: tuple[int, int] = (320, 240),
    *,
    azimuth: float = 5.0,
    elevation: float = 5.0,
    roll: float = 0.0,
    side: int = 1,
    share: float = 0.45,
    distance: float = 150.0,
    length: float = 12.75,
) -> HeadCamera:
    """Return a camera that sees a face from the side.

    Parameters
    ----------
    size : tuple of int, optional
        Width and height [px].
    azimuth, elevation, roll : float, optional
        0 is the profile, positive towards the front; height; turn about the line of sight [degrees].
    side : int, optional
        1 from the left, -1 from the right.
    share : float, optional
        Eye to nose tip as share of the picture's height.
    distance : float, optional
        From the face [mm].
    length : float, optional
        Nose tip to eye of the animal [mm].

    Returns
    -------
    HeadCamera
        The camera.

    Raises
    ------
    ParameterError
        P401, if the side is neither 1 nor -1.
    """
    if side not in {1, -1}:
        raise ParameterError("P401", "parameter 'side'", expected="1 (left) or -1 (right)", got=str(side))
    turn = np.radians([azimuth, elevation, roll])
    rotation, translation = look_at(turn[0], turn[1], turn[2], side, MIDDLE * length, distance)
    middle = (size[0] - 1) / 2, (size[1] - 1) / 2
    return HeadCamera(rotation, translation, share * size[1] * distance / length, middle, size)


class HeadVideo:
    """A video whose frames are rendered when they are asked for.

    Parameters
    ----------
    scene : HeadScene
        Animal, lights and camera.
    script : HeadScript
        What the animal does.
    times : array (time,)
        Times of the frames [s].
    rate : Fraction
        Frames per second.
    quick : bool
        Without oversampling and with fewer hairs: several times faster.
    workers : int
        Threads that render ahead.
    bits : int
        Depth of the frames.
    """

    def __init__(
        self,
        scene: HeadScene,
        script: HeadScript,
        times: Float64[np.ndarray, " time"],
        rate: Fraction,
        *,
        quick: bool = False,
        workers: int = 1,
        bits: int = 8,
    ) -> None:
        self.script, self.times, self.rate, self.bits = script, times, rate, bits
        self.quick, self.workers = quick, workers
        self._traces = script.traces(times)
        optics = scene.optics
        if optics.exposure <= 0:
            first = render_scene(self._posed(scene, 0), 1, QUICK_STRANDS)
            optics = replace(optics, exposure=first.exposure)
        self.scene = replace(scene, optics=optics, roots=hairs_of(scene, quick=quick))

    @property
    def camera(self) -> HeadCamera:
        """The camera."""
        return self.scene.camera

    def __len__(self) -> int:
        """Return the number of frames."""
        return len(self.times)

    def _posed(self, scene: HeadScene, k: int) -> HeadScene:
        """Scene of one frame."""
        expression = express(scene.expression, self._traces, k, scene.side)
        things = scene.distractors
        if expression.paw is not None and expression.paw != scene.expression.paw:
            tip = np.array(expression.paw)
            root = np.array([0.9, 0.3 * scene.side, -1.4])
            things = (*things, *paw_surfaces(tip, root, Draw((self.script.seed, 0x9A))))
        return replace(
            scene,
            expression=expression,
            pose=pose_at(self._traces, k, scene.shape.length),
            distractors=things,
            noise=k + 1,
        )

    def frame(self, k: int) -> Shaped[np.ndarray, "y x"]:
        """Render one frame; uint16 where the video has more than 8 bits."""
        made = render_scene(
            self._posed(self.scene, k), 1 if self.quick else 2, QUICK_STRANDS if self.quick else None
        )
        return codes_of(made.grey, self.bits)

    def states(self, k: int) -> UInt8[np.ndarray, " keypoint"]:
        """State of the points in one frame: 0 absent, 1 invisible, 2 placed."""
        return render_scene(self._posed(self.scene, k), 1, 0).state

    def frames(self, start: int = 0, stop: int | None = None) -> list[Shaped[np.ndarray, "y x"]]:
        """Render some frames, by several threads where asked for; the frames do not depend on it."""
        numbers = range(start, len(self) if stop is None else min(stop, len(self)))
        if self.workers <= 1:
            return [self.frame(k) for k in numbers]
        with ThreadPoolExecutor(self.workers) as pool:
            return list(pool.map(self.frame, numbers))

    @cached_property
    def truth(self) -> VideoTruth:
        """What is true in each frame."""
        xyz, pupils, lids = [], [], []
        for k in range(len(self)):
            scene = self._posed(self.scene, k)
            mesh = build_head(scene.shape, scene.expression)
            points = place_keypoints(mesh, scene.side, scene.slips)
            xyz.append(in_world(points, scene.shape.length, scene.pose))
            ellipses = eye_ellipses(mesh, scene.side, scene.camera, scene.pose)
            pupils.append(ellipses[0])
            lids.append(ellipses[1])
        places = np.array(xyz)
        xy = self.camera.project(places)[..., :2]
        return VideoTruth(self.times, xy, places, np.array(pupils), np.array(lids), self._traces)

    @property
    def source(self) -> RenderedSource:
        """The frames as a `FrameSource` with even times."""
        width, height = self.camera.size
        name = f"head 1 script {self.script} scene {self.scene.seed} quick {self.quick} {width}x{height}"
        name += f" {self.bits} bits" if self.bits > 8 else ""
        return RenderedSource(self.frame, (height, width), len(self), self.rate, name, bits=self.bits)


def render_video(
    script: HeadScript,
    camera: HeadCamera | None = None,
    fps: float | Fraction = 100.0,
    seconds: float = 5.0,
    *,
    individual: int | None = None,
    quick: bool = False,
    workers: int = 1,
    bits: int = 8,
) -> HeadVideo:
    """Film a rendered mouse.

    Parameters
    ----------
    script : HeadScript
        What it does.
    camera : HeadCamera, optional
        Where it is seen from; by default from the left, 320 x 240.
    fps : float, optional
        Frames per second.
    seconds : float, optional
        Length [s].
    individual : int, optional
        Which animal, light and things about it; by default the typical animal with nothing about it.
    quick : bool, optional
        Without oversampling and with fewer hairs.
    workers : int, optional
        Threads of `HeadVideo.frames`.
    bits : int, optional
        Depth of the frames, 8 to 16; more than 8 are given as uint16.

    Returns
    -------
    HeadVideo
        Frames on demand, and truth.

    Examples
    --------
    >>> video = render_video(HeadScript(1), face_camera((64, 48)), fps=50, seconds=0.1, quick=True)
    >>> len(video), video.frame(2).shape, video.truth.xy.shape
    (5, (48, 64), (5, 22, 2))
    """
    rate = Fraction(fps).limit_denominator(100_000)
    times = np.arange(max(round(seconds * float(rate)), 1)) / float(rate)
    seen = camera or face_camera()
    draw = Typical(7) if individual is None else Draw((individual, 0xF11))
    scene = video_scene(draw, seen)
    return HeadVideo(scene, script, times, rate, quick=quick, workers=workers, bits=bits)


def hairs_of(scene: HeadScene, *, quick: bool) -> tuple[np.ndarray, np.ndarray]:
    """Places of the hairs of skin and jaw, about as many in the picture as a single one has."""
    mesh = build_head(scene.shape, scene.expression)
    count = QUICK_STRANDS if quick else scene.coat.strands
    last = int(np.searchsorted(mesh.skin.points[:, 32, 0], 2.6))
    return (
        root_hairs(mesh.skin.points, 3 * count, (16, min(last, 150)), scene.seed),
        root_hairs(mesh.surfaces[1].points, count // 3, (1, 30), scene.seed),
    )


def video_scene(draw: Draw, camera: HeadCamera) -> HeadScene:
    """Scene for a camera that stands where it stands: calm face, exact labels, light from its side."""
    scene = draw_head_scene(draw, camera.size[1])
    side = 1 if camera.position[1] >= 0 else -1
    rest = replace(scene.expression, lids=1.0, jaw=0.0, tongue=0.0, paw=None, gaze=(0.0, 0.0))
    return replace(
        scene,
        camera=camera,
        side=side,
        expression=rest,
        lights=draw_lights(draw, camera, side, scene.shape.length),
        distractors=(),
        slips=Slips(np.zeros((len(KEYPOINTS), 2)), contour=False),
        mesh=None,
        points=None,
    )
