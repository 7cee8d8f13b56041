"""What can be said against a rig without any picture, and against its fit to the tracks of a recording."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from mystax.compute.projection import growth_limit, undistort_camera
from mystax.compute.triangulation import triangulate
from mystax.core.rig_model import CameraModel, RigModel
from mystax.core.rotations import angle_between
from mystax.core.typing import Float64, Int64

__all__ = ["OffsetScan", "camera_doubts", "pair_doubts", "scan_offset"]

MAX_SHIFT = 10
LARGEST_RESIDUAL = 6.0
N_SCAN = 2000
MIN_LAG = 0.5
N_STEPS = 5
FEWEST_SHARE = 0.5
"""Share of the points at which a shifted camera must have a frame, for the shift to be judged."""
MIN_GAIN = 0.1
MIN_SURENESS = 3.0
"""Standard errors by which the residuals must fall, for a lag to be told."""
FEWEST_STRETCHES, MOST_STRETCHES = 4, 20
"""Stretches of time that vote on a lag, none shorter than the range of the shifts: postures last."""
ALIKE = 0.7
"""A nearer shift is taken that gains so large a share of what the best one gains."""


def camera_doubts(camera: CameraModel) -> list[str]:
    """Say what is not plausible about the numbers of one camera.

    Parameters
    ----------
    camera : CameraModel
        The camera.

    Returns
    -------
    list of str
        One reason per doubt; empty for a plausible camera.
    """
    found = []
    width, height = camera.size
    ratio = float(max(camera.matrix[0, 0], camera.matrix[1, 1])) / width
    if ratio < 0.3 or ratio > 20:
        found.append(
            f"focal length {camera.matrix[0, 0]:.0f} px is {ratio:.1f} times the width of the picture"
        )
    if not camera.is_fisheye and abs(camera.distortion[0]) > 2:
        found.append(f"k1 is {camera.distortion[0]:.3g}")
    corners = np.array([[0.0, 0.0], [width - 1, 0], [0, height - 1], [width - 1, height - 1]])
    plain = undistort_camera(camera, corners - np.array(camera.crop))
    if not np.isfinite(plain).all():
        limit = growth_limit(camera)
        found.append(f"the lens model stops growing inside the picture (radius {limit:.2f})")
    elif not camera.is_fisheye:
        r2 = (plain**2).sum(axis=1)
        k1, k2, k3 = camera.distortion[[0, 1, 4]]
        bend = float(np.abs(r2 * (k1 + r2 * (k2 + r2 * k3))).max())
        if bend > 0.8:
            found.append(f"the lens moves the corner of the picture by {100 * bend:.0f} %")
    sd = camera.sd
    if "fx" in sd and sd["fx"] > 0.05 * camera.matrix[0, 0]:
        found.append(f"SD of the focal length is {sd['fx']:.0f} px")
    if "cx" in sd and sd["cx"] > 0.03 * width:
        found.append(f"SD of the principal point is {sd['cx']:.0f} px")
    if 0 < camera.n_views < 8:
        found.append(f"calibrated from {camera.n_views} views")
    return found


def pair_doubts(rig: RigModel) -> list[str]:
    """Say which cameras stand at one place: together they tell nothing about depth."""
    found = []
    centres = {camera.name: camera.centre for camera in rig.cameras}
    size = max((float(np.linalg.norm(camera.translation)) for camera in rig.cameras), default=1.0)
    for a, b in combinations(rig.cameras, 2):
        baseline = float(np.linalg.norm(centres[a.name] - centres[b.name]))
        if baseline < 1e-3 * max(size, 1e-9):
            same = " and have the same pose" if angle_between(a.rotation, b.rotation) < 1e-3 else ""
            found.append(f"cameras {a.name} and {b.name} stand at one place{same}")
    return found


@dataclass(frozen=True, slots=True)
class OffsetScan:
    """What shifting one camera against the others says.

    Attributes
    ----------
    lag : float
        Frames by which the camera is late.
    gain : float
        Share by which the mean residual falls there.
    sureness : float
        Standard errors by which it falls, over stretches of time; 0 for a recording that is too short.
    """

    lag: float
    gain: float
    sureness: float

    @property
    def is_late(self) -> bool:
        """Whether it is worth telling: half a frame or more, and a tenth of the residual, not by chance."""
        is_worth = MIN_LAG <= abs(self.lag) < MAX_SHIFT and self.gain >= MIN_GAIN
        return is_worth and self.sureness >= MIN_SURENESS

    @property
    def is_clear(self) -> bool:
        """Whether the lag is to be believed: next to none, or one that is worth telling."""
        return abs(self.lag) < MIN_LAG or self.is_late


def _nearest_valley(costs: Float64[np.ndarray, " shift"], middle: int) -> int:
    """Return the place of the lowest cost; a valley nearer to `middle` if it is nearly as low.

    What swings evenly, as whiskers do, agrees with itself again a whole swing later.
    """
    best = int(np.argmin(costs))
    most = costs[middle] - ALIKE * (costs[middle] - costs[best])
    for k in sorted(range(1, len(costs) - 1), key=lambda place: abs(place - middle)):
        if abs(k - middle) < abs(best - middle) and costs[k] <= min(costs[k - 1], costs[k + 1], most):
            return k
    return best


def scan_offset(rig: RigModel, uv: Float64[np.ndarray, "camera time keypoint 2"], camera: int) -> OffsetScan:
    """Shift one camera by whole frames and look where it agrees best with the others.

    Parameters
    ----------
    rig : RigModel
        The cameras.
    uv : array (camera, time, keypoint, 2)
        Pixels; NaN where not seen.
    camera : int
        The camera that is shifted.

    Returns
    -------
    OffsetScan
        Lag by a parabola through the three best shifts.
    """
    n_cameras, n_time, n_points = uv.shape[:3]
    if n_time < 4 * MAX_SHIFT:
        return OffsetScan(0.0, 0.0, 0.0)
    inside = np.arange(MAX_SHIFT, n_time - MAX_SHIFT)
    # Frames in which points move tell about time; the median of five steps knows no outliers.
    speed = np.linalg.norm(np.diff(uv, axis=1), axis=3)
    speed = np.where(np.isfinite(speed), speed, 0)
    usual = np.median(np.lib.stride_tricks.sliding_window_view(speed, N_STEPS, axis=1), axis=3)
    moving = np.zeros((n_time, n_points))
    moving[N_STEPS // 2 : N_STEPS // 2 + usual.shape[1]] = usual.sum(axis=0)
    score = moving[inside]
    seen = np.isfinite(uv[camera, :, :, 0]) & (np.isfinite(uv[..., 0]).sum(axis=0) >= 2)
    score = np.where(seen[inside], score, -1.0).ravel()
    order = np.argsort(-score, kind="stable")[:N_SCAN]
    order = order[score[order] > 0]
    if len(order) < 50:
        return OffsetScan(0.0, 0.0, 0.0)
    t, k = inside[order // n_points], order % n_points
    precision = np.tile(np.array([1.0, 0.0, 1.0]), (n_cameras, len(t), 1))
    shifts = np.arange(-MAX_SHIFT, MAX_SHIFT + 1)
    errors = np.full((len(shifts), len(t)), np.nan)
    for j, shift in enumerate(shifts):
        pixels = uv[:, t, k].copy()
        pixels[camera] = uv[camera, t + shift, k]
        residual = triangulate(rig, np.ascontiguousarray(pixels), precision, robust=False).residual
        # Without the camera that is shifted the others agree better: such points say nothing about it.
        is_there = np.isfinite(residual[:, camera])
        if is_there.sum() >= FEWEST_SHARE * len(t):
            errors[j, is_there] = np.nanmean(np.minimum(residual[is_there], LARGEST_RESIDUAL), axis=1)
    return _best_shift(shifts, errors, t)


def _best_shift(
    shifts: Int64[np.ndarray, " shift"],
    errors: Float64[np.ndarray, "shift point"],
    frame: Int64[np.ndarray, " point"],
) -> OffsetScan:
    """Return the best of the shifts whose cost is known: not all of a camera with fewer frames."""
    known = np.isfinite(errors).any(axis=1)
    shifts, errors = shifts[known], errors[known]
    if 0 not in shifts:
        return OffsetScan(0.0, 0.0, 0.0)
    costs, now = np.nanmean(errors, axis=1), np.flatnonzero(shifts == 0)[0]
    if not costs[now] > 0:
        return OffsetScan(0.0, 0.0, 0.0)
    best = _nearest_valley(costs, int(now))
    lag = float(shifts[best])
    if 0 < best < len(shifts) - 1:
        left, middle, right = costs[best - 1 : best + 2]
        bend, step = left - 2 * middle + right, int(shifts[best + 1] - shifts[best])
        if bend > 0 and step == shifts[best] - shifts[best - 1]:
            lag += step * float(np.clip(0.5 * (left - right) / bend, -0.5, 0.5))
    sureness = _sureness(errors[now] - errors[best], frame)
    return OffsetScan(lag, float(1 - costs[best] / costs[now]), sureness)


def _sureness(fall: Float64[np.ndarray, " point"], frame: Int64[np.ndarray, " point"]) -> float:
    """Return by how many standard errors residuals fall, from stretches of time of equally many points."""
    order = np.argsort(frame, kind="stable")
    order = order[np.isfinite(fall[order])]
    n = min(MOST_STRETCHES, int(np.ptp(frame)) // (2 * MAX_SHIFT), len(order))
    if n < FEWEST_STRETCHES:
        return 0.0
    means = np.array([fall[part].mean() for part in np.array_split(order, n)])
    return float(means.mean() / max(means.std(ddof=1) / np.sqrt(n), 1e-12))
