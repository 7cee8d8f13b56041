"""Plain arrays into HDF5 files, also such that MATLAB reads as a MAT-file of version 7.3."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from mystax.errors import FormatError

__all__ = ["top_names", "write_arrays", "write_tree"]

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


def write_tree(path: str | Path, tree: Mapping[str, Any]) -> None:
    """Write a tree of groups, arrays and texts, as other tools lay them out.

    For tests and demonstrations, like `write_arrays`.

    Parameters
    ----------
    path : str or Path
        The file; one that exists is replaced.
    tree : mapping
        Name to mapping (a group), array, text, list of texts, or pair of one of these and a mapping of
        attributes; the name ``@`` holds the attributes of the group.  An attribute ``table`` that is a path
        becomes a reference to what lies there.

    Examples
    --------
    >>> write_tree("a.nwb", {"units": {"@": {"kind": "Units"}, "id": np.arange(3)}})  # doctest: +SKIP
    """
    late: list[tuple[h5py.Dataset, str]] = []
    with h5py.File(Path(path), "w") as file:
        _fill(file, tree, late)
        for data, place in late:
            data.attrs["table"] = file[place].ref


def _fill(group: h5py.Group, tree: Mapping[str, Any], late: list[tuple[h5py.Dataset, str]]) -> None:
    """Write the content of one group; references wait until everything is there."""
    for name, item in tree.items():
        if name == "@":
            group.attrs.update(item)
        elif isinstance(item, Mapping):
            _fill(group.create_group(name), item, late)
        else:
            value, attributes = item if isinstance(item, tuple) else (item, {})
            text = h5py.string_dtype()
            is_text = isinstance(value, str) or (isinstance(value, list) and isinstance(value[0], str))
            data = group.create_dataset(name, data=value, dtype=text if is_text else None)
            late += [(data, one) for key, one in attributes.items() if key == "table"]
            data.attrs.update({key: one for key, one in attributes.items() if key != "table"})


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
