"""OpenFace 2's table: 68 landmarks in the picture, pose, gaze and action units, per face and frame.

Facts about the layout are those of OpenFace (Baltrusaitis et al. 2018, doi:10.1109/FG.2018.00019).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mystax.core.typing import Float64
from mystax.errors import FormatError
from mystax.io.formats.texts import numbers_of, read_cells

__all__ = ["OpenFaceTrack", "is_openface", "read_openface"]

N_POINTS = 68
COLUMNS = ("pose_", "gaze_", "AU")


@dataclass(frozen=True, eq=False)
class OpenFaceTrack:
    """One face.

    Attributes
    ----------
    face : int
        Its number in the file.
    frame : array (time,)
        Frame numbers from 0.
    time : array (time,), optional
        Times [s].
    points : array (time, keypoint, space)
        Places [px]; NaN where OpenFace had no success.
    points3d : array (time, keypoint, space), optional
        Places [mm] in the frame of the camera.
    confidence : array (time,)
        0..1.
    columns : mapping
        Pose [mm, rad], gaze and action units, NaN without success.
    """

    face: int
    frame: Float64[np.ndarray, " time"]
    time: Float64[np.ndarray, " time"] | None
    points: Float64[np.ndarray, "time keypoint space"]
    points3d: Float64[np.ndarray, "time keypoint space"] | None
    confidence: Float64[np.ndarray, " time"]
    columns: Mapping[str, Float64[np.ndarray, " time"]]


def is_openface(head: str) -> bool:
    """Tell whether the first line of a table is OpenFace's."""
    cells = {cell.strip() for cell in head.split(",")}
    return {"frame", "confidence", "success"} <= cells and ("x_0" in cells or "AU01_r" in cells)


def read_openface(path: Path | str) -> list[OpenFaceTrack]:
    """Read OpenFace's table, one track per face.

    Parameters
    ----------
    path : path
        The csv file; blanks around names in its header do not matter.

    Returns
    -------
    list of OpenFaceTrack
        In the order of the faces' numbers.

    Raises
    ------
    FormatError
        F804, if landmarks are missing.
    """
    where = Path(path).name
    cells = read_cells(path)
    head = [cell.strip() for cell in cells[0]] if cells else []
    at = {name: k for k, name in enumerate(head)}
    if not is_openface(",".join(head)) or any(
        f"{axis}_{k}" not in at for axis in "xy" for k in range(N_POINTS)
    ):
        raise FormatError(
            "F804",
            where,
            expected="columns frame, confidence, success, x_0..x_67, y_0..y_67",
            got=str(head[:5]),
        )
    values = numbers_of(cells[1:], len(head), where)
    if not len(values):
        raise FormatError("F804", where, "there are no frames")
    faces = values[:, at["face_id"]] if "face_id" in at else np.zeros(len(values))
    has_space = all(f"{axis}_{k}" in at for axis in "XYZ" for k in range(N_POINTS))
    found = []
    for face in np.unique(faces):
        rows = values[faces == face]
        good = rows[:, at["success"]] > 0.5

        def columns(axes: str, rows: np.ndarray = rows, good: np.ndarray = good) -> np.ndarray:
            picked = [rows[:, [at[f"{axis}_{k}"] for k in range(N_POINTS)]] for axis in axes]
            return np.where(good[:, None, None], np.stack(picked, -1), np.nan)

        extra = {
            name: np.where(good, rows[:, k], np.nan) for name, k in at.items() if name.startswith(COLUMNS)
        }
        found.append(
            OpenFaceTrack(
                int(face),
                rows[:, at["frame"]] - 1,
                rows[:, at["timestamp"]] if "timestamp" in at else None,
                columns("xy"),
                columns("XYZ") if has_space else None,
                rows[:, at["confidence"]],
                extra,
            )
        )
    return found
