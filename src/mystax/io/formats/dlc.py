"""DeepLabCut's and Lightning Pose's tables: rows of header, then x, y[, likelihood] per point.

Facts about the layout are those that DeepLabCut (doi 10.1038/s41593-018-0209-y) and Lightning Pose (doi
10.1038/s41592-024-02319-1) document and write.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mystax.core.keypoint_table import KeypointTable, make_table
from mystax.errors import FormatError
from mystax.io.formats.texts import number, numbers_of, read_cells, text_of_cells

__all__ = ["dlc_columns", "read_dlc", "table_of_columns", "write_dlc", "write_lightning_pose"]

LEVELS = ("scorer", "individuals", "bodyparts", "coords")
COORDS = ("x", "y", "likelihood")


def read_dlc(path: Path | str) -> KeypointTable:
    """Read a table of labels (`CollectedData_*.csv`) or of predictions.

    Parameters
    ----------
    path : path
        The file.

    Returns
    -------
    KeypointTable
        Labels if a likelihood is given nowhere and rows are pictures, else predictions.

    Raises
    ------
    RecipeError
        P403, if there is no such file.
    FormatError
        F804, if it is no such table.
    """
    found = dlc_columns(path)
    return table_of_columns(
        Path(path).name, found["levels"], found["columns"], found["index"], found["values"]
    )


def dlc_columns(path: Path | str) -> dict[str, Any]:
    """Read the columns of a DeepLabCut table (`.csv`) with their names, whatever they hold.

    Parameters
    ----------
    path : path
        The file.

    Returns
    -------
    dict
        levels, columns, index and values, as `table_of_columns` takes them.

    Raises
    ------
    RecipeError
        P403, if there is no such file.
    FormatError
        F804, if it is no such table.
    """
    where = Path(path).name
    cells = read_cells(path)
    head: dict[str, list[str]] = {}
    for row in cells[:4]:
        name = row[0].strip().lower()
        if name not in LEVELS:
            break
        head[name] = [cell.strip() for cell in row]
    body = cells[len(head) :]
    if not {"scorer", "bodyparts", "coords"} <= set(head) or not body:
        raise FormatError(
            "F804", where, expected="rows scorer, bodyparts, coords, then data", got=str(list(head))
        )
    n_index = next((k for k in range(1, len(head["coords"])) if head["coords"][k]), 0)
    if n_index not in (1, 3) or len({len(row) for row in head.values()}) != 1:
        raise FormatError("F804", where, "the header is not understood", got=str(head["coords"][:4]))
    columns = [tuple(head[name][k] for name in head) for k in range(n_index, len(head["coords"]))]
    values = numbers_of([row[n_index:] for row in body], len(columns), where)
    index = ["/".join(row[:n_index]) for row in body]
    return {"levels": list(head), "columns": columns, "index": index, "values": values}


def table_of_columns(
    where: str,
    levels: Sequence[str],
    columns: Sequence[Sequence[str]],
    index: Sequence[Any],
    values: np.ndarray,
) -> KeypointTable:
    """Sort columns that are named by scorer, individual, point and coordinate into a table.

    Parameters
    ----------
    where : str
        Name of the file, for messages.
    levels : sequence of str
        What the parts of a column's name are: scorer, [individuals], bodyparts, coords.
    columns : sequence
        Name of each column.
    index : sequence
        Picture or frame number of each row.
    values : array (row, column)
        The numbers.

    Returns
    -------
    KeypointTable
        The table.

    Raises
    ------
    FormatError
        F804, if columns are named otherwise or twice.
    """
    at = {name: k for k, name in enumerate(levels)}
    if not {"bodyparts", "coords"} <= set(at):
        raise FormatError("F804", where, expected="columns named by bodyparts and coords", got=str(levels))
    if any(column[at["coords"]] == "z" for column in columns):
        raise FormatError(
            "F804", where, "it holds points in space, not in a picture", hint="mystax import FILE reads them"
        )
    animals = [column[at["individuals"]] if "individuals" in at else "" for column in columns]
    individuals, names = (
        list(dict.fromkeys(animals)),
        list(dict.fromkeys(c[at["bodyparts"]] for c in columns)),
    )
    shape = (len(values), len(individuals), len(names))
    found = {coord: np.full(shape, np.nan) for coord in COORDS}
    seen: set[tuple[str, ...]] = set()
    for k, (column, animal) in enumerate(zip(columns, animals, strict=True)):
        coord, name = column[at["coords"]], column[at["bodyparts"]]
        if coord not in COORDS:
            continue  # Lightning Pose writes further numbers beside them
        if (animal, name, coord) in seen:
            raise FormatError("F804", where, f"the column {'/'.join(column)} is there twice")
        seen.add((animal, name, coord))
        found[coord][:, individuals.index(animal), names.index(name)] = values[:, k]
    pictures = [str(entry) for entry in index]
    frames = [_frame_of(entry) for entry in pictures]
    is_video = all(frame is not None for frame in frames)
    has_confidence = np.isfinite(found["likelihood"]).any()
    scorer = columns[0][at["scorer"]] if "scorer" in at and columns else ""
    return make_table(
        names,
        np.stack([found["x"], found["y"]], -1),
        where=where,
        confidence=found["likelihood"],
        frame=np.array([frame for frame in frames if frame is not None], np.int64) if is_video else None,
        files=None if is_video else pictures,
        individuals=individuals,
        kind="predictions" if is_video or has_confidence else "labels",
        scorer=scorer,
    )


def _frame_of(entry: str) -> int | None:
    """Return the frame number that an entry of the index is; None if it is something else."""
    text = entry.strip().removesuffix(".0")
    return int(text) if text.isdecimal() else None


def _cells(table: KeypointTable, columns: int) -> list[list[str]]:
    named = table.individuals != ("",)
    predictions = table.kind == "predictions"
    coords = COORDS if predictions else COORDS[:2]
    scorer = table.scorer or "mystax"
    head = [
        (scorer, animal, name, coord)
        for animal in table.individuals
        for name in table.names
        for coord in coords
    ]
    blank = [""] * (columns - 1)
    rows = [
        [level, *blank, *(column[k] for column in head)]
        for k, level in enumerate(LEVELS)
        if named or level != "individuals"
    ]
    for i in range(len(table)):
        numbers: list[str] = []
        for a in range(len(table.individuals)):
            for k in range(len(table.names)):
                numbers += [number(table.position[i, a, k, 0]), number(table.position[i, a, k, 1])]
                if predictions:
                    numbers.append(number(table.confidence[i, a, k]))
        rows.append([*_index_of(table, i, columns), *numbers])
    return rows


def _index_of(table: KeypointTable, row: int, columns: int) -> list[str]:
    if table.frame[row] >= 0:
        return [str(table.frame[row])]
    parts = table.files[row].split("/")
    if columns == 1:
        return [table.files[row]]
    return (
        [*["labeled-data", *parts[:-1][-1:]][-2:], parts[-1]]
        if len(parts) > 1
        else ["labeled-data", "", parts[0]]
    )


def write_dlc(path: Path | str, table: KeypointTable) -> None:
    """Write a DeepLabCut table: pictures in three columns, or frame numbers.

    Parameters
    ----------
    path : path
        The file.
    table : KeypointTable
        Invisible points are written as placed ones; absent ones stay empty.
    """
    columns = 1 if (table.frame >= 0).all() else 3
    Path(path).write_text(text_of_cells(_cells(table, columns)), "utf-8")


def write_lightning_pose(path: Path | str, table: KeypointTable) -> None:
    """Write a Lightning Pose table: the path of the picture, or the frame number, in one column."""
    Path(path).write_text(text_of_cells(_cells(table, 1)), "utf-8")
