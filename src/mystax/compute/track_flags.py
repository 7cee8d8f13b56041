"""Remarks on keypoints over time: what jumped, what is unlike a face, where ensemble members disagree."""

import numpy as np

from mystax.compute.keypoint_errors import REFERENCE
from mystax.compute.smoothing import robust_sd
from mystax.core.point_flags import FLAG_MASKS
from mystax.core.typing import Bool, Float, Float64, UInt8

__all__ = ["flags_of", "jumps"]

JUMP_DISTANCE = 25.0
RETURN_FRAMES = 3
JUMP_STEP = 25.0
JUMP_SDS = 8.0
MEMBERS_SD = 5.0


def flags_of(**marks: Bool[np.ndarray, "time keypoint"]) -> UInt8[np.ndarray, "time keypoint"]:
    """Join marks to the variable `flag`.

    Parameters
    ----------
    **marks : array (time, keypoint)
        Name of `FLAG_MASKS` to where it holds; at least one.

    Returns
    -------
    array (time, keypoint)
        Sum of the bits.

    Examples
    --------
    >>> flags_of(jump=np.array([[True, False]]), shape=np.array([[True, True]])).tolist()
    [[6, 4]]
    """
    first = next(iter(marks.values()))
    found = np.zeros(first.shape, np.uint8)
    for name, where in marks.items():
        found |= np.where(where, np.uint8(FLAG_MASKS[name]), np.uint8(0))
    return found


def jumps(
    position: Float[np.ndarray, "time keypoint space"],
    distance: Float64[np.ndarray, "time keypoint"],
    width: float,
) -> Bool[np.ndarray, "time keypoint"]:
    """Mark frames where a point left its path for a moment, or moved faster than anything real.

    A point jumps where its squared Mahalanobis distance from the prediction is above 25 and it is back
    within 3 frames, or where it moves more than 25 px@256 per frame and more than 8 robust standard
    deviations of its steps.

    Parameters
    ----------
    position : array (time, keypoint, space)
        Places as measured [px].
    distance : array (time, keypoint)
        Squared Mahalanobis distances (`SmoothTracks.distance`).
    width : float
        Reference width: the side of the face box [px].

    Returns
    -------
    array (time, keypoint)
        Where a point jumped.
    """
    n, k = position.shape[:2]
    found = np.zeros((n, k), np.bool_)
    for point in range(k):
        seen = np.flatnonzero(np.isfinite(position[:, point]).all(-1))
        if len(seen) < 3:
            continue
        place = np.asarray(position[seen, point], np.float64)
        step = np.hypot(*np.diff(place, axis=0).T)
        spread = robust_sd(step)
        fast = np.concatenate([[False], step > max(JUMP_STEP * width / REFERENCE, JUMP_SDS * spread)])
        far = distance[seen, point] > JUMP_DISTANCE
        found[seen, point] = fast | (far & _returns(place, far))
    return found


def _returns(place: Float64[np.ndarray, "time space"], far: Bool[np.ndarray, " time"]) -> np.ndarray:
    """Tell for each far frame whether a later one of three lies nearer to where the point came from."""
    n = len(place)
    back = np.zeros(n, np.bool_)
    last = 0
    for i in range(n):
        if not far[i]:
            last = i
            continue
        away = float(np.hypot(*(place[i] - place[last])))
        after = place[i + 1 : i + 1 + RETURN_FRAMES] - place[last]
        back[i] = len(after) > 0 and bool((np.hypot(after[:, 0], after[:, 1]) < 0.5 * away).any())
        if not back[i]:
            last = i
    return back
