"""Axes of an animal in space: a proper isometry, so that every distance and angle stays what it was."""

from collections.abc import Mapping

import numpy as np

from mystax.core.rotations import nearest_rotation
from mystax.core.typing import Float64
from mystax.errors import ParameterError

__all__ = ["AXES", "aligned", "axes_rotation", "spatial_median", "turned_covariance"]

AXES = ("x", "y", "z")
MIN_ANGLE = np.radians(10.0)


def spatial_median(points: Float64[np.ndarray, "n 3"], n_steps: int = 50) -> Float64[np.ndarray, " 3"]:
    """Point with the smallest sum of distances to finite points (Weiszfeld); NaN if there are none."""
    known = points[np.isfinite(points).all(axis=1)]
    if not len(known):
        return np.full(3, np.nan)
    found = np.median(known, axis=0)
    for _ in range(n_steps):
        weight = 1 / np.maximum(np.linalg.norm(known - found, axis=1), 1e-9)
        after = (known * weight[:, None]).sum(axis=0) / weight.sum()
        if np.linalg.norm(after - found) < 1e-9:
            break
        found = after
    return np.asarray(found)


def axes_rotation(
    directions: Mapping[str, Float64[np.ndarray, " 3"]], *, primary: bool = False
) -> tuple[Float64[np.ndarray, "3 3"], dict[str, float]]:
    """Rotation that brings directions onto their axes as well as a rotation can.

    Parameters
    ----------
    directions : mapping
        Axis (``x``, ``y``, ``z``) to a direction in the rig's frame; two or three.
    primary : bool, optional
        Keep the first axis exact and make the second one orthogonal, instead of least squares over all.

    Returns
    -------
    rotation : array (3, 3)
        R with determinant +1; ``X' = R (X - o)``.
    angles : dict
        Axis to the angle between the asked direction and the axis [rad].

    Raises
    ------
    ParameterError
        P401, if fewer than two directions are given, two are parallel, or three are left-handed.
    """
    names = list(directions)
    if len(names) < 2 or set(names) - set(AXES):
        raise ParameterError(
            "P401", "axes", expected="two or three of x, y, z", got=", ".join(names) or "none"
        )
    units = {name: value / np.linalg.norm(value) for name, value in directions.items()}
    if not all(np.isfinite(value).all() for value in units.values()):
        raise ParameterError("P401", "axes", "a direction has no length")
    for k, first in enumerate(names):
        for second in names[k + 1 :]:
            sine = float(np.linalg.norm(np.cross(units[first], units[second])))
            if np.arcsin(min(sine, 1.0)) < MIN_ANGLE:
                raise ParameterError(
                    "P401", "axes", f"directions {first} and {second} are parallel within 10 degrees"
                )
    if len(names) == 3 and np.linalg.det(np.stack([units[axis] for axis in AXES])) < 0:
        raise ParameterError(
            "P401",
            "axes",
            "the three directions form a left-handed set",
            hint="swap the two points of one axis",
        )
    targets = np.eye(3)
    if primary:
        first, second = names[0], names[1]
        third = np.cross(units[first], units[second])
        third /= np.linalg.norm(third)
        other = np.cross(third, units[first])
        a = np.stack([units[first], other, third])
        i, j = AXES.index(first), AXES.index(second)
        b = np.stack([targets[i], targets[j], np.cross(targets[i], targets[j])])
        rotation = nearest_rotation(np.asarray(b.T @ a))
    else:
        a = np.stack([units[name] for name in names])
        b = np.stack([targets[AXES.index(name)] for name in names])
        rotation = nearest_rotation(np.asarray(b.T @ a))
    angles = {
        name: float(np.arccos(np.clip((rotation @ units[name])[AXES.index(name)], -1, 1))) for name in names
    }
    return rotation, angles


def aligned(
    positions: Float64[np.ndarray, "... 3"],
    rotation: Float64[np.ndarray, "3 3"],
    origin: Float64[np.ndarray, " 3"],
) -> Float64[np.ndarray, "... 3"]:
    """Return places in the new frame, ``R (X - o)``."""
    return np.asarray((positions - origin) @ rotation.T)


def turned_covariance(
    covariance: Float64[np.ndarray, "... 6"], rotation: Float64[np.ndarray, "3 3"]
) -> Float64[np.ndarray, "... 6"]:
    """Return covariances xx, xy, xz, yy, yz, zz in the new frame."""
    full = covariance[..., [0, 1, 2, 1, 3, 4, 2, 4, 5]].reshape(*covariance.shape[:-1], 3, 3)
    turned = rotation @ full @ rotation.T
    return np.asarray(turned.reshape(*covariance.shape[:-1], 9)[..., [0, 1, 2, 4, 5, 8]])
