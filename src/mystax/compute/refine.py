"""Poses of cameras from the tracks of a recording: lenses locked, scale kept by the cameras' distances."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mystax.compute.projection import project_rig
from mystax.compute.triangulation import triangulate
from mystax.core.rig_model import CameraModel, RigModel
from mystax.core.rotations import rotation_of
from mystax.core.typing import Float64
from mystax.errors import NumbersError

__all__ = ["MAX_POINTS", "refine_poses", "refit_residual"]

MAX_POINTS = 5000
EVERY = 5
MIN_GAIN = 0.1
SIMPLER = 1.02
MIN_POINTS = 60
N_REFIT = 1000
DIFFERENCE = 1e-2
"""Step of differences, relative to unknowns that start at one: 1e-5 rad, well above rounding."""


def _with(rig: RigModel, steps: Float64[np.ndarray, "camera 6"]) -> RigModel:
    """Return the rig after steps of its poses: each camera turned about its own place, then shifted."""
    cameras = []
    for camera, step in zip(rig.cameras, steps, strict=True):
        turn = rotation_of(step[:3])
        rotation, translation = turn @ camera.rotation, turn @ camera.translation + step[3:]
        cameras.append(replace(camera, rotation=rotation, translation=translation))
    return RigModel(tuple(cameras), rig.metadata)


def _reach(rig: RigModel) -> float:
    """Return the mean distance between cameras [mm], the same wherever the origin of the rig is."""
    centres = np.stack([camera.centre for camera in rig.cameras])
    n = len(centres)
    return float(np.linalg.norm(centres[:, None] - centres[None], axis=2).sum() / max(n * (n - 1), 1))


def _residuals(rig: RigModel, uv: Float64[np.ndarray, "camera n 2"]) -> Float64[np.ndarray, "n camera"]:
    precision = np.tile(np.array([1.0, 0.0, 1.0]), (len(uv), uv.shape[1], 1))
    return triangulate(rig, uv, precision, robust=False).residual


def refine_poses(
    rig: RigModel, uv: Float64[np.ndarray, "camera n 2"], moving: Sequence[int]
) -> tuple[RigModel, float, float]:
    """Adjust the poses of some cameras, so that points of a recording agree.

    Parameters
    ----------
    rig : RigModel
        The cameras as they were calibrated.
    uv : array (camera, n, 2)
        Points seen by at least two cameras [px].
    moving : sequence of int
        The cameras that may move; at least one stays.

    Returns
    -------
    rig : RigModel
        The refined cameras; the mean distance between cameras is kept.
    before, after : float
        Median residual of held-out points [px].

    Raises
    ------
    NumbersError
        N303, with fewer than 60 points; N311, if the held-out residual does not fall by 10 %.
    """
    from scipy.optimize import least_squares

    n = uv.shape[1]
    if n < MIN_POINTS:
        raise NumbersError("N303", "refine", expected=f"{MIN_POINTS} points seen by two cameras", got=str(n))
    uv = uv[:, np.linspace(0, n - 1, min(n, MAX_POINTS)).astype(np.int64)]
    held = np.arange(uv.shape[1]) % EVERY == EVERY // 2
    learn = np.ascontiguousarray(uv[:, ~held])
    test = np.ascontiguousarray(uv[:, held])
    anchor = next(c for c in range(len(rig.cameras)) if c not in moving)
    scale = np.tile(np.array([1e-3] * 3 + [_reach(rig) * 1e-3] * 3), len(moving))
    is_seen = np.isfinite(learn[..., 0]).T

    def steps_of(x: np.ndarray, columns: Sequence[int]) -> Float64[np.ndarray, "camera 6"]:
        steps, some = np.zeros((len(rig.cameras), 6)), np.zeros((len(moving), 6))
        some[:, columns] = (x - 1).reshape(len(moving), -1)
        steps[list(moving)] = some * scale.reshape(-1, 6)
        return steps

    def fitted(columns: Sequence[int]) -> RigModel:
        def cost(x: np.ndarray) -> np.ndarray:
            found = _residuals(_with(rig, steps_of(x, columns)), learn)
            return np.where(is_seen, np.nan_to_num(found, nan=50.0), 0.0).ravel()

        start = np.ones(len(columns) * len(moving))
        solved = least_squares(cost, start, loss="soft_l1", f_scale=3.0, max_nfev=60, diff_step=DIFFERENCE)
        made = _with(rig, steps_of(solved.x, columns))
        # the size is free where no two cameras stay
        return _scaled(made, rig, anchor) if len(moving) == len(rig.cameras) - 1 else made

    def middle(item: RigModel) -> float:
        return float(np.nanmedian(_residuals(item, test)))

    made = (
        _turned_or_moved(rig, moving[0], learn, test) if len(moving) == 1 and len(rig.cameras) > 2 else None
    )
    if made is None:
        # A camera that was knocked has turned about itself: a shift is believed only where it explains more.
        turned, moved = fitted((0, 1, 2)), fitted(range(6))
        made = turned if middle(turned) <= SIMPLER * middle(moved) else moved
    before, after = middle(rig), middle(made)
    if not after <= (1 - MIN_GAIN) * before:
        raise NumbersError(
            "N311",
            "refine",
            "other poses of the cameras explain the tracks no better",
            expected="a median residual that falls by 10 %",
            got=f"{before:.2f} px before, {after:.2f} px after",
            hint="calibrate again; if the tracks are wrong no pose helps",
        )
    return made, before, after


def _scaled(made: RigModel, rig: RigModel, anchor: int) -> RigModel:
    """Bring the refined rig to the size of the calibrated one, about the camera that stays."""

    def size(item: RigModel) -> float:
        centres = np.stack([camera.centre for camera in item.cameras])
        return float(np.linalg.norm(centres[:, None] - centres[None], axis=2).sum())

    ratio = size(rig) / max(size(made), 1e-12)
    fixed = made.cameras[anchor].centre
    return RigModel(
        tuple(
            replace(
                camera, translation=np.asarray(-camera.rotation @ (fixed + ratio * (camera.centre - fixed)))
            )
            for camera in made.cameras
        ),
        made.metadata,
    )


def refit_residual(rig: RigModel, uv: Float64[np.ndarray, "camera n 2"], camera: int) -> float:
    """Median residual of all cameras after one's pose was fitted to the points that the others give [px].

    Once the camera that alone has moved is put back all agree; with it in its wrong place they do not. One's
    own residual would not tell: any camera fits the points that the others still agree on.

    Parameters
    ----------
    rig : RigModel
        Three cameras or more.
    uv : array (camera, n, 2)
        Points seen by three cameras or more [px].
    camera : int
        The camera that is fitted.

    Returns
    -------
    float
        NaN with fewer than 60 points.
    """
    n = uv.shape[1]
    if n < MIN_POINTS:
        return float("nan")
    uv = uv[:, np.linspace(0, n - 1, min(n, N_REFIT)).astype(np.int64)]
    points = _points_of_others(rig, uv, camera)
    if points is None:
        return float("nan")
    return float(np.nanmedian(_residuals(_fitted_to(rig, camera, range(6), *points), uv)))


def _points_of_others(
    rig: RigModel, uv: Float64[np.ndarray, "camera n 2"], camera: int
) -> tuple[Float64[np.ndarray, "m 3"], Float64[np.ndarray, "m 2"]] | None:
    """Places that the other cameras agree on, and the pixels of the one; None with fewer than 60."""
    others = np.ascontiguousarray(uv.copy())
    others[camera] = np.nan
    precision = np.tile(np.array([1.0, 0.0, 1.0]), (len(uv), uv.shape[1], 1))
    found = triangulate(rig, others, precision)
    good = np.isfinite(found.position[:, 0]) & ~found.disagree & np.isfinite(uv[camera, :, 0])
    if good.sum() < MIN_POINTS:
        return None
    return np.ascontiguousarray(found.position[good]), np.ascontiguousarray(uv[camera, good])


def _fitted_to(
    rig: RigModel,
    camera: int,
    columns: Sequence[int],
    place: Float64[np.ndarray, "m 3"],
    seen: Float64[np.ndarray, "m 2"],
) -> RigModel:
    """Turn (columns 0-2) and shift (3-5) one camera about its own place until it sees the places."""
    from scipy.optimize import least_squares

    own = rig.cameras[camera]
    scale = np.array([1e-3] * 3 + [_reach(rig) * 1e-3] * 3)[list(columns)]

    def moved(x: np.ndarray) -> CameraModel:
        step = np.zeros(6)
        step[list(columns)] = (x - 1) * scale
        rotation = np.asarray(rotation_of(step[:3]) @ own.rotation)
        return replace(own, rotation=rotation, translation=np.asarray(step[3:] - rotation @ own.centre))

    def off(x: np.ndarray) -> np.ndarray:
        away = project_rig(RigModel((moved(x),)), place)[0] - seen
        return np.asarray(np.nan_to_num(away, nan=50.0).ravel())

    start = np.ones(len(scale))
    solved = least_squares(off, start, loss="soft_l1", f_scale=3.0, max_nfev=60, diff_step=DIFFERENCE)
    cameras = list(rig.cameras)
    cameras[camera] = moved(solved.x)
    return RigModel(tuple(cameras), rig.metadata)


def _distance(
    rig: RigModel, camera: int, place: Float64[np.ndarray, "m 3"], seen: Float64[np.ndarray, "m 2"]
) -> float:
    """Median distance of the pixels of one camera from the projected places [px]."""
    off = project_rig(RigModel((rig.cameras[camera],)), place)[0] - seen
    return float(np.nanmedian(np.linalg.norm(off, axis=1)))


def _turned_or_moved(
    rig: RigModel,
    camera: int,
    learn: Float64[np.ndarray, "camera n 2"],
    test: Float64[np.ndarray, "camera m 2"],
) -> RigModel | None:
    """Fit one camera to what at least two others say; a shift is believed only where it explains more."""
    points, held = _points_of_others(rig, learn, camera), _points_of_others(rig, test, camera)
    if points is None or held is None:
        return None
    turned, moved = (_fitted_to(rig, camera, columns, *points) for columns in (range(3), range(6)))
    simpler = _distance(turned, camera, *held) <= SIMPLER * _distance(moved, camera, *held)
    return turned if simpler else moved
