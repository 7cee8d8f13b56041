"""From Element Facemap: the tables that people filled are copied, what was computed wrongly is not."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import datajoint as dj

from mystax.element import facemap_inference as fi
from mystax.element import facial_behavior_estimation as fbe
from mystax.element.params import task_plan
from mystax.element.rows import insert_rows
from mystax.errors import MystaxError, RecipeError

__all__ = ["Copied", "copy_manual_tables"]

Row = Mapping[str, Any]
FLAGS = ("do_mot_svd", "do_mov_svd")
"""Attributes that are truth values here, and were small integers."""


@dataclass
class Copied:
    """What became of the rows of one table.

    Attributes
    ----------
    copied, present : int
        Rows that were copied (of a dry run: that would be), and rows that were there already.
    left_out : list of tuple
        Keys of rows that cannot be copied, with the reason.
    notes : list of tuple
        Keys of rows that were copied but will not be computed as they stand, with the reason.
    """

    copied: int = 0
    present: int = 0
    left_out: list[tuple[dict[str, Any], str]] = field(default_factory=list)
    notes: list[tuple[dict[str, Any], str]] = field(default_factory=list)
    _keys: set[tuple[Any, ...]] = field(default_factory=set, repr=False)


def copy_manual_tables(
    old: str | tuple[str, str],
    *,
    models: Mapping[int, str | Path] | None = None,
    dry_run: bool = True,
    connection: Any = None,
) -> dict[str, Copied]:
    """Copy what people entered into the schemas of Element Facemap into those that are active here.

    These are `VideoRecording` with its files, `FacemapTask`, `FacemapModel` and `FacemapInferenceTask`.  What
    was computed (`RecordingInfo`, `FacialSignal`, `FacemapInference`) is not copied: `populate_all` makes it
    anew.  The old schemas stay as they are; a second call copies nothing twice.

    Parameters
    ----------
    old : str or tuple of str
        Name of the old schema of `facial_behavior_estimation`, or that and the one of `facemap_inference`,
        whose columns `datajoint.migrate.migrate_columns` has labelled.
    models : mapping of int to str or path, optional
        Old ``model_id`` to the weights that take its place: the name of installed ones, or an ``.onnx`` file
        (``mystax import --facemap-weights`` makes one of Facemap's).  Other models and their tasks are left
        out.
    dry_run : bool, optional
        Only say what would be copied.
    connection : datajoint.Connection, optional
        To the server of the old schemas; by default that of the active ones.

    Returns
    -------
    dict of str to Copied
        Table to what became of its rows.

    Raises
    ------
    RecipeError
        P403, if the schemas of the element are not active, or an old table is not there.
    ParameterError
        P401, if there are no such weights.

    Examples
    --------
    >>> report = copy_manual_tables("old_fbe")  # doctest: +SKIP
    >>> report["FacemapTask"].copied  # doctest: +SKIP
    12
    """
    names = (old,) if isinstance(old, str) else tuple(old)
    session = fbe.link.module.Session
    before = _old_schema(names[0], connection or fbe.schema.connection)
    known = {
        "session": _keys(session, session.primary_key),
        "device": _keys(fbe.link.module.Device, fbe.link.module.Device.primary_key),
    }

    def of_the_lab(row: Row) -> str:
        """Say what a video of the old schema lacks in the lab's own tables."""
        if _key(row, session.primary_key) not in known["session"]:
            return "its session is not in the table Session of the linking module"
        own = _key(row, fbe.link.module.Device.primary_key)
        return "" if own in known["device"] else "its device is not in the table Device of the linking module"

    found: dict[str, Copied] = {}
    videos = _copy(_table(before, "VideoRecording"), fbe.VideoRecording, of_the_lab, dry_run)
    found["VideoRecording"] = videos
    primary = fbe.VideoRecording.primary_key

    def of_a_video(row: Row) -> str:
        return "" if _key(row, primary) in videos._keys else "its video was left out"

    files = _table(before, "VideoRecording").File
    found["VideoRecording.File"] = _copy(files, fbe.VideoRecording.File, of_a_video, dry_run)
    found["FacemapTask"] = _copy(_table(before, "FacemapTask"), fbe.FacemapTask, of_a_video, dry_run, _doubt)
    if len(names) > 1:
        before = _old_schema(names[1], connection or fi.schema.connection)
        found["FacemapModel"] = weights = _models(_table(before, "FacemapModel"), models or {}, dry_run)

        def of_a_model(row: Row) -> str:
            is_there = (row["model_id"],) in weights._keys
            return of_a_video(row) if is_there else "its model was left out"

        old_tasks = _table(before, "FacemapInferenceTask")
        found["FacemapInferenceTask"] = _copy(old_tasks, fi.FacemapInferenceTask, of_a_model, dry_run)
    return found


def _old_schema(name: str, connection: Any) -> Any:
    if connection is None:
        raise RecipeError(
            "P403",
            "DataJoint element",
            "no schema is activated",
            hint="call activate(...) of the new schemas",
        )
    try:
        return dj.VirtualModule(name, name, connection=connection)
    except dj.DataJointError as error:
        raise RecipeError("P403", f"schema {name!r}", "it cannot be read", got=str(error)[:200]) from error


def _table(schema: Any, name: str) -> Any:
    found = getattr(schema, name, None)
    if found is None:
        raise RecipeError("P403", f"schema {schema.__name__!r}", f"it has no table {name}")
    return found


def _key(row: Row, names: Iterable[str]) -> tuple[Any, ...]:
    return tuple(row[name] for name in names)


def _keys(table: Any, names: Iterable[str]) -> set[tuple[Any, ...]]:
    wanted = list(names)
    return {_key(row, wanted) for row in table.proj().to_dicts()}


def _copy(
    old: Any, new: Any, lacks: Callable[[Row], str], dry_run: bool, doubt: Callable[[Row], str] = lambda _: ""
) -> Copied:
    """Copy the rows of a table that are not there yet and lack nothing."""
    primary = new.primary_key
    there = _keys(new, primary)
    found = Copied(_keys=set(there))
    rows = []
    for row in old.to_dicts():
        key = {name: row[name] for name in primary}
        if _key(row, primary) in there:
            found.present += 1
        elif reason := lacks(row):
            found.left_out.append((key, reason))
        else:
            found._keys.add(_key(row, primary))
            rows.append(_plain(row, new))
            if text := doubt(row):
                found.notes.append((key, text))
    found.copied = len(rows)
    if not dry_run:
        insert_rows(new, rows)
    return found


def _plain(row: Row, new: Any) -> dict[str, Any]:
    """Return the attributes that the new table has."""
    values = {name: row[name] for name in new.heading.names if name in row}
    return {name: bool(value) if name in FLAGS else value for name, value in values.items()}


def _doubt(row: Row) -> str:
    """Say what is wrong with the parameters of a task."""
    motion, movie = (bool(row[name]) for name in FLAGS)
    try:
        task_plan(row["facemap_params"], do_mot_svd=motion, do_mov_svd=movie)
    except MystaxError as error:
        return str(error)
    return ""


def _models(old: Any, models: Mapping[int, str | Path], dry_run: bool) -> Copied:
    """Enter the weights that take the place of old ones, under the old numbers."""
    there = _keys(fi.FacemapModel, fi.FacemapModel.primary_key)
    found = Copied(_keys=set(there))
    for row in old.to_dicts():
        number = int(row["model_id"])
        if (number,) in there:
            found.present += 1
        elif number not in models:
            reason = f"no weights take its place: models={{{number}: NAME}}"
            found.left_out.append(({"model_id": number}, reason))
        else:
            found.copied += 1
            found._keys.add((number,))
            if not dry_run:
                about = str(row["model_name"]), str(row["model_description"])
                fi.FacemapModel.insert_new_model(number, *about, models[number])
    return found
