"""One outcome as one netCDF-4 file: written with checksums and digests, read back only if they hold."""

import io
import json
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5netcdf
import h5py
import numpy as np

from mystax.core.safe_names import safe_name
from mystax.errors import DamagedError, FormatError, MystaxError, RecipeError, StoreError
from mystax.io.digests import (
    Attribute,
    VariableDigest,
    attribute_digest,
    content_digest,
    plain_attributes,
    plain_text,
    sums_text,
)
from mystax.io.store_fs import WholeFile

if TYPE_CHECKING:
    from xarray import Dataset, Variable
else:
    Dataset = Variable = Any

__all__ = ["FORMAT", "OutcomeHead", "check_head", "chunk_shape", "open_outcome", "read_head", "write_outcome"]

FORMAT = 1
"""Number of the file format; a file with a higher one was made by a newer mystax."""

CHUNK_BYTES = 1 << 20
BLOCK_ROWS = 16_384
BLOCK_BYTES = 64 << 20
COMPONENTS = 16

OF_THE_FILE = frozenset(
    {"mystax_format", "analysis", "analysis_version", "key", "parameters", "inputs", "software"}
    | {"variable_sha256", "content_sha256", "coordinates"}
)
"""Attributes that belong to a file as a whole; `coverage` and `quality` may differ between its cameras."""

H5_ERRORS = (OSError, RuntimeError, ValueError, KeyError)
"""What h5py and h5netcdf raise on a file whose bytes are damaged."""


class _Part(io.RawIOBase):
    """A file for HDF5 that keeps to itself what stops a write: the disk, or Ctrl-C.

    HDF5 cannot close a file after a failed write; told that all is well, it ends cleanly, and the caller
    raises the error afterwards.
    """

    def __init__(self, file: WholeFile) -> None:
        self._file = file
        self._error: BaseException | None = None

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def readinto(self, buffer: Any) -> int:
        return self._file.readinto(buffer)

    def write(self, data: Any) -> int:
        size = memoryview(data).nbytes
        if self._error is None:
            try:
                self._file.write(data)
            except BaseException as error:  # noqa: BLE001 - raised again by `check`, after HDF5 has ended
                self._error = error
        return size

    def truncate(self, size: int | None = None) -> int:
        if self._error is None:
            try:
                return self._file.truncate(size)
            except BaseException as error:  # noqa: BLE001 - raised again by `check`, after HDF5 has ended
                self._error = error
        return size or 0

    def flush(self) -> None:
        """Leave the bytes to `FileSystem.sync`."""

    def check(self) -> None:
        """Raise what stopped a write, if anything did."""
        if self._error is not None:
            raise self._error


def chunk_shape(dims: tuple[str, ...], shape: tuple[int, ...], itemsize: int) -> tuple[int, ...]:
    """Return the shape of the pieces in which a variable is stored: about 1 MiB, long in time.

    Components come in pieces of at most 16, and one region at a time beside them, so that a plot of a
    few components reads little.
    """
    chunk = [min(COMPONENTS, n) if dim == "component" else n for dim, n in zip(dims, shape, strict=True)]
    if {"time", "component", "roi"} <= set(dims):
        chunk[dims.index("roi")] = 1
    chunk = [max(1, n) for n in chunk]
    limit = max(1, CHUNK_BYTES // itemsize)
    order = sorted(range(len(dims)), key=lambda axis: dims[axis] != "time")
    for axis in order:
        others = math.prod(chunk) // chunk[axis]
        chunk[axis] = max(1, min(chunk[axis], limit // others))
    return tuple(chunk)


def _blocks(shape: tuple[int, ...], rows: int, itemsize: int) -> Iterator[slice]:
    """Give slices of the first axis: 16,384 rows at a time, fewer of very long rows, whole chunks only."""
    row = max(1, math.prod(shape[1:]) * itemsize)
    step = max(1, min(BLOCK_ROWS, BLOCK_BYTES // row) // rows) * rows
    for start in range(0, shape[0], step):
        yield slice(start, min(start + step, shape[0]))


def _read_rows(variable: Variable, rows: slice) -> np.ndarray:
    """Read rows of a variable, at most 16,384 at once: a lazy one may be much wider inside than it looks."""
    starts = range(rows.start, rows.stop, BLOCK_ROWS)
    parts = [np.asarray(variable[start : min(start + BLOCK_ROWS, rows.stop)].values) for start in starts]
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _write_variable(group: Any, path: str, variable: Variable, part: _Part) -> str:
    """Write one variable block by block and return its digest."""
    dims, dtype = tuple(str(dim) for dim in variable.dims), variable.dtype
    name = path.rpartition("/")[2]
    digest = VariableDigest(path, dims, dtype, variable.shape)
    if dtype.kind in "UOT":
        texts = np.array([plain_text(str(text)) for text in np.asarray(variable.values).ravel()], object)
        stored = group.create_variable(name, dims, h5py.string_dtype())
        if texts.size:
            stored[...] = texts.reshape(variable.shape)
        digest.update(texts)
    elif dtype.kind not in "iuf" or dtype.itemsize not in (1, 2, 4, 8) or dtype.str[1:] == "f2":
        raise FormatError(
            "F804",
            f"variable {path!r}",
            "netCDF-4 has no such type",
            expected="integers, floats or texts",
            got=str(dtype),
        )
    elif not dims:
        group.create_variable(name, dims, dtype.newbyteorder("<"))[...] = variable.values
        digest.update(np.atleast_1d(variable.values))
    else:
        chunk = chunk_shape(dims, variable.shape, dtype.itemsize)
        stored = group.create_variable(name, dims, dtype.newbyteorder("<"), chunks=chunk, fletcher32=True)
        for block in _blocks(variable.shape, chunk[0], dtype.itemsize):
            values = _read_rows(variable, block)
            stored[block] = values
            digest.update(values)
            part.check()
    attributes = plain_attributes(variable.attrs, f"variable {path!r}")
    for attribute, value in attributes.items():
        group.variables[name].attrs[attribute] = value
    return digest.finish(attributes)


def _write_group(group: Any, prefix: str, dataset: Dataset, part: _Part) -> dict[str, str]:
    """Write all variables of one dataset and return their digests by path."""
    group.dimensions = {str(dim): size for dim, size in dataset.sizes.items()}
    names = sorted(map(str, dataset.variables))
    return {
        prefix + name: _write_variable(group, prefix + name, dataset.variables[name], part) for name in names
    }


def _group_attributes(dataset: Dataset, more: Mapping[str, object]) -> dict[str, Attribute]:
    """Return the attributes of a group, with the names of its coordinates as xarray looks for them.

    What an earlier file said about itself stays behind when its dataset is published again.
    """
    own = {
        str(name): value
        for name, value in dataset.attrs.items()
        if name not in OF_THE_FILE and not str(name).startswith("run_")
    }
    plain = plain_attributes({**own, **more})
    coordinates = sorted(str(name) for name in dataset.coords if name not in dataset.sizes)
    if coordinates:
        plain["coordinates"] = " ".join(coordinates)
    return plain


def write_outcome(file: WholeFile, cameras: Mapping[str, Dataset], attributes: Mapping[str, object]) -> str:
    """Write an outcome into an open file.

    Parameters
    ----------
    file : WholeFile
        New; it stays open.
    cameras : mapping of str to Dataset
        Camera to dataset.  ``""`` is the root group: the only camera, or what all cameras have in common.
    attributes : mapping
        Global attributes.

    Returns
    -------
    str
        `content_sha256` of the outcome.

    Raises
    ------
    FormatError
        F804, for a type that netCDF-4 cannot hold.
    OSError
        As the disk gives it.
    """
    part = _Part(file)
    try:
        content = _write_file(part, cameras, attributes)
    except H5_ERRORS:
        part.check()  # HDF5 may stumble over its own unwritten bytes: the disk's error is the cause
        raise
    part.check()
    return content


def _write_file(part: _Part, cameras: Mapping[str, Dataset], attributes: Mapping[str, object]) -> str:
    digests: dict[str, str] = {}
    root = cameras.get("")
    # v110: all of HDF5's own tables carry checksums, so a flipped bit in them is found on reading
    with h5netcdf.File(part, "w", libver="v110") as outcome:
        if root is not None:
            digests |= _write_group(outcome, "", root, part)
            plain = _group_attributes(root, attributes)
        else:
            plain = plain_attributes(attributes)
        for camera, dataset in cameras.items():
            if not camera:
                continue
            name = safe_name(camera)
            if name in outcome.variables or name in outcome.dimensions:
                name += "_camera"
            group = outcome.create_group(name)
            digests |= _write_group(group, f"{name}/", dataset, part)
            own = _group_attributes(dataset, {"camera": camera})
            for attribute, value in own.items():
                group.attrs[attribute] = value
            digests[f"{name}/"] = attribute_digest(own)
        plain["variable_sha256"] = sums_text(digests)
        plain["content_sha256"] = content_digest(plain)
        for attribute, value in plain.items():
            outcome.attrs[attribute] = value
        return str(plain["content_sha256"])


@contextmanager
def open_outcome(path: Path) -> Iterator[Any]:
    """Open an outcome for reading, without HDF5's locks (published files do not change).

    Raises
    ------
    RecipeError
        P403, if there is no such file.
    DamagedError
        S502, if it cannot be read.
    """
    if not path.is_file():
        raise RecipeError("P403", str(path), "there is no such outcome")
    with (
        damaged_if_unreadable(path),
        h5netcdf.File(str(path), "r", locking=False, decode_vlen_strings=True) as outcome,
    ):
        yield outcome


@contextmanager
def damaged_if_unreadable(path: Path) -> Iterator[None]:
    """Turn what HDF5 raises on damaged bytes into S502."""
    try:
        yield
    except MystaxError:
        raise
    except H5_ERRORS as error:
        raise damaged(path, str(error).partition("\n")[0] or type(error).__name__) from error


def damaged(path: Path, got: str) -> DamagedError:
    """Make the error of a damaged outcome."""
    return DamagedError(
        "S502",
        str(path),
        "the outcome is damaged",
        expected="bytes that agree with their checksums",
        got=got,
        hint="move the file away and run again, or take it from a copy",
    )


@dataclass(frozen=True, slots=True)
class OutcomeHead:
    """What an outcome says about itself before any array is read.

    Attributes
    ----------
    attributes : dict
        Global attributes.
    digests : dict
        `variable_sha256`: path of a variable or group to its digest.
    groups : dict
        Camera to its group; empty where one camera stands in the root.
    """

    attributes: dict[str, Attribute]
    digests: dict[str, str]
    groups: dict[str, str]

    @property
    def analysis(self) -> str:
        """Name of the analysis."""
        return str(self.attributes.get("analysis", ""))

    @property
    def key(self) -> str:
        """Key of the outcome."""
        return str(self.attributes.get("key", ""))

    @property
    def content(self) -> str:
        """`content_sha256` of the outcome."""
        return str(self.attributes.get("content_sha256", ""))


def read_attributes(holder: Any) -> dict[str, Attribute]:
    """Read the attributes of a group or variable in the form in which they were written."""
    return plain_attributes(dict(holder.attrs))


def check_head(outcome: Any, path: Path) -> OutcomeHead:
    """Read the attributes of an open outcome and check them against `content_sha256`.

    Raises
    ------
    FormatError
        F804, if the file is not an outcome of mystax.
    StoreError
        S505, if a newer mystax made it.
    DamagedError
        S502, if attributes and digest, or variables and list of digests, do not agree.
    """
    attributes = read_attributes(outcome)
    number = attributes.get("mystax_format")
    if not isinstance(number, int):
        raise FormatError(
            "F804", str(path), "not an outcome of mystax", expected="the attribute mystax_format"
        )
    if number > FORMAT:
        raise StoreError(
            "S505",
            str(path),
            "the outcome was made by a newer mystax",
            expected=f"format {FORMAT}",
            got=f"format {number}",
            hint="pip install --upgrade mystax",
        )
    if attributes.get("content_sha256") != content_digest(attributes):
        raise damaged(path, "attributes that differ from content_sha256")
    digests: dict[str, str] = json.loads(str(attributes["variable_sha256"]))
    groups: dict[str, str] = {}
    found = set(outcome.variables)
    for name, group in outcome.groups.items():
        own = read_attributes(group)
        if attribute_digest(own) != digests.get(f"{name}/"):
            raise damaged(path, f"attributes of group {name!r} that differ from their digest")
        groups[str(own["camera"])] = name
        found |= {f"{name}/", *(f"{name}/{variable}" for variable in group.variables)}
    if found != set(digests):
        raise damaged(path, f"other variables than written: {sorted(found ^ set(digests))}")
    return OutcomeHead(attributes, digests, groups)


def read_head(path: Path) -> OutcomeHead:
    """Read and check what an outcome says about itself.

    Raises
    ------
    RecipeError, FormatError, StoreError, DamagedError
        As `open_outcome` and `check_head`.
    """
    with open_outcome(path) as outcome:
        return check_head(outcome, path)


def is_text(stored: Any) -> bool:
    """Tell whether a stored variable holds texts."""
    return h5py.check_string_dtype(stored.dtype) is not None or stored.dtype.kind == "O"


def _digest_of(stored: Any, name: str, text: bool) -> VariableDigest:
    dtype = np.dtype(object) if text else np.dtype(stored.dtype)
    return VariableDigest(name, tuple(stored.dimensions), dtype, tuple(int(n) for n in stored.shape))


def read_variable(stored: Any, name: str) -> tuple[np.ndarray, str]:
    """Read a whole stored variable; return its values and their digest."""
    text = is_text(stored)
    digest = _digest_of(stored, name, text)
    values = np.asarray(stored[...], object) if text else np.asarray(stored[...])
    digest.update(np.atleast_1d(values))
    return values.astype(str) if text else values, digest.finish(read_attributes(stored))


def variable_digest(stored: Any, name: str) -> str:
    """Compute the digest of a stored variable, block by block."""
    if not stored.shape or is_text(stored):
        return read_variable(stored, name)[1]
    digest = _digest_of(stored, name, text=False)
    chunk = chunk_shape(tuple(stored.dimensions), tuple(stored.shape), stored.dtype.itemsize)
    for block in _blocks(tuple(stored.shape), chunk[0], stored.dtype.itemsize):
        digest.update(np.asarray(stored[block]))
    return digest.finish(read_attributes(stored))
