"""Numbers of an outcome for the table of the report: per region and quantity, median and spread."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.plot.pictures import View

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = ["Table", "facts_of"]


@dataclass(frozen=True, slots=True)
class Table:
    """A table of texts.

    Attributes
    ----------
    head : tuple of str
        Names of the columns.
    rows : list of tuple of str
        As many cells each.
    """

    head: tuple[str, ...]
    rows: list[tuple[str, ...]]


SHOWN: Mapping[str, tuple[str, ...]] = {
    "motion": ("energy", "energy_norm", "brightness"),
    "pupil": ("diameter", "diameter_scaled", "confidence"),
    "blink": ("openness", "darkness"),
    "running": ("speed",),
}
UNITS = {"grey_level": "grey levels", "s-1": "1/s", "px s-1": "px/s", "px2": "px\N{SUPERSCRIPT TWO}", "1": ""}


def facts_of(analysis: str, views: Sequence[View]) -> list[Table]:
    """Collect the numbers of an analysis.

    Parameters
    ----------
    analysis : str
        Name of the analysis.
    views : sequence of View
        Its outcomes, one per camera.

    Returns
    -------
    list of Table
        Empty for an analysis without numbers of its own.
    """
    several = any(view.camera for view in views)
    tables = []
    if analysis in SHOWN:
        head: tuple[str, ...] = ("region", "quantity", "unit", "median", "5 %", "95 %", "frames with a value")
        tables.append(_table(head, views, lambda view: _spreads(view.dataset, SHOWN[analysis]), several))
    if analysis == "blink":
        head = ("region", "blinks", "longer closures", "deepest", "cut off")
        tables.append(_table(head, views, lambda view: _events(view.dataset), several))
    if analysis == "svd":
        head = ("region", "of", "components", "captured variance", "method")
        tables.append(_table(head, views, lambda view: _components(view.dataset), several))
    if analysis == "rois":
        tables.append(
            _table(("region", "kind", "confidence"), views, lambda view: _proposed(view.dataset), several)
        )
    return [table for table in tables if table.rows]


def _table(head: tuple[str, ...], views: Sequence[View], rows_of: Any, several: bool) -> Table:
    """Join the rows of all cameras, with a column for the camera where there are several."""
    rows = [((view.camera, *row) if several else row) for view in views for row in rows_of(view)]
    return Table(("camera", *head) if several else head, rows)


def _spreads(dataset: Dataset, variables: Sequence[str]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for k, roi in enumerate(dataset["roi"].values):
        for variable in variables:
            if variable not in dataset:
                continue
            unit = str(dataset[variable].attrs.get("units", ""))
            values = np.asarray(dataset[variable].values[:, k])
            known = values[np.isfinite(values)]
            numbers = (
                [f"{value:.4g}" for value in np.percentile(known, [50, 5, 95])]
                if len(known)
                else ["", "", ""]
            )
            share = f"{len(known)} of {len(values)}"
            rows.append((str(roi), variable, UNITS.get(unit, unit), *numbers, share))
    return rows


def _events(dataset: Dataset) -> list[tuple[str, ...]]:
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


def _components(dataset: Dataset) -> list[tuple[str, ...]]:
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


def _proposed(dataset: Dataset) -> list[tuple[str, ...]]:
    return [
        (str(roi), str(kind), f"{float(sure):.2f}")
        for roi, kind, sure in zip(
            *(dataset[name].values for name in ("roi", "roi_kind", "confidence")), strict=True
        )
    ]
