"""Facemap's `_proc.npy` and `_proc.mat`: reading and writing the files, their verbatim copy.

Facts about the layout are those that Facemap (https://github.com/MouseLand/facemap, doi
10.1038/s41593-023-01490-6) documents and writes.  A file is read in a child process without running
anything in it; what its values mean stands in `mystax.io.formats.facemap_outcomes`.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from mystax.core.dataset import Schema, Variable
from mystax.core.safe_names import is_there
from mystax.errors import FormatError, MystaxError, RecipeError
from mystax.io.foreign import pack_tree, read_foreign, unpack_tree
from mystax.io.formats.facemap_matlab import layout_of_matlab

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = [
    "read_facemap",
    "save_pickled_dict",
    "tree_from_verbatim",
    "understood",
    "verbatim",
    "verbatim_schema",
    "write_facemap",
]

MEMORY = 2 << 30
MAX_MATLAB = 2 << 30


def read_facemap(path: Path | str) -> dict[str, Any]:
    """Read a Facemap file as plain data; nothing in it is run.

    Parameters
    ----------
    path : path
        ``<video>_proc.npy`` or ``<video>_proc.mat``.

    Returns
    -------
    dict
        Facemap's own layout.

    Raises
    ------
    FormatError
        F801, if the file wants to run code; F802, if it claims more than it holds; F804, if it is no
        Facemap file.
    """
    place = Path(path)
    if not is_there(place):
        raise RecipeError("P403", str(place), "there is no such file")
    memory = max(MEMORY, 3 * place.stat().st_size)
    is_matlab = place.suffix.lower() == ".mat"
    tree = read_foreign(place, "matlab" if is_matlab else "pickled_npy", memory=memory)
    if not isinstance(tree, dict) or not {"Ly", "rois", "motion", "sbin"} & set(tree):
        got = f"keys {sorted(map(str, tree))[:6]}" if isinstance(tree, dict) else type(tree).__name__
        raise FormatError(
            "F804", place.name, "not a Facemap file", expected="a dict with Ly, Lx, sbin, rois ...", got=got
        )
    if not is_matlab:
        return tree
    with understood(place.name):
        return layout_of_matlab(tree)


def write_facemap(path: Path | str, tree: Mapping[str, Any]) -> None:
    """Write data in Facemap's layout; the suffix decides between `.npy` and `.mat`.

    The `.npy` form is a pickled dict because Facemap reads nothing else.  Writing one runs nothing; it is
    the only place of mystax that does it.

    Raises
    ------
    FormatError
        F804, if a MATLAB variable would be 2 GB or larger.
    """
    place = Path(path)
    part = place.with_name(f".{place.name}.part")
    try:
        with part.open("wb") as stream:
            if place.suffix.lower() == ".mat":
                from scipy.io import savemat

                savemat(stream, _numbered(tree), long_field_names=True)
            else:
                save_pickled_dict(stream, tree)
        part.replace(place)
    finally:
        part.unlink(missing_ok=True)


def save_pickled_dict(stream: BinaryIO, tree: Mapping[str, Any]) -> None:
    """Write a dict as NumPy's object array: the only form in which Facemap reads two of its files."""
    holder = np.empty((), object)
    holder[()] = dict(tree)
    np.save(stream, holder, allow_pickle=True)


def _numbered(tree: Mapping[str, Any]) -> dict[str, Any]:
    """Give lists of arrays numbered names and None a number, as Facemap writes MATLAB files."""
    found: dict[str, Any] = {}
    for key, value in tree.items():
        if isinstance(value, list) and value and all(isinstance(item, np.ndarray) for item in value):
            found |= {f"{key}_{k}": item for k, item in enumerate(value)}
        elif value is None:
            found[key] = 0
        elif isinstance(value, list):
            found[key] = _cells(value)
        else:
            found[key] = value
    for key, value in found.items():
        if isinstance(value, np.ndarray) and value.nbytes >= MAX_MATLAB:
            raise FormatError(
                "F804",
                key,
                "too large for a MATLAB v5 file",
                expected="less than 2 GB",
                got=f"{value.nbytes / 1e9:.1f} GB",
                hint="export _proc.npy, or read the netCDF files from MATLAB.",
            )
    return found


def _cells(values: Sequence[Any]) -> np.ndarray:
    made = np.empty(len(values), object)
    for k, value in enumerate(values):
        made[k] = _cells(value) if isinstance(value, list) else _without_none(value)
    return made


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: _cells(item) if isinstance(item, list) else _without_none(item)
            for key, item in value.items()
        }
    return 0 if value is None else value


# verbatim ------------------------------------------------------------------------------------------


def verbatim(tree: Mapping[str, Any]) -> Dataset:
    """Keep every leaf of a tree: arrays as variables, order and types in a manifest.

    Parameters
    ----------
    tree : mapping
        Plain data.

    Returns
    -------
    Dataset
        One variable per array, with the attribute `manifest` (JSON).
    """
    import xarray as xr

    arrays: list[np.ndarray] = []
    packed = pack_tree(dict(tree), arrays)
    names = _leaf_names(packed, len(arrays))
    variables = {}
    forms = []
    for name, array in zip(names, arrays, strict=True):
        forms.append({"name": name, "dtype": array.dtype.str, "shape": list(array.shape)})
        if array.size:
            dims = tuple(f"{name}.{axis}" for axis in range(array.ndim))
            variables[name] = (dims, _storable(array))
    manifest = json.dumps({"tree": packed, "arrays": forms})
    return xr.Dataset(variables, attrs={"manifest": manifest})


def _storable(array: np.ndarray) -> np.ndarray:
    """Return the array in a type that netCDF holds, without loss."""
    if array.dtype.kind in "iuf" and array.dtype.itemsize in (1, 2, 4, 8) and array.dtype.str[1:] != "f2":
        return array.astype(array.dtype.newbyteorder("="))
    if array.dtype.kind == "b":
        return array.astype(np.int8)
    if array.dtype.str[1:] == "f2":
        return array.astype(np.float32)
    if array.dtype.kind == "U":
        return array
    if array.dtype.kind == "S":
        return np.char.decode(array, "latin-1")
    raise FormatError("F804", "Facemap file", f"an array of type {array.dtype} cannot be kept")


def _leaf_names(packed: Any, n_arrays: int) -> list[str]:
    """Name each array by its path in the tree, such as ``pupil.0.area``."""
    names = [""] * n_arrays

    def walk(node: Any, path: str) -> None:
        if not isinstance(node, dict):
            return
        kind, value = node["kind"], node["value"]
        if kind in ("array", "scalar"):
            names[value] = path
        elif kind == "dict":
            for key, item in value:
                walk(item, f"{path}.{key}" if path else str(key))
        elif kind in ("list", "tuple", "objects"):
            for k, item in enumerate(value):
                walk(item, f"{path}.{k}" if path else str(k))

    walk(packed, "")
    plain = ["".join(c if c.isalnum() or c in "._-" else "_" for c in name) or "leaf" for name in names]
    seen: dict[str, int] = {}
    for k, name in enumerate(plain):
        seen[name] = seen.get(name, 0) + 1
        if seen[name] > 1:
            plain[k] = f"{name}~{seen[name]}"
    return plain


def verbatim_schema(dataset: Dataset) -> Schema:
    """Declare a verbatim dataset as it is."""
    variables = {
        str(name): Variable(
            tuple(map(str, item.dims)), "", "str" if item.dtype.kind in "UO" else str(item.dtype), ""
        )
        for name, item in dataset.variables.items()
    }
    return Schema(
        variables, per_frame=False, per_roi=False, more_dimensions=frozenset(map(str, dataset.sizes))
    )


def tree_from_verbatim(dataset: Dataset) -> dict[str, Any]:
    """Return the tree that `verbatim` kept, equal leaf by leaf."""
    manifest = json.loads(dataset.attrs["manifest"])
    arrays = []
    for form in manifest["arrays"]:
        dtype = np.dtype(form["dtype"])
        if form["name"] in dataset.variables:
            values = np.asarray(dataset.variables[form["name"]].values)
            if dtype.kind == "S":
                values = np.char.encode(values.astype(str), "latin-1")
            arrays.append(values.astype(dtype).reshape(form["shape"]))
        else:
            arrays.append(np.empty(form["shape"], dtype))
    tree: dict[str, Any] = unpack_tree(manifest["tree"], arrays)
    return tree


@contextmanager
def understood(where: str = "Facemap file") -> Iterator[None]:
    """Refuse values of another form than Facemap writes, whatever they break on the way.

    Raises
    ------
    FormatError
        F804.
    """
    try:
        yield
    except MystaxError:
        raise
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise FormatError(
            "F804",
            where,
            "its values are not laid out as Facemap writes them",
            got=f"{type(error).__name__}: {error}"[:200],
        ) from error
