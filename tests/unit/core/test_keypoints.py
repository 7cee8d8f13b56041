"""Keypoint sets: names, references, mirrors, changes, and the sets that are shipped."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import mystax
from mystax.core.keypoint_measures import Axes, Measure
from mystax.core.keypoints import DEFAULT_SET, Keypoint, KeypointSet, shipped_sets
from mystax.errors import RecipeError

FACEMAP = [
    *("eye(back)", "eye(bottom)", "eye(front)", "eye(top)", "lowerlip", "mouth", "nose(bottom)", "nose(r)"),
    *("nose(tip)", "nose(top)", "nosebridge", "paw", "whisker(I)", "whisker(III)", "whisker(II)"),
]
LOCATED = {
    "mouse-face-13": 13,
    "mouse-face-15": 15,
    "mouse-face-22": 22,
    "mouse-face-28": 28,
    "human-face-21": 21,
    "human-face-68": 68,
    "human-face-mp": 38,
    "rat-face-template": 25,
    "marmoset-face-template": 21,
}


def small_set(**more: object) -> KeypointSet:
    points = (
        Keypoint("left_eye", "left", ("lefteye",)),
        Keypoint("right_eye", "right", (), "eye(r)"),
        Keypoint("nose"),
    )
    fields: dict[str, object] = {
        "view": "two-sided",
        "edges": (("left_eye", "nose"), ("right_eye", "nose")),
        "pairs": (("left_eye", "right_eye"),),
        "rigid": ("left_eye", "right_eye"),
        "measures": {
            "width": Measure("distance", (("left_eye",), ("right_eye",))),
            "height": Measure("distance", (("nose",), ("left_eye", "right_eye"))),
            "shape": Measure("ratio", of=("height", "width")),
        },
        "parts": {"eye": ("left_eye", "right_eye")},
        "axes": Axes(x=("right_eye", "left_eye"), origin="nose"),
        "limbs": (("left_eye", "right_eye"),),
        "ranges": {"width": (1.0, 9.5)},
        "draw": "front",
    }
    return KeypointSet("small", points, **{**fields, **more})  # type: ignore[arg-type] # fields by name


@pytest.mark.parametrize(("name", "n"), LOCATED.items())
def test_shipped_set_loads_with_its_number_of_points(name: str, n: int) -> None:
    found = KeypointSet.load(name)
    assert (found.name, len(found.ids)) == (name, n)
    assert all(point.definition.endswith(".") for point in found)
    assert {name for names in found.parts.values() for name in names} <= set(found.ids)


def test_no_shipped_set_is_untested() -> None:
    assert set(shipped_sets()) == set(LOCATED)
    assert DEFAULT_SET in LOCATED


@pytest.mark.parametrize("name", LOCATED)
def test_mirroring_a_shipped_set_twice_is_the_identity(name: str) -> None:
    found = KeypointSet.load(name)
    order = found.mirror_order()
    assert order[order].tolist() == list(range(len(found)))
    assert (order != np.arange(len(found))).sum() == 2 * len(found.pairs)


@pytest.mark.parametrize("name", LOCATED)
def test_written_set_is_read_as_an_equal_one(name: str) -> None:
    found = KeypointSet.load(name)
    assert KeypointSet.from_toml(found.to_toml()) == found


def test_facemaps_names_stand_in_facemaps_order() -> None:
    assert [point.facemap for point in KeypointSet.load("mouse-face-15")] == FACEMAP


def test_order_of_the_base_model_is_that_of_its_output() -> None:
    ids = KeypointSet.load("mouse-face-22").ids
    assert ids[:13] == KeypointSet.load("mouse-face-13").ids
    assert ids[13:] == (
        *("nosebridge", "paw", "whisker_C2", "whisker_E1", "pupil", "ear_base", "ear_tip", "chin"),
        "tongue_tip",
    )


def test_pairs_of_the_68_points_are_those_of_a_mirrored_face() -> None:
    """Written out by hand in the order of the iBUG scheme."""
    order = KeypointSet.load("human-face-68").mirror_order()
    expected = [16 - i for i in range(17)] + [26 - i for i in range(10)] + [27, 28, 29, 30]
    expected += [35, 34, 33, 32, 31, 45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40]
    expected += [54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55, 64, 63, 62, 61, 60, 67, 66, 65]
    assert order.tolist() == expected


@pytest.mark.parametrize("name", ["mouse-face-13", "mouse-face-15", "mouse-face-22"])
def test_names_of_other_labellers_find_their_points(name: str) -> None:
    found = KeypointSet.load(name)
    assert found.point("lip").id == "lower_lip"
    assert (found.point("whisker_2").id, found.point("whisker_1").id) == ("whisker_I", "whisker_II")
    assert found.point("Eye(Front)").id == "eye_front"


@pytest.mark.needs_data
def test_every_name_of_the_guides_file_is_a_point(real_data: Path) -> None:
    header = (real_data / "uqoab" / "pose-3d.csv").read_text("utf-8").partition("\n")[0].split(",")
    names = [name.removesuffix("_x") for name in header if name.endswith("_x")]
    points = KeypointSet.load("human-face-21")
    assert sorted(points.point(name).id for name in names) == sorted(points.ids)


def test_set_with_everything_survives_its_text() -> None:
    base = small_set()
    text = base.to_toml()
    assert KeypointSet.from_toml(text) == base
    assert KeypointSet.from_toml(text).digest == base.digest


@pytest.mark.parametrize("text", ['a "quoted" \\ word', "tab\tand\nline", "Ärmel \u2028 \x7f 漢字"])
def test_any_definition_survives_its_text(text: str) -> None:
    base = KeypointSet("one", (Keypoint("a", text, (text,)),))
    assert KeypointSet.from_toml(base.to_toml()) == base


def test_set_is_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(small_set().to_toml(), "utf-8")
    assert KeypointSet.load(path) == KeypointSet.load(str(path)) == small_set()


def test_public_name_is_the_class() -> None:
    assert mystax.KeypointSet is KeypointSet


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("mouse-face-12", "did you mean 'mouse-face-"),
        ("nowhere.toml", "cannot be read"),
    ],
)
def test_unknown_set_is_answered_with_the_nearest(source: str, text: str) -> None:
    with pytest.raises(RecipeError, match=text) as caught:
        KeypointSet.load(source)
    assert caught.value.code == "P403"


def test_file_of_other_bytes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_bytes(b"name = '\xff'")
    with pytest.raises(RecipeError, match="UTF-8"):
        KeypointSet.load(path)


WRONG: dict[str, tuple[dict[str, object], str]] = {
    "edge": (
        {"edges": (("left_eye", "noze"),)},
        "an edge names the unknown point 'noze'; did you mean 'nose'",
    ),
    "edge_of_one": ({"edges": (("nose", "nose"),)}, "joins 'nose' with itself"),
    "pair": ({"pairs": (("left_ey", "right_eye"),)}, "did you mean 'left_eye'"),
    "pair_twice": ({"pairs": (("left_eye", "right_eye"), ("left_eye", "nose"))}, "in two pairs"),
    "one_sided": ({"view": "one-sided"}, "one-sided set has no pairs"),
    "rigid": ({"rigid": ("chin",)}, "rigid names the unknown point"),
    "part": ({"parts": {"eye": ("left",)}}, "part 'eye' names the unknown point"),
    "axes": ({"axes": Axes(x=("nose", "chin"))}, r"\[axes\] names the unknown point"),
    "limb": ({"limbs": (("nose", "chin"),)}, "a limb names"),
    "measure": ({"measures": {"m": Measure("distance", (("nose",), ("eye",)))}}, "measure 'm' names"),
    "made_of": ({"measures": {"m": Measure("mean", of=("a", "b"))}}, "unknown measure 'a'"),
    "ranges": ({"ranges": {"widht": (1.0, 2.0)}}, "did you mean 'width'"),
    "view": ({"view": "upper"}, "view 'upper'"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_reference_is_refused_with_the_nearest_name(case: str) -> None:
    more, text = WRONG[case]
    with pytest.raises(RecipeError, match=text) as caught:
        small_set(**more)
    assert caught.value.code == "P403"


def test_measures_that_are_made_of_each_other_are_refused() -> None:
    circle = {"a": Measure("mean", of=("b", "b")), "b": Measure("mean", of=("a", "a"))}
    with pytest.raises(RecipeError, match="made of itself"):
        small_set(measures=circle, ranges={})


@pytest.mark.parametrize(
    ("points", "text"),
    [
        ((), "1 to 200 points"),
        (tuple(Keypoint(f"p{k}") for k in range(201)), "1 to 200 points"),
        ((Keypoint("eye(front)"),), "put a name of another form among the aliases"),
        ((Keypoint("eye"), Keypoint("EYE")), "twice"),
        ((Keypoint("eye"), Keypoint("nose", aliases=("Eye",))), "belongs to two points"),
        ((Keypoint("eye", retired=True),), "every point is retired"),
    ],
)
def test_impossible_points_are_refused(points: tuple[Keypoint, ...], text: str) -> None:
    with pytest.raises(RecipeError, match=text):
        KeypointSet("wrong", points)


@pytest.mark.parametrize("n", [1, 200])
def test_smallest_and_largest_set_are_allowed(n: int) -> None:
    assert len(KeypointSet("many", tuple(Keypoint(f"p{k}") for k in range(n)))) == n


@pytest.mark.parametrize("name", ["", "../evil", "a b", ".hidden"])
def test_name_of_a_set_that_could_be_a_path_is_refused(name: str) -> None:
    with pytest.raises(RecipeError, match="the name cannot be used"):
        KeypointSet(name, (Keypoint("a"),))


def test_unknown_point_is_answered_with_the_nearest() -> None:
    with pytest.raises(RecipeError, match="did you mean 'nose'"):
        small_set().point("nosee")
    assert small_set().find("nosee") is None


def test_part_of_a_point_is_named() -> None:
    assert (small_set().part_of("lefteye"), small_set().part_of("nose")) == ("eye", "")


def test_subset_keeps_order_and_leaves_out_what_names_others() -> None:
    found = small_set().subset(["nose", "eye(r)"])
    assert found.ids == ("right_eye", "nose")
    assert found.edges == (("right_eye", "nose"),)
    assert (found.pairs, found.measures, found.axes, found.ranges) == ((), {}, None, {})
    assert found.parts == {"eye": ("right_eye",)}


def test_added_point_comes_last() -> None:
    found = small_set().with_point(Keypoint("chin"))
    assert (found.ids[-1], found.version) == ("chin", 2)
    with pytest.raises(RecipeError, match="twice"):
        found.with_point(Keypoint("CHIN"))


def test_renamed_point_keeps_its_old_name_as_an_alias_and_its_place_everywhere() -> None:
    found = small_set().renamed("left_eye", "eye_of_the_left")
    assert found.point("left_eye").id == "eye_of_the_left"
    assert "left_eye" not in found.to_toml().replace('"lefteye", "left_eye"', "")
    assert found.mirror_order().tolist() == [1, 0, 2]


def test_renaming_back_gives_the_first_name_again() -> None:
    found = small_set().renamed("nose", "snout").renamed("snout", "nose")
    assert found.point("snout").id == "nose"


def test_retired_point_stays_but_is_no_longer_asked_for() -> None:
    found = small_set().retire("nose")
    assert found.ids == ("left_eye", "right_eye")
    assert found.point("nose").retired
    assert list(found.measures) == ["width"]
    with pytest.raises(RecipeError, match="retired"):
        found.index("nose")
    assert KeypointSet.from_toml(found.to_toml()) == found


def test_index_counts_active_points() -> None:
    found = small_set().retire("left_eye")
    assert found.index("nose") == 1


def test_sets_are_frozen() -> None:
    with pytest.raises(AttributeError):
        small_set().name = "other"  # type: ignore[misc] # the assignment is the point
    assert replace(small_set(), name="other").name == "other"
