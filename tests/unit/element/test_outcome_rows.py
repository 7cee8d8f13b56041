"""Rows of the schema `behavior` from outcomes made by hand."""

import json
from typing import Any

import numpy as np
import pytest

pytest.importorskip("datajoint", reason='pip install "mystax[datajoint]"')
import xarray as xr

from mystax.element.outcome_rows import encoding_rows, pose3d_rows, states_rows
from mystax.errors import NumbersError


def encoded(**models: list[float]) -> xr.Dataset:
    names = [name.replace("_", "-") for name in models]
    return xr.Dataset(
        {
            "explained_variance": (("model", "neuron"), np.array(list(models.values()), np.float32)),
            "ceiling_peer": (("neuron",), np.array([0.5, np.nan], np.float32)),
        },
        coords={"model": names},
    )


def test_stacked_model_is_told_where_it_ran() -> None:
    facts, neurons = encoding_rows(encoded(lagged_ridge=[0.5, 0.25], stacked=[0.25, 0.0]))
    assert facts == {"explained_variance": 0.125, "explained_variance_lagged_ridge": 0.375}
    assert neurons == [
        {"neuron": 0, "explained_variance": 0.25, "ceiling": 0.5},
        {"neuron": 1, "explained_variance": 0.0, "ceiling": None},
    ]


def test_best_model_is_told_without_a_stack() -> None:
    facts, _ = encoding_rows(encoded(lagged_ridge=[0.25, 0.25], deep=[0.5, 0.75]))
    assert facts["explained_variance"] == 0.625


def test_neuron_without_a_number_has_no_row() -> None:
    facts, neurons = encoding_rows(encoded(lagged_ridge=[0.5, np.nan]))
    assert facts["explained_variance"] == 0.5
    assert [row["neuron"] for row in neurons] == [0]


def test_neurons_keep_their_numbers_where_others_were_left_out() -> None:
    dataset = encoded(lagged_ridge=[0.5, 0.25]).assign_coords(neuron=[57, 112])
    assert [row["neuron"] for row in encoding_rows(dataset)[1]] == [57, 112]


def test_nothing_explained_is_refused() -> None:
    with pytest.raises(NumbersError, match="N303"):
        encoding_rows(encoded(lagged_ridge=[np.nan, np.nan]))


def states(**more: Any) -> xr.Dataset:
    return xr.Dataset(
        {
            "label": (("time",), np.array([1, 1, 2, -1], np.int16)),
            "posterior": (("time", "state"), np.eye(4, 2, dtype=np.float32)),
            "occupancy": (("state",), np.array([2 / 3, 1 / 3])),
            "n_bouts": (("state",), np.array([1, 1], np.int32)),
            "dwell_median": (("state",), np.array([0.5, np.nan])),
            "bout_label": (("bout",), np.array([1, 2], np.int16)),
            "bout_start": (("bout",), np.array([0.0, 0.5])),
            "bout_stop": (("bout",), np.array([0.5, 0.75])),
            "held_out": (("candidate",), np.array([-3.0, -2.5])),
            **more,
        },
        coords={"state": [1, 2], "candidate": [1, 2]},
    )


def test_states_and_bouts_have_a_row_each() -> None:
    facts, found, bouts = states_rows(states())
    assert facts["n_states"] == 2
    assert facts["log_likelihood_held_out"] == -2.5
    assert facts["label"].tolist() == [1, 1, 2, -1]
    assert [row["dwell_median"] for row in found] == [0.5, None]
    assert found[0]["occupancy"] == pytest.approx(2 / 3)
    assert bouts == [
        {"bout": 0, "state": 1, "start": 0.0, "stop": 0.5},
        {"bout": 1, "state": 2, "start": 0.5, "stop": 0.75},
    ]


def test_score_that_was_not_computed_is_empty() -> None:
    facts, _, _ = states_rows(states(held_out=(("candidate",), np.array([np.nan, np.nan]))))
    assert facts["log_likelihood_held_out"] is None


def space(residual: float) -> xr.Dataset:
    place = np.arange(18, dtype=np.float32).reshape(3, 3, 2, 1)
    return xr.Dataset(
        {
            "position": (("time", "space", "keypoint", "individual"), place, {"units": "mm"}),
            "confidence": (("time", "keypoint", "individual"), np.ones((3, 2, 1), np.float32)),
            "residual": (("time", "keypoint"), np.full((3, 2), residual, np.float32)),
        },
        coords={"keypoint": ["a", "b"]},
        attrs={"facts": json.dumps({"flatness": 0.25})},
    )


def test_points_in_space_have_a_row_each() -> None:
    facts, rows = pose3d_rows(space(1.5))
    assert facts == {"unit": "mm", "residual_median": 1.5, "flatness": 0.25}
    assert [row["body_part"] for row in rows] == ["a", "b"]
    np.testing.assert_array_equal(rows[1]["position"], [[1, 3, 5], [7, 9, 11], [13, 15, 17]])


def test_points_that_nobody_saw_are_refused() -> None:
    with pytest.raises(NumbersError, match="N303"):
        pose3d_rows(space(np.nan))
