"""F44: an unknown parameter, a wrong type or a value out of its range.

It is refused with P401, the nearest name and the range, the same through Python, through a recipe and on the
command line, before any frame is read.
"""

import inspect
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import tomli_w

import mystax
from mystax.core.analysis import get_analysis
from mystax.core.params import Parameter, parameters_of
from mystax.engine.calls import analysis_function
from mystax.engine.recipe import Recipe, read_recipe, recipe_from, recipe_from_values
from mystax.errors import MystaxError, ParameterError
from tests.fixtures.commands import call
from tests.fixtures.engine_toys import frames_of
from tests.fixtures.unread import Unread

pytestmark = pytest.mark.fault(44)
OF_FRAMES = ("rois", "motion", "svd", "pupil", "blink", "running")
ON_OUTCOMES = ("states", "encoding")
ANALYSES = (*OF_FRAMES, "pose", "pose3d", *ON_OUTCOMES)
COMMANDS: dict[str, tuple[str, ...]] = {
    "pose": ("track", "unread.mp4"),
    "pose3d": ("triangulate", "--camera", "a=none.csv", "--camera", "b=none.csv", "--rig", "none.toml"),
    "states": ("states", "none.csv"),
    "encoding": ("encode", "none.mystax", "--neural", "none.npy"),
}
"""Analyses with a command of their own, whose options go without the name of the analysis."""


def _outside(item: Parameter) -> Iterator[object]:
    """Give values that the parameter does not allow: below, above, of another type."""
    if item.kind is not str and item.kind is not bool:
        if item.ge is not None:
            yield item.ge - 1 if item.kind is int else math.nextafter(item.ge, -math.inf)
        if item.gt is not None:
            yield item.gt
        if item.le is not None:
            yield item.le + 1 if item.kind is int else math.nextafter(item.le, math.inf)
        if item.lt is not None:
            yield item.lt
        yield float("nan")
        yield float("inf")
    if item.kind is int:
        yield 1.5
    if item.kind is bool:
        yield 3
    if _is_free(item):
        yield True
    else:
        yield "no such value"
    if not item.optional and not _is_free(item) and "none" not in item.choices:
        yield None


def _is_free(item: Parameter) -> bool:
    """Tell whether any text is allowed: then a command line can give nothing that is of another type."""
    return item.kind is str and not item.choices


def _means_nothing(analysis: str, name: str, value: object) -> bool:
    """Tell whether a value of a Python call says nothing there, or is a number that may stand for a text."""
    if value is None:
        return analysis == "pose3d" or (analysis, name) == ("states", "rate")
    return (analysis, name, value) == ("pose3d", "smooth", True)


def _python(analysis: str, **values: Any) -> object:
    """Call the function of an analysis, with inputs that are not there or that nobody may look at."""
    if analysis == "pose3d":
        return mystax.pose3d({"a": "none.csv", "b": "none.csv"}, rig="none.toml", **values)
    if analysis == "states":
        return inspect.unwrap(mystax.states)("none.csv", **values)  # without the types that tests check
    if analysis == "encoding":
        return mystax.encoding("none.mystax", "none.npy", **values)
    function = mystax.pose if analysis == "pose" else analysis_function(analysis)
    return function(Unread(frames_of(0, 3, (64, 64))), **values)


def _said(analysis: str, values: dict[str, Any]) -> str:
    """Call the function of an analysis and return its refusal: of a file that is not there, or to be read."""
    try:
        _python(analysis, **values)
    except (MystaxError, AssertionError) as error:
        return str(error)
    return ""


def _recipe(analysis: str, name: str, value: object) -> Recipe:
    """Make a recipe with one value in this process."""
    if analysis not in ON_OUTCOMES:
        return recipe_from(analyses=[analysis], parameters={analysis: {name: value}})
    entry = {"name": analysis, "parameters": {name: value}}
    return recipe_from_values({"analysis": [entry]}, "test", with_fits=True)


def _file(folder: Path, analysis: str, name: str, value: object) -> Path:
    """Write a recipe with one value."""
    path = folder / "recipe.toml"
    entry = {"name": analysis, "parameters": {name: value}}
    path.write_text(tomli_w.dumps({"analysis": [entry]}), "utf-8")
    return path


def _words(analysis: str, name: str, value: object) -> tuple[str, ...]:
    """Return the words of a command line with one value."""
    shown = "none" if value is None else str(value).lower() if isinstance(value, bool) else value
    own = name if analysis in COMMANDS else f"{analysis}-{name}"
    command = COMMANDS.get(analysis, ("run", "unread.mp4"))
    return (*command, f"--{own}".replace("_", "-") + f"={shown}", "--json")


CASES = [
    (analysis, name, value)
    for analysis in ANALYSES
    for name, item in parameters_of(get_analysis(analysis).params).items()
    for value in _outside(item)
    if not _means_nothing(analysis, name, value)
]
ALLOWED = [(analysis, name) for analysis in ANALYSES for name in parameters_of(get_analysis(analysis).params)]


@pytest.mark.parametrize(("analysis", "name", "value"), CASES)
def test_values_outside_are_refused_alike_everywhere(
    analysis: str, name: str, value: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = []
    reads: tuple[Callable[[], object], ...] = (
        lambda: _python(analysis, **{name: value}),
        lambda: _recipe(analysis, name, value),
        lambda: read_recipe(_file(tmp_path, analysis, name, value), with_fits=analysis in ON_OUTCOMES),
    )
    for read in reads if value is not None else reads[:2]:  # TOML has no word for nothing
        with pytest.raises(ParameterError) as error:
            read()
        assert error.value.code == "P401"
        texts.append(str(error.value))
    if not _is_free(parameters_of(get_analysis(analysis).params)[name]):
        found = call(capsys, *_words(analysis, name, value))
        assert (found.status, found.codes) == (2, ["P401"])
        texts.append(found.err.strip())
    assert len(set(texts)) == 1
    assert f"parameter '{name}' of '{analysis}'" in texts[0]


@pytest.mark.parametrize(("analysis", "name"), ALLOWED)
def test_values_at_the_ends_of_the_range_are_allowed_everywhere(
    analysis: str, name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    item = parameters_of(get_analysis(analysis).params)[name]
    ends = [value for value in (item.ge, item.le) if value is not None]
    ends = [int(value) if item.kind is int else value for value in ends]
    refusal = f"parameter {name!r} of {analysis!r}"
    others = {"weights": "none"} if analysis == "pose" and name != "weights" else {}  # no network is loaded
    for value in [*ends, *item.choices, item.default]:
        _recipe(analysis, name, value)
        if value is not None:
            read_recipe(_file(tmp_path, analysis, name, value), with_fits=analysis in ON_OUTCOMES)
        assert refusal not in _said(analysis, {name: value, **others})
        assert refusal not in call(capsys, *_words(analysis, name, value)).err


def test_a_misspelt_parameter_names_the_right_one() -> None:
    with pytest.raises(ParameterError, match="did you mean 'baseline'"):
        mystax.blink(Unread(frames_of(0, 3, (64, 64))), bas_eline=1.0)
