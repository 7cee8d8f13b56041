"""What the mean shape and the distances of points in space say about the quality of a reconstruction."""

import numpy as np

from mystax.compute.frames3d import spatial_median
from mystax.core.typing import Float64

__all__ = ["MIN_FLATNESS", "flatness", "mean_shape"]

MIN_FLATNESS = 0.05


def mean_shape(position: Float64[np.ndarray, "time 3 keypoint"]) -> Float64[np.ndarray, "keypoint 3"]:
    """Spatial median of each point; NaN for a point that is never found."""
    return np.stack([spatial_median(position[:, :, k]) for k in range(position.shape[2])])


def flatness(shape: Float64[np.ndarray, "keypoint 3"]) -> float:
    """Third singular value of a centred shape over the first: 0 is a plane; NaN with fewer than 4 points."""
    known = shape[np.isfinite(shape).all(axis=1)]
    if len(known) < 4:
        return float("nan")
    values = np.linalg.svd(known - known.mean(axis=0), compute_uv=False)
    return float(values[2] / values[0]) if values[0] > 0 else float("nan")
