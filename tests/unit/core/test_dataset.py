"""The form of outcomes."""

import numpy as np
import pytest
import xarray as xr

from mystax.core.dataset import Schema, Variable, check_outcome, complete_outcome
from mystax.errors import FormatError

SCHEMA = Schema(
    {
        "energy": Variable(("time", "roi"), "grey_level", "float32", "Motion energy."),
        "note": Variable(("roi",), "", "str", "A text.", required=False),
    }
)


def outcome() -> xr.Dataset:
    dataset = xr.Dataset(
        {
            "energy": (("time", "roi"), np.zeros((3, 1), np.float32)),
            "missing": ("time", np.zeros(3, np.uint8)),
        },
        coords={
            "time": np.arange(3.0),
            "frame": ("time", np.arange(3)),
            "roi": ["a"],
            "roi_kind": ("roi", ["motion"]),
            "roi_camera": ("roi", ["face"]),
            "roi_shape": ("roi", ["{}"]),
        },
    )
    return complete_outcome(dataset, SCHEMA)


def test_complete_outcome_has_units_and_passes() -> None:
    dataset = outcome()
    check_outcome(dataset, SCHEMA)
    assert dataset["energy"].attrs["units"] == "grey_level"
    assert dataset["time"].attrs["units"] == "s"
    assert dataset["missing"].attrs["flag_meanings"].split()[2] == "corrupt"


def test_optional_variable_may_be_absent_or_there() -> None:
    dataset = outcome()
    dataset["note"] = ("roi", ["hello"])
    check_outcome(dataset, SCHEMA)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.drop_vars("energy"), "variable 'energy' is missing"),
        (lambda d: d.rename(energy="enrgy"), "did you mean 'enrgy'"),
        (lambda d: d.assign(energy=d["energy"].T), "expected 2 dimensions|Expected 2 dimensions"),
        (
            lambda d: d.assign(energy=d["energy"].astype(float).assign_attrs(d["energy"].attrs)),
            "another type",
        ),
        (lambda d: d.assign(energy=d["energy"].assign_attrs(units="px")), "another unit"),
        (lambda d: d.assign(extra=("time", np.zeros(3))), "'extra' is not declared"),
        (lambda d: d.expand_dims("bogus").isel(bogus=0).assign(energy=d["energy"]), None),
        (lambda d: d.drop_vars("roi_kind"), "variable 'roi_kind' is missing"),
    ],
    ids=["missing", "renamed", "turned", "type", "unit", "extra", "same", "coordinate"],
)
def test_each_deviation_is_named(change: object, message: str | None) -> None:
    assert callable(change)
    changed = change(outcome())
    if message is None:
        check_outcome(changed, SCHEMA)
    else:
        with pytest.raises(FormatError, match=message):
            check_outcome(changed, SCHEMA)


def test_dimension_of_its_own_must_be_declared() -> None:
    variables = {"depth": Variable(("blob",), "1", "float64", "Depth.")}
    dataset = xr.Dataset({"depth": ("blob", np.zeros(2), {"units": "1"})})
    own = Schema(variables, per_frame=False, per_roi=False, more_dimensions=frozenset({"blob"}))
    check_outcome(dataset, own)
    with pytest.raises(FormatError, match="dimension 'blob' is not declared"):
        check_outcome(dataset, Schema(variables, per_frame=False, per_roi=False))
