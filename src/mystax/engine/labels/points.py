"""A set of points as a person has edited it: added, renamed, put in another order, joined or retired."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from mystax.core.keypoints import Keypoint, KeypointSet
from mystax.errors import RecipeError

__all__ = ["PointWish", "edited_set"]

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class PointWish:
    """A point as it shall be.

    Attributes
    ----------
    id : str
        Its name.
    was : str
        Its name until now; empty for a new point.
    definition : str
        Where it lies, for a person who labels.
    retired : bool
        No longer labelled nor predicted; its labels stay.
    """

    id: str
    was: str = ""
    definition: str = ""
    retired: bool = False


def edited_set(
    now: KeypointSet, points: Sequence[PointWish], edges: Sequence[Pair], pairs: Sequence[Pair]
) -> KeypointSet:
    """Return a set as it shall be.

    Parameters
    ----------
    now : KeypointSet
        The set until now.
    points : sequence of PointWish
        All points in their new order; those of `now` must all be among them.
    edges, pairs : sequence of pairs of str
        Lines to draw, and left and right points that a mirror swaps; by the new names.

    Returns
    -------
    KeypointSet
        The changed set; an old name stays as alias.  `now` itself where nothing is changed.

    Raises
    ------
    RecipeError
        P403, if a point is left out or named twice, a name is impossible or taken, an edge or pair names a
        point that is not there or retired, or the set survives mirroring and so has no pairs.
    """
    named = [one.was for one in points if one.was]
    lost = [point.id for point in now if point.id not in named]
    if lost or len(named) != len(set(named)):
        raise RecipeError(
            "P403",
            f"keypoint {(lost or named)[0]!r}",
            "every point of the set must be there once",
            hint="retire a point instead of leaving it out: its labels stay",
        )
    bare = replace(now, edges=(), pairs=())
    fresh = _renamed(bare, points)
    for one in points:
        if not one.was:
            fresh = fresh.with_point(Keypoint(one.id))
    for one in points:
        if one.retired and not fresh.point(one.id).retired:
            fresh = fresh.retire(one.id)
    ordered = tuple(
        replace(fresh.point(one.id), definition=one.definition, retired=one.retired) for one in points
    )
    active = {one.id for one in points if not one.retired}
    for pair in (*edges, *pairs):
        gone = sorted(set(pair) - active)
        if gone:
            raise RecipeError(
                "P403", f"keypoint {gone[0]!r}", "an edge or pair names it, but it is not labelled"
            )
    changed = replace(fresh, points=ordered, edges=tuple(edges), pairs=tuple(pairs), version=now.version)
    return now if changed == now else replace(changed, version=now.version + 1)


def _renamed(base: KeypointSet, points: Sequence[PointWish]) -> KeypointSet:
    """Rename what has another name, in an order in which no name is taken meanwhile."""
    waiting = [one for one in points if one.was and one.was != one.id]
    while waiting:
        taken = {point.id.casefold() for point in base}
        free = next((one for one in waiting if one.id.casefold() not in taken), waiting[0])
        base = base.renamed(free.was, free.id)
        waiting.remove(free)
    return base
