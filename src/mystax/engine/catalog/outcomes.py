"""Rows of outcomes and recipes: what the files say, where SQL can find it."""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, delete, insert, select, update

from mystax.core.canonical import canonical_json, key12
from mystax.core.quality import flags_from_json
from mystax.engine.catalog.database import utc_seconds
from mystax.engine.catalog.flags import remark_of_flag
from mystax.engine.catalog.rows import new_row, update_quality
from mystax.engine.catalog.tables import flag, outcome, recipe
from mystax.engine.recipe import Recipe, recipe_to_toml
from mystax.io.digests import file_digest
from mystax.io.outcome_files import read_head
from mystax.io.verify import read_sum, sum_of

if TYPE_CHECKING:
    from xarray import Dataset

__all__ = ["OutcomeFacts", "outcome_facts", "recipe_hash", "recipe_row", "record_outcome", "supersede"]

MAX_SUMMARY = 60


@dataclass(frozen=True)
class OutcomeFacts:
    """What a file says of itself, for its row.

    Attributes
    ----------
    path : str
        Below the folder of outcomes, with ``/``.
    values : mapping
        Columns of the table `outcome`.
    attributes : mapping
        Global attributes of the file.
    """

    path: str
    values: Mapping[str, Any]
    attributes: Mapping[str, Any]


def recipe_hash(wanted: Recipe) -> str:
    """Return the sha256 of a recipe with every default written out: equal ones do the same."""
    values = canonical_json(wanted.as_dict(), f"recipe {wanted.name!r}")
    return hashlib.sha256(values.encode("utf-8", "surrogatepass")).hexdigest()


def recipe_row(connection: Connection, wanted: Recipe) -> int:
    """Return the row of a recipe; it is made if there is none."""
    mark = recipe_hash(wanted)
    same = (recipe.c.name == wanted.name) & (recipe.c.hash == mark)
    found = connection.scalar(select(recipe.c.id).where(same))
    if found is not None:
        return int(found)
    text = recipe_to_toml(wanted)
    return new_row(connection, recipe, name=wanted.name, hash=mark, text=text, created=utc_seconds())


def outcome_facts(out: Path, file: Path, *, summary: bool = True) -> OutcomeFacts:
    """Read what an outcome says of itself.

    Parameters
    ----------
    out : Path
        The folder of outcomes of the catalogue.
    file : Path
        The outcome, somewhere below.
    summary : bool, optional
        Also read small numbers: medians over time, counts.

    Returns
    -------
    OutcomeFacts
        For `record_outcome`.

    Raises
    ------
    RecipeError, FormatError, StoreError, DamagedError
        P403, F804, S505, S502, as `mystax.load`.
    """
    head = read_head(file)
    noted = read_sum(sum_of(file))
    attributes = head.attributes
    values = {
        "analysis": head.analysis,
        "version": int(str(attributes.get("analysis_version", 0))),
        "key": head.key,
        "bytes": file.stat().st_size,
        "sha256": noted.digest if noted is not None and noted.key == head.key else file_digest(file),
        "content_sha256": head.content,
        "coverage": float(str(attributes.get("coverage", 1.0))),
        "quality": json.loads(str(attributes.get("quality", "[]"))),
        "summary": _summary(file) if summary else {},
    }
    return OutcomeFacts(file.relative_to(out).as_posix(), values, attributes)


def _summary(file: Path) -> dict[str, float]:
    """Return small numbers of an outcome: scalars as they are, medians of what has a value per frame."""
    from mystax.io.outcomes import Outcomes, load

    found = load(file)
    named = found.items() if isinstance(found, Outcomes) else [("", found)]
    values: dict[str, float] = {}
    for name, dataset in named:
        camera = name.partition("/")[2]
        prefix = f"{camera}/" if camera else ""
        for variable, number in _numbers(dataset):
            if len(values) < MAX_SUMMARY and math.isfinite(number):
                values[f"{prefix}{variable}"] = number
    return values


def _numbers(dataset: "Dataset") -> list[tuple[str, float]]:
    """Return scalars, and medians over time, of a dataset."""
    import numpy as np

    numbers: list[tuple[str, float]] = [("n_frames", float(dataset.sizes.get("time", 0)))]
    for name, variable in dataset.data_vars.items():
        if variable.dtype.kind not in "fiu":
            continue
        if not variable.dims:
            numbers.append((str(name), float(variable)))
        elif variable.dims == ("time",) and variable.dtype.kind == "f":
            good = variable.values[np.isfinite(variable.values)]
            if len(good):
                numbers.append((f"median_{name}", float(np.median(good))))
    return numbers


def record_outcome(
    connection: Connection,
    facts: OutcomeFacts,
    *,
    recording_id: int | None,
    recipe_id: int | None = None,
    job_id: int | None = None,
) -> int:
    """Write the row of a published outcome, and its remarks; what lay there before is superseded.

    Parameters
    ----------
    connection : Connection
        Of a transaction that writes.
    facts : OutcomeFacts
        What the file says.
    recording_id, recipe_id, job_id : int, optional
        Where it belongs.

    Returns
    -------
    int
        The row.
    """
    query = select(outcome.c.id, outcome.c.key, outcome.c.job_id).where(outcome.c.path == facts.path)
    before = connection.execute(query).first()
    belongs = {"recording_id": recording_id, "recipe_id": recipe_id, "job_id": job_id}
    if before is not None and before.key == facts.values["key"]:
        row = int(before.id)
        if job_id is None:
            belongs["job_id"] = before.job_id
        values = {**facts.values, **belongs, "state": "current"}
        connection.execute(update(outcome).where(outcome.c.id == row).values(**values))
    else:
        if before is not None:
            supersede(connection, int(before.id), facts.path, before.key)
        values = {"path": facts.path, **facts.values, **belongs, "state": "current"}
        row = new_row(connection, outcome, **values, created=utc_seconds())
    connection.execute(delete(flag).where(flag.c.outcome_id == row))
    for one in flags_from_json(json.dumps(facts.values["quality"])):
        remark = remark_of_flag(one)
        more = {"recording_id": recording_id, "outcome_id": row, "created": utc_seconds()}
        values = {"code": remark.code, "severity": remark.severity, "detail": dict(remark.detail)}
        connection.execute(insert(flag).values(**values, **more))
    if recording_id is not None:
        update_quality(connection, [recording_id])
    return row


def supersede(connection: Connection, row: int, path: str, key: str) -> None:
    """Say that an outcome lies among the old ones now; its remarks say nothing of the recording any more."""
    folder, _, name = path.rpartition("/")
    old = f"{folder}/.mystax/old/{name.removesuffix('.nc')}.{key12(key) or 'unknown'}.nc"
    connection.execute(delete(outcome).where(outcome.c.path == old))
    connection.execute(delete(flag).where(flag.c.outcome_id == row))
    connection.execute(update(outcome).where(outcome.c.id == row).values(path=old, state="superseded"))
