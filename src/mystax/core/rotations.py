"""Rotations: vectors to matrices and back, nearest rotation, mean, rigid alignment."""

import math

import numpy as np

from mystax.core.typing import Float64

__all__ = [
    "angle_between",
    "angles_among",
    "mean_rotation",
    "nearest_rotation",
    "rigid_fit",
    "rotation_of",
    "rotations_of",
    "vector_of",
]


def rotation_of(vector: Float64[np.ndarray, " 3"]) -> Float64[np.ndarray, "3 3"]:
    """Rotation matrix of axis times angle [rad] (Rodrigues).

    Examples
    --------
    >>> rotation_of(np.array([0.0, 0.0, np.pi / 2])).round(6)[0].tolist()
    [0.0, -1.0, 0.0]
    """
    angle = float(np.linalg.norm(vector))
    x, y, z = vector
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    if angle < 1e-8:
        return np.asarray(np.eye(3) + cross + cross @ cross / 2)
    a, b = math.sin(angle) / angle, (1 - math.cos(angle)) / angle**2
    return np.asarray(np.eye(3) + a * cross + b * (cross @ cross))


def rotations_of(vectors: Float64[np.ndarray, "n 3"]) -> Float64[np.ndarray, "n 3 3"]:
    """Rotation matrices of many vectors, as `rotation_of`.

    Examples
    --------
    >>> rotations_of(np.array([[0.0, 0.0, np.pi / 2], [0.0, 0.0, 0.0]])).round(6)[:, 0].tolist()
    [[0.0, -1.0, 0.0], [1.0, 0.0, 0.0]]
    """
    angle = np.sqrt((vectors**2).sum(1))
    cross = np.zeros((len(vectors), 3, 3))
    cross[:, [2, 0, 1], [1, 2, 0]] = vectors
    cross[:, [1, 2, 0], [2, 0, 1]] = -vectors
    small = angle < 1e-8
    safe = np.where(small, 1.0, angle)
    a = np.where(small, 1.0, np.sin(angle) / safe)
    b = np.where(small, 0.5, (1 - np.cos(angle)) / safe**2)
    return np.asarray(np.eye(3) + a[:, None, None] * cross + b[:, None, None] * (cross @ cross))


def vector_of(rotation: Float64[np.ndarray, "3 3"]) -> Float64[np.ndarray, " 3"]:
    """Axis times angle [rad] of a rotation matrix, angle in 0..pi."""
    twist = np.array(
        [rotation[2, 1] - rotation[1, 2], rotation[0, 2] - rotation[2, 0], rotation[1, 0] - rotation[0, 1]]
    )
    sine, cosine = float(np.linalg.norm(twist)) / 2, (float(np.trace(rotation)) - 1) / 2
    angle = math.atan2(sine, cosine)
    if sine > 1e-6:
        return np.asarray(twist * (angle / (2 * sine)))
    if cosine > 0:
        return np.asarray(twist / 2)
    _, axes = np.linalg.eigh(rotation + rotation.T)  # half a turn: the twist vanishes
    axis = axes[:, 2]
    return np.asarray(angle * axis * (1.0 if axis @ twist >= 0 else -1.0))


def nearest_rotation(matrix: Float64[np.ndarray, "3 3"]) -> Float64[np.ndarray, "3 3"]:
    """Proper rotation that is nearest to a matrix (SVD, determinant +1)."""
    u, _, vt = np.linalg.svd(matrix)
    sign = np.array([1.0, 1.0, np.sign(np.linalg.det(u @ vt))])
    return np.asarray((u * sign) @ vt)


def mean_rotation(rotations: Float64[np.ndarray, "n 3 3"]) -> Float64[np.ndarray, "3 3"]:
    """Chordal mean of rotations that lie near each other."""
    return nearest_rotation(np.asarray(rotations.mean(axis=0)))


def angle_between(a: Float64[np.ndarray, "3 3"], b: Float64[np.ndarray, "3 3"]) -> float:
    """Angle of the rotation from a to b [rad]."""
    return float(np.linalg.norm(vector_of(np.asarray(b @ a.T))))


def angles_among(rotations: Float64[np.ndarray, "n 3 3"]) -> Float64[np.ndarray, "n n"]:
    """Angle of the rotation from each to each [rad]."""
    between = np.einsum("iab,jcb->ijac", rotations, rotations, optimize=True)
    twist = between[..., [2, 0, 1], [1, 2, 0]] - between[..., [1, 2, 0], [2, 0, 1]]
    return np.asarray(np.arctan2(np.sqrt((twist**2).sum(2)), np.trace(between, axis1=2, axis2=3) - 1))


def rigid_fit(
    a: Float64[np.ndarray, "n 3"], b: Float64[np.ndarray, "n 3"]
) -> tuple[Float64[np.ndarray, "3 3"], Float64[np.ndarray, " 3"]]:
    """Rotation R and shift t that bring points a onto b: least squares of R a + t - b, no scaling.

    References
    ----------
    .. [1] Kabsch (1976), doi:10.1107/S0567739476001873
    """
    centre_a, centre_b = a.mean(axis=0), b.mean(axis=0)
    rotation = nearest_rotation(np.asarray((b - centre_b).T @ (a - centre_a)))
    return rotation, np.asarray(centre_b - rotation @ centre_a)
