"""Sorting neurons by likeness, for rasters: groups, an order of the groups, a place for each neuron."""

import numpy as np

from mystax.core.typing import Float, Float64, Int32, Int64

__all__ = ["sort_neurons"]

MOST_GROUPS = 100
ITERATIONS = 20
SHARP, NEAR = 3, 8


def sort_neurons(
    loadings: Float[np.ndarray, "neuron component"], *, seed: int = 0
) -> Int32[np.ndarray, " neuron"]:
    """Sort neurons so that like ones lie together.

    Parameters
    ----------
    loadings : array (neuron, component)
        Components of each standardised neuron, scaled by their strength.
    seed : int, optional
        Start of the random numbers.

    Returns
    -------
    array (neuron,)
        Numbers of the neurons in their new order; it is for looking, no number is derived from it.
    """
    n = len(loadings)
    if n < 3:
        return np.arange(n, dtype=np.int32)
    length = np.linalg.norm(loadings, axis=1, keepdims=True)
    unit = np.asarray(loadings / np.where(length > 0, length, 1), np.float64)
    k = max(2, min(MOST_GROUPS, n // 10))
    group = _group(unit, k, np.random.default_rng([seed, 0x5E]))
    used = np.unique(group)
    group = np.searchsorted(used, group)
    centres = np.stack([unit[group == g].mean(0) for g in range(len(used))])
    size = np.linalg.norm(centres, axis=1, keepdims=True)
    centres = centres / np.where(size > 0, size, 1)
    rank = np.empty(len(used))
    rank[_spectral_order(np.maximum(centres @ centres.T, 0) ** SHARP)] = np.arange(len(used))
    near = np.maximum(unit @ centres.T, 0) ** NEAR
    total = near.sum(1)
    place = np.where(total > 0, near @ rank / np.where(total > 0, total, 1), rank[group])
    return np.lexsort((np.arange(n), place)).astype(np.int32)


def _group(
    unit: Float64[np.ndarray, "neuron component"], k: int, generator: np.random.Generator
) -> Int64[np.ndarray, " neuron"]:
    """Group directions by k-means, started far apart (k-means++)."""
    n = len(unit)
    centres = np.empty((k, unit.shape[1]))
    centres[0] = unit[generator.integers(n)]
    far = np.full(n, np.inf)
    for j in range(1, k):
        far = np.minimum(far, np.maximum(((unit - centres[j - 1]) ** 2).sum(1), 0))
        total = far.sum()
        chosen = generator.choice(n, p=far / total) if total > 0 else generator.integers(n)
        centres[j] = unit[chosen]
    group = np.zeros(n, np.int64)
    for _ in range(ITERATIONS):
        group = (unit @ centres.T - 0.5 * (centres**2).sum(1)).argmax(1)
        counts = np.bincount(group, minlength=k)
        sums = np.zeros_like(centres)
        np.add.at(sums, group, unit)
        centres = np.where(counts[:, None] > 0, sums / np.maximum(counts, 1)[:, None], centres)
    return np.asarray(group, np.int64)


def _spectral_order(likeness: Float64[np.ndarray, "group group"]) -> Int64[np.ndarray, " group"]:
    """Order groups by the second eigenvector of the normalised Laplacian, each connected part by itself."""
    from scipy.sparse.csgraph import connected_components

    np.fill_diagonal(likeness, 0)
    _, part = connected_components(likeness > 1e-6, directed=False)
    sizes = np.bincount(part)
    found: list[np.ndarray] = []
    for number in np.lexsort((np.arange(len(sizes)), -sizes)):
        members = np.flatnonzero(part == number)
        if len(members) > 2:
            inside = likeness[np.ix_(members, members)]
            root = 1 / np.sqrt(inside.sum(1))
            _, vectors = np.linalg.eigh(root[:, None] * inside * root)
            second = vectors[:, -2] * root
            second = second * (np.sign(second[np.abs(second).argmax()]) or 1)
            members = members[np.argsort(second, kind="stable")]
        found.append(members)
    return np.concatenate(found).astype(np.int64)
