"""A synthetic recording of a mouse's face by several cameras, with exact truth; frames are made on demand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np

from mystax.core.geometry import Ellipse, Rectangle, Roi
from mystax.core.recording import Camera, Recording
from mystax.core.typing import Float64
from mystax.errors import ParameterError, RecipeError, nearest
from mystax.synth.behaviour import Behaviour
from mystax.synth.face import HEAD, MIN_SIZE, PAD, PAD_RADIUS, WHEEL, make_face, place_box
from mystax.synth.rendered import RenderedSource
from mystax.synth.view import CameraTruth, View

__all__ = ["Scene", "SceneTruth"]


@dataclass(frozen=True, eq=False)
class SceneTruth:
    """What is true in a scene.

    Attributes
    ----------
    cameras : mapping
        Name of the camera to `CameraTruth`.
    times : array (time,)
        Times of the frames [s].
    blink_start, blink_stop : array (blink,)
        When the lids pass half-way, down and up [s]; the same in all cameras.
    speed : array (time,)
        Running speed at each frame, 0..1 of the fastest.
    """

    cameras: Mapping[str, CameraTruth]
    times: Float64[np.ndarray, " time"]
    blink_start: Float64[np.ndarray, " blink"]
    blink_stop: Float64[np.ndarray, " blink"]
    speed: Float64[np.ndarray, " time"]


class Scene:
    """A mouse that runs, whisks, looks and blinks, filmed in infrared light from both sides.

    A frame is rendered when it is asked for and depends on (seed, camera, frame number, size, rate)
    only.  Cameras look from the left, the right, the left, ...; each sees its own eye, both pupils are
    equally wide.

    Parameters
    ----------
    seed : int, optional
        Start of all random numbers.
    n_frames : int, optional
        Frames per camera.
    size : tuple of int, optional
        Width and height [px], at least 96 x 96.
    rate : Fraction, optional
        Frames per second.
    cameras : sequence of str, optional
        Names of the cameras.

    Examples
    --------
    >>> scene = Scene(seed=1, n_frames=4, cameras=("left",))
    >>> scene.source("left").frame_at(2).data.shape
    (1, 240, 320)
    """

    def __init__(
        self,
        seed: int = 0,
        n_frames: int = 360,
        size: tuple[int, int] = (320, 240),
        rate: Fraction = Fraction(30),
        cameras: Sequence[str] = ("left", "right"),
    ) -> None:
        if min(size) < MIN_SIZE:
            raise ParameterError(
                "P401",
                "parameter 'size' of 'Scene'",
                expected=f"at least {MIN_SIZE} x {MIN_SIZE} px",
                got=str(size),
            )
        self.seed, self.n_frames, self.size, self.rate = seed, n_frames, size, rate
        self.cameras = tuple(cameras)
        self.behaviour = Behaviour(seed)
        self._views: dict[str, View] = {}

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of a frame [px]."""
        return self.size[1], self.size[0]

    def _number(self, camera: str) -> int:
        if camera not in self.cameras:
            raise RecipeError("P403", "scene", f"no camera {camera!r}{nearest(camera, self.cameras)}")
        return self.cameras.index(camera)

    @cached_property
    def _motion(self) -> Mapping[str, np.ndarray]:
        """Traces of the behaviour at all frames."""
        times, act = np.arange(self.n_frames) / float(self.rate), self.behaviour
        names = (
            "distance",
            "wobble",
            "pupil",
            "gaze",
            "openness",
            "whisk",
            "sniff",
            "sway",
            "light",
            "speed",
        )
        return {"times": times, **{name: getattr(act, name)(times) for name in names}}

    def view(self, camera: str) -> View:
        """Return what one camera sees; its still parts are drawn at the first call.

        Raises
        ------
        RecipeError
            P403, if there is no such camera.
        """
        number = self._number(camera)
        if camera not in self._views:
            generator = np.random.default_rng((self.seed, 0xFA, number))
            zoom = 1.0 - 0.03 * (number % 4)
            face = make_face(self.shape, generator, mirrored=number % 2 == 1, zoom=zoom)
            self._views[camera] = View(face, self._motion, (self.seed, number))
        return self._views[camera]

    @cached_property
    def truth(self) -> SceneTruth:
        """What is true in each frame."""
        times = self._motion["times"]
        start, stop = self.behaviour.blinks(float(times[-1]) if len(times) else 0.0)
        cameras = {camera: self.view(camera).truth for camera in self.cameras}
        return SceneTruth(cameras, times, start, stop, self._motion["speed"])

    def source(self, camera: str) -> RenderedSource:
        """Return the frames of a camera, rendered when they are asked for.

        Raises
        ------
        RecipeError
            P403, if there is no such camera.
        """
        view = self.view(camera)
        name = f"scene 1 seed {self.seed} camera {self._number(camera)}"
        return RenderedSource(view.render, self.shape, self.n_frames, self.rate, name)

    def recording(self, name: str = "scene") -> Recording:
        """Return all cameras as a recording."""
        return Recording(name, {camera: Camera(camera, self.source(camera)) for camera in self.cameras})

    def rois(self, camera: str = "") -> tuple[Roi, ...]:
        """Return the right regions of one camera, or of all: pupil, lids, whisker pad, wheel, face.

        Parameters
        ----------
        camera : str, optional
            Name of the camera; by default the regions of all cameras.

        Returns
        -------
        tuple of Roi
            Regions named by their camera and what they show, such as ``left_pupil``.

        Raises
        ------
        RecipeError
            P403, if there is no such camera.
        """
        if not camera:
            return tuple(roi for each in self.cameras for roi in self.rois(each))
        face = self.view(camera).face
        x, y = face.place(*PAD)
        pad = Ellipse(x, y, 1.1 * PAD_RADIUS * face.scale, 0.9 * PAD_RADIUS * face.scale)
        wheel = place_box(face, WHEEL)
        bottom = Rectangle(wheel.x, wheel.y, wheel.width, self.shape[0] - wheel.y)
        return (
            face.eye.roi(f"{camera}_pupil", camera=camera),
            face.eye.roi(f"{camera}_lids", camera=camera, blink=True),
            Roi(f"{camera}_pad", "motion", pad, camera),
            Roi(f"{camera}_wheel", "running", bottom, camera),
            Roi(f"{camera}_face", "face", place_box(face, HEAD), camera),
        )
