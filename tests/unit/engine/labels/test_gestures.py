"""Gestures on labels: once however often they come, refused where somebody else was faster."""

import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mystax.core.label_operations import Mark, Segment
from mystax.engine.labels.gestures import Place, Wish, take_back, write_gesture
from mystax.engine.labels.labels import Labels
from mystax.errors import AppError, ParameterError, RecipeError

PLACE = Place(("video-1", 512), 1, "face")
OTHER = Place(("video-1", 1024), 2, "face")


def new() -> str:
    return secrets.token_hex(16)


def wish(x: float = 1.0, place: Place = PLACE, **more: Any) -> Wish:
    wanted = {"op": "set", "keypoint": "nose_tip", "mark": Mark.placed(x, x + 1)}
    return Wish(new(), place=place, **{**wanted, **more})


@pytest.fixture
def labels(tmp_path: Path) -> Iterator[Labels]:
    with Labels(tmp_path / "a.labels") as found:
        yield found


def write(labels: Labels, *wishes: Wish, batch: str = "", base: dict[Any, int] | None = None) -> int:
    """Write a gesture as a page does; return how many operations are new."""
    return len(write_gesture(labels, batch or new(), wishes, base or {}, client="test", who="ann"))


def x_of(labels: Labels, place: Place = PLACE) -> float | None:
    mark = labels.store.state.mark(place.key, "nose_tip")
    return None if mark is None else mark.x


def test_a_gesture_is_written_with_what_stood_there_before(labels: Labels) -> None:
    write(labels, wish(1.0))
    write(labels, wish(2.0), base={PLACE.key: 1})
    first, second = labels.history(PLACE.key)
    assert (first.before, second.before) == (None, Mark.placed(1.0, 2.0))
    assert (second.who, second.client, second.frame, second.camera) == ("ann", "test", 1, "face")


def test_operations_that_come_again_are_not_repeated_also_after_a_restart(labels: Labels) -> None:
    batch, one, two = new(), wish(1.0), wish(2.0, OTHER)
    assert write(labels, one, batch=batch, base={PLACE.key: 0}) == 1
    labels.close()
    with Labels(labels.folder) as again:
        assert write(again, one, two, batch=batch, base={PLACE.key: 0, OTHER.key: 0}) == 1
        assert write(again, one, two, batch=batch, base={PLACE.key: 0, OTHER.key: 0}) == 0
        assert again.store.state.rev == 2


def test_a_frame_that_was_changed_since_is_refused_and_nothing_is_written(labels: Labels) -> None:
    write(labels, wish(1.0))
    with pytest.raises(AppError, match="W904"):
        write(labels, wish(2.0), wish(3.0, OTHER), base={PLACE.key: 0, OTHER.key: 0})
    assert (x_of(labels), x_of(labels, OTHER)) == (1.0, None)
    assert write(labels, wish(3.0, OTHER), base={OTHER.key: 0}) == 1


def test_an_alias_is_the_point_that_it_means(labels: Labels) -> None:
    write(labels, wish(keypoint="eye(front)"))
    assert labels.store.state.mark(PLACE.key, "eye_front") == Mark.placed(1.0, 2.0)


def test_notes_segments_and_listed_frames(labels: Labels) -> None:
    write(labels, wish(op="note", text="skip"), wish(op="frame_add"))
    write(labels, wish(op="mark_add", segment="s1", stop=2048, text="sniffs"))
    state = labels.store.state
    assert (state.frames[PLACE.key].skipped, state.frames[PLACE.key].listed) == (True, True)
    assert state.segments["s1"] == ("video-1", Segment("s1", 512, 2048, "sniffs"))
    write(labels, wish(op="note"), wish(op="mark_edit", segment="s1", stop=4096))
    assert not state.frames[PLACE.key].skipped
    assert state.segments["s1"][1].stop == 4096
    write(labels, wish(op="mark_drop", segment="s1"))
    assert state.segments == {}


@pytest.mark.parametrize("op", ["mark_edit", "mark_drop"])
def test_a_segment_that_is_not_there_cannot_be_changed(op: str, labels: Labels) -> None:
    with pytest.raises(ParameterError, match="there is none"):
        write(labels, wish(op=op, segment="s1"))


def test_a_segment_is_added_once(labels: Labels) -> None:
    write(labels, wish(op="mark_add", segment="s1", stop=600))
    with pytest.raises(ParameterError, match="there is one of that name"):
        write(labels, wish(op="mark_add", segment="s1", stop=700))


def test_an_unknown_point_is_refused_with_the_nearest(labels: Labels) -> None:
    with pytest.raises(RecipeError, match="did you mean"):
        write(labels, wish(keypoint="nose_tpi"))


def test_taking_back_is_done_once_under_the_name_of_the_client(labels: Labels) -> None:
    batch, by = new(), new()
    write(labels, wish(1.0), batch=batch)
    for _ in range(2):
        take_back(labels, by, batch)
        assert x_of(labels) is None
        assert labels.store.state.rev == 2
    take_back(labels, new(), by)
    assert x_of(labels) == 1.0


def test_what_cannot_be_taken_back_is_refused(labels: Labels) -> None:
    batch = new()
    write(labels, wish(1.0), batch=batch)
    write(labels, wish(2.0))
    with pytest.raises(AppError, match="W904"):
        take_back(labels, new(), batch)
    with pytest.raises(RecipeError, match="P403"):
        take_back(labels, new(), new())
    assert x_of(labels) == 2.0


def test_a_reader_sees_what_another_program_writes(labels: Labels) -> None:
    reader = Labels(labels.folder)
    assert reader.store.state.rev == 0
    write(labels, wish(1.0))
    reader.store.refresh()
    assert reader.store.state.rev == 1
    reader.store.refresh()
    assert reader.store.state.mark(PLACE.key, "nose_tip") == Mark.placed(1.0, 2.0)


def test_the_holder_of_a_set_is_named_to_others_only(labels: Labels) -> None:
    assert labels.store.holder() == ""
    labels.store.lock()
    assert labels.store.holder() == ""
    assert "process" in Labels(labels.folder).store.holder()
