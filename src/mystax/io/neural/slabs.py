"""Activity that stays in its file: slabs of it are read when they are asked for."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

from mystax.core.typing import Float32, Int64, Shaped
from mystax.errors import FormatError
from mystax.io.npy_files import npy_layout

if TYPE_CHECKING:
    from xarray import Variable
else:
    Variable = Any

__all__ = ["FileMatrix", "Held", "Joined", "Matrix", "Subtracted", "as_variable"]

BLOCK = 64 << 20
"""Bytes that are read at once."""


@runtime_checkable
class Matrix(Protocol):
    """Activity of time x neuron, wherever it lies.

    `major` names the axis whose rows lie together: slabs along it are cheap.
    """

    major: str
    shape: tuple[int, int]

    def read(
        self, times: Int64[np.ndarray, " t"], neurons: Int64[np.ndarray, " n"]
    ) -> Float32[np.ndarray, "t n"]:
        """Return the activity at some times of some neurons."""
        ...


class FileMatrix:
    """A two-dimensional `.npy` file as activity of time x neuron, read by plain file reads.

    Parameters
    ----------
    path : Path
        The file, of numbers.
    is_time_first : bool
        Whether the first axis of the array is time.

    Raises
    ------
    FormatError
        F801, F802, F804, if the file is no such array.
    """

    def __init__(self, path: Path, *, is_time_first: bool) -> None:
        layout = npy_layout(path)
        if len(layout.shape) != 2 or layout.dtype.kind not in "biuf":
            raise FormatError(
                "F804", path.name, expected="numbers with two axes", got=f"{layout.dtype}{layout.shape}"
            )
        self.path, self._layout = path, layout
        rows, columns = layout.shape[::-1] if layout.is_fortran else layout.shape
        self._rows, self._columns = rows, columns
        time_in_rows = is_time_first != layout.is_fortran
        self.major = "time" if time_in_rows else "neuron"
        self.shape = (rows, columns) if time_in_rows else (columns, rows)

    def read(
        self, times: Int64[np.ndarray, " t"], neurons: Int64[np.ndarray, " n"]
    ) -> Float32[np.ndarray, "t n"]:
        """Return the activity at some times of some neurons."""
        if self.major == "time":
            return self._take(times, neurons)
        return self._take(neurons, times).T

    def _take(
        self, rows: Int64[np.ndarray, " r"], columns: Int64[np.ndarray, " c"]
    ) -> Float32[np.ndarray, "r c"]:
        """Read runs of rows, each from the first to the last column wanted."""
        made = np.empty((len(rows), len(columns)), np.float32)
        if made.size == 0:
            return made
        low, high = int(columns.min()), int(columns.max()) + 1
        size = self._layout.dtype.itemsize
        # whole rows lie together and are read at once; of a part of each row only that part is read
        longest = max(1, BLOCK // (self._columns * size)) if high - low > self._columns // 2 else 1
        is_run = high - low == len(columns) and bool((np.diff(columns) == 1).all())
        wanted = slice(low, high) if is_run else columns
        with self.path.open("rb", buffering=0) as stream:
            if longest == 1 and is_run and self._layout.dtype == made.dtype:
                bytes_of_row = (high - low) * size
                view = made.data.cast("B")
                for k, row in enumerate(rows.tolist()):
                    part = view[k * bytes_of_row : (k + 1) * bytes_of_row]
                    self._fill(stream, row * self._columns + low, part)
                return made
            for first, last in _runs(rows, longest):
                start = int(rows[first])
                count = last - first
                if longest > 1:
                    values = self._numbers(stream, start * self._columns, count * self._columns)
                    made[first:last] = values.reshape(count, self._columns)[:, wanted]
                else:
                    values = self._numbers(stream, start * self._columns + low, high - low)
                    made[first] = values if is_run else values[columns - low]
        return made

    def _numbers(self, stream: Any, place: int, count: int) -> Shaped[np.ndarray, " count"]:
        """Read some numbers that lie together."""
        values = np.empty(count, self._layout.dtype)
        self._fill(stream, place, values.data.cast("B"))
        return values

    def _fill(self, stream: Any, place: int, view: memoryview) -> None:
        """Read the bytes of numbers that lie together to where they belong."""
        stream.seek(self._layout.offset + place * self._layout.dtype.itemsize)
        done = stream.readinto(view)
        while done < len(view):
            got = stream.readinto(view[done:])
            if not got:
                raise FormatError(
                    "F802", self.path.name, expected=f"{len(view)} bytes", got=f"{done}: the file is shorter"
                )
            done += got


def _runs(rows: Int64[np.ndarray, " r"], longest: int) -> list[tuple[int, int]]:
    """Cut a list of rows where they do not follow each other, and after `longest` of them."""
    cuts = np.flatnonzero(np.diff(rows) != 1) + 1
    edges = [0, *cuts.tolist(), len(rows)]
    return [
        (start, min(start + longest, high))
        for low, high in pairwise(edges)
        for start in range(low, high, longest)
    ]


class Joined:
    """Chosen neurons of several matrices side by side; a function may change what is read.

    Parameters
    ----------
    parts : sequence of (Matrix, array)
        Matrices of at least `n_times` rows, and the neurons taken of each.
    n_times : int
        Number of times.
    change : callable, optional
        Takes and gives whole traces (time, neuron): all times are read for it.
    """

    def __init__(
        self,
        parts: Sequence[tuple[Matrix, Int64[np.ndarray, "..."]]],
        n_times: int,
        change: Callable[[Float32[np.ndarray, "t n"]], Float32[np.ndarray, "t n"]] | None = None,
    ) -> None:
        self._parts, self._change = list(parts), change
        self._counts = np.cumsum([0, *(len(chosen) for _, chosen in parts)])
        self.shape = (n_times, int(self._counts[-1]))
        majors = {part.major for part, _ in parts}
        self.major = "neuron" if change is not None or majors != {"time"} else "time"

    def read(
        self, times: Int64[np.ndarray, " t"], neurons: Int64[np.ndarray, " n"]
    ) -> Float32[np.ndarray, "t n"]:
        """Return the activity at some times of some neurons."""
        wanted = times if self._change is None else np.arange(self.shape[0])
        if len(self._parts) == 1:
            part, chosen = self._parts[0]
            values = np.ascontiguousarray(part.read(wanted, chosen[neurons]))
            return values if self._change is None else self._change(values)[times]
        made = np.empty((len(wanted), len(neurons)), np.float32)
        for k, (part, chosen) in enumerate(self._parts):
            here = (neurons >= self._counts[k]) & (neurons < self._counts[k + 1])
            if here.any():
                made[:, here] = part.read(wanted, chosen[neurons[here] - self._counts[k]])
        return made if self._change is None else self._change(made)[times]


class Held:
    """Activity in memory.

    Parameters
    ----------
    values : array (time, neuron)
        The activity.
    """

    major = "time"

    def __init__(self, values: Shaped[np.ndarray, "time neuron"]) -> None:
        self._values = values
        self.shape = (values.shape[0], values.shape[1])

    def read(
        self, times: Int64[np.ndarray, " t"], neurons: Int64[np.ndarray, " n"]
    ) -> Float32[np.ndarray, "t n"]:
        """Return the activity at some times of some neurons."""
        return np.asarray(self._values[np.ix_(times, neurons)], np.float32)


class Subtracted:
    """One matrix less a share of another.

    Parameters
    ----------
    first, second : Matrix
        Of equal shape.
    share : float
        How much of the second is taken off.
    """

    def __init__(self, first: Matrix, second: Matrix, share: float) -> None:
        self._first, self._second, self._share = first, second, np.float32(share)
        self.shape, self.major = first.shape, first.major

    def read(
        self, times: Int64[np.ndarray, " t"], neurons: Int64[np.ndarray, " n"]
    ) -> Float32[np.ndarray, "t n"]:
        """Return the difference at some times of some neurons."""
        return np.asarray(
            self._first.read(times, neurons) - self._share * self._second.read(times, neurons), np.float32
        )


def as_variable(matrix: Matrix, attributes: dict[str, Any]) -> Variable:
    """Make a variable (time, neuron) whose values are read when they are asked for.

    Parameters
    ----------
    matrix : Matrix
        Gives the values.
    attributes : dict
        Of the variable.

    Returns
    -------
    Variable
        float32; its encoding says which axis lies together in the file (`major`).
    """
    from xarray import Variable as LazyVariable
    from xarray.backends import BackendArray
    from xarray.core import indexing

    class Slabs(BackendArray):
        """A matrix as an array of xarray."""

        def __init__(self) -> None:
            self.shape, self.dtype = matrix.shape, np.dtype(np.float32)

        def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
            return indexing.explicit_indexing_adapter(
                key, self.shape, indexing.IndexingSupport.OUTER, self._take
            )

        def _take(self, key: tuple[Any, ...]) -> np.ndarray:
            rows, columns = (np.arange(n)[one] for n, one in zip(self.shape, key, strict=True))
            values = matrix.read(np.atleast_1d(rows), np.atleast_1d(columns))
            return np.asarray(
                values[0 if np.ndim(rows) == 0 else slice(None), 0 if np.ndim(columns) == 0 else slice(None)]
            )

    encoding = {"major": matrix.major}
    return LazyVariable(("time", "neuron"), indexing.LazilyIndexedArray(Slabs()), attributes, encoding)
