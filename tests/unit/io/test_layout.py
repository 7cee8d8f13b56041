"""Descriptions of where values lie, and outcomes put together by them."""

import json
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import xarray as xr

from mystax.errors import FormatError
from mystax.io.layout import Part, describe, inline_form, numbers_text, rebuild, regular_times
from mystax.io.outcome_parts import OutcomeParts

NOTHING: dict[str, np.ndarray] = {}


def test_part_is_taken_out_and_put_back() -> None:
    values = np.arange(24).reshape(2, 3, 4)
    part = Part("a", (1, None, None), (1, 0), (2, 0, 3, 1))
    stored = part.from_variable(values)
    assert stored.tolist() == values[1].T[[2, 0, 3, 1]].tolist()
    target = np.zeros_like(values)
    part.into_variable(target, stored)
    assert np.array_equal(target[1], values[1])
    assert not target[0].any()


def test_part_survives_its_json() -> None:
    part = Part("a/b", (None, 2, None), (1, 0), (1, 0))
    assert Part.of_dict(json.loads(json.dumps(part.as_dict()))) == part


@pytest.mark.parametrize("rate", [Fraction(30), Fraction(30000, 1001), Fraction(1000, 7)])
def test_times_of_a_ratio_are_regular(rate: Fraction) -> None:
    found = regular_times(np.arange(500) / float(rate) + 0.25)
    assert found == (Fraction(1, 4), 1 / rate)


@pytest.mark.parametrize("times", [[0.0], [0.0, 1.0, 3.0], [0.0, np.nan, 2.0], [1.0, 0.5]])
def test_other_times_are_not(times: list[float]) -> None:
    assert regular_times(np.array(times)) is None


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("text", np.array(["a", "", "c"])),
        ("frame", np.arange(5, 25, 2)),
        ("time", np.arange(10) / 30),
        ("number", np.float32(np.nan)),
        ("empty", np.empty((0,), np.float32)),
    ],
)
def test_what_needs_no_array_comes_back_equal(name: str, values: Any) -> None:
    values = np.asarray(values)
    dataset = (
        xr.Dataset({name: (("x",)[: values.ndim], values)})
        if name != "time"
        else xr.Dataset(coords={"time": ("time", values)})
    )
    parts = OutcomeParts("toy", {"analysis": "toy"}, {"": dataset}, {})
    text = numbers_text(describe(parts, {}, {}))
    found = rebuild(json.loads(text), NOTHING.__getitem__, "x").cameras[""][name]
    assert found.dtype == values.dtype
    assert np.array_equal(found.values, values, equal_nan=values.dtype.kind == "f")


def test_uneven_times_need_an_array() -> None:
    assert inline_form("time", xr.Variable(("time",), np.array([0.0, 0.1, 0.3]))) is None


def described(values: np.ndarray) -> dict[str, Any]:
    """Describe one variable that lies in the array ``a``."""
    parts = OutcomeParts("toy", {}, {"": xr.Dataset({"v": (("x", "y"), values)})}, {})
    placed = {("", "v"): [Part("a", (None, None))]}
    found: dict[str, Any] = json.loads(numbers_text(describe(parts, placed, {})))
    return found


@pytest.mark.parametrize("stored", [np.zeros((2, 2)), np.zeros((2, 3), np.float32)])
def test_array_that_does_not_fit_is_refused(stored: np.ndarray) -> None:
    with pytest.raises(FormatError, match="F804"):
        rebuild(described(np.zeros((2, 3))), {"a": stored}.__getitem__, "x")


def test_claimed_shape_beyond_the_arrays_is_refused() -> None:
    claim = described(np.zeros((2, 3)))
    claim["cameras"][""]["variables"]["v"]["shape"] = [10**9, 10**6]
    with pytest.raises(FormatError, match="F804"):
        rebuild(claim, {"a": np.zeros((2, 3))}.__getitem__, "x")


def test_endless_count_is_refused() -> None:
    parts = OutcomeParts("toy", {}, {"": xr.Dataset({"v": (("x",), np.arange(4))})}, {})
    claim: dict[str, Any] = json.loads(numbers_text(describe(parts, {}, {})))
    claim["cameras"][""]["variables"]["v"]["shape"] = [10**12]
    with pytest.raises(FormatError, match="F802"):
        rebuild(claim, NOTHING.__getitem__, "x")


def test_attributes_without_a_number_survive() -> None:
    dataset = xr.Dataset({"v": ((), 1.0)}, attrs={"a": float("nan"), "b": [1.5, float("inf")], "c": "text"})
    text = numbers_text(describe(OutcomeParts("toy", {}, {"": dataset}, {}), {}, {}))
    found = rebuild(json.loads(text), NOTHING.__getitem__, "x").cameras[""].attrs
    assert np.isnan(found["a"])
    assert (found["b"], found["c"]) == ([1.5, float("inf")], "text")
