"""Further columns of `states`: traces of other outcomes, measures, the head's speed, columns of tables."""

import csv
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.analyses.states import StatesParams
from mystax.analyses.states_track import StatesSource
from mystax.compute.column_features import Column
from mystax.core.quality import Flag
from mystax.errors import ClockError, ParameterError, RecipeError, nearest

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = ["KNOWN_FEATURES", "digest_of_column", "with_columns", "words_of"]

KNOWN_FEATURES = (
    "auto",
    "keypoints",
    "measures",
    "head",
    "pupil.area",
    "pupil.diameter",
    "blink.openness",
    "motion.energy",
    "svd.motion_svd",
    "running.speed",
    "csv",
)
LOGARITHMIC = ("pupil.area", "motion.energy")
MOTION_COMPONENTS = 5


def words_of(features: str) -> list[str]:
    """Split the parameter `features`.

    Raises
    ------
    ParameterError
        P401, if a feature is unknown (with the nearest one).
    """
    words = [word.strip() for word in features.split(",") if word.strip()]
    for word in words:
        base = word.partition(":")[0]
        if base not in KNOWN_FEATURES:
            raise ParameterError(
                "P401",
                "parameter 'features' of 'states'",
                f"there is no feature {word!r}{nearest(base, KNOWN_FEATURES)}",
            )
    return words or ["auto"]


def with_columns(source: StatesSource, loaded: Mapping[str, Dataset], params: StatesParams) -> StatesSource:
    """Add the traces that `features` names."""
    from dataclasses import replace

    words = words_of(params.features)
    if words == ["auto"]:
        words = [] if source.ids else [f"svd.motion_svd::{MOTION_COMPONENTS}"]
    columns: dict[str, Column] = dict(source.columns)
    remarks: list[Flag] = []
    further: list[str] = []
    for word in words:
        if word in ("keypoints", "auto"):
            if not source.ids:
                raise RecipeError(
                    "P403", source.name, "it has no keypoints", hint="mystax track VIDEO makes them"
                )
        elif word == "measures":
            columns |= _measures(source)
        elif word == "head":
            columns |= _head(source)
        elif word.startswith("csv:"):
            columns[word] = _csv_column(word, source)
            further.append(digest_of_column(columns[word]))
        else:
            columns[word] = _trace(word, loaded, source.name, remarks)
            further.append(digest_of_column(columns[word]))
    wanted = {
        key: item
        for key, item in columns.items()
        if key in words or key.partition("=")[0] in words or key not in source.columns
    }
    return replace(
        source,
        columns=wanted,
        flags=(*source.flags, *remarks),
        further=(*source.further, *further),
    )


def digest_of_column(column: Column) -> str:
    """Return the sha256 of the times and values of a column."""
    arrays = (np.ascontiguousarray(column.times), np.ascontiguousarray(column.values))
    return hashlib.sha256(b"".join(array.tobytes() for array in arrays)).hexdigest()


def _measures(source: StatesSource) -> dict[str, Column]:
    from mystax.compute.measures import measure_all

    if source.keypoints is None or not source.keypoints.measures:
        raise RecipeError("P403", source.name, "its keypoint set names no measures")
    found = measure_all(
        source.keypoints.measures,
        np.swapaxes(source.points, 1, 2),
        None,
        source.ids,
        source.times,
        source.unit,
    )
    return {f"measures={name}": Column(source.times, item.value[:, None]) for name, item in found.items()}


def _head(source: StatesSource) -> dict[str, Column]:
    """Return the speed of the middle of the rigid points."""
    from mystax.compute.kinematics import derivatives, speed_of

    if source.keypoints is None:
        raise RecipeError("P403", source.name, "a head needs keypoints")
    rigid = [source.ids.index(name) for name in source.keypoints.rigid if name in source.ids]
    chosen = rigid or list(range(len(source.ids)))
    middle = source.points[:, chosen].mean(1)
    speed = speed_of(derivatives(source.times, middle).slope)
    return {"head=speed": Column(source.times, speed[:, None], is_log=True)}


def _trace(word: str, loaded: Mapping[str, Dataset], where: str, remarks: list[Flag]) -> Column:
    """Take a trace such as ``pupil.area`` or ``svd.motion_svd:face:5`` out of outcomes."""
    base, *options = word.split(":")
    analysis, _, variable = base.partition(".")
    found = {key: loaded[key] for key in loaded if key.partition("/")[0] == analysis}
    if not found:
        raise RecipeError(
            "P403",
            where,
            f"there is no outcome {analysis!r} for the feature {word!r}",
            got=", ".join(map(str, loaded)) or "no outcomes",
        )
    having = {key: item for key, item in found.items() if variable in item}
    if not having:
        near = [str(name) for item in found.values() for name in item.data_vars if "time" in item[name].dims]
        raise RecipeError("P403", where, f"outcome {analysis!r} has no {variable!r}{nearest(variable, near)}")
    roi = options[0] if options and options[0] else ""
    regions = [
        (key, name)
        for key, item in having.items()
        for name in (map(str, item["roi"].values) if "roi" in item[variable].dims else [""])
    ]
    chosen = [place for place in regions if not roi or place[1] == roi]
    if not chosen:
        raise RecipeError("P403", where, f"no region {roi!r}{nearest(roi, [name for _, name in regions])}")
    key, name = chosen[0]
    if len(chosen) > 1:
        text = f"{word} is that of region {name!r} of {key!r} ({len(chosen)} could be meant)"
        remarks.append(Flag("N304", f"{text}; name one: {base}:ROI"))
    dataset = having[key]
    array = dataset[variable].sel(roi=name) if name else dataset[variable]
    values = np.asarray(array.transpose("time", ...).values, np.float64).reshape(dataset.sizes["time"], -1)
    if len(options) > 1 and options[1].isdecimal():
        values = values[:, : int(options[1])]
    elif base == "svd.motion_svd":
        values = values[:, :MOTION_COMPONENTS]
    return Column(np.asarray(dataset["time"].values, np.float64), values, base in LOGARITHMIC)


def _csv_column(word: str, source: StatesSource) -> Column:
    """Read a column of a table: ``csv:FILE:COLUMN``, beside a column `time` [s] or row by row.

    Where it has a column `recording`, its rows of this recording count.
    """
    _, _, rest = word.partition(":")
    file, _, column = rest.rpartition(":")
    try:
        with Path(file).open(encoding="utf-8-sig", newline="") as stream:
            rows = list(csv.reader(stream))
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError("P403", word, f"the table cannot be read ({error})") from error
    head = [cell.strip() for cell in rows[0]] if rows else []
    if "recording" in head:
        rows = [rows[0], *_rows_of(rows[1:], head.index("recording"), word, source)]
    if column not in head:
        raise RecipeError("P403", word, f"there is no column {column!r}{nearest(column, head)}")

    def numbers(name: str) -> np.ndarray:
        k = head.index(name)
        return np.array([_number(row[k]) if k < len(row) else np.nan for row in rows[1:]])

    values = numbers(column)
    time_name = next((name for name in ("time", "timestamp") if name in head), "")
    if time_name:
        times = numbers(time_name)
        known = np.isfinite(times)
        times, values = times[known], values[known]
        wrong = np.flatnonzero(np.diff(times) <= 0)
        if len(wrong):
            row = int(np.flatnonzero(known)[wrong[0] + 1])
            raise ClockError(
                "C206", word, expected="rising times", got=f"{numbers(time_name)[row]:g} at row {row}"
            )
    elif len(values) == len(source.times):
        times = source.times
    else:
        raise ClockError(
            "C202", word, expected=f"a column `time`, or {len(source.times)} rows", got=f"{len(values)} rows"
        )
    return Column(times, values[:, None])


def _rows_of(rows: list[list[str]], at: int, word: str, source: StatesSource) -> list[list[str]]:
    """Return the rows of a recording, or of the recording that an individual is in."""
    own = {source.name, source.name.removesuffix(f".{source.individual}")}
    found = [row for row in rows if at < len(row) and row[at].strip() in own]
    if not found:
        told = list(dict.fromkeys(row[at].strip() for row in rows if at < len(row)))
        raise RecipeError(
            "P403", word, f"there is no row of recording {source.name!r}", got=", ".join(told)[:200]
        )
    return found


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")
