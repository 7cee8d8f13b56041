"""How figures look: sizes in millimetres, small sans type, one palette, real text in vector files."""

import csv
import io
import math
import tomllib
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from itertools import zip_longest
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mystax.core.safe_names import safe_name

__all__ = [
    "MAX_SVG",
    "WIDTH",
    "NamedFigure",
    "figure",
    "file_name",
    "legend_above",
    "palette",
    "series_colour",
    "shown",
    "style",
]

MILLIMETRE = 1 / 25.4
WIDTH = 180.0
MAX_SVG = 300_000
MAX_LABEL = 40


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
        "axes.titley": 1.0,  # no search for a place: ticks and labels are never above
        "axes.labelsize": 8,
        "xtick.labelsize": 7,
        "ytick.labelsize": 7,
        "legend.fontsize": 7,
        "axes.linewidth": 0.6,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "lines.linewidth": 0.8,
        "image.interpolation": "none",  # vector files hold the pixels themselves
        "xtick.major.width": 0.6,
        "ytick.major.width": 0.6,
        "svg.fonttype": "none",
        "svg.hashsalt": "mystax",
        "figure.facecolor": "white",
        "savefig.facecolor": "white",
        "path.simplify": True,
        "agg.path.chunksize": 10_000,
        "text.parse_math": False,  # names of regions may hold dollar signs
    }
    with mpl.rc_context(settings), warnings.catch_warnings():
        # A sign that the font lacks is a box in the picture and itself in the vector file.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        yield


def shown(text: object, longest: int = MAX_LABEL) -> str:
    """Return a text from outside as it may stand in a figure: printable, in one line, not too long."""
    plain = "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in str(text))
    return plain if len(plain) <= longest else plain[: longest - 1] + "\N{HORIZONTAL ELLIPSIS}"


def file_name(*parts: str) -> str:
    """Join parts of a name, some of them from outside, to a safe name of a file."""
    return safe_name("_".join(part for part in parts if part).replace("\0", "_"))


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


def legend_above(axes: Axes, n_columns: int = 3) -> None:
    """Put a legend above the axes, where it hides nothing.

    Parameters
    ----------
    axes : Axes
        With labelled artists.
    n_columns : int, optional
        Entries side by side.
    """
    axes.legend(
        frameon=False,
        loc="lower left",
        bbox_to_anchor=(0, 1),
        ncols=n_columns,
        borderaxespad=0.2,
        handlelength=1.4,
        columnspacing=1.2,
    )


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
    detail : bool
        Whether it is for a second look: folded on the page.
    """

    name: str
    figure: Figure
    title: str
    text: str
    alternative: str
    numbers: Mapping[str, Sequence[object] | np.ndarray] = field(default_factory=dict)
    detail: bool = False

    def _settle(self) -> None:
        """Lay out once, without drawing: every format has the same layout, and finding it takes longest."""
        engine = self.figure.get_layout_engine()
        if engine is not None:
            with suppress(ValueError):  # as matplotlib does when it draws: what has no room stays as it is
                engine.execute(self.figure)
            self.figure.set_layout_engine(None)  # a word for none leaves one that draws twice

    def svg(self) -> bytes:
        """Return the vector file."""
        with style():
            self._settle()
            stream = io.BytesIO()
            self.figure.savefig(stream, format="svg", metadata={"Date": None}, dpi=200)
        return stream.getvalue()

    def png(self) -> bytes:
        """Return the picture at twice the usual resolution."""
        with style():
            self._settle()
            stream = io.BytesIO()
            self.figure.savefig(stream, format="png", dpi=192)
        return stream.getvalue()

    def csv(self) -> str:
        """Return the numbers as a table; shorter columns end with empty cells."""
        stream = io.StringIO()
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(self.numbers)
        writer.writerows(zip_longest(*map(_cells, self.numbers.values()), fillvalue=""))
        return stream.getvalue()


def _cells(column: Sequence[object] | np.ndarray) -> list[object]:
    """Return the cells of a column; a number that is missing is empty."""
    if isinstance(column, np.ndarray) and column.ndim == 1 and column.dtype in (np.float32, np.float64):
        digits = _digits(column.dtype.type)
        return ["" if math.isnan(value) else f"{value:.{digits}g}" for value in column.tolist()]
    return [_cell(value) for value in column]


def _cell(value: object) -> object:
    if isinstance(value, float | np.floating):
        return "" if np.isnan(value) else f"{float(value):.{_digits(type(value))}g}"
    return value


def _digits(kind: type) -> int:
    """Return how many digits are written: times need those of a long recording, measurements are float32."""
    return 9 if kind is np.float32 else 12
