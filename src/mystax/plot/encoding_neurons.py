"""Figures of the encoder, neuron by neuron: explained variance, against the baseline, peers, in place."""

from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.plot.style import NamedFigure, figure, legend_above, series_colour, shown

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = ["BEST", "against_baseline", "against_peers", "area_boxes", "histogram", "of_model", "place_map"]

BASELINE, BEST = "lagged-ridge", "stacked"
LEAST = 0.01
"""Where next to nothing is explained a map's colours end here, so that they do not show noise."""


def of_model(dataset: Dataset, variable: str, model: str) -> np.ndarray:
    """Return a number of each neuron or component as a model has it."""
    return np.asarray(dataset[variable].sel(model=model).values, np.float64)


def histogram(dataset: Dataset) -> NamedFigure:
    """Draw explained variance over neurons, with the 95 % quantile of the null behind it."""
    values = of_model(dataset, "explained_variance", BEST)
    made = figure(60, 120)
    axes = made.subplots()
    base = of_model(dataset, "explained_variance", BASELINE)
    null = np.asarray(dataset["null_high"].values, np.float64) if "null_high" in dataset else None
    every = np.concatenate([values, base] + ([] if null is None else [null]))
    low, high = float(np.nanmin(every)), float(np.nanmax(every))
    edges = np.linspace(low, high if high > low else low + 1e-3, 41).tolist()
    if null is not None:
        axes.hist(null, edges, color="#bdbdbd", label="null, 95 % quantile")
    axes.hist(values, edges, histtype="step", color=series_colour(0), lw=1.2, label="stacked")
    axes.hist(base, edges, histtype="step", color=series_colour(1), lw=0.8, label="lagged-ridge")
    axes.axvline(0, color="black", lw=0.5)
    axes.set_xlabel("explained variance (held-out time)")
    axes.set_ylabel("neurons")
    legend_above(axes)
    numbers = {"neuron": dataset["neuron"].values, "stacked": values, "lagged_ridge": base}
    if null is not None:
        numbers["null_high"] = null
    return NamedFigure(
        "encoding_histogram",
        made,
        "Explained variance of each neuron",
        "Values below 0 are kept: the prediction was worse there than the mean of the test bins."
        + ("" if null is None else " Grey: what a filterbank ridge reaches by chance in 5 % of the shifts."),
        f"Histogram over {len(values)} neurons; mean {np.nanmean(values):.3f}.",
        numbers,
    )


def _scatter(
    dataset: Dataset, name: str, x: np.ndarray, y: np.ndarray, words: tuple[str, str, str, str]
) -> NamedFigure:
    """Draw one number of each neuron against another, with the line of equality."""
    made = figure(80, 95)
    axes = made.subplots()
    good = np.isfinite(x) & np.isfinite(y)
    kept = (
        np.asarray(dataset["significant"].values) > 0 if "significant" in dataset else np.ones(len(x), bool)
    )
    axes.plot(
        x[good & ~kept], y[good & ~kept], ".", color="#9a9a9a", ms=4, mew=0, rasterized=True, label="others"
    )
    axes.plot(
        x[good & kept],
        y[good & kept],
        ".",
        color=series_colour(0),
        ms=4,
        mew=0,
        rasterized=True,
        label="above the null",
    )
    if good.any():
        low, high = float(min(x[good].min(), y[good].min())), float(max(x[good].max(), y[good].max()))
        axes.plot([low, high], [low, high], color="black", lw=0.5)
    axes.locator_params(nbins=5)
    axes.set_xlabel(words[0])
    axes.set_ylabel(words[1])
    if "significant" in dataset:
        axes.legend(frameon=False, loc="lower right", markerscale=2)
    share = (
        f"{100 * float((y[good] > x[good]).mean()):.0f} % of {int(good.sum())} neurons lie above the line"
        if good.any()
        else "no neuron"
    )
    return NamedFigure(
        name,
        made,
        words[2],
        words[3],
        f"{words[2]}: {share}.",
        {"neuron": dataset["neuron"].values, "x": x, "y": y},
    )


def against_baseline(dataset: Dataset) -> NamedFigure:
    """Draw the stack against the baseline, a dot per neuron."""
    return _scatter(
        dataset,
        "encoding_gain",
        of_model(dataset, "explained_variance", BASELINE),
        of_model(dataset, "explained_variance", BEST),
        (
            "explained variance, lagged-ridge",
            "explained variance, stacked",
            "The stack against the baseline",
            "Each dot is a neuron; both models were fitted and tested on the same bins and folds.",
        ),
    )


def against_peers(dataset: Dataset) -> NamedFigure:
    """Draw the stack against what other neurons predict, a dot per neuron."""
    n = dataset.sizes["neuron"]
    return _scatter(
        dataset,
        "encoding_ceiling",
        np.asarray(dataset["ceiling_peer"].values, np.float64),
        of_model(dataset, "explained_variance", BEST),
        (
            "explained variance, predicted by peers",
            "explained variance, stacked",
            "Behaviour against other neurons",
            (
                f"Peers: the other half of the {n} neurons predicts each neuron in the same bins. It is a "
                f"ceiling on shared "
                "variance only: activity that neurons share for other reasons keeps behaviour below it, and "
                "few neurons "
                "make it too low."
            ),
        ),
    )


def place_map(dataset: Dataset) -> NamedFigure | None:
    """Draw neurons at their places, or along their depth."""
    x, y, z = (np.asarray(dataset[f"neuron_{axis}"].values, np.float64) for axis in "xyz")
    values = of_model(dataset, "explained_variance", BEST)
    unit = str(dataset.attrs.get("position_unit", "")) or "um"
    is_flat = np.isfinite(x).all() and np.isfinite(y).all() and np.ptp(x) > 0
    depth = z if np.isfinite(z).all() and np.ptp(z) > 0 else y
    if not is_flat and not np.isfinite(depth).all():
        return None
    some = values[values > 0]
    limit = max(float(np.percentile(some, 98)) if len(some) else 0.0, LEAST)
    made = figure(80, 95)
    axes = made.subplots()
    across = x if is_flat else values
    up = y if is_flat else depth
    dots = axes.scatter(across, up, c=values, s=10, lw=0, cmap="viridis", vmin=0, vmax=limit, rasterized=True)
    made.colorbar(dots, ax=axes, fraction=0.04, pad=0.02).set_label("explained variance")
    axes.set_xlabel(f"x [{unit}]" if is_flat else "explained variance")
    axes.set_ylabel(f"y [{unit}]" if is_flat else f"depth [{unit}]")
    axes.invert_yaxis()
    if is_flat:
        axes.set_aspect("equal", adjustable="datalim")
    return NamedFigure(
        "encoding_map",
        made,
        "Where the neurons are",
        "Places as the source gives them; colours: explained variance of the stack, the darkest 0 and below.",
        f"Map of {len(values)} neurons.",
        {"neuron": dataset["neuron"].values, "x": x, "y": y, "z": z, "explained_variance": values},
    )


def area_boxes(dataset: Dataset) -> NamedFigure | None:
    """Draw explained variance of the neurons of each area; None where areas are not told apart."""
    areas = np.asarray(dataset["area"].values, str)
    values = of_model(dataset, "explained_variance", BEST)
    names = [name for name in dict.fromkeys(areas.tolist()) if name]
    if len(names) < 2:
        return None
    groups = [values[(areas == name) & np.isfinite(values)] for name in names]
    made = figure(max(40.0, 8.0 * len(names) + 18), 120)
    axes = made.subplots()
    axes.boxplot(
        groups,
        orientation="horizontal",
        widths=0.6,
        showfliers=False,
        medianprops={"color": series_colour(0), "lw": 1.2},
        boxprops={"lw": 0.6},
        whiskerprops={"lw": 0.6},
        capprops={"lw": 0.6},
    )
    for k, group in enumerate(groups):
        # spread by rank, so that a picture made again is the same
        across = k + 1 + 0.25 * np.sin(np.arange(len(group)) * 2.4)
        axes.plot(group, across, ".", color="#9a9a9a", ms=3, mew=0, zorder=0, rasterized=True)
    axes.set_yticks(
        range(1, len(names) + 1),
        [f"{shown(name)} ({len(group)})" for name, group in zip(names, groups, strict=True)],
    )
    axes.invert_yaxis()
    axes.axvline(0, color="black", lw=0.5)
    axes.set_xlabel("explained variance")
    medians = [float(np.median(group)) if len(group) else np.nan for group in groups]
    return NamedFigure(
        "encoding_areas",
        made,
        "Areas",
        "Boxes: median and quartiles of the neurons of an area (their number in brackets); whiskers reach up "
        "to 1.5 widths of the box; dots: neurons.",
        "Median explained variance: "
        + ", ".join(f"{name} {median:.3f}" for name, median in zip(names, medians, strict=True))
        + ".",
        {"neuron": dataset["neuron"].values, "area": areas, "explained_variance": values},
    )
