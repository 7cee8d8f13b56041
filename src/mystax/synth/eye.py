"""A synthetic eye whose pupil, lids and reflections are known exactly, alone or as a movie."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from scipy.ndimage import gaussian_filter

from mystax.core.geometry import Ellipse, Roi
from mystax.core.recording import ArraySource
from mystax.core.typing import Float64, UInt8

__all__ = ["EYE_CASES", "Eye", "EyeMovie", "eye_case", "eye_movie", "lid_openness", "paint_eye", "render_eye"]


_LINES = 8


@dataclass(frozen=True, slots=True)
class Eye:
    """One eye in one picture; lengths in pixels, grey levels of 8 bits, (0, 0) = centre of the first pixel.

    Attributes
    ----------
    shape : tuple (rows, columns)
        Size of the picture.
    centre : tuple (x, y)
        Centre of the pupil.
    radius : float
        Radius of the circle that has the pupil's area.
    axis_ratio, angle : float
        Long over short axis, and direction of the long axis [rad, from x to y].
    opening : tuple (cx, cy, rx, ry)
        The open eye: ellipse between the lids.
    openness : float
        0..1, height of the opening over that of the open eye.
    lid : float
        Share of the pupil's height that the upper lid covers.
    reflections : tuple of (x, y, radius)
        Bright spots.
    pupil_grey, iris_grey, skin_grey, spot_grey : float
        Brightness of the parts.
    gradient, gradient_angle : float
        Difference of light from one side of the picture to the other, and its direction [rad].
    blur, noise : float
        Standard deviations of the optics [px] and of the sensor [grey level].
    """

    shape: tuple[int, int] = (100, 110)
    centre: tuple[float, float] = (54.0, 50.0)
    radius: float = 16.0
    axis_ratio: float = 1.0
    angle: float = 0.0
    opening: tuple[float, float, float, float] = (54.5, 49.5, 52.0, 46.0)
    openness: float = 1.0
    lid: float = 0.0
    reflections: tuple[tuple[float, float, float], ...] = ()
    pupil_grey: float = 40.0
    iris_grey: float = 110.0
    skin_grey: float = 160.0
    spot_grey: float = 255.0
    gradient: float = 0.0
    gradient_angle: float = 0.0
    blur: float = 1.0
    noise: float = 4.0

    @property
    def area(self) -> float:
        """Area of the whole pupil, seen or not [px2]."""
        return math.pi * self.radius**2

    @property
    def semi_axes(self) -> tuple[float, float]:
        """Long and short semi-axis of the pupil [px]."""
        root = math.sqrt(self.axis_ratio)
        return self.radius * root, self.radius / root

    def roi(self, name: str = "eye", *, camera: str = "", blink: bool = False) -> Roi:
        """Return the region of the open eye: 0.96 of it for a pupil, 1.04 for blinks."""
        cx, cy, rx, ry = self.opening
        share = 1.04 if blink else 0.96
        shape = Ellipse(cx, cy, rx * share, ry * share)
        return Roi(name, "blink" if blink else "pupil", shape, camera)

    def at(self, x: float, y: float, shape: tuple[int, int] | None = None) -> "Eye":
        """Return the eye moved by (x, y), in a picture of another size if one is given."""
        cx, cy, rx, ry = self.opening
        return replace(
            self,
            shape=shape or self.shape,
            centre=(self.centre[0] + x, self.centre[1] + y),
            opening=(cx + x, cy + y, rx, ry),
            reflections=tuple((sx + x, sy + y, radius) for sx, sy, radius in self.reflections),
        )


def _covered(
    shape: tuple[int, int],
    centre: tuple[float, float],
    semi_axes: tuple[float, float],
    angle: float = 0.0,
) -> Float64[np.ndarray, "y x"]:
    """Share of each pixel inside an ellipse: exact chords on eight lines per row."""
    covered = np.zeros(shape)
    a, b = semi_axes
    if min(a, b) <= 0:
        return covered
    c, s = math.cos(angle), math.sin(angle)
    xx, xy = (c / a) ** 2 + (s / b) ** 2, c * s * (1 / a**2 - 1 / b**2)
    half_height = math.hypot(a * s, b * c)
    first = max(0, math.floor(centre[1] - half_height))
    last = min(shape[0], math.ceil(centre[1] + half_height) + 1)
    if first >= last:
        return covered
    lines = first - 0.5 + (np.arange((last - first) * _LINES) + 0.5) / _LINES - centre[1]
    # xx dx2 + 2 xy dx dy + yy dy2 = 1 has the determinant 1 / (a b)2.
    root = np.sqrt(np.maximum(xx - (lines / (a * b)) ** 2, 0.0)) / xx
    middle = centre[0] - xy * lines / xx
    x = np.arange(shape[1], dtype=np.float64)
    right = np.minimum(x + 0.5, (middle + root)[:, None])
    left = np.maximum(x - 0.5, (middle - root)[:, None])
    chords = np.clip(right - left, 0.0, 1.0)
    covered[first:last] = chords.reshape(last - first, _LINES, shape[1]).mean(axis=1)
    return covered


def paint_eye(
    eye: Eye, canvas: Float64[np.ndarray, "y x"] | None = None, *, blur: bool = True
) -> Float64[np.ndarray, "y x"]:
    """Paint an eye without sensor noise.

    Parameters
    ----------
    eye : Eye
        What to paint.
    canvas : array (y, x), optional
        Picture [grey level] that shows outside the opening and over closed lids; by default even skin.
    blur : bool, optional
        Whether the optics blur the picture here; False where a scene is blurred as a whole.

    Returns
    -------
    array (y, x)
        Grey levels of 8 bits, not clipped.
    """
    rows, columns = eye.shape
    y, x = np.arange(rows, dtype=np.float64)[:, None], np.arange(columns, dtype=np.float64)[None, :]
    skin = np.full((rows, columns), eye.skin_grey) if canvas is None else canvas
    cx, cy, rx, ry = eye.opening
    open_share = _covered(eye.shape, (cx, cy), (rx, ry * eye.openness))
    if eye.lid > 0:
        # The upper lid: an arc as flat as the opening, through the covered share of the pupil.
        edge = eye.centre[1] - eye.radius + 2.0 * eye.radius * eye.lid
        arc = edge + ((x - eye.centre[0]) ** 2) * ry / (4.0 * rx**2)
        open_share = open_share * np.clip(y - arc + 0.5, 0.0, 1.0)
    pupil = _covered(eye.shape, eye.centre, eye.semi_axes, eye.angle)
    inside = eye.iris_grey + (eye.pupil_grey - eye.iris_grey) * pupil
    for spot_x, spot_y, radius in eye.reflections:
        spot = _covered(eye.shape, (spot_x, spot_y), (radius, radius))
        inside = inside + (eye.spot_grey - inside) * spot
    grey = skin + (inside - skin) * open_share
    if eye.gradient:
        across = (x - columns / 2) / columns * math.cos(eye.gradient_angle)
        grey = grey + eye.gradient * (across + (y - rows / 2) / rows * math.sin(eye.gradient_angle))
    if blur and eye.blur > 0:
        grey = gaussian_filter(grey, eye.blur, mode="nearest")
    return np.asarray(grey, np.float64)


def render_eye(eye: Eye, seed: int | Sequence[int] | None = None) -> UInt8[np.ndarray, "y x"]:
    """Take a picture of an eye.

    Parameters
    ----------
    eye : Eye
        What to render.
    seed : int or sequence of int, optional
        Start of the sensor noise, such as (seed, frame); without one there is none.

    Returns
    -------
    array (y, x)
        Picture of 8 bits.

    Examples
    --------
    >>> int(render_eye(Eye(noise=0.0))[50, 54])
    40
    """
    grey = paint_eye(eye)
    if seed is not None and eye.noise > 0:
        grey = grey + np.random.default_rng(seed).normal(0.0, eye.noise, grey.shape)
    return np.asarray(np.clip(np.rint(grey), 0, 255), np.uint8)


def _spots(generator: np.random.Generator, eye: Eye) -> tuple[tuple[float, float, float], ...]:
    """Two reflections of 2 to 4 px somewhere on the pupil, one of them near its rim."""
    found = []
    for nearest, farthest in ((0.0, 0.6), (0.7, 1.1)):
        turn, away = generator.uniform(0, 2 * math.pi), generator.uniform(nearest, farthest) * eye.radius
        found.append(
            (
                eye.centre[0] + away * math.cos(turn),
                eye.centre[1] + away * math.sin(turn),
                float(generator.uniform(2.0, 4.0)),
            )
        )
    return tuple(found)


EYE_CASES: dict[str, Callable[[np.random.Generator, Eye], Eye]] = {
    "clean": lambda _, eye: eye,
    "reflections": lambda generator, eye: replace(eye, reflections=_spots(generator, eye)),
    "low_contrast": lambda _, eye: replace(eye, pupil_grey=75.0, noise=6.0),
    "gradient": lambda generator, eye: replace(
        eye, gradient=60.0, gradient_angle=generator.uniform(0, 2 * math.pi)
    ),
    "lid": lambda _, eye: replace(eye, lid=0.25),
    "bright": lambda _, eye: replace(eye, pupil_grey=180.0, iris_grey=110.0, skin_grey=70.0),
}
"""The kinds of eyes for which accuracy is stated: name to what makes one from an ordinary eye."""


def eye_case(case: str, seed: int) -> Eye:
    """Make a random eye of one kind: pupil of 8-26 px radius near the middle of 100 x 110 px.

    Parameters
    ----------
    case : str
        One of `EYE_CASES`.
    seed : int
        Start of the random numbers.

    Returns
    -------
    Eye
        The same eye for the same case and seed.
    """
    generator = np.random.default_rng((seed, sorted(EYE_CASES).index(case)))
    eye = Eye(
        centre=(54.0 + generator.uniform(-5, 5), 50.0 + generator.uniform(-4, 4)),
        radius=float(generator.uniform(8.0, 26.0)),
        axis_ratio=float(generator.uniform(1.0, 1.2)),
        angle=float(generator.uniform(0, math.pi)),
    )
    return EYE_CASES[case](generator, eye)


@dataclass(frozen=True, eq=False)
class EyeMovie:
    """Frames of one eye, and what is true in each.

    Attributes
    ----------
    source : ArraySource
        The frames.
    eyes : tuple of Eye
        The eye in each frame.
    pupil, blink : Roi
        Regions for the two measurements.
    blink_start, blink_stop : array (blink,)
        When the lids pass half-way, down and up [s].
    """

    source: ArraySource
    eyes: tuple[Eye, ...]
    pupil: Roi
    blink: Roi
    blink_start: Float64[np.ndarray, " blink"]
    blink_stop: Float64[np.ndarray, " blink"]

    @property
    def area(self) -> Float64[np.ndarray, " time"]:
        """Area of the pupil [px2]."""
        return np.array([eye.area for eye in self.eyes])

    @property
    def radius(self) -> Float64[np.ndarray, " time"]:
        """Radius of the circle of equal area [px]."""
        return np.array([eye.radius for eye in self.eyes])

    @property
    def centre(self) -> Float64[np.ndarray, "time space"]:
        """Centre of the pupil [px]."""
        return np.array([eye.centre for eye in self.eyes]).reshape(-1, 2)

    @property
    def openness(self) -> Float64[np.ndarray, " time"]:
        """Height of the opening over that of the open eye."""
        return np.array([eye.openness for eye in self.eyes])


def lid_openness(
    times: Float64[np.ndarray, " time"],
    blink_start: Float64[np.ndarray, " blink"],
    blink_stop: Float64[np.ndarray, " blink"],
    lid_time: float = 0.02,
) -> Float64[np.ndarray, " time"]:
    """Give the openness of lids that close and open within `lid_time` around given times.

    Parameters
    ----------
    times : array (time,)
        Times [s].
    blink_start, blink_stop : array (blink,)
        When the lids pass half-way, down and up [s].
    lid_time : float, optional
        How long a closing or opening takes [s].

    Returns
    -------
    array (time,)
        0 closed .. 1 open.
    """
    openness = np.ones(len(times))
    for start, stop in zip(blink_start, blink_stop, strict=True):
        down = np.clip(0.5 - (times - start) / lid_time, 0.0, 1.0)
        up = np.clip(0.5 + (times - stop) / lid_time, 0.0, 1.0)
        openness = np.minimum(openness, np.maximum(down, up))
    return openness


def eye_movie(
    n_frames: int,
    *,
    rate: Fraction | int = 30,
    seed: int = 0,
    eye: Eye | None = None,
    blinks: Sequence[tuple[float, float]] = (),
    radius: Sequence[float] | np.ndarray | None = None,
) -> EyeMovie:
    """Film an eye whose pupil breathes and wanders, with blinks where they are asked for.

    Parameters
    ----------
    n_frames : int
        Number of frames.
    rate : Fraction or int, optional
        Frames per second.
    seed : int, optional
        Start of all random numbers.
    eye : Eye, optional
        The eye at rest.
    blinks : sequence of (start, stop), optional
        Times at which the lids pass half-way [s].
    radius : sequence of float, optional
        Radius in each frame [px]; by default slow waves of 20 % around that of the eye at rest.

    Returns
    -------
    EyeMovie
        Frames and truth.
    """
    rest = eye or Eye()
    generator = np.random.default_rng(seed)
    times = np.arange(n_frames) / float(rate)
    phase = generator.uniform(0, 2 * math.pi, 4)
    waves = 1.0 + 0.14 * np.sin(2 * math.pi * 0.11 * times + phase[0])
    waves += 0.06 * np.sin(2 * math.pi * 0.47 * times + phase[1])
    radii = rest.radius * waves if radius is None else np.asarray(radius, np.float64)
    starts = np.array([start for start, _ in blinks], np.float64)
    stops = np.array([stop for _, stop in blinks], np.float64)
    openness = lid_openness(times, starts, stops)
    wander_x = 1.5 * np.sin(2 * math.pi * 0.23 * times + phase[2])
    wander_y = 1.0 * np.sin(2 * math.pi * 0.31 * times + phase[3])
    eyes = tuple(
        replace(
            rest,
            centre=(rest.centre[0] + float(wander_x[i]), rest.centre[1] + float(wander_y[i])),
            radius=float(radii[i]),
            openness=float(openness[i]) * rest.openness,
        )
        for i in range(n_frames)
    )
    frames = np.empty((n_frames, *rest.shape), np.uint8)
    for i, each in enumerate(eyes):
        frames[i] = render_eye(each, (seed, i))
    return EyeMovie(
        ArraySource(frames, rate), eyes, rest.roi("pupil"), rest.roi("lids", blink=True), starts, stops
    )
