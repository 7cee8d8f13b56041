"""Variables that are read row by row when they are written: long traces never stay in memory."""

from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

from mystax.core.typing import Shaped

if TYPE_CHECKING:
    from xarray import DataArray, Variable
else:
    DataArray = Variable = Any

__all__ = ["ROWS_PER_BLOCK", "RowSource", "is_lazy", "lazy_rows"]

ROWS_PER_BLOCK = 16_384
"""Rows that are copied at once."""


@runtime_checkable
class RowSource(Protocol):
    """Whatever gives rows of fixed width: a `mystax.core.analysis.Spool`, or something computed from one."""

    def read(self, start: int, stop: int) -> Shaped[np.ndarray, "n width"]:
        """Return rows start..stop; they are the same for every way of asking."""
        ...


def lazy_rows(source: RowSource, dims: tuple[str, ...], shape: tuple[int, ...], dtype: str) -> Variable:
    """Make a variable whose values are read from rows when they are asked for.

    Parameters
    ----------
    source : RowSource
        Gives the rows; a row of ``prod(shape[1:])`` values belongs to one index of the first dimension.
    dims : tuple of str
        Names of the dimensions, rows first.
    shape : tuple of int
        Lengths of the dimensions.
    dtype : str
        Type of a value, as the rows have it.

    Returns
    -------
    Variable
        An xarray variable; slices along the first dimension read those rows only.
    """
    from xarray import Variable as LazyVariable
    from xarray.backends import BackendArray
    from xarray.core import indexing

    class Rows(BackendArray):
        """Rows as an array of xarray."""

        def __init__(self) -> None:
            self.shape = shape
            self.dtype = np.dtype(dtype)

        def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
            return indexing.explicit_indexing_adapter(key, shape, indexing.IndexingSupport.BASIC, self._take)

        def _take(self, key: tuple[int | slice, ...]) -> np.ndarray:
            first = key[0]
            wanted = range(shape[0])[first] if isinstance(first, slice) else range(first, first + 1)
            if len(wanted) == 0:
                rows = np.empty((0, *shape[1:]), self.dtype)
            else:
                low, high = min(wanted[0], wanted[-1]), max(wanted[0], wanted[-1]) + 1
                rows = source.read(low, high).reshape(high - low, *shape[1:])
                rows = rows[:: wanted.step]
            return np.asarray(rows[(slice(None) if isinstance(first, slice) else 0, *key[1:])])

    return LazyVariable(dims, indexing.LazilyIndexedArray(Rows()))


def is_lazy(variable: Variable | DataArray) -> bool:
    """Tell whether the values of a variable are still to be read."""
    plain = getattr(variable, "variable", variable)
    return not bool(plain._in_memory)
