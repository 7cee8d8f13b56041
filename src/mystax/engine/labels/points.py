"""A set of points as a person has edited it: added, renamed, put in another order, joined or retired."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from mystax.core.keypoints import Keypoint, KeypointSet
from mystax.core.label_operations import Operation
from mystax.engine.labels.folder import LabelFolder
from mystax.errors import RecipeError

__all__ = ["PointWish", "edit_points", "edited_set", "exchanged"]

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


def edit_points(
    labels: LabelFolder, points: Sequence[PointWish], edges: Sequence[Pair], pairs: Sequence[Pair]
) -> str | None:
    """Change the points of a folder of labels; labels follow their points.

    Parameters
    ----------
    labels : LabelFolder
        The folder.
    points : sequence of PointWish
        All points in their new order.
    edges, pairs : sequence of pairs of str
        As for `edited_set`.

    Returns
    -------
    str or None
        Where points have exchanged their names, the batch that moved their labels, for `LabelFolder.undo`.

    Raises
    ------
    RecipeError
        P403, if the set cannot be; nothing is written then.
    StoreError, AppError
        S504, W908, as the folder refuses.
    """
    moves, settled = exchanged(points)
    retired = [one.id for one in (*points, *labels.keypoints) if one.retired and one.id in moves]
    if retired:
        raise RecipeError(
            "P403", f"keypoint {retired[0]!r}", "it is retired and cannot exchange its name with another"
        )
    changed = edited_set(labels.keypoints, settled, edges, pairs)
    batch = _move_labels(labels, moves) if moves else None
    if changed is not labels.keypoints:
        labels.change_points(lambda _: changed)
    return batch


def exchanged(points: Sequence[PointWish]) -> tuple[dict[str, str], list[PointWish]]:
    """Find the points that take over each other's names: two that swap, or more in a circle.

    A name that stays in the set stays with what a journal has written under it: it is the labels that move.

    Parameters
    ----------
    points : sequence of PointWish
        All points.

    Returns
    -------
    tuple
        Old name to new name of those points, and the wishes with these names settled.

    Examples
    --------
    >>> exchanged([PointWish("b", "a"), PointWish("a", "b")])[0]
    {'a': 'b', 'b': 'a'}
    """
    renamed = {one.was: one.id for one in points if one.was and one.was != one.id}
    moves: dict[str, str] = {}
    for first, second in renamed.items():
        way, name = [first], second
        while name in renamed and name not in way:
            way.append(name)
            name = renamed[name]
        if name == first:
            moves[first] = second
    return moves, [replace(one, was=one.id) if one.was in moves else one for one in points]


def _move_labels(labels: LabelFolder, moves: Mapping[str, str]) -> str | None:
    """Give the labels of each point to another one, in one batch; None if there are none."""
    store, batch = labels.store, secrets.token_hex(16)
    operations: list[Operation] = []
    for key, frame in store.state.labelled():
        for individual in dict.fromkeys(individual for individual, _ in frame.points):
            for old, new in moves.items():
                source = frame.points.get((individual, old))
                target = frame.points.get((individual, new))
                mark = None if source is None else source.mark
                if mark == (None if target is None else target.mark):
                    continue
                made = store.operation(
                    key,
                    frame.frame,
                    frame.camera,
                    keypoint=new,
                    individual=individual,
                    after=mark,
                    batch=batch,
                    origin="hand" if source is None or mark is None else source.origin,
                )
                operations.append(made)
    return batch if store.append(operations) else None


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
