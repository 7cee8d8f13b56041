"""Columns of Parquet tables; the library is only needed where there is one."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mystax.core.typing import Shaped
from mystax.errors import ExtraMissing, FormatError

__all__ = ["read_parquet"]

MOST_ROWS = 10_000_000


def read_parquet(path: Path, names: Sequence[str]) -> dict[str, Shaped[np.ndarray, " row"]]:
    """Read columns of numbers or texts of a Parquet table.

    Parameters
    ----------
    path : Path
        The file.
    names : sequence of str
        Columns that are wanted; those that are not there, or hold neither numbers nor texts, are left out.

    Returns
    -------
    dict of str to array (row,)
        Numbers as float64 with NaN where one is missing; texts as str, empty where one is missing.

    Raises
    ------
    ExtraMissing
        X001, if pyarrow is not installed.
    FormatError
        F804, if it is no Parquet file, is damaged, or has too many rows.
    """
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        raise ExtraMissing(
            "X001",
            "extra 'interop'",
            "not installed",
            expected="pyarrow",
            got="nothing",
            hint='pip install "mystax[interop]"',
        ) from error
    try:
        with parquet.ParquetFile(path) as file:
            if file.metadata.num_rows > MOST_ROWS:
                raise FormatError("F804", path.name, expected=f"at most {MOST_ROWS} rows", got="more")
            there = [name for name in names if name in file.schema_arrow.names]
            table = file.read(there)
    except (pa.ArrowException, OSError) as error:
        raise FormatError(
            "F804", path.name, expected="a Parquet table", got=str(error).splitlines()[0]
        ) from error
    found: dict[str, np.ndarray] = {}
    for name in there:
        column = table.column(name)
        kind = column.type
        if pa.types.is_dictionary(kind):
            kind = kind.value_type
        values = column.to_pylist()
        if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind):
            found[name] = np.array([np.nan if one is None else float(one) for one in values], np.float64)
        elif pa.types.is_string(kind) or pa.types.is_large_string(kind):
            found[name] = np.array(["" if one is None else one for one in values], np.str_)
    return found
