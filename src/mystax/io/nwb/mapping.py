"""Which NWB objects an outcome becomes: decided by the role of each variable, every value placed once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.io.layout import Part, inline_form, regular_times
from mystax.io.nwb.naming import Names
from mystax.io.nwb.objects import Column, Picture, Pose, Series, Slab, Table, Timeline
from mystax.io.outcome_parts import OutcomeParts
from mystax.io.provenance import files_of_cameras

if TYPE_CHECKING:
    from xarray import Dataset, Variable
else:
    Dataset = Variable = Any

__all__ = ["DatasetMap", "Mapped", "Object", "Timelines", "map_outcome"]

Object = Series | Table | Picture | Pose

SPATIAL_UNITS = {"px": "pixels", "mm": "millimeters", "rad": "radians", "": "n.a.", "1": "n.a."}
"""Units of places as the inspector of NWB knows them."""

PICTURE_FRAME = "(0,0) = centre of the top left pixel; x right, y down"


class Timelines:
    """Timelines that series share: equal times are one object."""

    def __init__(self) -> None:
        self._known: dict[bytes, Timeline] = {}

    def of(self, times: np.ndarray) -> Timeline:
        """Return the timeline of some times."""
        key = np.ascontiguousarray(times, "<f8").tobytes()
        if key not in self._known:
            every = _all_known(times)
            found = regular_times(every)
            if found is None:
                self._known[key] = Timeline(every)
            else:
                start, period = found
                self._known[key] = Timeline(every, float(start), float(1 / period))
        return self._known[key]


def _all_known(times: np.ndarray) -> np.ndarray:
    """Give frames without a time, as a clock of fewer pulses leaves them, one from their place among all.

    The standard has no place for unknown times; outcomes keep theirs as they are, beside the series.
    """
    known = np.flatnonzero(np.isfinite(times))
    if len(known) < 2 or len(known) == len(times):
        return times
    step = float(np.median(np.diff(times[known]) / np.diff(known)))
    rows = np.arange(len(times))
    filled = np.interp(rows, known, times[known])
    filled -= step * np.maximum(known[0] - rows, 0)
    return np.asarray(filled + step * np.maximum(rows - known[-1], 0))


@dataclass
class Mapped:
    """NWB objects of an outcome, and where each of its variables lies.

    Attributes
    ----------
    objects : list
        What the file gets.
    placed : dict
        Camera and variable to its parts.
    times : dict of str to array
        Times that follow no rule, by the name under which they are kept.
    """

    objects: list[Object] = field(default_factory=list)
    placed: dict[tuple[str, str], list[Part]] = field(default_factory=dict)
    times: dict[str, np.ndarray] = field(default_factory=dict)


class DatasetMap:
    """The mapping of one dataset at work: what is not placed yet, and how its objects are called.

    Parameters
    ----------
    parts : OutcomeParts
        The outcome.
    camera : str
        The dataset of it.
    words : tuple of str
        Words that end all its names: camera and recording, where there are several.
    """

    def __init__(
        self,
        parts: OutcomeParts,
        camera: str,
        words: tuple[str, ...],
        names: Names,
        timelines: Timelines,
        mapped: Mapped,
    ) -> None:
        self.analysis, self.camera, self.words = parts.analysis, camera, words
        self.parameters = str(parts.attributes.get("parameters", "{}"))
        named = list(files_of_cameras(parts.attributes))
        self.filmed_by = camera or (named[0] if len(named) == 1 else "")
        self.dataset = parts.cameras[camera]
        self.names, self.mapped = names, mapped
        self._timelines = timelines
        self.left = {
            str(name): item
            for name, item in self.dataset.variables.items()
            if inline_form(str(name), item) is None
        }

    # ---- facts

    def has(self, *names: str) -> bool:
        """Tell whether all these variables wait for a place."""
        return all(name in self.left for name in names)

    def variable(self, name: str) -> Variable:
        """Return a variable."""
        return self.dataset.variables[name]

    def labels(self, dim: str) -> list[str]:
        """Return the texts of a dimension; its numbers where it has none."""
        if dim in self.dataset.variables:
            return [str(value) for value in self.variable(dim).values]
        return [str(k) for k in range(self.dataset.sizes[dim])]

    @property
    def timeline(self) -> Timeline:
        """Times of the rows."""
        return self._timelines.of(np.asarray(self.variable("time").values, np.float64))

    def about(self, name: str, dims: Sequence[str] = ()) -> str:
        """Describe a variable in one or two sentences."""
        item = self.variable(name)
        text = str(item.attrs.get("long_name", "")) or f"{name.replace('_', ' ')} of {self.analysis}."
        if name == "missing" or "flag_meanings" in item.attrs:
            text += f" Values: {item.attrs.get('flag_meanings', '')}"
        axes = []
        for dim in dims:
            known = self.labels(dim) if dim in self.dataset.variables else []
            axes.append(f"{dim} ({', '.join(known)})" if 0 < len(known) <= 12 else dim)
        return f"{text} Axes: {', '.join(axes)}." if axes else text

    def unit(self, name: str) -> str:
        """Return the unit of a variable."""
        return str(self.variable(name).attrs.get("units", "")) or "n.a."

    # ---- placing

    def slab(self, name: str, first: str, **at: int) -> Slab:
        """Take a part of a variable, one dimension first."""
        item = self.variable(name)
        places = tuple(at.get(str(dim)) for dim in item.dims)
        free = [str(dim) for dim in item.dims if str(dim) not in at]
        k = free.index(first)
        order = (k, *(j for j in range(len(free)) if j != k)) if k else None
        return Slab(item, self.camera, name, places, order)

    def place(self, slab: Slab, path: str) -> None:
        """Note where a part lies."""
        if slab.change is None:
            self.mapped.placed.setdefault((slab.camera, slab.name), []).append(slab.part(path))
            self.left.pop(slab.name, None)

    def series(
        self, name: str, slab: Slab, *, holder: tuple[str, str] = ("", ""), unit: str = "", frame: str = ""
    ) -> None:
        """Add a series."""
        dims = [str(dim) for dim, at in zip(slab.variable.dims, slab.at, strict=True) if at is None]
        dims = dims if slab.order is None else [dims[k] for k in slab.order]
        text = self.about(slab.name, dims if len(dims) > 1 else ())
        made = Series(name, holder, slab, self.timeline, unit or self.unit(slab.name), text, frame)
        self.mapped.objects.append(made)
        self.place(slab, made.path)

    def table(self, table: Table) -> None:
        """Add a table."""
        self.mapped.objects.append(table)
        for column in table.columns:
            if column.slab is not None:
                self.place(column.slab, table.path(column))

    def picture(self, name: str, slab: Slab) -> None:
        """Add a picture."""
        text = f"{self.about(slab.name)} Rows are y, columns are x; unit {self.unit(slab.name)}."
        made = Picture(name, slab, text)
        self.mapped.objects.append(made)
        self.place(slab, made.path)

    def column(self, name: str, variable: str, first: str, **at: int) -> Column:
        """Make a column of a part of a variable; what stands in the manifest is only shown."""
        item = self.variable(variable)
        if inline_form(variable, item) is not None:
            return Column(name, self.about(variable), values=np.asarray(item.values))
        slab = self.slab(variable, first, **at)
        more = [str(dim) for dim in slab.variable.dims if str(dim) not in at and str(dim) != first]
        text = self.about(variable, [first, *more] if more else ())
        unit = self.unit(variable)
        return Column(name, text if unit == "n.a." else f"{text} Unit: {unit}.", slab)

    def other_columns(self, dim: str, taken: Sequence[str]) -> list[Column]:
        """Make columns of what stands in the manifest only: texts and counts along a dimension."""
        made = []
        for name, item in self.dataset.variables.items():
            if item.dims != (dim,) or str(name) in taken or inline_form(str(name), item) is None:
                continue
            if item.dtype.kind in "UOT":
                texts = tuple(str(text) for text in item.values)
                if not any("{" in text for text in texts):  # a dictionary in a cell is bad practice
                    made.append(Column(str(name), self.about(str(name)), texts=texts))
            else:
                made.append(Column(str(name), self.about(str(name)), values=np.asarray(item.values)))
        return made


# ---------------------------------------------------------------- what any variable becomes


def _holder(here: DatasetMap, name: str) -> tuple[str, str]:
    """Return the container of a series."""
    if here.analysis == "pupil":
        is_place = "space" in here.variable(name).dims
        return ("EyeTracking", "EyeTracking") if is_place else ("PupilTracking", "PupilTracking")
    if here.analysis == "motion":
        return ("BehavioralTimeSeries", "motion")
    if any(f"{dim}_unit" in here.dataset.variables for dim in here.variable(name).dims):
        return ("BehavioralTimeSeries", f"{here.analysis}_{name}")
    return ("", "")


def split_series(here: DatasetMap, name: str) -> None:
    """Make series of a variable over time: one per region, and one per column that has a unit of its own."""
    dims = [str(dim) for dim in here.variable(name).dims]
    split = [dim for dim in dims if dim == "roi" or f"{dim}_unit" in here.dataset.variables]
    holder = _holder(here, name)
    is_place = holder[0] == "EyeTracking"
    for at in _places(here, split):
        words = [
            here.labels(dim)[k] for dim, k in at.items() if dim != "roi" or here.dataset.sizes["roi"] > 1
        ]
        unit = here.unit(name)
        for dim, k in at.items():
            if f"{dim}_unit" in here.dataset.variables:
                unit = str(here.variable(f"{dim}_unit").values[k]) or "n.a."
        here.series(
            here.names.fresh(here.analysis, name, *words, *here.words),
            here.slab(name, "time", **at),
            holder=holder if not holder[1] else (holder[0], _container(here, holder[1])),
            unit=SPATIAL_UNITS.get(unit, "n.a.") if is_place else unit,
            frame=PICTURE_FRAME if is_place else "",
        )


def _container(here: DatasetMap, name: str) -> str:
    """Return the name of a container, which series of all cameras and recordings share."""
    return here.names.once(name)


def _validity(here: DatasetMap) -> None:
    """Say which rows are good, where there are numbers that cannot be NaN."""
    whole = [n for n, item in here.left.items() if "time" in item.dims and item.dtype.kind in "iu"]
    if here.has("missing") and set(whole) - {"missing"}:
        slab = replace(here.slab("missing", "time"), change=is_good)
        here.series(here.names.fresh(here.analysis, "valid", *here.words), slab)


def is_good(missing: np.ndarray) -> np.ndarray:
    """Return whether frames are good, from why they are missing."""
    return np.asarray(missing == 0)


def _places(here: DatasetMap, dims: Sequence[str]) -> list[dict[str, int]]:
    """List all places on some dimensions."""
    found: list[dict[str, int]] = [{}]
    for dim in dims:
        found = [{**at, dim: k} for at in found for k in range(here.dataset.sizes[dim])]
    return found


def _rest(here: DatasetMap) -> None:
    """Place whatever no role has taken: series, pictures, tables by the first dimension."""
    _validity(here)
    if "time" in here.dataset.variables:
        for name in [name for name, item in here.left.items() if "time" in item.dims and name != "time"]:
            split_series(here, name)
    for name in [name for name, item in here.left.items() if item.dims[-2:] == ("y", "x")]:
        dims = [str(dim) for dim in here.variable(name).dims[:-2]]
        if dims in ([], ["roi"]):
            for at in _places(here, dims):
                words = [here.labels(dim)[k] for dim, k in at.items()]
                here.picture(
                    here.names.fresh(here.analysis, name, *words, *here.words), here.slab(name, "y", **at)
                )
    by_dim: dict[str, list[str]] = {}
    for name, item in here.left.items():
        if name != "time":
            by_dim.setdefault(str(item.dims[0]), []).append(name)
    for dim, names in by_dim.items():
        title = f"{here.analysis}_rois" if dim == "roi" else f"{here.analysis}_by_{dim}"
        table_of(here, title, dim, names)


def table_of(here: DatasetMap, name: str, dim: str, variables: Sequence[str], *, text: str = "") -> None:
    """Make a table with a row per entry of a dimension, of all these variables and the texts along it."""
    columns = [here.column(variable, variable, dim) for variable in variables]
    columns = [*here.other_columns(dim, variables), *columns]
    text = text or f"{here.analysis}: one row per {dim.replace('_', ' ')}."
    here.table(Table(here.names.fresh(name, *here.words), text, here.dataset.sizes[dim], columns))


# ---------------------------------------------------------------- all of an outcome


Role = Callable[[DatasetMap], None]


def map_outcome(
    parts: OutcomeParts,
    roles: Mapping[str, Role],
    names: Names,
    timelines: Timelines,
    recording: str = "",
) -> Mapped:
    """Decide which objects an outcome becomes.

    Parameters
    ----------
    parts : OutcomeParts
        The outcome.
    roles : mapping of str to callable
        Analysis to what is special about it.
    names : Names
        Of this file.
    timelines : Timelines
        Of this file.
    recording : str, optional
        Word for the recording, where the file holds several.

    Returns
    -------
    Mapped
        Objects, and the place of every variable.
    """
    mapped = Mapped()
    several = len(parts.cameras) > 1
    for camera in parts.cameras:
        word = (camera or "all-cameras") if several else ""
        here = DatasetMap(parts, camera, (word, recording), names, timelines, mapped)
        if parts.analysis in roles:
            roles[parts.analysis](here)
        _rest(here)
        if "time" in here.left:
            name = names.fresh("mystax_time", parts.analysis, word, recording)
            times = here.variable("time")
            mapped.times[name] = np.asarray(times.values)
            mapped.placed[camera, "time"] = [Part(f"scratch/{name}", (None,))]
    return mapped
