"""Traces over time: axes in readable units, long traces without lost peaks, holes that stay visible."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes

from mystax.core.recording import adjacency
from mystax.core.typing import Bool, Float64, Int64, Shaped
from mystax.plot.style import palette

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = ["TimeAxis", "draw_holes", "gaps", "outline", "thinned", "time_axis", "trace"]

MAX_POINTS = 4000
N_COLUMNS = 900
"""Columns of a picture: more cannot be seen."""
MAX_RUNS = 200
MAX_ROWS = 5000


class TimeAxis:
    """The common axis of some outcomes: seconds, minutes or hours of the session, or frame numbers.

    Parameters
    ----------
    datasets : sequence of Dataset
        Outcomes that share an axis.
    """

    def __init__(self, datasets: Sequence[Dataset]) -> None:
        times = [np.asarray(item["time"].values, np.float64) for item in datasets]
        self._by_frame = any(len(item) and not np.isfinite(item).any() for item in times)
        known = np.concatenate([item[np.isfinite(item)] for item in times] or [np.empty(0)])
        span = float(known.max() - known.min()) if len(known) else 0.0
        self.factor, unit = time_axis(span)
        self.label = "frame" if self._by_frame else f"time [{unit}]"
        places = [self.places(item) for item in datasets]
        ends = np.concatenate([place[np.isfinite(place)] for place in places] or [np.empty(0)])
        self.limits = (float(ends.min()), float(ends.max())) if len(ends) else (0.0, 1.0)

    def places(self, dataset: Dataset) -> Float64[np.ndarray, " time"]:
        """Return where the frames of an outcome stand on the axis."""
        if self._by_frame:
            return np.arange(dataset.sizes["time"], dtype=np.float64)
        return np.asarray(dataset["time"].values, np.float64) * self.factor

    def events(self, times: Shaped[np.ndarray, " event"]) -> Float64[np.ndarray, " event"]:
        """Return where times [s] stand on the axis; NaN on an axis of frames."""
        values = np.asarray(times, np.float64)
        return np.full(len(values), np.nan) if self._by_frame else values * self.factor

    @property
    def width(self) -> float:
        """Length of the axis, in its unit."""
        return self.limits[1] - self.limits[0]

    def finish(self, axes: Axes) -> None:
        """Let the axis reach from the first frame to the last, without empty space."""
        low, high = self.limits
        axes.set_xlim(low, high if high > low else low + 1.0)


def time_axis(span: float) -> tuple[float, str]:
    """Return the factor from seconds to the unit of an axis of a length [s], and that unit."""
    if span > 3 * 3600:
        return 1 / 3600, "h"
    return (1 / 60, "min") if span > 600 else (1.0, "s")


def gaps(places: Float64[np.ndarray, " time"]) -> Int64[np.ndarray, " gap"]:
    """Return the frames behind a gap in time (a step above 1.5 median intervals, or unknown)."""
    if len(places) < 2:
        return np.empty(0, np.int64)
    return np.flatnonzero(~adjacency(places)[1:]).astype(np.int64) + 1


def outline(
    places: Float64[np.ndarray, " time"], values: Shaped[np.ndarray, " time"]
) -> tuple[Float64[np.ndarray, " point"], Float64[np.ndarray, " point"]]:
    """Thin a trace so that the drawn line is the same: first, lowest, highest and last of each column.

    Parameters
    ----------
    places, values : array (time,)
        The trace; NaN where missing.

    Returns
    -------
    places, values : array (point,)
        Points of the line, with NaN between points that may not be joined.

    References
    ----------
    Jugel et al. 2014, M4: a visualization-oriented time series data aggregation,
    doi:10.14778/2732951.2732953
    """
    x, y = np.asarray(places, np.float64), np.asarray(values, np.float64)
    usable = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
    if not len(usable):
        return np.empty(0), np.empty(0)
    cut = np.zeros(len(x), bool)
    cut[gaps(x)] = True
    # A missing frame between two points parts them as a gap does.
    parted = np.cumsum(cut | ~(np.isfinite(x) & np.isfinite(y)))
    chosen = usable
    if len(usable) > MAX_POINTS:
        chosen = usable[_corners(x[usable], y[usable])]
    breaks = np.flatnonzero(np.diff(parted[chosen])) + 1
    return np.insert(x[chosen], breaks, np.nan), np.insert(y[chosen], breaks, np.nan)


def _corners(x: Float64[np.ndarray, " n"], y: Float64[np.ndarray, " n"]) -> Int64[np.ndarray, " point"]:
    """Return first, lowest, highest and last sample of each of `N_COLUMNS` columns, in order of time."""
    column = np.minimum(((x - x[0]) / max(x[-1] - x[0], 1e-12) * N_COLUMNS).astype(np.int64), N_COLUMNS - 1)
    first = np.flatnonzero(np.diff(column, prepend=-1))
    last = np.append(first[1:], len(x)) - 1
    by_value = np.lexsort((y, column))  # ends of each column's run of sorted values are its extremes
    return np.unique(np.concatenate([first, last, by_value[first], by_value[last]]))


def trace(
    axes: Axes,
    places: Float64[np.ndarray, " time"],
    values: Shaped[np.ndarray, " time"],
    *,
    colour: str,
    label: str = "",
    width: float = 0.8,
) -> None:
    """Draw a trace; missing values and gaps in time stay empty, and no peak of a long trace is lost.

    Parameters
    ----------
    axes : Axes
        Where to draw.
    places : array (time,)
        In the unit of the axis.
    values : array (time,)
        NaN where missing.
    colour, label : str
        Of the trace.
    width : float, optional
        Of the line [pt].
    """
    x, y = outline(places, values)
    axes.plot(x, y, color=colour, lw=width, label=label or None, solid_joinstyle="round")
    bad = ~np.isfinite(np.concatenate([[np.nan], y, [np.nan]]))
    alone = bad[:-2] & ~bad[1:-1] & bad[2:]
    if alone.any():  # a single value between two holes has no line
        axes.plot(x[alone], y[alone], ".", color=colour, ms=2.0, mew=0)


def draw_holes(
    axes: Axes, places: Float64[np.ndarray, " time"], missing: Shaped[np.ndarray, " time"]
) -> None:
    """Shade frames that could not be read, and gaps in time; never thinner than the eye can see.

    Parameters
    ----------
    axes : Axes
        Where to draw.
    places : array (time,)
        In the unit of the axis; NaN where unknown.
    missing : array (time,)
        `Reason` of each frame; 0 is good.
    """
    colours: Mapping[str, Any] = {
        "gap": palette()["frames"]["gap"],
        "missing": palette()["series"]["missing"],
    }
    for name, (starts, lengths) in {
        "gap": gap_spans(places),
        "missing": spans(places, np.asarray(missing) != 0),
    }.items():
        if len(starts):
            axes.broken_barh(
                list(zip(starts.tolist(), lengths.tolist(), strict=True)),
                (0.0, 1.0),
                transform=axes.get_xaxis_transform(),
                color=colours[name],
                linewidth=0,
                zorder=0,
            )


def gap_spans(places: Float64[np.ndarray, " time"]) -> tuple[np.ndarray, np.ndarray]:
    """Return starts and lengths of the gaps between frames, in the unit of the axis."""
    behind = gaps(places)
    behind = behind[np.isfinite(places[behind]) & np.isfinite(places[behind - 1])]
    return places[behind - 1], places[behind] - places[behind - 1]


def spans(
    places: Float64[np.ndarray, " time"], chosen: Bool[np.ndarray, " time"]
) -> tuple[np.ndarray, np.ndarray]:
    """Return starts and lengths of the runs of chosen frames, at least 1/600 of the axis long."""
    known = np.isfinite(places)
    # A frame without a time stands behind the last one that has one.
    held = np.maximum.accumulate(np.where(known, places, -np.inf))
    first = float(places[known][0]) if known.any() else 0.0
    at = np.where(np.isfinite(held), held, first)
    step = float(np.median(np.diff(places[known]))) if known.sum() > 1 else 1.0
    edges = np.flatnonzero(np.diff(np.concatenate([[0], np.asarray(chosen, np.int8), [0]])))
    if not len(edges):
        return np.empty(0), np.empty(0)
    starts, stops = at[edges[::2]] - step / 2, at[edges[1::2] - 1] + step / 2
    least = float(at.max() - at.min()) / 600
    if len(starts) > MAX_RUNS:  # as many bars as can be told apart
        place = np.unique(np.floor((starts - starts[0]) / max(least, 1e-12)).astype(np.int64))
        merged = np.flatnonzero(np.diff(place, prepend=-2) > 1)
        ends = np.append(merged[1:], len(place)) - 1
        return starts[0] + place[merged] * least, (place[ends] - place[merged] + 1) * least
    return starts, np.maximum(stops - starts, least)


def thinned(*columns: Shaped[np.ndarray, " time"]) -> list[np.ndarray]:
    """Take at most 5,000 evenly spaced rows, for the table beside a figure."""
    step = max(1, -(-len(columns[0]) // MAX_ROWS))
    return [np.asarray(column)[::step] for column in columns]
