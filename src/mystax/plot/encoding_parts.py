"""Figures of the encoder, piece by piece: parts of the face, lags, components of the population."""

from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.plot.encoding_neurons import of_model
from mystax.plot.style import NamedFigure, figure, legend_above, series_colour, shown

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = ["components", "lags", "parts"]


def parts(dataset: Dataset) -> NamedFigure:
    """Draw what each part explains alone and uniquely."""
    names = [str(name) for name in dataset["part"].values]
    alone = np.nanmean(dataset["alone"].values, axis=1)
    unique = np.nanmean(dataset["unique"].values, axis=1)
    made = figure(max(40.0, 8.0 * len(names) + 22), 120)
    axes = made.subplots()
    places = np.arange(len(names))
    axes.barh(places - 0.19, alone, 0.36, color="#bdbdbd", label="alone")
    axes.barh(places + 0.19, unique, 0.36, color=series_colour(0), label="unique (lost without it)")
    axes.set_yticks(places, [shown(name) for name in names])
    axes.invert_yaxis()
    axes.axvline(0, color="black", lw=0.5)
    axes.set_xlabel("explained variance, mean over neurons")
    legend_above(axes)
    return NamedFigure(
        "encoding_parts",
        made,
        "Parts of the face",
        "The filterbank fitted with one part alone, and without it. Correlated parts share variance: "
        "what is shared "
        "counts for both alone, and for neither uniquely.",
        "Bars of explained variance: "
        + ", ".join(
            f"{n} alone {a:.3f}, unique {u:.3f}" for n, a, u in zip(names, alone, unique, strict=True)
        )
        + ".",
        {"part": names, "alone": alone, "unique": unique},
    )


def lags(dataset: Dataset) -> NamedFigure:
    """Draw the lag curve of each area."""
    lag = np.asarray(dataset["lag"].values, np.float64)
    curve = np.asarray(dataset["lag_curve"].values, np.float64)
    areas = np.asarray(dataset["area"].values, str)
    made = figure(60, 120)
    axes = made.subplots()
    numbers: dict[str, np.ndarray] = {"lag": lag}
    names = [name for name in dict.fromkeys(areas.tolist()) if name]
    for k, name in enumerate(names[:7] if len(names) > 1 else []):
        mean = np.nanmean(curve[:, areas == name], axis=1)
        axes.plot(lag, mean, color=series_colour(k + 1), label=shown(name))
        numbers[name] = mean
    numbers["all"] = np.nanmean(curve, axis=1)
    axes.plot(lag, numbers["all"], color="black", lw=1.2, label="all neurons")
    axes.axvline(0, color="black", lw=0.5)
    axes.set_xlabel("behaviour precedes the neurons by [s]")
    axes.set_ylabel("explained variance")
    legend_above(axes)
    best = float(lag[int(np.nanargmax(numbers["all"]))])
    return NamedFigure(
        "encoding_lags",
        made,
        "One lag at a time",
        "Filterbank features of a single window of behaviour around each lag. Calcium indicators are "
        "slow: they move "
        "peaks to later lags.",
        f"Explained variance over lags from {lag[0]:g} to {lag[-1]:g} s; the largest at {best:g} s.",
        numbers,
    )


def components(dataset: Dataset) -> NamedFigure:
    """Draw explained variance of the population's components."""
    made = figure(60, 120)
    axes = made.subplots()
    n = dataset.sizes["component"]
    numbers: dict[str, np.ndarray] = {"component": np.arange(1, n + 1)}
    for k, model in enumerate(name for name in map(str, dataset["model"].values) if name != "mean-only"):
        values = of_model(dataset, "component_variance", model)
        axes.plot(numbers["component"], values, color=series_colour(k), label=model)
        numbers[model] = values
    if "svca_behaviour" in dataset:
        values = np.asarray(dataset["svca_behaviour"].values, np.float64) * np.asarray(
            dataset["svca_reliable"].values
        )
        axes.plot(
            np.arange(1, len(values) + 1), values, color="#9a9a9a", label="SVCA: reliable and behaviour"
        )
        numbers["svca"] = values
    axes.set_xscale("log")
    ticks = [2**k for k in range(9) if 2**k <= n]
    axes.set_xticks(ticks, [str(tick) for tick in ticks])
    axes.minorticks_off()
    axes.set_ylim(max(-0.1, axes.get_ylim()[0]), None)
    axes.axhline(0, color="black", lw=0.5)
    axes.set_xlabel("component of the population")
    axes.set_ylabel("explained variance")
    legend_above(axes)
    return NamedFigure(
        "encoding_components",
        made,
        "Components of the population",
        "Components are found on the training bins of each fold, strongest first, and judged on its test "
        "bins. The picture ends at -0.1: components that are predicted worse leave it.",
        f"Explained variance of {n} components.",
        numbers,
        detail=True,
    )
