"""Keypoint sets: named points with definitions, their edges, pairs, parts and measures; data, not code."""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from importlib.resources import files
from pathlib import Path

import numpy as np

from mystax.core.keypoint_measures import Axes, Measure
from mystax.core.typing import Int64
from mystax.errors import RecipeError, nearest

__all__ = ["DEFAULT_SET", "Keypoint", "KeypointSet", "shipped_sets"]

VIEWS = ("one-sided", "two-sided")
DRAWN = ("side", "front")
SIDES = ("left", "right")
"""Sides of the animal, its own: a point that has two is ``left.eye_front`` and ``right.eye_front``."""
DEFAULT_SET = "mouse-face-13"
MAX_POINTS = 200
MAX_BYTES = 1 << 20
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
class KeypointSet:
    """A set of keypoints with all that is known about them.

    Attributes
    ----------
    name : str
        Name of the set.
    points : tuple of Keypoint
        The points in order, retired ones included.
    version : int
        Counts changes of meaning.
    species : str
        The animal.
    view : {"one-sided", "two-sided"}
        One-sided: points mean the side that faces the camera, and survive mirroring.
    edges : tuple of pairs
        Lines to draw.
    pairs : tuple of pairs
        Left and right points that a mirror swaps.
    rigid : tuple of str
        Points that do not move against each other.
    measures : mapping of str to Measure
        Named distances, angles, areas and what is made of them.
    parts : mapping of str to tuple of str
        Named groups of points.
    axes : Axes, optional
        Directions of the animal.
    limbs : tuple of pairs
        Points of constant distance.
    ranges : mapping of str to pair of float
        Plausible distances [mm]: measure to lowest and highest.
    draw : {"side", "front"}
        How a figure shows it.
    """

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

    # making and writing ----------------------------------------------------------------------------

    @classmethod
    def load(cls, source: str | Path) -> "KeypointSet":
        """Read a shipped set by its name, or a set from a TOML file.

        Parameters
        ----------
        source : str or Path
            ``"mouse-face-13"``, or the path of a ``.toml`` file.

        Returns
        -------
        KeypointSet
            The checked set.

        Raises
        ------
        RecipeError
            P403, if there is no such set (with the nearest one) or the file is not understood.

        Examples
        --------
        >>> KeypointSet.load("mouse-face-13").ids[:2]
        ('eye_front', 'eye_back')
        """
        text = str(source)
        if isinstance(source, str) and text in shipped_sets():
            return cls.from_toml((_folder() / f"{text}.toml").read_text("utf-8"), f"{text}.toml")
        path = Path(source)
        if not (path.suffix.lower() == ".toml" or path.is_file()):
            raise RecipeError(
                "P403",
                f"keypoint set {text!r}",
                f"there is no such set{nearest(text, shipped_sets())}",
                hint="name a shipped set or the path of a .toml file",
            )
        try:
            if path.stat().st_size > MAX_BYTES:
                raise RecipeError("P403", text, expected="at most 1 MiB of text", got="more")
            return cls.from_toml(path.read_text("utf-8"), text)
        except OSError as error:
            raise RecipeError("P403", text, f"the file cannot be read ({error.strerror})") from error
        except UnicodeDecodeError as error:
            raise RecipeError("P403", text, expected="text in UTF-8", got="other bytes") from error

    @classmethod
    def from_toml(cls, text: str, where: str = "keypoints.toml") -> "KeypointSet":
        r"""Read a set from the text of a TOML file.

        Parameters
        ----------
        text : str
            The text.
        where : str, optional
            Name of the file for messages.

        Returns
        -------
        KeypointSet
            The checked set.

        Raises
        ------
        RecipeError
            P403, if the text is no TOML, or a name in it is not known (with the nearest one).

        Examples
        --------
        >>> KeypointSet.from_toml('name = "tail"\n[[point]]\nid = "base"\n[[point]]\nid = "tip"').ids
        ('base', 'tip')
        """
        from mystax.core.keypoint_toml import set_from_toml

        return set_from_toml(text, where)

    def to_toml(self) -> str:
        """Write the set as text that `from_toml` reads back as an equal set."""
        from mystax.core.keypoint_toml import set_to_toml

        return set_to_toml(self)

    @property
    def digest(self) -> str:
        """The sha256 of the set's text: 64 hexadecimal digits."""
        return hashlib.sha256(self.to_toml().encode("utf-8")).hexdigest()

    # names -----------------------------------------------------------------------------------------

    @property
    def ids(self) -> tuple[str, ...]:
        """The names of the points in order, without retired ones."""
        return tuple(point.id for point in self.points if not point.retired)

    def __len__(self) -> int:
        return len(self.ids)

    def __iter__(self) -> Iterator[Keypoint]:
        return iter(self.points)

    def find(self, name: str) -> Keypoint | None:
        """Return the point of a name, alias or Facemap name in any case; None if there is none."""
        wanted = name.casefold()
        exact = next((point for point in self.points if point.id == name), None)
        if exact is not None:
            return exact
        return next(
            (point for point in self.points if wanted in (one.casefold() for one in point.names())), None
        )

    def point(self, name: str) -> Keypoint:
        """Return the point of a name.

        Parameters
        ----------
        name : str
            Its id, an alias, or Facemap's name.

        Returns
        -------
        Keypoint
            The point.

        Raises
        ------
        RecipeError
            P403, if there is none (with the nearest name).
        """
        found = self.find(name)
        if found is None:
            known = [point.id for point in self.points]
            raise RecipeError(
                "P403", f"keypoint {name!r}", f"the set {self.name!r} has no such point{nearest(name, known)}"
            )
        return found

    def index(self, name: str) -> int:
        """Return the place of a point among `ids`; P403 if it is unknown or retired."""
        found = self.point(name)
        if found.retired:
            raise RecipeError("P403", f"keypoint {name!r}", f"it is retired in the set {self.name!r}")
        return self.ids.index(found.id)

    def mirror_order(self) -> Int64[np.ndarray, " keypoint"]:
        """Return, for each of `ids`, the place of the point that a mirrored picture shows there.

        Returns
        -------
        array (keypoint,)
            A permutation; twice applied it is the identity.
        """
        ids = self.ids
        swap = {**dict(self.pairs), **{right: left for left, right in self.pairs}}
        return np.array([ids.index(swap.get(name, name)) for name in ids], np.int64)

    def part_of(self, name: str) -> str:
        """Return the part that holds a point; empty if none does."""
        wanted = self.point(name).id
        return next((part for part, names in self.parts.items() if wanted in names), "")

    # changes ---------------------------------------------------------------------------------------

    def subset(self, names: Iterable[str]) -> "KeypointSet":
        """Return the set with some of its points, in their order here; whatever names another is left out.

        Raises
        ------
        RecipeError
            P403, if a name is unknown or nothing remains.
        """
        kept = {self.point(name).id for name in names}
        left = tuple(point for point in self.points if point.id in kept)
        return _without_dangling(self, left, kept)

    def both_sides(self, names: Iterable[str]) -> "KeypointSet":
        """Return the two-sided set of anatomical names, where cameras of either side use this one.

        Parameters
        ----------
        names : iterable of str
            Names such as ``left.eye_front``, ``right.eye_front`` and ``nose_tip``.

        Returns
        -------
        KeypointSet
            The points of the names, in their order, with left and right pairs.  Edges, parts, rigid points,
            limbs, axes and measures (``eye_height_left``) hold for each side whose points are there; a name
            that is not known is a point of which nothing is known.  Without a side in any name: the set
            itself.

        Examples
        --------
        >>> found = KeypointSet.load("mouse-face-13").both_sides(["left.mouth", "nose_tip", "right.mouth"])
        >>> found.ids, found.pairs
        (('left.mouth', 'nose_tip', 'right.mouth'), (('left.mouth', 'right.mouth'),))
        """
        from mystax.core.keypoint_sides import both_sides

        return both_sides(self, tuple(names))

    def with_point(self, point: Keypoint) -> "KeypointSet":
        """Return the set with one more point at its end; P403 if the name is taken."""
        return replace(self, points=(*self.points, point), version=self.version + 1)

    def renamed(self, old: str, new: str) -> "KeypointSet":
        """Return the set with a point renamed; the old name stays an alias.

        Raises
        ------
        RecipeError
            P403, if the old name is unknown or the new one taken or impossible.
        """
        from mystax.core.keypoint_toml import rename_everywhere

        point = self.point(old)
        aliases = tuple(dict.fromkeys((*(a for a in point.aliases if a != new), point.id)))
        changed = replace(point, id=new, aliases=aliases)
        points = tuple(changed if one.id == point.id else one for one in self.points)
        return replace(rename_everywhere(self, point.id, new, points), version=self.version + 1)

    def retire(self, name: str) -> "KeypointSet":
        """Return the set with a point retired: its labels stay, it is neither labelled nor predicted."""
        point = self.point(name)
        points = tuple(replace(one, retired=True) if one.id == point.id else one for one in self.points)
        active = {one.id for one in points if not one.retired}
        return replace(_without_dangling(self, points, active), version=self.version + 1)


def _folder() -> Path:
    return Path(str(files("mystax") / "data" / "keypoints"))


def shipped_sets() -> tuple[str, ...]:
    """Return the names of the sets that come with mystax."""
    return tuple(sorted(path.stem for path in _folder().glob("*.toml")))


def _without_dangling(base: KeypointSet, points: tuple[Keypoint, ...], kept: set[str]) -> KeypointSet:
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


def _refuse(base: KeypointSet, what: str, **more: str) -> RecipeError:
    return RecipeError("P403", f"keypoint set {base.name!r}", what, **more)


def _check_points(base: KeypointSet) -> None:
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


def _check_references(base: KeypointSet) -> None:
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


def _check_measures(base: KeypointSet) -> None:
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


def _check_no_circle(base: KeypointSet, name: str, above: tuple[str, ...]) -> None:
    if name in above:
        raise _refuse(base, f"measure {name!r} is made of itself ({' -> '.join((*above, name))})")
    for other in base.measures[name].of if name in base.measures else ():
        _check_no_circle(base, other, (*above, name))
