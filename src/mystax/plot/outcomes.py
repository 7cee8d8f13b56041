"""One figure or more per kind of outcome: a Dataset in, figures with their words and numbers out."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes

from mystax.plot.style import NamedFigure, draw_missing, figure, series_colour, style, time_axis, trace

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = ["FIGURES", "figures_of"]

PANEL = 24.0
"""Height of one trace [mm]."""


def figures_of(analysis: str, dataset: Dataset, camera: str = "") -> list[NamedFigure]:
    """Draw the figures of one outcome.

    Parameters
    ----------
    analysis : str
        Name of the analysis; one without figures of its own gives none.
    dataset : Dataset
        The outcome.
    camera : str, optional
        Camera, for the names of the files.

    Returns
    -------
    list of NamedFigure
        Empty where there is nothing to draw.
    """
    if analysis not in FIGURES:
        return []
    with style():
        found = FIGURES[analysis](dataset)
    for item in found:
        if camera:
            item.name = f"{item.name}_{camera}"
            item.title = f"{item.title}, camera {camera}"
    return found


def _names(dataset: Dataset) -> list[str]:
    return [str(name) for name in dataset["roi"].values]


def _panels(height: float, n: int) -> tuple[Any, list[Axes]]:
    made = figure(max(30.0, height * n + 8))
    return made, list(np.atleast_1d(made.subplots(n, 1, sharex=True)))


def _summary(values: np.ndarray, unit: str) -> str:
    known = values[np.isfinite(values)]
    if not len(known):
        return "no value could be measured"
    low, middle, high = np.percentile(known, [5, 50, 95])
    share = len(known) / max(1, values.size)
    return f"median {middle:.4g} {unit}, 5 to 95 % {low:.4g} to {high:.4g} {unit}, {share:.1%} of the frames"


def _thinned(*columns: np.ndarray, n: int = 5000) -> list[np.ndarray]:
    """Take at most n evenly spaced rows, for the table beside a figure."""
    step = max(1, -(-len(columns[0]) // n))
    return [column[::step] for column in columns]


def _traces(
    dataset: Dataset, variable: str, label: str, name: str, title: str, text: str, unit: str
) -> NamedFigure:
    """Draw one variable over time, one panel per region."""
    times, time_label = time_axis(dataset["time"].values)
    names = _names(dataset)
    drawing, panels = _panels(PANEL, len(names))
    numbers: dict[str, np.ndarray] = {"time": _thinned(dataset["time"].values)[0]}
    words = []
    for k, (roi, axes) in enumerate(zip(names, panels, strict=True)):
        values = dataset[variable].values[:, k]
        draw_missing(axes, times, dataset["missing"].values)
        trace(axes, times, values, colour=series_colour(k))
        axes.set_title(f"{roi} (n = {int(np.isfinite(values).sum())})", loc="left")
        axes.set_ylabel(label)
        axes.margins(x=0)
        numbers[f"{variable}_{roi}"] = _thinned(values)[0]
        words.append(f"{roi}: {_summary(values, unit)}")
    panels[-1].set_xlabel(time_label)
    return NamedFigure(name, drawing, title, text, f"{title}. {'; '.join(words)}.", numbers)


def motion_figures(dataset: Dataset) -> list[NamedFigure]:
    """Draw motion energy over time and where the picture moves."""
    energy = _traces(
        dataset,
        "energy",
        "motion energy\n[grey levels]",
        "motion",
        "Motion energy",
        "Mean absolute difference of neighbouring frames, averaged over the bins of each region. "
        "Grey bands are frames that could not be read.",
        "grey levels",
    )
    made = figure(58)
    left, right = made.subplots(1, 2)
    size = int(dataset.attrs.get("bin", 1))
    for axes, name, words, colours in (
        (left, "mean_frame", "mean picture", "gray"),
        (right, "mean_motion", "mean motion", "inferno"),
    ):
        picture = dataset[name].values
        rows, columns = picture.shape
        shown = axes.imshow(
            picture,
            cmap=colours,
            extent=(-0.5, columns * size - 0.5, rows * size - 0.5, -0.5),
            aspect="equal",
        )
        bar = made.colorbar(shown, ax=axes, shrink=0.85)
        bar.set_label("grey levels")
        axes.set_title(words, loc="left")
        axes.set_xlabel("x [px]")
        axes.set_ylabel("y [px]")
    n_valid = int((dataset["missing"].values == 0).sum())
    where = NamedFigure(
        "motion_picture",
        made,
        "Where the picture moves",
        f"Exact means over all {n_valid} valid frames and their pairs, per bin of {size} x {size} pixels. "
        "Bright places on the right move.",
        f"Mean picture and mean motion of {n_valid} frames.",
        {
            "mean_frame": dataset["mean_frame"].values.ravel(),
            "mean_motion": dataset["mean_motion"].values.ravel(),
        },
    )
    return [energy, where]


def svd_figures(dataset: Dataset) -> list[NamedFigure]:
    """Draw the strongest masks and the captured variance."""
    found = []
    for kind, words in (("motion", "motion"), ("movie", "the pictures")):
        if f"{kind}_mask" in dataset and "y" in dataset[f"{kind}_mask"].dims:
            found += _components(dataset, kind, words)
    return found


def _components(dataset: Dataset, kind: str, words: str) -> list[NamedFigure]:
    found = []
    for k, roi in enumerate(_names(dataset)):
        value = dataset[f"{kind}_singular_value"].values[k]
        n_shown = min(12, int(np.isfinite(value).sum()))
        if not n_shown:
            continue
        captured = (
            dataset[f"{kind}_captured"].values[k]
            if f"{kind}_captured" in dataset
            else np.full(len(value), np.nan)
        )
        made = figure(70)
        grid = made.add_gridspec(3, 7)
        for j in range(n_shown):
            axes = made.add_subplot(grid[j // 4, j % 4])
            mask = dataset[f"{kind}_mask"].values[k, j]
            limit = float(np.nanmax(np.abs(mask))) or 1.0
            axes.imshow(mask, cmap="RdBu_r", vmin=-limit, vmax=limit)
            axes.set_axis_off()
            axes.set_title(f"{j + 1}", loc="left", pad=1)
        axes = made.add_subplot(grid[:, 4:])
        known = captured[np.isfinite(captured)]
        axes.plot(np.arange(1, len(known) + 1), 100 * known, color=series_colour(0))
        axes.set_xscale("log")
        axes.set_ylim(0, 101)
        axes.set_xlabel("components")
        axes.set_ylabel("captured variance [%]")
        share = f"{100 * known[-1]:.1f} %" if len(known) else "an unknown share"
        found.append(
            NamedFigure(
                f"svd_{kind}_{roi}",
                made,
                f"Components of {words}: {roi}",
                f"The {n_shown} strongest spatial components (blue negative, red positive, each with its own "
                f"scale) and the cumulative share of the variance. {len(known)} components hold {share}.",
                f"{len(known)} components of {words} in {roi} hold {share} of the variance.",
                {
                    "component": np.arange(1, len(known) + 1),
                    "captured": known,
                    "singular_value": value[: len(known)],
                },
            )
        )
    return found


def pupil_figures(dataset: Dataset) -> list[NamedFigure]:
    """Draw diameter, raw and smoothed, and confidence."""
    times, time_label = time_axis(dataset["time"].values)
    names = _names(dataset)
    drawing, panels = _panels(PANEL, 2 * len(names))
    numbers: dict[str, np.ndarray] = {"time": _thinned(dataset["time"].values)[0]}
    words = []
    for k, roi in enumerate(names):
        upper, lower = panels[2 * k], panels[2 * k + 1]
        raw, smooth = dataset["diameter"].values[:, k], dataset["diameter_smooth"].values[:, k]
        draw_missing(upper, times, dataset["missing"].values)
        trace(upper, times, raw, colour="#9a9a9a", label="each frame")
        trace(upper, times, smooth, colour=series_colour(0), label="smoothed", width=1.1)
        upper.set_title(f"{roi} (n = {int(np.isfinite(raw).sum())})", loc="left")
        upper.set_ylabel("diameter [px]")
        if np.isfinite(raw).any():
            upper.legend(frameon=False, loc="upper right", ncols=2)
        trace(lower, times, dataset["confidence"].values[:, k], colour=series_colour(1))
        lower.set_ylim(-0.02, 1.02)
        lower.set_ylabel("confidence")
        lower.margins(x=0)
        numbers[f"diameter_{roi}"], numbers[f"diameter_smooth_{roi}"] = _thinned(raw, smooth)
        words.append(f"{roi}: {_summary(raw, 'px')}")
    panels[-1].set_xlabel(time_label)
    return [
        NamedFigure(
            "pupil",
            drawing,
            "Pupil",
            "Diameter of the circle with the area of the fitted ellipse. Frames below the confidence limit "
            "are missing and drawn as gaps, never filled with an old value.",
            f"Pupil diameter. {'; '.join(words)}.",
            numbers,
        )
    ]


def blink_figures(dataset: Dataset) -> list[NamedFigure]:
    """Draw how open the lids are, with every blink and closure."""
    times, time_label = time_axis(dataset["time"].values)
    factor = 1 / 60 if time_label.endswith("[min]") else 1.0
    names = _names(dataset)
    drawing, panels = _panels(PANEL, len(names))
    numbers: dict[str, np.ndarray] = {"time": _thinned(dataset["time"].values)[0]}
    words = []
    for k, (roi, axes) in enumerate(zip(names, panels, strict=True)):
        openness = dataset["openness"].values[:, k]
        draw_missing(axes, times, dataset["missing"].values)
        trace(axes, times, openness, colour=series_colour(k))
        mine = dataset["event_roi"].values == roi
        kinds = dataset["event_kind"].values[mine]
        starts, stops = (dataset[name].values[mine] * factor for name in ("event_start", "event_stop"))
        for kind, colour in ((0, series_colour(1)), (1, series_colour(3))):
            axes.hlines(
                np.full(int((kinds == kind).sum()), 1.25),
                starts[kinds == kind],
                stops[kinds == kind],
                colour,
                lw=4,
            )
        n_blinks, n_closures = int((kinds == 0).sum()), int((kinds == 1).sum())
        axes.set_title(f"{roi}: {n_blinks} blinks, {n_closures} longer closures", loc="left")
        axes.set_ylim(0, 1.5)
        axes.set_ylabel("openness")
        axes.margins(x=0)
        numbers[f"openness_{roi}"] = _thinned(openness)[0]
        words.append(f"{roi}: {n_blinks} blinks and {n_closures} longer closures")
    panels[-1].set_xlabel(time_label)
    return [
        NamedFigure(
            "blink",
            drawing,
            "Blinks",
            "Openness of the lids relative to the open eye. Bars above the trace are blinks (orange) and "
            "longer closures (pink).",
            f"Openness of the lids. {'; '.join(words)}.",
            numbers,
        )
    ]


def running_figures(dataset: Dataset) -> list[NamedFigure]:
    """Draw the speed of the running surface."""
    return [
        _traces(
            dataset,
            "speed",
            "speed\n[px/s]",
            "running",
            "Running",
            "Speed of the surface from the shift between neighbouring frames. Shifts without a clear peak of "
            "the correlation are missing.",
            "px/s",
        )
    ]


FIGURES: Mapping[str, Callable[[Dataset], list[NamedFigure]]] = {
    "motion": motion_figures,
    "svd": svd_figures,
    "pupil": pupil_figures,
    "blink": blink_figures,
    "running": running_figures,
}
"""Analysis to the function that draws its figures."""
