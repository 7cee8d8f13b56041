"""Outcomes as files of the International Brain Laboratory (ALF), and sessions of that form back.

A session keeps its data in ``alf/`` and newer versions of some files in ``alf/#2025-05-31#/``; of each file
the newest counts.  What IBL has names for gets them; all else stands under our own namespace ``_mystax_``.
"""

import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.core.extras import require
from mystax.core.safe_names import is_there, safe_name
from mystax.errors import ClockError, FormatError, ParameterError
from mystax.io.blank import blank_outcome, imported_parts, pose_dataset
from mystax.io.foreign import read_foreign
from mystax.io.layout import Part, describe, inline_form, numbers_text, rebuild
from mystax.io.npy_files import read_npy
from mystax.io.outcome_parts import OutcomeParts, check_content
from mystax.io.recorded import Recorded
from mystax.io.whole_files import refuse_existing, write_whole

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = ["MANIFEST", "AlfOptions", "alf_place", "newest_files", "read_alf_session", "write_alf"]

MANIFEST = "_mystax_manifest.json"
REVISION = re.compile(r"#(?P<date>\d{4}-\d{2}-\d{2}[^#]*)#")
DATE = re.compile(r"\d{4}-\d{2}-\d{2}[A-Za-z0-9_.-]*")
MOST_TEXT = 64 << 20
POSES = ("lightningPose", "dlc")
"""Tables of keypoints, the preferred ones first."""


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
    for parts in one.outcomes.values():
        files = _Files(all_arrays)
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


def camera_word(camera: str, dataset: Dataset) -> str:
    """Return the word for a camera in names of files: ``left``, ``right``, ``body``, or its own name."""
    name = camera or str(dataset.attrs.get("camera", "")) or "face"
    return re.sub(r"[^A-Za-z0-9]", "", name) or "face"


def _camel(*words: str) -> str:
    """Join words as ALF does: ``motion``, ``energy_norm`` -> ``motionEnergyNorm``."""
    pieces = [piece for word in words for piece in re.split(r"[^A-Za-z0-9]+", word) if piece]
    return pieces[0] + "".join(piece[0].upper() + piece[1:] for piece in pieces[1:])


def _own_files(files: _Files, analysis: str, camera: str, dataset: Dataset, several: bool) -> None:
    """Write every variable that the manifest does not hold, under our namespace."""
    word = camera_word(camera, dataset)
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
    word = camera_word(camera, dataset)
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
    files.arrays[f"_ibl_{word}Camera.times.npy"] = times
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


def _box(shape: object) -> np.ndarray:
    """Return x, y, width and height of a region [px]; NaN where it is no rectangle."""
    if isinstance(shape, Mapping) and all(name in shape for name in ("x", "y", "width", "height")):
        return np.array([float(shape[name]) for name in ("x", "y", "width", "height")])
    return np.full(4, np.nan)


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


# ---------------------------------------------------------------- back


def newest_files(folder: Path) -> dict[str, Path]:
    """List the files of a folder by name; of several revisions the newest counts, file by file.

    Parameters
    ----------
    folder : Path
        ``alf``, with or without folders ``#2025-05-31#``; the plain folder is the oldest.

    Returns
    -------
    dict of str to Path
        Name to file.
    """
    places = [("", folder)]
    for path in folder.iterdir():
        match = REVISION.fullmatch(path.name)
        if match and path.is_dir():
            places.append((match["date"], path))
    found: dict[str, Path] = {}
    for _, place in sorted(places):
        found |= {path.name: path for path in sorted(place.iterdir()) if path.is_file()}
    return found


def alf_place(path: Path) -> Path | None:
    """Return the folder of ALF files that a session or its ``alf`` means; None if there is none."""
    for folder in (path, path / "alf"):
        if is_there(folder, folder=True):
            known = newest_files(folder)
            if MANIFEST in known or any(re.match(r"(_ibl_)?\w+Camera\.", name) for name in known):
                return folder
    return None


def read_alf_session(path: Path) -> list[tuple[str, OutcomeParts]]:
    """Read outcomes from the ALF files of a session.

    Parameters
    ----------
    path : Path
        The session, or its ``alf``.

    Returns
    -------
    list of (str, OutcomeParts)
        Recording and outcome.  Of a session that mystax wrote, all outcomes as they were; of others,
        keypoints (``pose``), motion energy (``motion``) and pupil diameters (``pupil``) with their times.

    Raises
    ------
    FormatError
        F801-F804, if a file is refused, or there is nothing that mystax understands.
    ClockError
        C202, if there are more or fewer times than rows.
    DamagedError
        S502, if a number was changed since mystax wrote it.
    """
    folder = alf_place(path)
    if folder is None:
        raise FormatError("F804", path.name, expected="a session with ALF files of cameras", got="none")
    known = newest_files(folder)
    if MANIFEST in known:
        return _own_session(known)
    cameras = sorted({name.split("Camera.")[0].removeprefix("_ibl_") for name in known if "Camera." in name})
    found = _foreign_session(known, cameras, folder)
    if not found:
        raise FormatError(
            "F804",
            path.name,
            "there are no keypoints, motion energies or pupils in this session",
            got=", ".join(sorted(known)[:8]),
        )
    name = folder.resolve().parent.name if folder.name == "alf" else folder.name
    return [(name, parts) for parts in found]


def _own_session(known: Mapping[str, Path]) -> list[tuple[str, OutcomeParts]]:
    place = known[MANIFEST]
    if place.stat().st_size > MOST_TEXT:
        raise FormatError("F802", place.name, expected=f"at most {MOST_TEXT} bytes")

    def fetch(name: str) -> np.ndarray:
        if name not in known:
            raise FormatError("F804", name, "the file is not beside the manifest")
        return read_npy(known[name])

    try:
        outcomes = json.loads(place.read_text("utf-8"))["outcomes"]
        found = [(str(one.get("recording", "")), rebuild(one, fetch, place.name)) for one in outcomes]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise FormatError(
            "F804", place.name, "the manifest is not understood", got=str(error)[:80]
        ) from error
    for _, parts in found:
        check_content(parts, place.name)
    return found


def _foreign_session(known: Mapping[str, Path], cameras: Sequence[str], folder: Path) -> list[OutcomeParts]:
    poses: dict[str, Any] = {}
    motions: dict[str, Any] = {}
    pupils: dict[str, Any] = {}
    for camera in cameras:
        times = _first(known, f"_ibl_{camera}Camera.times.npy", f"{camera}Camera.times.npy")
        if times is None:
            continue
        stamps = np.asarray(read_npy(times), np.float64)
        word = next((word for word in POSES if _first(known, *_names(camera, word)) is not None), None)
        if word is not None:
            poses[camera] = _pose_of(_table(_first(known, *_names(camera, word))), stamps, camera)
        energy = _first(
            known, f"{camera}Camera.ROIMotionEnergy.npy", f"_ibl_{camera}Camera.ROIMotionEnergy.npy"
        )
        if energy is not None:
            motions[camera] = _motion_of(read_npy(energy), stamps, camera)
        features = _first(known, *_names(camera, "features"))
        if features is not None:
            columns = _table(features)
            if "pupilDiameter_raw" in columns:
                pupils[camera] = _pupil_of(columns, stamps, camera)
    found = []
    for analysis, datasets in (("pose", poses), ("motion", motions), ("pupil", pupils)):
        if datasets:
            times = _first(known, *(f"_ibl_{camera}Camera.times.npy" for camera in datasets))
            found.append(imported_parts(analysis, datasets, times or folder, "alf"))
    return found


def _names(camera: str, word: str) -> tuple[str, ...]:
    return (f"_ibl_{camera}Camera.{word}.pqt", f"{camera}Camera.{word}.pqt")


def _first(known: Mapping[str, Path], *names: str) -> Path | None:
    return next((known[name] for name in names if name in known), None)


def _table(path: Path | None) -> dict[str, np.ndarray]:
    """Read a Parquet table by columns."""
    if path is None:
        return {}
    found = read_foreign(path, "parquet")
    return dict(zip(found["names"], found["columns"], strict=True))


def _match(n: int, times: np.ndarray, camera: str, what: str) -> None:
    """Refuse rows that do not fit the times; nothing is trimmed unasked."""
    if n != len(times):
        raise ClockError(
            "C202",
            f"_ibl_{camera}Camera.times.npy",
            f"times and rows of {what} differ in number",
            expected=f"{n} times",
            got=f"{len(times)}",
            hint="which frames have no time is known to the laboratory only: give times of these rows",
        )


def _pose_of(columns: Mapping[str, np.ndarray], times: np.ndarray, camera: str) -> Dataset:
    names = [name[:-2] for name in columns if name.endswith("_x") and f"{name[:-2]}_y" in columns]
    if not names:
        raise FormatError(
            "F804", f"keypoints of {camera}", expected="columns NAME_x, NAME_y", got=str([*columns][:6])
        )
    _match(len(columns[f"{names[0]}_x"]), times, camera, "keypoints")
    position = np.stack([np.stack([columns[f"{name}_{axis}"] for axis in "xy"], -1) for name in names], 1)
    nothing = np.full(len(times), np.nan)
    confidence = np.stack([columns.get(f"{name}_likelihood", nothing) for name in names], 1)
    return pose_dataset(times, names, position, confidence)


def _motion_of(energy: np.ndarray, times: np.ndarray, camera: str) -> Dataset:
    if energy.ndim != 1:
        raise FormatError(
            "F804", f"{camera}Camera.ROIMotionEnergy.npy", expected="one trace", got=str(energy.shape)
        )
    _match(len(energy), times, camera, "motion energy")
    known = {**_frames(times), "energy": energy[:, None], "roi_kind": np.array(["motion"])}
    return blank_outcome("motion", {"time": len(times), "roi": ["ROIMotionEnergy"], "y": 0, "x": 0}, known)


def _pupil_of(columns: Mapping[str, np.ndarray], times: np.ndarray, camera: str) -> Dataset:
    raw = columns["pupilDiameter_raw"]
    _match(len(raw), times, camera, "features")
    known = {**_frames(times), "diameter": raw[:, None], "roi_kind": np.array(["pupil"])}
    if "pupilDiameter_smooth" in columns:
        known["diameter_smooth"] = columns["pupilDiameter_smooth"][:, None]
    return blank_outcome("pupil", {"time": len(times), "roi": ["pupil"], "space": ("x", "y")}, known)


def _frames(times: np.ndarray) -> dict[str, np.ndarray]:
    n = len(times)
    return {"time": times, "frame": np.arange(n), "missing": np.zeros(n)}
