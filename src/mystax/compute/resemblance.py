"""Columns of behaviour that are copies of a neuron: neural data that slipped among the behaviour."""

import numpy as np

from mystax.core.typing import Bool, Float32, Float64

__all__ = ["find_copies"]

ALIKE = 0.999
SLAB = 256
"""Neurons that are turned into double precision at once."""


def find_copies(
    columns: Float64[np.ndarray, "time column"],
    activity: Float32[np.ndarray, "time neuron"],
    usable: Bool[np.ndarray, " time"],
    alike: float = ALIKE,
) -> list[tuple[int, int, float]]:
    """Find columns that correlate with a neuron as only a copy does.

    Parameters
    ----------
    columns : array (time, column)
        Behaviour in the neurons' bins.
    activity : array (time, neuron)
        Neurons, or some of them.
    usable : array (time,)
        Bins that are looked at.
    alike : float, optional
        Correlation, of either sign, from which on a column counts as a copy.

    Returns
    -------
    list of (column, neuron, correlation)
        At most one neuron for each column: the one most alike.

    Examples
    --------
    >>> neurons = np.random.default_rng(0).standard_normal((50, 3)).astype(np.float32)
    >>> find_copies(2.0 * neurons[:, 1:2].astype(float) + 1, neurons, np.ones(50, bool))[0][:2]
    (0, 1)
    """
    scaled = _scaled(np.asarray(columns, np.float64)[usable])
    correlation = np.empty((columns.shape[1], activity.shape[1]))
    for first in range(0, activity.shape[1], SLAB):
        some = activity[:, first : first + SLAB][usable]
        correlation[:, first : first + SLAB] = scaled.T @ _scaled(some.astype(np.float64))
    found = []
    for k in range(correlation.shape[0]):
        best = int(np.abs(correlation[k]).argmax()) if correlation.shape[1] else -1
        if best >= 0 and abs(correlation[k, best]) > alike:
            found.append((k, best, float(correlation[k, best])))
    return found


def _scaled(values: Float64[np.ndarray, "time column"]) -> Float64[np.ndarray, "time column"]:
    """Bring columns to mean 0 and norm 1; constant or missing ones become 0."""
    if len(values) == 0:
        return values
    if np.isfinite(values.sum()):
        centred = values - values.mean(axis=0)
    else:
        centred = np.nan_to_num(values - np.nanmean(values, axis=0), posinf=0.0, neginf=0.0)
    norm = np.sqrt(np.einsum("tc,tc->c", centred, centred))
    centred /= np.where(norm > 0, norm, 1.0)
    return np.asarray(centred)
