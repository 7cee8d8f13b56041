"""Cameras of Bouguet's calibration toolbox for MATLAB: `Calib_Results.mat` of a camera, or of a stereo pair.

The toolbox (Bouguet, doi:10.22002/D1.20164) counts pixels from 0 at the middle of the first, as mystax does.
It states errors of three standard deviations.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mystax.core.rig_model import INTRINSIC_NAMES, CameraModel, RigModel, make_rig
from mystax.core.rotations import rotation_of
from mystax.core.typing import Float64
from mystax.errors import FormatError
from mystax.io.foreign import read_foreign

__all__ = ["read_bouguet_rig"]

STATED = 3.0
"""Standard deviations in an error of the toolbox."""
MAX_SKEW = 1e-9


def read_bouguet_rig(path: Path | str) -> RigModel:
    """Read one camera (`fc`, `cc`, `kc`) or a stereo pair (`fc_left`, ..., `R` or `om`, `T`) of the toolbox.

    Parameters
    ----------
    path : path
        ``Calib_Results.mat``, ``Calib_Results_left.mat`` or ``Calib_Results_stereo.mat``.

    Returns
    -------
    RigModel
        A camera at the origin, called by the end of the file's name; or ``left``, at the origin, and
        ``right``.

    Raises
    ------
    FormatError
        F801-F804, if the file is refused: it lacks a number, or its pixels are skewed.
    """
    where = Path(path).name
    tree = read_foreign(path, "matlab")
    if not isinstance(tree, Mapping):
        raise FormatError("F804", where, expected="variables of the toolbox", got=type(tree).__name__)
    if "fc_left" in tree:
        turn = _numbers(tree, "R", 9, where).reshape(3, 3) if "R" in tree else None
        if turn is None:
            turn = rotation_of(_numbers(tree, "om", 3, where))
        left = _camera(tree, "left", "_left", np.eye(3), np.zeros(3), where)
        right = _camera(tree, "right", "_right", turn, _numbers(tree, "T", 3, where), where)
        return make_rig([left, right], {"unit": "mm"}, where)
    name = Path(path).stem.removeprefix("Calib_Results").strip("_-. ") or "camera"
    return make_rig([_camera(tree, name, "", np.eye(3), np.zeros(3), where)], {"unit": "mm"}, where)


def _numbers(
    tree: Mapping[str, Any], name: str, n: int, where: str, default: float | None = None
) -> Float64[np.ndarray, " n"]:
    """Return the numbers of a variable."""
    if name not in tree and default is not None:
        return np.full(n, default)
    try:
        found = np.array(tree[name], np.float64).ravel()
    except (KeyError, TypeError, ValueError) as error:
        raise FormatError("F804", where, expected=f"{name}: {n} numbers", got=f"none ({error})") from error
    if name.startswith("kc") and 0 < len(found) < n:
        found = np.concatenate([found, np.zeros(n - len(found))])  # older versions kept four
    if len(found) != n:
        raise FormatError("F804", where, expected=f"{name}: {n} numbers", got=str(len(found)))
    return found


def _camera(
    tree: Mapping[str, Any],
    name: str,
    end: str,
    rotation: Float64[np.ndarray, "3 3"],
    translation: Float64[np.ndarray, " 3"],
    where: str,
) -> CameraModel:
    focal, centre = _numbers(tree, f"fc{end}", 2, where), _numbers(tree, f"cc{end}", 2, where)
    lens = _numbers(tree, f"kc{end}", 5, where)
    skew = float(_numbers(tree, f"alpha_c{end}", 1, where, 0.0)[0])
    if abs(skew) > MAX_SKEW:
        raise FormatError(
            "F804",
            where,
            f"the pixels of camera {name} are skewed, which mystax has no model for",
            expected="alpha_c of 0 (est_alpha = 0)",
            got=f"{skew:g}",
        )
    size = [int(_numbers(tree, side, 1, where)[0]) for side in ("nx", "ny")]
    matrix = np.array([[focal[0], 0, centre[0]], [0, focal[1], centre[1]], [0, 0, 1.0]])
    errors = np.concatenate(
        [
            _numbers(tree, f"{part}_error{end}", n, where, np.nan)
            for part, n in (("fc", 2), ("cc", 2), ("kc", 5))
        ]
    )
    sd = {key: float(value) / STATED for key, value in zip(INTRINSIC_NAMES, errors, strict=True) if value > 0}
    active = np.ravel(tree["active_images"]) if not end and "active_images" in tree else np.zeros(0)
    spread = _numbers(tree, "err_std", 2, where, np.nan) if not end else np.full(2, np.nan)
    return CameraModel(
        name,
        (size[0], size[1]),
        matrix,
        lens,
        rotation,
        translation,
        False,
        sd,
        int((active != 0).sum()),
        float(np.sqrt(np.mean(spread**2))),
    )
