"""What `mystax calibrate` does: a rig from pictures, and whether a rig still fits the tracks of a recording."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from mystax.core.events import Report, silent
from mystax.core.quality import Flag
from mystax.errors import RecipeError

__all__ = ["Found", "calibrate_files", "check_rig"]


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
        As `mystax.Rig.calibrate`.
    """
    from mystax.analyses.calibrate import board_sources, calibrate_sources
    from mystax.analyses.rig import Rig

    given: Any = sources
    if not isinstance(sources, Mapping):
        only = sources[0] if len(sources) == 1 else None
        given = only if only is not None and only.suffix == ".nc" else board_sources(sources)
    if not isinstance(given, Mapping) and not Path(given).is_file():
        raise RecipeError("P403", str(given), "there is no such file of corners")
    if isinstance(given, Mapping) and not board:
        raise RecipeError("P403", "--board", "say what the board is", hint="--board charuco:10x7:17:13")
    rig, corners, details = calibrate_sources(given, board, model=model, progress=progress)
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
            "sd": dict(camera.sd),
        }
        held = f", held-out {details['heldout'][c]:.3f}" if np.isfinite(details["heldout"][c]) else ""
        lines.append(
            f"{camera.name}: f {camera.matrix[0, 0]:.1f} {camera.matrix[1, 1]:.1f} px (SD {camera.sd['fx']:.1f}), "
            f"centre {camera.matrix[0, 2]:.1f} {camera.matrix[1, 2]:.1f}, rms {camera.rms:.3f} px{held}, "
            f"{camera.n_views} views, {details['n_corners'][c]} corners"
        )
    if np.isfinite(details["board_mean"]):
        lines.append(
            f"distances on the board: {100 * details['board_mean']:+.2f} % (SD {100 * details['board_sd']:.2f} %)"
        )
    if details["fixed"]:
        lines.append(f"the pictures cannot tell {', '.join(details['fixed'])}: kept at their usual values")
    summary = {
        "cameras": cameras,
        "board": str(rig.metadata["board"]),
        "board_mean": details["board_mean"] if np.isfinite(details["board_mean"]) else None,
        "board_sd": details["board_sd"] if np.isfinite(details["board_sd"]) else None,
        "fixed": details["fixed"],
        "left_views": details["left_views"],
        "remarks": details["remarks"],
    }
    return Found(path, summary, made.flags, lines)
