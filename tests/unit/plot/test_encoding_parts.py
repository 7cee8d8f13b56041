"""Figures of the encoder, piece by piece: means over neurons, areas apart, the best lag in words."""

import numpy as np
import pytest
import xarray as xr

from mystax.plot.encoding_parts import components, lags, parts
from mystax.plot.style import NamedFigure


def column(made: NamedFigure, name: str) -> np.ndarray:
    """Return a column of the numbers of a figure."""
    return np.asarray(made.numbers[name], np.float64)


@pytest.fixture
def outcome() -> xr.Dataset:
    """Two parts, three lags, two areas, four components."""
    return xr.Dataset(
        {
            "alone": (("part", "neuron"), np.array([[0.2, 0.4, np.nan], [0.1, 0.1, 0.1]])),
            "unique": (("part", "neuron"), np.array([[0.1, 0.3, np.nan], [0.0, 0.0, 0.03]])),
            "lag_curve": (("lag", "neuron"), np.array([[0.1, 0.2, 0.0], [0.3, 0.2, 0.1], [0.0, 0.1, 0.2]])),
            "component_variance": (("model", "component"), np.array([[0.0] * 4, [0.6, 0.3, 0.1, -0.4]])),
        },
        coords={
            "part": ["nose", "paw"],
            "lag": [-0.5, 0.0, 0.5],
            "area": ("neuron", ["V1", "V1", "S1"]),
            "model": ["mean-only", "stacked"],
        },
    )


def test_parts_are_means_over_the_neurons_that_are_known(outcome: xr.Dataset) -> None:
    made = parts(outcome)
    assert made.numbers["part"] == ["nose", "paw"]
    np.testing.assert_allclose(column(made, "alone"), [0.3, 0.1])
    np.testing.assert_allclose(column(made, "unique"), [0.2, 0.01])
    assert "nose alone 0.300, unique 0.200" in made.alternative


def test_lag_curves_are_drawn_per_area_and_the_best_lag_is_told(outcome: xr.Dataset) -> None:
    made = lags(outcome)
    np.testing.assert_allclose(column(made, "V1"), [0.15, 0.25, 0.05])
    np.testing.assert_allclose(column(made, "S1"), [0.0, 0.1, 0.2])
    np.testing.assert_allclose(column(made, "all"), [0.1, 0.2, 0.1])
    assert "from -0.5 to 0.5 s; the largest at 0 s" in made.alternative


def test_one_area_is_not_drawn_apart(outcome: xr.Dataset) -> None:
    made = lags(outcome.assign_coords(area=("neuron", ["V1", "V1", "V1"])))
    assert set(made.numbers) == {"lag", "all"}


def test_components_have_a_line_per_model_but_the_mean(outcome: xr.Dataset) -> None:
    made = components(outcome)
    assert set(made.numbers) == {"component", "stacked"}
    np.testing.assert_array_equal(column(made, "stacked"), [0.6, 0.3, 0.1, -0.4])
    assert made.figure.axes[0].get_ylim()[0] == pytest.approx(-0.1)


def test_shared_components_are_reliable_times_behaviour(outcome: xr.Dataset) -> None:
    more = {"svca_behaviour": ("svca", np.array([0.5, 0.2])), "svca_reliable": ("svca", np.array([0.8, 0.5]))}
    np.testing.assert_allclose(column(components(outcome.assign(more)), "svca"), [0.4, 0.1])
