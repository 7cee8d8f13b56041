"""Calibration of a rig from corners of a flat board: the model of the lens, outliers, what came of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from mystax.compute.bundle import Bundle, adjust, axis_sd, bundle_residuals, free_columns
from mystax.compute.calibration_graph import camera_tree, check_groups, join_cameras, resolve_turns
from mystax.compute.calibration_start import FISHEYE_LENS, LENS, calibrate_camera
from mystax.core.rig_model import INTRINSIC_NAMES, CameraModel, RigModel, make_rig
from mystax.core.typing import Float64
from mystax.errors import NumbersError

__all__ = ["MODELS", "Calibrated", "calibrate"]

MODELS = ("auto", "pinhole", "pinhole-k1", "fisheye")
FEWEST = 4
"""Corners that a view needs after outliers are gone: fewer do not say where the board is."""
K3 = 6 + INTRINSIC_NAMES.index("k3")
K1_LENS = ("fx", "fy", "cx", "cy", "k1")
MIN_CORNERS = 8
MIN_VIEWS = 3
MAX_LOST = 0.2
OUTLIER = 4.0
BAD_VIEW = 5.0
AUTO_LIMITS = (("p1", "p2"), 0.005), (("k3",), 0.5), (("k2",), 0.2), (("cx", "cy"), 0.03)
"""Numbers that are fixed to their priors, while their SD is above it (centre: share of the width)."""
FISHEYE_LIMITS = (("k4",), 0.5), (("k3",), 0.5)
"""The same of a fisheye lens whose four numbers are asked for."""


@dataclass
class Calibrated:
    """A calibration with what it says about itself.

    Attributes
    ----------
    rig : RigModel
        The cameras.
    poses : array (view, 12)
        R (9) and t (3) of the board per view used; NaN for a view that was left out.
    residual : array (camera, view, corner, 2)
        Observed minus projected [px]; NaN where not used.
    n_corners, n_views : tuple of int
        Corners and views per camera.
    rms : tuple of float
        Residual per axis with degrees of freedom removed [px].
    left_views : tuple of int
        Views that were left out.
    fixed : tuple of str
        Numbers of the lens that the pictures could not tell.
    noise : float
        Spread of a residual per axis [px].
    remarks : tuple of str
        Sentences for N312.
    board : array (corner, 3)
        Corners on the board [mm]: as given, or where they were found within the board's error.
    """

    rig: RigModel
    poses: Float64[np.ndarray, "view pose"]
    residual: Float64[np.ndarray, "camera view corner 2"]
    n_corners: tuple[int, ...]
    n_views: tuple[int, ...]
    rms: tuple[float, ...]
    left_views: tuple[int, ...] = ()
    fixed: tuple[str, ...] = ()
    noise: float = float("nan")
    remarks: tuple[str, ...] = field(default=())
    board: Float64[np.ndarray, "place 3"] = field(default_factory=lambda: np.empty((0, 3)))


def calibrate(
    names: Sequence[str],
    sizes: Sequence[tuple[int, int]],
    uv: Float64[np.ndarray, "camera view corner 2"],
    board: Float64[np.ndarray, "corner 3"],
    *,
    model: str = "auto",
    turnable: bool = False,
    k3: bool = False,
    board_error: float = 0.0,
) -> Calibrated:
    """Calibrate a rig from corners of a board.

    Parameters
    ----------
    names : sequence of str
        Names of the cameras.
    sizes : sequence of pairs of int
        Width and height of their pictures [px].
    uv : array (camera, view, corner, 2)
        Corners [px]; one view is one moment; NaN where not seen.
    board : array (corner, 3)
        Corners on the board [mm].
    model : str, optional
        One of `MODELS`.
    turnable : bool, optional
        Whether the board looks the same turned by half a turn.
    k3 : bool, optional
        Whether the third radial number of the lens is free too; of a fisheye lens the third and the fourth.
    board_error : float, optional
        SD of the corners about their places on the board, per axis [mm]; 0 takes the board for exact.

    Returns
    -------
    Calibrated
        The first camera is at the origin.

    Raises
    ------
    NumbersError
        N311, if a camera has fewer than three views, or cameras never see the board together.
    """
    uv = uv.copy()
    uv[_counts(uv) < MIN_CORNERS] = np.nan
    remarks = _check_views(names, uv)
    is_fisheye = model == "fisheye"
    plain: tuple[str, ...] = FISHEYE_LENS if is_fisheye else K1_LENS if model == "pinhole-k1" else LENS
    lens = (*plain, *(("k3", "k4") if is_fisheye else ("k3",))) if k3 else plain
    singles = [
        calibrate_camera(uv[c], board, sizes[c], lens, is_fisheye=is_fisheye) for c in range(len(names))
    ]
    seen = _counts(uv) >= MIN_CORNERS
    shared = seen.astype(np.int64) @ seen.T.astype(np.int64)
    np.fill_diagonal(shared, 0)
    check_groups(names, shared)
    edges = camera_tree(shared)
    if turnable:
        for a, b in edges:
            resolve_turns(uv, singles, board, a, b)
    bundle, kept = join_cameras(uv, board, sizes, singles, edges)
    bundle.free = free_columns(len(names), lens, is_fisheye=is_fisheye)
    bundle.board_sd = board_error
    fixed = _adjust_model(bundle, model)
    left = _drop_outliers(bundle, kept, remarks)
    adjust(bundle, robust=True)
    _keep_lenses(bundle, singles, kept, remarks)
    return _finish(names, bundle, kept, left, fixed, remarks, uv.shape[1])


def _keep_lenses(bundle: Bundle, singles: Sequence[Bundle], kept: np.ndarray, remarks: list[str]) -> None:
    """Take the lens of each camera from its own pictures where the cameras' views contradict each other.

    A board that is bent, or pictures that were not taken at one time, cannot be explained by any rig; the
    adjustment would bend the lenses instead.  It shows: residuals together are larger than alone.
    """
    together = bundle_residuals(bundle)
    n = int(np.isfinite(together[..., 0]).sum())
    square = numbers = 0.0
    for c, single in enumerate(singles):
        own = bundle_residuals(single)[0][kept]
        square += float(np.nansum(np.where(np.isfinite(together[c]), own, np.nan) ** 2))
        numbers += int(single.free[0, 6:].sum()) + 6 * int(np.isfinite(single.poses[:, 0]).sum())
    alone = float(np.sqrt(square / max(2 * n - numbers, 1)))
    joint = float(np.sqrt(np.nansum(together**2) / max(2 * n - bundle.n_numbers, 1)))
    ratio = (joint / alone) ** 2
    if len(singles) < 2 or ratio < 1 + 4 / np.sqrt(n):
        return
    remarks.append(
        f"the cameras' views of the board disagree ({joint:.3f} px together, {alone:.3f} px alone): it is "
        "not flat, or the pictures were not taken at one time; each camera's lens is that of its own pictures"
    )
    for c, single in enumerate(singles):
        _fix_alike(single, bundle, c)
        bundle.rows[c, 12:21] = single.rows[0, 12:21]
    bundle.free[:, 6:] = False
    adjust(bundle, robust=True)
    bundle.sd[:, 6:] = np.stack([single.sd[0, 6:] for single in singles])


def _fix_alike(single: Bundle, bundle: Bundle, c: int) -> None:
    """Adjust one camera again where numbers of its lens are fixed in the adjustment of all."""
    fixed = ~bundle.free[c, 6:]
    if not (single.free[0, 6:] & fixed).any():
        return
    rows, good = single.rows.copy(), np.isfinite(single.poses[:, 0])
    rows[0, 12:21][fixed] = bundle.rows[c, 12:21][fixed]
    uv = np.ascontiguousarray(single.uv[:, good])
    own = replace(single, rows=rows, poses=single.poses[good], uv=uv, free=single.free.copy())
    own.free[0, 6:] &= ~fixed
    adjust(own)
    single.rows, single.sd = own.rows, own.sd


def _counts(uv: Float64[np.ndarray, "camera view corner 2"]) -> np.ndarray:
    return np.asarray(np.isfinite(uv[..., 0]).sum(axis=2))


def _check_views(
    names: Sequence[str],
    uv: Float64[np.ndarray, "camera view corner 2"],
) -> list[str]:
    """Refuse cameras with too few views; say what is weak about the views."""
    remarks = []
    for c, name in enumerate(names):
        views = np.flatnonzero(_counts(uv)[c] >= MIN_CORNERS)
        if len(views) < MIN_VIEWS:
            raise NumbersError(
                "N311",
                f"camera {name}",
                "the board is seen in too few pictures",
                expected=f"at least {MIN_VIEWS} views with {MIN_CORNERS} corners, 20 are good",
                got=f"{len(views)} views",
                hint="hold the whole board into the picture, well lit and still, tilted to all sides",
            )
        if len(views) < 8:
            remarks.append(f"camera {name}: {len(views)} views (20 are good)")
    return remarks


def _adjust_model(bundle: Bundle, model: str) -> list[str]:
    """Adjust with as many numbers of the lens as the pictures can tell; return those that were fixed."""
    if model == "pinhole-k1":
        adjust(bundle)
        return ["k2", "p1", "p2"]
    adjust(bundle)
    if model == "auto":
        return _fix_weak(bundle, AUTO_LIMITS)
    return _fix_weak(bundle, FISHEYE_LIMITS) if bundle.is_fisheye else []


def _fix_weak(bundle: Bundle, limits: Sequence[tuple[tuple[str, ...], float]]) -> list[str]:
    """Fix the numbers whose SD is above its limit, one group after the other, and adjust the rest again."""
    fixed: list[str] = []
    for group, limit in limits:
        columns = [6 + bundle.names.index(name) for name in group]
        if group == ("k2",) and bundle.free[:, K3].all():
            continue  # the third number can be told, with the second beside it
        if not bundle.free[:, columns].any():
            continue
        scale = bundle.sizes[:, 0] if group[0] == "cx" else np.ones(len(bundle.rows))
        weak = (bundle.sd[:, columns] > limit * scale[:, None]).any(axis=1)
        if not weak.any():
            continue
        for c in np.flatnonzero(weak):
            bundle.free[c, columns] = False
            for column in columns:
                middle = (bundle.sizes[c] - 1) / 2
                bundle.rows[c, 6 + column] = middle[column - 8] if column in (8, 9) else 0.0
        fixed += list(group)
        adjust(bundle)
    return fixed


def _drop_outliers(bundle: Bundle, kept: np.ndarray, remarks: list[str]) -> tuple[int, ...]:
    """Remove corners and views that do not fit; return the views (by their first number)."""
    found = bundle_residuals(bundle)
    size = np.hypot(found[..., 0], found[..., 1])
    usual = float(np.nanmedian(size))
    left: list[int] = []
    gone = 0
    for c in range(len(bundle.rows)):
        for v in range(len(bundle.poses)):
            mine = size[c, v]
            if np.isfinite(mine).any() and np.nanmedian(mine) > BAD_VIEW * usual:
                bundle.uv[c, v] = np.nan
                left.append(int(kept[v]))
                gone += 1
        with np.errstate(invalid="ignore"):
            limit = OUTLIER * axis_sd(found[c])
            bundle.uv[c][size[c] > max(limit, 1e-6)] = np.nan
        bundle.uv[c][np.isfinite(bundle.uv[c, ..., 0]).sum(axis=1) < FEWEST] = np.nan
    n_all = int((np.isfinite(size).any(axis=2)).sum())
    if n_all and gone > MAX_LOST * n_all:
        remarks.append(f"{gone} of {n_all} views do not fit")
    return tuple(dict.fromkeys(left))


def _finish(
    names: Sequence[str],
    bundle: Bundle,
    kept: np.ndarray,
    left: tuple[int, ...],
    fixed: Sequence[str],
    remarks: Sequence[str],
    n_views: int,
) -> Calibrated:
    """Lay out what was found."""
    found = bundle_residuals(bundle)
    n_cameras = len(names)
    counts = np.isfinite(found[..., 0]).sum(axis=2)
    whole = np.full((n_cameras, n_views, *found.shape[2:]), np.nan)
    whole[:, kept] = found
    poses = np.full((n_views, 12), np.nan)
    poses[kept] = bundle.poses
    n_corners = counts.sum(axis=1)
    total = 2 * int(n_corners.sum())
    loss = np.sqrt(total / max(total - bundle.n_numbers, 1))
    cameras, rms = [], []
    for c, name in enumerate(names):
        row = bundle.rows[c]
        spread = float(np.sqrt(np.nanmean(found[c] ** 2)) * loss)
        rms.append(spread)
        usual = FISHEYE_LENS if bundle.is_fisheye else LENS
        names_sd = {
            name: float(sd)
            for name, sd, number in zip(bundle.names, bundle.sd[c, 6:], row[12:], strict=False)
            if name in usual or number != 0
        }
        cameras.append(
            CameraModel(
                name,
                (int(bundle.sizes[c, 0]), int(bundle.sizes[c, 1])),
                np.array([[row[12], 0, row[14]], [0, row[13], row[15]], [0, 0, 1.0]]),
                row[16 : 20 if bundle.is_fisheye else 21].copy(),
                row[:9].reshape(3, 3).copy(),
                row[9:12].copy(),
                bundle.is_fisheye,
                names_sd,
                int((counts[c] > 0).sum()),
                spread,
            )
        )
    return Calibrated(
        make_rig(cameras),
        poses,
        whole,
        tuple(map(int, n_corners)),
        tuple(int(n) for n in (counts > 0).sum(axis=1)),
        tuple(rms),
        left,
        tuple(fixed),
        bundle.noise,
        tuple(remarks),
        bundle.board,
    )
