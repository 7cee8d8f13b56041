"""Tables of the report: per region and quantity, median and spread."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.plot.pictures import View

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = ["Rows", "Table", "spread_table", "table_of"]


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


Rows = Sequence[tuple[str, ...]]
UNITS = {"grey_level": "grey levels", "s-1": "1/s", "px s-1": "px/s", "px2": "px\N{SUPERSCRIPT TWO}", "1": ""}
SPREAD_HEAD = ("region", "quantity", "unit", "median", "5 %", "95 %", "frames with a value")


def table_of(head: tuple[str, ...], views: Sequence[View], rows_of: Callable[[Dataset], Rows]) -> list[Table]:
    """Join the rows of all cameras, with a column for the camera where there are several.

    Parameters
    ----------
    head : tuple of str
        Names of the columns.
    views : sequence of View
        Outcomes of one analysis, one per camera.
    rows_of : callable
        Gives the rows of one outcome.

    Returns
    -------
    list of Table
        One table; none where there are no rows.
    """
    several = any(view.camera for view in views)
    rows = [((view.camera, *row) if several else row) for view in views for row in rows_of(view.dataset)]
    return [Table(("camera", *head) if several else head, rows)] if rows else []


def spread_table(views: Sequence[View], variables: Sequence[str]) -> list[Table]:
    """Tell median, 5 % and 95 % of variables over `time` and `roi`.

    Parameters
    ----------
    views : sequence of View
        Outcomes of one analysis, one per camera.
    variables : sequence of str
        Names; those that an outcome lacks are left out.

    Returns
    -------
    list of Table
        One table; none where there are no rows.
    """
    return table_of(SPREAD_HEAD, views, lambda dataset: _spreads(dataset, variables))


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
