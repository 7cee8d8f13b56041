"""Bundle adjustment: cameras and board poses together, board poses eliminated, damped Gauss-Newton steps."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from mystax.compute.kernels.bundle import N_CAMERA, accumulate, accumulate_points, residuals
from mystax.core.rig_model import FISHEYE_NAMES, INTRINSIC_NAMES
from mystax.core.rotations import nearest_rotation, rotations_of
from mystax.core.typing import Bool, Float64

__all__ = ["Bundle", "adjust", "axis_sd", "bundle_residuals", "free_columns"]

PRIOR_CENTRE = 0.05
"""SD of the principal point about the middle of the picture, as a share of its width."""
PRIOR_ASPECT = 0.005
PRIORS = {"k1": 0.5, "k2": 1.0, "p1": 0.01, "p2": 0.01, "k3": 1.0, "k4": 1.0}
N_STEPS = 100
TOLERANCE = 1e-9
MOST_PRODUCTS = 200_000
"""Multiplications that are surely done on one thread."""


@dataclass
class Bundle:
    """Cameras, boards and corners of an adjustment.

    Attributes
    ----------
    rows : array (camera, 21)
        Numbers of the cameras (`CameraModel.row`).
    poses : array (view, 12)
        R (9) and t (3) of the board in the rig's frame per view.
    board : array (corner, 3)
        Corners on the board [mm].
    uv : array (camera, view, corner, 2)
        Corners in the pictures [px]; NaN where not seen.
    sizes : array (camera, 2)
        Width and height of the pictures [px].
    free : array (camera, 15)
        Which numbers may change.
    same_focal : bool
        Whether fx and fy of a camera move together.
    sd : array (camera, 15)
        Standard deviations after `adjust`.
    noise : float
        Spread of a residual per axis [px].
    board_sd : float
        How far the board's points may lie from their places, per axis [mm]; 0: not at all.
    is_fisheye : bool
        Whether the lenses are those of fisheye cameras: k1 to k4 of the angle, in the columns of k1 to p2.
    nominal : array (corner, 3)
        Places of the board's points as printed [mm]; those of `board` at first.
    n_numbers : float
        Numbers that the corners had to tell, after `adjust`; what is held by a prior counts less than one.
    """

    rows: Float64[np.ndarray, "camera number"]
    poses: Float64[np.ndarray, "view pose"]
    board: Float64[np.ndarray, "corner 3"]
    uv: Float64[np.ndarray, "camera view corner 2"]
    sizes: Float64[np.ndarray, "camera 2"]
    free: Bool[np.ndarray, "camera column"]
    same_focal: bool = False
    sd: Float64[np.ndarray, "_ column"] = field(default_factory=lambda: np.empty((0, N_CAMERA)))
    noise: float = 1.0
    n_steps: int = 0
    board_sd: float = 0.0
    nominal: Float64[np.ndarray, "_ 3"] = field(default_factory=lambda: np.empty((0, 3)))
    n_numbers: float = 0.0
    is_fisheye: bool = False

    def __post_init__(self) -> None:
        """Take the board as it was printed for its own places."""
        if not len(self.nominal):
            self.nominal = self.board

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the intrinsic numbers, in the order of their columns."""
        return FISHEYE_NAMES if self.is_fisheye else INTRINSIC_NAMES


def axis_sd(values: Float64[np.ndarray, "..."]) -> float:
    """Spread per axis of residuals (..., 2) by the median of their lengths."""
    size = np.hypot(values[..., 0], values[..., 1])
    known = size[np.isfinite(size)]
    return float(np.median(known)) / 1.1774 if len(known) else float("nan")


def bundle_residuals(bundle: Bundle) -> Float64[np.ndarray, "camera view corner 2"]:
    """Observed minus projected corners [px]."""
    out = np.empty_like(bundle.uv)
    residuals(bundle.rows, bundle.is_fisheye, bundle.poses, bundle.board, bundle.uv, out)
    return out


def _prior(
    bundle: Bundle,
) -> tuple[Float64[np.ndarray, "camera column column"], Float64[np.ndarray, "camera column"], float]:
    """Weak priors of the intrinsic numbers, in units of the noise: information, gradient, cost."""
    n = len(bundle.rows)
    info, grad, cost = np.zeros((n, N_CAMERA, N_CAMERA)), np.zeros((n, N_CAMERA)), 0.0
    scale = bundle.noise**2
    for c, row in enumerate(bundle.rows):
        width, height = bundle.sizes[c]
        fx, fy = row[12], row[13]
        terms = [
            (np.eye(N_CAMERA)[8], row[14] - (width - 1) / 2, PRIOR_CENTRE * width),
            (np.eye(N_CAMERA)[9], row[15] - (height - 1) / 2, PRIOR_CENTRE * width),
            (np.eye(N_CAMERA)[6] / fy - np.eye(N_CAMERA)[7] * fx / fy**2, fx / fy - 1, PRIOR_ASPECT),
        ]
        for k, name in enumerate(bundle.names[4:]):
            terms.append((np.eye(N_CAMERA)[10 + k], row[16 + k], PRIORS[name]))
        for slope, off, sd in terms:
            weight = scale / sd**2
            info[c] += weight * np.outer(slope, slope)
            grad[c] -= weight * off * slope
            cost += weight * off**2
    return info, grad, cost


def _moved(
    rows: Float64[np.ndarray, "row number"], steps: Float64[np.ndarray, "row column"]
) -> Float64[np.ndarray, "row number"]:
    """Return cameras or poses after a step: rotation from the left, the rest added."""
    out = rows.copy()
    out[:, :9] = (rotations_of(steps[:, :3]) @ rows[:, :9].reshape(-1, 3, 3)).reshape(-1, 9)
    out[:, 9:12] += steps[:, 3:6]
    if steps.shape[1] > 6:
        out[:, 12:21] += steps[:, 6:15]
    return out


@dataclass(slots=True)
class _Equations:
    """Normal equations of cameras and board points (all), and of the poses of the board per view."""

    cost: float
    matrix: Float64[np.ndarray, "all all"]
    cross: Float64[np.ndarray, "view all 6"]
    views: Float64[np.ndarray, "view 6 6"]
    right: Float64[np.ndarray, " all"]
    right_views: Float64[np.ndarray, "view 6"]


def _equations(bundle: Bundle, cut: float) -> _Equations:
    n_cameras, n_views, n_points = bundle.uv.shape[:3]
    u, w = np.empty((n_cameras, N_CAMERA, N_CAMERA)), np.empty((n_cameras, n_views, N_CAMERA, 6))
    vv, gc, gv = np.empty((n_views, 6, 6)), np.empty((n_cameras, N_CAMERA)), np.empty((n_views, 6))
    cost = accumulate(
        bundle.rows, bundle.is_fisheye, bundle.poses, bundle.board, bundle.uv, cut, u, w, vv, gc, gv
    )
    info, grad, more = _prior(bundle)
    n = n_cameras * N_CAMERA
    n_all = n + (3 * n_points if bundle.board_sd > 0 else 0)
    matrix, cross, right = np.zeros((n_all, n_all)), np.empty((n_views, n_all, 6)), np.empty(n_all)
    for c in range(n_cameras):
        at = slice(c * N_CAMERA, (c + 1) * N_CAMERA)
        matrix[at, at] = u[c] + info[c]
    cross[:, :n] = w.transpose(1, 0, 2, 3).reshape(n_views, n, 6)
    right[:n] = (gc + grad).ravel()
    if n_all > n:
        more += _board_equations(bundle, cut, matrix, cross, right)
    return _Equations(cost + more, matrix, cross, vv, right, gv)


def _board_equations(
    bundle: Bundle,
    cut: float,
    matrix: Float64[np.ndarray, "all all"],
    cross: Float64[np.ndarray, "view all 6"],
    right: Float64[np.ndarray, " all"],
) -> float:
    """Fill in the equations of the board's points with their prior; return its cost."""
    n_cameras, n_views, n_points = bundle.uv.shape[:3]
    n = n_cameras * N_CAMERA
    ub, gb = np.empty((n_points, 3, 3)), np.empty((n_points, 3))
    wc, wv = np.empty((n_cameras, N_CAMERA, n_points, 3)), np.empty((n_views, n_points, 3, 6))
    accumulate_points(
        bundle.rows, bundle.is_fisheye, bundle.poses, bundle.board, bundle.uv, cut, ub, wc, wv, gb
    )
    weight = (bundle.noise / bundle.board_sd) ** 2
    off = bundle.board - bundle.nominal
    for k in range(n_points):
        at = slice(n + 3 * k, n + 3 * k + 3)
        matrix[at, at] = ub[k] + weight * np.eye(3)
    matrix[:n, n:] = wc.reshape(n, 3 * n_points)
    matrix[n:, :n] = matrix[:n, n:].T
    cross[:, n:] = wv.reshape(n_views, 3 * n_points, 6)
    right[n:] = (gb - weight * off).ravel()
    return float(weight * (off**2).sum())


def _map(bundle: Bundle) -> Float64[np.ndarray, "column unknown"]:
    """Matrix from the free unknowns to all columns of cameras and board points."""
    n = bundle.rows.shape[0] * N_CAMERA
    n_all = n + (3 * len(bundle.board) if bundle.board_sd > 0 else 0)
    columns = []
    for c in range(len(bundle.rows)):
        for k in range(N_CAMERA):
            if not bundle.free[c, k] or (bundle.same_focal and k == 7):
                continue
            column = np.zeros(n_all)
            column[c * N_CAMERA + k] = 1.0
            if bundle.same_focal and k == 6:
                column[c * N_CAMERA + 7] = 1.0
            columns.append(column)
    columns += list(np.eye(n_all)[n:])
    return np.stack(columns, axis=1) if columns else np.zeros((n_all, 0))


def _summed(
    a: Float64[np.ndarray, "view row 6"], b: Float64[np.ndarray, "view row 6"]
) -> Float64[np.ndarray, "row row"]:
    """Return the sum over views of a b^T, in pieces that the linear algebra does on one thread.

    Threads cost more than such products, and would make the last bits depend on their number.
    """
    n = a.shape[1]
    size = max(1, MOST_PRODUCTS // (6 * n * n))
    total = np.zeros((n, n))
    for first in range(0, len(a), size):
        wide = (item[first : first + size].transpose(1, 0, 2).reshape(n, -1) for item in (a, b))
        one, two = wide
        total += one @ two.T
    return total


def _reduced(parts: _Equations, damping: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Eliminate the poses of the board: reduced matrix and right side, and what is needed to go back."""
    damped = parts.views.copy()
    damped[:, range(6), range(6)] *= 1 + damping
    damped[~parts.views.any(axis=(1, 2))] = np.eye(6)  # views of which no corner is left stay where they are
    inverse = np.linalg.inv(damped)
    half = parts.cross @ inverse
    matrix = parts.matrix - _summed(half, parts.cross)
    right = parts.right - np.einsum("vik,vk->i", half, parts.right_views)
    return matrix, right, inverse


def adjust(bundle: Bundle, *, n_steps: int = N_STEPS, robust: bool = True) -> float:
    """Minimise the residuals of all corners; cameras and poses of the bundle are changed.

    Parameters
    ----------
    bundle : Bundle
        What is adjusted; `sd` and `noise` are filled.
    n_steps : int, optional
        Most steps.
    robust : bool, optional
        Whether large residuals count less (Huber at three robust SD).

    Returns
    -------
    float
        Cost [px2].
    """
    noise = axis_sd(bundle_residuals(bundle))
    bundle.noise = noise if np.isfinite(noise) else 1.0
    cut = max(3 * bundle.noise, 0.05) if robust else 1e9
    damping = 1e-3
    parts = _equations(bundle, cut)
    to_all = _map(bundle)
    n_cameras = len(bundle.rows)
    for step in range(n_steps):
        bundle.n_steps = step + 1
        matrix, right, inverse = _reduced(parts, damping)
        small = to_all.T @ matrix @ to_all
        diagonal = (to_all * (parts.matrix @ to_all)).sum(axis=0)
        small[np.diag_indices(len(small))] += damping * np.maximum(diagonal, 1e-12)
        try:
            delta = to_all @ np.linalg.solve(small, to_all.T @ right)
        except np.linalg.LinAlgError:
            damping *= 10
            continue
        steps = parts.right_views - np.einsum("vik,i->vk", parts.cross, delta)
        boards = np.einsum("vij,vj->vi", inverse, steps)
        of_cameras, of_points = delta[: n_cameras * N_CAMERA], delta[n_cameras * N_CAMERA :]
        trial = replace(
            bundle,
            rows=_moved(bundle.rows, of_cameras.reshape(-1, N_CAMERA)),
            poses=_moved(bundle.poses, boards),
            board=bundle.board + of_points.reshape(-1, 3) if len(of_points) else bundle.board,
        )
        good = (trial.rows[:, 12:14] > 0).all()
        new_parts = _equations(trial, cut) if good else parts
        after, cost = new_parts.cost if good else np.inf, parts.cost
        if after < cost:
            decrease = (cost - after) / cost
            bundle.rows, bundle.poses, bundle.board, parts = trial.rows, trial.poses, trial.board, new_parts
            damping = max(damping / 5, 1e-12)
            if decrease < TOLERANCE:
                break
            if robust and step % 3 == 2:  # the scale of the residuals falls on the way
                noise = axis_sd(bundle_residuals(bundle))
                if noise < 0.9 * bundle.noise:
                    bundle.noise, cut = noise, max(3 * noise, 0.05)
                    parts = _equations(bundle, cut)
        else:
            damping *= 10
            if damping > 1e12:
                break
    for row in (*bundle.rows, *bundle.poses):
        row[:9] = nearest_rotation(row[:9].reshape(3, 3)).ravel()
    _standard_deviations(bundle, cut)
    return float(parts.cost)


def _standard_deviations(bundle: Bundle, cut: float) -> None:
    """Fill `sd` from the inverse of the reduced system, times the variance of the residuals."""
    found = bundle_residuals(bundle)
    size = np.hypot(found[..., 0], found[..., 1])
    inside = np.isfinite(size) & (size <= cut)
    parts = _equations(bundle, cut)
    to_all = _map(bundle)
    n = len(bundle.rows) * N_CAMERA
    matrix, *_ = _reduced(parts, 0.0)
    small = to_all.T @ matrix @ to_all
    small = np.linalg.pinv(small, hermitian=True) if small.size else small
    covariance = to_all @ small @ to_all.T
    n_points = matrix.shape[0] - n
    held = (bundle.noise / bundle.board_sd) ** 2 * float(np.trace(covariance[n:, n:])) if n_points else 0.0
    bundle.n_numbers = to_all.shape[1] - held + 6 * int(inside.any(axis=(0, 2)).sum())
    freedom = max(2 * int(inside.sum()) - bundle.n_numbers, 1)
    variance = float((size[inside] ** 2).sum()) / freedom
    bundle.noise = float(np.sqrt(variance))
    spread = np.diag(covariance)[:n]
    bundle.sd = np.sqrt(np.maximum(spread * variance, 0)).reshape(-1, N_CAMERA)
    bundle.sd[~bundle.free] = 0.0


def free_columns(
    n_cameras: int, names: Sequence[str], *, is_fisheye: bool = False
) -> Bool[np.ndarray, "camera column"]:
    """Return which columns are free: poses of all cameras but the first, and named intrinsic numbers."""
    known = FISHEYE_NAMES if is_fisheye else INTRINSIC_NAMES
    free = np.zeros((n_cameras, N_CAMERA), np.bool_)
    free[1:, :6] = True
    for name in names:
        free[:, 6 + known.index(name)] = True
    return free
