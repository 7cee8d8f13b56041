"""The generated video of the benchmarks: moving patches, a pupil and a wheel, all with known truth."""

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from mystax.core.geometry import Rectangle, Roi
from mystax.core.typing import Float32, Float64, UInt8
from mystax.errors import ParameterError
from mystax.synth.eye import Eye, paint_eye
from mystax.synth.kernels.scene import expose, paste_texture
from mystax.synth.rendered import RenderedSource
from mystax.synth.texture import speckle
from mystax.synth.view import frame_key

__all__ = ["BenchmarkTruth", "BenchmarkVideo", "benchmark_video"]

ROWS, COLUMNS = 480, 640
RATE = Fraction(100)
NOISE = 2.5
PATCH = (126, 110)
PATCH_PLACES = tuple((22 + 152 * column, 16 + 126 * row) for row in range(2) for column in range(4))
EYE_BOX = (40, 300, 150, 150)
WHEEL_BOX = (240, 290, 360, 170)
MAX_STEP = 6.0
MIN_SIZE = 160


@dataclass(frozen=True, eq=False)
class BenchmarkTruth:
    """What is true in each frame.

    Attributes
    ----------
    pupil_radius : array (time,)
        Radius of the pupil [px].
    pupil_centre : array (time, space)
        Centre of the pupil [px].
    wheel_shift : array (time, space)
        Movement of the wheel since the frame before [px]; NaN in the first frame.
    patch_place : array (time, patch, space)
        Place of each patch's texture [px].
    gain : array (time,)
        Brightness of the light, 1 on average.
    """

    pupil_radius: Float64[np.ndarray, " time"]
    pupil_centre: Float64[np.ndarray, "time space"]
    wheel_shift: Float64[np.ndarray, "time space"]
    patch_place: Float64[np.ndarray, "time patch space"]
    gain: Float64[np.ndarray, " time"]


class BenchmarkVideo(RenderedSource):
    """Frames of the benchmarks (a `FrameSource`), rendered when they are asked for.

    Attributes
    ----------
    truth : BenchmarkTruth
        What is true in each frame.
    rois : tuple of Roi
        The right regions: `pupil`, `lids`, `wheel`, and `patch_0` ... `patch_7`.
    """

    def __init__(self, n_frames: int, size: tuple[int, int], seed: int) -> None:
        shape = size[1], size[0]
        super().__init__(self._picture, shape, n_frames, RATE, f"benchmark 1 seed {seed}")
        self._seed = seed
        self._x, self._y = size[0] / COLUMNS, size[1] / ROWS
        self._scale = min(self._x, self._y)
        generator = np.random.default_rng((seed, 0xBC))
        wall = (
            80.0 + 14.0 * speckle(shape, 20 * self._scale, generator) + 5.0 * speckle(shape, 2.0, generator)
        )
        self._wall = np.asarray(wall, np.float32)
        self._patches = [
            self._texture(generator, 110.0, 22.0, 1.0 + 0.5 * k) for k in range(len(PATCH_PLACES))
        ]
        self._wheel_texture = self._texture(generator, 105.0, 34.0, 1.5)
        x, y, width, height = self._box(EYE_BOX)
        self._eye = Eye(
            shape=(height, width),
            centre=(width / 2, height / 2),
            radius=22.0 * self._scale,
            opening=(width / 2, height / 2, 0.44 * width, 0.38 * height),
            pupil_grey=30.0,
            iris_grey=85.0,
            reflections=((width * 0.36, height * 0.36, 3.0 * self._scale),),
        )
        self._eye_corner = x, y
        self._place_truth(n_frames, generator)
        self.rois = self._regions()

    def _box(self, box: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
        x, y, width, height = box
        return int(x * self._x), int(y * self._y), int(width * self._x), int(height * self._y)

    def _texture(
        self, generator: np.random.Generator, mean: float, contrast: float, sd: float
    ) -> Float32[np.ndarray, "v u"]:
        texture = mean + contrast * speckle((256, 512), max(1.0, sd * self._scale), generator)
        return np.asarray(np.clip(texture, 5.0, 230.0), np.float32)

    def _place_truth(self, n_frames: int, generator: np.random.Generator) -> None:
        """Slow waves for everything, 10 per second on top for the patches."""
        times = np.arange(n_frames) / float(RATE)
        phase = generator.uniform(0, 2 * math.pi, (len(PATCH_PLACES), 2, 3))
        slow = generator.uniform(0.1, 0.9, (len(PATCH_PLACES), 2))
        wave = 2 * math.pi * times[:, None, None]
        gate = 0.5 + 0.5 * np.sin(wave * 0.23 + phase[..., 2])
        places = 3.0 * np.sin(wave * slow + phase[..., 0]) + 1.2 * gate * np.sin(wave * 10.0 + phase[..., 1])
        turn = generator.uniform(0, 2 * math.pi, 8)

        def trace(k: int, frequency: float) -> Float64[np.ndarray, " time"]:
            return np.asarray(np.sin(2 * math.pi * frequency * times + turn[k]))

        step_x = MAX_STEP * np.clip(0.4 + 0.6 * trace(0, 0.11) + 0.2 * trace(1, 0.7), -0.2, 1.0)
        step_y = 0.5 * trace(2, 0.43)
        steps = np.stack([step_x, step_y], axis=1) * self._scale
        self._wheel = np.cumsum(steps, axis=0)
        shift = steps.copy()
        shift[:1] = np.nan
        x, y = self._eye_corner
        look = np.stack([2.0 * trace(3, 0.19), 1.3 * trace(4, 0.29)], axis=1) * self._scale
        self.truth = BenchmarkTruth(
            self._eye.radius * (1.0 + 0.25 * trace(5, 0.07) + 0.05 * trace(6, 0.5)),
            np.array([x, y]) + np.array(self._eye.centre) + look,
            shift,
            places * self._scale,
            1.0 + 0.01 * generator.standard_normal(n_frames),
        )

    def _regions(self) -> tuple[Roi, ...]:
        x, y = self._eye_corner
        eye = self._eye.at(x, y)
        patches = [
            Roi(f"patch_{k}", "motion", Rectangle(*self._box((*place, *PATCH))))
            for k, place in enumerate(PATCH_PLACES)
        ]
        wheel = Roi("wheel", "running", Rectangle(*self._box(WHEEL_BOX)))
        return (eye.roi("pupil"), eye.roi("lids", blink=True), wheel, *patches)

    def _picture(self, frame: int) -> UInt8[np.ndarray, "y x"]:
        """Render one frame."""
        picture, truth = self._wall.copy(), self.truth
        for k, place in enumerate(PATCH_PLACES):
            self._paste(self._patches[k], truth.patch_place[frame, k], (*place, *PATCH), picture)
        self._paste(self._wheel_texture, self._wheel[frame], WHEEL_BOX, picture)
        x, y = self._eye_corner
        rows, columns = self._eye.shape
        cx, cy = truth.pupil_centre[frame].tolist()
        # The opening and the reflection stay, the pupil moves.
        eye = Eye(
            shape=self._eye.shape,
            centre=(cx - x, cy - y),
            radius=float(truth.pupil_radius[frame]),
            opening=self._eye.opening,
            reflections=self._eye.reflections,
            pupil_grey=self._eye.pupil_grey,
            iris_grey=self._eye.iris_grey,
        )
        part = picture[y : y + rows, x : x + columns]
        part[...] = paint_eye(eye, part.astype(np.float64), blur=False)
        taken = np.empty(picture.shape, np.uint8)
        expose(picture, float(truth.gain[frame]), frame_key(self._seed, frame), NOISE, True, taken)
        return taken

    def _paste(
        self,
        texture: Float32[np.ndarray, "v u"],
        place: Float64[np.ndarray, " space"],
        box: tuple[int, int, int, int],
        picture: Float32[np.ndarray, "y x"],
    ) -> None:
        x, y, width, height = self._box(box)
        cover = np.ones((height, width), np.float32)
        paste_texture(texture, float(place[0]), float(place[1]), cover, x, y, picture)


def benchmark_video(n_frames: int, size: tuple[int, int] = (640, 480), seed: int = 0) -> BenchmarkVideo:
    """Make the generated video of the benchmarks: 100 frames per second, sensor noise of 2.5 grey levels.

    Eight textured patches move slowly and ten times per second, the light fluctuates by 1 %, the radius
    of the pupil and the movement of the wheel are known.

    Parameters
    ----------
    n_frames : int
        Number of frames.
    size : tuple of int, optional
        Width and height [px], at least 160 x 160.
    seed : int, optional
        Start of all random numbers.

    Returns
    -------
    BenchmarkVideo
        Frames (a `FrameSource`) with `truth` and `rois`.

    Raises
    ------
    ParameterError
        P401, if the size is too small.

    Examples
    --------
    >>> video = benchmark_video(10, size=(320, 240))
    >>> video.frame_at(3).data.shape, len(video.rois)
    ((1, 240, 320), 11)
    """
    if min(size) < MIN_SIZE:
        raise ParameterError(
            "P401",
            "parameter 'size' of 'benchmark_video'",
            expected=f"at least {MIN_SIZE} x {MIN_SIZE} px",
            got=str(size),
        )
    return BenchmarkVideo(n_frames, size, seed)
