"""Axes of a reconstruction: which points make them, and the isometry that follows."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from mystax.analyses.pose3d import Pose3dParams
from mystax.compute.frames3d import axes_rotation, spatial_median
from mystax.core.keypoints import KeypointSet
from mystax.core.typing import Float, Float64
from mystax.errors import ParameterError, nearest

__all__ = ["Turn", "axes_of", "parse_axes"]

WHERE = "parameter 'axes' of 'pose3d'"
MOST_MISSING = 0.5


@dataclass(frozen=True, slots=True)
class Turn:
    """Rotation and origin of the axes, with the angle of each asked direction to its axis [rad]."""

    rotation: Float64[np.ndarray, "3 3"] = field(default_factory=lambda: np.eye(3))
    origin: Float64[np.ndarray, " 3"] = field(default_factory=lambda: np.zeros(3))
    report: dict[str, float] = field(default_factory=dict)


def parse_axes(text: str) -> dict[str, tuple[str, str]]:
    """Split ``x=a:b z=c:d``.

    Raises
    ------
    ParameterError
        P401, if the text is not understood.

    Examples
    --------
    >>> parse_axes("x=nose:ear z=chin:brow")
    {'x': ('nose', 'ear'), 'z': ('chin', 'brow')}
    """
    found: dict[str, tuple[str, str]] = {}
    for word in text.replace(",", " ").split():
        axis, equals, points = word.partition("=")
        a, colon, b = points.partition(":")
        if axis not in ("x", "y", "z") or not equals or not colon or not a or not b or axis in found:
            raise ParameterError("P401", WHERE, expected="x=A:B z=C:D (each axis once)", got=word)
        found[axis] = (a, b)
    return found


def axes_of(
    position: Float[np.ndarray, "time 3 keypoint individual"],
    covariance: Float[np.ndarray, "time 6 keypoint individual"],
    names: Sequence[str],
    params: Pose3dParams,
    keypoints: KeypointSet | None,
) -> Turn:
    """Find the axes that are asked for from the middles of their points.

    Raises
    ------
    ParameterError
        P401, if a point is unknown or mostly missing, or the directions make no right-handed frame.
    """
    wanted, origin_name = parse_axes(params.axes) if params.axes != "set" else {}, params.origin
    if params.axes == "set" and keypoints is not None and keypoints.axes is not None:
        given = keypoints.axes
        wanted = {
            axis: pair for axis, pair in (("x", given.x), ("y", given.y), ("z", given.z)) if pair is not None
        }
        origin_name = origin_name or given.origin
    elif params.axes == "set":
        raise ParameterError("P401", WHERE, "the keypoint set has no [axes]")
    if not wanted and not origin_name:
        return Turn()

    def middle(name: str) -> Float64[np.ndarray, " 3"]:
        if name not in names:
            raise ParameterError("P401", WHERE, f"there is no point {name!r}{nearest(name, names)}")
        k = list(names).index(name)
        place = position[:, :, k, 0].astype(np.float64)
        known = np.isfinite(place).all(axis=1)
        if known.mean() < 1 - MOST_MISSING:
            share = 100 * (1 - known.mean())
            raise ParameterError("P401", WHERE, f"point {name!r} is missing in {share:.0f} % of the frames")
        sd = covariance[:, [0, 3, 5], k, 0].sum(axis=1)
        with np.errstate(invalid="ignore"):
            good = known & (sd <= np.nanpercentile(sd[known], 75)) if np.isfinite(sd[known]).any() else known
        return spatial_median(place[good])

    rotation = np.eye(3)
    angles: dict[str, float] = {}
    if wanted:
        directions = {axis: np.asarray(middle(b) - middle(a)) for axis, (a, b) in wanted.items()}
        rotation, angles = axes_rotation(directions, primary=params.primary)
    return Turn(rotation, middle(origin_name) if origin_name else np.zeros(3), angles)
