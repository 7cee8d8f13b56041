"""What of a person's labelling can be taken back, read from the journal: also by a page that was reloaded."""

from collections.abc import Mapping
from typing import Any

from mystax.app.label_desk import Teller
from mystax.app.schemas import LabelPoint, UndoPoint, UndoStep
from mystax.engine.labels.labels import Labels
from mystax.io.locks import user_name

__all__ = ["steps_of"]

MOST_OPERATIONS = 5000
"""A gesture at the page has no more of them; an import has, and nothing before it is taken back here."""


def steps_of(labels: Labels, teller: Teller, n: int) -> list[UndoStep]:
    """List the last gestures of the person who runs this that stand, the oldest first.

    Parameters
    ----------
    labels : Labels
        The open set.
    teller : Teller
        Which video belongs to which camera.
    n : int
        How many at most.
    """
    state, mine = labels.store.state, user_name()
    found: list[UndoStep] = []
    for batch in reversed(state.batches):
        if len(found) == n:
            break
        if state.authors[batch] != mine or batch in state.takes_back or state.is_undone(batch):
            continue
        revisions = state.revisions_of(batch)
        if len(revisions) > MOST_OPERATIONS:
            break
        records = labels.store.journal.records(revisions)
        points = [_point(record, labels, teller) for record in records if record["op"] == "set"]
        if points:
            found.append(UndoStep(batch=batch, points=points))
    return found[::-1]


def _point(record: Mapping[str, Any], labels: Labels, teller: Teller) -> UndoPoint:
    return UndoPoint(
        camera=teller.cameras.get(record["video"], ""),
        frame=record["frame"],
        keypoint=labels.store.state.point_id(record["keypoint"]),
        before=_mark(record["before"], "hand"),
        after=_mark(record["after"], record["origin"]),
    )


def _mark(value: Mapping[str, Any] | None, origin: str) -> LabelPoint | None:
    if value is None:
        return None
    known = {name: value.get(name) for name in ("x", "y", "confidence")}
    return LabelPoint(state=value["state"], **known, origin=origin)
