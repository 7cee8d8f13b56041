"""The page of an evaluation: errors per model and point, reliability, and the worst frames as pictures."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from mystax.core.typing import Float, Shaped
from mystax.plot.report_css import page_css
from mystax.plot.style import NamedFigure, figure, palette, series_colour, shown, style

__all__ = ["WorstFrame", "errors_figure", "evaluation_page", "reliability_figure", "worst_figure"]

COLUMNS = 4


@dataclass(frozen=True, eq=False)
class WorstFrame:
    """A frame with its labels and what a model said.

    Attributes
    ----------
    name : str
        Its name.
    pixels : array (y, x)
        Its picture.
    labelled, predicted : array (keypoint, space)
        Places [px]; NaN where there are none.
    error : float
        Mean error [px@256].
    """

    name: str
    pixels: Shaped[np.ndarray, "y x"]
    labelled: Float[np.ndarray, "keypoint space"]
    predicted: Float[np.ndarray, "keypoint space"]
    error: float


def errors_figure(
    errors: Mapping[str, Float[np.ndarray, "row keypoint"]], names: Sequence[str]
) -> NamedFigure:
    """Draw the median and the middle half of the errors of every point, one colour per model.

    Parameters
    ----------
    errors : mapping of str to array (row, keypoint)
        Model to errors [px@256].
    names : sequence of str
        Points.

    Returns
    -------
    NamedFigure
        One row per point.
    """
    numbers: dict[str, Any] = {"keypoint": list(names)}
    with style():
        drawn = figure(max(40.0, 14.0 + 5.0 * len(names)), width=150.0)
        axes = drawn.subplots()
        place = np.arange(len(names))
        for k, (model, values) in enumerate(errors.items()):
            known = np.isfinite(values).any(0)
            quarters = np.full((3, len(names)), np.nan)
            quarters[:, known] = np.nanpercentile(values[:, known], [25, 50, 75], axis=0)
            shift = (k - (len(errors) - 1) / 2) * 0.7 / max(1, len(errors))
            colour = series_colour(k)
            axes.hlines(place + shift, quarters[0], quarters[2], color=colour, linewidth=2.4, alpha=0.5)
            axes.plot(quarters[1], place + shift, "o", color=colour, markersize=3.5, label=shown(model))
            numbers |= {
                f"{model}_{q}": row for q, row in zip(("q25", "median", "q75"), quarters, strict=True)
            }
        axes.set_yticks(place, [shown(name) for name in names])
        axes.set_ylim(len(names) - 0.5, -0.5)
        axes.set_xlim(left=0)
        axes.set_xlabel("error [px@256]")
        axes.legend(frameon=False, loc="best")
    return NamedFigure(
        "errors",
        drawn,
        "Errors of every point",
        "Dots are medians over frames, bars the middle half. A face is 256 px wide.",
        f"Errors of {len(names)} points for {', '.join(map(shown, errors))}.",
        numbers,
    )


def reliability_figure(tables: Mapping[str, Sequence[Sequence[float]]]) -> NamedFigure:
    """Draw how often points were right against how sure the model was; the diagonal is an honest model.

    Parameters
    ----------
    tables : mapping of str to rows
        Model to bins: mean confidence, share that was right, number of points.

    Returns
    -------
    NamedFigure
        One line per model.
    """
    numbers: dict[str, Any] = {}
    with style():
        drawn = figure(80.0, width=85.0)
        axes = drawn.subplots()
        axes.plot([0, 1], [0, 1], color=str(palette()["light"]["muted"]), linewidth=0.6, linestyle="--")
        for k, (model, rows) in enumerate(tables.items()):
            table = np.array(rows, np.float64).reshape(-1, 3)
            axes.plot(
                table[:, 0], table[:, 1], "o-", color=series_colour(k), markersize=3, label=shown(model)
            )
            numbers |= {f"{model}_confidence": table[:, 0], f"{model}_right": table[:, 1]}
        axes.set(xlim=(0, 1), ylim=(0, 1), aspect="equal")
        axes.set_xlabel("confidence")
        axes.set_ylabel("share within 5 px@256")
        axes.legend(frameon=False, loc="upper left")
    return NamedFigure(
        "reliability",
        drawn,
        "Confidence and truth",
        "Each dot is a tenth of the points. On the dashed line a confidence is what it says.",
        f"Reliability of {', '.join(map(shown, tables))}.",
        numbers,
    )


def worst_figure(frames: Sequence[WorstFrame]) -> NamedFigure:
    """Draw the worst frames: circles are labels, crosses what the model said, lines join the two.

    Parameters
    ----------
    frames : sequence of WorstFrame
        At least one.

    Returns
    -------
    NamedFigure
        Four pictures to a row.
    """
    n_rows = -(-len(frames) // COLUMNS)
    height, width = frames[0].pixels.shape
    with style():
        drawn = figure(n_rows * (42.0 * height / width + 7.0) + 4.0)
        cells = drawn.subplots(n_rows, COLUMNS, squeeze=False)
        for cell in cells.ravel():
            cell.set_axis_off()
        for cell, frame in zip(cells.ravel(), frames, strict=False):
            _draw(cell, frame)
    return NamedFigure(
        "worst",
        drawn,
        "Worst frames",
        "Circles are labels, crosses what the model said; lines join the two.",
        f"The {len(frames)} frames with the largest mean errors.",
        {"frame": [frame.name for frame in frames], "mean_error": [frame.error for frame in frames]},
    )


def _draw(axes: Axes, frame: WorstFrame) -> None:
    low, high = np.percentile(frame.pixels, [0.5, 99.5])
    axes.imshow(frame.pixels, cmap="gray", vmin=float(low), vmax=max(float(high), float(low) + 1.0))
    right, wrong = series_colour(0), series_colour(1)
    for label, said in zip(frame.labelled, frame.predicted, strict=True):
        axes.plot([label[0], said[0]], [label[1], said[1]], color=wrong, linewidth=0.7)
    axes.plot(*frame.labelled.T, "o", color=right, markersize=3, fillstyle="none")
    axes.plot(*frame.predicted.T, "x", color=wrong, markersize=3)
    axes.set_title(f"{shown(frame.name, 24)}: {frame.error:.1f}", fontsize=6)


def evaluation_page(
    title: str,
    found: Mapping[str, Any],
    drawings: Sequence[NamedFigure],
    *,
    kind: str = "evaluation of keypoints",
    verdict: str = "",
    facts: Mapping[str, str] | None = None,
) -> str:
    """Write the page of an evaluation: one HTML file without scripts.

    Parameters
    ----------
    title : str
        What was judged.
    found : mapping
        The figures as in ``evaluation.json``.
    drawings : sequence of NamedFigure
        Figures in the order of the page.
    kind : str, optional
        What the page is, for its title.
    verdict : str, optional
        The sentence on top; by default the figures of the first model.
    facts : mapping of str to str, optional
        What else a reader should know.

    Returns
    -------
    str
        One HTML document; every text from outside is escaped.
    """
    models: Mapping[str, Any] = found["models"]
    first = next(iter(models))
    every = models[first]["all"]
    verdict = verdict or (
        f"{first}: median {_number(every['median'])}, mean {_number(every['mean'])} px@256 on "
        f"{found['n_frames']} frames; {_share(every['pck']['10'])} of the points within 10."
    )
    parts = [
        "<!DOCTYPE html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="color-scheme" content="light dark">',
        f"<title>{_text(title)}: {_text(kind)}</title><style>{page_css()}</style></head>",
        f"<body><main><header><h1>{_text(title)}</h1>",
        f'<p class="verdict">{_text(verdict)}</p></header>',
        "<section><h2>Models</h2>",
        _table(HEAD, [_row(name, figures) for name, figures in models.items()]),
        "<p>px@256: pixels of a face that is 256 wide. Intervals: 95 %, bootstrap over frames.</p>",
        _table(("", ""), list(facts.items())) if facts else "",
        "</section>",
        *(_figure(item) for item in drawings),
        f"<section><h2>Points of {_text(first)}</h2>",
        _table(
            ("point", *HEAD[1:]),
            [_row(name, {"all": item}) for name, item in models[first]["keypoints"].items()],
        ),
        "</section></main></body></html>",
    ]
    return "\n".join(parts) + "\n"


HEAD = ("model", "points", "mean", "95 %", "median", "p95", "PCK@5", "PCK@10", "ECE", "AUROC")


def _row(name: str, figures: Mapping[str, Any]) -> tuple[str, ...]:
    every = figures["all"]
    low, high = every["mean_interval"]
    return (
        *(name, str(every["n"]), _number(every["mean"]), f"{_number(low)} to {_number(high)}"),
        *(_number(every["median"]), _number(every["p95"])),
        *(_share(every["pck"]["5"]), _share(every["pck"]["10"])),
        *(_number(figures.get("ece"), 3), _number(figures.get("auroc"), 3)),
    )


def _number(value: float | None, digits: int = 2) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"


def _text(value: object) -> str:
    plain = "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in str(value))
    return escape(plain, quote=True)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    titles = "".join(f'<th scope="col">{_text(cell)}</th>' for cell in head)
    lines = "".join("<tr>" + "".join(f"<td>{_text(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{titles}</tr></thead><tbody>{lines}</tbody></table>"


def _figure(item: NamedFigure) -> str:
    data = base64.b64encode(item.png()).decode("ascii")
    return (
        f'<figure><img src="data:image/png;base64,{data}" alt="{_text(item.alternative)}">'
        f"<figcaption><strong>{_text(item.title)}.</strong> {_text(item.text)}</figcaption></figure>"
    )
