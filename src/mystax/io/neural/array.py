"""Plain arrays of activity: `.npy`, `.npz:KEY`, `.mat:VARIABLE`, `.h5:/path`, `.csv`; times lie beside."""

import csv
import re
from pathlib import Path

import numpy as np

from mystax.core.quality import Flag
from mystax.core.typing import Float64, Shaped
from mystax.errors import FormatError, NumbersError
from mystax.io.clock_tables import EMPTY, KIND_OF_SUFFIX, TIME_NAMES, read_npz
from mystax.io.clock_units import UNIT_SECONDS
from mystax.io.foreign import read_foreign
from mystax.io.guarded import is_hdf5
from mystax.io.neural.axes import is_time_first, oriented
from mystax.io.neural.slabs import FileMatrix, Held, Matrix
from mystax.io.neural.source import NeuralSource, Neurons
from mystax.io.neural.times import no_clock
from mystax.io.npy_files import npy_layout

__all__ = ["array_of", "read_array", "split_place"]

MAX_TEXT = 1 << 30
TIME_WITH_UNIT = re.compile(
    rf"(?:{'|'.join(TIME_NAMES)})s?(?:(?:[ _]+|[ _]*[(\[] *)(?P<unit>s|sec|seconds|ms|us|ns)[ )\]]*)?"
)
"""Names of times with their unit, in small letters, such as time_ms or time (s)."""
ROW_NAMES = ("frame", "frames", "frame_number", "index", "unnamed: 0")
"""Names, in small letters, of columns that number the rows."""
MEMORY, SECONDS = 10 << 30, 600


def split_place(text: str) -> tuple[Path, str]:
    """Split ``FILE:NAME`` into the file and the name of the data in it ("" for a file alone).

    Examples
    --------
    >>> split_place("data.mat:spikes.rate")[1]
    'spikes.rate'
    """
    path = Path(text)
    if path.exists() or ":" not in text:
        return path, ""
    file, _, name = text.rpartition(":")
    if len(file) == 1:  # the letter of a Windows drive
        return path, ""
    return Path(file), name


def read_array(
    path: Path,
    name: str = "",
    *,
    n_times: int | None = None,
    axes: str | None = None,
    signal: str | None = None,
    has_clock: bool = True,
    clock_column: str = "",
) -> NeuralSource:
    """Read an array of activity.

    Parameters
    ----------
    path : Path
        The file.
    name : str, optional
        Key, variable or path of the array in it.
    n_times : int, optional
        How many times belong to it: they decide which axis is time.
    axes : {"time,neuron", "neuron,time"}, optional
        What the user says.
    signal : str, optional
        What the numbers are; by default counts for whole numbers, else fluorescence.
    has_clock : bool, optional
        Whether a clock was named; without one only a text table with times can be read.
    clock_column : str, optional
        Name or number of the column of a text table that was named as its clock: it is no neuron.

    Returns
    -------
    NeuralSource
        Activity; with times only if a text table has a column of them.

    Raises
    ------
    ClockError
        C207, if there are no times at all.
    FormatError
        F801-F804, if the file is refused or holds no such array.
    NumbersError
        N306, if it cannot be decided which axis is time.
    """
    where = f"{path.name}:{name}" if name else path.name
    kind = KIND_OF_SUFFIX.get(path.suffix.lower(), "csv")
    times = None
    flags: tuple[Flag, ...] = ()
    matrix: Matrix
    if not has_clock and kind != "csv":
        raise no_clock(where)
    if kind == "npy":
        layout = npy_layout(path)
        _check_axes(layout.shape, where)
        first = is_time_first((layout.shape[0], layout.shape[1]), n_times, axes, where)
        matrix, is_whole = FileMatrix(path, is_time_first=first), layout.dtype.kind in "iu"
    elif kind == "csv":
        values, times, flags = _table(path, where, clock_column, has_clock=has_clock)
        n_times = len(times) if n_times is None and times is not None else n_times
        matrix, is_whole = Held(oriented(values, n_times, axes, where)), _is_whole(values)
    else:
        matrix, is_whole = array_of(_values(path, kind, name), n_times, axes, where)
    return NeuralSource(
        format="array",
        where=where,
        signal=signal or ("counts" if is_whole else "fluorescence"),
        neurons=Neurons.of(np.arange(matrix.shape[1])),
        matrix=matrix,
        times=times,
        files=[path],
        counts={"array": name, "shape": [*matrix.shape], "axes": axes or "by the number of times"},
        flags=flags,
    )


def array_of(
    values: Shaped[np.ndarray, "..."], n_times: int | None, axes: str | None, where: str
) -> tuple[Held, bool]:
    """Bring an array in memory into the order time x neuron.

    Returns
    -------
    matrix : Held
        The activity.
    is_whole : bool
        Whether its numbers are whole by type.

    Raises
    ------
    FormatError
        F804, if it holds no numbers with two axes.
    NumbersError
        N306, if it cannot be decided which axis is time.
    """
    if values.dtype.kind not in "biuf":
        raise FormatError("F804", where, expected="numbers", got=str(values.dtype))
    if values.ndim == 1:
        values = values[:, None]
        axes = axes or "time,neuron"
    _check_axes(values.shape, where)
    return Held(oriented(values, n_times, axes, where)), values.dtype.kind in "iu"


def _check_axes(shape: tuple[int, ...], where: str) -> None:
    if len(shape) != 2:
        raise NumbersError(
            "N306", where, expected="an array of time and neuron", got=f"an array of shape {shape}"
        )


def _values(path: Path, kind: str, name: str) -> Shaped[np.ndarray, "..."]:
    """Read an array out of an archive, a MATLAB file or an HDF5 file."""
    if not name:
        marks = {"npz": "KEY", "mat": "VARIABLE", "h5": "/path"}
        raise FormatError(
            "F804",
            path.name,
            "which array is meant?",
            expected=f"{path.name}:{marks[kind]}",
            hint="name the array behind a colon",
        )
    if kind == "npz":
        return read_npz(path, name)
    if is_hdf5(path):
        inside = "/" + name.replace(".", "/") if kind == "mat" else name
        values = np.asarray(
            read_foreign(path, "hdf5", options={"name": inside}, memory=MEMORY, seconds=SECONDS)
        )
        return values.T if kind == "mat" else values  # MATLAB's axes are HDF5's in reverse
    if kind == "mat":
        return np.asarray(
            read_foreign(path, "matlab_variable", options={"name": name}, memory=MEMORY, seconds=SECONDS)
        )
    raise FormatError("F804", path.name, expected="an HDF5 file", got="another content")


def _table(
    path: Path, where: str, clock_column: str, *, has_clock: bool
) -> tuple[Float64[np.ndarray, "row column"], Float64[np.ndarray, " row"] | None, tuple[Flag, ...]]:
    """Read a text table: activity, the times of a column time (t, seconds, ...), and what is no neuron."""
    if path.stat().st_size > MAX_TEXT:
        raise FormatError("F802", where, expected="at most 1 GiB of text", got=f"{path.stat().st_size} bytes")
    text = path.read_bytes().decode("utf-8-sig", "replace")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if not lines or "\x00" in text[:65536]:
        raise FormatError("F804", where, expected="a table of numbers", got="no text table")
    mark = next((one for one in "\t;," if one in lines[0]), None)
    first = _cells(lines[0], mark)
    has_names = not all(_is_number(cell) for cell in first)
    try:
        values = np.genfromtxt(lines[has_names:], delimiter=mark, dtype=np.float64, ndmin=2)
    except ValueError as error:
        raise FormatError(
            "F804", where, "rows of different length", got=str(error).splitlines()[0]
        ) from error
    _check_missing(lines[has_names:], mark, values, where)
    names = first if has_names else _cells(_last_remark(text), mark)
    if len(names) != values.shape[1]:
        names = []
    times, out = _times_of(names, values)
    if times is None and not has_clock:
        raise no_clock(where)
    rows = [k for k, name in enumerate(names) if name.lower() in ROW_NAMES]
    own = _place_of(clock_column, names, values.shape[1])
    if names and not names[0] and own != 0:
        _check_index(values, where)
        out.append(0)
    text = "column {!r} of {} numbers the rows: it is taken for no neuron"
    flags = tuple(Flag("N308", text.format(names[k], where)) for k in rows if k != own)
    return np.delete(values, [*{*out, *rows, *([] if own is None else [own])}], axis=1), times, flags


def _times_of(
    names: list[str], values: Float64[np.ndarray, "row column"]
) -> tuple[Float64[np.ndarray, " row"] | None, list[int]]:
    """Return the times [s] of the one column that is named so, and all columns that are."""
    units = {
        k: found["unit"] for k, name in enumerate(names) if (found := TIME_WITH_UNIT.fullmatch(name.lower()))
    }
    plain = [k for k in units if names[k].lower() in TIME_NAMES]
    chosen = plain or [*units]
    if len(chosen) != 1:
        return None, [*units]
    per_second = 1 / UNIT_SECONDS.get(units[chosen[0]] or "s", UNIT_SECONDS["s"])
    return values[:, chosen[0]] / float(per_second), [*units]


def _place_of(name: str, names: list[str], n: int) -> int | None:
    """Return the place of a column that was named, or numbered from 0."""
    if name and name in names:
        return names.index(name)
    return int(name) if name.isdecimal() and int(name) < n else None


def _last_remark(text: str) -> str:
    """Return the last line with a ``#`` before the numbers: there NumPy writes the names of the columns."""
    found = ""
    for line in text.splitlines():
        if line.strip() and not line.startswith("#"):
            break
        found = line.lstrip("# ") or found
    return found


def _cells(line: str, mark: str | None) -> list[str]:
    cells = next(csv.reader([line], delimiter=mark), []) if mark else line.split()
    return [cell.strip() for cell in cells]


def _is_whole(values: Float64[np.ndarray, "row column"]) -> bool:
    """Tell whether all numbers that are there may be counts."""
    known = values[~np.isnan(values)]
    return bool(known.size and np.all(known == np.rint(known)) and np.all(known >= 0))


def _check_missing(
    lines: list[str], mark: str | None, values: Float64[np.ndarray, "row column"], where: str
) -> None:
    """Refuse cells that are neither numbers nor words for a missing one: nobody would be told."""
    for row in np.flatnonzero(np.isnan(values).any(1)):
        cells = [cell.strip() for cell in lines[row].partition("#")[0].split(mark)]
        wrong = [cell for cell in cells if cell.lower().lstrip("+-") not in EMPTY and not _is_number(cell)]
        if wrong:
            raise FormatError(
                "F804",
                where,
                f"row {row + 1} of the numbers",
                expected="plain numbers",
                got=repr(wrong[0])[:40],
            )


def _check_index(values: Float64[np.ndarray, "row column"], where: str) -> None:
    """Refuse a first column without a name, unless it numbers the rows and is no neuron."""
    if not np.array_equal(values[:, 0], np.arange(len(values)) + values[0, 0]):
        raise FormatError(
            "F804",
            where,
            "its first column has no name",
            expected="a name for every column, such as time",
            got=f"values {', '.join(f'{value:g}' for value in values[:3, 0])} ...",
        )


def _is_number(cell: str) -> bool:
    try:
        float(cell or "nan")
    except ValueError:
        return False
    return True
