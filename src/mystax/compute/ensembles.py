"""Several trackers' keypoints of one video become one track with a variance."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mystax.compute.tracks import SmoothTracks, smooth_tracks
from mystax.core.typing import Float, Float64
from mystax.errors import ParameterError

__all__ = ["GRAIN", "CombinedTracks", "combine_tracks", "merge_members"]

GRAIN = 0.1
"""Variance of a member that tells none [px^2]: a third of a pixel, the grain of heat maps."""


@dataclass(frozen=True, slots=True)
class CombinedTracks:
    """Members as one.

    Attributes
    ----------
    position : array (time, keypoint, space)
        Median of the members that see the point [px].
    covariance : array (time, keypoint, cov)
        Mean within plus variance between the members, xx, xy, yy [px^2].
    confidence : array (time, keypoint)
        Median over the members, a member that does not see the point counting 0.
    smooth : SmoothTracks
        The smoothed track.
    """

    position: Float64[np.ndarray, "time keypoint space"]
    covariance: Float64[np.ndarray, "time keypoint cov"]
    confidence: Float64[np.ndarray, "time keypoint"]
    smooth: SmoothTracks


def merge_members(
    positions: Float[np.ndarray, "member time keypoint space"],
    covariances: Float[np.ndarray, "member time keypoint cov"] | None = None,
) -> tuple[Float64[np.ndarray, "time keypoint space"], Float64[np.ndarray, "time keypoint cov"]]:
    """Return the median place, and the covariance: mean within plus variance between members.

    Parameters
    ----------
    positions : array (member, time, keypoint, space)
        Places [px]; NaN where a member sees none.
    covariances : array (member, time, keypoint, cov), optional
        Their covariances xx, xy, yy [px^2]; by default 0.1 px^2 each way.

    Returns
    -------
    position : array (time, keypoint, space)
        NaN where no member sees the point.
    covariance : array (time, keypoint, cov)
        With one member seeing it, its own.
    """
    seen = np.isfinite(positions).all(-1)
    count = seen.sum(0)
    place = np.where(seen[..., None], positions.astype(np.float64), np.nan)
    some = count > 0
    median = np.full(place.shape[1:], np.nan)
    median[some] = np.nanmedian(place[:, some], axis=0)
    plain = np.where(seen[..., None], place, 0.0)
    mean = plain.sum(0) / np.maximum(count, 1)[..., None]
    away = np.where(seen[..., None], place - mean, 0.0)
    between = np.stack([away[..., 0] ** 2, away[..., 0] * away[..., 1], away[..., 1] ** 2], -1).sum(0)
    between /= np.maximum(count - 1, 1)[..., None]
    if covariances is None:
        within = np.broadcast_to(np.array([GRAIN, 0.0, GRAIN]), between.shape)
    else:
        own = np.where(seen[..., None], covariances.astype(np.float64), 0.0)
        within = own.sum(0) / np.maximum(count, 1)[..., None]
    covariance = np.where(some[..., None], within + between, np.nan)
    return median, covariance


def combine_tracks(
    positions: Sequence[Float[np.ndarray, "_ keypoint space"]],
    time: Float64[np.ndarray, " time"],
    *,
    covariances: Sequence[Float[np.ndarray, "_ keypoint cov"]] | None = None,
    confidences: Sequence[Float[np.ndarray, "_ keypoint"]] | None = None,
    method: str = "ml",
    max_gap: float = 0.25,
) -> CombinedTracks:
    """Merge the keypoints of several trackers and smooth them, each frame by its own variance.

    Parameters
    ----------
    positions : sequence of array (time, keypoint, space)
        Places by each member [px].
    time : array (time,)
        Rising times [s].
    covariances : sequence of array (time, keypoint, cov), optional
        Their covariances [px^2].
    confidences : sequence of array (time, keypoint), optional
        Their confidences; by default 1 where a point is seen.
    method, max_gap : optional
        As in `mystax.compute.tracks.smooth_tracks`.

    Returns
    -------
    CombinedTracks
        Merged and smoothed.

    Raises
    ------
    ParameterError
        P401, if there is no member or they differ in shape.
    """
    shapes = {item.shape for item in positions}
    if len(shapes) != 1 or next(iter(shapes))[0] != len(time):
        raise ParameterError(
            "P401", "tracks to combine", expected="tracks of equal frames and points", got=str(sorted(shapes))
        )
    members = np.stack(list(positions))
    median, covariance = merge_members(members, None if covariances is None else np.stack(list(covariances)))
    seen = np.isfinite(members).all(-1)
    each = (
        seen.astype(np.float64) if confidences is None else np.where(seen, np.stack(list(confidences)), 0.0)
    )
    confidence = np.asarray(np.median(each, axis=0), np.float64)
    # the spread of the members is the measure of trust: their confidences do not count a second time
    smooth = smooth_tracks(median, covariance, np.ones_like(confidence), time, method=method, max_gap=max_gap)
    return CombinedTracks(median, covariance, confidence, smooth)
