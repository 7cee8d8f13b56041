"""Outcomes as files of the International Brain Laboratory (ALF).

What the laboratory has names for gets them; all else stands under our own namespace ``_mystax_``, and
``_mystax_manifest.json`` says how the outcomes are put together again.
"""

import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.core.extras import require
from mystax.core.safe_names import safe_name
from mystax.errors import ParameterError
from mystax.io.layout import Part, describe, inline_form, numbers_text
from mystax.io.outcome_parts import OutcomeParts
from mystax.io.recorded import Recorded
from mystax.io.whole_files import refuse_existing, write_whole

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = ["MANIFEST", "AlfOptions", "write_alf"]

MANIFEST = "_mystax_manifest.json"
DATE = re.compile(r"\d{4}-\d{2}-\d{2}[A-Za-z0-9_.-]*")


@dataclass(frozen=True, slots=True)
class AlfOptions:
    """How ALF files are written: date of a revision folder, word for keypoints, whether to replace."""

    revision: str = ""
    pose: str = "dlc"
    overwrite: bool = False


@dataclass
class _Files:
    """Arrays and tables in the making, by file name."""

    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    tables: dict[str, dict[str, np.ndarray]] = field(default_factory=dict)
    placed: dict[tuple[str, str], list[Part]] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)


# ---------------------------------------------------------------- out


def write_alf(folder: Path, recordings: Sequence[Recorded], options: AlfOptions | None = None) -> list[Path]:
    """Write outcomes as ALF files.

    Parameters
    ----------
    folder : Path
        The session; files go into its ``alf``.  Several recordings get a session folder each.
    recordings : sequence of Recorded
        The outcomes.
    options : AlfOptions, optional
        How.

    Returns
    -------
    list of Path
        The files.

    Raises
    ------
    ParameterError
        P401, if the revision is no date.
    ExtraMissing
        X001, if there are keypoints or pupils, whose tables need pyarrow, which is not installed.
    RecipeError
        P403, if a file exists.
    SpaceError, StoreError
        S501, S503, as the disk refuses.
    """
    wishes = options or AlfOptions()
    if wishes.revision and not DATE.fullmatch(wishes.revision):
        raise ParameterError(
            "P401", "--revision", expected="a date such as 2025-05-31", got=repr(wishes.revision)
        )
    if any({"pose", "pupil"} & set(one.outcomes) for one in recordings):
        require("pyarrow", "interop")
    jobs: list[tuple[Path, bytes]] = []
    for one in recordings:
        session = folder / safe_name(one.name) if len(recordings) > 1 else folder
        place = session / "alf" / (f"#{wishes.revision}#" if wishes.revision else "")
        jobs += [(place / name, data) for name, data in _session(one, wishes.pose).items()]
    refuse_existing([path for path, _ in jobs], wishes.overwrite)
    return [write_whole(path, data) for path, data in jobs]


def _session(one: Recorded, word: str) -> dict[str, bytes]:
    """Return the files of one recording."""
    found: dict[str, bytes] = {}
    descriptions = []
    all_arrays: dict[str, np.ndarray] = {}
    tables: dict[str, dict[str, np.ndarray]] = {}
    words = _camera_words(one.outcomes.values())
    for parts in one.outcomes.values():
        files = _Files(all_arrays, words=words)
        for camera, dataset in parts.cameras.items():
            _own_files(files, parts.analysis, camera, dataset, len(parts.cameras) > 1)
            _ibl_files(files, parts.analysis, camera, dataset, word)
        for name, columns in files.tables.items():
            tables.setdefault(name, {}).update(columns)
        descriptions.append(
            describe(
                parts, files.placed, {"recording": one.name, "recipe": one.recipe, "units": _units(parts)}
            )
        )
    for name, values in all_arrays.items():
        buffer = io.BytesIO()
        np.save(buffer, np.ascontiguousarray(values), allow_pickle=False)
        found[name] = buffer.getvalue()
    for name, columns in tables.items():
        found[name] = _parquet(columns)
    found[MANIFEST] = numbers_text({"mystax": 1, "outcomes": descriptions}).encode()
    return found


def _units(parts: OutcomeParts) -> dict[str, str]:
    return {
        str(name): str(item.attrs.get("units", ""))
        for dataset in parts.cameras.values()
        for name, item in dataset.variables.items()
        if item.attrs.get("units")
    }


def _camera_words(outcomes: Iterable[OutcomeParts]) -> dict[str, str]:
    """Return the word of each camera in names of files: its name as far as ALF allows it, each another."""
    names = dict.fromkeys(
        _camera_name(camera, dataset) for parts in outcomes for camera, dataset in parts.cameras.items()
    )
    found: dict[str, str] = {}
    for name in names:
        plain = re.sub(r"[^A-Za-z0-9]", "", name) or "face"
        word, number = plain, 2
        while word.casefold() in {other.casefold() for other in found.values()}:
            word, number = f"{plain}{number}", number + 1
        found[name] = word
    return found


def _camera_name(camera: str, dataset: Dataset) -> str:
    return camera or str(dataset.attrs.get("camera", "")) or "face"


def _camel(*words: str) -> str:
    """Join words as ALF does: ``motion``, ``energy_norm`` -> ``motionEnergyNorm``."""
    pieces = [piece for word in words for piece in re.split(r"[^A-Za-z0-9]+", word) if piece]
    return pieces[0] + "".join(piece[0].upper() + piece[1:] for piece in pieces[1:])


def _own_files(files: _Files, analysis: str, camera: str, dataset: Dataset, several: bool) -> None:
    """Write every variable that the manifest does not hold, under our namespace."""
    word = files.words[_camera_name(camera, dataset)]
    for name, item in dataset.variables.items():
        if inline_form(str(name), item) is not None:
            continue
        dims = [str(dim) for dim in item.dims]
        first = "time" if "time" in dims else dims[0]
        if analysis in ("states", "encoding", "encoding.encoder"):
            thing = _camel(analysis, "" if first == "time" else first)
        elif first == "time":
            thing = f"{word}Camera"
        else:
            thing = _camel(analysis, first)
        attribute = _camel(str(name)) if analysis in ("states", "encoding") else _camel(analysis, str(name))
        extra = f".{word}" if several and not thing.endswith("Camera") else ""
        title = f"_mystax_{thing}.{attribute}{extra}.npy"
        if analysis == "svd" and str(name) in SVD_NAMES:
            title = f"_mystax_{SVD_NAMES[str(name)][0]}.{word}.{SVD_NAMES[str(name)][1]}.npy"
        axis = dims.index(first)
        order = (axis, *(k for k in range(len(dims)) if k != axis)) if axis else None
        part = Part(_fresh(files.arrays, title), (None,) * len(dims), order)
        files.arrays[part.path] = part.from_variable(np.asarray(item.values))
        files.placed[camera, str(name)] = [part]


SVD_NAMES: Mapping[str, tuple[str, str]] = {
    f"{kind}_{variable}": (f"{kind}SVD", title)
    for kind in ("motion", "movie")
    for variable, title in (("svd", "scores"), ("mask", "masks"), ("singular_value", "singularValues"))
}


def _fresh(taken: Mapping[str, object], title: str) -> str:
    """Return a name that is not taken."""
    stem, number, name = title.removesuffix(".npy"), 2, title
    while name in taken:
        name, number = f"{stem}.{number}.npy", number + 1
    return name


def _ibl_files(files: _Files, analysis: str, camera: str, dataset: Dataset, pose: str) -> None:
    """Write what IBL has names for: times, motion energy, keypoints, pupil, states."""
    if "time" not in dataset.variables:
        return
    word = files.words[_camera_name(camera, dataset)]
    times = np.asarray(dataset.variables["time"].values, np.float64)
    if analysis == "states":
        bouts = [np.asarray(dataset[name].values, np.float64) for name in ("bout_start", "bout_stop")]
        files.arrays["_mystax_states.times.npy"] = times
        files.arrays["_mystax_statesBouts.intervals.npy"] = np.stack(bouts, 1)
        files.arrays["_mystax_statesBouts.label.npy"] = np.asarray(dataset["bout_label"].values)
        return
    if analysis.startswith("encoding"):
        files.arrays["_mystax_encoding.times.npy"] = times
        return
    if "frame" not in dataset.variables:
        return
    known = files.arrays.setdefault(f"_ibl_{word}Camera.times.npy", times)
    if not np.array_equal(known, times, equal_nan=True):
        return  # of other frames than those that have the name: it stands under our names
    if analysis == "motion" and dataset.sizes["roi"]:
        shape = json.loads(str(dataset["roi_shape"].values[0]) or "{}")
        files.arrays[f"{word}Camera.ROIMotionEnergy.npy"] = np.asarray(dataset["energy"].values[:, 0])
        files.arrays[f"{word}ROIMotionEnergy.position.npy"] = _box(shape)
    elif analysis == "pose" and dataset.sizes["individual"]:
        files.tables[f"_ibl_{word}Camera.{pose}.pqt"] = _points(dataset)
    elif analysis == "pupil" and dataset.sizes["roi"]:
        files.tables[f"_ibl_{word}Camera.features.pqt"] = {
            "pupilDiameter_raw": np.asarray(dataset["diameter"].values[:, 0]),
            "pupilDiameter_smooth": np.asarray(dataset["diameter_smooth"].values[:, 0]),
        }


def _box(shape: Mapping[str, object]) -> np.ndarray:
    """Return x, y, width and height of a region [px]; NaN where it is no rectangle."""
    box = shape.get("rectangle")
    return np.array(box, np.float64) if isinstance(box, list) and len(box) == 4 else np.full(4, np.nan)


def _points(dataset: Dataset) -> dict[str, np.ndarray]:
    columns: dict[str, np.ndarray] = {}
    for k, name in enumerate(dataset["keypoint"].values):
        for j, axis in enumerate(("x", "y")):
            columns[f"{name}_{axis}"] = np.ascontiguousarray(dataset["position"].values[:, j, k, 0])
        columns[f"{name}_likelihood"] = np.ascontiguousarray(dataset["confidence"].values[:, k, 0])
    return columns


def _parquet(columns: Mapping[str, np.ndarray]) -> bytes:
    pa, pq = require("pyarrow", "interop"), require("pyarrow.parquet", "interop")
    buffer = io.BytesIO()
    pq.write_table(pa.table(dict(columns)), buffer)
    return buffer.getvalue()
