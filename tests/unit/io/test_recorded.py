"""Which outcomes a target of an export means."""

from pathlib import Path

import pytest

from mystax.errors import RecipeError
from mystax.io.recorded import find_recorded
from tests.fixtures.exchange_outcomes import publish_known


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two recordings below one folder, and outcomes that are no recording's beside one of them."""
    place = tmp_path_factory.mktemp("session")
    publish_known(place / "face.mystax", "motion", "blink")
    publish_known(place / "deep" / "wheel.mystax", "running")
    publish_known(place / "deep", "pupil")
    return place


def test_file_means_its_outcome(place: Path) -> None:
    (found,) = find_recorded([place / "face.mystax" / "blink.nc"])
    assert (found.name, list(found.outcomes)) == ("face", ["blink"])


def test_folder_means_all_its_outcomes(place: Path) -> None:
    (found,) = find_recorded([place / "face.mystax"])
    assert sorted(found.outcomes) == ["blink", "motion"]


def test_folder_above_means_all_recordings_below(place: Path) -> None:
    assert {one.name: sorted(one.outcomes) for one in find_recorded([place])} == {
        "face": ["blink", "motion"],
        "wheel": ["running"],
    }


def test_folder_of_a_recipe_is_called_by_its_recording(tmp_path: Path) -> None:
    folder = publish_known(tmp_path / "mouse-1" / "standard", "motion")
    (folder / "recipe.toml").write_text('name = "standard"\n', "utf-8")
    (found,) = find_recorded([tmp_path])
    assert (found.name, found.recipe) == ("mouse-1", "standard")


def test_recordings_of_one_name_are_told_apart(tmp_path: Path) -> None:
    for above in "ab":
        publish_known(tmp_path / above / "face.mystax", "motion")
    assert [one.name for one in find_recorded([tmp_path])] == ["a_face", "b_face"]


def test_sessions_of_one_name_are_told_apart_by_their_subjects_and_recipes(tmp_path: Path) -> None:
    for place in ("sub-1/ses-1/quick", "sub-2/ses-1/quick", "sub-2/ses-1/full", "sub-2/ses-2/quick"):
        folder = publish_known(tmp_path / place, "motion")
        (folder / "recipe.toml").write_text('name = "quick"\n', "utf-8")
    found = {one.name: one.folder.relative_to(tmp_path).as_posix() for one in find_recorded([tmp_path])}
    assert found == {
        "sub-1_ses-1": "sub-1/ses-1/quick",
        "sub-2_ses-1-quick": "sub-2/ses-1/quick",
        "sub-2_ses-1-full": "sub-2/ses-1/full",
        "ses-2": "sub-2/ses-2/quick",
    }


def test_only_wanted_analyses_are_taken(place: Path) -> None:
    assert [list(one.outcomes) for one in find_recorded([place], ["blink"])] == [["blink"]]


def test_analysis_that_is_not_there_is_refused_with_the_nearest(place: Path) -> None:
    with pytest.raises(RecipeError, match="'blink'"):
        find_recorded([place], ["blik"])


@pytest.mark.parametrize("name", ["nothing", "empty"])
def test_place_without_outcomes_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(RecipeError, match="P403"):
        find_recorded([tmp_path / name])
