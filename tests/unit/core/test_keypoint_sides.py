"""One-sided sets seen from both sides: names, pairs, lines, measures, and what is left out."""

from dataclasses import replace

import pytest

from mystax.core.keypoint_measures import Axes, Measure
from mystax.core.keypoint_sides import split_side
from mystax.core.keypoints import Keypoint, KeypointSet, shipped_sets

FACE = KeypointSet.load("mouse-face-13")
SIDES = ("left", "right")
MIDDLE = ("nose_top", "nose_tip", "nose_bottom", "lower_lip")
LEFT = tuple(name if name in MIDDLE else f"left.{name}" for name in FACE.ids)
RIGHT = tuple(f"right.{name}" for name in FACE.ids if name not in MIDDLE)
BOTH = FACE.both_sides((*LEFT, *RIGHT))


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("left.eye_front", ("left", "eye_front")),
        ("right.a.b", ("right", "a.b")),
        ("nose_tip", ("", "nose_tip")),
        ("left_ear", ("", "left_ear")),
        ("left.", ("", "left.")),
        ("top.eye", ("", "top.eye")),
    ],
)
def test_side_is_cut_off_a_name(name: str, parts: tuple[str, str]) -> None:
    assert split_side(name) == parts


def test_points_are_those_of_the_names_in_their_order() -> None:
    assert BOTH.ids == (*LEFT, *RIGHT)
    assert BOTH.view == "two-sided"
    assert BOTH.draw == "front"
    assert FACE.both_sides(("right.mouth", "nose_tip", "left.mouth")).ids == (
        *("right.mouth", "nose_tip", "left.mouth"),
    )


def test_each_point_off_the_midline_has_its_partner() -> None:
    assert set(BOTH.pairs) == {(f"left.{name}", f"right.{name}") for name in FACE.ids if name not in MIDDLE}
    order = BOTH.mirror_order()
    assert [BOTH.ids[k] for k in order] == [
        name.replace("left.", "?").replace("right.", "left.").replace("?", "right.") for name in BOTH.ids
    ]


def test_lines_parts_and_rigid_points_hold_for_both_sides() -> None:
    assert len(BOTH.edges) == 2 * (4 + 3 + 1) + 3  # eye, whiskers and mouth of each side, and the nose
    assert ("left.eye_front", "left.eye_top") in BOTH.edges
    assert ("right.mouth", "lower_lip") in BOTH.edges
    assert BOTH.edges.count(("nose_top", "nose_tip")) == 1
    assert set(BOTH.rigid) == {
        *("left.eye_front", "left.eye_back", "right.eye_front", "right.eye_back", "nose_top"),
    }
    assert BOTH.parts["nose"] == ("nose_top", "nose_tip", "nose_bottom", "left.nose_far", "right.nose_far")
    assert BOTH.part_of("right.whisker_II") == "whisker"


def test_measures_are_taken_on_each_side_and_once_on_the_midline() -> None:
    sided = [name for name in FACE.measures if name != "nose_angle"]
    assert set(BOTH.measures) == {"nose_angle", *(f"{name}_{side}" for name in sided for side in SIDES)}
    assert BOTH.measures["nose_angle"] == FACE.measures["nose_angle"]
    assert BOTH.measures["whisker_angle_right"].points == (
        *(("right.whisker_I",), ("right.whisker_III",), ("right.eye_front",), ("nose_tip",)),
    )
    assert BOTH.measures["eye_ratio_left"].of == ("eye_height_left", "eye_width_left")


def test_what_is_known_of_a_point_is_known_of_its_sides() -> None:
    assert BOTH.point("lip") == FACE.point("lip")  # of the midline
    ring = BOTH.point("left.whisker_2")
    assert (ring.id, ring.synth) == ("left.whisker_I", "left.whisker_I")
    assert ring.definition == "Left side: Skin exit of vibrissa C1 (dorsal of the three)."


def test_one_side_alone_has_no_pairs() -> None:
    found = FACE.both_sides(LEFT)
    assert (found.ids, found.pairs, found.draw) == (LEFT, (), FACE.draw)
    assert len(found.edges) == len(FACE.edges)
    assert len(found.measures) == len(FACE.measures)
    assert found.name != FACE.name


def test_point_that_only_one_side_has_takes_its_lines_with_it() -> None:
    found = FACE.both_sides([name for name in (*LEFT, *RIGHT) if name != "right.eye_top"])
    assert ("left.eye_top", "right.eye_top") not in found.pairs
    assert ("left.eye_top", "left.eye_back") in found.edges
    assert not any("right.eye_top" in edge for edge in found.edges)
    assert "eye_ratio_left" in found.measures
    assert not {"eye_height_right", "eye_ratio_right"} & set(found.measures)


def test_names_without_a_side_leave_the_set_as_it_is() -> None:
    assert FACE.both_sides(FACE.ids) is FACE
    assert FACE.both_sides(["left.tail", "right.tail"]) is FACE  # nothing of it is known here


def test_what_is_not_known_is_a_point_without_lines() -> None:
    found = FACE.both_sides([*LEFT, "left.tail", "paw", "tail tip", "right.eye(top)"])
    assert found.ids == (*LEFT, "left.tail", "paw", "right.eye_top")
    assert found.point("right.eye(top)").id == "right.eye_top"
    assert found.point("paw") == Keypoint("paw")


def test_two_names_of_one_point_are_one_point() -> None:
    assert FACE.both_sides(["left.mouth", "lower_lip", "lip"]).ids == ("left.mouth", "lower_lip")


def test_plain_and_sided_name_of_a_point_stay_apart() -> None:
    found = FACE.both_sides(["left.eye_top", "left.eye_bottom", "eye_top", "eye_bottom"])
    assert found.ids == ("left.eye_top", "left.eye_bottom", "eye_top", "eye_bottom")
    assert found.measures["eye_height_left"].points == (("left.eye_top",), ("left.eye_bottom",))


def test_two_sided_set_is_not_doubled_again() -> None:
    assert BOTH.both_sides(BOTH.ids) is BOTH


def test_axes_limbs_and_ranges_follow_the_side_that_is_there() -> None:
    base = replace(
        FACE.subset(["eye_front", "eye_back", "nose_tip"]),
        axes=Axes(x=("eye_back", "eye_front"), z=("nose_tip", "eye_front"), origin="nose_tip"),
        limbs=(("eye_front", "eye_back"),),
        measures={"slit": Measure("distance", (("eye_front",), ("eye_back",)))},
        ranges={"slit": (1.0, 5.0)},
    )
    found = base.both_sides(["nose_tip", "right.eye_front", "right.eye_back", "left.eye_front"])
    assert found.axes == Axes(
        x=("right.eye_back", "right.eye_front"), z=("nose_tip", "right.eye_front"), origin="nose_tip"
    )
    assert found.limbs == (("right.eye_front", "right.eye_back"),)
    assert found.ranges == {"slit_right": (1.0, 5.0)}


def test_pairs_that_the_set_has_itself_stay() -> None:
    people = KeypointSet.load("human-face-21")
    names = [name if name.startswith(SIDES) else f"left.{name}" for name in people.ids]
    found = people.both_sides(names)
    assert ("left_ear", "right_ear") in found.pairs
    assert len(found) == len(people)


def test_retired_point_stays_away() -> None:
    found = FACE.retire("mouth").both_sides(["left.mouth", "left.eye_top", "left.eye_bottom"])
    assert found.point("left.mouth") == Keypoint("left.mouth")
    assert found.edges == ()


@pytest.mark.parametrize(
    "name", [name for name in shipped_sets() if KeypointSet.load(name).view == "one-sided"]
)
def test_both_sides_of_a_shipped_set_are_read_back_from_their_text(name: str) -> None:
    base = KeypointSet.load(name)
    found = base.both_sides([f"{side}.{point}" for side in SIDES for point in base.ids])
    assert len(found) == 2 * len(base) == 2 * len(found.pairs)
    assert KeypointSet.from_toml(found.to_toml()) == found
