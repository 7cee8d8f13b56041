"""A gesture of a person on labels: operations that belong together, written once however often they come."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mystax.core.label_operations import FrameKey, Mark, Note, Operation, Segment
from mystax.engine.labels.labels import Labels
from mystax.errors import ParameterError

__all__ = ["Place", "Wish", "take_back", "write_gesture"]


@dataclass(frozen=True, slots=True)
class Place:
    """A frame that can be labelled: its identity, its number and its camera, for people."""

    key: FrameKey
    frame: int
    camera: str


@dataclass(frozen=True, slots=True)
class Wish:
    """One operation that somebody asks for.

    Attributes
    ----------
    id : str
        32 hexadecimal digits; an operation that was written before is not repeated.
    op : str
        One of `mystax.core.label_operations.OPS`.
    place : Place
        The frame.
    keypoint, individual : str
        What a ``set`` is about.
    mark : Mark, optional
        What the point shall be; None for not labelled.
    origin : str
        ``hand`` or ``prediction:<sha256>``.
    text : str
        Of a note or a segment.
    segment : str
        Identity of a segment.
    stop : int
        Last stamp of a segment.
    """

    id: str
    op: str
    place: Place
    keypoint: str = ""
    individual: str = "face"
    mark: Mark | None = None
    origin: str = "hand"
    text: str = ""
    segment: str = ""
    stop: int = 0


def write_gesture(
    labels: Labels,
    batch: str,
    wishes: Sequence[Wish],
    base: Mapping[FrameKey, int],
    *,
    client: str,
    who: str = "",
) -> list[Operation]:
    """Write a gesture; when this returns it is on the disk.

    Parameters
    ----------
    labels : Labels
        The folder.
    batch : str
        Identity of the gesture, 32 hexadecimal digits.
    wishes : sequence of Wish
        Its operations.
    base : mapping of frame to int
        Revisions that the person has seen; a frame changed since is refused, unless by this very gesture.
    client : str
        The page or program.
    who : str, optional
        The person; by default the user of the system.

    Returns
    -------
    list of Operation
        What was written now: nothing of what had been written before.

    Raises
    ------
    AppError
        W904, if a frame was changed meanwhile; W908.
    ParameterError, RecipeError
        P401, P403, if an operation is impossible.
    StoreError, SpaceError
        S504, S503, S501; nothing is written then.
    """
    store = labels.store
    store.lock()
    state = store.state
    own = set(state.revisions_of(batch))
    seen = {
        key: rev for key, rev in base.items() if (found := state.frames.get(key)) and found.rev not in own
    }
    fresh = [wish for wish in wishes if wish.id not in state.revisions]
    if not fresh:
        return []
    operations = [_operation(labels, wish, batch, client, who) for wish in fresh]
    return store.append(operations, seen)


def _operation(labels: Labels, wish: Wish, batch: str, client: str, who: str) -> Operation:
    place, store = wish.place, labels.store
    is_set = wish.op == "set"
    made = store.operation(
        place.key,
        place.frame,
        place.camera,
        op=wish.op,
        keypoint=labels.keypoints.point(wish.keypoint).id if is_set else "",
        individual=wish.individual,
        after=wish.mark if is_set else None,
        batch=batch,
        who=who,
        origin=wish.origin if is_set else "hand",
        client=client,
    )._replace(id=wish.id)
    if wish.op == "note":
        return made._replace(after=Note(wish.text) if wish.text else None)
    if not wish.op.startswith("mark_"):
        return made
    found = store.state.segments.get(wish.segment)
    before = None if found is None else found[1]
    if not wish.segment or (wish.op == "mark_add") != (before is None):
        raise ParameterError(
            "P401", f"segment {wish.segment!r}", "there is one of that name" if before else "there is none"
        )
    after = None if wish.op == "mark_drop" else Segment(wish.segment, place.key[1], wish.stop, wish.text)
    return made._replace(before=before, after=after)


def take_back(labels: Labels, batch: str, undone: str, *, who: str = "") -> None:
    """Take a gesture back under a name that the client made; once however often it is asked for.

    Parameters
    ----------
    labels : Labels
        The folder.
    batch : str
        Identity of the taking back.
    undone : str
        The gesture that is taken back; a taking back itself for a redo.
    who : str, optional
        The person.

    Raises
    ------
    RecipeError
        P403, if there is no such gesture, or it is taken back already.
    AppError
        W904, if a point was changed since by somebody else.
    """
    labels.store.lock()
    if labels.store.state.takes_back.get(batch) == undone:
        return
    labels.undo(undone, who=who, by=batch)
