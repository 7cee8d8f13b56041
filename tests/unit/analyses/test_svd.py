"""The declaration of `svd`."""

import numpy as np
import pytest

from mystax.analyses.svd import SVD, SVD_JOINT, SvdParams
from mystax.core.analysis import Reducer, get_analysis
from mystax.core.params import check_params, parameters_of
from mystax.core.recording import ArraySource
from mystax.errors import ParameterError
from tests.fixtures.measure import measure, moving_movie


def test_svd_is_registered_with_its_parameters() -> None:
    declared = get_analysis("svd")
    assert declared.params is SvdParams
    assert declared.outputs is SVD
    assert declared.joint_outputs is SVD_JOINT
    assert list(parameters_of(SvdParams)) == [
        "n_components",
        "bin",
        "with_motion",
        "with_movie",
        "all_cameras",
        "facemap_compat",
        "max_spool",
        "tolerance",
        "seed",
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("n_components", 0),
        ("n_components", 2001),
        ("max_spool", 1025),
        ("tolerance", 0),
        ("seed", -1),
        ("bin", 40),
    ],
)
def test_values_outside_the_range_are_refused(name: str, value: object) -> None:
    with pytest.raises(ParameterError, match=rf"P401 parameter '{name}' of 'svd'"):
        check_params(SvdParams, {name: value}, "svd")


def test_it_makes_a_reducer() -> None:
    assert isinstance(get_analysis("svd").make(SvdParams()), Reducer)


def test_the_outcome_keeps_its_schema_and_units() -> None:
    found = measure(
        "svd", ArraySource(moving_movie(60, (32, 40)), 30), bin=4, n_components=7, with_movie=True
    )
    for name, variable in SVD.variables.items():
        assert found[name].dims == variable.dims
        assert found[name].attrs.get("units", "") == variable.unit
    assert found.motion_svd.shape == (60, 1, 7)
    assert found.motion_mask.shape == (1, 7, 8, 10)
    assert found.attrs["bin"] == 4


def test_two_regions_have_singular_values_each() -> None:
    from tests.fixtures.measure import rectangle

    rois = [rectangle("a", 0, 0, 16, 16), rectangle("b", 16, 16, 16, 16)]
    found = measure("svd", ArraySource(moving_movie(60, (32, 40)), 30), rois, bin=2, n_components=7)
    assert np.isfinite(found.motion_singular_value).all()
    assert not np.allclose(found.motion_singular_value[0], found.motion_singular_value[1])


def test_the_seed_changes_random_starts_only() -> None:
    source = ArraySource(moving_movie(60, (32, 40)), 30)
    one = measure("svd", source, bin=2, n_components=7, seed=0)
    two = measure("svd", source, bin=2, n_components=7, seed=5)
    assert one.identical(two)
