"""The chapter of `svd`: the strongest masks in their place, and the variance that they capture."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle as Patch
from matplotlib.ticker import FuncFormatter

from mystax.core.typing import Shaped
from mystax.plot.chapter_kind import ChapterKind
from mystax.plot.pictures import Picture, View, bin_size
from mystax.plot.style import (
    MILLIMETRE,
    WIDTH,
    NamedFigure,
    file_name,
    palette,
    series_colour,
    shown,
)
from mystax.plot.tables import Table, table_of

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = ["SVD", "component_tables", "svd_figures"]

N_SHOWN = 12
MASKS = 116.0
"""Width that the masks share [mm]."""
TALLEST = 27.0
HEAD, GAP, LABEL, CURVE = 9.0, 1.5, 4.0, 38.0


@dataclass(frozen=True, eq=False)
class _Region:
    """What one figure shows: pictures of components, and the numbers beside them."""

    masks: list[np.ndarray]
    captured: np.ndarray
    singular: np.ndarray
    box: tuple[float, float, float, float] | None


def svd_figures(views: Sequence[View]) -> list[NamedFigure]:
    """Draw the strongest masks and the captured variance of each region and camera.

    Parameters
    ----------
    views : sequence of View
        Outcomes of `svd`; that of all cameras together has bins in one dimension.

    Returns
    -------
    list of NamedFigure
        None for regions without masks.
    """
    found = []
    for view in views:
        for kind, words in (("motion", "motion"), ("movie", "the pictures")):
            if f"{kind}_mask" not in view.dataset:
                continue
            for k, roi in enumerate(view.rois):
                region = _region(view.dataset, kind, k)
                if region is not None:
                    found.append(_draw(view, kind, words, roi, region))
    return found


def _region(dataset: Dataset, kind: str, k: int) -> _Region | None:
    """Take what is drawn of a region, or None where it has no component."""
    variable = dataset[f"{kind}_mask"]
    n = min(N_SHOWN, variable.sizes["component"])
    first = np.asarray(variable[k, :n].values, np.float64)
    n = int(np.isfinite(first.reshape(n, -1)).any(axis=1).sum()) if first.size else 0
    if not n:
        return None
    singular, captured = (
        np.asarray(dataset[name].values[k], np.float64) if name in dataset else np.empty(0)
        for name in (f"{kind}_singular_value", f"{kind}_captured")
    )
    if "bin" in variable.dims:
        return _Region(_pasted(dataset, first[:n]), captured, singular, None)
    inside = np.asarray(np.isfinite(first[:n]).any(axis=0))
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    y, x = slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)
    box = None
    if "x_origin" in dataset and "bin" in dataset.attrs:
        size = bin_size(dataset, 1)
        left, top = (int(dataset[name].values[k]) for name in ("x_origin", "y_origin"))
        box = (
            left + size * x.start,
            top + size * y.start,
            size * (x.stop - x.start),
            size * (y.stop - y.start),
        )
    return _Region([mask[y, x] for mask in first[:n]], captured, singular, box)


def _pasted(dataset: Dataset, masks: Shaped[np.ndarray, "component bin"]) -> list[np.ndarray]:
    """Put the bins of all cameras back into pictures, side by side, each camera at its own grid."""
    cameras = dataset["camera"].values
    names = list(dict.fromkeys(cameras.tolist()))
    grids = []
    for name in names:
        mine = cameras == name
        y, x = (_places(dataset[key].values[mine]) for key in ("bin_y", "bin_x"))
        grids.append((mine, y, x, int(y.max()) + 1, int(x.max()) + 1))
    rows, columns = max(grid[3] for grid in grids), sum(grid[4] for grid in grids) + 2 * (len(grids) - 1)
    found = []
    for mask in masks:
        picture, left = np.full((rows, columns), np.nan), 0
        for mine, y, x, _, width in grids:
            picture[y, left + x] = mask[mine]
            left += width + 2
        found.append(picture)
    return found


def _places(values: np.ndarray) -> np.ndarray:
    """Turn the places of bins [px] into row or column numbers."""
    steps = np.diff(np.unique(values))
    size = int(steps.min()) if len(steps) else 1
    return np.asarray((values - values.min()) // max(1, size), np.int64)


def _draw(view: View, kind: str, words: str, roi: str, region: _Region) -> NamedFigure:
    """Lay out the masks at their aspect, the place of the region, and the curve."""
    aspect = region.masks[0].shape[0] / region.masks[0].shape[1]
    n = len(region.masks)
    n_columns = min(range(1, n + 1), key=lambda count: _unfit(count, n, aspect))
    width, height = _cell(n_columns, aspect)
    placed = view.picture is not None and region.box is not None
    tall = max(78.0 if placed else 46.0, HEAD + _height(n_columns, n, aspect) + 3)
    made = Figure(figsize=(WIDTH * MILLIMETRE, tall * MILLIMETRE))
    for j, mask in enumerate(region.masks):
        row, column = divmod(j, n_columns)
        place = (1 + column * (width + GAP), HEAD + row * (height + LABEL + GAP) + LABEL, width, height)
        axes = _axes(made, place, tall)
        limit = float(np.nanmax(np.abs(mask))) or 1.0
        axes.imshow(mask, cmap="RdBu_r", vmin=-limit, vmax=limit, aspect="auto")
        axes.set_xticks([])
        axes.set_yticks([])
        axes.set_facecolor("#ececec")
        axes.spines[:].set_visible(True)
        axes.spines[:].set_color("#b0b0b0")
        axes.set_title(f"{j + 1}", loc="left", pad=1.5, fontsize=7)
    several = view.dataset["motion_mask" if kind == "motion" else "movie_mask"].dims[-1] == "bin"
    name = "all cameras" if several else view.title(roi)
    made.text(
        0.006, 1 - 4.0 / tall, f"{shown(name)}: components 1 to {n} of {words}", fontsize=8, va="center"
    )
    known = region.captured[np.isfinite(region.captured)]
    curve_height = min(CURVE, tall - HEAD - (44 if placed else 12))
    _curve(_axes(made, (WIDTH - 46, HEAD, 43, curve_height), tall), known)
    if view.picture is not None and region.box is not None:
        room = tall - HEAD - curve_height - 16
        _place(_axes(made, (WIDTH - 46, tall - room - 1, 43, room), tall), view.picture, region.box)
    return _named(made, view, kind, words, roi, region, known, name)


def _cell(n_columns: int, aspect: float) -> tuple[float, float]:
    width = (MASKS - GAP * (n_columns - 1)) / n_columns
    width = min(width, TALLEST / aspect)
    return width, width * aspect


def _unfit(n_columns: int, n: int, aspect: float) -> tuple[bool, bool, float]:
    """Judge a number of columns: not too tall, no row half empty, near the height of curve and place."""
    height = _height(n_columns, n, aspect)
    return (height > 88, n % n_columns != 0, abs(height - 74))


def _height(n_columns: int, n: int, aspect: float) -> float:
    return -(-n // n_columns) * (_cell(n_columns, aspect)[1] + LABEL + GAP)


def _axes(made: Figure, place: tuple[float, float, float, float], tall: float) -> Axes:
    """Add axes at left, top, width and height [mm], from the top left corner."""
    left, top, width, height = place
    return made.add_axes((left / WIDTH, 1 - (top + height) / tall, width / WIDTH, height / tall))


def _curve(axes: Axes, known: Shaped[np.ndarray, " component"]) -> None:
    """Draw the cumulative share of the variance over the number of components."""
    if not len(known):
        axes.text(0.5, 0.5, "captured variance\nis not known", ha="center", va="center")
        axes.set_axis_off()
        return
    axes.plot(np.arange(1, len(known) + 1), 100 * known, color=series_colour(0), lw=1.1)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(FuncFormatter(lambda *_: ""))
    axes.set_xlim(1, max(2, len(known)))
    axes.set_ylim(0, 102)
    axes.set_xlabel("number of components")
    axes.set_ylabel("captured variance [%]")


def _place(axes: Axes, picture: Picture, box: tuple[float, float, float, float]) -> None:
    """Show where in the picture the region lies."""
    axes.imshow(picture.values, cmap="gray", extent=picture.extent, aspect="equal")
    axes.add_patch(Patch(box[:2], box[2], box[3], fill=False, ec=str(palette()["regions"]["motion"]), lw=1.2))
    axes.set_anchor("NE")
    axes.set_axis_off()


def _named(
    drawn: Figure, view: View, kind: str, words: str, roi: str, region: _Region, known: np.ndarray, name: str
) -> NamedFigure:
    share = f"{100 * known[-1]:.1f} % of the variance" if len(known) else "an unknown share of the variance"
    n = len(known) or len(region.masks)
    counted = f"{n} component{'' if n == 1 else 's'} hold{'s' if n == 1 else ''} {share}"
    joint = view.dataset[f"{kind}_mask"].dims[-1] == "bin"
    beside = " The cameras stand side by side." if joint else ""
    return NamedFigure(
        file_name("svd", kind, "" if joint else view.camera, roi),
        drawn,
        f"Components of {words}: {name}",
        f"The {len(region.masks)} strongest spatial components (blue negative, red positive, each on its "
        f"own scale; the sign has no meaning) and the cumulative share of the variance: {counted}.{beside}",
        f"Components of {words} in {name}: {counted}.",
        {"component": np.arange(1, n + 1), "captured": known, "singular_value": region.singular[:n]},
    )


def _component_rows(dataset: Dataset) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for kind, words in (("motion", "motion"), ("movie", "the pictures")):
        if f"{kind}_mask" not in dataset:
            continue
        for k, roi in enumerate(dataset["roi"].values):
            name = f"{kind}_captured"
            captured = np.asarray(dataset[name].values[k]) if name in dataset else np.empty(0)
            known = captured[np.isfinite(captured)]
            share = f"{100 * known[-1]:.2f} %" if len(known) else "unknown"
            n_components = len(known) or _n_masks(dataset, kind, k)
            method = str(dataset[f"{kind}_method"].values[k]) if f"{kind}_method" in dataset else ""
            rows.append((str(roi), words, str(n_components), share, method))
    return rows


def _n_masks(dataset: Dataset, kind: str, k: int) -> int:
    """Count the components of an imported outcome by its singular values or masks."""
    mask = np.asarray(dataset[f"{kind}_mask"][k].values)
    return int(np.isfinite(mask.reshape(len(mask), -1)).any(axis=1).sum()) if mask.size else 0


def component_tables(views: Sequence[View]) -> list[Table]:
    """Tell how many components there are and what they capture."""
    return table_of(("region", "of", "components", "captured variance", "method"), views, _component_rows)


SVD = ChapterKind(
    "Components (SVD)",
    "Components are the leading right singular vectors of all valid rows minus their mean "
    "(exact, or by subspace iteration; Halko et al. 2011, doi:10.1137/090771806).",
    variable="motion_svd",
    figures=svd_figures,
    tables=component_tables,
)
