"""Regions of interest: kind, shape and place in source pixels; (0, 0) is the centre of the top-left pixel."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mystax.core.roi_fields import (
    RoiKind,
    Source,
    checked_camera,
    checked_confidence,
    checked_frame_size,
    checked_kind,
    checked_name,
    checked_scale,
    checked_shapes,
    checked_source,
    is_number,
)
from mystax.core.typing import Bool
from mystax.errors import RoiError, nearest

__all__ = [
    "Box",
    "Ellipse",
    "Polygon",
    "Rectangle",
    "Roi",
    "RoiKind",
    "Shape",
    "roi_from_dict",
    "roi_from_text",
]

SHAPES = ("rectangle", "ellipse", "polygon")


@dataclass(frozen=True, slots=True)
class Box:
    """Half-open rectangle of whole pixels: columns x0 <= x < x1, rows y0 <= y < y1."""

    x0: int
    y0: int
    x1: int
    y1: int

    @property
    def width(self) -> int:
        """Number of columns [px]."""
        return max(0, self.x1 - self.x0)

    @property
    def height(self) -> int:
        """Number of rows [px]."""
        return max(0, self.y1 - self.y0)

    def clip(self, shape: tuple[int, int]) -> "Box":
        """Return the part inside a picture of `shape` (rows, columns)."""
        rows, columns = shape
        return Box(
            min(max(self.x0, 0), columns),
            min(max(self.y0, 0), rows),
            min(max(self.x1, 0), columns),
            min(max(self.y1, 0), rows),
        )

    def grow(self, margin: int) -> "Box":
        """Return the box with `margin` pixels more on each side."""
        return Box(self.x0 - margin, self.y0 - margin, self.x1 + margin, self.y1 + margin)

    def union(self, other: "Box") -> "Box":
        """Return the smallest box that holds both."""
        return Box(
            min(self.x0, other.x0), min(self.y0, other.y0), max(self.x1, other.x1), max(self.y1, other.y1)
        )


@dataclass(frozen=True, slots=True)
class Rectangle:
    """Rectangle of whole pixels: top-left pixel (x, y), width and height [px]."""

    x: int
    y: int
    width: int
    height: int

    def contains(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Tell for each point whether it lies inside or on the outline."""
        inside = (x >= self.x - 0.5) & (x < self.x + self.width - 0.5)
        return np.asarray(inside & (y >= self.y - 0.5) & (y < self.y + self.height - 0.5))

    def box(self) -> Box:
        """Return the bounding box."""
        return Box(self.x, self.y, self.x + self.width, self.y + self.height)

    def numbers(self) -> list[float]:
        """Return the numbers as written in a file."""
        return [self.x, self.y, self.width, self.height]


@dataclass(frozen=True, slots=True)
class Ellipse:
    """Ellipse with centre (cx, cy), semi-axes rx, ry [px], the first turned by `angle` [rad] from x to y."""

    cx: float
    cy: float
    rx: float
    ry: float
    angle: float = 0.0

    def contains(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Tell for each point whether it lies inside or on the outline."""
        c, s = math.cos(self.angle), math.sin(self.angle)
        u = (x - self.cx) * c + (y - self.cy) * s
        v = -(x - self.cx) * s + (y - self.cy) * c
        return np.asarray((u / self.rx) ** 2 + (v / self.ry) ** 2 <= 1.0)

    def box(self) -> Box:
        """Return the bounding box."""
        half_x = math.hypot(self.rx * math.cos(self.angle), self.ry * math.sin(self.angle))
        half_y = math.hypot(self.rx * math.sin(self.angle), self.ry * math.cos(self.angle))
        return Box(
            math.ceil(self.cx - half_x - 1e-9),
            math.ceil(self.cy - half_y - 1e-9),
            math.floor(self.cx + half_x + 1e-9) + 1,
            math.floor(self.cy + half_y + 1e-9) + 1,
        )

    def numbers(self) -> list[float]:
        """Return the numbers as written in a file (the angle in degrees)."""
        return [self.cx, self.cy, self.rx, self.ry, math.degrees(self.angle)]


@dataclass(frozen=True, slots=True)
class Polygon:
    """Closed polygon through `points` (x, y) [px]."""

    points: tuple[tuple[float, float], ...]

    def contains(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Tell for each point whether it lies inside or on the outline (even-odd rule)."""
        inside = np.zeros(np.broadcast(x, y).shape, bool)
        edge = np.zeros_like(inside)
        for (xa, ya), (xb, yb) in zip(self.points, self.points[1:] + self.points[:1], strict=True):
            cross = (xb - xa) * (y - ya) - (yb - ya) * (x - xa)
            between = (x >= min(xa, xb)) & (x <= max(xa, xb)) & (y >= min(ya, yb)) & (y <= max(ya, yb))
            edge |= between & (np.abs(cross) <= 1e-9 * max(1.0, abs(xb - xa) + abs(yb - ya)))
            crosses = (ya > y) != (yb > y)
            if ya != yb:
                inside ^= crosses & (x < xa + (y - ya) * (xb - xa) / (yb - ya))
        return np.asarray(inside | edge)

    def box(self) -> Box:
        """Return the bounding box."""
        xs, ys = zip(*self.points, strict=True)
        return Box(math.ceil(min(xs)), math.ceil(min(ys)), math.floor(max(xs)) + 1, math.floor(max(ys)) + 1)

    def numbers(self) -> list[float]:
        """Return the numbers as written on the command line (x1, y1, x2, y2, ...)."""
        return [value for point in self.points for value in point]


Shape = Rectangle | Ellipse | Polygon


@dataclass(frozen=True, slots=True)
class Roi:
    """Region of interest of one camera.

    Parameters
    ----------
    name : str
        Name, unique within a recording.
    kind : {"pupil", "motion", "blink", "running", "face"}
        What is measured in it.
    shape : Rectangle, Ellipse or Polygon
        Outline in source pixels [px].
    camera : str, optional
        Name of the camera; "" means the only one.
    reflections : tuple of shapes, optional
        Places of bright reflections inside a pupil region.
    scale : tuple of two floats, optional
        Size of a pixel in x and y [mm/px].
    source : {"drawn", "proposed", "imported"}, optional
        Where the region comes from.
    frame_size : tuple of two ints, optional
        Width and height of the picture in which it was drawn [px].
    confidence : float, optional
        0..1 for a proposed region.

    Raises
    ------
    RoiError
        P402, if something cannot be: an unknown kind, no name, numbers that are not finite, sides that are
        no whole pixels, axes or scales that are not above 0, fewer than three points.

    Examples
    --------
    >>> roi = Roi("left_pupil", "pupil", Ellipse(210, 140, 40, 32))
    >>> int(roi.mask((480, 640)).sum())
    4009
    """

    name: str
    kind: RoiKind
    shape: Shape
    camera: str = ""
    reflections: tuple[Shape, ...] = ()
    scale: tuple[float, float] | None = None
    source: Source = "drawn"
    frame_size: tuple[int, int] | None = None
    confidence: float | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be a region, before anything is measured in it."""
        where = f"roi {self.name!r}"
        checked: dict[str, object] = {
            "name": checked_name(self.name, where),
            "kind": checked_kind(self.kind, where),
            "shape": _checked(self.shape, where),
            "camera": checked_camera(self.camera, where),
            "reflections": tuple(_checked(shape, where) for shape in checked_shapes(self.reflections, where)),
            "scale": checked_scale(self.scale, where),
            "source": checked_source(self.source, where),
            "frame_size": checked_frame_size(self.frame_size, where),
            "confidence": checked_confidence(self.confidence, where),
        }
        for field, value in checked.items():
            object.__setattr__(self, field, value)

    def mask(self, shape: tuple[int, int]) -> Bool[np.ndarray, "y x"]:
        """Return the boolean mask in a picture of `shape` (rows, columns): pixels whose centre is inside."""
        rows, columns = shape
        y, x = np.mgrid[0:rows, 0:columns].astype(np.float64)
        return self.shape.contains(x, y)

    def bins(self, shape: tuple[int, int], size: int) -> Bool[np.ndarray, "y x"]:
        """Return the mask on the grid of size x size bins: a bin belongs by its centre."""
        rows, columns = shape[0] // size, shape[1] // size
        y, x = np.mgrid[0:rows, 0:columns].astype(np.float64)
        middle = (size - 1) / 2
        return self.shape.contains(x * size + middle, y * size + middle)

    def box(self, shape: tuple[int, int]) -> Box:
        """Return the bounding box, clipped to a picture of `shape` (rows, columns)."""
        return self.shape.box().clip(shape)

    def as_dict(self) -> dict[str, object]:
        """Return the entry of `rois.toml`: plain values, angles in degrees."""
        entry: dict[str, object] = {"name": self.name, "kind": self.kind}
        if self.camera:
            entry["camera"] = self.camera
        entry |= _shape_entry(self.shape)
        if self.reflections:
            entry["reflections"] = [_shape_entry(shape) for shape in self.reflections]
        if self.scale is not None:
            entry["scale"] = self.scale[0] if self.scale[0] == self.scale[1] else list(self.scale)
        if self.frame_size is not None:
            entry["frame_size"] = list(self.frame_size)
        entry["source"] = self.source
        if self.confidence is not None:
            entry["confidence"] = self.confidence
        return entry

    def shape_json(self) -> str:
        """Return the shape as JSON text, as the coordinate `roi_shape` of outcomes holds it."""
        return json.dumps(_shape_entry(self.shape))

    def at(self, camera: str) -> "Roi":
        """Return the same region on a named camera."""
        return replace(self, camera=camera)


def _shape_entry(shape: Shape) -> dict[str, object]:
    name = type(shape).__name__.lower()
    if isinstance(shape, Polygon):
        return {name: [list(point) for point in shape.points]}
    return {name: shape.numbers()}


def _shape(name: str, values: Sequence[object], where: str) -> Shape:
    """Build a shape from the numbers of a file or of the command line."""
    layout = {
        "rectangle": "x, y, width, height in whole pixels",
        "ellipse": "cx, cy, rx, ry [px] and an angle [deg]",
        "polygon": "at least three points x, y [px]",
    }
    refused = RoiError(
        "P402", where, f"the {name} is not understood", expected=layout[name], got=repr(list(values))
    )
    numbers = [float(value) for value in values if is_number(value)]
    if len(numbers) != len(values):
        raise refused
    whole = all(value == int(value) for value in numbers)
    if name == "rectangle" and len(numbers) == 4 and whole and min(numbers[2:]) >= 1:
        x, y, width, height = (int(value) for value in numbers)
        return Rectangle(x, y, width, height)
    if name == "ellipse" and len(numbers) in (4, 5) and numbers[2] > 0 and numbers[3] > 0:
        angle = math.radians(numbers[4]) if len(numbers) == 5 else 0.0
        return Ellipse(numbers[0], numbers[1], numbers[2], numbers[3], angle)
    if name == "polygon" and len(numbers) >= 6 and len(numbers) % 2 == 0:
        pairs = zip(numbers[::2], numbers[1::2], strict=True)
        return Polygon(tuple((x, y) for x, y in pairs))
    raise refused


def _checked(shape: object, where: str) -> Shape:
    """Return a shape whose numbers are those of one; a rectangle in whole numbers."""
    if not isinstance(shape, Rectangle | Ellipse | Polygon):
        raise RoiError("P402", where, expected="a Rectangle, an Ellipse or a Polygon", got=repr(shape))
    try:
        values: list[object] = [float(value) for value in shape.numbers()]
        are_pairs = not isinstance(shape, Polygon) or all(len(point) == 2 for point in shape.points)
    except (TypeError, ValueError):
        values, are_pairs = [], False
    if not are_pairs:
        raise RoiError("P402", where, expected="numbers; of a polygon pairs x, y [px]", got=repr(shape))
    found = _shape(type(shape).__name__.lower(), values, where)
    is_plain = isinstance(shape, Ellipse) or (isinstance(shape, Polygon) and isinstance(shape.points, tuple))
    # An ellipse stays as it is: its angle would be turned to degrees and back.
    return shape if is_plain else found


def _shape_from_entry(entry: object, where: str) -> Shape:
    if not isinstance(entry, Mapping):
        raise RoiError("P402", where, expected="a table with one shape", got=repr(entry))
    found = [name for name in SHAPES if name in entry]
    if len(found) != 1:
        raise RoiError(
            "P402", where, "one shape is needed", expected="rectangle, ellipse or polygon", got=str(found)
        )
    numbers = entry[found[0]]
    if not isinstance(numbers, list | tuple):
        raise RoiError("P402", where, expected="a list of numbers", got=repr(numbers))
    if found[0] == "polygon" and all(isinstance(item, list | tuple) and len(item) == 2 for item in numbers):
        numbers = [value for point in numbers for value in point]
    return _shape(found[0], numbers, where)


def roi_from_dict(entry: Mapping[str, object], where: str = "roi") -> Roi:
    """Build a region from an entry of `rois.toml`.

    Raises
    ------
    RoiError
        P402, if a field is missing, unknown or not understood.
    """
    name = entry.get("name")
    place = f"{where}: roi {name!r}"
    known = {"name", "kind", "camera", "reflections", "scale", "frame_size", "source", "confidence", *SHAPES}
    for key in entry:
        if key not in known:
            raise RoiError("P402", place, f"unknown field {key!r}{nearest(key, known)}")
    return Roi(
        checked_name(name, place),
        checked_kind(entry.get("kind"), place),
        _shape_from_entry(entry, place),
        checked_camera(entry.get("camera", ""), place),
        tuple(_shape_from_entry(item, place) for item in checked_shapes(entry.get("reflections", []), place)),
        checked_scale(entry.get("scale"), place),
        checked_source(entry.get("source", "drawn"), place),
        checked_frame_size(entry.get("frame_size"), place),
        checked_confidence(entry.get("confidence"), place),
    )


def roi_from_text(text: str) -> Roi:
    """Build a region from ``KIND:SHAPE:NUMBERS[@CAMERA][=NAME]`` (the `--roi` option).

    Parameters
    ----------
    text : str
        Such as ``pupil:ellipse:210,140,40,32`` or ``motion:rectangle:8,8,96,96@face=pad``.

    Returns
    -------
    Roi
        The region; without a name it is called by its kind.

    Raises
    ------
    RoiError
        P402, if the text is not understood.

    Examples
    --------
    >>> roi_from_text("motion:rectangle:8,8,96,96@face=pad").name
    'pad'
    """
    where = f"--roi {text!r}"
    head, _, name = text.partition("=")
    head, _, camera = head.partition("@")
    parts = head.split(":")
    if len(parts) != 3:
        form = "KIND:SHAPE:NUMBERS[@CAMERA][=NAME] with a rectangle, ellipse or polygon"
        raise RoiError("P402", where, expected=form, got=text)
    if parts[1] not in SHAPES:
        raise RoiError("P402", where, f"unknown shape {parts[1]!r}{nearest(parts[1], SHAPES)}")
    try:
        numbers = [float(value) for value in parts[2].split(",")]
    except ValueError as error:
        raise RoiError("P402", where, expected="numbers with commas between them", got=parts[2]) from error
    return Roi(name or parts[0], checked_kind(parts[0], where), _shape(parts[1], numbers, where), camera)
