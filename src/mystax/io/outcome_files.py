"""Reading one outcome file: only what agrees with its checksums and digests is given back.

Files are read through h5py and without HDF5's global heap, the one part of a file without checksums: on a
flipped bit in it the HDF5 library can read for ever.  So dimensions come from the attribute
`variable_dims`, not from HDF5's lists of scales.
"""

import json
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from mystax.core.safe_names import is_there
from mystax.errors import DamagedError, FormatError, MystaxError, RecipeError, StoreError
from mystax.io.digests import Attribute, VariableDigest, attribute_digest, content_digest, plain_attributes

__all__ = ["FORMAT", "OutcomeHead", "check_head", "chunk_shape", "open_outcome", "read_head"]

FORMAT = 1
"""Number of the file format; a file with a higher one was made by a newer mystax."""

CHUNK_BYTES = 1 << 20
BLOCK_ROWS = 16_384
BLOCK_BYTES = 64 << 20
COMPONENTS = 16

H5_ERRORS = (OSError, RuntimeError, ValueError, KeyError)
"""What h5py and h5netcdf raise on a file whose bytes are damaged."""

OF_NETCDF = frozenset(
    {"CLASS", "NAME", "DIMENSION_LIST", "REFERENCE_LIST", "_Netcdf4Dimid", "_Netcdf4Coordinates"}
    | {"_NCProperties", "_Encoding"}
)
"""Attributes that netCDF-4 itself writes."""

BARE_DIMENSION = "This is a netCDF dimension but not a netCDF variable"


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


def blocks(shape: tuple[int, ...], rows: int, itemsize: int) -> Iterator[slice]:
    """Give slices of the first axis: 16,384 rows at a time, fewer of very long rows, whole chunks only."""
    row = max(1, math.prod(shape[1:]) * itemsize)
    step = max(1, min(BLOCK_ROWS, BLOCK_BYTES // row) // rows) * rows
    for start in range(0, shape[0], step):
        yield slice(start, min(start + step, shape[0]))


@contextmanager
def open_outcome(path: Path) -> Iterator[Any]:
    """Open an outcome for reading, without HDF5's locks (published files do not change).

    Raises
    ------
    RecipeError
        P403, if there is no such file.
    FormatError
        F804, if it is a file of another kind.
    DamagedError
        S502, if it cannot be read.
    """
    if not is_there(path):
        raise RecipeError("P403", str(path), "there is no such outcome")
    try:
        with h5py.File(path, "r", locking=False) as outcome:
            yield outcome
    except MystaxError:
        raise
    except H5_ERRORS as error:
        if _is_foreign(path):
            raise FormatError(
                "F804", str(path), "this is no outcome of mystax", hint="mystax run makes one"
            ) from error
        raise damaged(path, str(error).partition("\n")[0] or type(error).__name__) from error


def _is_foreign(path: Path) -> bool:
    """Tell whether a file that HDF5 refuses is healthy and of another kind, and not an outcome gone bad.

    Outcomes end in ``.nc``: of such files only the older netCDF formats are surely something else.
    """
    from mystax.io.guarded import is_hdf5

    try:
        with path.open("rb") as stream:
            is_older = stream.read(3) == b"CDF"
        return is_older or (".nc" not in path.name and not is_hdf5(path))
    except OSError:
        return False


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
    dims : dict
        `variable_dims`: path of a variable to its dimensions.
    groups : dict
        Camera to its group; empty where one camera stands in the root.
    """

    attributes: dict[str, Attribute]
    digests: dict[str, str]
    dims: dict[str, tuple[str, ...]]
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
    found = {name: holder.attrs[name] for name in holder.attrs if name not in OF_NETCDF}
    return plain_attributes(
        {name: value.decode("utf-8") if isinstance(value, bytes) else value for name, value in found.items()}
    )


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
    if "mystax_format" not in outcome.attrs:
        raise FormatError(
            "F804", str(path), "not an outcome of mystax", expected="the attribute mystax_format"
        )
    number = int(np.ravel(outcome.attrs["mystax_format"])[0])
    if number > FORMAT:
        raise StoreError(
            "S505",
            str(path),
            "the outcome was made by a newer mystax",
            expected=f"format {FORMAT}",
            got=f"format {number}",
            hint="pip install --upgrade mystax",
        )
    attributes = read_attributes(outcome)
    if attributes.get("content_sha256") != content_digest(attributes):
        raise damaged(path, "attributes that differ from content_sha256")
    digests = {name: str(digest) for name, digest in _table(attributes, "variable_sha256", path).items()}
    dims = {}
    for name, words in _table(attributes, "variable_dims", path).items():
        if not isinstance(words, list):
            raise damaged(path, f"no list of dimensions for {name!r}")
        dims[name] = tuple(map(str, words))
    found, cameras = _contents(outcome, path)
    groups = {}
    for name, group in cameras.items():
        own = read_attributes(group)
        if attribute_digest(own) != digests.get(f"{name}/"):
            raise damaged(path, f"attributes of group {name!r} that differ from their digest")
        groups[str(own.get("camera", name))] = name
        found |= {f"{name}/"} | _contents(group, path, f"{name}/")[0]
    if found != set(digests):
        raise damaged(path, f"other variables than written: {sorted(found ^ set(digests))}")
    return OutcomeHead(attributes, digests, dims, groups)


def _table(attributes: Mapping[str, Attribute], name: str, path: Path) -> dict[str, Any]:
    """Read an attribute that holds a JSON object."""
    try:
        found = json.loads(str(attributes[name]))
    except RecursionError as error:
        raise damaged(path, f"the attribute {name} is nested too deeply") from error
    if not isinstance(found, dict):
        raise damaged(path, f"the attribute {name} is no JSON object")
    return found


def _contents(group: Any, path: Path, prefix: str = "") -> tuple[set[str], dict[str, Any]]:
    """List the variables of a group by path, and the groups of cameras by name (of the root group only).

    What the store never writes is refused: links, and data that lie in another file.  Dimensions without a
    variable are HDF5 data sets too.
    """
    found, groups = set(), {}
    for name in group:
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise damaged(path, f"{name!r} is a link")
        item = group[name]
        if isinstance(item, h5py.Dataset):
            made = item.id.get_create_plist()
            if made.get_layout() == h5py.h5d.VIRTUAL or made.get_external_count():
                raise damaged(path, f"the values of {name!r} lie in another file")
            is_scale = h5py.h5a.exists(item.id, b"NAME")
            if not (is_scale and bytes(item.attrs["NAME"]).decode("latin-1").startswith(BARE_DIMENSION)):
                found.add(f"{prefix}{name}")
        elif not prefix and isinstance(item, h5py.Group):
            groups[name] = item
        else:
            raise damaged(path, f"{name!r} is neither a variable nor a camera")
    return found, groups


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
    return bool(stored.dtype.kind == "S")


def _digest_of(stored: Any, name: str, dims: tuple[str, ...]) -> VariableDigest:
    shape = tuple(int(n) for n in stored.shape[: len(dims)])
    return VariableDigest(name, dims, np.dtype(object) if is_text(stored) else stored.dtype, shape)


def read_variable(stored: Any, name: str, dims: tuple[str, ...]) -> tuple[np.ndarray, str]:
    """Read a whole stored variable; return its values and their digest."""
    digest = _digest_of(stored, name, dims)
    values = np.asarray(stored[()])
    if is_text(stored):
        width = values.shape[-1]
        joined = np.ascontiguousarray(values).view(f"S{width}").reshape(values.shape[:-1])
        values = np.array([text.decode("utf-8") for text in joined.ravel()], np.str_).reshape(joined.shape)
    digest.update(np.atleast_1d(values))
    return values, digest.finish(read_attributes(stored))


def variable_digest(stored: Any, name: str, dims: tuple[str, ...]) -> str:
    """Compute the digest of a stored variable, block by block."""
    if not dims or is_text(stored):
        return read_variable(stored, name, dims)[1]
    digest = _digest_of(stored, name, dims)
    chunk = chunk_shape(dims, tuple(stored.shape), stored.dtype.itemsize)
    for block in blocks(tuple(stored.shape), chunk[0], stored.dtype.itemsize):
        digest.update(np.asarray(stored[block]))
    return digest.finish(read_attributes(stored))
