"""NumPy's `.npy` files; their header is parsed here, and claimed sizes are checked before use."""

import ast
import math
import sys
from io import BufferedIOBase
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mystax.core.typing import Shaped
from mystax.errors import FormatError
from mystax.io.pickles import read_pickled

__all__ = ["NpyLayout", "npy_layout", "read_npy", "read_pickled_npy"]

MAGIC = b"\x93NUMPY"
MAX_HEADER = 1 << 16


def _header(stream: BufferedIOBase, where: str) -> tuple[tuple[int, ...], np.dtype[Any], bool]:
    """Read shape, dtype and order; the stream then stands at the content."""
    start = stream.read(8)
    if len(start) < 8 or start[:6] != MAGIC or start[6] not in (1, 2, 3):
        raise FormatError(
            "F804", where, "not a NumPy file", expected="the mark \\x93NUMPY", got=repr(start[:6])
        )
    width = 2 if start[6] == 1 else 4
    length = int.from_bytes(stream.read(width), "little")
    if length > MAX_HEADER:
        raise FormatError("F802", where, expected=f"a header of at most {MAX_HEADER} bytes", got=str(length))
    try:
        header = ast.literal_eval(stream.read(length).decode("latin-1").strip())
        shape, fortran, text = header["shape"], header["fortran_order"], header["descr"]
        dtype = np.dtype(text)
    except (SyntaxError, ValueError, TypeError, KeyError, MemoryError, RecursionError) as error:
        raise FormatError("F804", where, f"the header is not understood ({error})") from error
    if not isinstance(shape, tuple) or not all(type(size) is int and size >= 0 for size in shape):
        raise FormatError("F804", where, "the header holds no shape", got=repr(shape)[:80])
    return shape, dtype, bool(fortran)


class NpyLayout(NamedTuple):
    """Where the numbers of a file lie: shape, type, order (Fortran's or C's) and the place of the first."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    is_fortran: bool
    offset: int


def npy_layout(path: Path | str) -> NpyLayout:
    """Read the header of a file and check its claim; no number is read.

    Parameters
    ----------
    path : path
        The file.

    Returns
    -------
    NpyLayout
        Where its numbers lie.

    Raises
    ------
    FormatError
        F801, if it holds pickled objects; F802, if it claims more than the file holds; F804, if it is no
        NumPy file.
    """
    where = Path(path).name
    with Path(path).open("rb") as stream:
        shape, dtype, fortran = _header(stream, where)
        if dtype.hasobject:
            raise FormatError("F801", where, expected="an array of numbers", got="pickled objects")
        wanted = math.prod(shape) * dtype.itemsize
        left = Path(path).stat().st_size - stream.tell()
        if math.prod(size for size in shape if size) * dtype.itemsize > sys.maxsize:
            raise FormatError("F802", where, "no memory has addresses for such a shape", got=str(shape)[:80])
        if wanted > left:
            raise FormatError("F802", where, expected=f"{wanted} bytes, as its header claims", got=f"{left}")
        return NpyLayout(shape, dtype, fortran, stream.tell())


def read_npy(path: Path | str) -> Shaped[np.ndarray, "..."]:
    """Read an array of numbers or texts; objects are refused.

    Parameters
    ----------
    path : path
        The file.

    Returns
    -------
    array
        Its content.

    Raises
    ------
    FormatError
        F801, if it holds pickled objects; F802, if it claims more than the file holds; F804, if it is no
        NumPy file.
    """
    shape, dtype, fortran, offset = npy_layout(path)
    wanted = math.prod(shape) * dtype.itemsize
    with Path(path).open("rb") as stream:
        stream.seek(offset)
        content = np.frombuffer(stream.read(wanted), dtype) if wanted else np.empty(0, dtype)
    return content.reshape(shape, order="F" if fortran else "C")


def read_pickled_npy(path: Path | str, *, max_objects: int | None = None) -> Any:
    """Read an array of objects (or of numbers) as plain data, running nothing.

    Parameters
    ----------
    path : path
        The file.
    max_objects : int, optional
        How many objects there may be; by default a million.

    Returns
    -------
    object
        An array, or the only object in it.

    Raises
    ------
    FormatError
        F801-F804, as `mystax.io.pickles.read_pickled` and `read_npy` say.
    """
    where = Path(path).name
    with Path(path).open("rb") as stream:
        shape, dtype, _ = _header(stream, where)
        size = Path(path).stat().st_size
        if not dtype.hasobject:
            return read_npy(path)
        if math.prod(shape) > size:
            raise FormatError("F802", where, expected=f"at most {size} objects", got=str(math.prod(shape)))
        content = read_pickled(stream, size - stream.tell(), max_objects=max_objects)
    if isinstance(content, np.ndarray) and content.dtype == object and content.shape == ():
        return content[()]
    return content
