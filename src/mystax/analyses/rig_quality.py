"""What a calibration is worth: held-out views, distances on the board, coverage, angles of rays."""

from collections.abc import Mapping
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.compute.bundle import Bundle, adjust, bundle_residuals, free_columns
from mystax.compute.calibration import Calibrated
from mystax.compute.triangulation import triangulate
from mystax.core.quality import Flag
from mystax.core.rig_model import FISHEYE_NAMES, INTRINSIC_NAMES, RigModel
from mystax.core.rotations import nearest_rotation
from mystax.core.typing import Float64

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = ["judge", "quality_dataset"]

CELLS = (8, 6)
EVERY = 5
TILTED = np.radians(20.0)


def _held_out(
    found: Calibrated, uv: Float64[np.ndarray, "camera view corner 2"], board: Float64[np.ndarray, "corner 3"]
) -> Float64[np.ndarray, " camera"]:
    """RMS per axis of corners of every fifth view, predicted from the board pose that the other cameras see.

    The cameras are adjusted again without those views.
    """
    n_cameras = len(uv)
    rms = np.full(n_cameras, np.nan)
    views = np.flatnonzero(np.isfinite(found.poses[:, 0]))
    out = views[EVERY // 2 :: EVERY]
    rest = np.setdiff1d(views, out)
    clean = np.where(np.isfinite(found.residual), uv, np.nan)
    if n_cameras < 2 or len(rest) < 4 or not len(out):
        return rms
    sizes = np.array([camera.size for camera in found.rig.cameras], np.float64)
    is_fisheye = bool(found.rig.fisheye().any())
    free = free_columns(n_cameras, found.rig.cameras[0].intrinsic_names, is_fisheye=is_fisheye)
    for c, camera in enumerate(found.rig.cameras):
        for k, name in enumerate(camera.intrinsic_names):
            free[c, 6 + k] &= camera.sd.get(name, 0.0) > 0
    part = Bundle(
        found.rig.rows(),
        found.poses[rest].copy(),
        board,
        np.ascontiguousarray(clean[:, rest]),
        sizes,
        free,
        is_fisheye=is_fisheye,
    )
    adjust(part, n_steps=10)
    for c in range(n_cameras):
        others = np.ascontiguousarray(clean[:, out].copy())
        others[c] = np.nan
        usable = (np.isfinite(others[..., 0]).sum(axis=(0, 2)) >= 8) & np.isfinite(clean[c, out, :, 0]).any(
            axis=1
        )
        if not usable.any():
            continue
        fixed = Bundle(
            part.rows.copy(),
            found.poses[out][usable].copy(),
            board,
            np.ascontiguousarray(others[:, usable]),
            sizes,
            np.zeros_like(free),
            is_fisheye=is_fisheye,
        )
        adjust(fixed, n_steps=10)
        fixed.uv = np.ascontiguousarray(clean[:, out][:, usable])
        rms[c] = float(np.sqrt(np.nanmean(bundle_residuals(fixed)[c] ** 2)))
    return rms


def _board_distances(
    rig: RigModel,
    uv: Float64[np.ndarray, "camera view corner 2"],
    board: Float64[np.ndarray, "corner 3"],
    columns: int,
) -> tuple[float, float]:
    """Mean and SD of triangulated distances of neighbouring corners over those on the board, minus 1."""
    n_cameras, n_views, n_corners = uv.shape[:3]
    precision = np.tile(np.array([1.0, 0.0, 1.0]), (n_cameras, n_views * n_corners, 1))
    flat = np.ascontiguousarray(uv.reshape(n_cameras, -1, 2))
    place = triangulate(rig, flat, precision, robust=False).position.reshape(n_views, -1, columns, 3)
    flat_board = board.reshape(-1, columns, 3)
    steps = np.concatenate(
        [
            (
                np.linalg.norm(np.diff(place, axis=axis + 1), axis=3)
                / np.linalg.norm(np.diff(flat_board, axis=axis), axis=2)
            ).ravel()
            for axis in (0, 1)
        ]
    )
    steps = steps[np.isfinite(steps)] - 1
    return (float(steps.mean()), float(steps.std())) if len(steps) else (float("nan"), float("nan"))


def judge(
    found: Calibrated,
    uv: Float64[np.ndarray, "camera view corner 2"],
    board: Float64[np.ndarray, "corner 3"],
    columns: int,
) -> dict[str, Any]:
    """Collect what a calibration says about itself.

    Parameters
    ----------
    found : Calibrated
        The calibration.
    uv : array (camera, view, corner, 2)
        All corners [px].
    board : array (corner, 3)
        Corners on the board as printed [mm].
    columns : int
        Inner corners per row.

    Returns
    -------
    dict
        Per camera: rms, heldout, n_views, n_corners, coverage, tilted; in all: board_mean, board_sd,
        board_off (RMS of what the corners lie off their places, mm), flags.
    """
    cameras = found.rig.cameras
    held_out = _held_out(found, uv, found.board)
    clean = np.where(np.isfinite(found.residual), uv, np.nan)
    mean, sd = (
        _board_distances(found.rig, clean, found.board, columns) if len(cameras) > 1 else (np.nan, np.nan)
    )
    coverage = np.zeros((len(cameras), CELLS[1], CELLS[0]), np.int64)
    tilted = np.zeros(len(cameras), np.int64)
    flags = [Flag("N312", text) for text in found.remarks]
    for c, camera in enumerate(cameras):
        known = np.isfinite(clean[c, ..., 0])
        x = np.clip(clean[c, ..., 0][known] * CELLS[0] / camera.size[0], 0, CELLS[0] - 1).astype(np.int64)
        y = np.clip(clean[c, ..., 1][known] * CELLS[1] / camera.size[1], 0, CELLS[1] - 1).astype(np.int64)
        np.add.at(coverage[c], (y, x), 1)
        for v in np.flatnonzero(known.any(axis=1)):
            normal = camera.rotation @ nearest_rotation(found.poses[v, :9].reshape(3, 3))[:, 2]
            tilted[c] += np.arccos(min(abs(float(normal[2])), 1.0)) > TILTED
        share = float((coverage[c] > 0).mean())
        if share < 0.25:
            flags.append(
                Flag("N312", f"camera {camera.name}: the board covers {100 * share:.0f} % of the picture")
            )
        if tilted[c] == 0:
            flags.append(
                Flag(
                    "N312", f"camera {camera.name}: no view is tilted by more than 20 degrees: tilt the board"
                )
            )
        if np.isfinite(held_out[c]) and (held_out[c] > 3 * found.rms[c] or held_out[c] > 2):
            flags.append(
                Flag(
                    "N312",
                    f"camera {camera.name}: held-out {held_out[c]:.2f} px, in-sample {found.rms[c]:.2f} px",
                )
            )
    if abs(mean) > 0.01:
        flags.append(Flag("N312", f"distances on the board are off by {100 * mean:.1f} %"))
    return {
        "rms": list(found.rms),
        "heldout": held_out.tolist(),
        "n_views": list(found.n_views),
        "n_corners": list(found.n_corners),
        "n_found": np.isfinite(uv[..., 0]).sum(axis=(1, 2)).tolist(),
        "coverage": coverage,
        "tilted": tilted.tolist(),
        "board_mean": mean,
        "board_sd": sd,
        "board_off": float(np.sqrt(np.mean((found.board - board) ** 2))),
        "left_views": list(found.left_views),
        "fixed": list(found.fixed),
        "flags": flags,
    }


def quality_dataset(rig: RigModel, details: Mapping[str, Any]) -> Dataset:
    """Return the quality of a rig as a dataset over `camera` (and `pair` of cameras)."""
    import xarray as xr

    n = len(rig.cameras)

    def column(name: str, default: float) -> np.ndarray:
        return np.array(details.get(name, [default] * n), np.float64)

    names = list(dict.fromkeys([*INTRINSIC_NAMES, *(FISHEYE_NAMES if rig.fisheye().any() else ())]))
    sds = np.array([[camera.sd.get(name, np.nan) for name in names] for camera in rig.cameras])
    pairs = list(combinations(range(n), 2))
    angles = [_ray_angle(rig, a, b) for a, b in pairs]
    variables: dict[str, Any] = {
        "focal": (
            ("camera", "axis"),
            np.array([[c.matrix[0, 0], c.matrix[1, 1]] for c in rig.cameras]),
            {"units": "px"},
        ),
        "rms": (("camera",), np.array([camera.rms for camera in rig.cameras]), {"units": "px"}),
        "heldout": (("camera",), column("heldout", np.nan), {"units": "px"}),
        "n_views": (("camera",), np.array([camera.n_views for camera in rig.cameras], np.int64)),
        "parameter_sd": (("camera", "parameter"), sds),
        "ray_angle": (("pair",), np.array(angles, np.float64), {"units": "rad"}),
    }
    if "coverage" in details:
        variables["coverage"] = (("camera", "cell_y", "cell_x"), details["coverage"])
    return xr.Dataset(
        variables,
        coords={
            "camera": list(rig.names),
            "axis": ["x", "y"],
            "parameter": names,
            "pair": [f"{rig.names[a]} {rig.names[b]}" for a, b in pairs],
        },
        attrs={
            "board_mean": float(details.get("board_mean", np.nan)),
            "board_sd": float(details.get("board_sd", np.nan)),
            "fixed": ", ".join(details.get("fixed", [])),
        },
    )


def _ray_angle(rig: RigModel, a: int, b: int) -> float:
    """Angle between the optical axes of two cameras [rad]."""
    cosine = float(rig.cameras[a].rotation[2] @ rig.cameras[b].rotation[2])
    return float(np.arccos(np.clip(cosine, -1, 1)))
