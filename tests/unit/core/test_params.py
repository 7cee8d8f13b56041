"""Parameters declared once."""

from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mystax.core.params import Params, check_params, param, parameters_of
from mystax.errors import ParameterError
from tests.fixtures.refusals import attempt


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


class WholeParams(Params):
    """Whole numbers."""

    seed: int = param(0, ge=0, help="Start of random numbers.")
    size: int = param(1, ge=1, lt=1000, help="A size.")


@given(st.integers(0, 2**70))
def test_whole_numbers_are_never_rounded(value: int) -> None:
    assert check_params(WholeParams, {"seed": value}, "toy").seed == value
    assert check_params(WholeParams, {"seed": str(value)}, "toy").seed == value


@pytest.mark.parametrize(
    "value", [10**400, -(10**400), "1e400", "1" * 400], ids=["high", "low", "exponent", "text"]
)
def test_numbers_beyond_all_bounds_are_refused_and_do_not_crash(value: object) -> None:
    with pytest.raises(ParameterError, match="P401 parameter 'size' of 'toy': expected 1 <= size < 1000"):
        check_params(WholeParams, {"size": value}, "toy")
    with pytest.raises(ParameterError, match="P401"):
        check_params(ToyParams, {"sigma": value}, "toy")


ANYTHING = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=6), st.binary(max_size=3)
    ),
    lambda inner: st.lists(inner, max_size=3) | st.tuples(inner, inner),
    max_leaves=5,
)


@given(st.sampled_from(list(ToyParams.model_fields)), ANYTHING)
def test_any_value_is_taken_or_refused_with_p401(name: str, value: object) -> None:
    taken, refusal = attempt(lambda: check_params(ToyParams, {name: value}, "toy"))
    if taken is not None:
        assert check_params(ToyParams, {name: getattr(taken, name)}, "toy") == taken
    else:
        assert refusal is not None
        assert refusal.code == "P401"
        assert repr(name) in refusal.where


@given(st.sampled_from(list(ToyParams.model_fields)), ANYTHING)
def test_a_value_is_judged_the_same_as_python_value_and_as_its_text(name: str, value: object) -> None:
    def verdict(given_value: object) -> str:
        taken, refusal = attempt(lambda: check_params(ToyParams, {name: given_value}, "toy"))
        return str(refusal) if taken is None else repr(taken)

    if isinstance(value, bool | int | float) and name != "label":
        assert verdict(value) == verdict(str(value))


class ListParams(Params):
    names: str = param("auto", help="Names.", joined=True)
    plain: str = param("auto", help="A text.")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a,b", "a,b"),
        (["a", "b"], "a,b"),
        ((1, 2.5, 1e-7), "1,2.5,1e-07"),
        (np.array([80.1, -3]), "80.1,-3"),
        ((np.float32(1.5), np.int64(7)), "1.5,7"),
        ((123456.789,), "123456.789"),
    ],
)
def test_list_of_parts_is_the_text_with_commas(value: object, text: str) -> None:
    assert check_params(ListParams, {"names": value}, "x").names == text


@pytest.mark.parametrize(
    "value", [None, 5, (), [[1, 2]], [None], [True], {"a": 1}, {"a", "b"}, np.zeros((2, 2))]
)
def test_other_values_are_no_list_of_parts(value: object) -> None:
    with pytest.raises(ParameterError, match="P401"):
        check_params(ListParams, {"names": value}, "x")
    with pytest.raises(ParameterError, match="P401"):
        check_params(ListParams, {"plain": ["a", "b"]}, "x")
