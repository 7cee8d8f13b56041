"""Names of keypoints in other tools' files, mapped to a set: by id, by alias, by a table; never guessed."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mystax.core.keypoint_fields import IDENTIFIER, Keypoint
from mystax.core.keypoints import KeypointSet, shipped_sets
from mystax.errors import RecipeError, nearest

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = ["MappedName", "NameMapping", "map_names", "set_for_names", "set_of_names", "set_of_outcome"]


@dataclass(frozen=True, slots=True)
class MappedName:
    """A name in a file, the point that it is (empty: none), how it was found, and the nearest known name."""

    theirs: str
    ours: str
    how: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class NameMapping:
    """All names of a file.

    Attributes
    ----------
    names : tuple of MappedName
        In the file's order.
    """

    names: tuple[MappedName, ...]

    @property
    def matched(self) -> dict[str, str]:
        """Their names to ours, of those that were found."""
        return {item.theirs: item.ours for item in self.names if item.ours}

    @property
    def unmatched(self) -> tuple[str, ...]:
        """Their names that are no point of the set."""
        return tuple(item.theirs for item in self.names if not item.ours)

    def lines(self) -> list[str]:
        """Say it in lines of text, one per name."""
        width = max((len(item.theirs) for item in self.names), default=0)
        return [
            f"{item.theirs:<{width}} -> {item.ours or '-'} ({item.how}{item.hint})" for item in self.names
        ]


def map_names(
    names: Sequence[str], keypoints: KeypointSet, table: Mapping[str, str] | None = None
) -> NameMapping:
    """Map names of a file to the points of a set.

    Parameters
    ----------
    names : sequence of str
        Names in the file.
    keypoints : KeypointSet
        The set.
    table : mapping of str to str, optional
        Theirs to ours; an empty name leaves a point out.

    Returns
    -------
    NameMapping
        How each name was found: ``exact``, ``alias``, ``map``, ``left out`` or ``unmatched``.

    Raises
    ------
    RecipeError
        P403, if two names are the same point, or the table names a point or a name that does not exist.
    """
    table = dict(table or {})
    for theirs in table:
        if theirs not in names:
            raise RecipeError("P403", "map of names", f"the file has no {theirs!r}{nearest(theirs, names)}")
    found = []
    for theirs in names:
        if theirs in table:
            ours = keypoints.point(table[theirs]).id if table[theirs] else ""
            found.append(MappedName(theirs, ours, "map" if ours else "left out"))
            continue
        point = keypoints.find(theirs)
        if point is not None and not point.retired:
            found.append(MappedName(theirs, point.id, "exact" if point.id == theirs else "alias"))
        else:
            hint = nearest(theirs, keypoints.ids).partition(" Known")[0]
            found.append(MappedName(theirs, "", "unmatched", hint if "did you mean" in hint else ""))
    owners: dict[str, str] = {}
    for item in found:
        if item.ours and owners.setdefault(item.ours, item.theirs) != item.theirs:
            raise RecipeError(
                "P403",
                f"names {owners[item.ours]!r} and {item.theirs!r}",
                f"both are the point {item.ours!r}",
                hint="say which is which with --map FILE.csv (columns theirs, ours)",
            )
    return NameMapping(tuple(found))


def set_of_names(
    names: Sequence[str], name: str = "own", edges: Sequence[tuple[str, str]] = ()
) -> KeypointSet:
    """Make a set of the names in a file; a name that cannot be an id becomes the alias of one that can.

    Examples
    --------
    >>> [(point.id, point.aliases) for point in set_of_names(["left ear", "nose"])]
    [('left_ear', ('left ear',)), ('nose', ())]
    """
    ids: dict[str, str] = {}
    taken: set[str] = set()
    # names that fit keep their form, so they choose first
    for theirs in sorted(names, key=lambda name: not IDENTIFIER.fullmatch(name)):
        plain = re.sub(r"_+", "_", re.sub(r"[^A-Za-z0-9]", "_", theirs)).strip("_")[:60] or "point"
        plain = theirs if IDENTIFIER.fullmatch(theirs) else plain
        chosen, number = plain, 1
        while chosen.casefold() in taken:
            number += 1
            chosen = f"{plain}_{number}"
        taken.add(chosen.casefold())
        ids[theirs] = chosen
    points = tuple(Keypoint(ids[name], "", () if ids[name] == name else (name,)) for name in names)
    lines = tuple((ids[a], ids[b]) for a, b in edges if a in ids and b in ids and ids[a] != ids[b])
    return KeypointSet(name, points, edges=lines)


def set_for_names(names: Sequence[str], edges: Sequence[tuple[str, str]] = ()) -> KeypointSet:
    """Return the smallest shipped set that has all the names, else a set made of them."""
    fitting = []
    for known in shipped_sets():
        candidate = KeypointSet.load(known)
        points = [candidate.find(theirs) for theirs in names]
        ids = [point.id for point in points if point is not None]
        if len(ids) == len(names) == len(set(ids)) and "template" not in known:
            fitting.append(candidate)
    return (
        min(fitting, key=lambda one: (len(one), one.name)) if fitting else set_of_names(names, "own", edges)
    )


def set_of_outcome(dataset: Dataset) -> KeypointSet | None:
    """Return the keypoint set that an outcome carries; None if it carries none."""
    text = str(dataset.attrs.get("keypoint_set", ""))
    return KeypointSet.from_toml(text, "keypoint_set") if text else None
