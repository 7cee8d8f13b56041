"""Labels as state: what holds after some operations, conflicts, and taking back."""

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mystax.core.keypoints import KeypointSet
from mystax.core.label_operations import Mark, Note, Operation, Segment
from mystax.core.labels import LabelState, inverse
from mystax.errors import AppError
from tests.fixtures.label_folders import VIDEO, make_operation

POINTS = KeypointSet.load("mouse-face-13")
KEY = (VIDEO, 512)
A, B = Mark("placed", 1.0, 2.0), Mark("invisible", 3.0, 4.0)


class Book:
    """A state and all that was done to it."""

    def __init__(self) -> None:
        self.state = LabelState(POINTS)
        self.all: list[Operation] = []

    def do(self, *operations: Operation) -> None:
        for operation in operations:
            self.all.append(operation._replace(rev=len(self.all) + 1))
            self.state.apply(self.all[-1])

    def undo(self, batch: str) -> str:
        chosen = [operation for operation in self.all if operation.batch == batch]
        by = f"{len(self.all) + (1 << 96):032x}"
        back = inverse(self.state, chosen)
        self.do(*(item._replace(id=make_operation().id, batch=by) for item in back))
        return by

    def picture(self) -> dict[Any, Any]:
        """Return what a person sees: marks with their origins, lists and skips."""
        state = self.state
        seen = {
            key: {place: (p.mark, p.origin) for place, p in labels.points.items() if p.mark is not None}
            for key, labels in state.frames.items()
        }
        flags = {key: (labels.listed, labels.skipped) for key, labels in state.frames.items()}
        return {
            "marks": {key: marks for key, marks in seen.items() if marks},
            "flags": {key: value for key, value in flags.items() if any(value)},
            "segments": dict(state.segments),
        }


def test_last_mark_holds() -> None:
    book = Book()
    book.do(make_operation(after=A), make_operation(before=A, after=B))
    assert book.state.mark(KEY, "nose_tip") == B
    assert book.state.rev == 2
    assert book.state.frames[KEY].rev == 2


def test_point_that_was_taken_away_is_not_labelled() -> None:
    book = Book()
    book.do(make_operation(after=A), make_operation(before=A, after=None))
    assert book.state.mark(KEY, "nose_tip") is None
    assert list(book.state.labelled()) == []
    assert book.state.frames[KEY].marks() == {}


def test_frames_and_individuals_are_apart() -> None:
    book = Book()
    book.do(
        make_operation(after=A), make_operation(after=B, pts=513), make_operation(after=B, individual="other")
    )
    assert book.state.mark(KEY, "nose_tip") == A
    assert book.state.mark((VIDEO, 513), "nose_tip") == B
    assert book.state.mark(KEY, "nose_tip", "other") == B
    assert book.state.mark(("elsewhere", 0), "nose_tip") is None
    assert len(list(book.state.labelled())) == 2


def test_older_names_of_a_point_find_its_labels() -> None:
    points = POINTS.renamed("nose_tip", "snout")
    state = LabelState(points)
    state.apply(make_operation("nose_tip", A, rev=1))
    assert state.mark(KEY, "snout") == A


def test_label_of_an_unknown_point_is_kept_under_its_name() -> None:
    state = LabelState(POINTS)
    state.apply(make_operation("tail", A, rev=1))
    assert state.mark(KEY, "tail") == A


def test_undo_restores_mark_and_origin() -> None:
    book = Book()
    book.do(make_operation(after=A, origin="prediction:abc"))
    before = book.picture()
    moved = make_operation(before=A, after=B)
    book.do(moved)
    by = book.undo(moved.batch)
    assert book.picture() == before
    assert book.state.is_undone(moved.batch)
    book.undo(by)
    assert book.state.mark(KEY, "nose_tip") == B
    assert not book.state.is_undone(moved.batch)


def test_gesture_of_many_moves_is_taken_back_as_one() -> None:
    book = Book()
    book.do(make_operation(after=A, origin="import:abc"))
    before = book.picture()
    batch = "f" * 32
    marks = [A, B, Mark("placed", 9.0, 9.0), Mark("absent"), None]
    book.do(*(make_operation(before=old, after=new, batch=batch) for old, new in itertools.pairwise(marks)))
    book.undo(batch)
    assert book.picture() == before


def test_point_that_somebody_changed_since_is_not_taken_back() -> None:
    book = Book()
    first = make_operation(after=A)
    book.do(first, make_operation(before=A, after=B, who="bob"))
    with pytest.raises(AppError, match="changed by bob since") as caught:
        book.undo(first.batch)
    assert caught.value.code == "W904"
    assert book.state.mark(KEY, "nose_tip") == B


def test_change_of_another_point_does_not_hinder() -> None:
    book = Book()
    first = make_operation(after=A)
    book.do(first, make_operation("mouth", after=B, who="bob"))
    book.undo(first.batch)
    assert book.state.mark(KEY, "nose_tip") is None
    assert book.state.mark(KEY, "mouth") == B


@pytest.mark.parametrize(
    "operation",
    [
        make_operation("", None, op="frame_add"),
        make_operation("", op="note", after=Note("skip")),
        make_operation("", op="mark_add", after=Segment("m1", 3, 9, "grooming")),
    ],
)
def test_every_kind_of_operation_can_be_taken_back(operation: Operation) -> None:
    book = Book()
    book.do(operation)
    after = book.picture()
    assert after != {"marks": {}, "flags": {}, "segments": {}}
    by = book.undo(operation.batch)
    assert book.picture() == {"marks": {}, "flags": {}, "segments": {}}
    book.undo(by)
    assert book.picture() == after


def test_segment_can_be_changed_and_dropped() -> None:
    book = Book()
    old, new = Segment("m1", 3, 9, "grooming"), Segment("m1", 3, 12, "licking")
    book.do(
        make_operation("", op="mark_add", after=old),
        make_operation("", op="mark_edit", before=old, after=new),
    )
    assert book.state.segments["m1"] == (VIDEO, new)
    drop = make_operation("", op="mark_drop", before=new, after=None)
    book.do(drop)
    assert book.state.segments == {}
    book.undo(drop.batch)
    assert book.state.segments["m1"] == (VIDEO, new)


def test_older_revision_of_a_frame_is_a_conflict_and_that_of_another_frame_is_none() -> None:
    book = Book()
    book.do(make_operation(after=A), make_operation(after=A, pts=600, who="bob"))
    book.state.check_base({KEY: 1, ("new", 0): 0})
    with pytest.raises(AppError, match=r"W904.*changed by bob") as caught:
        book.state.check_base({(VIDEO, 600): 1})
    assert caught.value.got == "revision 2"


def test_last_batch_skips_what_is_undone_and_what_others_did() -> None:
    book = Book()
    first, second = make_operation(after=A), make_operation("mouth", after=A, who="bob")
    book.do(first, second)
    assert book.state.last_batch() == second.batch
    assert book.state.last_batch("ann") == first.batch
    by = book.undo(second.batch)
    assert book.state.last_batch() == first.batch
    assert book.state.last_batch(taken_back=True) == by
    book.do(make_operation("lower_lip", after=A))
    assert book.state.last_batch(taken_back=True) is None


def test_revisions_of_a_batch_are_found_also_when_others_came_between() -> None:
    book = Book()
    batch = "e" * 32
    book.do(
        make_operation(after=A, batch=batch),
        make_operation("mouth"),
        make_operation("lower_lip", batch=batch),
    )
    assert book.state.revisions_of(batch) == [1, 3]
    assert book.state.revisions_of("0" * 32) == []


MARKS = st.sampled_from([A, B, Mark("absent"), None])
CHANGES = st.lists(
    st.lists(
        st.tuples(
            st.sampled_from(["nose_tip", "mouth"]),
            st.sampled_from([512, 513]),
            MARKS,
            st.sampled_from(["hand", "prediction:abc"]),
        ),
        min_size=1,
        max_size=4,
    ),
    min_size=1,
    max_size=6,
)


@given(CHANGES)
def test_taking_back_everything_in_reverse_and_doing_it_again_walks_through_every_state(changes: Any) -> None:
    book = Book()
    states, batches = [book.picture()], []
    for number, gesture in enumerate(changes):
        batch = f"{number + 1:032x}"
        for keypoint, pts, mark, origin in gesture:
            before = book.state.mark((VIDEO, pts), keypoint)
            book.do(make_operation(keypoint, mark, before=before, pts=pts, batch=batch, origin=origin))
        batches.append(batch)
        states.append(book.picture())
    for batch, earlier in zip(reversed(batches), reversed(states[:-1]), strict=True):
        book.undo(batch)
        assert book.picture() == earlier
    for later in states[1:]:
        again = book.state.last_batch(taken_back=True)
        assert again is not None
        book.undo(again)
        assert book.picture() == later
