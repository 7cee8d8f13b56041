"""What an encoding is asked with: behaviour and neural data in any form, and what tells them from others."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.core.behaviour import BehaviourGrid
from mystax.core.lazy import is_lazy
from mystax.core.params import check_params
from mystax.core.quality import Flag, flags_from_json

if TYPE_CHECKING:
    from xarray import Dataset

    from mystax.analyses.encoding import EncodingParams
else:
    Dataset = EncodingParams = Any

__all__ = [
    "behaviour_of",
    "check_encoding",
    "fingerprint_of",
    "flags_of",
    "neural_of",
    "other_behaviours",
    "plain_parameters",
]


def plain_parameters(parameters: Mapping[str, object]) -> dict[str, object]:
    """Return parameters as texts and numbers: groups may be a list of names, and None stands for none.

    Parameters
    ----------
    parameters : mapping
        As they were given.

    Returns
    -------
    dict
        As the declaration has them.
    """
    found = dict(parameters)
    groups = found.get("groups")
    if groups is None:
        found.pop("groups", None)
    elif not isinstance(groups, str) and isinstance(groups, Iterable):
        found["groups"] = ",".join(str(name) for name in groups)
    for name in ("null", "ceiling"):
        if name in found and found[name] is None:
            found[name] = "none"
    return found


def check_encoding(parameters: Mapping[str, object]) -> EncodingParams:
    """Check the parameters of the analysis `encoding`, before any file is looked at.

    Parameters
    ----------
    parameters : mapping
        As they were given.

    Returns
    -------
    EncodingParams
        The checked values.

    Raises
    ------
    ParameterError
        P401, if a parameter is unknown or out of its range.
    """
    from mystax.analyses.encoding import EncodingParams as Declared

    return check_params(Declared, plain_parameters(parameters), "encoding")


def neural_of(neural: Any) -> Dataset:
    """Return neural data, read where a path was given.

    Parameters
    ----------
    neural : path or Dataset
        Neural data.

    Returns
    -------
    Dataset
        In the form of `mystax.core.neural.NEURAL`.

    Raises
    ------
    MystaxError
        As `mystax.read_neural`.
    """
    if hasattr(neural, "data_vars"):
        from mystax.core.neural import check_neural

        check_neural(neural)
        found: Dataset = neural
        return found
    from mystax.io.neural.reading import read_neural

    return read_neural(neural)


def flags_of(dataset: Dataset) -> list[Flag]:
    """Return the remarks of a dataset."""
    text = str(dataset.attrs.get("quality", ""))
    return flags_from_json(text) if text else []


def behaviour_of(
    behaviour: Any, groups: str | Sequence[str]
) -> tuple[BehaviourGrid, list[Mapping[str, object]]]:
    """Return behaviour on its grid, and what it was made from.

    Parameters
    ----------
    behaviour : path, Outcomes, mapping, or BehaviourGrid
        Behaviour.
    groups : str or sequence of str
        Names of groups, separated by commas, or ``auto``; or names as they are.

    Returns
    -------
    grid, inputs
        Behaviour, and its fingerprint as provenance has it.

    Raises
    ------
    MystaxError
        As `assemble_behaviour`.
    """
    if isinstance(behaviour, BehaviourGrid):
        grid = behaviour
    else:
        from mystax.analyses.behaviour import assemble_behaviour
        from mystax.io.outcomes import load

        opened = load(behaviour) if isinstance(behaviour, str | Path) else behaviour
        if isinstance(groups, str):
            names = [name.strip() for name in groups.split(",") if name.strip()]
            wanted = None if groups == "auto" else names
        else:
            wanted = list(groups)
        grid = assemble_behaviour(opened, wanted)
    digest = hashlib.blake2b(digest_size=16)
    for part in grid.parts:
        digest.update(json.dumps([part.group, part.part, part.bank, part.columns]).encode())
        digest.update(np.ascontiguousarray(part.values).tobytes())
    digest.update(f"{grid.start!r} {grid.rate}".encode())
    return grid, [{"role": "behaviour", "camera": "", "position": 0, "id": digest.hexdigest()}]


def fingerprint_of(neural: Dataset) -> Mapping[str, object]:
    """Return what tells these neural data from others: all values, or their files where they are still there.

    Parameters
    ----------
    neural : Dataset
        Neural data.

    Returns
    -------
    mapping
        As provenance has it.
    """
    digest = hashlib.blake2b(digest_size=16)
    digest.update(str(neural.attrs.get("source", "")).encode())
    for name in ("signal", "bin", "observed"):
        digest.update(f"{neural.attrs.get(name, '')}\n".encode())
    # a clock, a rate of samples or places of channels stand in no file that the source names
    for name in sorted(str(name) for name in neural.variables if name != "activity"):
        values = np.asarray(neural[name].values)
        plain = (
            "\n".join(map(str, values.tolist())).encode() if values.dtype.kind in "UOT" else values.tobytes()
        )
        digest.update(f"{name} {values.shape}\n".encode() + plain)
    if "activity" in neural and not (_has_files(str(neural.attrs.get("source", ""))) and _is_unread(neural)):
        for first in range(0, neural.sizes["time"], 4096):
            rows = neural["activity"].isel(time=slice(first, first + 4096))
            digest.update(np.ascontiguousarray(rows.values).tobytes())
    return {"role": "neural", "camera": "", "position": 0, "id": digest.hexdigest()}


def _is_unread(neural: Dataset) -> bool:
    """Tell whether the activity is still in its files: what was read may have been changed since."""
    return neural["activity"].chunks is None and is_lazy(neural["activity"])


def _has_files(source: str) -> bool:
    """Tell whether a source names files by their content."""
    try:
        found = json.loads(source)
    except ValueError:
        return False
    return isinstance(found, dict) and bool(found.get("files"))


def other_behaviours(
    null_with: Iterable[Any], grid: BehaviourGrid
) -> tuple[list[BehaviourGrid], list[Mapping[str, object]]]:
    """Return the behaviour of other recordings, with the groups that one recording has.

    Parameters
    ----------
    null_with : iterable of path, Outcomes, mapping, or BehaviourGrid
        Behaviour of other recordings.
    grid : BehaviourGrid
        Behaviour of the recording that they are compared with; where it is among them, it is left out.

    Returns
    -------
    grids, inputs
        Behaviour, and fingerprints as provenance has them.

    Raises
    ------
    MystaxError
        As `assemble_behaviour`.
    """
    own = behaviour_of(grid, "auto")[1][0]["id"]
    grids: list[BehaviourGrid] = []
    inputs: list[Mapping[str, object]] = []
    for item in null_with:
        other, facts = behaviour_of(item, grid.groups)
        if facts[0]["id"] != own:
            inputs.append({**facts[0], "role": "null", "position": len(grids)})
            grids.append(other)
    return grids, inputs
