"""Points that a user labels at another place than the base puts them: other definitions, not errors."""

import numpy as np

from mystax.core.typing import Bool, Float
from mystax.nets.shape_prior import align

__all__ = ["is_redefined"]

_LEAST_LABELS = 5
_LEAST_OFFSET = 3.0


def is_redefined(
    found: Float[np.ndarray, "n keypoint space"],
    truth: Float[np.ndarray, "n keypoint space"],
    is_placed: Bool[np.ndarray, "n keypoint"],
    *,
    unit: float,
    can_mirror: bool,
) -> Bool[np.ndarray, " keypoint"]:
    """Tell which points lie elsewhere by definition: off by the same way relative to the face in most frames.

    Every labelled shape is laid onto the one with the most points, and the found places are carried along.
    A point is redefined if the median of its offsets is longer than 3 px@256 and than their own scatter.

    Parameters
    ----------
    found : array (n, keypoint, space)
        Places by the base [crop px].
    truth : array (n, keypoint, space)
        Labels [crop px].
    is_placed : array (n, keypoint)
        Labels that count.
    unit : float
        px@256 per crop pixel.
    can_mirror : bool
        Whether faces may be mirror images of each other.

    Returns
    -------
    array (keypoint,)
        True for points of another definition; points with fewer than 5 labels never are.
    """
    n_points = is_placed.shape[1]
    rows = np.flatnonzero(is_placed.sum(axis=1) >= 3)
    answer = np.zeros(n_points, np.bool_)
    if len(rows) < _LEAST_LABELS:
        return answer
    model = rows[np.argmax(is_placed[rows].sum(axis=1))]
    target = np.concatenate((truth[model], np.zeros((n_points, 2))))
    offsets = np.full((len(rows), n_points, 2), np.nan)
    for place, row in enumerate(rows):
        weight = (is_placed[row] & is_placed[model]).astype(np.float64)
        if weight.sum() < 3:
            continue
        both = np.concatenate((truth[row], found[row])).astype(np.float64)
        laid = align(both, target, np.concatenate((weight, np.zeros(n_points))), can_mirror)
        offsets[place] = np.where(is_placed[row][:, None], laid[n_points:] - laid[:n_points], np.nan)
    for k in range(n_points):
        own = offsets[np.isfinite(offsets[:, k]).all(axis=-1), k] * unit
        if len(own) >= _LEAST_LABELS:
            middle = np.median(own, axis=0)
            scatter = np.median(np.linalg.norm(own - middle, axis=-1))
            answer[k] = np.linalg.norm(middle) > max(_LEAST_OFFSET, float(scatter))
    return answer
