"""Both sides of a face: the set of points that cameras of one side name from left and from right."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from mystax.core.keypoint_fields import (
    IDENTIFIER,
    SIDES,
    Keypoint,
    Pair,
    SetFields,
    find_point,
    without_dangling,
)
from mystax.core.keypoint_measures import Axes, Measure

__all__ = ["MIDLINE", "both_sides", "split_side"]

MIDLINE = frozenset(
    {
        "nose_top",
        "nose_tip",
        "nose_bottom",
        "nosebridge",
        "chin",
        "lower_lip",
        "tongue_tip",
        "paw",
        "pad_center",
    }
)
"""Points of the midline: a camera of either side sees them, and calls them so."""
T = TypeVar("T")
S = TypeVar("S", bound=SetFields)


def split_side(name: str) -> tuple[str, str]:
    """Cut the side off an anatomical name.

    Parameters
    ----------
    name : str
        A name such as ``left.eye_front``.

    Returns
    -------
    side : str
        ``left``, ``right``, or empty where the name has no side.
    rest : str
        The name without it.

    Examples
    --------
    >>> split_side("left.eye_front"), split_side("nose_tip"), split_side("left_ear")
    (('left', 'eye_front'), ('', 'nose_tip'), ('', 'left_ear'))
    """
    side, dot, rest = name.partition(".")
    return (side, rest) if dot and rest and side in SIDES else ("", name)


def both_sides(base: S, names: Sequence[str]) -> S:
    """Return the two-sided set of anatomical names (`KeypointSet.both_sides`)."""
    if not any(side and find_point(base.points, rest) is not None for side, rest in map(split_side, names)):
        return base
    points: dict[str, Keypoint] = {}
    for name in names:
        point = _point(base, name)
        if point is not None:
            points.setdefault(point.id.casefold(), point)
    found = {point.id for point in points.values()}
    halves = [
        _Half(base, side, found) for side in SIDES if any(split_side(name)[0] == side for name in found)
    ]
    for half in halves:  # all that the set could name, so that what is left out takes its lines with it
        for point in base.points:
            full = point if half.point(point.id) == point.id else _sided(point, half.side)
            points.setdefault(full.id.casefold(), full)
    ids = {point.id for point in points.values()}
    pairs = [pair for pair in base.pairs if set(pair) <= found]
    pairs += [(f"left.{point.id}", f"right.{point.id}") for point in base.points]
    whole = replace(
        base,
        name=f"{base.name[:54]}-two-sided",
        points=tuple(points.values()),
        view="two-sided",
        edges=_joined(half.pairs(base.edges) for half in halves),
        pairs=tuple(pair for pair in pairs if set(pair) <= ids),
        rigid=_joined(half.points(base.rigid) for half in halves),
        measures={name: item for half in halves for name, item in half.measures().items()},
        parts={part: _joined(half.points(inside) for half in halves) for part, inside in base.parts.items()},
        axes=next((axes for half in halves if (axes := half.axes()) is not None), None),
        limbs=_joined(half.pairs(base.limbs) for half in halves),
        ranges={name: limits for half in halves for name, limits in half.ranges().items()},
        draw="front" if len(halves) == len(SIDES) else base.draw,
    )
    kept = tuple(point for point in whole.points if point.id in found)
    return without_dangling(whole, kept, found)


def _joined(groups: Iterable[Iterable[T]]) -> tuple[T, ...]:
    """Return what any of the groups has, once."""
    return tuple(dict.fromkeys(item for group in groups for item in group))


def _point(base: SetFields, name: str) -> Keypoint | None:
    """Return the point of an anatomical name; None if it cannot be one."""
    side, rest = split_side(name)
    whole, known = find_point(base.points, name), find_point(base.points, rest)
    if whole is not None and not whole.retired:
        return whole
    if known is not None and not known.retired:
        return _sided(known, side)
    return Keypoint(name) if IDENTIFIER.fullmatch(name) else None


def _sided(point: Keypoint, side: str) -> Keypoint:
    """Return the point of one side that a camera of that side calls by its plain name."""
    return Keypoint(
        f"{side}.{point.id}",
        f"{side.capitalize()} side: {point.definition}" if point.definition else "",
        tuple(f"{side}.{alias}" for alias in point.names()[1:]),
        synth=f"{side}.{point.synth}" if point.synth else "",
        retired=point.retired,
    )


class _Half:
    """What a set says, told with the names of one side."""

    def __init__(self, base: SetFields, side: str, found: set[str]) -> None:
        self.base, self.side, self.found = base, side, found

    def point(self, name: str) -> str:
        """Return the name of a point on this side; its own if it has a side, or only that is there."""
        sided = f"{self.side}.{name}"
        is_plain = bool(split_side(name)[0]) or (name in self.found and sided not in self.found)
        return name if is_plain else sided

    def points(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return the names of points on this side."""
        return tuple(self.point(name) for name in names)

    def pairs(self, pairs: Iterable[Pair]) -> tuple[Pair, ...]:
        """Return pairs of points on this side."""
        return tuple((self.point(a), self.point(b)) for a, b in pairs)

    def measure(self, name: str) -> str:
        """Return the name of a measure on this side: ``eye_height_left``; unchanged on the midline."""
        return f"{name}_{self.side}" if self._has_side(name) else name

    def _has_side(self, name: str) -> bool:
        item = self.base.measures[name]
        own = self.points(item.point_names() | item.plane_names())
        return any(split_side(one)[0] for one in own) or any(map(self._has_side, item.of))

    def measures(self) -> dict[str, Measure]:
        """Return the measures of this side, and those of the midline."""
        return {
            self.measure(name): replace(
                item,
                points=tuple(self.points(group) for group in item.points),
                of=tuple(map(self.measure, item.of)),
                plane=self.points(item.plane),
            )
            for name, item in self.base.measures.items()
        }

    def ranges(self) -> Mapping[str, tuple[float, float]]:
        """Return the plausible distances of this side."""
        return {self.measure(name): limits for name, limits in self.base.ranges.items()}

    def axes(self) -> Axes | None:
        """Return the directions, if all points that they name are there on this side."""
        axes = self.base.axes
        if axes is None or not set(self.points(axes.point_names())) <= self.found:
            return None
        x, y, z = (None if axis is None else self.pairs([axis])[0] for axis in (axes.x, axes.y, axes.z))
        return Axes(x, y, z, self.point(axes.origin) if axes.origin else "")
