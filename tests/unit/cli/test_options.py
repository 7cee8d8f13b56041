"""Options of the command line: shared ones, those of analyses, pairs and cameras."""

from dataclasses import replace

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mystax.cli.options import AnalysisCommand, camera_files, option_name, pairs, parameter_options
from mystax.cli.output import Output
from mystax.cli.run import command
from mystax.core import analysis as registry
from mystax.core.analysis import get_analysis, names_of_analyses
from mystax.core.params import parameters_of


def words_of(*words: str) -> click.Context:
    """Parse the words of `mystax run` without running it."""
    return command.make_context("run", list(words), obj=Output("run"))


def test_an_option_is_called_by_its_analysis_and_parameter() -> None:
    assert option_name("pupil", "max_gap") == "--pupil-max-gap"


@pytest.mark.parametrize("name", ["rois", "motion", "svd", "pupil", "blink", "running", "pose"])
def test_every_declared_parameter_is_an_option_with_range_unit_and_default(name: str) -> None:
    declared = parameters_of(get_analysis(name).params)
    options = parameter_options(name, declared)
    assert [option.opts for option in options] == [[option_name(name, key)] for key in declared]
    for option, parameter in zip(options, declared.values(), strict=True):
        assert parameter.help in str(option.help)
        is_free = parameter.range_text == "a text"
        assert is_free or parameter.range_text in str(option.help)
        assert parameter.unit in str(option.help)
        assert "default" in str(option.help)


def test_values_of_parameters_are_collected_by_analysis_as_they_were_typed() -> None:
    ctx = words_of("a.mp4", "--pupil-max-gap", "0.5", "--svd-n-components", "20", "--svd-with-movie", "true")
    assert ctx.meta["mystax.parameters"] == {
        "pupil": {"max_gap": "0.5"},
        "svd": {"n_components": "20", "with_movie": "true"},
    }
    assert not [name for name in ctx.params if name.startswith(("pupil", "svd", "motion"))]


def test_options_of_analyses_are_added_once_however_often_the_command_is_used() -> None:
    for _ in range(3):
        words_of("a.mp4", "--motion-bin", "4")
    names = [name for param in command.params for name in param.opts]
    assert len(names) == len(set(names))


def test_an_analysis_that_is_declared_after_the_first_help_is_in_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = AnalysisCommand("run", callback=lambda **_: None)
    before = [name for param in run.make_context("run", []).command.params for name in param.opts]
    monkeypatch.setitem(registry._REGISTRY, "late", replace(get_analysis("motion"), name="late"))
    after = [name for param in run.make_context("run", []).command.params for name in param.opts]
    assert "--late-bin" in after
    assert "--late-bin" not in before


def test_the_help_lists_each_analysis_in_a_section_of_its_own() -> None:
    text = command.get_help(click.Context(command, info_name="run", obj=Output("run")))
    places = [
        text.index(f"\n{name}: ") for name in names_of_analyses() if parameters_of(get_analysis(name).params)
    ]
    assert places == sorted(places)
    assert text.index("--recipe") < places[0]
    assert text.index("--pupil-sigma") > text.index("\npupil: ")
    assert "Example: mystax run" in text


names = st.text(st.characters(exclude_characters="/\\\0=:\n"), min_size=1, max_size=12)


@given(names, st.sampled_from(["pts", "rate:30", "csv:times=a.csv:time", "npy:a=b=c.npy"]))
def test_a_clock_belongs_to_the_camera_before_the_first_equals_sign(name: str, spec: str) -> None:
    assert pairs((f"{name}={spec}",), "--clock") == {name: spec}


@pytest.mark.parametrize("spec", ["pts", "rate:30000/1001", "csv:times_cam=1.csv:time", "h5:a=b.h5:/t"])
def test_a_clock_without_a_camera_belongs_to_all_even_with_equals_signs_in_its_file(spec: str) -> None:
    assert pairs((spec,), "--clock") == {"": spec}


@pytest.mark.parametrize(
    ("values", "named"),
    [
        (("left=pts", "left=rate:3"), "--clock 'left' is given twice"),
        (("pts", "rate:3"), "--clock 'rate:3' is given twice"),
    ],
)
def test_the_same_camera_twice_is_a_mistake(values: tuple[str, ...], named: str) -> None:
    with pytest.raises(click.UsageError, match=named):
        pairs(values, "--clock")


def test_files_of_a_camera_keep_their_order() -> None:
    found = camera_files(("left=l1.mp4", "right=r.mp4", "left=l2.mp4", "top=a=b.mp4"))
    assert found == {"left": ["l1.mp4", "l2.mp4"], "right": ["r.mp4"], "top": ["a=b.mp4"]}
    assert list(found) == ["left", "right", "top"]


@pytest.mark.parametrize("value", ["l.mp4", "=l.mp4", "left=", ""])
def test_a_camera_needs_a_name_and_a_file(value: str) -> None:
    with pytest.raises(click.UsageError, match="--camera takes NAME=FILE"):
        camera_files((value,))


def test_what_is_on_by_default_has_a_short_form_that_turns_it_off() -> None:
    from mystax.cli.encode import command as encode

    def parameters(*words: str) -> dict[str, str]:
        ctx = encode.make_context("encode", ["a.mystax", *words], obj=Output("encode"))
        found: dict[str, str] = ctx.meta["mystax.parameters"]["encoding"]
        return found

    assert parameters("--no-parts") == {"parts": "false"}
    assert parameters("--parts", "false", "--folds", "3") == {"parts": "false", "folds": "3"}
    assert parameters() == {}
