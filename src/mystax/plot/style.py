"""How figures look: sizes in millimetres, small sans type, one palette, real text in vector files."""

import csv
import io
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mystax.core.typing import Bool, Float64, Shaped

__all__ = ["NamedFigure", "draw_missing", "figure", "palette", "series_colour", "style", "time_axis", "trace"]

MILLIMETRE = 1 / 25.4
WIDTH = 180.0
MAX_POINTS = 4000
MAX_SVG = 300_000


@cache
def palette() -> Mapping[str, Mapping[str, str | list[str]]]:
    """Return the palette of figures, report and page."""
    return tomllib.loads(files("mystax.data").joinpath("palette.toml").read_text("utf-8"))


def series_colour(number: int) -> str:
    """Return the colour of a series; from the eighth on colours repeat."""
    colours = palette()["series"]["colours"]
    return colours[number % len(colours)]


@contextmanager
def style() -> Iterator[None]:
    """Draw in the style of the house; nothing global is changed."""
    settings: Any = {
        "font.family": "sans-serif",
        "font.sans-serif": ["DejaVu Sans", "Arial", "Helvetica"],
        "font.size": 8,
        "axes.titlesize": 8,
        "axes.labelsize": 8,
        "xtick.labelsize": 7,
        "ytick.labelsize": 7,
        "legend.fontsize": 7,
        "axes.linewidth": 0.6,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "lines.linewidth": 0.8,
        "xtick.major.width": 0.6,
        "ytick.major.width": 0.6,
        "svg.fonttype": "none",
        "svg.hashsalt": "mystax",
        "figure.facecolor": "white",
        "savefig.facecolor": "white",
        "path.simplify": True,
        "agg.path.chunksize": 10_000,
    }
    with mpl.rc_context(settings):
        yield


def figure(height: float, width: float = WIDTH) -> Figure:
    """Make an empty figure.

    Parameters
    ----------
    height, width : float
        Size [mm].

    Returns
    -------
    Figure
        With a layout that fits labels; without any window.
    """
    return Figure(figsize=(width * MILLIMETRE, height * MILLIMETRE), layout="constrained")


@dataclass
class NamedFigure:
    """A figure with its name, its words and its numbers.

    Attributes
    ----------
    name : str
        Name of its files.
    figure : Figure
        The drawing.
    title : str
        What it shows, in a few words.
    text : str
        Two sentences for the reader.
    alternative : str
        What a reader who cannot see it should know, from the data.
    numbers : mapping
        Column name to values, as drawn; written as a table beside the figure.
    """

    name: str
    figure: Figure
    title: str
    text: str
    alternative: str
    numbers: Mapping[str, Sequence[object] | np.ndarray] = field(default_factory=dict)

    def svg(self) -> bytes:
        """Return the vector file."""
        with style():
            stream = io.BytesIO()
            self.figure.savefig(stream, format="svg", metadata={"Date": None}, dpi=200)
        return stream.getvalue()

    def png(self) -> bytes:
        """Return the picture at twice the usual resolution."""
        with style():
            stream = io.BytesIO()
            self.figure.savefig(stream, format="png", dpi=192)
        return stream.getvalue()

    def csv(self) -> str:
        """Return the numbers as a table; shorter columns end with empty cells."""
        stream = io.StringIO()
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(self.numbers)
        columns = [[_cell(value) for value in column] for column in self.numbers.values()]
        for row in range(max(map(len, columns), default=0)):
            writer.writerow([column[row] if row < len(column) else "" for column in columns])
        return stream.getvalue()


def _cell(value: object) -> object:
    if isinstance(value, float | np.floating):
        return "" if np.isnan(value) else f"{float(value):.9g}"
    return value


def time_axis(times: Float64[np.ndarray, " time"]) -> tuple[Float64[np.ndarray, " time"], str]:
    """Return times for an axis and its label: seconds, or minutes for more than ten of them."""
    known = times[np.isfinite(times)]
    if len(known) and known[-1] - known[0] > 600:
        return times / 60, "time [min]"
    return times, "time [s]"


def trace(
    axes: Axes,
    times: Float64[np.ndarray, " time"],
    values: Shaped[np.ndarray, " time"],
    *,
    colour: str,
    label: str = "",
    adjacent: Bool[np.ndarray, " time"] | None = None,
    alpha: float = 1.0,
    width: float = 0.8,
) -> None:
    """Draw a trace; missing values and gaps in time stay empty.

    A long trace is drawn as the range of its values in each column of pixels, so that no peak is lost.

    Parameters
    ----------
    axes : Axes
        Where to draw.
    times : array (time,)
        In the unit of the axis.
    values : array (time,)
        NaN where missing.
    colour, label : str
        Of the trace.
    adjacent : array (time,), optional
        False behind a gap; by default steps above 1.5 medians are gaps.
    alpha, width : float, optional
        Of the line.
    """
    x, y = np.asarray(times, np.float64), np.asarray(values, np.float64)
    if len(x) > MAX_POINTS:
        edges = np.linspace(0, len(x), MAX_POINTS // 2 + 1).astype(np.int64)
        padded = np.where(np.isfinite(y), y, np.inf)
        low = np.minimum.reduceat(padded, edges[:-1])
        high = -np.minimum.reduceat(np.where(np.isfinite(y), -y, np.inf), edges[:-1])
        empty = ~np.isfinite(low)
        low[empty] = high[empty] = np.nan
        axes.fill_between(
            x[edges[:-1]], low, high, color=colour, alpha=alpha, linewidth=0.4, label=label or None
        )
        return
    if adjacent is None:
        adjacent = np.ones(len(x), bool)
        if len(x) > 1:
            steps = np.diff(x)
            adjacent[1:] = ~(steps > 1.5 * np.nanmedian(steps)) if np.isfinite(steps).any() else True
    breaks = np.flatnonzero(~adjacent[1:]) + 1
    axes.plot(
        np.insert(x, breaks, np.nan),
        np.insert(y, breaks, np.nan),
        color=colour,
        lw=width,
        alpha=alpha,
        label=label or None,
    )


def draw_missing(
    axes: Axes, times: Float64[np.ndarray, " time"], missing: Shaped[np.ndarray, " time"]
) -> None:
    """Shade the frames that could not be read."""
    bad = np.asarray(missing) != 0
    if not bad.any():
        return
    edges = np.flatnonzero(np.diff(np.concatenate([[0], bad.astype(np.int8), [0]])))
    step = float(np.nanmedian(np.diff(times))) if len(times) > 1 else 0.0
    for start, stop in zip(edges[::2], edges[1::2], strict=True):
        axes.axvspan(
            times[start] - step / 2,
            times[stop - 1] + step / 2,
            color=str(palette()["series"]["missing"]),
            lw=0,
        )
