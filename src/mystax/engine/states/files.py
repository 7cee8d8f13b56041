"""Foreign files of points for `states`: Anipose, OpenFace, MediaPipe, and every table of keypoints."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from mystax.analyses.states import StatesParams
from mystax.analyses.states_track import StatesSource, masked_points
from mystax.compute.column_features import Column
from mystax.core.keypoint_names import set_for_names
from mystax.core.keypoints import KeypointSet
from mystax.core.quality import Flag
from mystax.engine.states.poses import arranged
from mystax.errors import ParameterError
from mystax.io.fingerprint import quick_id

__all__ = ["read_foreign"]

SHEARED = 1e-3


def read_foreign(
    path: Path, params: StatesParams, keypoints: KeypointSet | None, table: Mapping[str, str] | None = None
) -> list[StatesSource]:
    """Read a file of another tool.

    Parameters
    ----------
    path : Path
        The file; what it is, is seen in its content.
    params : StatesParams
        Parameters; `rate` where the file has no time.
    keypoints : KeypointSet, optional
        The set whose points are meant.
    table : mapping, optional
        Names in the file to names here.

    Returns
    -------
    list of StatesSource
        One per individual.

    Raises
    ------
    ParameterError
        P401, if the file has no time and no rate is given.
    FormatError
        F801-F804, if the file is refused.
    """
    from mystax.io.formats.anipose_points import is_anipose_points
    from mystax.io.formats.openface import is_openface

    with path.open("rb") as stream:
        first = stream.read(1 << 16)
    line = first.split(b"\n", 1)[0].decode("utf-8", "replace")
    if is_anipose_points(line):
        return [_anipose(path, params, keypoints, table)]
    if is_openface(line):
        return _openface(path, params)
    if first[:4] == b"PK\x03\x04":
        return [_mediapipe(path, params, keypoints)]
    return _table(path, params, keypoints, table)


def _times(path: Path, frame: np.ndarray, params: StatesParams) -> np.ndarray:
    if params.rate == "auto":
        raise ParameterError(
            "P401",
            "parameter 'rate' of 'states'",
            f"{path.name} has no time: give --rate, e.g. --rate 30",
            expected="the rate of its frames [Hz]",
            got="auto",
        )
    return np.asarray(frame, np.float64) / float(params.rate)


def _anipose(
    path: Path, params: StatesParams, keypoints: KeypointSet | None, table: Mapping[str, str] | None
) -> StatesSource:
    from mystax.io.formats.anipose_points import read_anipose_points

    found = read_anipose_points(path)
    times = _times(path, found.frame, params)
    own = keypoints or set_for_names(found.names)
    points = masked_points(
        found.position, found.confidence, found.residual, params.min_confidence, params.max_residual
    )
    places, subset, _ = arranged(points, found.names, own, None, path.name, table)
    flags = []
    if found.determinant < 0 or found.distortion > SHEARED:
        what = "mirrored" if found.determinant < 0 else "sheared"
        flags.append(
            Flag(
                "N314",
                f"{path.name}: coordinates are stored {what} (determinant {found.determinant:.3g}, "
                f"distortion {found.distortion:.2g}); this was undone",
            )
        )
    return StatesSource(path.stem, times, places, subset, "mm", flags=tuple(flags), identity=quick_id(path))


def _openface(path: Path, params: StatesParams) -> list[StatesSource]:
    from mystax.io.formats.openface import read_openface

    sources = []
    faces = read_openface(path)
    for face in faces:
        times = face.time if face.time is not None else _times(path, face.frame, params)
        points = masked_points(
            face.points, face.confidence[:, None] + np.zeros((1, 68)), None, params.min_confidence, 100
        )
        several = len(faces) > 1
        sources.append(
            StatesSource(
                f"{path.stem}.{face.face}" if several else path.stem,
                times,
                points,
                KeypointSet.load("human-face-68"),
                "px",
                columns={name: Column(times, values[:, None]) for name, values in face.columns.items()},
                identity=f"{quick_id(path)}:{face.face}",
                individual=str(face.face) if several else "",
            )
        )
    return sources


def _mediapipe(path: Path, params: StatesParams, keypoints: KeypointSet | None) -> StatesSource:
    from mystax.io.formats.mediapipe import read_mediapipe

    found = read_mediapipe(path)
    own = keypoints or KeypointSet.load("human-face-mp")
    numbers = [int(name.removeprefix("mp")) for name in own.ids]
    times = found.time if found.time is not None else _times(path, np.arange(len(found.points)), params)
    usable = [k for k, number in enumerate(numbers) if number < found.points.shape[1]]
    subset = own.subset([own.ids[k] for k in usable])
    points = found.points[:, [numbers[own.ids.index(name)] for name in subset.ids], :2]
    return StatesSource(
        path.stem,
        times,
        np.where(np.isfinite(points).all(2)[..., None], points, np.nan),
        subset,
        "px",
        columns={name: Column(times, values[:, None]) for name, values in found.blendshapes.items()},
        identity=quick_id(path),
    )


def _table(
    path: Path, params: StatesParams, keypoints: KeypointSet | None, table: Mapping[str, str] | None
) -> list[StatesSource]:
    from mystax.io.formats.keypoint_files import read_keypoints

    found = read_keypoints(path)
    frame = found.frame if (found.frame >= 0).all() else np.arange(len(found.frame))
    times = _times(path, frame, params)
    own = keypoints or set_for_names(found.names, found.edges)
    sources = []
    for k, individual in enumerate(found.individuals):
        sure = found.confidence[:, k]
        points = masked_points(
            found.position[:, k], np.where(np.isfinite(sure), sure, 1.0), None, params.min_confidence, 100
        )
        places, subset, _ = arranged(points, found.names, own, None, path.name, table)
        several = len(found.individuals) > 1
        sources.append(
            StatesSource(
                f"{path.stem}.{individual}" if several else path.stem,
                times,
                places,
                subset,
                "px",
                identity=f"{quick_id(path)}:{individual}",
                individual=individual if several else "",
            )
        )
    return sources
