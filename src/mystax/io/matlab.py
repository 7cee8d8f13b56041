"""MATLAB v5 files as plain data (dicts, lists, arrays); called in a child process with limits."""

import zlib
from pathlib import Path
from typing import Any

from mystax.errors import FormatError

__all__ = ["read_matlab"]


def read_matlab(path: Path | str) -> dict[str, Any]:
    """Read the variables of a MATLAB file of version 5 to 7.2.

    Parameters
    ----------
    path : path
        The file.

    Returns
    -------
    dict
        Variable name to value; structs are dicts, cells are lists or arrays of objects.

    Raises
    ------
    FormatError
        F804, if it is no such file.
    """
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    try:
        content = loadmat(path, simplify_cells=True)
    except (
        MatReadError,
        NotImplementedError,
        ArithmeticError,
        ValueError,
        TypeError,
        OSError,
        EOFError,
        LookupError,
        zlib.error,
    ) as error:
        raise FormatError(
            "F804", Path(path).name, f"not a MATLAB v5 file ({error})", hint="save it with '-v7' in MATLAB."
        ) from error
    return {key: value for key, value in content.items() if not key.startswith("__")}
