"""Writing one outcome as one netCDF-4 file, with checksums and digests."""

import io
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

import h5netcdf
import h5py
import numpy as np

from mystax.core.canonical import canonical_json
from mystax.core.safe_names import safe_name
from mystax.errors import FormatError
from mystax.io.digests import (
    Attribute,
    VariableDigest,
    attribute_digest,
    content_digest,
    plain_attributes,
    plain_text,
)
from mystax.io.outcome_files import BLOCK_ROWS, H5_ERRORS, blocks, chunk_shape
from mystax.io.store_fs import WholeFile

if TYPE_CHECKING:
    from xarray import Dataset, Variable
else:
    Dataset = Variable = Any

__all__ = ["camera_group", "write_outcome"]

OF_THE_FILE = frozenset(
    {"mystax_format", "analysis", "analysis_version", "key", "parameters", "inputs", "software"}
    | {"variable_sha256", "content_sha256", "coordinates"}
)
"""Attributes that belong to a file as a whole; `coverage` and `quality` may differ between its cameras."""


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


class _Group(h5py.Group):  # type: ignore[misc] # h5py tells no types
    """A group of `_Opened`, which forgets what it has opened when something is removed."""

    def __init__(self, found: h5py.Group, opened: dict[Any, Any]) -> None:
        super().__init__(found.id)
        self._opened = opened

    def __delitem__(self, name: Any) -> None:
        self._opened.clear()
        super().__delitem__(name)


class _Opened(h5py.File):  # type: ignore[misc] # h5py tells no types
    """A file that opens each of its objects once: h5netcdf asks some forty times for every variable."""

    def __init__(self, part: _Part) -> None:
        self._opened: dict[Any, Any] = {}
        # v110: all of HDF5's own tables carry checksums, so a flipped bit in them is found on reading.
        # Chunks are written whole and once: what is open needs no memory for them.
        super().__init__(part, "w", libver="v110", track_order=True, rdcc_nbytes=0)

    def __getitem__(self, name: Any) -> Any:
        if name not in self._opened:
            found = super().__getitem__(name)
            self._opened[name] = _Group(found, self._opened) if isinstance(found, h5py.Group) else found
        return self._opened[name]

    def close(self) -> None:
        self._opened.clear()
        super().close()


def _read_rows(variable: Variable, rows: slice) -> np.ndarray:
    """Read rows of a variable, at most 16,384 at once: a lazy one may be much wider inside than it looks."""
    starts = range(rows.start, rows.stop, BLOCK_ROWS)
    parts = [np.asarray(variable[start : min(start + BLOCK_ROWS, rows.stop)].values) for start in starts]
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _write_attributes(holder: Any, attributes: Mapping[str, Attribute]) -> None:
    """Write attributes, texts with fixed length.

    Texts of free length would lie in HDF5's global heap, the one part of a file without checksums, on
    which a single flipped bit can make the HDF5 library read for ever.
    """
    for name, value in attributes.items():
        if isinstance(value, str):
            data = value.encode("utf-8")
            # two bytes at least: one alone is taken for a character, not for a text
            holder.attrs[name] = np.array(data, h5py.string_dtype("utf-8", max(2, len(data))))
        else:
            holder.attrs[name] = value


def _write_texts(group: Any, name: str, dims: tuple[str, ...], texts: np.ndarray) -> Any:
    """Write texts as characters of fixed number (netCDF's NC_CHAR), for the reason given above."""
    data = np.array([plain_text(str(text)).encode("utf-8") for text in texts.ravel()], np.bytes_)
    width = max(1, data.dtype.itemsize)
    dim = f"string{width}"
    if dim not in group.dimensions:
        group.dimensions[dim] = width
    shape = (*texts.shape, width)
    chunk = chunk_shape((*dims, dim), shape, 1)
    stored = group.create_variable(name, (*dims, dim), "S1", chunks=chunk, fletcher32=True)
    if data.size:
        stored[...] = data.astype(f"S{width}").view("S1").reshape(shape)
    stored.attrs["_Encoding"] = np.array(b"utf-8", h5py.string_dtype("utf-8", 5))
    return stored


def _write_variable(group: Any, path: str, variable: Variable, part: _Part) -> str:
    """Write one variable block by block and return its digest."""
    dims, dtype = tuple(str(dim) for dim in variable.dims), variable.dtype
    name = path.rpartition("/")[2]
    digest = VariableDigest(path, dims, dtype, variable.shape)
    if dtype.kind in "UOT":
        texts = np.asarray(variable.values, object)
        stored = _write_texts(group, name, dims, texts)
        digest.update(np.atleast_1d(texts))
    elif dtype.kind not in "iuf" or dtype.itemsize not in (1, 2, 4, 8) or dtype.str[1:] == "f2":
        raise FormatError(
            "F804",
            f"variable {path!r}",
            "netCDF-4 has no such type",
            expected="integers, floats or texts",
            got=str(dtype),
        )
    elif not dims:
        stored = group.create_variable(name, dims, dtype.newbyteorder("<"))
        stored[...] = variable.values
        digest.update(np.atleast_1d(variable.values))
    else:
        chunk = chunk_shape(dims, variable.shape, dtype.itemsize)
        stored = group.create_variable(name, dims, dtype.newbyteorder("<"), chunks=chunk, fletcher32=True)
        for block in blocks(variable.shape, chunk[0], dtype.itemsize):
            values = _read_rows(variable, block)
            stored[block] = values
            digest.update(values)
            part.check()
    attributes = plain_attributes(variable.attrs, f"variable {path!r}")
    _write_attributes(stored, attributes)
    return digest.finish(attributes)


class _Contents:
    """What is noted of a file while it is written: dimensions and digests of its variables, by path."""

    def __init__(self) -> None:
        self.dims: dict[str, list[str]] = {}
        self.digests: dict[str, str] = {}

    def write_group(self, group: Any, prefix: str, dataset: Dataset, part: _Part) -> None:
        """Write all variables of one dataset."""
        group.dimensions = {str(dim): size for dim, size in dataset.sizes.items()}
        # The names of an empty dimension come last: behind them h5netcdf lets no variable be empty with it.
        empty = {str(dim) for dim, size in dataset.sizes.items() if not size}
        for name in sorted(map(str, dataset.variables), key=lambda name: (name in empty, name)):
            variable = dataset.variables[name]
            self.dims[prefix + name] = [str(dim) for dim in variable.dims]
            self.digests[prefix + name] = _write_variable(group, prefix + name, variable, part)


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


def camera_group(camera: str, taken: Collection[str] = ()) -> str:
    """Return the name of a camera's group in a file; `taken` are the names of the root group."""
    name = safe_name(camera)
    return f"{name}_camera" if name in taken else name


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
    contents = _Contents()
    root = cameras.get("")
    with _Opened(part) as file, h5netcdf.File(file, "w") as outcome:
        plain = plain_attributes(attributes)
        if root is not None:
            contents.write_group(outcome, "", root, part)
            plain = _group_attributes(root, attributes)
        for camera, dataset in cameras.items():
            if not camera:
                continue
            name = camera_group(camera, {*outcome.variables, *outcome.dimensions})
            group = outcome.create_group(name)
            contents.write_group(group, f"{name}/", dataset, part)
            own = _group_attributes(dataset, {"camera": camera})
            _write_attributes(group, own)
            contents.digests[f"{name}/"] = attribute_digest(own)
        plain["variable_dims"] = canonical_json(contents.dims)
        plain["variable_sha256"] = canonical_json(contents.digests)
        plain["content_sha256"] = content_digest(plain)
        _write_attributes(outcome, plain)
        return str(plain["content_sha256"])
