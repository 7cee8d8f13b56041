"""Canonical JSON and keys: equal requests, equal keys."""

import hashlib
import json
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mystax.core.canonical import (
    canonical_json,
    key12,
    outcome_key,
    pass_key,
    result_parameters,
    roi_geometry,
)
from mystax.core.geometry import Ellipse, Rectangle, Roi
from mystax.core.params import Params, param
from mystax.errors import ParameterError

plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


class ExampleParams(Params):
    """Parameters of an example."""

    bin: int = param(4, ge=1, le=32, help="Side of a bin.")
    batch: int = param(8, ge=1, help="Frames at once.", affects_result=False)


def test_text_has_sorted_keys_and_no_spaces() -> None:
    assert canonical_json({"b": [1, 2.5], "a": {"d": None, "c": True}}) == (
        '{"a":{"c":true,"d":null},"b":[1,2.5]}'
    )


def test_negative_zero_is_zero() -> None:
    assert canonical_json([-0.0, np.float32(-0.0)]) == "[0.0,0.0]"


def test_floats_are_written_by_repr() -> None:
    assert canonical_json([0.1, 1e22, 5e-324]) == f"[{0.1!r},{1e22!r},{5e-324!r}]"


def test_numpy_values_are_written_like_python_values() -> None:
    values = {
        "a": np.int16(3),
        "b": np.float64(0.5),
        "c": np.bool_(True),
        "d": np.arange(3),
        "e": np.str_("x"),
    }
    assert canonical_json(values) == canonical_json({"a": 3, "b": 0.5, "c": True, "d": [0, 1, 2], "e": "x"})


def test_fraction_keeps_both_numbers() -> None:
    assert canonical_json(Fraction(30000, 1001)) == '"30000/1001"'


def test_text_that_is_not_ascii_stays_readable() -> None:
    assert canonical_json("Mäuse") == '"Mäuse"'


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), np.float32("nan")])
def test_numbers_that_are_not_finite_are_refused(value: float) -> None:
    with pytest.raises(ParameterError) as caught:
        canonical_json({"sigma": [value]}, "parameters")
    assert caught.value.code == "P401"
    assert caught.value.where == "parameters.sigma"


@pytest.mark.parametrize("value", [b"bytes", object(), {1: 2}, {3}])
def test_values_without_a_json_form_are_refused(value: object) -> None:
    with pytest.raises(ParameterError, match="P401"):
        canonical_json(value)


@given(plain)
@settings(deadline=None, max_examples=40)
def test_text_reads_back_as_the_value_and_is_a_fixed_point(value: object) -> None:
    text = canonical_json(value)
    assert json.loads(text) == value
    assert canonical_json(json.loads(text)) == text


@given(st.dictionaries(st.text(max_size=5), st.integers(), max_size=5))
@settings(deadline=None, max_examples=30)
def test_order_of_entries_does_not_matter(entries: dict[str, int]) -> None:
    backwards = dict(reversed(list(entries.items())))
    assert canonical_json(entries) == canonical_json(backwards)


def test_key_is_the_sha256_of_the_stated_json() -> None:
    roi = Roi("pad", "motion", Rectangle(8, 8, 96, 64), "face")
    key = outcome_key("motion", 2, {"bin": 4}, [{"id": "12-ab", "role": "frames"}], rois=[roi])
    stated = (
        '{"analysis":"motion","clock":{},"inputs":[{"id":"12-ab","role":"frames"}],"keypoint_set":"",'
        '"parameters":{"bin":4},"rois":[{"camera":"face","kind":"motion","name":"pad","rectangle":[8,8,96,64]}],'
        '"version":2,"weights":""}'
    )
    assert key == hashlib.sha256(stated.encode()).hexdigest()
    assert key12(key) == key[:12]


@pytest.mark.parametrize(
    "changed",
    [
        {"analysis": "svd"},
        {"version": 2},
        {"parameters": {"bin": 8}},
        {"inputs": [{"id": "2"}]},
        {"rois": [Roi("pad", "motion", Ellipse(9, 9, 4, 4))]},
        {"rois": [Roi("other", "motion", Rectangle(1, 1, 9, 9))]},
        {"clock": {"offset": 0.5}},
        {"weights": "ff"},
        {"keypoint_set": "mouse-face"},
    ],
)
def test_key_changes_with_everything_that_decides_a_result(changed: dict[str, object]) -> None:
    request: dict[str, object] = {
        "analysis": "motion",
        "version": 1,
        "parameters": {"bin": 4},
        "inputs": [{"id": "1"}],
        "rois": [Roi("pad", "motion", Rectangle(1, 1, 9, 9))],
    }
    assert outcome_key(**(request | changed)) != outcome_key(**request)  # type: ignore[arg-type] # built by name


def test_source_and_confidence_of_a_region_are_not_in_its_geometry() -> None:
    drawn = Roi("pad", "motion", Rectangle(1, 1, 9, 9))
    found = Roi(
        "pad", "motion", Rectangle(1, 1, 9, 9), source="proposed", confidence=0.7, frame_size=(64, 64)
    )
    assert roi_geometry(drawn) == roi_geometry(found)


def test_reflections_and_scale_are_part_of_the_geometry() -> None:
    bare = Roi("eye", "pupil", Ellipse(20, 20, 9, 9))
    full = Roi("eye", "pupil", Ellipse(20, 20, 9, 9), reflections=(Ellipse(18, 18, 2, 2),), scale=(0.1, 0.1))
    assert set(roi_geometry(full)) - set(roi_geometry(bare)) == {"reflections", "scale"}


def test_parameters_without_effect_on_results_stay_out_of_the_key() -> None:
    assert result_parameters(ExampleParams(batch=99)) == {"bin": 4}


def test_pass_of_several_outcomes_has_a_key_that_does_not_depend_on_their_order() -> None:
    assert pass_key(["b" * 64, "a" * 64]) == pass_key(["a" * 64, "b" * 64])
    assert pass_key(["a" * 64]) != pass_key(["b" * 64])


def test_name_that_is_not_utf_8_has_a_key_of_its_own_bytes() -> None:
    odd = b"face-\xff.mp4".decode("utf-8", "surrogateescape")
    key = outcome_key("motion", 1, {}, [{"name": odd}])
    assert key != outcome_key("motion", 1, {}, [{"name": "face-.mp4"}])
