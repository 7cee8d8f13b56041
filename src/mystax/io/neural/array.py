"""Plain arrays of activity: `.npy`, `.npz:KEY`, `.mat:VARIABLE`, `.h5:/path`, `.csv`; times lie beside."""

import csv
from pathlib import Path

import numpy as np

from mystax.core.typing import Float64, Shaped
from mystax.errors import FormatError, NumbersError
from mystax.io.clock_tables import EMPTY, KIND_OF_SUFFIX, TIME_NAMES, read_npz
from mystax.io.foreign import read_foreign
from mystax.io.guarded import is_hdf5
from mystax.io.neural.axes import is_time_first, oriented
from mystax.io.neural.slabs import FileMatrix, Held, Matrix
from mystax.io.neural.source import NeuralSource, Neurons
from mystax.io.neural.times import no_clock
from mystax.io.npy_files import npy_layout

__all__ = ["array_of", "read_array", "split_place"]

MAX_TEXT = 1 << 30
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
    matrix: Matrix
    if not has_clock and kind != "csv":
        raise no_clock(where)
    if kind == "npy":
        layout = npy_layout(path)
        _check_axes(layout.shape, where)
        first = is_time_first((layout.shape[0], layout.shape[1]), n_times, axes, where)
        matrix, is_whole = FileMatrix(path, is_time_first=first), layout.dtype.kind in "iu"
    elif kind == "csv":
        matrix, times, is_whole = _table(path, n_times, axes, where, has_clock=has_clock)
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
    path: Path, n_times: int | None, axes: str | None, where: str, *, has_clock: bool
) -> tuple[Held, Float64[np.ndarray, " time"] | None, bool]:
    """Read a text table; a column time (t, seconds, ...) holds the times, one without a name row numbers."""
    if path.stat().st_size > MAX_TEXT:
        raise FormatError("F802", where, expected="at most 1 GiB of text", got=f"{path.stat().st_size} bytes")
    text = path.read_bytes().decode("utf-8-sig", "replace")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if not lines or "\x00" in text[:65536]:
        raise FormatError("F804", where, expected="a table of numbers", got="no text table")
    mark = next((one for one in "\t;," if one in lines[0]), None)
    first = next(csv.reader(lines[:1], delimiter=mark)) if mark else lines[0].split()
    has_names = not all(_is_number(cell) for cell in first)
    try:
        values = np.genfromtxt(lines[has_names:], delimiter=mark, dtype=np.float64, ndmin=2)
    except ValueError as error:
        raise FormatError(
            "F804", where, "rows of different length", got=str(error).splitlines()[0]
        ) from error
    _check_missing(lines[has_names:], mark, values, where)
    names = [cell.strip().lower() for cell in first] if has_names else []
    if names and not names[0] and values.shape[1] == len(names):
        values, names = _without_index(values, where), names[1:]
    columns = [k for k, name in enumerate(names) if name in TIME_NAMES]
    times = None
    if len(columns) == 1 and values.shape[1] == len(names):
        times = values[:, columns[0]]
        values = np.delete(values, columns[0], axis=1)
        n_times = len(times) if n_times is None else n_times
    if times is None and not has_clock:
        raise no_clock(where)
    is_whole = bool(np.all(values == np.rint(values)) and np.all(values >= 0))
    return Held(oriented(values, n_times, axes, where)), times, is_whole


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


def _without_index(values: Float64[np.ndarray, "row column"], where: str) -> Float64[np.ndarray, "row other"]:
    """Leave out a first column without a name: the numbers of the rows, which are no neuron."""
    if not np.array_equal(values[:, 0], np.arange(len(values)) + values[0, 0]):
        raise FormatError(
            "F804",
            where,
            "its first column has no name",
            expected="a name for every column, such as time",
            got=f"values {', '.join(f'{value:g}' for value in values[:3, 0])} ...",
        )
    return values[:, 1:]


def _is_number(cell: str) -> bool:
    try:
        float(cell or "nan")
    except ValueError:
        return False
    return True
