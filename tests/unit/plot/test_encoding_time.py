"""Figures of the encoder over time: what is drawn is what was measured and said, thinned by means."""

import numpy as np
import pytest
import xarray as xr

from mystax.plot.encoding_time import latents, raster, traces
from mystax.plot.style import NamedFigure

N_TIME = 1800


def column(made: NamedFigure, name: str) -> np.ndarray:
    """Return a column of the numbers of a figure."""
    return np.asarray(made.numbers[name], np.float64)


@pytest.fixture
def outcome() -> xr.Dataset:
    """Half an hour of three neurons, in bins of one second."""
    rng = np.random.default_rng(0)
    time = np.arange(N_TIME) + 0.5
    return xr.Dataset(
        {
            "raster": (("panel", "row", "column"), rng.normal(size=(2, 3, 30))),
            "trace": (("panel", "example", "time"), rng.normal(size=(2, 3, N_TIME))),
            "latent": (("time", "latent_component"), rng.normal(size=(N_TIME, 7))),
            "explained_variance": (("model", "neuron"), np.array([[0.3, -0.1, 0.1]])),
            "example_neuron": ("example", np.array([11, 14, 12])),
        },
        coords={
            "panel": ["measured", "predicted"],
            "model": ["stacked"],
            "neuron": [11, 12, 14],
            "time": time,
            "column_start": ("column", np.arange(30) * 60.0),
            "block_start": ("block", np.arange(0.0, N_TIME, 30)),
        },
    )


def test_raster_has_a_picture_per_panel_with_one_scale(outcome: xr.Dataset) -> None:
    made = raster(outcome)
    np.testing.assert_allclose(column(made, "minute"), np.arange(30))
    np.testing.assert_allclose(column(made, "predicted_2"), outcome["raster"].values[1, 1], rtol=1e-6)
    pictures = [image for axes in made.figure.axes for image in axes.images]
    assert [image.axes.get_title(loc="left") for image in pictures] == ["measured", "predicted"]
    assert len({image.get_clim() for image in pictures}) == 1


@pytest.mark.parametrize(("guide", "title"), [("running", "running"), ("motion", "motion, first component")])
def test_running_or_motion_stands_above_the_raster(outcome: xr.Dataset, guide: str, title: str) -> None:
    pace = np.linspace(0, 1, 30)
    pace[4] = np.nan
    made = raster(outcome.assign({guide: ("column", pace)}))
    np.testing.assert_array_equal(column(made, guide), pace)
    first, *rest = made.figure.axes
    assert first.get_title(loc="left") == title
    np.testing.assert_array_equal(np.asarray(first.lines[0].get_xdata()), np.arange(30))
    assert [len(axes.images) for axes in rest[:2]] == [1, 1]
    assert first.get_position().height < 0.5 * rest[0].get_position().height


def test_traces_are_those_of_the_named_neurons_over_a_minute(outcome: xr.Dataset) -> None:
    made = traces(outcome)
    assert len(column(made, "time")) == 61  # the last bin begins at the end of the minute
    np.testing.assert_array_equal(column(made, "median_stacked"), outcome["trace"].values[1, 1, :61])
    titles = [axes.get_title(loc="left") for axes in made.figure.axes]
    assert titles == [
        "best: neuron 11, explained variance 0.300",
        "median: neuron 14, explained variance 0.100",
        "worst: neuron 12, explained variance -0.100",
    ]


def test_latents_are_thinned_by_means_and_five_are_drawn(outcome: xr.Dataset) -> None:
    made = latents(outcome)
    assert set(made.numbers) == {"minute", *(f"latent_{k}" for k in range(1, 6))}
    pairs = outcome["latent"].values[:, 0].reshape(900, 2).mean(axis=1)
    np.testing.assert_allclose(column(made, "latent_1"), pairs)


def test_gaps_do_not_spread_in_the_thinned_latents(outcome: xr.Dataset) -> None:
    holed = outcome["latent"].values.copy()
    holed[0], holed[2:4] = np.nan, np.nan
    found = column(latents(outcome.assign(latent=(("time", "latent_component"), holed))), "latent_1")
    assert found[0] == pytest.approx(holed[1, 0])
    assert np.isnan(found[1])
    assert np.isfinite(found[2:]).all()
