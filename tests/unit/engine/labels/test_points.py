"""Edited sets of points: every change is kept, no label is lost, and what cannot be is refused."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mystax.core.keypoints import Keypoint, KeypointSet
from mystax.core.label_operations import Mark
from mystax.engine.labels.labels import Labels
from mystax.engine.labels.points import PointWish, edit_points, edited_set, exchanged
from mystax.errors import RecipeError
from tests.fixtures.label_folders import write_picture

NOW = KeypointSet(
    "face",
    (Keypoint("nose", "its tip"), Keypoint("left"), Keypoint("right")),
    edges=(("nose", "left"),),
    view="two-sided",
)
SAME = [PointWish("nose", "nose", "its tip"), PointWish("left", "left"), PointWish("right", "right")]
EDGES, PAIRS = (("nose", "left"),), (("left", "right"),)


def test_nothing_changed_is_the_same_set() -> None:
    assert edited_set(NOW, SAME, EDGES, ()) is NOW


def test_points_are_added_renamed_and_put_in_another_order() -> None:
    wishes = [SAME[2], PointWish("chin", definition="below"), PointWish("snout", "nose", "its tip"), SAME[1]]
    made = edited_set(NOW, wishes, (("snout", "chin"),), PAIRS)
    assert made.ids == ("right", "chin", "snout", "left")
    assert made.point("nose").id == "snout"
    assert made.point("chin").definition == "below"
    assert (made.edges, made.pairs) == ((("snout", "chin"),), PAIRS)
    assert made.version == NOW.version + 1


def test_a_retired_point_can_come_back() -> None:
    gone = edited_set(NOW, [*SAME[:2], replace(SAME[2], retired=True)], EDGES, ())
    assert gone.ids == ("nose", "left")
    assert edited_set(gone, SAME, EDGES, ()).ids == NOW.ids


def test_labels_follow_a_renamed_point_and_stay_with_a_retired_one(tmp_path: Path) -> None:
    picture = write_picture(tmp_path / "a.png")
    wishes = [PointWish("snout", "nose"), SAME[1], replace(SAME[2], retired=True)]
    with Labels(tmp_path / "a.labels", NOW, write=True) as labels:
        labels.add(picture, 0, {"nose": (1.0, 2.0), "right": (3.0, 4.0)})
        labels.change_points(lambda now: edited_set(now, wishes, (), ()))
        ((key, _),) = labels.frames()
        assert labels.store.state.mark(key, "snout") is not None
        assert labels.keypoints.ids == ("snout", "left")
    again = Labels(tmp_path / "a.labels")
    assert (again.keypoints.ids, len(again)) == (("snout", "left"), 1)


@pytest.mark.parametrize(
    ("points", "edges", "pairs", "words"),
    [
        (SAME[:2], (), (), "every point of the set must be there once"),
        ([*SAME, SAME[0]], (), (), "there once"),
        ([*SAME, PointWish("nose")], (), (), "twice"),
        ([*SAME, PointWish("no se")], (), (), "cannot be used"),
        ([PointWish("left", "nose"), *SAME[1:]], (), (), "left"),
        (SAME, (("nose", "ear"),), (), "'ear'.*not labelled"),
        ([*SAME[:2], replace(SAME[2], retired=True)], (), PAIRS, "'right'.*not labelled"),
        (SAME, (("nose", "nose"),), (), "with itself"),
        (SAME, (), (("left", "right"), ("right", "nose")), "two pairs"),
        ([replace(one, retired=True) for one in SAME], (), (), "every point is retired"),
    ],
)
def test_what_cannot_be_is_refused(
    points: list[PointWish],
    edges: tuple[tuple[str, str], ...],
    pairs: tuple[tuple[str, str], ...],
    words: str,
) -> None:
    with pytest.raises(RecipeError, match=rf"P403.*{words}"):
        edited_set(NOW, points, edges, pairs)


def test_a_set_that_survives_mirroring_has_no_pairs() -> None:
    with pytest.raises(RecipeError, match=r"P403.*no pairs"):
        edited_set(replace(NOW, view="one-sided"), SAME, EDGES, PAIRS)


SWAPPED = [SAME[0], PointWish("right", "left"), PointWish("left", "right")]


@pytest.fixture
def labels(tmp_path: Path) -> Iterator[Labels]:
    """Label two pictures: in the second one only one of the two points that are exchanged."""
    with Labels(tmp_path / "a.labels", NOW, write=True) as made:
        first = {"nose": (9.0, 9.0), "left": (1.0, 2.0), "right": (3.0, 4.0)}
        made.add(write_picture(tmp_path / "a.png"), 0, first)
        made.add(write_picture(tmp_path / "b.png", 1), 0, {"left": "absent"}, origin="prediction:ab")
        yield made


def marks(labels: Labels) -> list[dict[str, Any]]:
    return [{name: mark for (_, name), mark in frame.marks().items()} for _, frame in labels.frames()]


def test_two_points_that_swap_names_keep_their_labels(labels: Labels) -> None:
    first, second = (dict(one) for one in marks(labels))
    batch = edit_points(labels, SWAPPED, (("nose", "right"),), ())
    assert batch is not None
    assert labels.keypoints.ids == ("nose", "right", "left")
    assert marks(labels) == [
        {"nose": first["nose"], "right": first["left"], "left": first["right"]},
        {"right": second["left"]},
    ]
    assert labels.keypoints.edges == (("nose", "right"),)


def test_a_swap_is_one_batch_of_the_journal_and_can_be_taken_back(labels: Labels) -> None:
    before = marks(labels)
    batch = edit_points(labels, SWAPPED, (), ())
    assert len(labels.store.state.revisions_of(str(batch))) == 4
    labels.undo(batch)
    assert marks(labels) == before


def test_a_second_swap_gives_everything_back(labels: Labels) -> None:
    before = marks(labels)
    edit_points(labels, SWAPPED, EDGES, ())
    edit_points(labels, [SAME[0], PointWish("left", "right"), PointWish("right", "left")], EDGES, ())
    assert marks(labels) == before
    assert [labels.keypoints.ids, labels.keypoints.edges] == [NOW.ids, NOW.edges]


def test_the_origin_of_a_label_goes_with_it(labels: Labels) -> None:
    edit_points(labels, SWAPPED, (), ())
    (_, second) = (frame for _, frame in labels.frames())
    assert second.points["face", "right"].origin == "prediction:ab"


def test_a_swap_is_read_by_whoever_opens_the_folder_next(labels: Labels) -> None:
    edit_points(labels, SWAPPED, (), ())
    now = marks(labels)
    labels.close()
    assert marks(Labels(labels.folder)) == now


def test_three_points_exchange_names_in_a_circle(labels: Labels) -> None:
    first = marks(labels)[0]
    circle = [PointWish("left", "nose"), PointWish("right", "left"), PointWish("nose", "right")]
    edit_points(labels, circle, (), ())
    assert marks(labels)[0] == {"left": first["nose"], "right": first["left"], "nose": first["right"]}


def test_only_closed_circles_of_names_are_exchanges() -> None:
    chain = [PointWish("left", "nose"), PointWish("ear", "left"), PointWish("right", "right")]
    assert exchanged(chain) == ({}, chain)
    moves, settled = exchanged([*SWAPPED[1:], PointWish("snout", "nose")])
    assert moves == {"left": "right", "right": "left"}
    assert [(one.id, one.was) for one in settled] == [("right", "right"), ("left", "left"), ("snout", "nose")]


def test_a_plain_edit_writes_no_label(labels: Labels) -> None:
    rev = labels.store.state.rev
    assert edit_points(labels, [PointWish("snout", "nose"), *SAME[1:]], (), ()) is None
    assert (labels.store.state.rev, labels.keypoints.ids[0]) == (rev, "snout")


@pytest.mark.parametrize(
    ("points", "edges", "words"),
    [
        (SWAPPED, (("nose", "ear"),), "'ear'.*not labelled"),
        ([*SWAPPED[:2], replace(SWAPPED[2], retired=True)], (), "retired and cannot exchange"),
        ([*SWAPPED, PointWish("nose")], (), "twice"),
    ],
)
def test_a_swap_that_cannot_be_writes_nothing(
    points: list[PointWish], edges: tuple[tuple[str, str], ...], words: str, labels: Labels
) -> None:
    before, rev = marks(labels), labels.store.state.rev
    with pytest.raises(RecipeError, match=rf"P403.*{words}"):
        edit_points(labels, points, edges, ())
    assert (marks(labels), labels.store.state.rev, labels.keypoints) == (before, rev, NOW)


def test_a_place_is_moved_as_it_is(labels: Labels) -> None:
    edit_points(labels, SWAPPED, (), ())
    assert marks(labels)[0]["right"] == Mark("placed", 1.0, 2.0)
