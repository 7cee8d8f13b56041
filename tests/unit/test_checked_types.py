"""Types and lengths of axes are checked in every call that tests make; the checker is the one in `tests`."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from jaxtyping import TypeCheckError

from mystax.compute.bouts import merge_short
from mystax.compute.clusters import k_means
from mystax.compute.explained import (
    bits_per_spike,
    correlation_from_sums,
    deviance_explained,
    explained_interval,
    explained_variance,
)
from mystax.compute.statistics import adjusted_rand, contingency, mutual_information
from mystax.core.typing import Float64
from tests import LOOKS, begin_test, check_types, checked, names_axes

PLANE, ROW, LABELS = np.ones((6, 4)), np.ones(4), np.zeros(6, np.int64)
TIMES = np.arange(6.0)
CALLS: dict[str, tuple[Callable[..., Any], tuple[Any, ...], int]] = {
    "explained_variance": (explained_variance, (PLANE, PLANE), 1),
    "deviance_explained": (deviance_explained, (PLANE, PLANE, PLANE), 2),
    "bits_per_spike": (bits_per_spike, (PLANE, PLANE, PLANE), 1),
    "correlation_from_sums": (correlation_from_sums, (9.0, ROW, ROW, ROW, ROW, ROW), 4),
    "adjusted_rand": (adjusted_rand, (LABELS, LABELS), 1),
    "mutual_information": (mutual_information, (LABELS, LABELS), 0),
    "contingency": (contingency, (LABELS, LABELS), 1),
    "k_means": (k_means, (PLANE, np.ones(6), 2, 0), 1),
    "explained_interval": (explained_interval, (PLANE, PLANE, np.ones((3, 6))), 1),
    "merge_short": (merge_short, (LABELS, PLANE, TIMES, TIMES == 0, 0.1), 1),
}
"""A public function, arguments that it takes, and which of them is spoilt."""


def _spoilt(how: str, array: np.ndarray) -> np.ndarray:
    if how == "dtype":
        return array.astype(np.complex128)
    return array[..., None] if how == "one axis more" else array[:-1]


@pytest.mark.parametrize("how", ["dtype", "one axis more", "another length of a shared axis"])
@pytest.mark.parametrize("name", CALLS)
def test_an_array_that_does_not_fit_its_annotation_is_refused(name: str, how: str) -> None:
    function, arguments, place = CALLS[name]
    wrong = list(arguments)
    wrong[place] = _spoilt(how, arguments[place])
    with pytest.raises(TypeCheckError) as refused:
        function(*wrong)
    assert str(wrong[place].shape) in refused.value.__notes__[0]


@pytest.mark.parametrize("name", CALLS)
def test_arrays_that_fit_are_taken(name: str) -> None:
    function, arguments, _ = CALLS[name]
    with np.errstate(all="ignore"):
        assert function(*arguments) is not None


def test_lengths_of_one_call_do_not_bind_the_next() -> None:
    assert explained_variance(PLANE, 2 * PLANE).shape == (4,)
    assert explained_variance(PLANE[:3], 2 * PLANE[:3]).shape == (4,)


def _own(function: Any) -> Any:
    return checked(function, typechecker=check_types)


def test_what_is_returned_is_checked_with_the_lengths_of_the_arguments() -> None:
    @_own
    def shorter(values: Float64[np.ndarray, " n"]) -> Float64[np.ndarray, " n"]:
        return values[1:]

    with pytest.raises(TypeCheckError):
        shorter(ROW)


def test_the_first_calls_of_each_test_are_looked_at() -> None:
    @_own
    def last(values: Float64[np.ndarray, " n"], weights: Float64[np.ndarray, " n"]) -> float:
        return float(values[-1] * weights[-1])

    for _ in range(LOOKS - 1):
        last(ROW, ROW)
    with pytest.raises(TypeCheckError):
        last(ROW, ROW[1:])
    assert last(ROW, ROW[1:]) == 1  # enough of them
    begin_test()
    with pytest.raises(TypeCheckError):
        last(ROW, ROW[1:])


def test_functions_without_arrays_are_checked_too() -> None:
    @_own
    def twice(number: float) -> float:
        return 2 * number

    assert twice(2) == 4
    with pytest.raises(TypeCheckError):
        twice("2")


def test_fields_of_a_dataclass_are_checked_together() -> None:
    @_own
    @dataclass
    class Pair:
        one: Float64[np.ndarray, " n"]
        other: Float64[np.ndarray, " n"]

    assert Pair(ROW, ROW).one is ROW
    with pytest.raises(TypeCheckError):
        Pair(ROW, ROW[1:])


def test_a_function_made_anew_by_each_call_is_checked_once() -> None:
    def made() -> Callable[[int], int]:
        def plus_one(number: int) -> int:
            return number + 1

        return plus_one

    first, second = (checked(made(), typechecker=check_types) for _ in range(2))
    with pytest.raises(TypeCheckError):
        first("1")
    assert first(1) == second(1) == 2
    assert second.__qualname__.endswith("plus_one")
    assert not hasattr(second, "__wrapped__")


def test_methods_whose_annotations_name_what_is_not_there_yet_are_checked_all_the_same() -> None:
    class Chain:
        @_own
        def after(self, values: Float64[np.ndarray, " n"]) -> "Later":  # type: ignore[name-defined] # noqa: F821 - on purpose
            return values

    assert Chain().after(ROW) is ROW
    with pytest.raises(TypeCheckError, match="values"):
        Chain().after(PLANE)


def test_generators_run_as_before() -> None:
    @_own
    def halves(values: Float64[np.ndarray, " n"]) -> Iterator[Float64[np.ndarray, " m"]]:
        yield values[:2]
        yield values[2:]

    assert [len(half) for half in halves(np.ones(5))] == [2, 3]


def test_axes_are_seen_inside_of_other_annotations() -> None:
    inner = Float64[np.ndarray, "n"]
    assert names_axes(Callable[[dict[str, inner]], None])
    assert names_axes(tuple[int, inner | None])
    assert not names_axes(Callable[[dict[str, float]], None])
