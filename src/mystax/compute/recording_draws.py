"""Intervals over recordings: individuals are drawn first, then their recordings, then blocks."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mystax.compute.explained import interval_of
from mystax.core.typing import Float64, Int64

__all__ = ["OverRecordings", "draw_recordings", "signed_rank"]

LEAST_RANKED = 6
"""Recordings (or individuals) from which on a signed-rank test is made."""


@dataclass(frozen=True)
class OverRecordings:
    """A mean over recordings.

    Attributes
    ----------
    mean : array (model,)
        Mean over individuals of the mean over their recordings.
    low, high : array (model,)
        95 % interval.
    """

    mean: Float64[np.ndarray, " model"]
    low: Float64[np.ndarray, " model"]
    high: Float64[np.ndarray, " model"]


def draw_recordings(
    values: Float64[np.ndarray, "recording model"],
    resampled: Float64[np.ndarray, "recording model draw"],
    individuals: Sequence[str],
    *,
    seed: int = 0,
) -> OverRecordings:
    """Average over recordings, with an interval in which the individual is the unit.

    Parameters
    ----------
    values : array (recording, model)
        One number for each recording.
    resampled : array (recording, model, draw)
        The same in draws of the blocks of each recording.
    individuals : sequence of str
        Whose recording it is; where each recording is a unit of its own, one name each.
    seed : int, optional
        Start of the random numbers.

    Returns
    -------
    OverRecordings
        Mean and interval for every model.

    Examples
    --------
    >>> values = np.array([[1.0], [3.0]])
    >>> found = draw_recordings(values, np.repeat(values[:, :, None], 1000, axis=2), ["a", "b"])
    >>> found.mean.tolist(), found.low.tolist(), found.high.tolist()
    ([2.0], [1.0], [3.0])
    """
    names = list(dict.fromkeys(individuals))
    owned = [np.flatnonzero([name == individual for individual in individuals]) for name in names]
    mean = np.mean([values[rows].mean(0) for rows in owned], axis=0)
    n_draws = resampled.shape[2]
    rng = np.random.default_rng([seed, 0xA11])
    found = np.empty((n_draws, values.shape[1]))
    for k in range(n_draws):
        chosen: list[Float64[np.ndarray, " model"]] = []
        for place in rng.integers(0, len(owned), len(owned)):
            rows: Int64[np.ndarray, " own"] = owned[place]
            some = rows[rng.integers(0, len(rows), len(rows))]
            chosen.append(resampled[some, :, rng.integers(0, n_draws, len(some))].mean(0))
        found[k] = np.mean(chosen, axis=0)
    low, high = interval_of(found, len(owned))
    return OverRecordings(mean, low, high)


def signed_rank(differences: Float64[np.ndarray, " unit"]) -> float:
    """Return the probability of Wilcoxon's signed-rank test, two-sided.

    Parameters
    ----------
    differences : array (unit,)
        One difference for each recording or individual.

    Returns
    -------
    float
        NaN for fewer than six, or where all are 0.
    """
    if len(differences) < LEAST_RANKED or not differences.any():
        return float("nan")
    from scipy.stats import wilcoxon

    return float(wilcoxon(differences).pvalue)
