"""Labels as pure state: who changed what, what holds now, and how a change is taken back."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from mystax.core.keypoints import KeypointSet
from mystax.core.label_operations import FrameKey, Mark, Note, Operation, Segment
from mystax.errors import AppError

__all__ = ["FrameLabels", "LabelState", "PointLabel", "inverse"]


class PointLabel(NamedTuple):
    """The present mark of a point (None: taken away), where it came from, who set it, in which revision.

    `batch` is the change that stands here and `setter` the one that wrote last (an undo writes, but what
    stands then is older); `below` is the label under it, `above` the one that was taken back from it.
    """

    mark: Mark | None
    origin: str
    who: str
    rev: int
    batch: str
    setter: str
    below: "PointLabel | None" = None
    above: "PointLabel | None" = None


@dataclass(slots=True)
class FrameLabels:
    """What is known of one frame.

    Attributes
    ----------
    camera, frame : str, int
        Name of the camera and number of the frame, for people.
    rev : int
        Revision of the last change.
    who : str
        Who made it.
    listed : bool
        Whether the frame was put on the list by hand.
    skipped : bool
        Whether somebody said that it is not worth labelling.
    points : dict
        (individual, keypoint) to `PointLabel`, also of points whose mark was taken away.
    """

    camera: str
    frame: int
    rev: int = 0
    who: str = ""
    listed: bool = False
    skipped: bool = False
    points: dict[tuple[str, str], PointLabel] = field(default_factory=dict)

    def marks(self) -> dict[tuple[str, str], Mark]:
        """Return the present marks by individual and keypoint."""
        return {place: label.mark for place, label in self.points.items() if label.mark is not None}


class LabelState:
    """All labels after some revision.

    Parameters
    ----------
    keypoints : KeypointSet
        The set; operations may name points by older names.
    """

    def __init__(self, keypoints: KeypointSet) -> None:
        self.keypoints = keypoints
        self.rev = 0
        self.frames: dict[FrameKey, FrameLabels] = {}
        self.segments: dict[str, tuple[str, Segment]] = {}
        self.revisions: dict[str, int] = {}
        self.batches: dict[str, list[list[int]]] = {}
        self.authors: dict[str, str] = {}
        self.undone: dict[str, str] = {}
        self.takes_back: dict[str, str] = {}
        self._names: dict[str, str] = {}

    def point_id(self, name: str) -> str:
        """Return the present name of a point; one that the set does not know stays as it is."""
        found = self._names.get(name)
        if found is None:
            point = self.keypoints.find(name)
            found = self._names[name] = name if point is None else point.id
        return found

    def apply(self, operation: Operation) -> None:
        """Take in one operation; its revision is higher than all before."""
        rev, kind, identity, batch, _, who, _, camera, video, pts, frame = operation[:11]
        individual, keypoint, before, after, origin, undoes = operation[11:]
        self.rev = rev
        self.revisions[identity] = rev
        spans = self.batches.get(batch)
        if spans is None:
            self.batches[batch] = [[rev, rev]]
            self.authors[batch] = who
        elif spans[-1][1] == rev - 1:
            spans[-1][1] = rev
        else:
            spans.append([rev, rev])
        if undoes is not None:
            self.undone[undoes] = batch
            self.takes_back[batch] = undoes
        labels = self.frames.get((video, pts))
        if labels is None:
            labels = self.frames[video, pts] = FrameLabels(camera, frame)
        labels.rev, labels.who = rev, who
        if kind == "set":
            place = (individual, self._names.get(keypoint) or self.point_id(keypoint))
            mark = after if isinstance(after, Mark) else None
            old = labels.points.get(place)
            if undoes is not None:
                label = self._taken_back(old, PointLabel(mark, origin, who, rev, batch, batch))
            elif old is not None and old.batch == batch:
                label = PointLabel(mark, origin, who, rev, batch, batch, old.below)
            else:
                label = PointLabel(mark, origin, who, rev, batch, batch, old)
            labels.points[place] = label
        elif kind in ("frame_add", "frame_drop"):
            labels.listed = kind == "frame_add"
        elif kind == "note":
            labels.skipped = isinstance(after, Note) and after.text == "skip"
        elif isinstance(after, Segment):
            self.segments[after.mark] = (video, after)
        elif isinstance(before, Segment):
            self.segments.pop(before.mark, None)

    def root_of(self, batch: str) -> tuple[str, bool]:
        """Return the change that a batch is about in the end, and whether the batch takes it back."""
        takes_back = False
        while batch in self.takes_back:
            batch, takes_back = self.takes_back[batch], not takes_back
        return batch, takes_back

    def _taken_back(self, old: PointLabel | None, new: PointLabel) -> PointLabel:
        """Return the label of a point after an undo or redo: what stands is below it, or that again."""
        if old is None:
            return new
        if old.setter == new.setter:  # one of several moves in one gesture
            return new._replace(batch=old.batch, below=old.below, above=old.above)
        root, takes_back = self.root_of(new.setter)
        if not takes_back:
            return new._replace(batch=root, below=old, above=old.above.above if old.above else None)
        if old.batch != root or old.below is None:
            return new._replace(batch="", above=old)
        return new._replace(batch=old.below.batch, below=old.below.below, above=old)

    # questions -------------------------------------------------------------------------------------

    def mark(self, key: FrameKey, keypoint: str, individual: str = "face") -> Mark | None:
        """Return the present mark of a point; None if it is not labelled."""
        found = self.label(key, keypoint, individual)
        return None if found is None else found.mark

    def label(self, key: FrameKey, keypoint: str, individual: str = "face") -> PointLabel | None:
        """Return the present label of a point (of mark None if it was taken away); None without one."""
        labels = self.frames.get(key)
        return None if labels is None else labels.points.get((individual, self.point_id(keypoint)))

    def labelled(self) -> Iterator[tuple[FrameKey, FrameLabels]]:
        """Give the frames that hold at least one mark, in the order in which they were first named."""
        return (
            (key, labels)
            for key, labels in self.frames.items()
            if any(label.mark is not None for label in labels.points.values())
        )

    def revisions_of(self, batch: str) -> list[int]:
        """Return the revisions of a batch, rising; empty if there is no such batch."""
        return [rev for first, last in self.batches.get(batch, ()) for rev in range(first, last + 1)]

    def is_undone(self, batch: str) -> bool:
        """Tell whether a batch is taken back (and the taking back is not itself taken back)."""
        by = self.undone.get(batch)
        return by is not None and not self.is_undone(by)

    def last_batch(self, who: str | None = None, *, taken_back: bool = False) -> str | None:
        """Return the newest batch that stands, of somebody or anybody; None if there is none.

        Parameters
        ----------
        who : str, optional
            Only batches of this person.
        taken_back : bool, optional
            The newest taking back instead of the newest change: what a redo takes back.
        """
        for batch in reversed(self.batches):
            if who is not None and self.authors[batch] != who:
                continue
            if not taken_back and batch not in self.takes_back and not self.is_undone(batch):
                return batch
            if taken_back and batch not in self.takes_back:
                return None  # a change after an undo ends what can be done again
            if taken_back and self.root_of(batch)[1] and not self.is_undone(batch):
                return batch
        return None

    def check_base(self, base: Mapping[FrameKey, int]) -> None:
        """Check that frames have not been changed since their revisions in `base`.

        Raises
        ------
        AppError
            W904, naming the frame and who changed it.
        """
        for key, rev in base.items():
            labels = self.frames.get(key)
            if labels is not None and labels.rev > rev:
                raise AppError(
                    "W904",
                    f"frame {labels.frame} of camera {labels.camera!r}",
                    f"it was changed by {labels.who or 'somebody'} meanwhile",
                    expected=f"revision {rev}",
                    got=f"revision {labels.rev}",
                    hint="look at the present labels, then keep yours or take theirs",
                )


def _same(state: LabelState, operation: Operation) -> bool:
    """Tell whether what an operation left is still so, and nobody else touched it."""
    key = (operation.video, operation.pts)
    labels = state.frames[key]
    if operation.op == "set":
        place = (operation.individual, state.point_id(operation.keypoint))
        found = labels.points[place]
        root, takes_back = state.root_of(operation.batch)
        return found.mark == operation.after and (takes_back or found.batch == root)
    if operation.op in ("frame_add", "frame_drop"):
        return labels.listed == (operation.op == "frame_add")
    if operation.op == "note":
        return labels.skipped == (isinstance(operation.after, Note) and operation.after.text == "skip")
    found_segment = state.segments.get(_segment_mark(operation))
    return (None if found_segment is None else found_segment[1]) == operation.after


def _segment_mark(operation: Operation) -> str:
    """Return the identity of the segment that an operation is about; empty if it is about none."""
    segment = operation.after or operation.before
    return segment.mark if isinstance(segment, Segment) else ""


OPPOSITE = {
    "set": "set",
    "note": "note",
    "frame_add": "frame_drop",
    "frame_drop": "frame_add",
    "mark_add": "mark_drop",
    "mark_drop": "mark_add",
    "mark_edit": "mark_edit",
}


def inverse(state: LabelState, operations: Sequence[Operation]) -> list[Operation]:
    """Return the operations that take a batch back, last first; identities and times are still to be set.

    Parameters
    ----------
    state : LabelState
        The present labels.
    operations : sequence of Operation
        The batch, in its order.

    Returns
    -------
    list of Operation
        Opposite operations with `undoes` set to the batch.

    Raises
    ------
    AppError
        W904, if a point was changed since by another batch.
    """
    last: dict[tuple[object, ...], Operation] = {}
    opposite: list[Operation] = []
    for operation in operations:
        what = (
            *(operation.video, operation.pts, operation.op.partition("_")[0]),
            *(operation.individual, operation.keypoint, _segment_mark(operation)),
        )
        last[what] = operation
        opposite.append(
            operation._replace(
                op=OPPOSITE[operation.op],
                before=operation.after,
                after=operation.before,
                undoes=operation.batch,
                origin=_other_origin(state, operation),
            )
        )
    for operation in last.values():
        if not _same(state, operation):
            who = state.frames[operation.video, operation.pts].who
            raise AppError(
                "W904",
                f"frame {operation.frame} of camera {operation.camera!r}",
                f"{operation.keypoint or operation.op} was changed by {who or 'somebody'} since",
                hint="look at the history of the frame and set the point itself",
            )
    return opposite[::-1]


def _other_origin(state: LabelState, operation: Operation) -> str:
    """Return where the mark that comes back came from."""
    points = state.frames[operation.video, operation.pts].points
    found = points.get((operation.individual, state.point_id(operation.keypoint)))
    if found is None:
        return operation.origin
    other = found.above if state.root_of(operation.batch)[1] else found.below
    return operation.origin if other is None else other.origin
