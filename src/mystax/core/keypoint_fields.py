"""What a keypoint set holds: its points and all that names them, checked against each other."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from mystax.core.keypoint_measures import Axes, Measure
from mystax.errors import RecipeError, nearest

__all__ = ["IDENTIFIER", "SIDES", "Keypoint", "Pair", "SetFields", "find_point", "without_dangling"]

VIEWS = ("one-sided", "two-sided")
DRAWN = ("side", "front")
SIDES = ("left", "right")
"""Sides of the animal, its own: a point that has two is ``left.eye_front`` and ``right.eye_front``."""
MAX_POINTS = 200
IDENTIFIER = re.compile(r"(?:(?:left|right)\.)?[A-Za-z0-9_]{1,64}")
SET_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Keypoint:
    """One named point.

    Attributes
    ----------
    id : str
        Its name here: letters, digits and ``_``, before them ``left.`` or ``right.`` where a side is told;
        unique without regard to upper and lower case.
    definition : str
        Where it lies, for a person who labels.
    aliases : tuple of str
        Other names under which files may have it.
    facemap : str
        Its name in Facemap's files.
    synth : str
        The anchor of the rendered head that is this point.
    retired : bool
        No longer labelled nor predicted; its labels stay.
    """

    id: str
    definition: str = ""
    aliases: tuple[str, ...] = ()
    facemap: str = ""
    synth: str = ""
    retired: bool = False

    def names(self) -> tuple[str, ...]:
        """Return every name of the point, its own first."""
        return (self.id, *self.aliases, *((self.facemap,) if self.facemap else ()))


@dataclass(frozen=True, slots=True)
class SetFields:
    """The fields of a set, checked; `mystax.KeypointSet` says what each means and what is done with them."""

    name: str
    points: tuple[Keypoint, ...]
    version: int = 1
    species: str = ""
    view: str = "one-sided"
    edges: tuple[Pair, ...] = ()
    pairs: tuple[Pair, ...] = ()
    rigid: tuple[str, ...] = ()
    measures: Mapping[str, Measure] = field(default_factory=dict)
    parts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    axes: Axes | None = None
    limbs: tuple[Pair, ...] = ()
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    draw: str = "side"

    def __post_init__(self) -> None:
        _check_points(self)
        _check_references(self)


S = TypeVar("S", bound=SetFields)


def find_point(points: Iterable[Keypoint], name: str) -> Keypoint | None:
    """Return the point of a name, alias or Facemap name in any case; None if there is none."""
    wanted = name.casefold()
    found = None
    for point in points:
        if point.id == name:
            return point
        if found is None and wanted in (one.casefold() for one in point.names()):
            found = point
    return found


def without_dangling(base: S, points: tuple[Keypoint, ...], kept: set[str]) -> S:
    """Return the set with other points and without all that names a point which is not kept."""
    measures = {
        name: measure
        for name, measure in base.measures.items()
        if not measure.point_names() - kept and not measure.plane_names() - kept
    }
    while True:
        whole = {name: item for name, item in measures.items() if not set(item.of) - set(measures)}
        if len(whole) == len(measures):
            break
        measures = whole
    parts = {name: tuple(one for one in names if one in kept) for name, names in base.parts.items()}
    return replace(
        base,
        points=points,
        edges=tuple(pair for pair in base.edges if not set(pair) - kept),
        pairs=tuple(pair for pair in base.pairs if not set(pair) - kept),
        rigid=tuple(name for name in base.rigid if name in kept),
        measures=measures,
        parts={name: names for name, names in parts.items() if names},
        axes=base.axes if base.axes is not None and not base.axes.point_names() - kept else None,
        limbs=tuple(pair for pair in base.limbs if not set(pair) - kept),
        ranges={name: limits for name, limits in base.ranges.items() if name in measures},
    )


def _refuse(base: SetFields, what: str, **more: str) -> RecipeError:
    return RecipeError("P403", f"keypoint set {base.name!r}", what, **more)


def _check_points(base: SetFields) -> None:
    if not SET_NAME.fullmatch(base.name):
        raise _refuse(base, "the name cannot be used", expected="letters, digits, '.', '_' and '-'")
    if base.view not in VIEWS or base.draw not in DRAWN:
        raise _refuse(
            base, f"view {base.view!r}, draw {base.draw!r}: use one-sided or two-sided, front or side"
        )
    if not 1 <= len(base.points) <= MAX_POINTS:
        raise _refuse(base, "", expected=f"1 to {MAX_POINTS} points", got=str(len(base.points)))
    if all(point.retired for point in base.points):
        raise _refuse(base, "every point is retired")
    owners: dict[str, str] = {}
    for point in base.points:
        if not IDENTIFIER.fullmatch(point.id):
            raise _refuse(
                base,
                f"the point name {point.id!r} cannot be used",
                expected="1 to 64 letters, digits and '_' (before them 'left.' or 'right.')",
                hint="put a name of another form among the aliases",
            )
        if point.id.casefold() in owners:
            raise _refuse(base, f"the point {point.id!r} is there twice (upper and lower case count alike)")
        owners[point.id.casefold()] = point.id
    for point in base.points:
        for name in point.names():
            owner = owners.setdefault(name.casefold(), point.id)
            if owner != point.id:
                raise _refuse(base, f"the name {name!r} belongs to two points, {owner!r} and {point.id!r}")


def _check_references(base: SetFields) -> None:
    """Check that every name stands for a point, and every measure for one that exists."""
    ids = [point.id for point in base.points]

    def check(what: str, names: Iterable[str]) -> None:
        for name in names:
            if name not in ids:
                raise _refuse(base, f"{what} names the unknown point {name!r}{nearest(name, ids)}")

    for what, pairs in (("an edge", base.edges), ("a pair", base.pairs), ("a limb", base.limbs)):
        for pair in pairs:
            check(what, pair)
            if pair[0] == pair[1]:
                raise _refuse(base, f"{what} joins {pair[0]!r} with itself")
    swapped = [name for pair in base.pairs for name in pair]
    if len(swapped) != len(set(swapped)):
        raise _refuse(base, "a point stands in two pairs")
    if base.pairs and base.view == "one-sided":
        raise _refuse(base, "a one-sided set has no pairs: its points survive mirroring")
    check("rigid", base.rigid)
    for part, names in base.parts.items():
        check(f"part {part!r}", names)
    if base.axes is not None:
        check("[axes]", base.axes.point_names())
    for name, measure in base.measures.items():
        check(f"measure {name!r}", measure.point_names() | measure.plane_names())
    _check_measures(base)


def _check_measures(base: SetFields) -> None:
    """Check that measures are made of others that exist, and that ranges are about measures."""
    for name, measure in base.measures.items():
        for other in measure.of:
            if other not in base.measures or other == name:
                known = nearest(other, base.measures)
                raise _refuse(base, f"measure {name!r} uses the unknown measure {other!r}{known}")
        _check_no_circle(base, name, ())
    for name in base.ranges:
        if name not in base.measures:
            raise _refuse(base, f"[ranges] names the unknown measure {name!r}{nearest(name, base.measures)}")


def _check_no_circle(base: SetFields, name: str, above: tuple[str, ...]) -> None:
    if name in above:
        raise _refuse(base, f"measure {name!r} is made of itself ({' -> '.join((*above, name))})")
    for other in base.measures[name].of if name in base.measures else ():
        _check_no_circle(base, other, (*above, name))
