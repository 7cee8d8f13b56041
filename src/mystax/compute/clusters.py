"""Groups of rows: k-means with fixed draws, stretches of time merged by Ward's cost, best cuts in two."""

import heapq
from collections.abc import Sequence

import numpy as np

from mystax.core.typing import Bool, Float64, Int64

__all__ = ["best_change", "k_means", "merged_stretches", "two_means"]

ROUNDS = 50


def k_means(
    points: Float64[np.ndarray, "row feature"],
    weights: Float64[np.ndarray, " row"],
    n_groups: int,
    draw: int,
    tries: int = 1,
) -> Int64[np.ndarray, " row"]:
    """Sort rows into groups around means, from k-means++ starts of a fixed generator.

    Parameters
    ----------
    points : array (row, feature)
        The rows.
    weights : array (row,)
        How much each counts.
    n_groups : int
        Number of groups; there are fewer if there are fewer different rows.
    draw : int
        Number of the draw; equal numbers give equal groups.
    tries : int, optional
        Starts, of which the one with the least spread is kept.

    Returns
    -------
    array (row,)
        Group of each row, from 0.
    """
    best, least = np.zeros(len(points), np.int64), np.inf
    for attempt in range(tries):
        generator = np.random.default_rng((0x57A7E5, draw, attempt))
        labels, spread = _one_k_means(points, weights, n_groups, generator)
        if spread < least:
            best, least = labels, spread
    return best


def _distances(
    points: Float64[np.ndarray, "row feature"], centres: Float64[np.ndarray, "group feature"]
) -> Float64[np.ndarray, "row group"]:
    squares = (centres**2).sum(1)
    return np.asarray(np.maximum((points**2).sum(1)[:, None] - 2 * points @ centres.T + squares, 0))


def _one_k_means(
    points: Float64[np.ndarray, "row feature"],
    weights: Float64[np.ndarray, " row"],
    n_groups: int,
    generator: np.random.Generator,
) -> tuple[Int64[np.ndarray, " row"], float]:
    n_groups = min(n_groups, len(points))
    centres = points[[_pick(weights, generator)]]
    for _ in range(1, n_groups):
        far = weights * _distances(points, centres).min(1)
        if far.sum() <= 0:
            break
        centres = np.concatenate([centres, points[[_pick(far, generator)]]])
    labels = np.full(len(points), -1, np.int64)
    distances = np.zeros((len(points), len(centres)))
    for _ in range(ROUNDS):
        distances = _distances(points, centres)
        fresh = distances.argmin(1)
        if np.array_equal(fresh, labels):
            break
        labels = fresh
        for k in range(len(centres)):
            inside = labels == k
            total = weights[inside].sum()
            if total > 0:
                centres[k] = weights[inside] @ points[inside] / total
    return labels, float((weights * distances[np.arange(len(points)), labels]).sum())


def _pick(weights: Float64[np.ndarray, " row"], generator: np.random.Generator) -> int:
    edges = np.cumsum(weights)
    return min(int(np.searchsorted(edges, generator.random() * edges[-1], "right")), len(weights) - 1)


def merged_stretches(
    points: Float64[np.ndarray, "frame feature"],
    is_start: Bool[np.ndarray, " frame"],
    counts: Sequence[int],
    n_chunks: int = 2000,
) -> dict[int, Int64[np.ndarray, " frame"]]:
    """Cut time into stretches: neighbours of the least Ward cost are merged until few are left.

    Parameters
    ----------
    points : array (frame, feature)
        Rows in time.
    is_start : array (frame,)
        Where a segment starts; nothing is merged across.
    counts : sequence of int
        Numbers of stretches that are wanted.
    n_chunks : int, optional
        Equal pieces at the start of the merging, at most.

    Returns
    -------
    dict of int to array (frame,)
        For each wanted number the stretch of each frame; there are more where segments allow no fewer.
    """
    n = len(points)
    width = max(1, -(-n // n_chunks))
    edges = np.unique(np.concatenate([np.arange(0, n, width), np.flatnonzero(is_start)]))
    chunk = np.cumsum(np.isin(np.arange(n), edges)) - 1
    m = len(edges)
    size = np.bincount(chunk, minlength=m).astype(float)
    sums = np.add.reduceat(points, edges, axis=0)
    after = np.arange(1, m + 1)
    before = np.arange(-1, m - 1)
    owner = np.arange(m)
    opens = is_start[edges].copy()
    version = np.zeros(m, np.int64)

    def cost(a: int, b: int) -> float:
        gap = sums[a] / size[a] - sums[b] / size[b]
        return float(size[a] * size[b] / (size[a] + size[b]) * (gap @ gap))

    heap = [(cost(a, a + 1), a, a + 1, 0, 0) for a in range(m - 1) if not opens[a + 1]]
    heapq.heapify(heap)
    found: dict[int, Int64[np.ndarray, " frame"]] = {}
    left = m
    for wanted in sorted(set(counts), reverse=True):
        while left > wanted and heap:
            _, a, b, version_a, version_b = heapq.heappop(heap)
            if version[a] != version_a or version[b] != version_b:
                continue
            sums[a] += sums[b]
            size[a] += size[b]
            owner[b] = a
            version[a] += 1
            version[b] = -1
            after[a] = after[b]
            if after[a] < m:
                before[after[a]] = a
            left -= 1
            left_side, right = int(before[a]), int(after[a])
            if left_side >= 0 and not opens[a]:
                heapq.heappush(
                    heap, (cost(left_side, a), left_side, a, int(version[left_side]), int(version[a]))
                )
            if right < m and not opens[right]:
                heapq.heappush(heap, (cost(a, right), a, right, int(version[a]), int(version[right])))
        heads = np.flatnonzero(version >= 0)
        found[wanted] = (np.searchsorted(heads, np.arange(m), "right") - 1)[chunk]
    return found


def two_means(points: Float64[np.ndarray, "row feature"]) -> Bool[np.ndarray, " row"]:
    """Cut rows in two by k-means, from a cut across the longest axis; true is the second part."""
    centred = points - points.mean(0)
    _, vectors = np.linalg.eigh(centred.T @ centred)
    side = centred @ vectors[:, -1] > 0
    for _ in range(20):
        if side.all() or not side.any():
            break
        middle = (points[side].mean(0) + points[~side].mean(0)) / 2
        fresh = (points - middle) @ (points[side].mean(0) - points[~side].mean(0)) > 0
        if np.array_equal(fresh, side):
            break
        side = fresh
    return np.asarray(side)


def best_change(points: Float64[np.ndarray, "row feature"]) -> Bool[np.ndarray, " row"]:
    """Cut rows in two at the moment that explains most variance; true is the later part."""
    n = len(points)
    if n < 2:
        return np.zeros(n, bool)
    sums = np.cumsum(points - points.mean(0), axis=0)[:-1]
    size = np.arange(1, n)
    gain = (sums**2).sum(1) * n / (size * (n - size))
    return np.arange(n) > int(gain.argmax())
