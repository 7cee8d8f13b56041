"""Recipes: shipped ones, files, refusals with the nearest name, defaults written back."""

import inspect
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mystax.core.analysis import get_analysis, names_of_analyses
from mystax.core.params import Parameter, parameters_of
from mystax.engine.recipe import (
    Recipe,
    Resources,
    Step,
    read_recipe,
    recipe_from,
    recipe_from_values,
    recipe_to_toml,
    shipped_recipes,
)
from mystax.errors import ParameterError, RecipeError
from tests.fixtures.refusals import attempt


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


@pytest.mark.parametrize(
    ("text", "got"),
    [
        ("[analysis.motion]\nbin = 4", "{'motion': {'bin': 4}}"),
        ('[analysis]\nname = "motion"', "{'name': 'motion'}"),
        ('analysis = "motion"', "'motion'"),
        ('analysis = ["motion"]', "'motion'"),
        ('analysis = [{ name = "motion" }, 5]', "5"),
        ('name = "mine"', "{'name': 'mine'}"),
    ],
)
def test_analyses_that_are_no_list_of_tables_are_answered_with_an_example(
    text: str, got: str, tmp_path: Path
) -> None:
    with pytest.raises(RecipeError) as refused:
        read_recipe(_file(tmp_path, text))
    assert refused.value.expected == "a list of tables [[analysis]]"
    assert refused.value.got == got
    example = refused.value.hint.partition("for example ")[2]
    assert read_recipe(_file(tmp_path, example)).names == ("motion",)


@pytest.mark.parametrize(
    "text",
    [
        "resources = 3\n[[analysis]]\nname = 'motion'",
        "[[analysis]]\nname = 'motion'\nparameters = 3",
        "[[analysis]]\nname = 'motion'\nresources = 3",
    ],
)
def test_what_should_be_a_table_is_said_to_be_one(text: str, tmp_path: Path) -> None:
    with pytest.raises(RecipeError) as refused:
        read_recipe(_file(tmp_path, text))
    assert (refused.value.expected, refused.value.got) == ("a table", "3")


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


# any recipe ---------------------------------------------------------------------------------------------


def values_of(parameter: Parameter) -> st.SearchStrategy[object]:
    """Return allowed values of a declared parameter."""
    ways: list[st.SearchStrategy[object]] = [st.sampled_from(parameter.choices)] if parameter.choices else []
    low = parameter.ge if parameter.ge is not None else parameter.gt
    high = parameter.le if parameter.le is not None else parameter.lt
    if parameter.kind is bool:
        ways.append(st.booleans())
    elif parameter.kind is int:
        first = None if low is None else int(low) + (parameter.ge is None)
        last = None if high is None else int(high) - (parameter.le is None)
        ways.append(
            st.integers(first if first is not None else -(2**60), last if last is not None else 2**60)
        )
    elif parameter.kind is float:
        ways.append(
            st.floats(
                low,
                high,
                exclude_min=low is not None and parameter.ge is None,
                exclude_max=high is not None and parameter.le is None,
                allow_nan=False,
                allow_infinity=False,
            )
        )
    elif not parameter.choices:
        ways.append(st.text(max_size=8).filter(lambda text: text != "none"))
    if parameter.optional:
        ways.append(st.none())
    return st.one_of(ways)


@st.composite
def recipes(draw: st.DrawFn) -> Recipe:
    names = draw(st.lists(st.sampled_from(names_of_analyses()[:6]), min_size=1, max_size=3, unique=True))
    steps = []
    for name in names:
        declared = parameters_of(get_analysis(name).params)
        chosen = (
            draw(st.lists(st.sampled_from(sorted(declared)), max_size=3, unique=True)) if declared else []
        )
        parameters = {each: draw(values_of(declared[each])) for each in chosen}
        camera = draw(st.sampled_from(["*", "face", "body cam"]))
        steps.append(Step(name=name, camera=camera, required=draw(st.booleans()), parameters=parameters))
    cores, memory = draw(st.none() | st.integers(1, 64)), draw(st.none() | st.integers(128, 9**9))
    resources = Resources(cores=cores, memory=memory)
    title = draw(st.text(min_size=1, max_size=12).filter(str.isprintable))
    return Recipe(name=title, analysis=tuple(steps), resources=resources)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(recipe=recipes())
def test_any_recipe_is_read_back_as_it_was_written(recipe: Recipe, tmp_path: Path) -> None:
    _, refusal = attempt(recipe.complete)
    assert refusal is None or refusal.code == "P401"  # parameters that exclude each other
    if refusal is None:
        (tmp_path / "r.toml").write_text(recipe_to_toml(recipe), "utf-8")
        assert read_recipe(tmp_path / "r.toml").complete() == recipe.complete()


@settings(deadline=None)
@given(recipe=recipes())
def test_completing_twice_changes_nothing(recipe: Recipe) -> None:
    once, refusal = attempt(recipe.complete)
    if refusal is None:
        assert once is not None
        assert once.complete() == once
        for step in once.analysis:
            assert set(step.parameters) == set(parameters_of(step.analysis.params))


@pytest.mark.parametrize("name", ["none.toml", "x" * 300 + ".toml", ".", "", "a\0.toml", "quick.yaml"])
def test_what_is_no_file_is_no_recipe(name: str, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="there is no such recipe") as caught:
        read_recipe(tmp_path / name if name else "")
    assert (caught.value.code, bool(caught.value.hint)) == ("P403", True)


def test_a_file_too_large_for_a_recipe_is_refused_unread(tmp_path: Path) -> None:
    with (tmp_path / "large.toml").open("wb") as file:
        file.truncate((64 << 20) + 1)
    with pytest.raises(RecipeError, match="too large"):
        read_recipe(tmp_path / "large.toml")


def test_a_recipe_names_its_analyses_once_and_finds_their_steps() -> None:
    steps = (Step(name="motion", camera="left"), Step(name="motion", camera="right"), Step(name="pupil"))
    recipe = Recipe(analysis=steps)
    assert recipe.names == ("motion", "pupil")
    assert recipe.steps("motion") == steps[:2]
    assert recipe.step_for("motion", "middle") is None
    assert recipe.step_for("pupil", "middle") is steps[2]


def test_an_analysis_twice_for_one_camera_is_refused_but_not_for_two(tmp_path: Path) -> None:
    text = '[[analysis]]\nname = "motion"\ncamera = "{}"\n'
    (tmp_path / "a.toml").write_text(text.format("left") + text.format("right"))
    assert len(read_recipe(tmp_path / "a.toml").analysis) == 2
    (tmp_path / "b.toml").write_text(text.format("left") * 2)
    with pytest.raises(RecipeError, match="stands twice for camera 'left'"):
        read_recipe(tmp_path / "b.toml")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("cores = 0", "greater than or equal to 1"),
        ("memory = 100", "greater than or equal to 128"),
        ("gpus = -1", "greater than or equal to 0"),
        ('cores = "many"', "valid integer"),
    ],
)
def test_resources_that_nobody_has_are_refused_with_the_field(
    line: str, expected: str, tmp_path: Path
) -> None:
    (tmp_path / "a.toml").write_text(f"[resources]\n{line}\n[[analysis]]\nname = 'motion'\n")
    with pytest.raises(RecipeError) as caught:
        read_recipe(tmp_path / "a.toml")
    assert f"'resources.{line.split(maxsplit=1)[0]}'" in caught.value.what
    assert expected in caught.value.expected


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("camra = 'left'", "analysis[0].camra"),
        ("[analysis.resources]\ncoers = 2", "analysis[0].resources.coers"),
    ],
)
def test_misspelt_fields_are_answered_with_the_nearest_of_their_table(
    text: str, where: str, tmp_path: Path
) -> None:
    (tmp_path / "a.toml").write_text(f"[[analysis]]\nname = 'motion'\n{text}\n")
    with pytest.raises(RecipeError, match=f"unknown field '{re.escape(where)}'; did you mean"):
        read_recipe(tmp_path / "a.toml")


def _with_states(**more: object) -> dict[str, object]:
    return {"name": "x", "analysis": [{"name": "motion"}, {"name": "states", **more}]}


def test_analyses_of_outcomes_are_for_the_queue() -> None:
    with pytest.raises(RecipeError, match="no run of one recording has it") as refused:
        recipe_from_values(_with_states(), "test")
    assert "mystax queue add runs it" in refused.value.hint
    found = recipe_from_values(_with_states(fit="group"), "test", with_fits=True)
    assert found.frames().names == ("motion",)


def test_a_fit_is_written_where_it_means_something(tmp_path: Path) -> None:
    found = recipe_from_values(_with_states(fit="group"), "test", with_fits=True)
    text = recipe_to_toml(found)
    assert text.count("fit = ") == 1
    assert read_recipe(_file(tmp_path, text), with_fits=True).analysis[1].fit == "group"
    assert "fit = " not in recipe_to_toml(recipe_from("standard"))


def test_neural_data_are_for_the_encoding_and_their_fields_are_known() -> None:
    def recipe(name: str, neural: dict[str, object]) -> Recipe:
        values = {"analysis": [{"name": name, "neural": neural}]}
        return recipe_from_values(values, "test", with_fits=True)

    assert recipe("encoding", {"clock": "rate:10"}).analysis[0].neural == {"clock": "rate:10"}
    with pytest.raises(RecipeError, match="takes no neural data"):
        recipe("motion", {"clock": "rate:10"})
    with pytest.raises(RecipeError, match="did you mean 'clock'"):
        recipe("encoding", {"clocks": "rate:10"})


def test_a_fit_that_is_there_is_named_for_states_only(tmp_path: Path) -> None:
    found = recipe_from_values(_with_states(fit="all/night"), "test", with_fits=True)
    assert [step.stored_fit for step in found.analysis] == ["", "all/night"]
    text = recipe_to_toml(found)
    assert read_recipe(_file(tmp_path, text), with_fits=True).analysis[1].stored_fit == "all/night"
    with pytest.raises(RecipeError, match="'encoding' has no fit 'groups'; did you mean 'group'"):
        recipe_from_values({"analysis": [{"name": "encoding", "fit": "groups"}]}, "test", with_fits=True)


def test_frames_are_not_fitted_in_groups() -> None:
    with pytest.raises(RecipeError, match="has no fit of a group"):
        recipe_from_values({"analysis": [{"name": "motion", "fit": "group"}]}, "test")
    with pytest.raises(RecipeError, match="P403"):
        recipe_from_values(_with_states(fit=""), "test", with_fits=True)


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ({"recipe": 3}, "parameter 'recipe': expected a shipped name, the path of a .toml file, or a Recipe"),
        ({"recipe": {"analysis": []}}, "parameter 'recipe': expected a shipped name"),
        ({"analyses": 3}, "parameter 'analyses': expected names of analyses, got 3"),
        ({"parameters": 3}, "parameter 'parameters': expected analysis -> {name: value}, got 3"),
        ({"parameters": ["motion"]}, "parameter 'parameters': expected analysis -> {name: value}"),
        ({"parameters": {"motion": 3}}, "parameters of 'motion': expected {name: value}, got 3"),
    ],
)
def test_what_is_of_no_use_as_a_recipe_is_refused_by_its_name(more: dict[str, object], text: str) -> None:
    with pytest.raises(ParameterError) as refused:
        inspect.unwrap(recipe_from)(**{"recipe": "quick", **more})
    assert str(refused.value).startswith(f"P401 {text}")
