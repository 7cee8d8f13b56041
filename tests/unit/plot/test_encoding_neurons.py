"""Figures of the encoder, neuron by neuron: numbers are those of the outcome, words count them."""

from typing import Any

import numpy as np
import pytest
import xarray as xr

from mystax.plot.encoding_neurons import (
    against_baseline,
    against_peers,
    area_boxes,
    histogram,
    of_model,
    place_map,
)
from mystax.plot.style import NamedFigure

STACKED = np.array([0.3, 0.1, 0.2, -0.1])
BASELINE = np.array([0.2, 0.2, 0.1, -0.2])


def column(made: NamedFigure, name: str) -> np.ndarray:
    """Return a column of the numbers of a figure."""
    return np.asarray(made.numbers[name], np.float64)


@pytest.fixture
def outcome() -> xr.Dataset:
    """Four neurons without places."""
    nowhere = ("neuron", np.full(4, np.nan))
    return xr.Dataset(
        {
            "explained_variance": (("model", "neuron"), np.stack([BASELINE, STACKED])),
            "ceiling_peer": ("neuron", np.array([0.5, 0.05, np.nan, 0.2])),
        },
        coords={
            "model": ["lagged-ridge", "stacked"],
            "neuron": [3, 5, 8, 9],
            **{f"neuron_{axis}": nowhere for axis in "xyz"},
        },
    )


def placed(outcome: xr.Dataset, **places: Any) -> xr.Dataset:
    return outcome.assign_coords({f"neuron_{axis}": ("neuron", values) for axis, values in places.items()})


def test_numbers_of_a_model_are_told_by_its_name(outcome: xr.Dataset) -> None:
    np.testing.assert_array_equal(of_model(outcome, "explained_variance", "lagged-ridge"), BASELINE)


def test_histogram_keeps_negative_values_and_says_the_mean(outcome: xr.Dataset) -> None:
    made = histogram(outcome)
    np.testing.assert_array_equal(column(made, "stacked"), STACKED)
    np.testing.assert_array_equal(column(made, "neuron"), [3, 5, 8, 9])
    assert "null_high" not in made.numbers
    assert "mean 0.125" in made.alternative


def test_histogram_has_the_null_where_there_is_one(outcome: xr.Dataset) -> None:
    high = np.array([0.02, 0.03, 0.01, 0.02])
    made = histogram(outcome.assign(null_high=("neuron", high)))
    np.testing.assert_array_equal(column(made, "null_high"), high)
    assert "5 % of the shifts" in made.text


def test_histogram_shows_every_neuron_of_both_models(outcome: xr.Dataset) -> None:
    """The baseline reaches farther down than the stack, and the null farther up."""
    axes = histogram(outcome.assign(null_high=("neuron", np.full(4, 0.9)))).figure.axes[0]
    outlines = [patch for patch in axes.patches if not patch.get_fill()]
    tops = [np.asarray(patch.get_path().vertices)[1:-1:2, 1] for patch in outlines]  # a step for each bin
    assert [top.sum() for top in tops] == [4, 4]


def test_gain_counts_the_neurons_above_the_line(outcome: xr.Dataset) -> None:
    made = against_baseline(outcome)
    np.testing.assert_array_equal(column(made, "x"), BASELINE)
    np.testing.assert_array_equal(column(made, "y"), STACKED)
    assert "75 % of 4 neurons lie above the line" in made.alternative


def test_neurons_without_a_ceiling_are_not_counted(outcome: xr.Dataset) -> None:
    assert "33 % of 3 neurons lie above the line" in against_peers(outcome).alternative


def test_neurons_without_a_place_have_no_map(outcome: xr.Dataset) -> None:
    assert place_map(outcome) is None


def test_neurons_on_a_plane_are_drawn_where_they_are(outcome: xr.Dataset) -> None:
    made = place_map(placed(outcome, x=[1.0, 2, 3, 4], y=[5.0, 6, 7, 8]))
    assert made is not None
    axes = made.figure.axes[0]
    assert axes.get_xlabel() == "x [um]"
    np.testing.assert_array_equal(axes.collections[0].get_offsets(), [[1, 5], [2, 6], [3, 7], [4, 8]])


def test_neurons_along_a_probe_are_drawn_by_depth(outcome: xr.Dataset) -> None:
    made = place_map(placed(outcome, z=[100.0, 200, 300, 400]))
    assert made is not None
    axes = made.figure.axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("explained variance", "depth [um]")
    np.testing.assert_allclose(np.asarray(axes.collections[0].get_offsets())[:, 1], [100, 200, 300, 400])


@pytest.mark.parametrize(("scale", "top"), [(1.0, 0.3), (0.01, 0.01), (-1.0, 0.1)])
def test_colours_of_the_map_reach_as_far_as_something_is_explained(
    outcome: xr.Dataset, scale: float, top: float
) -> None:
    """Of -1 the best neuron is the one at 0.1; of a hundredth nothing is worth a colour."""
    some = outcome.assign(explained_variance=outcome["explained_variance"] * scale)
    made = place_map(placed(some, x=[1.0, 2, 3, 4], y=[5.0, 6, 7, 8]))
    assert made is not None
    low, high = made.figure.axes[0].collections[0].get_clim()
    assert low == 0
    assert high == pytest.approx(top, abs=0.01)


def test_places_on_a_plane_keep_their_proportions(outcome: xr.Dataset) -> None:
    made = place_map(placed(outcome, x=[0.0, 500, 100, 300], y=[5.0, 60, 7, 80]))
    assert made is not None
    assert made.figure.axes[0].get_aspect() == 1


def test_areas_have_boxes_with_their_medians(outcome: xr.Dataset) -> None:
    made = area_boxes(outcome.assign_coords(area=("neuron", ["V1", "M2", "V1", ""])))
    assert made is not None
    axes = made.figure.axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["V1 (2)", "M2 (1)"]
    assert "V1 0.250, M2 0.100" in made.alternative
    dots = [line for line in axes.lines if line.get_marker() == "."]
    assert [sorted(np.asarray(line.get_xdata()).tolist()) for line in dots] == [[0.2, 0.3], [0.1]]


@pytest.mark.parametrize("areas", [["", "", "", ""], ["V1", "V1", "", "V1"]])
def test_a_single_area_has_no_boxes(outcome: xr.Dataset, areas: list[str]) -> None:
    assert area_boxes(outcome.assign_coords(area=("neuron", areas))) is None


def test_an_area_of_which_nothing_is_known_has_an_empty_box(outcome: xr.Dataset) -> None:
    some = outcome.copy(deep=True)
    some["explained_variance"].values[1, 1] = np.nan
    made = area_boxes(some.assign_coords(area=("neuron", ["V1", "M2", "V1", ""])))
    assert made is not None
    assert "M2 nan" in made.alternative
