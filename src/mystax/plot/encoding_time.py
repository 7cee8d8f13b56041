"""Figures of the encoder over time: rasters, traces of some neurons, and latents."""

from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.core.typing import Float
from mystax.plot.encoding_neurons import BEST, of_model
from mystax.plot.series import N_COLUMNS
from mystax.plot.style import NamedFigure, figure, series_colour

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = ["latents", "raster", "traces"]

GUIDES = {"running": "running", "motion": "motion, first component"}
"""What stands above a raster, and its title."""


def _thin(rows: Float[np.ndarray, "row time"]) -> np.ndarray:
    """Average neighbouring bins to what can be seen."""
    if rows.shape[1] <= N_COLUMNS:
        return rows
    edges = np.linspace(0, rows.shape[1], N_COLUMNS + 1).astype(np.int64)
    known = np.isfinite(rows)
    total = np.add.reduceat(np.where(known, rows, 0), edges[:-1], axis=1)
    count = np.add.reduceat(known.astype(np.int64), edges[:-1], axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def raster(dataset: Dataset) -> NamedFigure:
    """Draw measured and predicted activity of all test bins, neurons sorted by likeness."""
    rows = np.asarray(dataset["raster"].values, np.float64)
    panels = [str(name) for name in dataset["panel"].values]
    starts = np.asarray(dataset["column_start"].values) / 60
    n = dataset.sizes["neuron"]
    guide = next((name for name in GUIDES if name in dataset), None)
    made = figure(38.0 * len(panels) + (14 if guide is None else 30))
    heights = ([] if guide is None else [0.35]) + [1.0] * len(panels)
    places = made.subplots(len(heights), 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0]
    limit = float(np.nanpercentile(np.abs(rows), 99)) if np.isfinite(rows).any() else 1.0
    numbers: dict[str, np.ndarray] = {"minute": starts}
    if guide is not None:
        numbers[guide] = np.asarray(dataset[guide].values)
        places[0].plot(starts, numbers[guide], color="black", lw=0.6)
        places[0].set_title(GUIDES[guide], loc="left")
        places = places[1:]
    for k, (axes, name) in enumerate(zip(places, panels, strict=True)):
        axes.set_facecolor("#d9d9d9")
        extent = (float(starts[0]), float(dataset["time"].values[-1] / 60), n, 0)
        image = axes.imshow(rows[k], aspect="auto", cmap="RdBu_r", vmin=-limit, vmax=limit, extent=extent)
        for start in np.asarray(dataset["block_start"].values)[1:] / 60:
            axes.axvline(start, color="black", lw=0.3, alpha=0.4)
        axes.set_title(name, loc="left")
        axes.set_ylabel("neurons, sorted")
        numbers |= {f"{name}_{j + 1}": row.astype(np.float32) for j, row in enumerate(rows[k])}
    places[-1].set_xlabel("time [min]")
    made.colorbar(image, ax=places.tolist(), fraction=0.03, pad=0.01).set_label("activity [sd]")
    return NamedFigure(
        "encoding_raster",
        made,
        "What behaviour predicts",
        "Every bin is predicted by the fold that did not see it; rows are means of neighbouring neurons, "
        "sorted by "
        "likeness of their measured activity; one colour scale. Thin lines are the borders of test "
        "blocks; grey: "
        "behaviour is missing.",
        f"Rasters of measured and predicted activity of {n} neurons.",
        numbers,
    )


def traces(dataset: Dataset) -> NamedFigure:
    """Draw measured and predicted activity of the best, a middle and the worst neuron."""
    values = of_model(dataset, "explained_variance", BEST)
    time = np.asarray(dataset["time"].values)
    starts = np.asarray(dataset["block_start"].values)
    stop = starts[2] if len(starts) > 2 else time[-1]
    rows = time <= max(stop, time[0] + 60)
    trace = np.asarray(dataset["trace"].values)[:, :, rows]
    neurons = np.asarray(dataset["neuron"].values).tolist()
    made = figure(75)
    axes = made.subplots(3, 1, sharex=True)
    numbers: dict[str, np.ndarray] = {"time": time[rows]}
    for k, (place, name) in enumerate(zip(axes, ("best", "median", "worst"), strict=True)):
        number = int(dataset["example_neuron"].values[k])
        place.plot(time[rows], trace[0, k], color="#9a9a9a", label="measured")
        place.plot(time[rows], trace[1, k], color=series_colour(0), lw=1.2, label="stacked")
        place.set_title(
            f"{name}: neuron {number}, explained variance {values[neurons.index(number)]:.3f}", loc="left"
        )
        place.set_ylabel("[sd]")
        numbers |= {f"{name}_measured": trace[0, k], f"{name}_stacked": trace[1, k]}
    axes[0].legend(frameon=False, loc="lower right", bbox_to_anchor=(1, 0.97), ncols=2, borderaxespad=0)
    axes[-1].set_xlabel("time [s]")
    return NamedFigure(
        "encoding_traces",
        made,
        "Measured and predicted traces",
        "Three neurons over the first two test blocks, each bin predicted by the fold that did not see it.",
        "Traces of the best, a middle and the worst neuron.",
        numbers,
        detail=True,
    )


def latents(dataset: Dataset) -> NamedFigure:
    """Draw the leading latents over time."""
    latent = np.asarray(dataset["latent"].values, np.float64)[:, :5]
    minutes = np.asarray(dataset["time"].values) / 60
    thin = _thin(latent.T).T
    at = np.linspace(minutes[0], minutes[-1], len(thin))
    made = figure(14.0 * thin.shape[1] + 12)
    axes = made.subplots(thin.shape[1], 1, sharex=True, squeeze=False)[:, 0]
    numbers: dict[str, np.ndarray] = {"minute": at}
    for k, place in enumerate(axes):
        place.plot(at, thin[:, k], color=series_colour(k))
        place.set_ylabel(f"{k + 1}")
        numbers[f"latent_{k + 1}"] = thin[:, k]
    axes[-1].set_xlabel("time [min]")
    return NamedFigure(
        "encoding_latents",
        made,
        "Directions of behaviour that the population follows",
        "Leading reduced-rank directions of the filterbank, standardised; input for `states`.",
        f"The first {thin.shape[1]} latents over time.",
        numbers,
        detail=True,
    )
