"""Datasets out of outcome files: checked as they are read, large arrays read on demand."""

import math
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from mystax.core.analysis import get_analysis
from mystax.core.canonical import key12
from mystax.core.dataset import check_outcome
from mystax.errors import RecipeError
from mystax.io.digests import Attribute
from mystax.io.outcome_files import (
    OutcomeHead,
    check_head,
    damaged,
    is_text,
    open_outcome,
    read_attributes,
    read_head,
    read_variable,
)
from mystax.io.state_edits import edits_path, read_state_edits

if TYPE_CHECKING:
    from xarray import Dataset, Variable
else:
    Dataset = Variable = Any

__all__ = ["check_camera", "load_camera", "outcome_paths", "read_values"]

EAGER_BYTES = 16 << 20
"""Variables up to this size are read, and their digests checked, when an outcome is opened."""


def outcome_paths(folder: Path) -> list[Path]:
    """List the published outcomes of a folder, by name; part files do not exist for readers."""
    return sorted(path for path in folder.glob("*.nc") if not path.name.startswith("."))


class _Layout(NamedTuple):
    """What belongs to one camera in an open file."""

    prefix: str
    attributes: dict[str, Attribute]
    names: list[str]
    coordinates: set[str]

    def is_coordinate(self, name: str) -> bool:
        """Tell whether a variable, named by its path, is a coordinate."""
        return name.removeprefix(self.prefix) in self.coordinates


def _layout(outcome: Any, path: Path, head: OutcomeHead, camera: str | None) -> _Layout:
    """Look at an open file again: it must still be the outcome of the head."""
    if check_head(outcome, path).content != head.content:
        raise damaged(path, "another outcome than when the folder was opened; open it again")
    prefix = "" if camera is None else f"{head.groups[camera]}/"
    attributes = dict(head.attributes)
    if camera is not None:
        attributes |= read_attributes(outcome[prefix])
    names = [name for name in head.dims if name.rpartition("/")[0] == prefix.rstrip("/")]
    dims = {dim for name in names for dim in head.dims[name]}
    coordinates = set(str(attributes.pop("coordinates", "")).split()) | dims
    return _Layout(prefix, attributes, names, coordinates)


def check_camera(path: Path, head: OutcomeHead, camera: str | None) -> dict[str, Attribute]:
    """Check the values that `load_camera` would check, without xarray, which takes longer to load.

    Parameters
    ----------
    path : Path
        The file.
    head : OutcomeHead
        What it said about itself.
    camera : str or None
        The camera; None for the root group.

    Returns
    -------
    dict
        The attributes of its dataset.

    Raises
    ------
    DamagedError
        S502, if a value differs from its digest.
    """
    with open_outcome(path) as outcome:
        layout = _layout(outcome, path, head, camera)
        for name in layout.names:
            if not _is_large(outcome[name], head.dims[name], eager=layout.is_coordinate(name)):
                _checked_values(path, head, name, outcome[name])
    return layout.attributes


def read_values(
    path: Path, names: Collection[str]
) -> tuple[str, list[tuple[dict[str, np.ndarray], dict[str, Attribute]]]]:
    """Read a few variables of every camera, checked against their digests, without xarray.

    Parameters
    ----------
    path : Path
        The file.
    names : collection of str
        Names of variables; those that are not there are left out.

    Returns
    -------
    str
        `content_sha256` of the outcome.
    list of (dict, dict)
        Of each camera the values by name, and its attributes.

    Raises
    ------
    RecipeError, FormatError, StoreError, DamagedError
        As `mystax.load`.
    """
    head = read_head(path)
    cameras: list[str | None] = list(head.groups)
    if not cameras or any("/" not in name for name in head.digests):
        cameras.append(None)
    found = []
    with open_outcome(path) as outcome:
        for camera in cameras:
            layout = _layout(outcome, path, head, camera)
            values = {
                name.removeprefix(layout.prefix): _checked_values(path, head, name, outcome[name])
                for name in layout.names
                if name.removeprefix(layout.prefix) in names
            }
            found.append((values, layout.attributes))
    return head.content, found


def load_camera(path: Path, head: OutcomeHead, camera: str | None) -> Dataset:
    """Build the dataset of one camera, or of the root group."""
    import xarray as xr

    with open_outcome(path) as outcome:
        layout = _layout(outcome, path, head, camera)
        variables = {
            name.removeprefix(layout.prefix): _load_variable(
                path, head, name, outcome[name], eager=layout.is_coordinate(name)
            )
            for name in layout.names
        }
    dataset = xr.Dataset(
        {name: variable for name, variable in variables.items() if name not in layout.coordinates},
        {name: variable for name, variable in variables.items() if name in layout.coordinates},
        layout.attributes,
    )
    _check_form(dataset, head, path)
    if head.analysis == "states":
        edits = read_state_edits(edits_path(path), int(dataset.sizes.get("state", 0)))
        if edits is not None:
            dataset.attrs |= edits.attributes(int(dataset.sizes["state"]))
    return dataset


def _check_form(dataset: Dataset, head: OutcomeHead, path: Path) -> None:
    """Check the form where this mystax knows it: same analysis, same version."""
    try:
        declared = get_analysis(head.analysis)
    except RecipeError:
        return  # of a plug-in that is not installed here: the file describes itself
    if declared.version == head.attributes.get("analysis_version"):
        check_outcome(dataset, declared.schema_of(dataset), str(path))


def _load_variable(path: Path, head: OutcomeHead, name: str, stored: Any, *, eager: bool) -> Variable:
    """Read a variable and check its digest, or prepare a large one to be read on demand."""
    import xarray as xr
    from xarray.core import indexing

    dims, shape = head.dims[name], tuple(stored.shape)
    if _is_large(stored, dims, eager=eager):
        lazy = stored_array(path, head, name, shape, stored.dtype)
        return xr.Variable(dims, indexing.LazilyIndexedArray(lazy), read_attributes(stored))
    return xr.Variable(dims, _checked_values(path, head, name, stored), read_attributes(stored))


def _is_large(stored: Any, dims: tuple[str, ...], *, eager: bool) -> bool:
    """Tell whether a variable is read on demand; coordinates and texts never are."""
    size = stored.dtype.itemsize * math.prod(stored.shape)
    return bool(dims) and not eager and not is_text(stored) and size > EAGER_BYTES


def _checked_values(path: Path, head: OutcomeHead, name: str, stored: Any) -> np.ndarray:
    """Read a whole variable and compare it with its digest."""
    values, digest = read_variable(stored, name, head.dims[name])
    if digest != head.digests[name]:
        raise damaged(path, f"values of {name!r} that differ from their digest")
    return values


def stored_array(path: Path, head: OutcomeHead, name: str, shape: tuple[int, ...], dtype: np.dtype) -> Any:
    """Make the lazy array of a stored variable, for xarray."""
    from xarray.backends import BackendArray
    from xarray.core import indexing

    class StoredArray(BackendArray):
        """Values of a variable, read from the file at each use, so that no file stays open."""

        def __init__(self) -> None:
            self.shape, self.dtype = shape, dtype

        def __getitem__(self, key: Any) -> Any:
            return indexing.explicit_indexing_adapter(
                key, shape, indexing.IndexingSupport.OUTER_1VECTOR, self._read
            )

        def _read(self, key: tuple[Any, ...]) -> np.ndarray:
            for place in (path, _old_place(path, head)):
                if place.is_file():
                    with open_outcome(place) as outcome:
                        if check_head(outcome, place).content == head.content:
                            return np.asarray(outcome[name][key])
            raise damaged(path, "another outcome than the one that was opened; open it again")

    return StoredArray()


def _old_place(path: Path, head: OutcomeHead) -> Path:
    """Return where the store keeps an outcome that was superseded since it was opened."""
    return path.parent / ".mystax" / "old" / f"{path.stem}.{key12(head.key)}.nc"
