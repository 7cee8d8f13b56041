"""Plain arrays into HDF5 files, also such that MATLAB reads as a MAT-file of version 7.3."""

from collections.abc import Mapping
from pathlib import Path

import h5py
import numpy as np

from mystax.errors import FormatError

__all__ = ["top_names", "write_arrays"]

_USER_BLOCK = 512
_MATLAB_TEXT = b"MATLAB 7.3 MAT-file"


def write_arrays(path: str | Path, arrays: Mapping[str, np.ndarray], *, is_matlab: bool = False) -> None:
    """Write numeric arrays, one data set each.

    For tests, demonstrations and exports; outcomes are written by `mystax.io.store` only.

    Parameters
    ----------
    path : str or Path
        The file; one that exists is replaced.
    arrays : mapping of str to array
        Data sets by name; a slash makes groups (``camera/times``).
    is_matlab : bool, optional
        Write what MATLAB calls version 7.3: a header of 512 bytes, one-dimensional arrays as columns,
        axes in MATLAB's order.

    Examples
    --------
    >>> write_arrays("times.h5", {"camera/times": np.arange(3.0)})  # doctest: +SKIP
    """
    target = Path(path)
    with h5py.File(target, "w", userblock_size=_USER_BLOCK if is_matlab else 0) as file:
        for name, array in arrays.items():
            # MATLAB's axes are HDF5's in reverse: a column of n is 1 x n here.
            data = file.create_dataset(name, data=np.atleast_2d(array.T) if is_matlab else array)
            if is_matlab:
                kind = "double" if array.dtype == np.float64 else array.dtype.name
                data.attrs["MATLAB_class"] = np.bytes_(kind)
    if is_matlab:
        # Text up to byte 116, eight bytes of subsystem offset, version 0x0200, byte order mark.
        header = _MATLAB_TEXT.ljust(116, b" ") + bytes(8) + b"\x00\x02IM"
        with target.open("r+b") as raw:
            raw.write(header.ljust(_USER_BLOCK, b"\x00"))


def top_names(path: str | Path) -> set[str]:
    """Return the names in the root group of a file, and ``pandas_type`` if a group there has that attribute.

    Raises
    ------
    FormatError
        F804, if the file cannot be read as HDF5.
    """
    try:
        with h5py.File(path, "r", locking=False) as file:
            groups = [
                file.get(name) for name in file if isinstance(file.get(name, getlink=True), h5py.HardLink)
            ]
            tables = any("pandas_type" in item.attrs for item in groups if isinstance(item, h5py.Group))
            return {*file, *({"pandas_type"} if tables else ())}
    except (OSError, RuntimeError, ValueError, KeyError) as error:
        raise FormatError("F804", Path(path).name, f"the file cannot be read as HDF5 ({error})") from error
