"""DeepLabCut's 3-D project files: `stereo_params.pickle`, read by the restricted unpickler."""

from pathlib import Path
from typing import Any

import numpy as np

from mystax.core.rig_model import RigModel
from mystax.errors import FormatError
from mystax.io.foreign import read_foreign
from mystax.io.formats.opencv import stereo_rig

__all__ = ["plain_stereo_params", "read_stereo_params"]

UNIT = "square"
"""Its calibration counts the corners of the board 0, 1, 2, ..."""
NEEDED = {
    "M1": "cameraMatrix1",
    "D1": "distCoeffs1",
    "M2": "cameraMatrix2",
    "D2": "distCoeffs2",
    "R": "R",
    "T": "T",
}


def plain_stereo_params(path: str) -> Any:
    """Read the pickle as plain data (runs in the child process)."""
    from mystax.io.pickles import read_pickled

    place = Path(path)
    with place.open("rb") as stream:
        return read_pickled(stream, place.stat().st_size)


def read_stereo_params(path: Path | str) -> RigModel:
    """Read the pair of cameras of a DeepLabCut 3-D project; the first camera is at the origin.

    Parameters
    ----------
    path : path
        ``stereo_params.pickle``.

    Returns
    -------
    RigModel
        Two cameras with the names of the project; lengths are in squares of the board, whose size the project
        does not know.

    Raises
    ------
    FormatError
        F801, if there is code in the file; F804, if it is no pair of cameras.
    """
    where = Path(path).name
    tree = read_foreign(path, "dlc_stereo")
    if not isinstance(tree, dict) or len(tree) != 1:
        raise FormatError("F804", where, expected="one pair of cameras", got=f"{type(tree).__name__}")
    pair, values = next(iter(tree.items()))
    if not isinstance(values, dict) or not set(NEEDED.values()) <= set(values):
        raise FormatError("F804", where, expected=", ".join(NEEDED.values()), got=str(list(values))[:80])
    names = _names(str(pair))
    first, second = (_size(values.get("image_shape"), k, values[f"cameraMatrix{k + 1}"]) for k in (0, 1))
    arrays = {ours: np.asarray(values[theirs], np.float64) for ours, theirs in NEEDED.items()}
    return RigModel(stereo_rig(arrays, (first, second), names, where).cameras, {"unit": UNIT})


def _names(pair: str) -> tuple[str, str]:
    """Split ``camera-1-camera-2`` in its middle."""
    parts = pair.split("-")
    half = len(parts) // 2
    first, second = "-".join(parts[:half]), "-".join(parts[half:])
    return (first or "camera-1", second if second != first and second else "camera-2")


def _size(shape: Any, camera: int, matrix: Any) -> tuple[int, int]:
    """Return width and height of a camera's pictures: one pair of numbers for both, or a pair for each."""
    try:
        sizes = np.array(shape, np.int64).reshape(-1, 2)
        if len(sizes) and sizes.min() > 0:
            width, height = sizes[min(camera, len(sizes) - 1)].tolist()
            return width, height
    except (TypeError, ValueError):
        pass
    k = np.asarray(matrix, np.float64)
    return max(1, round(2 * float(k[0, 2]) + 1)), max(1, round(2 * float(k[1, 2]) + 1))
