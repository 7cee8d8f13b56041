"""How far predicted keypoints are from labels, how sure that is, and whether confidences tell the truth."""

from dataclasses import dataclass

import numpy as np

from mystax.core.typing import Bool, Float, Float64

__all__ = [
    "PCK",
    "Interval",
    "Summary",
    "area_under_curve",
    "bootstrap_mean",
    "calibration_error",
    "ellipse_coverage",
    "mean_shape_error",
    "pixel_errors",
    "reliability",
    "summarise",
]

REFERENCE = 256.0
"""Side of the face box to which errors are related [px]."""
PCK = (2.0, 5.0, 10.0, 20.0)
N_DRAWS = 2000
N_BINS = 10


def pixel_errors(
    predicted: Float[np.ndarray, "row keypoint space"],
    labelled: Float[np.ndarray, "row keypoint space"],
    width: Float64[np.ndarray, " row"],
) -> Float64[np.ndarray, "row keypoint"]:
    """Return the distance of predicted from labelled points in px@256.

    Parameters
    ----------
    predicted, labelled : array (row, keypoint, space)
        Places [source px]; NaN where there is none.
    width : array (row,)
        Reference width of each frame [source px]: the side of its face box, or the width of its picture.

    Returns
    -------
    array (row, keypoint)
        Distance times 256 / width; NaN where either is missing.

    Examples
    --------
    >>> pixel_errors(np.array([[[3.0, 4.0]]]), np.zeros((1, 1, 2)), np.array([512.0])).tolist()
    [[2.5]]
    """
    away = predicted.astype(np.float64) - labelled.astype(np.float64)
    return np.asarray(np.hypot(away[..., 0], away[..., 1]) * (REFERENCE / width)[:, None])


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean with the interval in which 95 of 100 such means would lie."""

    mean: float
    low: float
    high: float


def bootstrap_mean(
    values: Float64[np.ndarray, "row keypoint"], *, seed: int = 0, n_draws: int = N_DRAWS
) -> Interval:
    """Return the mean over all values and its bootstrap interval over frames.

    Parameters
    ----------
    values : array (row, keypoint)
        One row per frame; NaN where missing.  Errors, or differences of errors of two models (paired).
    seed : int, optional
        Of the draws.
    n_draws : int, optional
        Number of draws.

    Returns
    -------
    Interval
        NaN without values.
    """
    total = np.nansum(values, axis=1)
    count = np.isfinite(values).sum(1)
    used = count > 0
    total, count = total[used], count[used]
    if len(total) == 0:
        return Interval(float("nan"), float("nan"), float("nan"))
    draws = np.random.default_rng(seed).integers(0, len(total), (n_draws, len(total)))
    means = total[draws].sum(1) / count[draws].sum(1)
    low, high = np.percentile(means, [2.5, 97.5])
    return Interval(float(total.sum() / count.sum()), float(low), float(high))


@dataclass(frozen=True, slots=True)
class Summary:
    """Errors of some points.

    Attributes
    ----------
    n : int
        Number of labelled points.
    n_missing : int
        Labelled points without a prediction.
    mean : Interval
        Mean error with its bootstrap interval over frames [px@256].
    median, p95 : float
        Median and 95th percentile [px@256].
    pck : dict of float to float
        Share of labelled points within 2, 5, 10, 20 px@256; a point without a prediction is outside.
    """

    n: int
    n_missing: int
    mean: Interval
    median: float
    p95: float
    pck: dict[float, float]

    def as_dict(self) -> dict[str, object]:
        """Return plain values for JSON."""
        return {
            "n": self.n,
            "n_missing": self.n_missing,
            "mean": self.mean.mean,
            "mean_interval": [self.mean.low, self.mean.high],
            "median": self.median,
            "p95": self.p95,
            "pck": {f"{limit:g}": value for limit, value in self.pck.items()},
        }


def summarise(
    errors: Float64[np.ndarray, "row keypoint"],
    labelled: Bool[np.ndarray, "row keypoint"],
    *,
    seed: int = 0,
) -> Summary:
    """Summarise errors.

    Parameters
    ----------
    errors : array (row, keypoint)
        From `pixel_errors`.
    labelled : array (row, keypoint)
        Where there is a label to be found.
    seed : int, optional
        Of the bootstrap.

    Returns
    -------
    Summary
        Of the points in `labelled`.
    """
    chosen = np.where(labelled, errors, np.nan)
    found = chosen[np.isfinite(chosen)]
    n = int(labelled.sum())
    share = {limit: float((found <= limit).sum() / n) if n else float("nan") for limit in PCK}
    return Summary(
        n,
        n - len(found),
        bootstrap_mean(chosen, seed=seed),
        float(np.median(found)) if len(found) else float("nan"),
        float(np.percentile(found, 95)) if len(found) else float("nan"),
        share,
    )


def mean_shape_error(
    train: Float[np.ndarray, "row keypoint space"],
    test: Float[np.ndarray, "row_of_test keypoint space"],
    width: Float64[np.ndarray, " row_of_test"],
) -> Float64[np.ndarray, "row_of_test keypoint"]:
    """Return the errors of the simplest baseline: each point at its mean place in the training frames.

    Parameters
    ----------
    train, test : array (row, keypoint, space)
        Labels [px].
    width : array (row,)
        Reference width of the test frames [px].

    Returns
    -------
    array (row, keypoint)
        Errors [px@256].
    """
    count = np.isfinite(train).sum(0)
    mean = np.where(count > 0, np.nansum(train, axis=0) / np.maximum(count, 1), np.nan)
    return pixel_errors(np.broadcast_to(mean, test.shape).astype(np.float64), test, width)


# confidence ------------------------------------------------------------------------------------------


def reliability(
    confidence: Float[np.ndarray, " point"], right: Bool[np.ndarray, " point"], n_bins: int = N_BINS
) -> Float64[np.ndarray, "bin three"]:
    """Sort points by confidence into bins of equal number.

    Parameters
    ----------
    confidence : array (point,)
        0..1.
    right : array (point,)
        Whether the point was where it was said to be.
    n_bins : int, optional
        Number of bins; fewer where there are fewer points.

    Returns
    -------
    array (bin, 3)
        Mean confidence, share that was right, number of points.
    """
    order = np.argsort(confidence, kind="stable")
    parts = [part for part in np.array_split(order, n_bins) if len(part)]
    rows = [[confidence[part].mean(), right[part].mean(), len(part)] for part in parts]
    return np.array(rows, np.float64).reshape(-1, 3)


def calibration_error(
    confidence: Float[np.ndarray, " point"], right: Bool[np.ndarray, " point"], n_bins: int = N_BINS
) -> float:
    """Return the expected calibration error: mean distance of confidence from the share that was right.

    Parameters
    ----------
    confidence, right, n_bins : optional
        As in `reliability`.

    Returns
    -------
    float
        0 to 1; NaN without points.

    References
    ----------
    .. [1] Naeini et al. (2015), doi:10.1609/aaai.v29i1.9602
    """
    table = reliability(confidence, right, n_bins)
    if len(table) == 0:
        return float("nan")
    return float((np.abs(table[:, 0] - table[:, 1]) * table[:, 2]).sum() / table[:, 2].sum())


def area_under_curve(suspicion: Float[np.ndarray, " point"], wrong: Bool[np.ndarray, " point"]) -> float:
    """Return the chance that a wrong point looks more suspicious than a right one (ties count half).

    Parameters
    ----------
    suspicion : array (point,)
        Higher is worse, as 1 - confidence.
    wrong : array (point,)
        Whether the point is wrong.

    Returns
    -------
    float
        The area under the ROC curve; NaN if all or none are wrong.

    References
    ----------
    .. [1] Fawcett (2006), doi:10.1016/j.patrec.2005.10.010
    """
    from scipy.stats import rankdata

    n_wrong, n = int(wrong.sum()), len(wrong)
    if n_wrong in (0, n):
        return float("nan")
    ranks = rankdata(suspicion)
    return float((ranks[wrong].sum() - n_wrong * (n_wrong + 1) / 2) / (n_wrong * (n - n_wrong)))


def ellipse_coverage(
    predicted: Float[np.ndarray, "row keypoint space"],
    covariance: Float[np.ndarray, "row keypoint cov"],
    labelled: Float[np.ndarray, "row keypoint space"],
    probability: float,
) -> float:
    """Return the share of labels inside the ellipse that should hold a given share of them.

    Parameters
    ----------
    predicted, labelled : array (row, keypoint, space)
        Places [px].
    covariance : array (row, keypoint, cov)
        Covariance of the prediction xx, xy, yy [px^2].
    probability : float
        Share that the ellipse should hold, 0 to 1.

    Returns
    -------
    float
        Share of labels inside; NaN without any.
    """
    away = labelled.astype(np.float64) - predicted.astype(np.float64)
    xx, xy, yy = (covariance[..., k].astype(np.float64) for k in range(3))
    with np.errstate(invalid="ignore", divide="ignore"):
        distance = (
            yy * away[..., 0] ** 2 - 2 * xy * away[..., 0] * away[..., 1] + xx * away[..., 1] ** 2
        ) / (xx * yy - xy**2)
    known = np.isfinite(distance)
    if not known.any():
        return float("nan")
    return float((distance[known] <= -2.0 * np.log1p(-probability)).mean())
