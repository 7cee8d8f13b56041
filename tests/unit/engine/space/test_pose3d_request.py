"""Tests of `mystax.engine.space.pose3d_request`: what may be asked, and what stands in the key."""

import json

import numpy as np
import pytest

from mystax.compute.projection import project_rig
from mystax.core.rig_model import RigModel
from mystax.engine.space.pose3d_request import Request3d
from mystax.errors import ParameterError, RecipeError
from tests.fixtures.rigs import points_about, rig_of


@pytest.mark.parametrize("rate", [0.0, -25.0, 1e6, float("nan")])
def test_rate_must_be_one(rate: float) -> None:
    with pytest.raises(ParameterError, match="'rate'") as refused:
        Request3d(rate=rate)
    assert refused.value.code == "P401"


@pytest.mark.parametrize("unit", [0.0, -1.0, float("nan"), 1e7])
def test_unit_of_a_rig_must_be_a_length(unit: float) -> None:
    with pytest.raises(ParameterError, match="rig_unit"):
        Request3d(rig_unit=unit)


def test_rig_is_brought_to_millimetres_and_sees_the_same() -> None:
    squares = RigModel(rig_of(2).cameras, {"unit": "square"})
    with pytest.raises(ParameterError, match="square of the board"):
        Request3d().check_unit(squares)
    request = Request3d(rig_unit=20)
    scaled = request.in_millimetres(squares)
    request.check_unit(scaled)
    points = points_about(5, 50)
    np.testing.assert_allclose(project_rig(scaled, 20 * points), project_rig(squares, points), atol=1e-9)
    assert request.as_dict()["rig_unit"] == 20
    assert "rig_unit" not in Request3d().as_dict()


def test_side_is_left_or_right() -> None:
    with pytest.raises(ParameterError, match="left or right"):
        Request3d(sides={"cam0": "top"})


def test_order_of_cameras_does_not_change_the_key() -> None:
    one = Request3d(offsets={"b": 1, "a": 0.5}, crops={"b": (1, 2), "a": (3, 4)}, sides={"b": "left"})
    other = Request3d(offsets={"a": 0.5, "b": 1}, crops={"a": (3, 4), "b": (1, 2)}, sides={"b": "left"})
    assert json.dumps(one.as_dict()) == json.dumps(other.as_dict())


def test_values_of_the_key_are_plain() -> None:
    said = Request3d(rate=100, reference="a", offsets={"a": 1}, crops={"a": (3, 4)}, scale_rig=True).as_dict()
    assert said == {
        "rate": 100,
        "reference": "a",
        "offsets": {"a": 1.0},
        "crops": {"a": [3.0, 4.0]},
        "sides": {},
        "scale_rig": True,
    }


@pytest.mark.parametrize(
    "request3d",
    [
        Request3d(reference="lefd"),
        Request3d(offsets={"lefd": 1.0}),
        Request3d(crops={"lefd": (0, 0)}),
        Request3d(sides={"lefd": "left"}),
    ],
    ids=["reference", "offsets", "crops", "sides"],
)
def test_camera_that_is_not_there_is_refused_with_the_nearest(request3d: Request3d) -> None:
    request3d.check_names(("lefd", "right"))
    with pytest.raises(RecipeError, match="left") as refused:
        request3d.check_names(("left", "right"))
    assert refused.value.code == "P403"
