"""F44: an unknown parameter, a wrong type or a value out of its range.

It is refused with P401, the nearest name and the range, the same through Python, through a recipe and on the
command line, before any frame is read.
"""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import mystax
from mystax.core.analysis import get_analysis
from mystax.core.params import Parameter, parameters_of
from mystax.core.recording import ArraySource
from mystax.engine.calls import analysis_function
from mystax.engine.recipe import read_recipe, recipe_from
from mystax.errors import ParameterError
from tests.fixtures.commands import call
from tests.fixtures.engine_toys import frames_of

pytestmark = pytest.mark.fault(44)
ANALYSES = ("rois", "motion", "svd", "pupil", "blink", "running")


class Unread(ArraySource):
    """Frames that nobody may look at."""

    def __getattribute__(self, name: str) -> object:
        if name == "_take":
            raise AssertionError("frames were read")
        return super().__getattribute__(name)


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
    if item.kind is not str or item.choices:
        yield "no such value"
    if not item.optional:
        yield None


CASES = [
    (analysis, name, value)
    for analysis in ANALYSES
    for name, item in parameters_of(get_analysis(analysis).params).items()
    for value in _outside(item)
]


@pytest.mark.parametrize(("analysis", "name", "value"), CASES)
def test_values_outside_are_refused_alike_everywhere(
    analysis: str, name: str, value: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = []
    with pytest.raises(ParameterError) as error:
        analysis_function(analysis)(Unread(frames_of(0, 3, (64, 64))), **{name: value})
    texts.append(str(error.value))
    with pytest.raises(ParameterError) as error:
        recipe_from(analyses=[analysis], parameters={analysis: {name: value}})
    texts.append(str(error.value))
    if value is not None:
        written = f'"{value}"' if isinstance(value, str) else repr(value)
        path = tmp_path / "recipe.toml"
        path.write_text(f'analysis = [{{ name = "{analysis}", parameters = {{ {name} = {written} }} }}]')
        with pytest.raises(ParameterError) as error:
            read_recipe(path)
        texts.append(str(error.value))
    shown = "none" if value is None else str(value)
    found = call(
        capsys, "run", "unread.mp4", f"--{analysis}-{name}".replace("_", "-") + f"={shown}", "--json"
    )
    assert (found.status, found.codes) == (2, ["P401"])
    texts.append(found.err.strip())
    assert error.value.code == "P401"
    assert len(set(texts)) == 1
    assert f"parameter '{name}' of '{analysis}'" in texts[0]


@pytest.mark.parametrize("analysis", ANALYSES)
def test_values_at_the_ends_of_the_range_are_allowed(analysis: str) -> None:
    for name, item in parameters_of(get_analysis(analysis).params).items():
        ends = [value for value in (item.ge, item.le) if value is not None]
        for value in [*ends, *item.choices, item.default]:
            recipe_from(analyses=[analysis], parameters={analysis: {name: value}})


def test_a_misspelt_parameter_names_the_right_one() -> None:
    with pytest.raises(ParameterError, match="did you mean 'baseline'"):
        mystax.blink(Unread(frames_of(0, 3, (64, 64))), bas_eline=1.0)
