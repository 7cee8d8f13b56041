"""Edited sets of points: every change is kept, no label is lost, and what cannot be is refused."""

from dataclasses import replace
from pathlib import Path

import pytest

from mystax.core.keypoints import Keypoint, KeypointSet
from mystax.engine.labels.labels import Labels
from mystax.engine.labels.points import PointWish, edited_set
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
