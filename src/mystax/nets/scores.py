"""Figures of merit of keypoints: errors, shares within a distance, calibration, coverage."""

import numpy as np

from mystax.core.typing import Bool, Float

__all__ = ["auroc", "calibration_error", "ellipse_coverage", "share_within"]


def share_within(error: Float[np.ndarray, "*n"], limit: float) -> float:
    """Return the share of finite errors that are at most `limit` (PCK).

    Examples
    --------
    >>> share_within(np.array([1.0, 12.0, np.nan, 3.0, 10.0]), 10.0)
    0.75
    """
    known = error[np.isfinite(error)]
    return float(np.mean(known <= limit)) if len(known) else float("nan")


def calibration_error(
    confidence: Float[np.ndarray, " n"], is_good: Bool[np.ndarray, " n"], *, n_bins: int = 10
) -> float:
    """Return the expected calibration error: the mean gap of confidence and share of good, in equal bins.

    Parameters
    ----------
    confidence : array (n,)
        0-1.
    is_good : array (n,)
        What happened.
    n_bins : int, optional
        Bins of equal count (10).

    Returns
    -------
    float
        0 if confidence means what it says.

    Examples
    --------
    >>> calibration_error(np.array([0.5, 0.5, 1.0, 1.0]), np.array([True, False, True, True]), n_bins=2)
    0.0
    """
    order = np.argsort(confidence, kind="stable")
    bins = [part for part in np.array_split(order, n_bins) if len(part)]
    gaps = [abs(float(confidence[part].mean()) - float(is_good[part].mean())) for part in bins]
    return float(np.average(gaps, weights=[len(part) for part in bins]))


def auroc(alarm: Float[np.ndarray, " n"], is_event: Bool[np.ndarray, " n"]) -> float:
    """Return the chance that an event has a higher value than a non-event; ties count half.

    Examples
    --------
    >>> auroc(np.array([0.1, 0.4, 0.35, 0.8]), np.array([False, False, True, True]))
    0.75
    """
    n_events = int(is_event.sum())
    n_others = len(is_event) - n_events
    if n_events == 0 or n_others == 0:
        return float("nan")
    _, which, counts = np.unique(alarm, return_inverse=True, return_counts=True)
    mean_rank = np.cumsum(counts) - (counts - 1) / 2
    ranks = mean_rank[which]
    return float((ranks[is_event].sum() - n_events * (n_events + 1) / 2) / (n_events * n_others))


def ellipse_coverage(
    covariance: Float[np.ndarray, "*n 3"], offset: Float[np.ndarray, "*n 2"], share: float
) -> float:
    """Return the share of offsets inside the ellipses that should hold `share` of them.

    Parameters
    ----------
    covariance : array (..., cov)
        xx, xy, yy.
    offset : array (..., space)
        Found less true place; rows with NaN do not count.
    share : float
        Share that a normal distribution has inside, 0-1.

    Returns
    -------
    float
        Observed share.
    """
    xx, xy, yy = (np.asarray(covariance[..., c], np.float64) for c in range(3))
    dx, dy = np.asarray(offset[..., 0], np.float64), np.asarray(offset[..., 1], np.float64)
    distance = (yy * dx * dx - 2 * xy * dx * dy + xx * dy * dy) / (xx * yy - xy * xy)
    known = np.isfinite(distance)
    return float(np.mean(distance[known] <= -2 * np.log(1 - share))) if known.any() else float("nan")
