"""Calibration from corners of a flat board: one camera, the graph of cameras, all together, and its quality.

References
----------
.. [1] Zhang (2000), A flexible new technique for camera calibration, doi:10.1109/34.888718
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from mystax.compute.bundle import Bundle, adjust, bundle_residuals, free_columns, robust_sd
from mystax.core.rig_model import INTRINSIC_NAMES, CameraModel, RigModel, make_rig
from mystax.core.rotations import mean_rotation, nearest_rotation, vector_of
from mystax.core.typing import Bool, Float64
from mystax.errors import NumbersError

__all__ = ["MODELS", "Calibrated", "calibrate", "calibrate_camera", "homography", "pose_of_homography"]

MODELS = ("auto", "pinhole", "pinhole-k1")
MIN_CORNERS = 8
MIN_VIEWS = 3
MAX_LOST = 0.2
OUTLIER = 4.0
BAD_VIEW = 5.0
AUTO_LIMITS = (("p1", "p2"), 0.005), (("k2",), 0.2), (("cx", "cy"), 0.03)
"""Numbers that are fixed to their priors, while their SD is above it (centre: share of the width)."""
LENS = ("fx", "fy", "cx", "cy", "k1", "k2", "p1", "p2")


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


def homography(
    board: Float64[np.ndarray, "n 2"], pixels: Float64[np.ndarray, "n 2"]
) -> Float64[np.ndarray, "3 3"]:
    """Homography from the plane of the board to pixels (normalised direct linear transform).

    Parameters
    ----------
    board, pixels : array (n, 2)
        At least four points each.

    Returns
    -------
    array (3, 3)
        With last element 1 where that is possible.
    """

    def normal(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        centre = points.mean(axis=0)
        scale = np.sqrt(2) / max(float(np.linalg.norm(points - centre, axis=1).mean()), 1e-12)
        return (points - centre) * scale, np.array(
            [[scale, 0, -scale * centre[0]], [0, scale, -scale * centre[1]], [0, 0, 1]]
        )

    a, ta = normal(board)
    b, tb = normal(pixels)
    zero, one = np.zeros(len(a)), np.ones(len(a))
    x, y, u, v = a[:, 0], a[:, 1], b[:, 0], b[:, 1]
    rows = np.concatenate(
        [
            np.stack([x, y, one, zero, zero, zero, -u * x, -u * y, -u], axis=1),
            np.stack([zero, zero, zero, x, y, one, -v * x, -v * y, -v], axis=1),
        ]
    )
    _, _, vt = np.linalg.svd(rows, full_matrices=False)
    found = np.linalg.inv(tb) @ vt[-1].reshape(3, 3) @ ta
    return np.asarray(found / found[2, 2]) if abs(found[2, 2]) > 1e-12 else np.asarray(found)


def pose_of_homography(
    h: Float64[np.ndarray, "3 3"], focal: float, centre: Float64[np.ndarray, " 2"]
) -> Float64[np.ndarray, " 12"]:
    """Pose of the board (R, t in one row) from its homography; the board lies in front of the camera."""
    k = np.array([[focal, 0, centre[0]], [0, focal, centre[1]], [0, 0, 1.0]])
    m = np.linalg.solve(k, h)
    scale = 2 / (np.linalg.norm(m[:, 0]) + np.linalg.norm(m[:, 1]))
    m = m * (scale if m[2, 2] > 0 else -scale)
    rotation = nearest_rotation(np.stack([m[:, 0], m[:, 1], np.cross(m[:, 0], m[:, 1])], axis=1))
    return np.concatenate([rotation.ravel(), m[:, 2]])


def _start_focal(
    homographies: Sequence[Float64[np.ndarray, "3 3"]],
    centre: Float64[np.ndarray, " 2"],
    size: tuple[int, int],
) -> float:
    """Focal length from homographies with the principal point in the middle of the picture."""
    shift = np.array([[1, 0, -centre[0]], [0, 1, -centre[1]], [0, 0, 1.0]])
    top = bottom = 0.0
    for h in homographies:
        g = shift @ h
        a, b = g[:, 0], g[:, 1]
        norm = float(np.linalg.norm(a) * np.linalg.norm(b))
        for left, right in (
            ((a[0] * b[0] + a[1] * b[1]) / norm, -a[2] * b[2] / norm),
            ((a[0] ** 2 + a[1] ** 2 - b[0] ** 2 - b[1] ** 2) / norm, -(a[2] ** 2 - b[2] ** 2) / norm),
        ):
            top += left * right
            bottom += left * left
    v = top / bottom if bottom > 0 else 0.0
    return float(1 / np.sqrt(v)) if v > 1e-12 else 1.2 * max(size)


def _views_of(uv: Float64[np.ndarray, "view corner 2"]) -> np.ndarray:
    return np.asarray(np.isfinite(uv[..., 0]).sum(axis=1))


def calibrate_camera(
    uv: Float64[np.ndarray, "view corner 2"], board: Float64[np.ndarray, "corner 3"], size: tuple[int, int]
) -> Bundle:
    """Calibrate one camera by itself: start from homographies, then all numbers of the lens.

    Parameters
    ----------
    uv : array (view, corner, 2)
        Corners [px]; NaN where not seen; views with fewer than 6 corners are left out of the start.
    board : array (corner, 3)
        Corners on the board [mm].
    size : tuple of int
        Width and height of the pictures [px].

    Returns
    -------
    Bundle
        Camera at the origin; poses of views without enough corners are NaN.
    """
    n_seen = _views_of(uv)
    good = np.flatnonzero(n_seen >= 6)
    centre = np.array([(size[0] - 1) / 2, (size[1] - 1) / 2])
    found = []
    for v in good:
        known = np.isfinite(uv[v, :, 0])
        found.append(homography(board[known, :2], uv[v, known]))
    focal = _start_focal(found, centre, size)
    poses = np.stack([pose_of_homography(h, focal, centre) for h in found])
    row = np.zeros((1, 21))
    row[0, [0, 4, 8]] = 1.0
    row[0, 12:16] = focal, focal, centre[0], centre[1]
    bundle = Bundle(
        row,
        poses,
        board,
        np.ascontiguousarray(uv[good][None]),
        np.array([size], np.float64),
        free_columns(1, ("fx", "fy", "k1")),
        same_focal=True,
    )
    adjust(bundle, n_steps=60)
    bundle.same_focal = False
    bundle.free = free_columns(1, LENS)
    adjust(bundle, n_steps=60)
    whole = np.full((len(uv), 12), np.nan)
    whole[good] = bundle.poses
    bundle.poses, bundle.uv = whole, uv[None]
    return bundle


def _relative(a: Float64[np.ndarray, " 12"], b: Float64[np.ndarray, " 12"]) -> tuple[np.ndarray, np.ndarray]:
    """Pose of camera b in terms of camera a, from the board as both see it: X_b = R X_a + t."""
    rotation = b[:9].reshape(3, 3) @ a[:9].reshape(3, 3).T
    return rotation, b[9:] - rotation @ a[9:]


def _consensus(
    pairs: Sequence[tuple[np.ndarray, np.ndarray]],
) -> tuple[np.ndarray, np.ndarray, Bool[np.ndarray, " view"]]:
    """Medoid of relative poses, then the mean of those near it; also tell which those are."""
    rotations = np.stack([r for r, _ in pairs])
    shifts = np.stack([t for _, t in pairs])
    n = len(pairs)
    angles = np.array(
        [[np.linalg.norm(vector_of(rotations[i] @ rotations[j].T)) for j in range(n)] for i in range(n)]
    )
    distances = np.linalg.norm(shifts[:, None] - shifts[None], axis=2)
    scale_a = max(float(np.median(angles)), 1e-9)
    scale_d = max(float(np.median(distances)), 1e-9)
    total = np.median(angles / scale_a + distances / scale_d, axis=1)
    best = int(np.argmin(total))
    near = (angles[best] <= 3 * max(float(np.median(angles[best])), 1e-6)) & (
        distances[best] <= 3 * max(float(np.median(distances[best])), 1e-6)
    )
    return mean_rotation(rotations[near]), np.median(shifts[near], axis=0), near


def _groups(n: int, edges: Sequence[tuple[int, int]]) -> list[list[int]]:
    label = list(range(n))
    for a, b in edges:
        old, new = label[a], label[b]
        label = [new if item == old else item for item in label]
    return [[k for k in range(n) if label[k] == item] for item in dict.fromkeys(label)]


def _tree(shared: np.ndarray) -> list[tuple[int, int]]:
    """Maximum spanning tree of the cameras by shared views, from the first camera outwards."""
    inside, edges = [0], []
    while len(inside) < len(shared):
        best = max(
            ((int(shared[a, b]), -b, a) for a in inside for b in range(len(shared)) if b not in inside),
            default=(0, 0, 0),
        )
        if best[0] < 1:
            break
        edges.append((best[2], -best[1]))
        inside.append(-best[1])
    return edges


def _check_groups(names: Sequence[str], shared: np.ndarray) -> None:
    """Refuse cameras that never see the board together (N311)."""
    n = len(names)
    groups = _groups(n, [(a, b) for a in range(n) for b in range(a + 1, n) if shared[a, b]])
    if len(groups) < 2:
        return
    text = " | ".join(", ".join(names[k] for k in group) for group in groups)
    alone = min(groups, key=len)
    others = [names[k] for group in groups if group is not alone for k in group]
    raise NumbersError(
        "N311",
        "cameras " + ", ".join(names[k] for k in alone),
        "they never see the board at the same time as the others",
        expected="views of the board shared by all cameras, at least along a chain",
        got=f"groups {text}",
        hint=f"show the board so that {names[alone[0]]} and {others[0]} both see it",
    )


def _turned_board(
    pose: Float64[np.ndarray, " 12"], board: Float64[np.ndarray, "corner 3"]
) -> Float64[np.ndarray, " 12"]:
    """Pose of the same picture when the corners were numbered from the other end."""
    half = np.diag([-1.0, -1.0, 1.0])
    far = board.max(axis=0) + board.min(axis=0)
    rotation = pose[:9].reshape(3, 3)
    return np.concatenate([(rotation @ half).ravel(), pose[9:] + rotation @ np.array([far[0], far[1], 0.0])])


def _resolve_turns(
    uv: Float64[np.ndarray, "camera view corner 2"],
    singles: list[Bundle],
    board: Float64[np.ndarray, "corner 3"],
    a: int,
    b: int,
) -> None:
    """Turn views of camera b whose relative pose differs from the consensus by half a turn."""
    both = np.flatnonzero(np.isfinite(singles[a].poses[:, 0]) & np.isfinite(singles[b].poses[:, 0]))
    plain = [_relative(singles[a].poses[v], singles[b].poses[v]) for v in both]
    rotation, _, _ = _consensus(plain)
    for v, (own, _) in zip(both, plain, strict=True):
        angle = np.degrees(np.linalg.norm(vector_of(np.asarray(own @ rotation.T))))
        if angle > 150:
            uv[b, v] = uv[b, v, ::-1].copy()
            singles[b].poses[v] = _turned_board(singles[b].poses[v], board)


def calibrate(
    names: Sequence[str],
    sizes: Sequence[tuple[int, int]],
    uv: Float64[np.ndarray, "camera view corner 2"],
    board: Float64[np.ndarray, "corner 3"],
    *,
    model: str = "auto",
    turnable: bool = False,
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
    singles = [calibrate_camera(uv[c], board, sizes[c]) for c in range(len(names))]
    seen = _counts(uv) >= MIN_CORNERS
    shared = seen.astype(np.int64) @ seen.T.astype(np.int64)
    np.fill_diagonal(shared, 0)
    _check_groups(names, shared)
    edges = _tree(shared)
    if turnable:
        for a, b in edges:
            _resolve_turns(uv, singles, board, a, b)
    bundle, kept = _start(uv, board, sizes, singles, edges)
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
        numbers += len(LENS) + 6 * int(np.isfinite(single.poses[:, 0]).sum())
    alone = float(np.sqrt(square / max(2 * n - numbers, 1)))
    joint = float(np.sqrt(np.nansum(together**2) / max(2 * n - int(bundle.free.sum()) - 6 * len(kept), 1)))
    ratio = (joint / alone) ** 2
    if len(singles) < 2 or ratio < 1 + 4 / np.sqrt(n):
        return
    remarks.append(
        f"the cameras' views of the board disagree ({joint:.3f} px together, {alone:.3f} px alone): it is "
        "not flat, or the pictures were not taken at one time; each camera's lens is that of its own pictures"
    )
    for c, single in enumerate(singles):
        bundle.rows[c, 12:21] = single.rows[0, 12:21]
    bundle.free[:, 6:] = False
    adjust(bundle, robust=True)
    bundle.sd[:, 6:] = np.stack([single.sd[0, 6:] for single in singles])


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


def _start(
    uv: Float64[np.ndarray, "camera view corner 2"],
    board: Float64[np.ndarray, "corner 3"],
    sizes: Sequence[tuple[int, int]],
    singles: Sequence[Bundle],
    edges: Sequence[tuple[int, int]],
) -> tuple[Bundle, np.ndarray]:
    """Put the cameras and boards of all views into one frame; also return which views are used."""
    n_cameras, n_views = uv.shape[:2]
    rows = np.stack([single.rows[0] for single in singles])
    for a, b in edges:
        both = np.flatnonzero(np.isfinite(singles[a].poses[:, 0]) & np.isfinite(singles[b].poses[:, 0]))
        rotation, shift, _ = _consensus([_relative(singles[a].poses[v], singles[b].poses[v]) for v in both])
        ra, ta = rows[a, :9].reshape(3, 3), rows[a, 9:12]
        rows[b, :9], rows[b, 9:12] = (rotation @ ra).ravel(), rotation @ ta + shift
    poses = np.full((n_views, 12), np.nan)
    for v in range(n_views):
        # the camera with the most corners says where the board is
        order = np.argsort(-np.isfinite(uv[:, v, :, 0]).sum(axis=1), kind="stable")
        for c in order:
            own = singles[c].poses[v]
            if np.isfinite(own[0]):
                rc, tc = rows[c, :9].reshape(3, 3), rows[c, 9:12]
                rotation = rc.T @ own[:9].reshape(3, 3)
                poses[v] = np.concatenate([rotation.ravel(), rc.T @ (own[9:] - tc)])
                break
    kept = np.flatnonzero(np.isfinite(poses[:, 0]))
    bundle = Bundle(
        rows,
        poses[kept],
        board,
        np.ascontiguousarray(uv[:, kept]),
        np.array(sizes, np.float64),
        free_columns(n_cameras, LENS),
    )
    return bundle, kept


def _adjust_model(bundle: Bundle, model: str) -> list[str]:
    """Adjust with as many numbers of the lens as the pictures can tell; return those that were fixed."""
    if model == "pinhole-k1":
        bundle.free = free_columns(len(bundle.rows), ("fx", "fy", "cx", "cy", "k1"))
        bundle.rows[:, 17:20] = 0.0
        adjust(bundle)
        return ["k2", "p1", "p2"]
    adjust(bundle)
    fixed: list[str] = []
    if model != "auto":
        return fixed
    for group, limit in AUTO_LIMITS:
        columns = [6 + INTRINSIC_NAMES.index(name) for name in group]
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
            limit = OUTLIER * robust_sd(found[c])
            bundle.uv[c][size[c] > max(limit, 1e-6)] = np.nan
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
    numbers = int(bundle.free.sum()) + 6 * len(bundle.poses)
    loss = np.sqrt(total / max(total - numbers, 1))
    cameras, rms = [], []
    for c, name in enumerate(names):
        row = bundle.rows[c]
        spread = float(np.sqrt(np.nanmean(found[c] ** 2)) * loss)
        rms.append(spread)
        names_sd = dict(zip(INTRINSIC_NAMES[:8], bundle.sd[c, 6:14].tolist(), strict=True))
        cameras.append(
            CameraModel(
                name,
                (int(bundle.sizes[c, 0]), int(bundle.sizes[c, 1])),
                np.array([[row[12], 0, row[14]], [0, row[13], row[15]], [0, 0, 1.0]]),
                row[16:21].copy(),
                row[:9].reshape(3, 3).copy(),
                row[9:12].copy(),
                False,
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
    )
