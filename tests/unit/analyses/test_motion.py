"""The declaration of `motion`."""

import numpy as np
import pytest

from mystax.analyses.motion import MOTION, MotionParams
from mystax.core.analysis import Reducer, get_analysis
from mystax.core.params import check_params, parameters_of
from mystax.core.recording import ArraySource
from mystax.errors import ParameterError
from tests.fixtures.measure import lend, measure, random_movie


def test_motion_is_registered_with_its_parameters() -> None:
    declared = get_analysis("motion")
    assert declared.params is MotionParams
    assert declared.outputs is MOTION
    assert list(parameters_of(MotionParams)) == ["bin", "black", "floor"]


def test_motion_works_on_the_whole_frame_where_no_region_is_given() -> None:
    needed = get_analysis("motion").roi_input
    assert needed is not None
    assert (needed.kind, needed.whole_frame, needed.many) == ("motion", True, True)


@pytest.mark.parametrize(
    ("name", "value"),
    [("bin", 0), ("bin", 33), ("bin", "large"), ("black", -1), ("black", 65), ("floor", 51)],
)
def test_values_outside_the_range_are_refused(name: str, value: object) -> None:
    with pytest.raises(ParameterError, match=rf"P401 parameter '{name}' of 'motion'"):
        check_params(MotionParams, {name: value}, "motion")


def test_an_unknown_parameter_is_answered_with_the_nearest() -> None:
    with pytest.raises(ParameterError, match="did you mean 'floor'"):
        check_params(MotionParams, {"flor": 5}, "motion")


def test_parameters_reach_the_outcome() -> None:
    found = measure("motion", ArraySource(random_movie(4, (32, 32)), 30), bin=8, black=3)
    assert found.attrs["bin"] == 8
    assert found.attrs["black"] == 3
    assert found.mean_frame.shape == (4, 4)


def test_automatic_bins_follow_the_picture() -> None:
    found = measure("motion", ArraySource(np.zeros((2, 480, 640), np.uint8), 30))
    assert found.attrs["bin"] == 4
    assert found.n_bins.values.tolist() == [19_200]


def test_every_variable_has_its_unit() -> None:
    found = measure("motion", ArraySource(random_movie(4, (32, 32)), 30))
    for name, variable in MOTION.variables.items():
        assert found[name].attrs["units"] == variable.unit


def test_it_makes_a_reducer() -> None:
    reducer = get_analysis("motion").make(MotionParams())
    assert isinstance(reducer, Reducer)
    reducer.start(lend(ArraySource(random_movie(4, (32, 32)), 30)))
    assert reducer.n_passes == 1
