"""Sessions of the International Brain Laboratory (ALF) as outcomes.

A session keeps its data in ``alf/`` and newer versions of some files in ``alf/#2025-05-31#/``; of each file
the newest counts.
"""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.core.safe_names import is_there
from mystax.errors import ClockError, FormatError
from mystax.io.alf import MANIFEST
from mystax.io.blank import blank_outcome, imported_parts, pose_dataset
from mystax.io.foreign import read_foreign
from mystax.io.layout import rebuild
from mystax.io.neural.alf import revision_folders
from mystax.io.npy_files import read_npy
from mystax.io.outcome_parts import OutcomeParts, check_content

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = ["alf_place", "newest_files", "read_alf_session"]

MOST_TEXT = 64 << 20
UUID = re.compile(r"\.[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?=\.[^.]+$)")
"""Part of a name that ONE adds to the files it sends."""
POSES = ("lightningPose", "dlc")
"""Tables of keypoints, the preferred ones first."""


def newest_files(folder: Path) -> dict[str, Path]:
    """List the files of a folder by name; of several revisions the newest counts, file by file.

    Parameters
    ----------
    folder : Path
        ``alf``, with or without folders ``#2025-05-31#``; the plain folder is the oldest.

    Returns
    -------
    dict of str to Path
        Name, without a UUID, to file; of one with and one without in a folder the plain one counts.
    """
    found: dict[str, Path] = {}
    for _, place in revision_folders(folder):
        files = [path for path in sorted(place.iterdir()) if path.is_file()]
        found |= {UUID.sub("", path.name): path for path in files} | {path.name: path for path in files}
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
