"""Which frames are worth labelling: different from each other, and where a model is unsure."""

import numpy as np

from mystax.core.typing import Bool, Float, Float64, Int64

__all__ = ["choose_different", "choose_unsure", "frame_features", "rank_share", "thumbnail"]

SIDE = 32
N_COMPONENTS = 20
N_STARTS, N_ROUNDS = 5, 30


def thumbnail(pixels: Float[np.ndarray, "y x"], side: int = SIDE) -> Float64[np.ndarray, "side side"]:
    """Return a small picture by area averages, its greys stretched between the 1st and 99th percentile.

    Parameters
    ----------
    pixels : array (y, x)
        Grey levels; at least 1 x 1.
    side : int, optional
        Rows and columns of the small picture.

    Returns
    -------
    array (side, side)
        About 0..1; zeros for a flat picture.
    """
    small = _averages(_averages(pixels, side).T, side).T
    low, high = np.percentile(small, [1, 99])
    if not high > low:
        return np.zeros((side, side))
    return np.asarray(np.clip((small - low) / (high - low), 0.0, 1.5))


def _averages(pixels: np.ndarray, n: int) -> np.ndarray:
    """Average rows into n equal shares of the height."""
    total = np.concatenate([np.zeros((1, pixels.shape[1])), np.cumsum(pixels, axis=0)])
    edges = np.linspace(0, len(pixels), n + 1)
    whole = np.minimum(edges.astype(np.int64), len(pixels) - 1)
    at = total[whole] + (edges - whole)[:, None] * pixels[whole]
    return np.asarray(np.diff(at, axis=0) * n / len(pixels))


def frame_features(
    thumbnails: Float64[np.ndarray, "n side side2"], n_components: int = N_COMPONENTS
) -> Float64[np.ndarray, "n component"]:
    """Return the principal components of small pictures.

    Parameters
    ----------
    thumbnails : array (n, side, side)
        Small pictures.
    n_components : int, optional
        Largest number of components.

    Returns
    -------
    array (n, component)
        Scores; the sign of each component is such that its largest weight is positive.
    """
    flat = thumbnails.reshape(len(thumbnails), -1)
    centred = flat - flat.mean(0)
    left, values, right = np.linalg.svd(centred, full_matrices=False)
    k = min(n_components, len(values))
    sign = np.sign(right[np.arange(k), np.abs(right[:k]).argmax(1)])
    return np.asarray(left[:, :k] * values[:k] * np.where(sign == 0, 1, sign))


def rank_share(values: Float[np.ndarray, " n"]) -> Float64[np.ndarray, " n"]:
    """Return ranks between 0 (least) and 1 (most); ties share theirs, missing values count 0.

    Examples
    --------
    >>> rank_share(np.array([5.0, 1.0, 1.0, np.nan])).tolist()
    [1.0, 0.25, 0.25, 0.0]
    """
    from scipy.stats import rankdata

    found = np.zeros(len(values))
    known = np.isfinite(values)
    n = int(known.sum())
    if n > 1:
        found[known] = (rankdata(values[known]) - 1) / (n - 1)
    return found


def _apart(time: np.ndarray, taken: list[int], gap: float) -> np.ndarray:
    """Tell which frames are at least `gap` from all taken ones."""
    free = np.ones(len(time), np.bool_)
    for i in taken:
        free &= np.abs(time - time[i]) >= gap
    return free


def choose_different(
    features: Float64[np.ndarray, "n component"],
    time: Float64[np.ndarray, " n"],
    n_wanted: int,
    *,
    gap: float = 0.5,
    allowed: Bool[np.ndarray, " n"] | None = None,
    seed: int = 0,
) -> Int64[np.ndarray, " chosen"]:
    """Choose frames that stand for all: those nearest to the centres of k-means clusters.

    Parameters
    ----------
    features : array (n, component)
        From `frame_features`.
    time : array (n,)
        Times of the frames [s].
    n_wanted : int
        How many.
    gap : float, optional
        Least time between two chosen frames [s].
    allowed : array (n,), optional
        Frames that may be chosen.
    seed : int, optional
        Of the clusters' start.

    Returns
    -------
    array (chosen,)
        Places of the frames, largest clusters first; fewer than asked for if time leaves no more.
    """
    may = np.ones(len(time), np.bool_) if allowed is None else allowed.copy()
    pool = np.flatnonzero(may)
    n = min(n_wanted, len(pool))
    if n == 0:
        return np.empty(0, np.int64)
    centres, which = _k_means(features[pool], n, np.random.default_rng(seed))
    taken: list[int] = []
    for number in np.argsort(-np.bincount(which, minlength=n), kind="stable"):
        distance = ((features - centres[number]) ** 2).sum(1)
        members = np.zeros(len(time), np.bool_)
        members[pool[which == number]] = True
        free = may & _apart(time, taken, gap)
        for choice in (free & members, free):
            if choice.any():
                taken.append(int(np.flatnonzero(choice)[np.argmin(distance[choice])]))
                break
    return np.array(taken, np.int64)


def _k_means(features: np.ndarray, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return centres and the cluster of each row: the best of some starts."""
    best: tuple[float, np.ndarray, np.ndarray] | None = None
    squares = (features**2).sum(1)
    for _ in range(N_STARTS):
        centres = features[_spread(features, n, rng)]
        which = np.full(len(features), -1)
        for _ in range(N_ROUNDS):
            distance = squares[:, None] - 2.0 * features @ centres.T + (centres**2).sum(1)
            before, which = which, distance.argmin(1)
            if (before == which).all():
                break
            count = np.bincount(which, minlength=n)
            total = np.stack([np.bincount(which, column, n) for column in features.T], 1)
            filled = count > 0
            centres = centres.copy()
            centres[filled] = total[filled] / count[filled, None]
        cost = float(distance[np.arange(len(features)), which].sum())
        if best is None or cost < best[0] - 1e-9 * abs(best[0]):
            best = (cost, centres, which)
    return (centres, which) if best is None else best[1:]


def _spread(features: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """Choose starts of clusters far from each other (k-means++)."""
    chosen = [int(rng.integers(len(features)))]
    distance = ((features - features[chosen[0]]) ** 2).sum(1)
    for _ in range(n - 1):
        total = distance.sum()
        share = distance / total if total > 0 else np.full(len(features), 1 / len(features))
        chosen.append(int(rng.choice(len(features), p=share)))
        distance = np.minimum(distance, ((features - features[chosen[-1]]) ** 2).sum(1))
    return np.array(chosen, np.int64)


def choose_unsure(
    features: Float64[np.ndarray, "n component"],
    suspicion: Float64[np.ndarray, " n"],
    time: Float64[np.ndarray, " n"],
    n_wanted: int,
    *,
    gap: float = 0.5,
    allowed: Bool[np.ndarray, " n"] | None = None,
    taken: Int64[np.ndarray, " already"] | None = None,
) -> Int64[np.ndarray, " chosen"]:
    """Choose frames that are suspicious and unlike those chosen before: greedy k-centre, weighted.

    Parameters
    ----------
    features : array (n, component)
        From `frame_features`.
    suspicion : array (n,)
        How likely a frame is wrong, 0 or more.
    time : array (n,)
        Times [s].
    n_wanted : int
        How many.
    gap : float, optional
        Least time between two chosen frames [s].
    allowed : array (n,), optional
        Frames that may be chosen.
    taken : array, optional
        Frames that are chosen already.

    Returns
    -------
    array (chosen,)
        Places of the frames, worst first.
    """
    may = np.ones(len(time), np.bool_) if allowed is None else allowed.copy()
    chosen: list[int] = [] if taken is None else [int(i) for i in taken]
    n_before = len(chosen)
    distance = np.full(len(time), np.inf)
    for i in chosen:
        distance = np.minimum(distance, np.sqrt(((features - features[i]) ** 2).sum(1)))
    usual = float(np.median(np.sqrt(((features - features.mean(0)) ** 2).sum(1)))) if len(time) else 0.0
    for _ in range(n_wanted):
        free = may & _apart(time, chosen, gap)
        free[chosen] = False
        if not free.any():
            break
        # a frame like a chosen one counts little; beyond the usual distance being different counts no more
        new = np.minimum(1.0, distance / usual) if usual > 0 else np.ones(len(time))
        weight = np.where(free, suspicion * new, -1.0)
        best = int(np.argmax(weight))
        chosen.append(best)
        distance = np.minimum(distance, np.sqrt(((features - features[best]) ** 2).sum(1)))
    return np.array(chosen[n_before:], np.int64)
