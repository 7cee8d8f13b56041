"""Which labels are kept back to judge a training, and whether the judged model is better."""

from dataclasses import dataclass

import numpy as np

from mystax.core.typing import Float, Float64, Int64

__all__ = ["Comparison", "Fold", "compare_paired", "make_folds"]

FEW = 40
"""Below this many labelled frames all of them are held out in turn."""

_SHARE = 0.2
_LEAST_GAP = 1.0
_LEAST_TRAINING = 5


@dataclass(frozen=True, slots=True)
class Fold:
    """One division of the labelled frames.

    Attributes
    ----------
    training, held_out : array
        Rows of the labels.
    """

    training: Int64[np.ndarray, " training"]
    held_out: Int64[np.ndarray, " held_out"]


def make_folds(
    recording: Int64[np.ndarray, " n"],
    time: Float64[np.ndarray, " n"],
    seed: int,
    *,
    by: str = "recording",
) -> tuple[list[Fold], str]:
    """Divide labelled frames so that held-out ones are no neighbours of training ones.

    Three recordings or more: whole recordings, about 20 % of the frames.  Otherwise contiguous blocks of
    time, at least 1 s away from training frames where the clock allows.  Fewer than 40 frames: three folds
    that hold every frame out once.

    Parameters
    ----------
    recording : array (n,)
        Number of each frame's recording.
    time : array (n,)
        Seconds within the recording; NaN where unknown, then the order counts.
    seed : int
        Chooses recordings.
    by : str, optional
        ``recording``, or ``block`` to use blocks of time even where there are many recordings.

    Returns
    -------
    folds : list of Fold
        One, or three where labels are few.
    words : str
        What was done, for the report.
    """
    n = len(recording)
    order = np.lexsort((np.arange(n), np.nan_to_num(time, nan=0.0), recording))
    names = np.unique(recording)
    n_folds = 3 if n < FEW else 1
    if by == "recording" and len(names) >= 3:
        shuffled = np.random.default_rng(seed).permutation(names)
        if n_folds == 1:
            groups = [_about_a_fifth(recording, shuffled)]
        else:
            groups = [np.isin(recording, part) for part in np.array_split(shuffled, 3)]
        folds = [Fold(np.flatnonzero(~held), np.flatnonzero(held)) for held in groups]
        return folds, f"{len(names)} recordings, whole recordings held out"
    if n_folds == 3:
        blocks = np.array_split(order, 3)
    else:
        length = max(1, round(_SHARE * n))
        begin = int(np.random.default_rng(seed).integers(0, n - length + 1))
        blocks = [order[begin : begin + length]]
    words = "one recording" if len(names) == 1 else f"{len(names)} recordings"
    return (
        [_block(block, recording, time) for block in blocks],
        f"{words}, blocks of time held out: errors on new recordings will be larger",
    )


def _about_a_fifth(recording: Int64[np.ndarray, " n"], shuffled: np.ndarray) -> np.ndarray:
    """Take whole recordings until about 20 % of the frames are taken; at least the smallest one."""
    held = np.zeros(len(recording), np.bool_)
    for name in shuffled:
        own = recording == name
        if held.sum() + own.sum() > 1.5 * _SHARE * len(recording):
            continue
        held |= own
        if held.sum() >= _SHARE * len(recording):
            break
    return held if held.any() else recording == min(shuffled, key=lambda name: (recording == name).sum())


def _block(block: np.ndarray, recording: np.ndarray, time: np.ndarray) -> Fold:
    """Hold a block out and drop training frames within a second of it, unless too few would remain."""
    rest = np.setdiff1d(np.arange(len(recording)), block)
    near = np.array(
        [
            bool(np.any((recording[block] == recording[i]) & (np.abs(time[block] - time[i]) < _LEAST_GAP)))
            for i in rest
        ],
        np.bool_,
    )
    if (~near).sum() >= max(_LEAST_TRAINING, len(rest) // 2):
        rest = rest[~near]
    return Fold(rest, np.sort(block))


@dataclass(frozen=True, slots=True)
class Comparison:
    """New against old on the same held-out frames.

    Attributes
    ----------
    new, old : float
        Mean errors [px@256].
    low, high : float
        95 % interval of the difference new - old, as a share of old.
    is_better : bool
        New mean lower, and the interval below +5 % of old.
    """

    new: float
    old: float
    low: float
    high: float
    is_better: bool


def compare_paired(
    new: Float[np.ndarray, "n keypoint"],
    old: Float[np.ndarray, "n keypoint"],
    seed: int,
    *,
    n_draws: int = 2000,
) -> Comparison:
    """Compare errors on the same frames by a bootstrap over frames.

    Parameters
    ----------
    new, old : array (n, keypoint)
        Errors [px@256]; NaN where a point is not known.
    seed : int
        Same seed, same interval.
    n_draws : int, optional
        Bootstrap draws (2000).

    Returns
    -------
    Comparison
        Means, interval and verdict; not better if nothing can be compared.
    """
    both = np.isfinite(new) & np.isfinite(old)
    frames = np.flatnonzero(both.any(axis=1))
    if not len(frames):
        return Comparison(float("nan"), float("nan"), float("nan"), float("nan"), is_better=False)
    counts = both[frames].sum(axis=1).astype(np.float64)
    sums_new = np.where(both, new, 0.0)[frames].sum(axis=1)
    sums_old = np.where(both, old, 0.0)[frames].sum(axis=1)
    draws = np.random.default_rng(seed).integers(0, len(frames), (n_draws, len(frames)))
    totals = counts[draws].sum(axis=1)
    gain = (sums_new[draws].sum(axis=1) - sums_old[draws].sum(axis=1)) / totals
    mean_new, mean_old = float(sums_new.sum() / counts.sum()), float(sums_old.sum() / counts.sum())
    low, high = (np.quantile(gain, [0.025, 0.975]) / max(mean_old, 1e-9)).tolist()
    return Comparison(mean_new, mean_old, low, high, is_better=mean_new < mean_old and high < 0.05)
