"""Explained variance on held-out time, per neuron and population, with intervals from whole blocks."""

from dataclasses import dataclass

import numpy as np

from mystax.core.typing import Float, Float64

__all__ = [
    "DRAWS",
    "PopulationVariance",
    "bits_per_spike",
    "block_draws",
    "correlation_from_sums",
    "deviance_explained",
    "explained_interval",
    "explained_variance",
    "gain_interval",
    "interval_of",
    "population_variance",
]

DRAWS = 1000
COVERED = 0.95
SLAB = 2048
"""Neurons whose bootstrap is held in memory at once."""


def explained_variance(
    sse: Float[np.ndarray, "block neuron"], sst: Float[np.ndarray, "block neuron"]
) -> Float64[np.ndarray, " neuron"]:
    """Return 1 - SSE / SST of each neuron, never clipped.

    Parameters
    ----------
    sse : array (block, neuron)
        Squared errors, summed per block.
    sst : array (block, neuron)
        Squared deviations from the mean of the fold's test bins, summed per block.

    Returns
    -------
    array (neuron,)
        NaN where there is no variance.

    Examples
    --------
    >>> explained_variance(np.array([[1.0]]), np.array([[4.0]])).tolist()
    [0.75]
    """
    total = sst.sum(0, dtype=np.float64)
    error = sse.sum(0, dtype=np.float64)
    return np.where(total > 0, 1 - error / np.where(total > 0, total, 1), np.nan)


def block_draws(n_blocks: int, *, n_draws: int = DRAWS, seed: int = 0) -> Float64[np.ndarray, "draw block"]:
    """Draw blocks with replacement: how often each block counts in each draw.

    Parameters
    ----------
    n_blocks : int
        Number of blocks.
    n_draws : int, optional
        Number of draws.
    seed : int, optional
        Seed; the same draws serve all models, so that differences are paired.

    Returns
    -------
    array (draw, block)
        Counts; every row sums to the number of blocks.
    """
    chosen = np.random.default_rng([seed, 0xB00]).integers(0, n_blocks, (n_draws, n_blocks))
    counts = np.zeros((n_draws, n_blocks))
    np.add.at(counts, (np.arange(n_draws)[:, None], chosen), 1)
    return counts


def _drawn(
    sse: Float64[np.ndarray, "block neuron"],
    sst: Float64[np.ndarray, "block neuron"],
    draws: Float64[np.ndarray, "draw block"],
) -> Float64[np.ndarray, "draw neuron"]:
    return 1 - _shares(draws @ sse, draws @ sst)


def _shares(
    part: Float64[np.ndarray, "draw neuron"], whole: Float64[np.ndarray, "draw neuron"]
) -> np.ndarray:
    """Divide; NaN where there is no variance: draws may leave out all blocks in which a neuron is active."""
    return np.where(whole > 0, part / np.where(whole > 0, whole, 1), np.nan)


def interval_of(values: Float64[np.ndarray, "draw ..."], n_units: int) -> Float64[np.ndarray, "2 ..."]:
    """Return the 95 % interval of what was drawn: low, then high.

    Percentiles of few units are too narrow; they are taken as far out as Student's t asks for.

    Parameters
    ----------
    values : array (draw, ...)
        A statistic in every draw; NaN in those that do not know it, which count nothing.
    n_units : int
        Number of units (blocks, recordings, animals) that were drawn.

    Returns
    -------
    array (2, ...)
        Ends of the interval.

    References
    ----------
    .. [1] Hesterberg (2015), doi:10.1080/00031305.2015.1089789, section 3.3 (expanded percentiles)
    """
    from scipy.special import ndtr, stdtrit

    n = max(n_units, 2)
    reach = np.sqrt(n / (n - 1)) * stdtrit(n - 1, (1 + COVERED) / 2)
    ends = [100 * ndtr(-reach), 100 * ndtr(reach)]
    columns = np.asarray(values, np.float64).reshape(len(values), -1)
    found = np.asarray(np.percentile(columns, ends, axis=0))
    unknown = np.isnan(columns)
    some = unknown.any(axis=0) & ~unknown.all(axis=0)
    if some.any():
        found[:, some] = np.nanpercentile(columns[:, some], ends, axis=0)
    return found.reshape(2, *values.shape[1:])


def _interval(
    values: Float64[np.ndarray, "draw neuron"],
    draws: Float64[np.ndarray, "draw block"],
    centre: Float64[np.ndarray, " neuron"],
    spread: float,
) -> Float64[np.ndarray, "side neuron"]:
    return interval_of(centre + spread * (values - centre), round(float(draws[0].sum())))


def explained_interval(
    sse: Float[np.ndarray, "block neuron"],
    sst: Float[np.ndarray, "block neuron"],
    draws: Float64[np.ndarray, "draw block"],
    spread: float = 1.0,
) -> Float64[np.ndarray, "side neuron"]:
    """Return the 95 % interval of explained variance per neuron: low, then high.

    Parameters
    ----------
    sse, sst : array (block, neuron)
        As for `explained_variance`.
    draws : array (draw, block)
        From `block_draws`.
    spread : float, optional
        How much farther from the statistic the ends lie than draws alone say, such as `FoldPlan.spread`.

    Returns
    -------
    array (2, neuron)
        Ends of the interval.
    """
    found = np.empty((2, sse.shape[1]))
    for start in range(0, sse.shape[1], SLAB):
        part = slice(start, start + SLAB)
        a, b = np.asarray(sse[:, part], np.float64), np.asarray(sst[:, part], np.float64)
        found[:, part] = _interval(_drawn(a, b, draws), draws, explained_variance(a, b), spread)
    return found


def gain_interval(
    sse: Float[np.ndarray, "block neuron"],
    baseline: Float[np.ndarray, "block neuron"],
    sst: Float[np.ndarray, "block neuron"],
    draws: Float64[np.ndarray, "draw block"],
    spread: float = 1.0,
) -> Float64[np.ndarray, "side neuron"]:
    """Return the 95 % interval of a gain over a baseline per neuron, paired by block.

    Parameters
    ----------
    sse, baseline : array (block, neuron)
        Squared errors of the two models.
    sst : array (block, neuron)
        Squared deviations.
    draws : array (draw, block)
        From `block_draws`.
    spread : float, optional
        How much farther from the statistic the ends lie than draws alone say, such as `FoldPlan.spread`.

    Returns
    -------
    array (2, neuron)
        Ends of the interval.
    """
    found = np.empty((2, sse.shape[1]))
    for start in range(0, sse.shape[1], SLAB):
        part = slice(start, start + SLAB)
        a, c, b = (np.asarray(item[:, part], np.float64) for item in (sse, baseline, sst))
        gain = explained_variance(a, b) - explained_variance(c, b)
        found[:, part] = _interval(_shares(draws @ (c - a), draws @ b), draws, gain, spread)
    return found


@dataclass(frozen=True)
class PopulationVariance:
    """Explained variance of a population.

    Attributes
    ----------
    mean, median, pooled : float
        Over neurons, and 1 - sum SSE / sum SST.
    low, high : float
        95 % interval of the mean.
    share_negative : float
        Neurons below 0.
    drawn : array (draw,)
        The mean in every draw, for differences and ratios; as far from `mean` as its interval asks for.
    """

    mean: float
    median: float
    pooled: float
    low: float
    high: float
    share_negative: float
    drawn: Float64[np.ndarray, " draw"]


def population_variance(
    sse: Float[np.ndarray, "block neuron"],
    sst: Float[np.ndarray, "block neuron"],
    draws: Float64[np.ndarray, "draw block"],
    spread: float = 1.0,
) -> PopulationVariance:
    """Return what a model explains of a population.

    Parameters
    ----------
    sse, sst : array (block, neuron)
        As for `explained_variance`.
    draws : array (draw, block)
        From `block_draws`.
    spread : float, optional
        How much farther from the statistic the ends lie than draws alone say, such as `FoldPlan.spread`.

    Returns
    -------
    PopulationVariance
        Mean, median, pooled, interval of the mean.
    """
    each = explained_variance(sse, sst)
    total, n = np.zeros(len(draws)), np.zeros(len(draws))
    for start in range(0, sse.shape[1], SLAB):
        part = slice(start, start + SLAB)
        drawn = _drawn(np.asarray(sse[:, part], np.float64), np.asarray(sst[:, part], np.float64), draws)
        total += np.nansum(drawn, axis=1)
        n += np.isfinite(drawn).sum(1)
    drawn_mean = np.where(n > 0, total / np.maximum(n, 1), np.nan)
    known = each[np.isfinite(each)]
    if not len(known):
        return PopulationVariance(np.nan, np.nan, np.nan, np.nan, np.nan, np.nan, drawn_mean)
    mean = float(known.mean())
    drawn_mean = mean + spread * (drawn_mean - mean)
    low, high = interval_of(drawn_mean, round(float(draws[0].sum())))
    pooled = 1 - float(sse.sum(dtype=np.float64) / sst.sum(dtype=np.float64))
    return PopulationVariance(
        mean,
        float(np.median(known)),
        pooled,
        float(low),
        float(high),
        float((known < 0).mean()),
        drawn_mean,
    )


def correlation_from_sums(
    n: float,
    y: Float64[np.ndarray, " neuron"],
    p: Float64[np.ndarray, " neuron"],
    yy: Float64[np.ndarray, " neuron"],
    pp: Float64[np.ndarray, " neuron"],
    yp: Float64[np.ndarray, " neuron"],
) -> Float64[np.ndarray, " neuron"]:
    """Return Pearson's correlation of activity and prediction from their sums.

    Parameters
    ----------
    n : float
        Number of bins.
    y, p, yy, pp, yp : array (neuron,)
        Sums of activity, prediction, and their products.

    Returns
    -------
    array (neuron,)
        0 where the prediction is constant.
    """
    cross = yp - y * p / n
    spread = np.maximum(yy - y * y / n, 0) * np.maximum(pp - p * p / n, 0)
    return np.where(spread > 0, cross / np.sqrt(np.where(spread > 0, spread, 1)), 0.0)


def _safe(prediction: np.ndarray, mean: np.ndarray) -> np.ndarray:
    return np.asarray(np.maximum(prediction, 0.01 * mean))


def _deviance(counts: np.ndarray, expected: np.ndarray) -> np.ndarray:
    from scipy.special import xlogy

    found: np.ndarray = (xlogy(counts, counts / np.maximum(expected, 1e-12)) - (counts - expected)).sum(0)
    return found


def deviance_explained(
    counts: Float[np.ndarray, "time neuron"],
    prediction: Float[np.ndarray, "time neuron"],
    mean: Float[np.ndarray, "time neuron"],
) -> Float64[np.ndarray, " neuron"]:
    """Return the share of the Poisson deviance that a prediction explains.

    Parameters
    ----------
    counts : array (time, neuron)
        Spikes per bin.
    prediction : array (time, neuron)
        Expected spikes per bin; raised to a hundredth of the mean where it is lower.
    mean : array (time, neuron)
        The mean of the training bins.

    Returns
    -------
    array (neuron,)
        1 for a perfect prediction, 0 for the mean.
    """
    y, m0 = np.asarray(counts, np.float64), np.asarray(mean, np.float64)
    null = _deviance(y, np.maximum(m0, 1e-12))
    model = _deviance(y, np.maximum(_safe(np.asarray(prediction, np.float64), m0), 1e-12))
    return np.where(null > 0, 1 - model / np.where(null > 0, null, 1), np.nan)


def bits_per_spike(
    counts: Float[np.ndarray, "time neuron"],
    prediction: Float[np.ndarray, "time neuron"],
    mean: Float[np.ndarray, "time neuron"],
) -> Float64[np.ndarray, " neuron"]:
    """Return the log-likelihood gain over the mean in bits per spike.

    Parameters
    ----------
    counts, prediction, mean : array (time, neuron)
        As for `deviance_explained`.

    Returns
    -------
    array (neuron,)
        Bits; NaN for a neuron without spikes.
    """
    y, m0 = np.asarray(counts, np.float64), np.maximum(np.asarray(mean, np.float64), 1e-12)
    model = np.maximum(_safe(np.asarray(prediction, np.float64), m0), 1e-12)
    spikes = y.sum(0)
    gain = (y * np.log(model / m0) - (model - m0)).sum(0) / np.log(2)
    return np.where(spikes > 0, gain / np.where(spikes > 0, spikes, 1), np.nan)
