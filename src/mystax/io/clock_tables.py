"""Columns of numbers out of foreign files: text tables, NumPy, MATLAB, HDF5."""

import csv
import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np

from mystax.core.safe_names import is_there
from mystax.core.typing import Shaped
from mystax.errors import ClockError, FormatError, nearest
from mystax.io.foreign import read_foreign
from mystax.io.npy_files import read_npy

__all__ = [
    "EMPTY",
    "KIND_OF_SUFFIX",
    "TIME_NAMES",
    "Column",
    "read_column",
    "read_matlab_variable",
    "read_npz",
]

SNIFFED = 1 << 16
MAX_TEXT = 1 << 30
MAX_DIGITS = 18
TIME_NAMES = ("timestamp", "time", "t", "seconds", "systime")
"""Names by which a column of times is known without being asked for."""
EMPTY = ("", "na", "n/a", "nan", "null")
"""Words, in small letters, for a number that is missing."""
KIND_OF_SUFFIX = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".dat": "csv",
    ".npy": "npy",
    ".npz": "npz",
    ".mat": "mat",
    ".h5": "h5",
    ".hdf5": "h5",
    ".nwb": "h5",
    ".nc": "h5",
}
MAX_INFLATION = 1000
"""A small archive may claim this many times its size, ..."""
MUCH, MUCH_INFLATION = 1 << 27, 20
"""... but where that is more than this many bytes, only this many times its size."""


@dataclass(frozen=True, eq=False)
class Column:
    """One column of a file.

    Attributes
    ----------
    values : array (row,)
        int64, float64 or bool; texts (objects) where a cell is no number.
    where : str
        File and column, for messages.
    """

    values: Shaped[np.ndarray, " row"]
    where: str

    @property
    def is_text(self) -> bool:
        """Whether the column holds texts."""
        return self.values.dtype.kind in "OU"


def read_column(path: Path, kind: str, name: str = "") -> Column:
    """Read one column of a file.

    Parameters
    ----------
    path : Path
        The file.
    kind : {"csv", "npy", "npz", "mat", "h5"}
        Its format.
    name : str, optional
        Column by name or 0-based number, key, variable (``a.b`` for a field), or path in the file.

    Returns
    -------
    Column
        Its values.

    Raises
    ------
    ClockError
        C206, if there is no such column, the choice is open, or it is not one row of numbers.
    FormatError
        F801-F804, if the file is not safe to read or not of its format.
    """
    if not is_there(path):
        raise ClockError("C206", str(path), expected="a file", got="none")
    readers = {"csv": _read_text, "npy": _read_array, "npz": _read_npz, "mat": _read_mat, "h5": _read_h5}
    try:
        return readers[kind](path, name)
    except OSError as error:
        raise ClockError("C206", str(path), f"the file cannot be read ({error.strerror})") from error


def _only_row(values: np.ndarray, where: str) -> np.ndarray:
    """Return a 1-D (or 1 x n) array of numbers or texts as int64, float64, bool or objects."""
    flat = values.reshape(-1) if values.ndim and values.size == max(values.shape) else np.squeeze(values)
    if flat.ndim > 1:
        raise ClockError(
            "C206",
            where,
            "which column holds the times?",
            expected="one row of numbers",
            got=f"shape {values.shape}",
        )
    flat = np.atleast_1d(flat)
    if flat.dtype.kind == "u" and flat.dtype.itemsize == 8 and flat.size and int(flat.max()) >= 2**63:
        raise ClockError("C206", where, expected="numbers below 2^63", got=str(int(flat.max())))
    if flat.dtype.kind in "iu":
        return flat.astype(np.int64)
    if flat.dtype.kind == "f":
        return flat.astype(np.float64)
    if flat.dtype.kind in "bOU":
        return flat
    if flat.dtype.kind == "S":
        return flat.astype(np.str_)
    raise ClockError("C206", where, expected="numbers", got=str(values.dtype))


def _read_array(path: Path, name: str) -> Column:
    """Read an `.npy` file: one row, or a named or numbered column."""
    return _of_array(read_npy(path), path.name, name)


def _of_array(values: np.ndarray, where: str, name: str) -> Column:
    if values.dtype.names:
        if name not in values.dtype.names:
            raise _no_column(where, name, values.dtype.names)
        return Column(_only_row(values[name], f"{where}:{name}"), f"{where}:{name}")
    if not name or (name == "0" and values.ndim == 1):
        return Column(_only_row(values, where), where)
    if values.ndim != 2 or not name.isdecimal() or int(name) >= values.shape[1]:
        raise ClockError(
            "C206", where, expected=f"an array with a column {name}", got=f"an array of shape {values.shape}"
        )
    return Column(_only_row(values[:, int(name)], where), f"{where}:{name}")


def read_npz(path: Path, name: str) -> Shaped[np.ndarray, "..."]:
    """Read one array of an `.npz` file, whose members are checked before they are inflated.

    Parameters
    ----------
    path : Path
        The file.
    name : str
        Key of the array.

    Returns
    -------
    array
        Its numbers or texts.

    Raises
    ------
    ClockError
        C206, if there is no such key.
    FormatError
        F801, if it holds pickled objects; F802, if it claims too much; F804, if the file is no archive.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            keys = [member.removesuffix(".npy") for member in archive.namelist()]
            if name not in keys:
                raise _no_column(path.name, name, keys)
            info = archive.getinfo(archive.namelist()[keys.index(name)])
            size = path.stat().st_size
            most = min(MAX_INFLATION * max(size, 1), max(MUCH, MUCH_INFLATION * size))
            if info.file_size > most:
                raise FormatError(
                    "F802",
                    f"{path.name}:{name}",
                    expected=f"at most {most} bytes",
                    got=f"{info.file_size}",
                )
            with archive.open(info) as member:
                content = member.read(info.file_size + 1)
        return np.asarray(np.lib.format.read_array(io.BytesIO(content), allow_pickle=False))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise FormatError("F804", path.name, f"the file cannot be read as npz ({error})") from error
    except (ValueError, MemoryError) as error:
        code = "F801" if "allow_pickle" in str(error) else "F802"
        raise FormatError(code, f"{path.name}:{name}", f"the array cannot be read ({error})") from error


def _read_npz(path: Path, name: str) -> Column:
    """Read one row of numbers of an `.npz` file."""
    return Column(_only_row(read_npz(path, name), f"{path.name}:{name}"), f"{path.name}:{name}")


def _read_mat(path: Path, name: str) -> Column:
    """Read a variable of a MATLAB file: up to v7.2 its own format, v7.3 HDF5."""
    from mystax.io.guarded import is_hdf5

    if is_hdf5(path):
        return _read_h5(path, "/" + name.replace(".", "/"))
    values = read_foreign(path, "matlab_variable", options={"name": name})
    return Column(_only_row(np.asarray(values), f"{path.name}:{name}"), f"{path.name}:{name}")


def read_matlab_variable(path: str, name: str) -> Shaped[np.ndarray, "..."]:
    """Read a variable, or a field ``a.b`` of a struct, of a MATLAB file up to v7.2.

    Parameters
    ----------
    path : str
        The file.
    name : str
        Variable, with fields behind points.

    Returns
    -------
    array
        Its numbers.

    Raises
    ------
    FormatError
        F804, if the file is not MATLAB's or there is no such variable.
    """
    from scipy.io import loadmat, whosmat

    where = Path(path).name
    root, *fields = name.split(".")
    try:
        known = [entry[0] for entry in whosmat(path)]
        if root not in known:
            raise FormatError("F804", where, f"there is no variable {root!r}{nearest(root, known)}")
        value = loadmat(path, variable_names=[root], squeeze_me=True, struct_as_record=False)[root]
    except (OSError, ValueError, TypeError, KeyError, NotImplementedError) as error:
        raise FormatError("F804", where, f"the file cannot be read as MATLAB ({error})") from error
    for field in fields:
        names = list(getattr(value, "_fieldnames", ()))
        if field not in names:
            raise FormatError(
                "F804", where, f"there is no field {field!r} in {name!r}{nearest(field, names)}"
            )
        value = getattr(value, field)
    values = np.asarray(value)
    if values.dtype.kind not in "biuf":
        raise FormatError("F804", f"{where}:{name}", expected="numbers", got=str(values.dtype))
    return values


def _read_h5(path: Path, name: str) -> Column:
    """Read a dataset of an HDF5 file in a child process."""
    values = np.asarray(read_foreign(path, "hdf5", options={"name": name}))
    return Column(_only_row(values, f"{path.name}:{name}"), f"{path.name}:{name}")


def _no_column(where: str, name: str, known: Sequence[str]) -> ClockError:
    shown = ", ".join(repr(column) for column in known[:40])
    return ClockError(
        "C206",
        where,
        f"there is no column {name!r}{nearest(name, known)}" if name else "which column holds the times?",
        got=f"columns {shown}" if shown else "no columns",
        hint="name one, as in csv:FILE:COLUMN",
    )


def _read_text(path: Path, name: str) -> Column:
    """Read a column of a text table: delimiter and header are found out, the column by name or number."""
    size = path.stat().st_size
    if size > MAX_TEXT:
        raise ClockError("C206", path.name, expected="at most 1 GiB of text", got=f"{size} bytes")
    text = path.read_bytes().decode("utf-8-sig", "replace")
    if "\x00" in text[:SNIFFED]:
        raise ClockError("C206", path.name, expected="a text table", got="binary data")
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    try:
        rows = _split(lines)
    except csv.Error as error:
        raise ClockError(
            "C206", path.name, expected="a table", got=f"a text that is none ({error})"
        ) from error
    if not rows:
        raise ClockError("C206", path.name, expected="a table", got="an empty file")
    header = _header(rows)
    names = [cell.strip() for cell in rows[0]] if header else [str(k) for k in range(len(rows[0]))]
    body = rows[1:] if header else rows
    place = _choose(path.name, names, body, name)
    cells = [row[place].strip() if place < len(row) else "" for row in body]
    while cells and not cells[-1]:
        cells.pop()  # columns of different length end in empty cells
    return Column(_numbers(cells), f"{path.name}:{names[place]}")


def _split(lines: list[str]) -> list[list[str]]:
    """Split lines at tab, semicolon, comma or blanks: the first of these that cuts all lines alike."""
    sample = lines[:50]
    for mark in "\t;,":
        counts = {len(row) for row in csv.reader(sample, delimiter=mark)}
        if len(counts) == 1 and counts != {1}:
            return [*csv.reader(lines, delimiter=mark)]
    # a mark in the first line says more than equal counts (columns may end early)
    for mark in "\t;,":
        if sample and mark in sample[0]:
            return [*csv.reader(lines, delimiter=mark)]
    if any(_is_number(line.strip()) or _is_date(line.strip()) for line in sample[1:2] or sample):
        return [[line] for line in lines]
    return [line.split() for line in lines]


def _is_number(cell: str) -> bool:
    try:
        _number(cell)
    except ValueError:
        return False
    return True


def _number(cell: str) -> float:
    """Return the number that a person reads in a cell; Python would read 20240301 in 2024_03_01, too."""
    if "_" in cell:
        raise ValueError(cell)
    return float(cell)


def _is_date(cell: str) -> bool:
    try:
        datetime.fromisoformat(cell)
    except ValueError:
        return False
    return True


def _is_value(cell: str) -> bool:
    cell = cell.strip()
    return cell.lower() in EMPTY or _is_number(cell.replace(",", ".")) or _is_date(cell)


def _header(rows: list[list[str]]) -> bool:
    """Tell whether the first row holds names: a text over a value, or no value at all in a single row."""
    if len(rows) == 1:
        return not any(_is_value(cell) for cell in rows[0])
    pairs = zip(rows[0], rows[1], strict=False)
    return any(not _is_value(first) and _is_value(second) for first, second in pairs)


def _choose(where: str, names: list[str], body: list[list[str]], name: str) -> int:
    """Find the column that is asked for, or the only one that can be meant."""
    folded = [known.lower() for known in names]
    if name:
        if name in names:
            return names.index(name)
        if folded.count(name.lower()) == 1:
            return folded.index(name.lower())
        if name.isdecimal() and int(name) < len(names):
            return int(name)
        raise _no_column(where, name, names)
    sample = body[:50]
    numeric = [
        k
        for k in range(len(names))
        if all(_is_value(row[k]) for row in sample if k < len(row))
        and any(row[k].strip() for row in sample if k < len(row))
        and not (k == 0 and not names[0] and _counts_rows(sample))
    ]
    if len(numeric) == 1:
        return numeric[0]
    known_names = [k for k in numeric if folded[k] in TIME_NAMES]
    if len(known_names) == 1:
        return known_names[0]
    raise _no_column(where, "", names)


def _counts_rows(body: list[list[str]]) -> bool:
    """Tell whether the first cells count the rows, as tables of pandas and R do without a name."""
    cells = [row[0].strip() for row in body]
    if not cells[0].isdecimal() or len(cells[0]) > MAX_DIGITS:
        return False
    return all(cell == str(int(cells[0]) + k) for k, cell in enumerate(cells))


def _numbers(cells: list[str]) -> np.ndarray:
    """Turn cells into whole numbers if they all are, else into numbers, else leave them as texts."""
    try:
        if not any("_" in cell for cell in cells):
            return np.array([int(cell) for cell in cells], np.int64)
    except (ValueError, OverflowError):
        pass
    commas = not any("." in cell for cell in cells[:50]) and any("," in cell for cell in cells[:50])
    try:
        plain = [cell.replace(",", ".") for cell in cells] if commas else cells
        return np.array([np.nan if cell.lower() in EMPTY else _number(cell) for cell in plain], np.float64)
    except ValueError:
        return np.array(cells, object)
