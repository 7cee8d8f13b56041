"""Points that a user labels elsewhere than the base puts them: other definitions, or exchanged names."""

import numpy as np

from mystax.core.typing import Bool, Float, Int64
from mystax.nets.shape_prior import align

__all__ = ["is_redefined", "where_labels_lie"]

_LEAST_LABELS = 5
_LEAST_OFFSET = 3.0
_EXCHANGED = 0.5


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


def where_labels_lie(
    found: Float[np.ndarray, "n keypoint space"],
    truth: Float[np.ndarray, "n keypoint space"],
    is_placed: Bool[np.ndarray, "n keypoint"],
    *,
    unit: float,
) -> Int64[np.ndarray, " keypoint"]:
    """Tell which points seem to have exchanged their names.

    Labels and places of the base are paired so that they are nearest to each other in all.  Where that leads
    from point to point and back to the first, names are exchanged if the labels of these points are usually
    more than 3 px@256 from their own points and, in all, less than half as far from the others.  A base that
    is off by one way cannot cause it: around a circle the distances sum up to no less.

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

    Returns
    -------
    array (keypoint,)
        The point at which the base finds the labels of each: the point itself unless names are exchanged, or
        it has fewer than 5 labels.

    Examples
    --------
    >>> face = np.tile(np.array([[0.0, 0.0], [90.0, 0.0], [0.0, 90.0]]), (5, 1, 1))
    >>> where_labels_lie(face, face[:, [1, 0, 2]], np.ones((5, 3), bool), unit=1.0).tolist()
    [1, 0, 2]
    """
    from scipy.optimize import linear_sum_assignment

    answer = np.arange(is_placed.shape[1])
    known = np.isfinite(found).all(axis=(0, 2)) & (is_placed.sum(axis=0) >= _LEAST_LABELS)
    points = np.flatnonzero(known)
    if len(points) < 2:
        return answer
    away = np.empty((len(points), len(points)))
    for row, k in enumerate(points):
        rows = is_placed[:, k]
        offset = found[rows][:, points] - truth[rows, k, None]
        away[row] = np.median(np.linalg.norm(offset, axis=-1), axis=0) * unit
    other = linear_sum_assignment(away)[1]
    left = set(range(len(points)))
    while left:
        circle = [left.pop()]
        while other[circle[-1]] != circle[0]:
            circle.append(int(other[circle[-1]]))
            left.discard(circle[-1])
        own, paired = away[circle, circle].mean(), away[circle, other[circle]].mean()
        if len(circle) > 1 and own > _LEAST_OFFSET and paired < _EXCHANGED * own:
            answer[points[circle]] = points[other[circle]]
    return answer
