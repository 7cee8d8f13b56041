"""One camera from corners of a flat board: homographies, focal length, then all numbers of its lens.

References
----------
.. [1] Zhang (2000), A flexible new technique for camera calibration, doi:10.1109/34.888718
"""

from collections.abc import Sequence

import numpy as np

from mystax.compute.bundle import Bundle, adjust, free_columns
from mystax.core.rotations import nearest_rotation
from mystax.core.typing import Float64

__all__ = ["FISHEYE_LENS", "LENS", "calibrate_camera", "homography", "pose_of_homography"]

LENS = ("fx", "fy", "cx", "cy", "k1", "k2", "p1", "p2")
"""Numbers of the lens that are adjusted."""
FISHEYE_LENS = ("fx", "fy", "cx", "cy", "k1", "k2")
"""Those of a fisheye lens; its last two are free where they are asked for."""
FOCALS = np.geomspace(0.2, 2.0, 13)
"""Focal lengths from which a fisheye lens may begin, as shares of the longer side of its pictures."""
FEWEST = 6
"""Corners that a view needs for a start."""
WIDEST = 1.45
"""Largest angle off the axis that a start may use [rad]."""


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


def _start(
    uv: Float64[np.ndarray, "view corner 2"], board: Float64[np.ndarray, "corner 3"], size: tuple[int, int]
) -> tuple[float, Float64[np.ndarray, "view 12"]]:
    """Focal length and poses of the board as seen without distortion."""
    centre = np.array([(size[0] - 1) / 2, (size[1] - 1) / 2])
    found = []
    for view in uv:
        known = np.isfinite(view[:, 0])
        found.append(homography(board[known, :2], view[known]))
    focal = _start_focal(found, centre, size)
    return focal, np.stack([pose_of_homography(h, focal, centre) for h in found])


def _fisheye_start(
    uv: Float64[np.ndarray, "view corner 2"], board: Float64[np.ndarray, "corner 3"], size: tuple[int, int]
) -> tuple[float, Float64[np.ndarray, "view 12"]]:
    """Focal length and poses of the board where the angle off the axis grows evenly: the best of some."""
    centre = np.array([(size[0] - 1) / 2, (size[1] - 1) / 2])
    off = uv - centre
    radius = np.hypot(off[..., 0], off[..., 1])
    best: tuple[float, float, np.ndarray] | None = None
    for focal in FOCALS * max(size):
        angle = radius / focal
        with np.errstate(invalid="ignore"):
            straight = off * (np.tan(angle) / np.maximum(radius, 1e-9))[..., None]
            straight[angle > WIDEST] = np.nan
        if (_views_of(straight) < FEWEST).any():
            continue
        poses, misfit = [], []
        for view, pixels in zip(straight, off, strict=True):
            known = np.isfinite(view[:, 0])
            pose = pose_of_homography(homography(board[known, :2], view[known]), 1.0, np.zeros(2))
            place = board[known] @ pose[:9].reshape(3, 3).T + pose[9:]
            side = np.maximum(np.hypot(place[:, 0], place[:, 1]), 1e-12)
            seen = place[:, :2] * (focal * np.arctan2(side, place[:, 2]) / side)[:, None]
            misfit.append(np.linalg.norm(seen - pixels[known], axis=1))
            poses.append(pose)
        error = float(np.median(np.concatenate(misfit)))
        if best is None or error < best[0]:
            best = (error, float(focal), np.stack(poses))
    if best is None:
        return _start(uv, board, size)
    return best[1], best[2]


def calibrate_camera(
    uv: Float64[np.ndarray, "view corner 2"],
    board: Float64[np.ndarray, "corner 3"],
    size: tuple[int, int],
    lens: Sequence[str] = (),
    *,
    is_fisheye: bool = False,
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
    lens : sequence of str, optional
        Numbers of the lens that are free in the end; by default those of `LENS` or `FISHEYE_LENS`.
    is_fisheye : bool, optional
        Whether the lens is that of a fisheye camera.

    Returns
    -------
    Bundle
        Camera at the origin; poses of views without enough corners are NaN.
    """
    n_seen = _views_of(uv)
    good = np.flatnonzero(n_seen >= FEWEST)
    centre = np.array([(size[0] - 1) / 2, (size[1] - 1) / 2])
    start = _fisheye_start if is_fisheye else _start
    focal, poses = start(uv[good], board, size)
    row = np.zeros((1, 21))
    row[0, [0, 4, 8]] = 1.0
    row[0, 12:16] = focal, focal, centre[0], centre[1]
    bundle = Bundle(
        row,
        poses,
        board,
        np.ascontiguousarray(uv[good][None]),
        np.array([size], np.float64),
        free_columns(1, ("fx", "fy", "k1"), is_fisheye=is_fisheye),
        same_focal=True,
        is_fisheye=is_fisheye,
    )
    adjust(bundle, n_steps=60)
    bundle.same_focal = False
    usual = FISHEYE_LENS if is_fisheye else LENS
    bundle.free = free_columns(1, lens or usual, is_fisheye=is_fisheye)
    adjust(bundle, n_steps=60)
    whole = np.full((len(uv), 12), np.nan)
    whole[good] = bundle.poses
    bundle.poses, bundle.uv = whole, uv[None]
    return bundle
