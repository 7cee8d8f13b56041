"""What a page that was reloaded can take back is what the journal says."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mystax.app import label_undo
from mystax.app.label_desk import Teller
from mystax.app.label_undo import steps_of
from mystax.core.label_operations import FrameKey, Mark
from mystax.engine.labels.gestures import Place, Wish, take_back, write_gesture
from mystax.engine.labels.labels import Labels

VIDEO = "f" * 32
TELLER = Teller({VIDEO: "cam"})


@pytest.fixture
def labels(tmp_path: Path) -> Iterator[Labels]:
    with Labels(tmp_path / "a.labels", write=True) as made:
        yield made


def place(frame: int) -> Place:
    key: FrameKey = (VIDEO, 10 * frame)
    return Place(key, frame, "face")


class Hand:
    """Writes gestures with names that count."""

    def __init__(self, labels: Labels) -> None:
        self.labels, self.n = labels, 0

    def name(self) -> str:
        self.n += 1
        return f"{self.n:032x}"

    def put(self, frame: int, x: float | None, who: str = "", point: str = "nose_tip") -> str:
        batch = self.name()
        mark = None if x is None else Mark("placed", x, 2.0, None)
        wish = Wish(self.name(), "set", place(frame), keypoint=point, mark=mark)
        write_gesture(self.labels, batch, [wish], {}, client="c", who=who)
        return batch


def test_gestures_that_stand_come_in_their_order_with_what_they_did(labels: Labels) -> None:
    hand = Hand(labels)
    first, second, third = hand.put(3, 1.0), hand.put(3, 5.0), hand.put(4, None)
    del third
    take_back(labels, hand.name(), second)
    fourth = hand.put(3, 7.0)
    found = steps_of(labels, TELLER, 500)
    assert [one.batch for one in found if one.batch in {first, second, fourth}] == [first, fourth]
    (point,) = found[-1].points
    assert (point.camera, point.frame, point.keypoint) == ("cam", 3, "nose_tip")
    assert point.before is not None
    assert point.after is not None
    assert (point.before.x, point.after.x) == (1.0, 7.0)


def test_a_redo_stands_again(labels: Labels) -> None:
    hand = Hand(labels)
    batch = hand.put(1, 1.0)
    undo = hand.name()
    take_back(labels, undo, batch)
    assert steps_of(labels, TELLER, 500) == []
    take_back(labels, hand.name(), undo)
    assert [one.batch for one in steps_of(labels, TELLER, 500)] == [batch]
    take_back(labels, hand.name(), batch)
    assert labels.store.state.mark(place(1).key, "nose_tip") is None


def test_only_the_last_ones_of_this_person_come(labels: Labels) -> None:
    hand = Hand(labels)
    mine = [hand.put(frame, 1.0) for frame in range(6)]
    hand.put(9, 1.0, who="somebody else")
    assert [one.batch for one in steps_of(labels, TELLER, 4)] == mine[-4:]


def test_nothing_before_an_import_is_taken_back(labels: Labels, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(label_undo, "MOST_OPERATIONS", 2)
    hand = Hand(labels)
    hand.put(0, 1.0)
    wishes = [
        Wish(hand.name(), "set", place(k), keypoint="nose_tip", mark=Mark("placed", 1.0, 2.0, None))
        for k in (1, 2, 3)
    ]
    write_gesture(labels, hand.name(), wishes, {}, client="c")
    after = hand.put(5, 1.0)
    assert [one.batch for one in steps_of(labels, TELLER, 500)] == [after]


def test_notes_are_no_gestures_on_points(labels: Labels) -> None:
    hand = Hand(labels)
    write_gesture(labels, hand.name(), [Wish(hand.name(), "note", place(1), text="skip")], {}, client="c")
    assert steps_of(labels, TELLER, 500) == []
