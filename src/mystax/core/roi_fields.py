"""What the fields of a region may hold, wherever it comes from; anything else is refused with P402."""

from typing import Literal, TypeGuard, get_args

import numpy as np

from mystax.errors import RoiError, nearest

__all__ = [
    "RoiKind",
    "Source",
    "checked_camera",
    "checked_confidence",
    "checked_frame_size",
    "checked_kind",
    "checked_name",
    "checked_scale",
    "checked_shapes",
    "checked_source",
    "is_number",
]

RoiKind = Literal["pupil", "motion", "blink", "running", "face"]
Source = Literal["drawn", "proposed", "imported"]
LARGEST = 2**31
"""Largest number that a region may hold [px]; pictures are much smaller."""


def is_number(value: object) -> TypeGuard[int | float]:
    """Tell whether a value of a file is a finite number that coordinates can be (no truth value)."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        return False
    return bool(-LARGEST <= value <= LARGEST)


def checked_name(name: object, where: str) -> str:
    """Return a name, or refuse what is none."""
    if not isinstance(name, str) or not name:
        raise RoiError("P402", where, expected="a name", got=repr(name))
    return name


def checked_shapes(values: object, where: str) -> list[object]:
    """Return a list of shapes, which are not looked at here."""
    if not isinstance(values, list | tuple):
        raise RoiError("P402", where, expected="reflections as a list of shapes", got=repr(values))
    return list(values)


def checked_kind(kind: object, where: str) -> RoiKind:
    """Return a kind of region; an unknown one is refused with the nearest."""
    for known in get_args(RoiKind):
        if kind == known:
            found: RoiKind = known
            return found
    raise RoiError("P402", where, f"unknown kind {kind!r}{nearest(str(kind), get_args(RoiKind))}")


def checked_camera(camera: object, where: str) -> str:
    """Return the name of a camera; "" stands for the only one."""
    if camera is None:
        return ""
    if not isinstance(camera, str):
        raise RoiError("P402", where, expected="camera as a name", got=repr(camera))
    return camera


def checked_scale(scale: object, where: str) -> tuple[float, float] | None:
    """Return the size of a pixel in x and y [mm/px] from one number or two."""
    if scale is None:
        return None
    values = list(scale) if isinstance(scale, list | tuple) else [scale, scale]
    numbers = [float(value) for value in values if is_number(value) and value > 0]
    if len(values) != 2 or len(numbers) != 2:
        raise RoiError(
            "P402", where, expected="scale as one or two positive numbers [mm/px]", got=repr(scale)
        )
    return numbers[0], numbers[1]


def checked_source(source: object, where: str) -> Source:
    """Return where a region comes from."""
    for known in get_args(Source):
        if source == known:
            found: Source = known
            return found
    raise RoiError("P402", where, f"unknown source {source!r}{nearest(str(source), get_args(Source))}")


def checked_frame_size(size: object, where: str) -> tuple[int, int] | None:
    """Return width and height of a picture [px]."""
    if size is None:
        return None
    values = list(size) if isinstance(size, list | tuple | np.ndarray) else []
    numbers = [int(value) for value in values if is_number(value) and value == int(value) and value >= 1]
    if len(values) != 2 or len(numbers) != 2:
        raise RoiError("P402", where, expected="frame_size as width and height [px]", got=repr(size))
    return numbers[0], numbers[1]


def checked_confidence(confidence: object, where: str) -> float | None:
    """Return a confidence from 0 to 1."""
    if confidence is None:
        return None
    if not is_number(confidence) or not 0 <= confidence <= 1:
        raise RoiError("P402", where, expected="0 <= confidence <= 1", got=repr(confidence))
    return float(confidence)
