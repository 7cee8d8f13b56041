"""Tables of points in space."""

import json

import pytest
import xarray as xr

from mystax.plot.pictures import View
from mystax.plot.pose3d import pose3d_tables


@pytest.mark.parametrize(
    ("more", "shown"), [({"clear": True}, "+124.8"), ({"clear": False}, "unclear"), ({}, "+124.8")]
)
def test_a_lag_that_the_residuals_do_not_tell_is_not_printed(more: dict[str, bool], shown: str) -> None:
    numbers = {"seen": 1.0, "inliers": 1.0, "residual": 0.7, "left_out": None, "pixel_sd": 1.0}
    offset = {"frames": 3.744, "seconds": 0.1248, "gain": 0.019, **more}
    facts = {"cameras": {"left": numbers, "right": numbers}, "offsets": {"right": offset}}
    (first, _) = pose3d_tables([View("", xr.Dataset(attrs={"facts": json.dumps(facts)}), None)])
    late = list(first.head).index("late by [ms]")
    assert [row[late] for row in first.rows] == ["", shown]
