"""Recipes: shipped ones, files, refusals with the nearest name, defaults written back."""

from pathlib import Path

import pytest

from mystax.engine.recipe import (
    Recipe,
    Step,
    read_recipe,
    recipe_from,
    recipe_from_values,
    recipe_to_toml,
    shipped_recipes,
)
from mystax.errors import ParameterError, RecipeError


def _file(folder: Path, text: str) -> Path:
    path = folder / "mine.toml"
    path.write_text(text, "utf-8")
    return path


def test_two_recipes_are_shipped() -> None:
    assert shipped_recipes() == ["quick", "standard"]


def test_quick_is_motion_alone() -> None:
    assert read_recipe("quick").names == ("motion",)


def test_standard_has_all_frame_analyses_and_proposes_first() -> None:
    assert read_recipe("standard").names == ("rois", "motion", "svd", "pupil", "blink", "running", "pose")


def test_standard_is_the_default() -> None:
    assert recipe_from().name == "standard"


def test_file_gives_name_and_parameters(tmp_path: Path) -> None:
    path = _file(tmp_path, 'analysis = [{ name = "motion", parameters = { bin = 8 } }]')
    recipe = read_recipe(path)
    assert recipe.name == "mine"
    assert recipe.analysis[0].params().model_dump()["bin"] == 8


def test_tables_may_be_written_one_below_the_other(tmp_path: Path) -> None:
    path = _file(tmp_path, 'name = "x"\n[[analysis]]\nname = "motion"\n[[analysis]]\nname = "svd"')
    assert read_recipe(path).names == ("motion", "svd")


def test_written_recipe_has_all_defaults_and_reads_back(tmp_path: Path) -> None:
    recipe = recipe_from("standard", parameters={"running": {"direction": 30.0}})
    text = recipe_to_toml(recipe)
    assert "n_components = 500" in text
    again = read_recipe(_file(tmp_path, text))
    assert again.complete() == recipe.complete()


def test_absent_values_survive_writing(tmp_path: Path) -> None:
    text = recipe_to_toml(recipe_from(analyses=["running"]))
    assert read_recipe(_file(tmp_path, text)).analysis[0].params().model_dump()["direction"] is None


def test_resources_survive_writing(tmp_path: Path) -> None:
    values = {"name": "r", "analysis": [{"name": "motion"}], "resources": {"cores": 2, "memory": 1500}}
    recipe = recipe_from_values(values, "test")
    assert read_recipe(_file(tmp_path, recipe_to_toml(recipe))).resources == recipe.resources


def test_unknown_recipe_names_the_nearest() -> None:
    with pytest.raises(RecipeError, match="did you mean 'standard'") as error:
        read_recipe("standart")
    assert error.value.code == "P403"


def test_unknown_analysis_names_the_nearest() -> None:
    with pytest.raises(RecipeError, match="did you mean 'pupil'"):
        recipe_from(analyses=["pupl"])


def test_unknown_parameter_names_the_nearest() -> None:
    with pytest.raises(ParameterError, match="did you mean 'sigma'") as error:
        recipe_from(analyses=["pupil"], parameters={"pupil": {"sigm": 2.0}})
    assert error.value.code == "P401"


def test_parameter_out_of_range_is_refused_in_a_file(tmp_path: Path) -> None:
    path = _file(tmp_path, 'analysis = [{ name = "motion", parameters = { bin = 33 } }]')
    with pytest.raises(ParameterError, match="1 <= bin <= 32"):
        read_recipe(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('analysis = [{ name = "motion", paramters = {} }]', "did you mean 'parameters'"),
        ('analyses = [{ name = "motion" }]', "did you mean 'analysis'"),
        ('analysis = [{ name = "motion" }]\nresources = { core = 1 }', "did you mean 'cores'"),
        ('analysis = [{ name = "motion" }]\nresources = { cores = 0 }', "greater than or equal to 1"),
        ("analysis = []", "names no analysis"),
        ('analysis = "motion"', "cannot be used"),
        ('analysis = [{ name = "motion" }, { name = "motion" }]', "stands twice"),
        ("analysis = [", "expected a TOML file"),
    ],
)
def test_wrong_files_are_refused(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=message) as error:
        read_recipe(_file(tmp_path, text))
    assert error.value.code == "P403"


def test_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(RecipeError, match="UTF-8"):
        read_recipe(path)


def test_parameters_go_before_those_of_the_recipe() -> None:
    recipe = Recipe(analysis=(Step(name="motion", parameters={"bin": 2, "black": 3.0}),))
    found = recipe_from(recipe, parameters={"motion": {"bin": 8}})
    assert found.analysis[0].parameters == {"bin": 8, "black": 3.0}


def test_parameters_of_an_analysis_outside_the_recipe_are_refused() -> None:
    with pytest.raises(RecipeError, match="not in the recipe"):
        recipe_from(analyses=["motion"], parameters={"pupil": {"sigma": 2.0}})


def test_texts_are_taken_as_a_command_line_gives_them() -> None:
    recipe = recipe_from(analyses=["motion"], parameters={"motion": {"bin": "8"}})
    assert recipe.analysis[0].params().model_dump()["bin"] == 8


def test_step_for_prefers_the_step_of_the_camera() -> None:
    general, special = Step(name="motion"), Step(name="motion", camera="left", parameters={"bin": 8})
    recipe = Recipe(analysis=(general, special))
    assert recipe.step_for("motion", "left") is special
    assert recipe.step_for("motion", "right") is general
    assert recipe.step_for("svd", "left") is None
