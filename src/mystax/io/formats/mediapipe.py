"""Landmarks of MediaPipe's face mesh, kept as an npz file without pickles: normalised points into pixels."""

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mystax.core.typing import Float64
from mystax.errors import FormatError

__all__ = ["MediaPipeTrack", "read_mediapipe"]

COUNTS = (468, 478)
MAX_BYTES = 8 << 30


@dataclass(frozen=True, eq=False)
class MediaPipeTrack:
    """Landmarks of one face.

    Attributes
    ----------
    points : array (time, landmark, 3)
        x, y [px] and z [px, by the width of the picture]; NaN where there is no face.
    time : array (time,), optional
        Times [s].
    blendshapes : mapping
        Name to values 0..1.
    """

    points: Float64[np.ndarray, "time landmark 3"]
    time: Float64[np.ndarray, " time"] | None
    blendshapes: Mapping[str, Float64[np.ndarray, " time"]]


def read_mediapipe(path: Path | str) -> MediaPipeTrack:
    """Read landmarks: `points` (T, 468 or 478, 3) normalised, `size` (w, h), and what else there is.

    Parameters
    ----------
    path : path
        The npz file, as ``numpy.savez`` writes it; nothing in it is run.

    Returns
    -------
    MediaPipeTrack
        Landmarks in pixels.

    Raises
    ------
    FormatError
        F801, if it holds pickled objects; F802, if it claims to be too large; F804, if arrays are missing.
    """
    where = Path(path).name
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(item.file_size for item in archive.infolist()) > MAX_BYTES:
                raise FormatError("F802", where, expected="at most 8 GiB of arrays", got="more")
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
    except (zipfile.BadZipFile, OSError, EOFError, KeyError) as error:
        raise FormatError("F804", where, f"no npz file that can be read ({error})") from error
    except ValueError as error:
        code = "F801" if "pickle" in str(error).lower() or "Object arrays" in str(error) else "F804"
        raise FormatError(code, where, f"an array cannot be read ({error})") from error
    points = arrays.get("points")
    size = arrays.get("size")
    if points is None or points.ndim != 3 or points.shape[1] not in COUNTS or points.shape[2] != 3:
        got = "none" if points is None else str(points.shape)
        raise FormatError("F804", where, expected="points (time, 468 or 478, 3)", got=got)
    if size is None or size.shape != (2,) or not (np.asarray(size, float) > 0).all():
        raise FormatError(
            "F804", where, expected="size (width, height) [px]", got=str(None if size is None else size)
        )
    width, height = (float(value) for value in size)
    pixels = points.astype(np.float64) * np.array([width, height, width])
    n = len(points)
    time = arrays.get("time")
    if time is not None and time.shape != (n,):
        raise FormatError("F804", where, expected=f"time ({n},)", got=str(time.shape))
    shapes, names = arrays.get("blendshapes"), arrays.get("blendshape_names")
    blend: dict[str, np.ndarray] = {}
    if shapes is not None and names is not None:
        if shapes.shape != (n, len(names)):
            raise FormatError(
                "F804", where, expected=f"blendshapes ({n}, {len(names)})", got=str(shapes.shape)
            )
        blend = {str(name): shapes[:, k].astype(np.float64) for k, name in enumerate(names)}
    return MediaPipeTrack(pixels, None if time is None else time.astype(np.float64), blend)
