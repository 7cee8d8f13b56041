"""Parameters declared once."""

from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mystax.core.params import Params, check_params, param, parameters_of
from mystax.errors import ParameterError


class ToyParams(Params):
    """Parameters of a toy."""

    sigma: float = param(2.0, gt=0, le=6, unit="sd", help="Pixels farther than this are left out.")
    bin: int | Literal["auto"] = param("auto", ge=1, le=32, unit="px", help="Size of a bin.")
    method: Literal["rim", "moments"] = param("rim", help="How the outline is found.")
    with_movie: bool = param(False, help="Also decompose the frames.")
    direction: float | None = param(None, ge=-180, le=180, unit="deg", help="Forward direction.")
    cores: int = param(1, ge=1, help="Threads.", affects_result=False)
    label: str = param("", help="Any text.")


def refused(**values: object) -> str:
    with pytest.raises(ParameterError) as caught:
        check_params(ToyParams, values, "toy")
    assert caught.value.code == "P401"
    return str(caught.value)


def test_declaration_holds_range_unit_help_and_default() -> None:
    sigma = parameters_of(ToyParams)["sigma"]
    assert (sigma.default, sigma.gt, sigma.le, sigma.unit, sigma.kind) == (2.0, 0, 6, "sd", float)
    assert sigma.help.startswith("Pixels farther")
    assert sigma.affects_result
    assert not parameters_of(ToyParams)["cores"].affects_result


def test_missing_names_get_their_default() -> None:
    assert check_params(ToyParams, {}, "toy") == ToyParams()


def test_values_are_frozen() -> None:
    values = check_params(ToyParams, {}, "toy")
    with pytest.raises(ValueError, match="frozen"):
        values.sigma = 3.0


@pytest.mark.parametrize("value", [1.5, "1.5", np.float32(1.5)], ids=["number", "text", "scalar"])
def test_numbers_come_as_numbers_texts_or_array_scalars(value: object) -> None:
    assert check_params(ToyParams, {"sigma": value}, "toy").sigma == 1.5


@pytest.mark.parametrize(("text", "value"), [("auto", "auto"), ("04", 4), (4, 4), (4.0, 4)])
def test_auto_or_whole_number(text: object, value: object) -> None:
    assert check_params(ToyParams, {"bin": text}, "toy").bin == value


@pytest.mark.parametrize(("text", "value"), [("none", None), (None, None), ("-90", -90.0)])
def test_optional_number(text: object, value: object) -> None:
    assert check_params(ToyParams, {"direction": text}, "toy").direction == value


@pytest.mark.parametrize(("text", "value"), [("true", True), ("False", False), (True, True)])
def test_truth_value(text: object, value: bool) -> None:
    assert check_params(ToyParams, {"with_movie": text}, "toy").with_movie is value


def test_value_above_the_range_names_range_unit_and_value() -> None:
    assert refused(sigma=6.5) == "P401 parameter 'sigma' of 'toy': expected 0 < sigma <= 6 [sd], got 6.5"


def test_open_end_of_the_range_is_outside() -> None:
    assert "got 0" in refused(sigma=0)


@pytest.mark.parametrize("value", ["many", True, [1], float("nan"), float("inf"), 2.5])
def test_whole_number_refuses_everything_else(value: object) -> None:
    assert "expected 'auto' or 1 <= bin <= 32 [px]" in refused(bin=value)


@pytest.mark.parametrize("value", ["rimm", 3])
def test_choice_refuses_other_texts(value: object) -> None:
    assert "expected 'rim' or 'moments'" in refused(method=value)


@pytest.mark.parametrize("value", ["yes", 1, None])
def test_truth_value_refuses_everything_else(value: object) -> None:
    assert "expected true or false" in refused(with_movie=value)


def test_free_text_refuses_numbers() -> None:
    assert "expected a text" in refused(label=3)


def test_unknown_name_is_answered_with_the_nearest() -> None:
    assert "there is no such parameter; did you mean 'sigma'?" in refused(sigmaa=1)


def test_unsupported_annotation_is_a_programming_error() -> None:
    class Odd(Params):
        values: list[int] = param([], help="Not supported.")

    with pytest.raises(TypeError, match="a parameter is bool, int"):
        parameters_of(Odd)


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_a_number_is_taken_exactly_if_it_is_in_the_range(value: float) -> None:
    if 0 < value <= 6:
        assert check_params(ToyParams, {"sigma": value}, "toy").sigma == value
    else:
        refused(sigma=value)
