"""Which points of a set tell where the face is."""

import numpy as np

from mystax.core.keypoints import KeypointSet
from mystax.nets.predictor import points_for_box


def test_the_square_is_about_the_usual_points_of_a_larger_set() -> None:
    every = KeypointSet.load("mouse-face-22")
    points = points_for_box(every)
    assert points.held is not None
    assert [every.ids[k] for k in points.held] == list(KeypointSet.load("mouse-face-13").ids)
    assert "ear_tip" not in {every.ids[k] for k in points.held}


def test_eye_and_nose_are_scored_where_a_set_has_them() -> None:
    every = KeypointSet.load("mouse-face-13")
    points = points_for_box(every)
    assert {every.ids[k] for k in points.scored} == {
        *(name for name in every.ids if name.startswith(("eye_", "nose_")))
    }


def test_a_set_without_such_parts_counts_all_its_points() -> None:
    every = KeypointSet.load("mouse-face-13").subset(["mouth", "lower_lip", "whisker_I"])
    points = points_for_box(every)
    np.testing.assert_array_equal(points.scored, [0, 1, 2])
    assert points.held is None
