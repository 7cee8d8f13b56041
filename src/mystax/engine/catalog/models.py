"""Models that jobs have made, by name: trained weights, and fits of states that others can be put under."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from mystax.core.safe_names import is_there
from mystax.engine.catalog.tables import model
from mystax.errors import RecipeError, nearest

__all__ = ["StoredModel", "fit_name", "record_fit", "record_weights", "states_model"]

STATES = "states"
GROUPS = "_groups"
"""Folder of the outcomes of groups, below that of the catalogue."""


@dataclass(frozen=True, slots=True)
class StoredModel:
    """A fit of states.

    Attributes
    ----------
    name : str
        As a recipe names it.
    path : str
        An outcome that carries it: below the folder of outcomes, with ``/``, or absolute.
    digest : str
        sha256 of its numbers: another fit is other work.
    """

    name: str
    path: str
    digest: str


def fit_name(folder: str) -> str:
    """Return the name of the fit whose outcomes lie in a folder.

    Parameters
    ----------
    folder : str
        Of the outcomes of a recording or a group, below that of the catalogue.

    Returns
    -------
    str
        ``<group>/<recipe>`` of a group, else ``<recording>/<recipe>``.

    Examples
    --------
    >>> fit_name("_groups/all/night")
    'all/night'
    """
    return folder.removeprefix(f"{GROUPS}/")


def record_fit(connection: Connection, out: Path, folder: str, path: str) -> None:
    """Write the row of a fit of states; another fit in the same folder is forgotten.

    Parameters
    ----------
    connection : Connection
        Of a transaction that writes.
    out : Path
        The folder of outcomes.
    folder : str
        Of the fit, below that.
    path : str
        One of its outcomes, below that folder: all of them carry the model; where they carry none (states
        of another tool) nothing is written.
    """
    digest = _digest(out / PurePosixPath(path))
    if not digest:
        return
    name = fit_name(folder)
    same = (model.c.kind == STATES) & (model.c.name == name)
    known = connection.execute(select(model.c.weights_hash, model.c.path).where(same)).first()
    if known is not None and known.weights_hash == digest and is_there(out / PurePosixPath(known.path)):
        return
    _write(connection, same, {"name": name, "kind": STATES, "weights_hash": digest, "path": path})


def record_weights(connection: Connection, out: Path, told: Mapping[str, Any]) -> None:
    """Write the row of trained weights; others of that name are forgotten.

    Parameters
    ----------
    connection : Connection
        Of a transaction that writes.
    out : Path
        The folder of outcomes.
    told : mapping
        What the training tells: ``name``, ``path``, ``digest``, ``keypoint_set``, ``card``.
    """
    path = Path(str(told["path"]))
    values = {
        "name": str(told["name"]),
        "kind": "pose",
        "keypoint_set": str(told["keypoint_set"]),
        "weights_hash": str(told["digest"]),
        "path": path.relative_to(out).as_posix() if path.is_relative_to(out) else str(path),
        "card": dict(told["card"]),
    }
    _write(connection, (model.c.kind == "pose") & (model.c.name == values["name"]), values)


def _write(connection: Connection, same: Any, values: Mapping[str, Any]) -> None:
    connection.execute(delete(model).where(same | (model.c.weights_hash == values["weights_hash"])))
    connection.execute(insert(model).values(**values))


def states_model(connection: Connection, out: Path, name: str) -> StoredModel:
    """Find the fit that a recipe names.

    Parameters
    ----------
    connection : Connection
        To the catalogue.
    out : Path
        The folder of outcomes.
    name : str
        Name of a fit that the queue has made, or the path of an outcome of states: absolute, or below the
        folder of outcomes.

    Returns
    -------
    StoredModel
        The fit.

    Raises
    ------
    RecipeError
        P403, if there is none.
    StoreError, FormatError, DamagedError
        S505, F804, S502, if the outcome cannot be read.
    """
    rows = connection.execute(
        select(model.c.name, model.c.path, model.c.weights_hash).where(model.c.kind == STATES)
    ).all()
    for row in rows:
        if row.name == name and is_there(out / PurePosixPath(row.path)):
            return StoredModel(name, row.path, row.weights_hash)
    path = out / name
    if path.suffix == ".nc" and is_there(path) and (digest := _digest(path)):
        return StoredModel(name, name, digest)
    raise RecipeError(
        "P403",
        f"fit {name!r}",
        f"there is no such fit of states{nearest(name, [row.name for row in rows])}",
        expected='"recording", "group", the name of a fit of this catalogue, or the path of a states.nc',
        hint='a step with fit = "group" makes one; its name is <group>/<recipe>',
    )


def _digest(path: Path) -> str:
    """Return the sha256 of the model in an outcome of states; "" if it carries none."""
    from mystax.analyses.states_outcome import model_of_dataset
    from mystax.engine.states.run import model_digest
    from mystax.io.outcomes import load

    found = load(path)
    dataset: Any = found if hasattr(found, "data_vars") else found[STATES]
    if "model_means" not in dataset:
        return ""
    return model_digest(model_of_dataset(dataset, str(path))[1])
