"""Pixels that other cameras and the neighbouring frames confirm: where a path is far from them, it is wrong.

A smoother that takes what is far from its path for outliers takes fast movement for it too, in all cameras at
once, and then says that the point was at rest.  Whether cameras agree is known before anything is smoothed.
"""

import numpy as np

from mystax.compute.triangulation import BLOCK, Triangulated
from mystax.core.typing import Bool, Float64

__all__ = ["confirmed_pixels", "share_of_lost_frames"]

FULL = [0, 1, 2, 1, 3, 4, 2, 4, 5]
ENOUGH = 3
"""Cameras that do not agree by accident."""
MAX_SD = 6.0
"""How far a place may lie from the line through its neighbours, in standard deviations of its own..."""
MAX_SPREAD = 2.0
"""...and, added to it, in spreads of the places around it: while a point moves, steps are larger."""
WINDOW = 11
"""Places in a row that tell the spread."""
LOST = 36.0
"""Squared Mahalanobis distance at which a smoothed place contradicts what its frame says."""
FEWEST = 3


def _neighbour(places: Float64[np.ndarray, "n number"], step: int) -> Float64[np.ndarray, "n number"]:
    """Return for every row the one that is `step` rows away; NaN beyond the ends."""
    out = np.full_like(places, np.nan)
    if step > 0:
        out[:-step] = places[step:]
    else:
        out[-step:] = places[:step]
    return out


def _from_line(rows: Float64[np.ndarray, "n 4"], one: int, other: int) -> Float64[np.ndarray, " n"]:
    """Distance of places (time, x, y, z) from the straight line through two neighbours in time."""
    a, b = _neighbour(rows, one), _neighbour(rows, other)
    share = (rows[:, 0] - a[:, 0]) / (b[:, 0] - a[:, 0])
    off = rows[:, 1:] - a[:, 1:] - (b[:, 1:] - a[:, 1:]) * share[:, None]
    return np.asarray(np.linalg.norm(off, axis=1), np.float64)


def _spread(places: Float64[np.ndarray, "n 3"]) -> Float64[np.ndarray, " n"]:
    """Median distance of the places around every place from their median."""
    n = len(places)
    width = min(WINDOW, n)
    out = np.empty(n)
    for start in range(0, n, BLOCK):
        rows = np.arange(start, min(start + BLOCK, n))
        first = np.clip(rows - width // 2, 0, n - width)
        around = places[first[:, None] + np.arange(width)]
        off = np.linalg.norm(around - np.median(around, axis=1)[:, None], axis=2)
        out[rows] = np.median(off, axis=1)
    return out


def confirmed_pixels(found: Triangulated, times: Float64[np.ndarray, " n"]) -> Bool[np.ndarray, "camera n"]:
    """Tell which pixels of one point other cameras and, where only two agree, neighbouring frames confirm.

    Two cameras meet at a wrong place if one errs along the line of sight of the other; then the place jumps
    there and back.  A moving point comes from somewhere: it lies near the line through the frames before, or
    after, or on either side.

    Parameters
    ----------
    found : Triangulated
        The point in every frame.
    times : array (n,)
        Rising times of the frames [s].

    Returns
    -------
    array (camera, n)
        True where a pixel is certain to be none of an outlier.
    """
    used = found.used == 1
    good = (used.sum(axis=1) > 1) & ~found.disagree & np.isfinite(found.position[:, 0])
    sure = good & (used.sum(axis=1) >= ENOUGH)
    at = np.flatnonzero(good)
    if len(at) > 2 and not sure[at].all():
        places = found.position[at]
        rows = np.column_stack([times[at], places])
        off = np.fmin(np.fmin(_from_line(rows, -1, 1), _from_line(rows, -2, -1)), _from_line(rows, 1, 2))
        sd = np.sqrt(found.covariance[at][:, [0, 3, 5]].sum(axis=1))
        sure[at] |= off <= MAX_SD * sd + MAX_SPREAD * _spread(places)
    return np.ascontiguousarray((used & sure[:, None]).T)


def share_of_lost_frames(
    smooth: Float64[np.ndarray, "n 3"], found: Triangulated, confirmed: Bool[np.ndarray, "camera n"]
) -> float:
    """Return the share of confirmed places that a smoothed path passes at a distance beyond their noise.

    One or two of them may be errors of a tracker in all cameras at once: they count as none.
    """
    known = confirmed.any(axis=0) & np.isfinite(smooth[:, 0]) & np.isfinite(found.covariance).all(axis=1)
    if not known.any():
        return 0.0
    full = found.covariance[known][:, FULL].reshape(-1, 3, 3)
    off = smooth[known] - found.position[known]
    distance = np.einsum("ti,ti->t", off, np.linalg.solve(full, off[:, :, None])[:, :, 0])
    lost = distance > LOST
    return float(lost.mean()) if lost.sum() >= FEWEST else 0.0
