"""Which state of one fit is which of another: by the frames that they share, else by what they look like."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from mystax.analyses.states_outcome import model_of_dataset
from mystax.compute.alignment import align_frames
from mystax.compute.features import FeatureModel
from mystax.compute.statistics import adjusted_rand, contingency, matched_states, mutual_information
from mystax.core.typing import Float64, Int64
from mystax.errors import WeightsError

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = ["StateMatch", "bhattacharyya", "match_states"]

ALIKE = 0.5
"""Likeness from which states of a pair count as the same."""


@dataclass(frozen=True, eq=False)
class StateMatch:
    """States of two fits, paired.

    Attributes
    ----------
    how : {"frames", "emissions"}
        By shared frames (Jaccard overlap), or by the emissions (Bhattacharyya coefficient).
    likeness : array (state, other_state)
        0..1.
    pairs : tuple of (int, int)
        State of the first fit and of the second, from 1; each at most once.
    share : float
        Share of the time in states that are paired: of the shared frames, those that both fits put into
        one pair; without such frames the share of the time of both in pairs that are alike.
    unmatched, other_unmatched : tuple of int
        States of either fit without a partner of likeness 0.5 or more.
    confusion : array (state, other_state)
        Shared frames in each combination; zeros without shared frames.
    agreement, information : float
        Adjusted Rand index and normalised mutual information of the shared frames; NaN without.
    """

    how: Literal["frames", "emissions"]
    likeness: Float64[np.ndarray, "state other"]
    pairs: tuple[tuple[int, int], ...]
    share: float
    unmatched: tuple[int, ...]
    other_unmatched: tuple[int, ...]
    confusion: Int64[np.ndarray, "state other"]
    agreement: float
    information: float


def match_states(first: Sequence[Dataset], second: Sequence[Dataset]) -> StateMatch:
    """Pair the states of two fits.

    Parameters
    ----------
    first, second : sequence of Dataset
        Outcomes of one fit each, one per recording.  Recordings that are in both (of equal content) share
        frames where their times are equal.

    Returns
    -------
    StateMatch
        The pairs of the greatest likeness in sum (Hungarian assignment).

    Raises
    ------
    WeightsError
        M702, if no frames are shared and the fits are of other points or features.
    FormatError
        F804, if an outcome carries no model.

    References
    ----------
    .. [1] Bhattacharyya (1946), On a measure of divergence between two multinomial populations
    """
    size = (int(first[0].sizes["state"]), int(second[0].sizes["state"]))
    one, two = _shared_labels(first, second)
    agreement = information = float("nan")
    confusion = np.zeros(size, np.int64)
    if len(one):
        table = contingency(one, two)
        confusion[: table.shape[0], : table.shape[1]] = table
        either = confusion.sum(1)[:, None] + confusion.sum(0)[None] - confusion
        likeness = confusion / np.maximum(either, 1)
        agreement, information = adjusted_rand(one, two), mutual_information(one, two)
    else:
        likeness = _emission_likeness(first[0], second[0])
    pairs = [(a, b) for a, b in matched_states(likeness) if likeness[a, b] > 0]
    alike = [(a, b) for a, b in pairs if likeness[a, b] >= ALIKE]
    if len(one):
        share = float(sum(confusion[a, b] for a, b in pairs) / len(one))
    else:
        times = [_times(first), _times(second)]
        inside = [sum(times[side][pair[side]] for pair in alike) for side in (0, 1)]
        share = float(sum(inside) / max(1e-300, sum(item.sum() for item in times)))
    return StateMatch(
        "frames" if len(one) else "emissions",
        likeness,
        tuple((a + 1, b + 1) for a, b in pairs),
        share,
        tuple(sorted(set(range(1, size[0] + 1)) - {a + 1 for a, _ in alike})),
        tuple(sorted(set(range(1, size[1] + 1)) - {b + 1 for _, b in alike})),
        confusion,
        agreement,
        information,
    )


def _times(datasets: Sequence[Dataset]) -> Float64[np.ndarray, " state"]:
    return np.asarray(np.sum([item["occupancy_time"].values for item in datasets], axis=0))


def _shared_labels(
    first: Sequence[Dataset], second: Sequence[Dataset]
) -> tuple[Int64[np.ndarray, " frame"], Int64[np.ndarray, " frame"]]:
    """Return the labels, from 0, of the frames that both fits have labelled."""
    others = {str(item.attrs.get("recording_id", "")): item for item in second}
    one, two = [], []
    for item in first:
        identity = str(item.attrs.get("recording_id", ""))
        if not identity or identity not in others:
            continue
        other = others[identity]
        # times of one recording on one clock: equal to a microsecond where they are the same frame
        now, then = (
            np.round(1e6 * np.asarray(side["time"].values)).astype(np.int64) for side in (item, other)
        )
        _, a, b = np.intersect1d(now, then, return_indices=True)
        own, theirs = item["label"].values[a], other["label"].values[b]
        known = (own > 0) & (theirs > 0)
        one.append(own[known].astype(np.int64) - 1)
        two.append(theirs[known].astype(np.int64) - 1)
    if not one:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    return np.concatenate(one), np.concatenate(two)


def _emission_likeness(first: Dataset, second: Dataset) -> Float64[np.ndarray, "state other"]:
    """Return the Bhattacharyya coefficients of all pairs of emissions, in the features of the second fit.

    Shapes are compared both as they are and from the middle face of each fit, whichever makes the fits more
    alike: one person's middle face moves with what is shown most, two persons have two faces.
    """
    ours, hmm = model_of_dataset(first)
    theirs, other = model_of_dataset(second)
    points = [
        [str(name) for name in item["keypoint"].values] if "keypoint" in item.coords else []
        for item in (first, second)
    ]
    if points[0] != points[1] or list(ours.columns) != list(theirs.columns):
        raise WeightsError(
            "M702",
            "matching of states",
            "no frames are shared, and the fits are of other points or features",
            expected=", ".join([*points[0], *ours.columns])[:300],
            got=", ".join([*points[1], *theirs.columns])[:300],
        )
    linear, shift, left, apart = _feature_map(ours, theirs)
    floor = 1e-6 * np.eye(len(shift))
    tried = []
    for centre in (shift, shift + apart):
        found = np.zeros((hmm.n_states, other.n_states))
        for a in range(hmm.n_states):
            mean = linear @ hmm.means[a] + centre
            spread = linear @ hmm.covariances[a] @ linear.T + left + floor
            for b in range(other.n_states):
                found[a, b] = bhattacharyya(mean, spread, other.means[b], other.covariances[b])
        tried.append(found)
    return max(tried, key=lambda one: sum(one[pair] for pair in matched_states(one)))


def bhattacharyya(
    mean: Float64[np.ndarray, " feature"],
    spread: Float64[np.ndarray, "feature feature_too"],
    other_mean: Float64[np.ndarray, " feature"],
    other_spread: Float64[np.ndarray, "feature feature_too"],
) -> float:
    """Return the overlap of two Gaussian distributions, 0..1: the integral of the root of their product.

    Parameters
    ----------
    mean, other_mean : array (feature,)
        Means.
    spread, other_spread : array (feature, feature)
        Covariances.

    Returns
    -------
    float
        1 for equal ones.

    Examples
    --------
    >>> bhattacharyya(np.zeros(2), np.eye(2), np.zeros(2), np.eye(2))
    1.0
    """
    both = (spread + other_spread) / 2
    gap = mean - other_mean
    logs = [float(np.linalg.slogdet(item)[1]) for item in (both, spread, other_spread)]
    distance = float(gap @ np.linalg.solve(both, gap)) / 8 + (logs[0] - (logs[1] + logs[2]) / 2) / 2
    return float(np.exp(-max(distance, 0.0)))


def _feature_map(
    ours: FeatureModel, theirs: FeatureModel
) -> tuple[
    Float64[np.ndarray, "feature ours"],
    Float64[np.ndarray, " feature"],
    Float64[np.ndarray, "feature feature_too"],
    Float64[np.ndarray, " feature"],
]:
    """Return how features of one fit become those of another.

    A matrix, a shift, the covariance that is left out, and how far the middle faces lie apart.

    Scores become coordinates on the first template, are turned with it onto the second, and become scores
    again; what the first components leave out has the variance of their noise in every direction.
    """
    blocks, shifts, rests, apart = [], [], [], []
    if (ours.shape is None) != (theirs.shape is None):
        raise WeightsError("M702", "matching of states", "only one of the fits has the shape as a feature")
    if ours.shape is not None and theirs.shape is not None:
        turn = _turn_between(ours, theirs)
        n_points, space = ours.template.shape
        whole = np.kron(np.eye(n_points), turn)
        back = ours.shape.loadings.T * np.sqrt(ours.shape.variances)
        weights = np.repeat(1 / ours.shape.weight, space), np.repeat(theirs.shape.weight, space)
        carry = weights[1][:, None] * whole * weights[0][None]
        there = theirs.shape.loadings / np.sqrt(theirs.shape.variances)[:, None]
        outside = np.eye(len(back)) - ours.shape.loadings.T @ ours.shape.loadings
        blocks.append(there @ carry @ back)
        shifts.append(there @ (carry @ ours.shape.mean - theirs.shape.mean))
        middle = whole @ np.nan_to_num(ours.centre_shape).ravel() - np.nan_to_num(theirs.centre_shape).ravel()
        apart.append(there @ (weights[1] * middle))
        rests.append(ours.shape.noise * there @ carry @ outside @ (there @ carry).T)
    for name, own in ours.columns.items():
        other = theirs.columns[name]
        live = np.isfinite(own.scale) & np.isfinite(other.scale)
        scale = np.where(live, own.scale, 0)
        onto = other.loadings * np.where(live, 1 / np.where(live, other.scale, 1), 0)
        blocks.append(onto @ (scale[:, None] * np.linalg.pinv(own.loadings)))
        shifts.append(onto @ (own.median - other.median))
        rests.append(np.zeros((len(other.loadings), len(other.loadings))))
        apart.append(np.zeros(len(other.loadings)))
    from scipy.linalg import block_diag

    return block_diag(*blocks), np.concatenate(shifts), block_diag(*rests), np.concatenate(apart)


def _turn_between(ours: FeatureModel, theirs: FeatureModel) -> Float64[np.ndarray, "space space_too"]:
    """Return the turn, with the scale, that lays one template onto the other."""
    space = ours.template.shape[1]
    if ours.rules.align != theirs.rules.align:
        raise WeightsError(
            "M702",
            "matching of states",
            "the fits align faces in different ways",
            expected=ours.rules.align,
            got=theirs.rules.align,
        )
    if ours.rules.align not in ("rigid", "similarity") or ours.rules.groups:
        return np.eye(space)
    found = align_frames(ours.template[None], theirs.template, ours.rules.rigid, ours.rules.align)
    turn = found.rotation[0].T / float(found.scale[0])
    return np.asarray(turn) if np.isfinite(turn).all() else np.eye(space)
