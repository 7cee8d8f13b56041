"""Errors of models on the test bins of a fold, summed per block and neuron, slab by slab."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from mystax.compute.folds import FoldPlan
from mystax.compute.population import Population
from mystax.core.typing import Bool, Float, Float32, Float64, Int64

__all__ = ["BlockScores", "Predict", "coarse_bins", "score_blocks", "stack_sums"]

COARSE = 4
"""Bins of a coarse mean."""

Predict = Callable[[slice, slice], Iterable[Float32[np.ndarray, "some others"]]]
"""Gives what each model predicts, in z units, for some of a fold's test bins and some neurons."""


@dataclass(frozen=True)
class BlockScores:
    """What is kept of the predictions of one fold.

    Attributes
    ----------
    blocks : array (block,)
        Numbers of the blocks that the fold tests.
    sse : array (model, block, neuron)
        Squared errors.
    sst : array (block, neuron)
        Squared deviations from the mean of the fold's test bins.
    products : array (model, 5, neuron)
        Sums of activity, prediction, their squares and their product, for the correlation.
    n : int
        Test bins.
    coarse : array (model, 5, neuron)
        As `products`, of means of four neighbouring test bins.
    n_coarse : int
        Number of these means.
    """

    blocks: Int64[np.ndarray, " block"]
    sse: Float32[np.ndarray, "model block neuron"]
    sst: Float32[np.ndarray, "block neuron"]
    products: Float64[np.ndarray, "model five neuron"]
    n: int
    coarse: Float64[np.ndarray, "model five neuron"]
    n_coarse: int


def score_blocks(
    population: Population,
    units: tuple[Float64[np.ndarray, " neuron"], Float64[np.ndarray, " neuron"]],
    plan: FoldPlan,
    fold: int,
    predictor: Predict,
    n_models: int,
    *,
    with_products: bool = True,
) -> BlockScores:
    """Compare the predictions of several models with the activity of the test bins, block by block.

    Parameters
    ----------
    population : Population
        The neurons.
    units : pair of arrays (neuron,)
        Mean and sd of the training bins.
    plan : FoldPlan
        Folds.
    fold : int
        Which one.
    predictor : callable
        Takes a slice of the test bins and a slab of neurons; gives the predictions of one model after
        another.
    n_models : int
        Number of models.
    with_products : bool, optional
        Whether the sums for correlations are wanted.

    Returns
    -------
    BlockScores
        Sums per block and neuron.
    """
    rows = plan.test(fold)
    block = plan.block[rows]
    blocks = np.unique(block)
    edges = np.append(np.searchsorted(block, blocks), len(block))
    n = population.n
    sse = np.zeros((n_models, len(blocks), n), np.float32)
    sst = np.empty((len(blocks), n), np.float32)
    products, coarse = np.zeros((2, n_models, 5, n))
    fours = coarse_bins(rows, plan.block) if with_products else np.empty((0, COARSE), np.int64)
    groups = np.searchsorted(fours[:, 0], edges)
    for slab in population.slabs:
        whole = population.standardised(slab, *units, rows)
        mean = whole.mean(0, dtype=np.float64).astype(np.float32)
        for b, (start, stop) in enumerate(pairwise(edges.tolist())):
            y, some = whole[start:stop], fours[groups[b] : groups[b + 1]] - start
            sst[b, slab] = _squares(y - mean)
            means = y[some].mean(1)
            for k, p in enumerate(predictor(slice(start, stop), slab)):
                sse[k, b, slab] = _squares(y - p)
                if with_products:
                    products[k, :, slab] += _products(y, p)
                    coarse[k, :, slab] += _products(means, p[some].mean(1))
    return BlockScores(blocks, sse, sst, products, int(rows.sum()), coarse, len(fours))


def _squares(far: Float32[np.ndarray, "test some"]) -> Float32[np.ndarray, " some"]:
    """Return the sum of squares of every column."""
    return np.asarray(np.einsum("tn,tn->n", far, far))


def coarse_bins(
    rows: Bool[np.ndarray, " time"], block: Int64[np.ndarray, " time"]
) -> Int64[np.ndarray, "group bin"]:
    """Group bins in fours that follow each other within a block.

    Parameters
    ----------
    rows : array (time,)
        Bins that are grouped.
    block : array (time,)
        Block of each bin.

    Returns
    -------
    array (group, 4)
        Positions among the bins that are grouped; what is left over at the end of a run is not used.

    Examples
    --------
    >>> coarse_bins(np.array([True] * 5 + [False] + [True] * 4), np.zeros(10, np.int64)).tolist()
    [[0, 1, 2, 3], [5, 6, 7, 8]]
    """
    places = np.flatnonzero(rows)
    breaks = (np.diff(places) > 1) | (np.diff(block[places]) != 0)
    runs = np.split(np.arange(len(places)), np.flatnonzero(breaks) + 1)
    whole = [run[: len(run) // COARSE * COARSE].reshape(-1, COARSE) for run in runs]
    return np.concatenate(whole).astype(np.int64)


def _products(
    y: Float[np.ndarray, "test some"], p: Float[np.ndarray, "test some"]
) -> Float64[np.ndarray, "five some"]:
    sums = [y.sum(0), p.sum(0)] + [np.einsum("tn,tn->n", a, b) for a, b in ((y, y), (p, p), (y, p))]
    return np.stack(sums).astype(np.float64)


def stack_sums(
    population: Population,
    units: tuple[Float64[np.ndarray, " neuron"], Float64[np.ndarray, " neuron"]],
    rows: np.ndarray,
    loadings: Float64[np.ndarray, "neuron component"],
    held: Sequence[Float32[np.ndarray, "train component"]],
) -> tuple[Float64[np.ndarray, "neuron member member"], Float64[np.ndarray, "neuron member"]]:
    """Add up what stacking needs to know: products of out-of-fold predictions, and with the activity.

    Parameters
    ----------
    population : Population
        The neurons.
    units : pair of arrays (neuron,)
        Mean and sd of the training bins.
    rows : array (time,)
        Training bins.
    loadings : array (neuron, component)
        Components of the population.
    held : sequence of arrays (train, component)
        Out-of-fold predictions of the components by each member.

    Returns
    -------
    products, across : arrays (neuron, member, member), (neuron, member)
        Sums over training bins, the mean of each prediction removed.
    """
    m = len(held)
    centred = [p - p.mean(0, dtype=np.float64).astype(np.float32) for p in held]
    inside = np.array([[a.T.astype(np.float64) @ b for b in centred] for a in centred])
    products = np.empty((population.n, m, m))
    across = np.empty((population.n, m))
    for slab in population.slabs:
        y = population.standardised(slab, *units, rows)
        v = loadings[slab]
        for a in range(m):
            across[slab, a] = np.einsum("nr,rn->n", v, centred[a].T @ y)
            for b in range(a, m):
                products[slab, a, b] = products[slab, b, a] = np.einsum("nr,nr->n", v @ inside[a, b], v)
    return products, across
