"""Calibrated rigs as a file: `calibration.toml` in Anipose's layout, with what is ours inside its tables."""

import math
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mystax.core.rig_model import CameraModel, RigModel, make_rig
from mystax.core.rotations import rotation_of, vector_of
from mystax.core.typing import Float64
from mystax.errors import FormatError, RecipeError
from mystax.io.formats.texts import read_text
from mystax.io.toml_values import toml_value

__all__ = ["FORMAT", "check_rig_place", "read_rig", "rig_from_toml", "rig_to_toml"]

FORMAT = "mystax-rig-1"


def _natural(name: str) -> tuple[object, ...]:
    """Sort key that puts cam_2 before cam_10."""
    return tuple(int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", name))


def _array(value: object, shape: tuple[int, ...], where: str) -> Float64[np.ndarray, "..."]:
    """Return numbers of a file as an array of a shape."""
    try:
        found = np.array(value, np.float64)
    except (TypeError, ValueError) as error:
        raise FormatError("F804", where, expected="numbers", got=repr(value)[:60]) from error
    if found.shape == (1, *shape) or (found.ndim == 2 and found.size == math.prod(shape)):
        found = found.reshape(shape)
    if found.shape != shape:
        raise FormatError("F804", where, expected=f"numbers of shape {shape}", got=str(found.shape))
    return found


def _camera(table: Mapping[str, Any], key: str, where: str) -> CameraModel:
    place = f"{where}: [{key}]"
    missing = [
        name
        for name in ("name", "size", "matrix", "distortions", "rotation", "translation")
        if name not in table
    ]
    if missing:
        raise FormatError("F804", place, f"the table lacks {', '.join(missing)}", got=", ".join(table)[:80])
    is_fisheye = table.get("fisheye", False) is True
    given = (
        np.array(table["distortions"], np.float64).ravel() if isinstance(table["distortions"], list) else None
    )
    n = 4 if is_fisheye else 5
    if given is None or len(given) > n or not np.isfinite(given).all():
        raise FormatError(
            "F804", place, expected=f"up to {n} distortions", got=repr(table["distortions"])[:60]
        )
    size = _array(table["size"], (2,), f"{place} size")
    sd = table.get("sd", {})
    crop = _array(table.get("crop", [0, 0]), (2,), f"{place} crop")
    return CameraModel(
        str(table["name"]),
        (int(size[0]), int(size[1])),
        _array(table["matrix"], (3, 3), f"{place} matrix"),
        np.concatenate([given, np.zeros(n - len(given))]),
        rotation_of(_array(table["rotation"], (3,), f"{place} rotation")),
        _array(table["translation"], (3,), f"{place} translation"),
        is_fisheye,
        {str(name): float(value) for name, value in sd.items()} if isinstance(sd, dict) else {},
        int(table.get("n_views", 0)),
        float(table.get("rms", math.nan)),
        (float(crop[0]), float(crop[1])),
    )


def rig_from_toml(text: str, where: str = "calibration.toml") -> RigModel:
    """Read a rig from the text of a `calibration.toml`, ours or Anipose's.

    Raises
    ------
    FormatError
        F804, if it is no TOML, a table lacks something or numbers are none of a camera.
    """
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise FormatError("F804", where, f"the file is not valid TOML ({error})") from error
    metadata = document.pop("metadata", {})
    tables = {key: table for key, table in document.items() if isinstance(table, dict) and "matrix" in table}
    if not tables:
        is_project = "triangulation" in document or "pipeline" in document
        hint = "this is a project of Anipose, not its rig: `mystax triangulate PROJECT` takes it whole"
        raise FormatError(
            "F804",
            where,
            expected="tables [cam_0], [cam_1], ... with matrices",
            got=", ".join(document)[:80],
            hint=hint if is_project else "",
        )
    try:
        cameras = [_camera(tables[key], key, where) for key in sorted(tables, key=_natural)]
    except (TypeError, ValueError) as error:
        raise FormatError("F804", where, f"a value is not understood ({error})") from error
    return make_rig(cameras, metadata if isinstance(metadata, dict) else {}, where)


def read_rig(path: str | Path) -> RigModel:
    """Read a `calibration.toml`.

    Raises
    ------
    RecipeError
        P403, if there is no such file.
    FormatError
        F802, F804, as `rig_from_toml`.
    """
    return rig_from_toml(read_text(path), Path(path).name)


def check_rig_place(path: str | Path) -> None:
    """Refuse to write a rig over what is none: a video, a folder, another file of settings.

    Raises
    ------
    RecipeError
        P403, if something else lies there.
    """
    place = Path(path)
    if not place.exists() or (place.is_file() and place.stat().st_size == 0):
        return
    try:
        if place.is_file() and place.suffix.lower() == ".toml":  # else it may be as large as a video
            read_rig(place)
            return
    except FormatError:
        pass
    raise RecipeError(
        "P403", str(path), "something that is no calibrated rig lies there", hint="--out calibration.toml"
    )


def rig_to_toml(rig: RigModel) -> str:
    """Write a rig as text that `rig_from_toml` and Anipose read.

    With ten cameras or more the tables are called cam_00, cam_01, ...: sorted as text they keep the order.
    """
    width = len(str(len(rig.cameras) - 1))
    lines = []
    for number, camera in enumerate(rig.cameras):
        entries: dict[str, object] = {
            "name": camera.name,
            "size": list(camera.size),
            "matrix": camera.matrix,
            "distortions": camera.distortion,
            "rotation": vector_of(camera.rotation),
            "translation": camera.translation,
        }
        if camera.is_fisheye:
            entries["fisheye"] = True
        if camera.sd:
            entries["sd"] = {name: float(value) for name, value in camera.sd.items()}
        if camera.n_views:
            entries["n_views"] = camera.n_views
        if math.isfinite(camera.rms):
            entries["rms"] = float(camera.rms)
        if camera.crop != (0.0, 0.0):
            entries["crop"] = list(camera.crop)
        lines += [
            f"[cam_{number:0{width}d}]",
            *(f"{key} = {toml_value(value)}" for key, value in entries.items()),
            "",
        ]
    metadata = {"format": FORMAT, "unit": "mm", "adjusted": False, **rig.metadata}
    lines += [
        "[metadata]",
        *(f"{key} = {toml_value(value)}" for key, value in metadata.items() if value is not None),
        "",
    ]
    return "\n".join(lines)
