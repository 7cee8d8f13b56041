"""Residuals of cameras: in the fit, and left out of it."""

import numpy as np
import pytest
import xarray as xr

from mystax.analyses.pose3d_quality import _camera_facts, _camera_flags


def facts_of(residual: np.ndarray, left_out: np.ndarray) -> dict[str, float]:
    """Numbers of one camera that sees one point of one individual."""
    dims = ("time", "camera", "keypoint", "individual")
    shape = (len(residual), 1, 1, 1)
    dataset = xr.Dataset(
        {
            "residual": (dims, residual.reshape(shape)),
            "residual_left_out": (dims, left_out.reshape(shape)),
            "used": (dims, np.ones(shape, np.int8)),
        }
    )
    return _camera_facts(dataset, 0)


def test_residuals_are_compared_where_both_are_known() -> None:
    """Two cameras agree by themselves: what a third one's absence does to residuals is no fault of theirs."""
    alone = np.arange(300) < 200
    residual, left_out = np.where(alone, 0.1, 0.3), np.where(alone, np.nan, 0.6)
    facts = facts_of(residual, left_out)
    assert (facts["residual"], facts["left_out"]) == (0.1, 0.6)
    assert facts["left_out_ratio"] == pytest.approx(2)
    assert _camera_flags("left", facts) == []


def test_camera_that_lies_apart_is_flagged() -> None:
    facts = facts_of(np.full(300, 0.3), np.full(300, 1.2))
    assert [flag.code for flag in _camera_flags("left", facts)] == ["N315"]


def test_few_points_are_no_reason_for_doubt_unless_they_are_far_off() -> None:
    assert _camera_flags("left", facts_of(np.full(4, 0.3), np.full(4, 1.2))) == []
    assert len(_camera_flags("left", facts_of(np.full(4, 3.0), np.full(4, 12.0)))) == 1
