"""The still part of a synthetic mouse face: outline, fur, whisker pad, eye, wheel, in one camera's pixels."""

import math
from dataclasses import dataclass

import numpy as np
from scipy.interpolate import PchipInterpolator
from scipy.ndimage import gaussian_filter

from mystax.core.geometry import Rectangle
from mystax.core.typing import Float32, Float64
from mystax.synth.eye import Eye
from mystax.synth.texture import fur, speckle

__all__ = ["HEAD", "MIN_SIZE", "PAD", "PAD_RADIUS", "WHEEL", "Face", "make_face", "place_box"]

# Outline of a head that looks to the left, in a picture of 320 x 240 px.
PROFILE_X = (46.0, 56.0, 80.0, 110.0, 150.0, 200.0, 250.0, 330.0)
PROFILE_TOP = (84.0, 66.0, 50.0, 39.0, 24.0, 14.0, 12.0, 16.0)
PROFILE_LOW = (90.0, 112.0, 133.0, 146.0, 154.0, 160.0, 164.0, 170.0)
EYE = (203.0, 66.0)
EYE_HALF = (24.0, 19.5)
PUPIL = 10.0
NOSE = (58.0, 88.0)
PAD = (106.0, 102.0)
PAD_RADIUS = 27.0
WHEEL_TOP = 184.0
WHEEL = (40.0, 196.0, 280.0, 240.0)
HEAD = (44.0, 8.0, 316.0, 174.0)
"""Boxes (left, top, right, bottom) of the running surface and of the head."""
ROWS, COLUMNS = 240, 320
MIN_SIZE = 96


@dataclass(frozen=True, eq=False)
class Face:
    """What does not change from frame to frame.

    Attributes
    ----------
    canvas : array (y, x)
        Head and background at rest [grey level].
    head, pad : array (y, x)
        Share with which each pixel follows the head, and the whisker pad.
    wheel : array (y, x)
        Texture of the running surface [grey level], the same at opposite edges.
    wheel_cover : array (y, x)
        Share of each pixel of the lowest rows that the running surface hides.
    wheel_top : int
        First row of `wheel_cover` in the picture.
    eye : Eye
        The open eye, pupil at rest.
    roots : array (hair, space)
        Where the whiskers leave the pad [px].
    lengths, angles, bends : array (hair,)
        Length [px], direction [rad from x to y] and curvature [rad] of each whisker at rest.
    greys, strengths : array (hair,)
        Brightness and opacity of each whisker.
    scale : float
        Pixels per pixel of the 320 x 240 picture.
    mirrored : bool
        Whether the head looks to the right.
    """

    canvas: Float32[np.ndarray, "y x"]
    head: Float32[np.ndarray, "y x"]
    pad: Float32[np.ndarray, "y x"]
    wheel: Float32[np.ndarray, "v u"]
    wheel_cover: Float32[np.ndarray, "wy x"]
    wheel_top: int
    eye: Eye
    roots: Float64[np.ndarray, "hair space"]
    lengths: Float64[np.ndarray, " hair"]
    angles: Float64[np.ndarray, " hair"]
    bends: Float64[np.ndarray, " hair"]
    greys: Float64[np.ndarray, " hair"]
    strengths: Float64[np.ndarray, " hair"]
    scale: float
    mirrored: bool

    @property
    def forward(self) -> float:
        """Sign of x towards the nose."""
        return 1.0 if self.mirrored else -1.0

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Return where a point of the 320 x 240 drawing lies in the picture [px]."""
        return _Frame((self.canvas.shape[0], self.canvas.shape[1]), self.scale, self.mirrored).place(x, y)


def place_box(face: Face, box: tuple[float, float, float, float]) -> Rectangle:
    """Return where a box (left, top, right, bottom) of the 320 x 240 drawing lies in the picture."""
    (ax, ay), (bx, by) = face.place(box[0], box[1]), face.place(box[2], box[3])
    rows, columns = face.canvas.shape
    left, right = max(0, round(min(ax, bx))), min(columns, round(max(ax, bx)))
    top, bottom = max(0, round(ay)), min(rows, round(by))
    return Rectangle(left, top, right - left, bottom - top)


@dataclass(frozen=True)
class _Frame:
    """Coordinates of the 320 x 240 drawing for each pixel of a picture."""

    shape: tuple[int, int]
    scale: float
    mirrored: bool

    def grid(self) -> tuple[Float64[np.ndarray, "y x"], Float64[np.ndarray, "y x"]]:
        y, x = np.mgrid[0 : self.shape[0], 0 : self.shape[1]].astype(np.float64)
        if self.mirrored:
            x = self.shape[1] - 1 - x
        return x / self.scale, y / self.scale

    def place(self, x: float, y: float) -> tuple[float, float]:
        px = x * self.scale
        return (self.shape[1] - 1 - px if self.mirrored else px), y * self.scale


def _soft(distance: Float64[np.ndarray, "y x"], width: float) -> Float64[np.ndarray, "y x"]:
    """Step from 0 to 1 over `width`."""
    t = np.clip(distance / width + 0.5, 0.0, 1.0)
    return np.asarray(t * t * (3 - 2 * t))


def _spot(x: np.ndarray, y: np.ndarray, centre: tuple[float, float], radius: float) -> np.ndarray:
    return np.exp(-((x - centre[0]) ** 2 + (y - centre[1]) ** 2) / (2 * radius**2))


def _draw_head(frame: _Frame, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return head and background without an eye, and the share of the head in each pixel."""
    x, y = frame.grid()
    shape, scale = frame.shape, frame.scale
    top = PchipInterpolator(PROFILE_X, PROFILE_TOP)(np.clip(x, PROFILE_X[0], PROFILE_X[-1]))
    low = PchipInterpolator(PROFILE_X, PROFILE_LOW)(np.clip(x, PROFILE_X[0], PROFILE_X[-1]))
    # Hairs stand away from the nose along the body, and out of the outline.
    along = np.arctan2(y - NOSE[1], x - NOSE[0])
    down = np.clip((y - top) / np.maximum(low - top, 1.0), -0.3, 1.3)
    direction = (
        0.55 * along
        + 0.5 * (down - 0.4)
        + 0.25 * gaussian_filter(generator.standard_normal(shape), 8 * scale) * 20 * scale
    )
    if frame.mirrored:
        direction = math.pi - direction
    hairs = fur(direction, max(3, round(6 * scale)), generator)
    ragged = 2.2 * hairs + 1.5 * speckle(shape, 2.5 * scale, generator)
    inside = np.minimum(np.minimum(y - top, low - y), (x - PROFILE_X[0]) * 1.4)
    head = _soft(inside + ragged, 3.0)
    light = 80.0 + 120.0 * _spot(x, y, (66.0, 112.0), 28.0) + 60.0 * _spot(x, y, (125.0, 142.0), 38.0)
    light += 26.0 * _spot(x, y, (255.0, 110.0), 70.0) + 62.0 * _spot(x, y, EYE, 36.0)
    light *= 0.72 + 0.28 * _soft(inside - 10.0, 26.0)
    rough = 0.07 + 0.07 * _soft(x - 130.0, 80.0)
    skin = light * (1.0 + rough * hairs) + 4.0 * speckle(shape, 3 * scale, generator)
    ear = _spot(x, y, (292.0, 44.0), 17.0)
    skin = skin * (1.0 - 0.45 * ear)
    # Rows of dark follicles on the whisker pad.
    for row in range(4):
        for column in range(6):
            spot = PAD[0] - 17.0 + 7.5 * column, PAD[1] - 14.0 + 9.0 * row + 1.2 * column
            skin = skin * (1.0 - 0.5 * _spot(x, y, spot, 1.5))
    nostril = _spot(x, y, (53.0, 91.0), 3.2)
    mouth = (
        np.exp(-(((y - (128.0 + 0.2 * (x - 84.0))) / 1.6) ** 2)) * _soft(x - 78.0, 12) * _soft(112.0 - x, 20)
    )
    skin = skin * (1.0 - 0.6 * nostril) * (1.0 - 0.45 * mouth)
    wall = 44.0 + 9.0 * speckle(shape, 26 * scale, generator) + 10.0 * _spot(x, y, (150.0, 190.0), 70.0)
    return skin * head + np.clip(wall, 34.0, 75.0) * (1 - head), head


def _draw_lids(canvas: np.ndarray, frame: _Frame) -> np.ndarray:
    """Draw a bright rim and dark lashes around the eye's opening."""
    x, y = frame.grid()
    away = np.hypot((x - EYE[0]) / EYE_HALF[0], (y - EYE[1]) / EYE_HALF[1])
    rim = np.exp(-(((away - 1.13) / 0.07) ** 2))
    crease = np.exp(-(((away - 1.36) / 0.08) ** 2))
    return np.asarray(canvas * (1.0 + 0.25 * rim - 0.12 * crease))


def _make_eye(frame: _Frame) -> Eye:
    """Return the open eye with the pupil at rest, in pixels of the picture."""
    (x, y), s = frame.place(*EYE), frame.scale
    return Eye(
        shape=frame.shape,
        centre=(x, y),
        radius=PUPIL * s,
        opening=(x, y, EYE_HALF[0] * s, EYE_HALF[1] * s),
        reflections=((x + 2.0 * s, y - 11.5 * s, 1.9 * s), (x - 15.5 * s, y - 7.0 * s, 1.3 * s)),
        pupil_grey=6.0,
        iris_grey=29.0,
        spot_grey=250.0,
        blur=0.0,
        noise=0.0,
    )


def make_face(
    shape: tuple[int, int], generator: np.random.Generator, *, mirrored: bool = False, zoom: float = 1.0
) -> Face:
    """Draw everything that does not change.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns [px], at least 96 x 96.
    generator : numpy.random.Generator
        Source of randomness.
    mirrored : bool, optional
        Whether the head looks to the right.
    zoom : float, optional
        Size of the head over that which fills the picture.

    Returns
    -------
    Face
        The still parts.
    """
    scale = zoom * min(shape[0] / ROWS, shape[1] / COLUMNS)
    frame = _Frame(shape, scale, mirrored)
    x, y = frame.grid()
    canvas, head = _draw_head(frame, generator)
    canvas = _draw_lids(canvas, frame)
    edge = WHEEL_TOP + 10.0 * ((x - 150.0) / 160.0) ** 2
    top = max(0, math.floor((WHEEL_TOP - 2.0) * scale))
    cover = _soft((y - edge) * scale, 2.0)[top:]
    wheel = 92.0 + 30.0 * speckle((256, 512), 1.4, generator) + 14.0 * speckle((256, 512), 5.0, generator)
    pad = _spot(x, y, PAD, PAD_RADIUS) * head
    head = np.clip(gaussian_filter(head, 4 * scale) * 1.6, 0.0, 1.0)
    n = 22
    spread = generator.uniform(-1, 1, (n, 2))
    roots = np.array([frame.place(PAD[0] + 13.0 * a, PAD[1] + 12.0 * b) for a, b in spread])
    # From the pad whiskers point back and down, the lower ones forward below the chin; the upper ones
    # are short and bend away from the eye, so that nothing but the lids ever hides it.
    angles = 0.55 * math.pi - 0.75 * spread[:, 0] - 0.57 * spread[:, 1] + generator.normal(0, 0.16, n)
    lengths, bends = generator.uniform(55, 95, n), generator.uniform(-0.5, 0.5, n)
    upper = np.arange(n) % 3 == 0
    angles[upper] = -0.45 * math.pi - 0.35 * spread[upper, 0]
    lengths[upper] *= 0.75
    bends[upper] = -np.abs(bends[upper])
    if mirrored:
        angles, bends = math.pi - angles, -bends
    return Face(
        np.asarray(canvas, np.float32),
        np.asarray(head, np.float32),
        np.asarray(pad, np.float32),
        np.asarray(np.clip(wheel, 5.0, 215.0), np.float32),
        np.asarray(cover, np.float32),
        top,
        _make_eye(frame),
        roots,
        lengths * scale,
        angles,
        bends,
        generator.uniform(150, 230, n),
        generator.uniform(0.6, 0.95, n),
        scale,
        mirrored,
    )
