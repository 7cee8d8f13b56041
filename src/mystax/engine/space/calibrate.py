"""What `mystax calibrate` does: a rig from pictures, and whether a rig still fits a recording."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from mystax.core.events import Report, silent
from mystax.core.quality import Flag
from mystax.errors import RecipeError

__all__ = ["Found", "calibrate_files", "check_rig"]

N_PARTS = 10
"""Parts of a recording in which drift is looked for."""
MAX_RATIO = 3.0


@dataclass
class Found:
    """What a command found: the written file, plain numbers, remarks, and lines for a person."""

    path: Path | None
    summary: dict[str, Any]
    flags: list[Flag] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)


def calibrate_files(
    sources: Mapping[str, Any] | Sequence[Path],
    board: str,
    *,
    model: str = "auto",
    k3: bool = False,
    board_error: float = 0.0,
    out: str | Path = "calibration.toml",
    progress: Report = silent,
) -> Found:
    """Calibrate from files and write the rig.

    Parameters
    ----------
    sources : mapping or sequence of paths
        Camera to video, folder or pictures; or files that are grouped by their names; or one file of corners.
    board : str
        The board; not needed with corners.
    model : str, optional
        Which numbers of the lens are free.
    k3 : bool, optional
        Whether the third radial number is free too; of a fisheye lens the third and the fourth.
    board_error : float, optional
        SD of the corners about their places on the board [mm].
    out : path, optional
        Where the rig goes.
    progress : callable, optional
        Takes events.

    Returns
    -------
    Found
        Path, numbers per camera, flags, lines.

    Raises
    ------
    MystaxError
        As `mystax.Rig.calibrate`; P403, if something that is no rig lies at `out`.
    """
    from mystax.analyses.board_sources import board_sources
    from mystax.analyses.calibrate import calibrate_sources
    from mystax.analyses.rig import Rig
    from mystax.io.rig import check_rig_place

    check_rig_place(out)
    given: Any = sources
    if not isinstance(sources, Mapping):
        only = sources[0] if len(sources) == 1 else None
        given = only if only is not None and only.suffix == ".nc" else board_sources(sources)
    if not isinstance(given, Mapping) and not Path(given).is_file():
        raise RecipeError("P403", str(given), "there is no such file of corners")
    if isinstance(given, Mapping) and not board:
        raise RecipeError("P403", "--board", "say what the board is", hint="--board charuco:10x7:17:13")
    rig, corners, details = calibrate_sources(
        given,
        board,
        model=model,
        k3=k3,
        board_error=board_error,
        keep=Rig.unfinished(out),
        progress=progress,
    )
    made = Rig(rig, corners=corners, details=details)
    path = made.save(out)
    cameras = {}
    lines = [f"{text}" for text in details["remarks"]]
    for c, camera in enumerate(rig.cameras):
        cameras[camera.name] = {
            "fx": float(camera.matrix[0, 0]),
            "fy": float(camera.matrix[1, 1]),
            "cx": float(camera.matrix[0, 2]),
            "cy": float(camera.matrix[1, 2]),
            "distortion": camera.distortion.tolist(),
            "rms": camera.rms,
            "heldout": details["heldout"][c] if np.isfinite(details["heldout"][c]) else None,
            "n_views": camera.n_views,
            "n_corners": details["n_corners"][c],
            "n_found": details["n_found"][c],
            "sd": dict(camera.sd),
        }
        held = f", held-out {details['heldout'][c]:.3f}" if np.isfinite(details["heldout"][c]) else ""
        lines.append(
            f"{camera.name}: f {camera.matrix[0, 0]:.1f} {camera.matrix[1, 1]:.1f} px "
            f"(SD {camera.sd['fx']:.1f}), centre {camera.matrix[0, 2]:.1f} {camera.matrix[1, 2]:.1f}, "
            f"rms {camera.rms:.3f} px{held}, "
            f"{camera.n_views} views, {details['n_corners'][c]} of {details['n_found'][c]} corners"
        )
    if np.isfinite(details["board_mean"]):
        mean, sd = 100 * details["board_mean"], 100 * details["board_sd"]
        lines.append(f"distances on the board: {mean:+.2f} % (SD {sd:.2f} %)")
    if board_error > 0:
        lines.append(f"corners lie {details['board_off']:.3f} mm (RMS) off their places on the board")
    if details["fixed"]:
        lines.append(f"the pictures cannot tell {', '.join(details['fixed'])}: kept at their usual values")
    summary = {
        "cameras": cameras,
        "board": str(rig.metadata["board"]),
        "board_mean": details["board_mean"] if np.isfinite(details["board_mean"]) else None,
        "board_sd": details["board_sd"] if np.isfinite(details["board_sd"]) else None,
        "board_off": details["board_off"],
        "fixed": details["fixed"],
        "left_views": details["left_views"],
        "remarks": details["remarks"],
    }
    return Found(path, summary, made.flags, lines)


def check_rig(
    rig_file: str | Path,
    poses: Any,
    *,
    rate: float | None = None,
    refine: bool = False,
    out: str | Path | None = None,
    progress: Report = silent,
) -> Found:
    """Say whether cameras have moved since their calibration, from the tracks of a recording.

    Parameters
    ----------
    rig_file : path
        The rig.
    poses : object
        As those of `mystax.pose3d`.
    rate : float, optional
        Frames per second of tracks that hold no times.
    refine : bool, optional
        Adjust the poses of the cameras and write a new file.
    out : path, optional
        The new file; by default ``<rig>-refined.toml`` beside the rig.
    progress : callable, optional
        Takes events.

    Returns
    -------
    Found
        Residuals per camera, in all and per tenth of the recording; N315 for a camera that has moved.

    Raises
    ------
    MystaxError
        As `mystax.pose3d`; P403, if something else lies where the new file goes; N303 or N311 if the poses
        cannot be refined.
    """
    from mystax.analyses.pose3d_quality import rig_flags
    from mystax.engine.space.pose3d_inputs import gathered_of
    from mystax.engine.space.pose3d_request import Request3d
    from mystax.io.formats.rig_files import read_rig_file
    from mystax.io.rig import check_rig_place

    place = Path(out) if out is not None else Path(rig_file).with_name(f"{Path(rig_file).stem}-refined.toml")
    if refine:
        check_rig_place(place)
    model, gathered = gathered_of(poses, rig_file, Request3d(rate=rate), progress=progress)
    uv = np.stack([gathered.point(k, 0)[0] for k in range(len(gathered.names))], axis=2)
    flags = rig_flags(model)
    facts, lines, moved = _residuals_of(model, gathered.cameras, uv)
    flags += [
        Flag(
            "N315",
            f"camera {name} lies {facts[name]['ratio']:.1f} times its expected residual off: has it moved?",
        )
        for name in moved
    ]
    summary: dict[str, Any] = {"cameras": facts, "moved": moved}
    if not refine:
        return Found(None, summary, flags, lines)
    whole = read_rig_file(rig_file)
    return _refined(place, whole, model, gathered.cameras, uv, Found(None, summary, flags, lines))


def _residuals_of(
    model: Any, names: Sequence[str], uv: np.ndarray
) -> tuple[dict[str, dict[str, Any]], list[str], list[str]]:
    """Left-out residual of each camera (in-sample of two): px, ratio, and per tenth of the recording."""
    from mystax.compute.triangulation import pixel_noise, triangulate

    n_cameras, n_time, n_points = uv.shape[:3]
    flat = np.ascontiguousarray(uv.reshape(n_cameras, -1, 2))
    precision = np.tile(np.array([1.0, 0.0, 1.0]), (n_cameras, flat.shape[1], 1))
    found = triangulate(model, flat, precision)
    noise = pixel_noise(found, np.zeros(flat.shape[1], np.int64), 1)[:, 0]
    least = float(np.nanmin(noise)) if np.isfinite(noise).any() else 1.0
    values = found.left_out if n_cameras > 2 else found.residual
    part = np.repeat(np.arange(n_time) * N_PARTS // max(n_time, 1), n_points)
    facts: dict[str, dict[str, Any]] = {}
    lines, moved = [], []
    for c, name in enumerate(names):
        usual = max(model.cameras[c].rms if np.isfinite(model.cameras[c].rms) else 0.0, least)
        mine = values[:, c]
        known = np.isfinite(mine)
        middle = float(np.median(mine[known])) if known.any() else float("nan")
        parts = [
            float(np.median(mine[known & (part == p)])) if (known & (part == p)).any() else None
            for p in range(N_PARTS)
        ]
        ratio = middle / (1.1774 * usual)
        facts[name] = {"left_out": middle, "expected": 1.1774 * usual, "ratio": ratio, "parts": parts}
        lines.append(f"{name}: {middle:.2f} px from what the others say ({ratio:.1f} times what is expected)")
    if max(np.nan_to_num(item["ratio"]) for item in facts.values()) > MAX_RATIO:
        moved = [_moved(model, names, flat, facts)]
    return facts, lines, moved


def _moved(model: Any, names: Sequence[str], flat: np.ndarray, facts: Mapping[str, Mapping[str, Any]]) -> str:
    """Name the camera whose move explains the most: of three or more, the one that fits again by itself."""
    from mystax.compute.refine import refit_residual

    if len(names) > 2:
        told = np.ascontiguousarray(flat[:, np.isfinite(flat[..., 0]).sum(axis=0) > 2])
        after = {name: refit_residual(model, told, c) for c, name in enumerate(names)}
        known = {name: value for name, value in after.items() if np.isfinite(value)}
        if known:
            return min(known, key=lambda name: known[name])
    return max(facts, key=lambda name: float(np.nan_to_num(facts[name]["ratio"])))


def _refined(
    place: Path, whole: Any, model: Any, names: Sequence[str], uv: np.ndarray, found: Found
) -> Found:
    """Adjust the poses and write the new rig, with the cameras that have no track as they were."""
    from mystax.compute.refine import refine_poses
    from mystax.core.rig_model import RigModel
    from mystax.io.rig import rig_to_toml
    from mystax.io.store import Store

    flat = np.ascontiguousarray(uv.reshape(len(uv), -1, 2))
    flat = np.ascontiguousarray(flat[:, np.isfinite(flat[..., 0]).sum(axis=0) > 1])
    moved = [list(names).index(name) for name in found.summary["moved"]]
    alone = moved and len(names) > 2
    refined, before, after = refine_poses(model, flat, moved if alone else list(range(1, len(names))))
    made = {camera.name: camera for camera in refined.cameras}
    cameras = tuple(made.get(camera.name, camera) for camera in whole.cameras)
    metadata = {**whole.metadata, "adjusted": True, "refined_from": whole.fingerprint}
    Store(place.parent).write_text(place.name, rig_to_toml(RigModel(cameras, metadata)))
    found.path = place
    found.summary["before"], found.summary["after"] = before, after
    found.lines.append(f"held-out residual {before:.2f} -> {after:.2f} px")
    return found
