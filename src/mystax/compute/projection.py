"""Projection and undistortion for a whole rig at once."""

import numpy as np

from mystax.compute.kernels.projection import project_points, undistort_points
from mystax.core.rig_model import CameraModel, RigModel
from mystax.core.typing import Float64

__all__ = ["growth_limit", "growth_limits", "project_rig", "undistort_camera"]


def growth_limit(camera: CameraModel) -> float:
    """Radius of normalised points up to which the radial map grows; infinite where it always does.

    Beyond it two points of the scene share a pixel, so that nothing can be said about the pixel.
    """
    k = np.zeros(4)
    if camera.is_fisheye:
        k[:] = camera.distortion
        factors = np.array([9 * k[3], 7 * k[2], 5 * k[1], 3 * k[0], 1.0])
        top = np.pi / 2
    else:
        factors = np.array(
            [7 * camera.distortion[4], 5 * camera.distortion[1], 3 * camera.distortion[0], 1.0]
        )
        top = np.inf
    roots = np.roots(np.trim_zeros(factors, "f"))
    real = roots[np.abs(roots.imag) < 1e-12].real
    found = float(np.sqrt(real[real > 0].min())) if (real > 0).any() else top
    if camera.is_fisheye:
        return float(np.tan(found)) if found < top - 1e-9 else np.inf
    return found


def growth_limits(rig: RigModel) -> Float64[np.ndarray, " camera"]:
    """Return `growth_limit` of all cameras."""
    return np.array([growth_limit(camera) for camera in rig.cameras])


def project_rig(rig: RigModel, points: Float64[np.ndarray, "n 3"]) -> Float64[np.ndarray, "camera n 2"]:
    """Project points by all cameras.

    Parameters
    ----------
    rig : RigModel
        The cameras.
    points : array (n, 3)
        Places in the rig's frame [mm].

    Returns
    -------
    array (camera, n, 2)
        Distorted pixels x, y; NaN behind a camera.
    """
    out = np.empty((len(rig.cameras), len(points), 2))
    project_points(rig.rows(), rig.fisheye(), np.ascontiguousarray(points), out)
    return np.asarray(out - np.array([camera.crop for camera in rig.cameras])[:, None])


def undistort_camera(camera: CameraModel, pixels: Float64[np.ndarray, "n 2"]) -> Float64[np.ndarray, "n 2"]:
    """Normalised points (x / z, y / z in the frame of the camera) of pixels.

    Parameters
    ----------
    camera : CameraModel
        The camera.
    pixels : array (n, 2)
        Distorted pixels; NaN is kept.

    Returns
    -------
    array (n, 2)
        NaN where the radial map has stopped growing (the model does not reach there).
    """
    out = np.empty((len(pixels), 2))
    shifted = np.ascontiguousarray(pixels + np.array(camera.crop))
    undistort_points(camera.row(), camera.is_fisheye, growth_limit(camera), shifted, out)
    return out
