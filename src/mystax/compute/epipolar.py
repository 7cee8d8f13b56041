"""Where a point that one camera sees can lie in the picture of another: on a line, bent by its lens."""

import numpy as np

from mystax.compute.projection import growth_limit, project_rig, undistort_camera
from mystax.core.rig_model import CameraModel, RigModel
from mystax.core.typing import Float64

__all__ = ["epipolar_curve"]

NEAR, FAR, STEPS = 0.02, 200.0, 4000
"""Depths along the ray, in distances of the two cameras, and how many are tried."""
APART = 2.0
"""About how far the places of a curve are from each other [px]."""
BESIDE = 0.05
"""How far beside the picture the curve still goes, as a share of its sides."""


def epipolar_curve(seen: CameraModel, other: CameraModel, x: float, y: float) -> Float64[np.ndarray, "n 2"]:
    """Return the places in another camera's picture at which a point of this picture can lie.

    Parameters
    ----------
    seen : CameraModel
        The camera in which the point was found.
    other : CameraModel
        The camera in whose picture the curve lies, of the same rig.
    x, y : float
        The point [px]; (0, 0) is the centre of the first pixel.

    Returns
    -------
    array (n, 2)
        Pixels x, y from near to far, with the distortion of the other lens; none where the point has no ray,
        the cameras stand at one place, or the ray does not cross the picture.

    References
    ----------
    Hartley & Zisserman, Multiple View Geometry, chapter 9: doi:10.1017/CBO9780511811685
    """
    base = float(np.linalg.norm(seen.centre - other.centre))
    ray = undistort_camera(seen, np.array([[x, y]], np.float64))[0]
    if not np.isfinite(ray).all() or base == 0.0:
        return np.empty((0, 2))
    depth = base * np.geomspace(NEAR, FAR, STEPS)
    inside = np.column_stack([depth * ray[0], depth * ray[1], depth])
    world = (inside - seen.translation) @ seen.rotation
    found = project_rig(RigModel((other,)), world)[0]
    size = np.array(other.size, np.float64)
    is_near = ((found >= -0.5 - BESIDE * size) & (found <= size * (1 + BESIDE) - 0.5)).all(axis=1)
    local = world @ other.rotation.T + other.translation
    # Beyond the limit the model of the lens folds back: what it says there is no place.
    is_true = (local[:, 2] > 0) & (np.hypot(local[:, 0], local[:, 1]) < growth_limit(other) * local[:, 2])
    return _thinned(found[is_near & is_true])


def _thinned(places: Float64[np.ndarray, "n 2"]) -> Float64[np.ndarray, "m 2"]:
    """Keep the first and last place, and one between for each `APART` pixels of the way."""
    if len(places) < 3:
        return places
    way = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(places, axis=0), axis=1))])
    kept = np.searchsorted(way, np.arange(0.0, way[-1], APART))
    return np.asarray(places[np.unique([*kept, len(places) - 1])])
