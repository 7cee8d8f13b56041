"""Stacking: non-negative weights of several models per neuron, from predictions made out of fold."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from mystax.core.typing import Float64

__all__ = ["MOST", "SHARED", "stack_error", "stack_weights"]

MOST = 1.2
"""Largest weight of a model."""
SHARED = 2.0
"""How many neurons' worth of evidence the mean over all neurons adds to each."""


def stack_weights(
    products: Float64[np.ndarray, "neuron member member"],
    across: Float64[np.ndarray, "neuron member"],
    *,
    pooled: float = SHARED,
    most: float = MOST,
) -> Float64[np.ndarray, "member neuron"]:
    """Weigh the models of each neuron.

    Minimises w'(G_n + 2 G)w - 2 w'(h_n + 2 h) over w >= 0, where G and h are the means over neurons: all
    sets of positive weights are tried.  Neurons without a signal go to the mean rather than below it.

    Parameters
    ----------
    products : array (neuron, member, member)
        Sums of products of the models' predictions, training mean removed.
    across : array (neuron, member)
        Sums of products of predictions and activity.
    pooled : float, optional
        Weight of the mean over neurons.
    most : float, optional
        Largest weight.

    Returns
    -------
    array (member, neuron)
        Weights.

    References
    ----------
    .. [1] Breiman (1996), Stacked regressions, doi:10.1007/BF00117832
    """
    n, m = across.shape
    quadratic = products + pooled * products.mean(axis=0)
    linear = across + pooled * across.mean(axis=0)
    best, found = np.zeros(n), np.zeros((n, m))
    for chosen in _sets(m):
        inside = quadratic[:, chosen][:, :, chosen]
        inside = inside + 1e-12 * np.trace(inside, axis1=1, axis2=2)[:, None, None] * np.eye(len(chosen))
        scale = np.trace(inside, axis1=1, axis2=2)
        usable = scale > 0
        inside[~usable] = np.eye(len(chosen))
        weights = np.linalg.solve(inside, linear[:, chosen, None])[:, :, 0]
        value = -(weights * linear[:, chosen]).sum(1)
        better = usable & (weights >= 0).all(1) & (value < best)
        best[better] = value[better]
        found[better] = 0
        found[np.ix_(np.flatnonzero(better), np.asarray(chosen))] = weights[better]
    return np.minimum(found, most).T


def _sets(m: int) -> Sequence[list[int]]:
    return [list(chosen) for size in range(1, m + 1) for chosen in combinations(range(m), size)]


def stack_error(
    weights: Float64[np.ndarray, "member neuron"],
    products: Float64[np.ndarray, "neuron member member"],
    across: Float64[np.ndarray, "neuron member"],
) -> Float64[np.ndarray, " neuron"]:
    """Return the squared error of weighted models, less that of predicting the mean.

    Parameters
    ----------
    weights : array (member, neuron)
        Weights.
    products, across : arrays
        As for `stack_weights`.

    Returns
    -------
    array (neuron,)
        Negative where the models help.
    """
    w = weights.T
    return np.asarray(np.einsum("na,nab,nb->n", w, products, w) - 2 * (w * across).sum(1))
