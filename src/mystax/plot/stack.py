"""Traces below each other over one time axis: one row of panels per region and camera."""

import json
from collections.abc import Iterator, Sequence

import numpy as np
from matplotlib.axes import Axes

from mystax.plot.pictures import View
from mystax.plot.series import TimeAxis, draw_holes, thinned, trace
from mystax.plot.style import NamedFigure, figure, file_name, series_colour, shown

__all__ = [
    "HOLES",
    "N_PANELS",
    "Stack",
    "counted",
    "draw_limit",
    "draw_traces",
    "regions_in_groups",
    "summary",
]

PANEL = 25.0
"""Height of one trace [mm]."""
N_PANELS = 10
"""Traces per figure; more regions make more figures."""

HOLES = "Grey bands are frames that could not be read, sand-coloured ones gaps between frames."

Where = tuple[View, int, str]
"""One region of one camera: the view, the number of the region, its name."""
Panels = list[Axes]


def regions_in_groups(views: Sequence[View], variable: str) -> Iterator[list[Where]]:
    """Go through the regions of all cameras, in groups that fit into one figure."""
    every = [
        (view, k, name)
        for view in views
        if variable in view.dataset and view.dataset.sizes.get("time", 0)
        for k, name in enumerate(view.rois)
    ]
    for start in range(0, len(every), N_PANELS):
        yield every[start : start + N_PANELS]


def summary(values: np.ndarray, unit: str) -> str:
    """Describe values in words: median, spread and how many are known."""
    known = values[np.isfinite(values)]
    if not len(known):
        return "no value could be measured"
    low, middle, high = np.percentile(known, [5, 50, 95])
    words = f" {unit}" if unit else ""
    return (
        f"median {middle:.4g}{words}, 5 to 95 % {low:.4g} to {high:.4g}{words}, "
        f"{len(known)} of {values.size} frames"
    )


def counted(values: np.ndarray) -> str:
    """Tell how many of the values are known."""
    known, every = int(np.isfinite(values).sum()), values.size
    return f"n = {known}" if known == every else f"n = {known} of {every}"


class Stack:
    """Panels below each other over one time axis: one row, or `n_rows`, per region."""

    def __init__(self, group: Sequence[Where], heights: Sequence[float] = (1.0,)) -> None:
        self.group, n = group, len(heights)
        self.axis = TimeAxis([view.dataset for view, _, _ in group])
        ratios = list(heights) * len(group)
        self.figure = figure(max(40.0, PANEL * sum(ratios) + 10))
        found = self.figure.subplots(len(ratios), 1, sharex=True, height_ratios=ratios, squeeze=False)
        rows: Panels = list(found.ravel())
        self.rows = [rows[start : start + n] for start in range(0, len(rows), n)]
        self.numbers: dict[str, np.ndarray] = {}
        self.words: list[str] = []

    def __iter__(self) -> Iterator[tuple[View, int, str, Panels, np.ndarray]]:
        for (view, k, name), panels in zip(self.group, self.rows, strict=True):
            places = self.axis.places(view.dataset)
            for axes in panels:
                draw_holes(axes, places, view.dataset["missing"].values)
            key = f"time_{view.camera}" if view.camera else "time"
            self.numbers.setdefault(key, thinned(view.dataset["time"].values)[0])
            yield view, k, name, panels, places

    def note(self, seen: View, name: str, **columns: np.ndarray) -> None:
        """Keep numbers for the table beside the figure."""
        for variable, values in columns.items():
            self.numbers["_".join(filter(None, (variable, seen.camera, name)))] = thinned(values)[0]

    def done(self, name: str, number: int, title: str, text: str, *, detail: bool = False) -> NamedFigure:
        """Finish the axes and give the figure."""
        for panels in self.rows:
            for axes in panels:
                self.axis.finish(axes)
                _say_if_empty(axes)
                axes.tick_params(labelbottom=False)
        self.rows[-1][-1].tick_params(labelbottom=True)
        self.rows[-1][-1].set_xlabel(self.axis.label)
        self.figure.align_ylabels()
        more = f"_{number + 1}" if number else ""
        alternative = f"{title} over time. {'; '.join(self.words)}."
        drawn = self.numbers
        return NamedFigure(file_name(name + more), self.figure, title, text, alternative, drawn, detail)


def _say_if_empty(axes: Axes) -> None:
    """Write that there is no value, instead of an axis of arbitrary numbers."""
    lines = [line.get_ydata() for line in axes.get_lines() if line.get_transform() == axes.transData]
    if lines and not any(np.isfinite(np.asarray(values, np.float64)).any() for values in lines):
        axes.set_yticks([])
        axes.text(0.5, 0.5, "no value", transform=axes.transAxes, ha="center", va="center", color="#5b5b5b")


def draw_traces(
    views: Sequence[View],
    variable: str,
    label: str,
    unit: str,
    title: str,
    text: str,
    *,
    detail: bool = False,
) -> list[NamedFigure]:
    """Draw one variable over time, one panel per region and camera."""
    found = []
    for number, group in enumerate(regions_in_groups(views, variable)):
        stack = Stack(group)
        for j, (view, k, name, (axes,), places) in enumerate(stack):
            values = np.asarray(view.dataset[variable].values[:, k])
            trace(axes, places, values, colour=series_colour(j))
            axes.set_title(f"{shown(view.title(name))}  ({counted(values)})", loc="left")
            axes.set_ylabel(label)
            stack.note(view, name, **{variable: values})
            stack.words.append(f"{view.title(name)}: {summary(values, unit)}")
        found.append(stack.done(variable, number, title, text, detail=detail))
    return found


def draw_limit(axes: Axes, seen: View, parameter: str) -> None:
    """Draw a parameter as a dashed line where the outcome tells it."""
    value = json.loads(str(seen.dataset.attrs.get("parameters", "{}"))).get(parameter)
    if isinstance(value, int | float):
        axes.axhline(value, color="#5b5b5b", lw=0.6, ls=(0, (4, 3)), zorder=1)
