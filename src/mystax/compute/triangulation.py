"""Robust triangulation of all points at once, with covariance and what the cameras say against it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mystax.compute.kernels.triangulation import triangulate_block
from mystax.compute.projection import growth_limits
from mystax.core.rig_model import RigModel
from mystax.core.typing import Bool, Float64, Int8, Int64

__all__ = ["BLOCK", "Triangulated", "camera_pairs", "pixel_noise", "triangulate"]

BLOCK = 65_536
"""Points per piece of work."""
MAX_FULL = 8
"""Most cameras of which all pairs are tried."""
N_PAIRS = 28
MIN_NOISE = 0.05
"""Smallest standard deviation of a pixel that is believed [px]."""

Mapper = Callable[[Callable[[Any], Any], Sequence[Any]], list[Any]]


def _in_turn(work: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
    return [work(item) for item in items]


@dataclass(frozen=True, slots=True)
class Triangulated:
    """Points in space.

    Attributes
    ----------
    position : array (n, 3)
        Place [mm]; NaN where fewer than two cameras see the point.
    covariance : array (n, 6)
        xx, xy, xz, yy, yz, zz [mm2].
    used : array (n, camera)
        1 inlier, 0 rejected, -1 not seen.
    residual : array (n, camera)
        Distance of the pixel from the projected point [px].
    left_out : array (n, camera)
        The same from the point that the other cameras give [px]; NaN with fewer than three cameras.
    free, effective : array (n, camera)
        Trace and effective degrees of freedom of what an observation may err in its own fit.
    distance : array (n,)
        Squared Mahalanobis distance of all inliers together.
    ray_angle : array (n,)
        Largest angle between the rays used [rad].
    disagree : array (n,)
        Whether the views contradict each other and nothing could be rejected.
    outside : array (n,)
        Whether a camera's lens model does not reach its pixel.
    """

    position: Float64[np.ndarray, "n 3"]
    covariance: Float64[np.ndarray, "n 6"]
    used: Int8[np.ndarray, "n camera"]
    residual: Float64[np.ndarray, "n camera"]
    left_out: Float64[np.ndarray, "n camera"]
    free: Float64[np.ndarray, "n camera"]
    effective: Float64[np.ndarray, "n camera"]
    distance: Float64[np.ndarray, " n"]
    ray_angle: Float64[np.ndarray, " n"]
    disagree: Bool[np.ndarray, " n"]
    outside: Bool[np.ndarray, " n"]


def camera_pairs(rig: RigModel) -> Int64[np.ndarray, "pair 2"]:
    """Pairs of cameras that are tried: all of up to 8, else the 28 with the widest angle between rays."""
    n = len(rig.cameras)
    first, second = np.triu_indices(n, 1)
    pairs = np.stack([first, second], axis=1).astype(np.int64)
    if n <= MAX_FULL:
        return pairs
    centres = np.stack([camera.centre for camera in rig.cameras])
    axes = np.stack([camera.rotation[2] for camera in rig.cameras])
    # the point that is nearest to all optical axes stands for the scene
    across = np.eye(3) - axes[:, :, None] * axes[:, None, :]
    middle = np.linalg.lstsq(across.sum(axis=0), (across @ centres[:, :, None]).sum(axis=0)[:, 0])[0]
    rays = middle - centres
    rays /= np.maximum(np.linalg.norm(rays, axis=1, keepdims=True), 1e-12)
    cosine = (rays[first] * rays[second]).sum(axis=1)
    chosen = np.sort(np.argsort(np.abs(cosine), kind="stable")[:N_PAIRS])
    return pairs[chosen]


def triangulate(
    rig: RigModel,
    pixels: Float64[np.ndarray, "camera n 2"],
    precision: Float64[np.ndarray, "camera n 3"],
    *,
    robust: bool = True,
    block: int = BLOCK,
    run: Mapper = _in_turn,
) -> Triangulated:
    """Find the places of points from their pixels.

    Parameters
    ----------
    rig : RigModel
        The cameras.
    pixels : array (camera, n, 2)
        Distorted pixels; NaN where a camera does not see the point.
    precision : array (camera, n, 3)
        Inverse covariance xx, xy, yy of the pixels [1/px2].
    robust : bool, optional
        Choose among all cameras and all pairs, and reject cameras that contradict; else all are used.
    block : int, optional
        Points per piece of work; the result does not depend on it.
    run : callable, optional
        ``run(work, pieces)``, such as the `map` of a pool of threads.

    Returns
    -------
    Triangulated
        One row per point.
    """
    n_cameras, n = pixels.shape[:2]
    rows, fisheye, limits = rig.rows(), rig.fisheye(), growth_limits(rig)
    centres = np.stack([camera.centre for camera in rig.cameras])
    crops = np.array([camera.crop for camera in rig.cameras])
    pairs = camera_pairs(rig)
    found = Triangulated(
        np.empty((n, 3)),
        np.empty((n, 6)),
        np.empty((n, n_cameras), np.int8),
        np.empty((n, n_cameras)),
        np.empty((n, n_cameras)),
        np.empty((n, n_cameras)),
        np.empty((n, n_cameras)),
        np.empty(n),
        np.empty(n),
        np.empty(n, np.bool_),
        np.empty(n, np.bool_),
    )

    def piece(start: int) -> None:
        at = slice(start, min(start + block, n))
        uv = np.ascontiguousarray(pixels[:, at] + crops[:, None])
        triangulate_block(
            rows,
            fisheye,
            limits,
            centres,
            pairs,
            uv,
            np.ascontiguousarray(precision[:, at]),
            robust,
            found.position[at],
            found.covariance[at],
            found.used[at],
            found.residual[at],
            found.left_out[at],
            found.free[at],
            found.effective[at],
            found.distance[at],
            found.ray_angle[at],
            found.disagree[at],
            found.outside[at],
        )

    run(piece, range(0, n, block))
    return found


def pixel_noise(
    found: Triangulated, group: Int64[np.ndarray, " n"], n_groups: int
) -> Float64[np.ndarray, "camera group"]:
    """Estimate the noise of the pixels of each camera and group from residuals set right for leverage.

    Parameters
    ----------
    found : Triangulated
        Points that were found with unit covariance.
    group : array (n,)
        Group (keypoint) of each point.
    n_groups : int
        Number of groups.

    Returns
    -------
    array (camera, group)
        Standard deviation [px]; that of the camera where a group has too few points, NaN where nothing is
        known.
    """
    # The squared residual over the trace of its freedom has the median of a chi-square of `effective`
    # degrees of freedom over that number (Wilson-Hilferty).
    with np.errstate(invalid="ignore", divide="ignore"):
        middle = (1 - 2 / (9 * found.effective)) ** 3
        ratio = found.residual**2 / found.free / middle
    ratio[(found.used != 1) | found.disagree[:, None]] = np.nan
    n_cameras = ratio.shape[1]
    sd = np.full((n_cameras, n_groups), np.nan)
    for c in range(n_cameras):
        known = np.isfinite(ratio[:, c])
        if not known.any():
            continue
        whole = float(np.median(ratio[known, c]))
        for g in range(n_groups):
            mine = ratio[known & (group == g), c]
            sd[c, g] = np.median(mine) if len(mine) >= 20 else whole
    return np.maximum(np.sqrt(sd), MIN_NOISE)
