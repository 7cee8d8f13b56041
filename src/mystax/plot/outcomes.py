"""Figures of traces: the views of an analysis (one per camera) in, figures with words and numbers out."""

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from mystax.plot.components import svd_figures
from mystax.plot.pictures import View
from mystax.plot.regions import movement_figure
from mystax.plot.series import TimeAxis, draw_holes, thinned, trace
from mystax.plot.style import NamedFigure, figure, file_name, series_colour, shown, style

__all__ = ["FIGURES", "figures_of"]

PANEL = 25.0
"""Height of one trace [mm]."""
N_PANELS = 10
"""Traces per figure; more regions make more figures."""

HOLES = "Grey bands are frames that could not be read, sand-coloured ones gaps between frames."

Where = tuple[View, int, str]
"""One region of one camera: the view, the number of the region, its name."""
Panels = list[Axes]


def figures_of(analysis: str, views: Sequence[View]) -> list[NamedFigure]:
    """Draw the figures of an analysis.

    Parameters
    ----------
    analysis : str
        Name of the analysis; one without figures of its own gives none.
    views : sequence of View
        Its outcomes, one per camera.

    Returns
    -------
    list of NamedFigure
        Empty where there is nothing to draw.
    """
    if analysis not in FIGURES:
        return []
    with style():
        return FIGURES[analysis](views)


def _wheres(views: Sequence[View], variable: str) -> Iterator[list[Where]]:
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


def _n(values: np.ndarray) -> str:
    known, every = int(np.isfinite(values).sum()), values.size
    return f"n = {known}" if known == every else f"n = {known} of {every}"


class _Stack:
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


def _traces(
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
    for number, group in enumerate(_wheres(views, variable)):
        stack = _Stack(group)
        for j, (view, k, name, (axes,), places) in enumerate(stack):
            values = np.asarray(view.dataset[variable].values[:, k])
            trace(axes, places, values, colour=series_colour(j))
            axes.set_title(f"{shown(view.title(name))}  ({_n(values)})", loc="left")
            axes.set_ylabel(label)
            stack.note(view, name, **{variable: values})
            stack.words.append(f"{view.title(name)}: {summary(values, unit)}")
        found.append(stack.done(variable, number, title, text, detail=detail))
    return found


def motion_figures(views: Sequence[View]) -> list[NamedFigure]:
    """Draw motion energy, its comparable form, and where the picture moves."""
    energy = _traces(
        views,
        "energy",
        "energy\n[grey levels]",
        "grey levels",
        "Motion energy",
        f"Mean absolute difference of neighbouring frames over the bins of each region. {HOLES}",
    )
    for item in energy:
        item.name = item.name.replace("energy", "motion", 1)
    normal = _traces(
        views,
        "energy_norm",
        "energy\n[1/s]",
        "1/s",
        "Motion energy, comparable between sessions",
        "Relative change of brightness per second with light and sensor noise taken off (energy_norm): take "
        "these values to compare sessions, lights or frame rates.",
        detail=True,
    )
    where = [figure for figure in [movement_figure(views)] if figure is not None]
    return [*energy, *where, *normal]


def pupil_figures(views: Sequence[View]) -> list[NamedFigure]:
    """Draw diameter, raw and smoothed, and confidence."""
    found = []
    for number, group in enumerate(_wheres(views, "diameter")):
        stack = _Stack(group, (1.3, 0.6))
        for view, k, name, (upper, lower), places in stack:
            raw, smooth, sure = (
                np.asarray(view.dataset[variable].values[:, k])
                for variable in ("diameter", "diameter_smooth", "confidence")
            )
            trace(upper, places, raw, colour="#9a9a9a", label="each frame")
            trace(upper, places, smooth, colour=series_colour(0), label="smoothed", width=1.1)
            upper.set_title(f"{shown(view.title(name))}  ({_n(raw)})", loc="left")
            upper.set_ylabel("diameter\n[px]")
            if np.isfinite(raw).any():
                upper.legend(
                    frameon=False, loc="lower right", bbox_to_anchor=(1, 0.97), ncols=2, borderaxespad=0
                )
            trace(lower, places, sure, colour=series_colour(1))
            _limit(lower, view, "min_confidence")
            lower.set_ylim(-0.04, 1.04)
            lower.set_ylabel("confidence")
            stack.note(view, name, diameter=raw, diameter_smooth=smooth, confidence=sure)
            stack.words.append(f"{view.title(name)}: {summary(raw, 'px')}")
        text = (
            "Diameter of the circle with the area of the fitted ellipse. Frames below the confidence limit "
            f"(dashed) have no value: they are drawn as holes, never filled with an old value. {HOLES}"
        )
        found.append(stack.done("pupil", number, "Pupil diameter", text))
    return found


def _limit(axes: Axes, view: View, parameter: str) -> None:
    """Draw a parameter as a dashed line where the outcome tells it."""
    import json

    value = json.loads(str(view.dataset.attrs.get("parameters", "{}"))).get(parameter)
    if isinstance(value, int | float):
        axes.axhline(value, color="#5b5b5b", lw=0.6, ls=(0, (4, 3)), zorder=1)


def blink_figures(views: Sequence[View]) -> list[NamedFigure]:
    """Draw how open the lids are, with every blink and closure above."""
    found = []
    for number, group in enumerate(_wheres(views, "openness")):
        stack = _Stack(group, (0.35, 1.0))
        for view, k, name, (raster, axes), places in stack:
            openness = np.asarray(view.dataset["openness"].values[:, k])
            n_blinks, n_closures = _raster(raster, view, name, stack.axis)
            counted = _events(n_blinks, n_closures)
            if not np.isfinite(openness).any() and "darkness" in view.dataset:
                # An imported outcome has the darkness alone: nothing was counted in it.
                counted, openness = "blinks not counted", np.asarray(view.dataset["darkness"].values[:, k])
                axes.set_ylabel("darkness\n[grey levels]")
            else:
                _limit(axes, view, "threshold")
                axes.set_ylim(0, 1.55)
                axes.set_ylabel("openness")
            trace(axes, places, openness, colour=series_colour(0))
            raster.set_title(f"{shown(view.title(name))}  ({counted}; {_n(openness)})", loc="left")
            stack.note(view, name, **{axes.get_ylabel().partition("\n")[0]: openness})
            stack.words.append(f"{view.title(name)}: {counted}")
        text = (
            "Openness of the lids relative to the open eye; below the dashed line the eye counts as closed. "
            f"Bars above are blinks (orange) and longer closures (pink, lower row). {HOLES}"
        )
        found.append(stack.done("blink", number, "Blinks", text))
    return found


def _events(n_blinks: int, n_closures: int) -> str:
    """Count blinks and closures in words."""
    blinks = f"{n_blinks} blink{'' if n_blinks == 1 else 's'}"
    return f"{blinks}, {n_closures} longer closure{'' if n_closures == 1 else 's'}"


def _raster(axes: Axes, view: View, roi: str, axis: TimeAxis) -> tuple[int, int]:
    """Draw the events of a region as bars, none thinner than the eye can see, and count them."""
    dataset = view.dataset
    axes.set_ylim(0, 2)
    axes.set_yticks([])
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.tick_params(bottom=False)
    if "event_kind" not in dataset:
        return 0, 0
    mine = dataset["event_roi"].values == roi
    kinds = dataset["event_kind"].values[mine]
    starts, stops = (axis.events(dataset[name].values[mine]) for name in ("event_start", "event_stop"))
    for kind, row, colour in ((0, 1.05, series_colour(1)), (1, 0.1, series_colour(3))):
        chosen = (kinds == kind) & np.isfinite(starts)
        lengths = np.fmax(np.nan_to_num(stops[chosen] - starts[chosen]), axis.width / 500)
        bars = list(zip(starts[chosen].tolist(), lengths.tolist(), strict=True))
        axes.broken_barh(bars, (row, 0.85), color=colour, linewidth=0)
    return int((kinds == 0).sum()), int((kinds == 1).sum())


def running_figures(views: Sequence[View]) -> list[NamedFigure]:
    """Draw the speed of the running surface, with its sign or its two directions."""
    found = []
    for number, group in enumerate(_wheres(views, "speed")):
        stack = _Stack(group, (1.0, 1.0))
        for view, k, name, (upper, lower), places in stack:
            speed = np.asarray(view.dataset["speed"].values[:, k])
            velocity = np.asarray(view.dataset["velocity"].values[:, k])
            upper.axhline(0, color="#5b5b5b", lw=0.5, zorder=1)
            trace(upper, places, speed, colour=series_colour(0))
            upper.set_title(f"{shown(view.title(name))}  ({_n(speed)})", loc="left")
            upper.set_ylabel("speed\n[px/s]")
            lower.axhline(0, color="#5b5b5b", lw=0.5, zorder=1)
            for axis, colour, label in ((0, 4, "x, to the right"), (1, 5, "y, down")):
                trace(lower, places, velocity[:, axis], colour=series_colour(colour), label=label)
            lower.legend(frameon=False, loc="lower right", bbox_to_anchor=(1, 0.97), ncols=2, borderaxespad=0)
            lower.set_ylabel("velocity\n[px/s]")
            stack.note(view, name, speed=speed, velocity_x=velocity[:, 0], velocity_y=velocity[:, 1])
            stack.words.append(f"{view.title(name)}: speed {summary(speed, 'px/s')}")
        text = (
            "Speed of the surface from the shift between neighbouring frames: along the forward direction "
            "where one is given (negative is backwards), else its length; below, its two parts. Shifts "
            f"without a clear peak of the correlation are missing. {HOLES}"
        )
        found.append(stack.done("running", number, "Running", text))
    return found


FIGURES: Mapping[str, Callable[[Sequence[View]], list[NamedFigure]]] = {
    "motion": motion_figures,
    "svd": svd_figures,
    "pupil": pupil_figures,
    "blink": blink_figures,
    "running": running_figures,
}
"""Analysis to the function that draws its figures."""
