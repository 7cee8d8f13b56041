"""Outcomes as CSV or Parquet tables: a row per time, a column per number, all else beside it.

::

    <analysis>[.<camera>].csv                a row per frame: time, frame, <variable>[.<coordinate>...]
    <analysis>[.<camera>].<dimension>.csv    a row per entry: events and bouts have start and stop
    <analysis>[.<camera>].<variable>.npy     pictures and masks
    <analysis>.json                          units, dimensions, types, provenance, and what lies where
"""

import csv
import io
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.core.extras import require
from mystax.core.safe_names import safe_name
from mystax.errors import ParameterError, nearest
from mystax.io.layout import Part, describe, inline_form, numbers_text
from mystax.io.outcome_parts import OutcomeParts
from mystax.io.recorded import Recorded
from mystax.io.whole_files import refuse_existing, whole_file, write_whole

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = ["FORMS", "KEY", "check_tables", "write_tables"]

FORMS = ("csv", "parquet")
LAST = ("space", "cov", "component")
"""Dimensions whose labels end the name of a column."""
ROWS = 4096
MOST_COLUMNS = 1024
"""A variable without time that would need more columns is kept as an array."""
KEY = "mystax"
"""Name of the JSON in the metadata of a Parquet file, and of its number of the form."""
FORMULA = ("=", "+", "-", "@")
"""First signs that spreadsheets take for a formula."""


def check_tables(form: str) -> None:
    """Check that tables of a form can be written here.

    Raises
    ------
    ParameterError
        P401, for an unknown form.
    ExtraMissing
        X001, if Parquet needs pyarrow, which is not installed.
    """
    if form not in FORMS:
        raise ParameterError("P401", "format of tables", f"there is no {form!r}{nearest(form, FORMS)}")
    if form == "parquet":
        require("pyarrow", "interop")


@dataclass
class _Sheet:
    """One table in the making: names, and a function per column that gives rows start..stop."""

    name: str
    n_rows: int
    names: list[str] = field(default_factory=list)
    columns: list[Callable[[int, int], np.ndarray]] = field(default_factory=list)

    def add(self, name: str, column: Callable[[int, int], np.ndarray]) -> None:
        """Add a column; a name that is taken gets a number."""
        unique, number = name, 2
        while unique in self.names:
            unique, number = f"{name}-{number}", number + 1
        self.names.append(unique)
        self.columns.append(column)


@dataclass
class _Files:
    """What one outcome becomes: sheets, pictures, and where each variable lies."""

    sheets: list[_Sheet] = field(default_factory=list)
    pictures: dict[str, np.ndarray] = field(default_factory=dict)
    placed: dict[tuple[str, str], list[Part]] = field(default_factory=dict)


def write_tables(
    folder: Path, recordings: Sequence[Recorded], form: str, *, overwrite: bool = False
) -> list[Path]:
    """Write outcomes as tables.

    Parameters
    ----------
    folder : Path
        Where they go; several recordings get a folder each.
    recordings : sequence of Recorded
        The outcomes.
    form : {"csv", "parquet"}
        Format of the tables.
    overwrite : bool, optional
        Replace files of the same names.

    Returns
    -------
    list of Path
        The files.

    Raises
    ------
    ParameterError, ExtraMissing
        As `check_tables`.
    RecipeError
        P403, if a file exists.
    SpaceError, StoreError
        S501, S503, as the disk refuses.
    """
    check_tables(form)
    jobs: list[tuple[Path, OutcomeParts, _Files, str]] = []
    for one in recordings:
        place = folder / safe_name(one.name) if len(recordings) > 1 else folder
        for parts in one.outcomes.values():
            files = _lay_out(parts, form)
            about = {"recording": one.name, "recipe": one.recipe, "tables": _about(files, form)}
            text = numbers_text({KEY: 1, "outcomes": [describe(parts, files.placed, about)]})
            jobs.append((place, parts, files, text))
    targets = [path for place, parts, files, _ in jobs for path in _targets(place, parts, files, form)]
    refuse_existing(targets, overwrite)
    for place, parts, files, text in jobs:
        for name, values in files.pictures.items():
            buffer = io.BytesIO()
            np.save(buffer, np.ascontiguousarray(values), allow_pickle=False)
            write_whole(place / name, buffer.getvalue())
        for sheet in files.sheets:
            with whole_file(place / f"{sheet.name}.{form}") as part:
                (_write_csv if form == "csv" else _write_parquet)(part, sheet, text)
        write_whole(place / f"{parts.analysis}.json", text.encode())
    return targets


def _targets(place: Path, parts: OutcomeParts, files: _Files, form: str) -> list[Path]:
    tables = [place / f"{sheet.name}.{form}" for sheet in files.sheets]
    return [*tables, *(place / name for name in files.pictures), place / f"{parts.analysis}.json"]


def _about(files: _Files, form: str) -> dict[str, list[str]]:
    """Name the columns of each table, for readers that want them."""
    return {f"{sheet.name}.{form}": sheet.names for sheet in files.sheets}


def _lay_out(parts: OutcomeParts, form: str) -> _Files:
    """Decide which tables an outcome becomes."""
    files = _Files()
    for camera, dataset in parts.cameras.items():
        word = safe_name(camera or "all_cameras") if len(parts.cameras) > 1 else ""
        stem = ".".join(part for part in (parts.analysis, word) if part)
        _lay_out_camera(files, camera, dataset, stem, form)
    return files


def _lay_out_camera(files: _Files, camera: str, dataset: Dataset, stem: str, form: str) -> None:
    by_dim: dict[str, list[str]] = {}
    for name, item in dataset.variables.items():
        dims = [str(dim) for dim in item.dims]
        if not dims or not item.size:
            continue  # stands in the JSON
        if dims[-2:] == ["y", "x"] or ("time" not in dims and item.size > MOST_COLUMNS * item.shape[0]):
            title = f"{stem}.{name}.npy"
            files.pictures[title] = np.asarray(item.values)
            files.placed[camera, str(name)] = [Part(title, (None,) * item.ndim)]
            continue
        by_dim.setdefault("time" if "time" in dims else dims[0], []).append(str(name))
    for dim, names in by_dim.items():
        if dim != "time" and all(dataset.variables[name].dtype.kind in "UOT" for name in names):
            continue  # labels only: they name columns
        sheet = _Sheet(stem if dim == "time" else f"{stem}.{dim}", dataset.sizes[dim])
        for name in sorted(names, key=lambda text: _rank(text, dim)):
            _add_variable(files, sheet, camera, dataset, name, dim, form)
        files.sheets.append(sheet)


def _rank(name: str, dim: str) -> tuple[int, str]:
    """Sort times first, then starts and stops, then the rest by name."""
    first = ("time", "frame", dim, f"{dim}_start", f"{dim}_stop")
    return (first.index(name), "") if name in first else (len(first), name)


def _add_variable(
    files: _Files, sheet: _Sheet, camera: str, dataset: Dataset, name: str, dim: str, form: str
) -> None:
    """Add the columns of a variable."""
    item = dataset.variables[name]
    axis = item.dims.index(dim)
    others = [str(other) for other in item.dims if other != dim]
    order = (axis, *(k for k in range(item.ndim) if k != axis)) if axis else None
    title = name.removeprefix(f"{dim}_") if name in (f"{dim}_start", f"{dim}_stop") else name
    first = len(sheet.names)
    labels = [_labels(dataset, other) for other in others]
    shown = sorted(
        (k for k, other in enumerate(others) if other != "individual" or dataset.sizes[other] > 1),
        key=lambda k: others[k] in LAST,
    )
    held = item.values if item.size * item.dtype.itemsize <= 64 << 20 else None
    for place in itertools.product(*(range(dataset.sizes[other]) for other in others)):
        words = [labels[k][place[k]] for k in shown]
        sheet.add(".".join([title, *words]), _column(item, held, dim, dict(zip(others, place, strict=True))))
    if inline_form(name, item) is None:
        shape = "x".join(str(n) for n in (item.shape if order is None else [item.shape[k] for k in order]))
        path = f"{sheet.name}.{form}#{first}:{item.dtype.newbyteorder('<').str}:{shape}"
        files.placed[camera, name] = [Part(path, (None,) * item.ndim, order)]


def _column(
    item: Any, held: np.ndarray | None, dim: str, at: Mapping[str, int]
) -> Callable[[int, int], np.ndarray]:
    """Return a function that gives rows of one column."""

    def rows(start: int, stop: int) -> np.ndarray:
        index = tuple(slice(start, stop) if other == dim else at[str(other)] for other in item.dims)
        return np.asarray(item[index].values if held is None else held[index])

    return rows


def _labels(dataset: Dataset, dim: str) -> list[str]:
    n = dataset.sizes[dim]
    if dim in dataset.variables and dataset.variables[dim].dtype.kind in "UOTi":
        return [str(value) for value in dataset.variables[dim].values]
    width = max(3, len(str(n - 1))) if dim == "component" else 1
    return [str(k).zfill(width) for k in range(n)]


def _texts(values: np.ndarray) -> list[str]:
    """Write values such that they are read back as they are; NaN is empty."""
    if values.dtype.kind in "UOT":
        found = [str(text) for text in values]
        return [f"'{text}" if text.startswith(FORMULA) else text for text in found]
    if values.dtype.kind != "f":
        return [str(int(value)) for value in values.tolist()]
    texts = (
        [repr(value) for value in values.tolist()] if values.itemsize == 8 else values.astype(str).tolist()
    )
    return ["" if text == "nan" else text for text in texts]


def _write_csv(part: Path, sheet: _Sheet, _: str) -> None:
    with part.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(sheet.names)
        for start in range(0, sheet.n_rows, ROWS):
            stop = min(start + ROWS, sheet.n_rows)
            writer.writerows(zip(*(_texts(column(start, stop)) for column in sheet.columns), strict=True))


def _write_parquet(part: Path, sheet: _Sheet, text: str) -> None:
    pa = require("pyarrow", "interop")
    pq = require("pyarrow.parquet", "interop")
    arrays = []
    for column in sheet.columns:
        values = column(0, sheet.n_rows)
        is_text = values.dtype.kind in "UOT"
        arrays.append(pa.array([str(one) for one in values] if is_text else np.ascontiguousarray(values)))
    table = pa.Table.from_arrays(arrays, names=sheet.names)
    pq.write_table(table.replace_schema_metadata({KEY: text}), str(part), compression="zstd")
