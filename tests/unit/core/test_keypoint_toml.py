"""Texts of keypoint sets that are not understood, and what is said about them."""

import pytest

from mystax.core.keypoint_measures import KINDS, Axes, Measure
from mystax.core.keypoints import KeypointSet
from mystax.errors import RecipeError

POINTS = '[[point]]\nid = "a"\n[[point]]\nid = "b"\n'
HEAD = 'name = "s"\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name = ", "not valid TOML"),
        (HEAD + "colour = 3\n" + POINTS, "unknown entry 'colour'"),
        (HEAD + "edge = []\n" + POINTS, "did you mean 'edges'"),
        (HEAD + '[[point]]\nname = "a"', "unknown entry 'name' of a point"),
        (HEAD + '[[point]]\ndefinition = "a"', "an id in every"),
        (HEAD + '[[point]]\nid = "a"\nretired = "yes"', "true or false"),
        (HEAD + '[[point]]\nid = "a"\naliases = "b"', "a list of names for aliases"),
        (HEAD + "[[point]]\nid = 3", "a text for id"),
        (HEAD + "point = 3", r"\[\[point\]\] tables"),
        (HEAD + "version = 0\n" + POINTS, "a whole number from 1"),
        (HEAD + "version = true\n" + POINTS, "a whole number from 1"),
        (HEAD + 'edges = [["a"]]\n' + POINTS, "two names in each of edges"),
        (HEAD + "edges = 3\n" + POINTS, "a list of pairs"),
        (HEAD + 'view = "top"\n' + POINTS, "view 'top'"),
        (HEAD + 'draw = "top"\n' + POINTS, "draw 'top'"),
        (HEAD + POINTS + '[parts]\neye = "a"', "a list of names for part 'eye'"),
        (HEAD + POINTS + '[axes]\nw = ["a", "b"]', "unknown entry 'w'"),
        (HEAD + POINTS + '[axes]\norigin = "a"', "at least one axis"),
        (HEAD + POINTS + '[axes]\nx = ["a", "a"]', "at least one axis between two points"),
        (
            HEAD + POINTS + '[measures]\nd = { kind = "distanse", points = ["a", "b"] }',
            "did you mean 'distance'",
        ),
        (HEAD + POINTS + '[measures]\nd = { kind = "distance", points = ["a"] }', "expected 2 points, got 1"),
        (HEAD + POINTS + '[measures]\nd = { kind = "distance", points = "ab" }', "a list of points"),
        (HEAD + POINTS + "[measures]\nd = 3", "a table for measure 'd'"),
        (HEAD + POINTS + '[measures]\nd = { kind = "height", points = ["a"] }', "a plane of three points"),
        (HEAD + POINTS + "[ranges]\nd = [2, 1]", "lowest and highest"),
        (HEAD + POINTS + "[ranges]\nd = [1, true]", "lowest and highest"),
        ("parts = 3\n" + HEAD + POINTS, "tables for"),
        ("ranges = 3\n" + HEAD + POINTS, "a table for"),
        ("x = " + "[" * 2000, "not valid TOML"),
    ],
)
def test_text_that_is_not_understood_is_refused_with_its_place(text: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message) as caught:
        KeypointSet.from_toml(text, "mine.toml")
    assert caught.value.code == "P403"
    assert caught.value.where.startswith("mine.toml")


def test_argument_of_several_points_is_their_mean() -> None:
    text = HEAD + POINTS + '[measures]\nd = { kind = "distance", points = ["a", ["a", "b"]] }'
    assert KeypointSet.from_toml(text).measures["d"].points == (("a",), ("a", "b"))


def test_whole_numbers_make_a_range() -> None:
    text = HEAD + POINTS + '[measures]\nd = { kind = "distance", points = ["a", "b"] }\n[ranges]\nd = [1, 2]'
    assert KeypointSet.from_toml(text).ranges == {"d": (1.0, 2.0)}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_takes_its_number_of_arguments_and_no_fewer(kind: str) -> None:
    fewest, most, needs_plane, is_made = KINDS[kind]
    names = tuple(f"p{k}" for k in range(fewest))
    plane = ("p0", "p1", "p2") if needs_plane else ()

    def make(arguments: tuple[str, ...]) -> Measure:
        points = () if is_made else tuple((name,) for name in arguments)
        return Measure(kind, points, arguments if is_made else (), plane)

    assert make(names).kind == kind
    with pytest.raises(RecipeError, match="P403"):
        make(names[:-1])
    if most is not None:
        with pytest.raises(RecipeError, match="P403"):
            make((*names, *names, "one_more"))


def test_measure_made_of_measures_takes_no_points() -> None:
    with pytest.raises(RecipeError, match="measures"):
        Measure("ratio", (("a",), ("b",)), of=("x", "y"))


def test_axes_name_their_points() -> None:
    assert Axes(x=("a", "b"), z=("c", "a"), origin="d").point_names() == {"a", "b", "c", "d"}
