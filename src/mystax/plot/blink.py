"""The chapter of `blink`: how open the lids are, and every blink."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes

from mystax.plot.chapter_kind import ChapterKind
from mystax.plot.pictures import View
from mystax.plot.series import TimeAxis, trace
from mystax.plot.stack import HOLES, Stack, counted, draw_limit, regions_in_groups
from mystax.plot.style import NamedFigure, series_colour, shown
from mystax.plot.tables import Table, spread_table, table_of

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = ["BLINK", "blink_figures", "blink_tables"]


def blink_figures(views: Sequence[View]) -> list[NamedFigure]:
    """Draw how open the lids are, with every blink and closure above."""
    found = []
    for number, group in enumerate(regions_in_groups(views, "openness")):
        stack = Stack(group, (0.35, 1.0))
        for view, k, name, (raster, axes), places in stack:
            openness = np.asarray(view.dataset["openness"].values[:, k])
            n_blinks, n_closures = _raster(raster, view, name, stack.axis)
            events = _events(n_blinks, n_closures)
            if not np.isfinite(openness).any() and "darkness" in view.dataset:
                # An imported outcome has the darkness alone: nothing was counted in it.
                events, openness = "blinks not counted", np.asarray(view.dataset["darkness"].values[:, k])
                axes.set_ylabel("darkness\n[grey levels]")
            else:
                draw_limit(axes, view, "threshold")
                axes.set_ylim(0, 1.55)
                axes.set_ylabel("openness")
            trace(axes, places, openness, colour=series_colour(0))
            raster.set_title(f"{shown(view.title(name))}  ({events}; {counted(openness)})", loc="left")
            stack.note(view, name, **{axes.get_ylabel().partition("\n")[0]: openness})
            stack.words.append(f"{view.title(name)}: {events}")
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


def _event_rows(dataset: Dataset) -> list[tuple[str, ...]]:
    if "event_kind" not in dataset or not np.isfinite(dataset["openness"].values).any():
        return []  # an imported outcome, in which nothing was counted
    rows: list[tuple[str, ...]] = []
    for roi in dataset["roi"].values:
        mine = dataset["event_roi"].values == roi
        kinds, depths = dataset["event_kind"].values[mine], dataset["event_depth"].values[mine]
        deepest = f"{float(np.nanmax(depths)):.2f}" if np.isfinite(depths).any() else ""
        counts = (str(int((kinds == kind).sum())) for kind in (0, 1))
        rows.append((str(roi), *counts, deepest, str(int((dataset["event_cut"].values[mine] == 1).sum()))))
    return rows


def blink_tables(views: Sequence[View]) -> list[Table]:
    """Tell the spread of the openness and the number of blinks."""
    head = ("region", "blinks", "longer closures", "deepest", "cut off")
    return [*spread_table(views, ("openness", "darkness")), *table_of(head, views, _event_rows)]


BLINK = ChapterKind(
    "Blinks",
    "Openness is the darkness of the region relative to its running 80th percentile.",
    variable="openness",
    figures=blink_figures,
    tables=blink_tables,
)
