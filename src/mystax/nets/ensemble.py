"""Several networks as one: their places are merged, and where they disagree the covariance says so."""

from dataclasses import dataclass

import numpy as np

from mystax.core.typing import Float, Float32
from mystax.nets.decode import Decoded

__all__ = ["Merged", "merge_decoded", "merge_members"]

_GATE = 5.0
_LEAST_VARIANCE = 1e-3


@dataclass(frozen=True, slots=True)
class Merged:
    """Places of an ensemble.

    Attributes
    ----------
    xy : array (n, keypoint, space)
        Merged places.
    covariance : array (n, keypoint, cov)
        xx, xy, yy: mean of the members' own, and the spread between them.
    spread : array (n, keypoint)
        Standard deviation between members, over both axes.
    """

    xy: Float32[np.ndarray, "n keypoint space"]
    covariance: Float32[np.ndarray, "n keypoint cov"]
    spread: Float32[np.ndarray, "n keypoint"]


def merge_members(
    xy: Float[np.ndarray, "member n keypoint space"], covariance: Float[np.ndarray, "member n keypoint cov"]
) -> Merged:
    """Merge the places of several networks.

    Members that lie farther from the median place than five usual distances are left out; the others are
    weighted by the inverses of their covariances.

    Parameters
    ----------
    xy : array (member, n, keypoint, space)
        Places of each member [px].
    covariance : array (member, n, keypoint, cov)
        Their covariances [px^2].

    Returns
    -------
    Merged
        Places, covariances and disagreement.
    """
    places, own = np.asarray(xy, np.float64), np.asarray(covariance, np.float64)
    middle = np.median(places, axis=0)
    distance = np.linalg.norm(places - middle, axis=-1)
    usual = np.maximum(np.median(distance, axis=0), np.sqrt(own[..., 0] + own[..., 2]).min(axis=0))
    keep = distance <= _GATE * usual
    keep |= ~keep.any(axis=0)  # two members far apart: both count
    matrix = np.stack((own[..., [0, 1]], own[..., [1, 2]]), axis=-2) + _LEAST_VARIANCE * np.eye(2)
    weight = np.linalg.inv(matrix) * keep[..., None, None]
    total = np.linalg.inv(weight.sum(axis=0))
    merged = (total @ (weight @ places[..., None]).sum(axis=0))[..., 0]
    count = keep.sum(axis=0)[..., None]
    within = (own * keep[..., None]).sum(axis=0) / count
    off = (places - merged) * keep[..., None]
    between = (
        np.stack((off[..., 0] ** 2, off[..., 0] * off[..., 1], off[..., 1] ** 2), axis=-1).sum(axis=0) / count
    )
    everyone = places - places.mean(axis=0)
    spread = np.sqrt((everyone**2).sum(axis=-1).mean(axis=0))
    return Merged(
        xy=merged.astype(np.float32),
        covariance=(within + between).astype(np.float32),
        spread=spread.astype(np.float32),
    )


def merge_decoded(found: Decoded, n_members: int) -> Decoded:
    """Merge the members of an ensemble whose maps were decoded side by side.

    Parameters
    ----------
    found : Decoded
        Of n_members x K maps: all points of the first member, then of the second, and so on.
    n_members : int
        Number of networks.

    Returns
    -------
    Decoded
        Of K points: places and covariances merged, measures of doubt averaged.
    """

    def split(values: Float32[np.ndarray, "n maps ..."]) -> Float32[np.ndarray, "member n keypoint ..."]:
        n, maps = values.shape[:2]
        parts: np.ndarray = values.reshape(n, n_members, maps // n_members, *values.shape[2:])
        return np.moveaxis(parts, 1, 0)

    merged = merge_members(split(found.xy), split(found.covariance))
    means = {
        name: split(getattr(found, name)).mean(axis=0)
        for name in ("mass", "visibility", "visibility_logit", "peak", "lead")
    }
    return Decoded(xy=merged.xy, covariance=merged.covariance, spread=merged.spread, **means)
