"""Names of other tools: found by id, alias or a table, never guessed."""

import pytest
from xarray import Dataset

from mystax.core.keypoint_names import map_names, set_for_names, set_of_names, set_of_outcome
from mystax.core.keypoints import KeypointSet, shipped_sets
from mystax.errors import RecipeError

POINTS = KeypointSet.load("mouse-face-13")


def test_every_way_of_finding_a_name_is_told() -> None:
    found = map_names(["nose_tip", "Eye(Top)", "lip", "nose_topp", "tail"], POINTS, {"tail": ""})
    assert [(item.theirs, item.ours, item.how) for item in found.names] == [
        ("nose_tip", "nose_tip", "exact"),
        ("Eye(Top)", "eye_top", "alias"),
        ("lip", "lower_lip", "alias"),
        ("nose_topp", "", "unmatched"),
        ("tail", "", "left out"),
    ]
    assert found.unmatched == ("nose_topp", "tail")
    assert found.matched == {"nose_tip": "nose_tip", "Eye(Top)": "eye_top", "lip": "lower_lip"}
    assert "did you mean 'nose_top'" in found.lines()[3]
    assert found.lines()[0].endswith("-> nose_tip (exact)")


def test_table_decides_against_the_name() -> None:
    found = map_names(["nose_tip", "mouth"], POINTS, {"nose_tip": "mouth", "mouth": "nose_tip"})
    assert found.matched == {"nose_tip": "mouth", "mouth": "nose_tip"}


@pytest.mark.parametrize(
    ("names", "table", "text"),
    [
        (["lip", "lower_lip"], {}, "both are the point 'lower_lip'"),
        (["nose"], {"nase": "nose_tip"}, "did you mean 'nose'"),
        (["nose"], {"nose": "nose_tipp"}, "did you mean 'nose_tip'"),
    ],
)
def test_ambiguous_names_and_wrong_tables_are_refused(
    names: list[str], table: dict[str, str], text: str
) -> None:
    with pytest.raises(RecipeError, match=text) as caught:
        map_names(names, POINTS, table)
    assert caught.value.code == "P403"


def test_retired_point_is_not_found() -> None:
    assert map_names(["mouth"], POINTS.retire("mouth")).unmatched == ("mouth",)


def test_set_of_names_keeps_names_that_fit_and_makes_others_aliases() -> None:
    made = set_of_names(
        ["snout", "left ear", "Ohr (links)", "left_ear", "日本"], edges=[("snout", "left ear")]
    )
    assert made.ids == ("snout", "left_ear_2", "Ohr_links", "left_ear", "point")
    assert made.edges == (("snout", "left_ear_2"),)
    assert map_names(["snout", "left ear", "Ohr (links)", "日本"], made).unmatched == ()


@pytest.mark.parametrize("name", [name for name in shipped_sets() if "template" not in name])
def test_names_of_a_shipped_set_find_a_set_that_has_them(name: str) -> None:
    ids = KeypointSet.load(name).ids
    assert len(set_for_names(ids)) <= len(ids)
    assert map_names(ids, set_for_names(ids)).unmatched == ()


def test_facemaps_names_find_facemaps_set() -> None:
    names = [point.facemap for point in KeypointSet.load("mouse-face-15")]
    assert set_for_names(names).name == "mouse-face-15"


def test_names_of_no_set_make_one() -> None:
    assert set_for_names(["snout", "leftear", "rightear", "tailbase"]).name == "own"


def test_outcome_gives_back_the_set_that_it_carries() -> None:
    assert set_of_outcome(Dataset(attrs={"keypoint_set": POINTS.to_toml()})) == POINTS
    assert set_of_outcome(Dataset()) is None


def test_outcome_with_a_damaged_set_is_refused() -> None:
    with pytest.raises(RecipeError, match=r"P403 keypoint_set"):
        set_of_outcome(Dataset(attrs={"keypoint_set": "name = "}))
