"""DeepLabCut's tables of points in space, `*_DLC_3D.csv` and `.h5`: columns end in x, y and z.

Facts about the layout are those of DeepLabCut's files (Nath 2019, doi:10.1038/s41596-019-0176-0).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mystax.core.typing import Float, Int64
from mystax.errors import FormatError
from mystax.io.foreign import read_foreign
from mystax.io.formats.dlc import dlc_columns
from mystax.io.formats.dlc_h5 import write_dlc_frame
from mystax.io.formats.texts import short_number, text_of_cells

__all__ = ["DlcPoints", "dlc_points_text", "is_dlc_points", "read_dlc_points", "write_dlc_points_h5"]

AXES = ("x", "y", "z")
SCORER = "DLC_3D"
HEAD = 1 << 16


@dataclass(frozen=True, eq=False)
class DlcPoints:
    """Points in space of all frames.

    Attributes
    ----------
    names : tuple of str
        Names of the points.
    individuals : tuple of str
        Names of the animals; ``("",)`` where the file names none.
    position : array (time, individual, keypoint, space)
        Places in the file's own frame and unit; NaN where not known.
    frame : array (time,)
        Numbers of the frames.
    """

    names: tuple[str, ...]
    individuals: tuple[str, ...]
    position: Float[np.ndarray, "time individual keypoint space"]
    frame: Int64[np.ndarray, " time"]


def is_dlc_points(path: Path | str, *, hdf5: bool) -> bool:
    """Tell whether a table of DeepLabCut holds places in space.

    Parameters
    ----------
    path : path
        A table of DeepLabCut.
    hdf5 : bool
        Whether it is the HDF5 file, not the CSV file.

    Returns
    -------
    bool
        True if there is a coordinate z.
    """
    if hdf5:
        found = read_foreign(path, "dlc_h5")
        return _has_depth(found)
    with Path(path).open("rb") as stream:
        text = stream.read(HEAD).decode("utf-8", "replace").lstrip("\ufeff")
    lines = [line.split(",") for line in text.splitlines()[:5]]
    rows = [cells for cells in lines if cells[0].strip().lower() == "coords"]
    return bool(rows) and "z" in [cell.strip() for cell in rows[0][1:]]


def _has_depth(found: Mapping[str, Any]) -> bool:
    if "coords" not in found["levels"]:
        return False
    at = found["levels"].index("coords")
    return any(column[at] == "z" for column in found["columns"])


def read_dlc_points(path: Path | str, *, hdf5: bool) -> DlcPoints:
    """Read DeepLabCut's table of points in space; pickled attributes run nothing.

    Parameters
    ----------
    path : path
        The file.
    hdf5 : bool
        Whether it is the HDF5 file, not the CSV file.

    Returns
    -------
    DlcPoints
        Places as they are stored.

    Raises
    ------
    RecipeError
        P403, if there is no such file.
    FormatError
        F801-F804, if it is refused: a coordinate is missing, a column is there twice, rows are no frames.
    """
    where = Path(path).name
    found = read_foreign(path, "dlc_h5") if hdf5 else dlc_columns(path)
    levels: list[str] = list(found["levels"])
    if not {"bodyparts", "coords"} <= set(levels) or not _has_depth(found):
        raise FormatError("F804", where, expected="columns of bodyparts with x, y and z", got=str(levels))
    frame = _frames(found["index"], where)
    at = {name: k for k, name in enumerate(levels)}
    animals = [column[at["individuals"]] if "individuals" in at else "" for column in found["columns"]]
    names = list(dict.fromkeys(column[at["bodyparts"]] for column in found["columns"]))
    individuals = list(dict.fromkeys(animals))
    position = np.full((len(frame), len(individuals), len(names), 3), np.nan)
    seen: set[tuple[str, str, str]] = set()
    for k, (column, animal) in enumerate(zip(found["columns"], animals, strict=True)):
        name, axis = column[at["bodyparts"]], column[at["coords"]]
        if axis not in AXES:
            continue  # a likelihood, in some versions
        if (animal, name, axis) in seen:
            raise FormatError("F804", where, f"the column {'/'.join(column)} is there twice")
        seen.add((animal, name, axis))
        position[:, individuals.index(animal), names.index(name), AXES.index(axis)] = found["values"][:, k]
    named = {(animal, name) for animal, name, _ in seen}
    if len(seen) != 3 * len(named):
        raise FormatError("F804", where, expected="x, y and z of every point", got=f"{len(seen)} columns")
    position[np.isinf(position).any(axis=3)] = np.nan
    return DlcPoints(tuple(names), tuple(individuals), position, frame)


def _frames(index: Sequence[Any], where: str) -> Int64[np.ndarray, " time"]:
    try:
        frame = np.array([int(float(entry)) for entry in index], np.int64)
    except (ValueError, OverflowError) as error:
        raise FormatError("F804", where, f"a row is no frame of a video ({error})") from error
    if not len(frame) or (np.diff(frame) <= 0).any() or frame[0] < 0:
        raise FormatError("F804", where, expected="frames in rising order", got=f"{len(frame)} rows")
    return frame


def _levels(points: DlcPoints) -> list[tuple[str, list[str]]]:
    named = points.individuals != ("",)
    return [
        ("scorer", [SCORER]),
        *([("individuals", list(points.individuals))] if named else []),
        ("bodyparts", list(points.names)),
        ("coords", list(AXES)),
    ]


def dlc_points_text(points: DlcPoints) -> str:
    """Return the text of DeepLabCut's table of points in space (`*_DLC_3D.csv`)."""
    levels = _levels(points)
    codes = np.indices([len(entries) for _, entries in levels]).reshape(len(levels), -1)
    head = [[name, *(entries[k] for k in code)] for (name, entries), code in zip(levels, codes, strict=True)]
    values = points.position.reshape(len(points.frame), -1)
    rows = [[str(k), *map(short_number, row)] for k, row in zip(points.frame, values, strict=True)]
    return text_of_cells([*head, *rows])


def write_dlc_points_h5(path: Path | str, points: DlcPoints) -> None:
    """Write DeepLabCut's table of points in space as HDF5 that `pandas.read_hdf` loads.

    Parameters
    ----------
    path : path
        The file; one that exists is replaced.
    points : DlcPoints
        The points.
    """
    values = points.position.reshape(len(points.frame), -1).astype(np.float64)
    write_dlc_frame(path, _levels(points), values, points.frame)
