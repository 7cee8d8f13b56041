"""Keypoint sets: named points with definitions, their edges, pairs, parts and measures; data, not code."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path

import numpy as np

from mystax.core.keypoint_fields import Keypoint, SetFields, find_point, without_dangling
from mystax.core.keypoint_sides import both_sides
from mystax.core.keypoint_toml import rename_everywhere, set_from_toml, set_to_toml
from mystax.core.safe_names import as_path
from mystax.core.typing import Int64
from mystax.errors import RecipeError, nearest

__all__ = ["DEFAULT_SET", "Keypoint", "KeypointSet", "shipped_sets"]

DEFAULT_SET = "mouse-face-13"
MAX_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class KeypointSet(SetFields):
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
        ParameterError
            P401, if it is neither a name nor a path.
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
        path = as_path(source, "source")
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
        return set_from_toml(text, where, cls)

    def to_toml(self) -> str:
        """Write the set as text that `from_toml` reads back as an equal set."""
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
        return find_point(self.points, name)

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
        return without_dangling(self, left, kept)

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
        return replace(without_dangling(self, points, active), version=self.version + 1)


def _folder() -> Path:
    return Path(str(files("mystax") / "data" / "keypoints"))


def shipped_sets() -> tuple[str, ...]:
    """Return the names of the sets that come with mystax."""
    return tuple(sorted(path.stem for path in _folder().glob("*.toml")))
