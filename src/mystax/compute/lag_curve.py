"""Explained variance at one lag at a time: which moment of behaviour goes with the neurons."""

import numpy as np

from mystax.compute.component_features import base_signals
from mystax.compute.explained import explained_variance, interval_of
from mystax.compute.filterbank import Filterbank
from mystax.compute.filters import Filters, Shape
from mystax.compute.grid_bins import Bins
from mystax.compute.whitening import find_part
from mystax.core.behaviour import BehaviourGrid
from mystax.core.typing import Bool, Float, Float32, Float64

__all__ = ["LAGS", "lag_designs", "lag_peaks"]

LAGS = tuple(float(lag) for lag in np.linspace(-2, 4, 25))
HALF_WIDTH = 0.25
MOST_BYTES = 512 << 20
DRAWS_AT_ONCE = 256


def lag_designs(
    bank: Filterbank,
    grid: BehaviourGrid,
    bins: Bins,
    train: Bool[np.ndarray, " time"],
    width: float,
) -> Float32[np.ndarray, "lag time feature"]:
    """Make one small design per lag: every signal of the bank through one window.

    Parameters
    ----------
    bank : Filterbank
        Fitted on the training bins.
    grid : BehaviourGrid
        Behaviour.
    bins : Bins
        Neural bins.
    train : array (time,)
        Training bins.
    width : float
        Width of a bin [s]; windows are max(0.25 s, width) to each side.

    Returns
    -------
    array (lag, time, feature)
        Standardised on the training bins; the leading components of each part where all would be too many.
    """
    rate = float(grid.rate)
    shapes = [Shape.bump(lag, max(HALF_WIDTH, width), rate) for lag in LAGS]
    n_times = len(bins.first)
    room = max(1, MOST_BYTES // (len(LAGS) * n_times * 4))
    each = max(1, room // (7 * max(1, len(bank.parts_))))
    columns: list[list[np.ndarray]] = [[] for _ in LAGS]
    for fitted in bank.parts_:
        part = find_part(grid, fitted)
        filters = Filters(part.valid, rate)
        for number in range(min(fitted.n_components, each)):
            signals = base_signals(fitted, part, number, filters)
            for k, found in enumerate(filters.means(signals, shapes, bins)):
                columns[k] += list(found)
    made = np.empty((len(LAGS), n_times, len(columns[0])), np.float32)
    for k, some in enumerate(columns):
        for j, column in enumerate(some):
            inside = column[train]
            spread = inside.std()
            made[k, :, j] = (column - inside.mean()) / (spread if spread > 1e-9 else np.inf)
    return made


def _parabola(curve: Float64[np.ndarray, "lag neuron"]) -> Float64[np.ndarray, " neuron"]:
    """Return the place of the peak of each curve."""
    best = curve.argmax(0)
    lags = np.asarray(LAGS)
    inner = np.clip(best, 1, len(lags) - 2)
    n = np.arange(curve.shape[1])
    left, top, right = curve[inner - 1, n], curve[inner, n], curve[inner + 1, n]
    bend = left - 2 * top + right
    shift = np.where(bend < 0, 0.5 * (left - right) / np.where(bend < 0, bend, -1), 0)
    step = lags[1] - lags[0]
    return np.asarray(np.where(best == inner, lags[inner] + np.clip(shift, -0.5, 0.5) * step, lags[best]))


def lag_peaks(
    sse: Float[np.ndarray, "lag block neuron"],
    sst: Float[np.ndarray, "block neuron"],
    draws: Float64[np.ndarray, "draw block"],
    spread: float = 1.0,
) -> tuple[Float64[np.ndarray, "lag neuron"], Float64[np.ndarray, "3 neuron"]]:
    """Return the curves, and the peak of each neuron with its interval.

    Parameters
    ----------
    sse : array (lag, block, neuron)
        Squared errors at every lag.
    sst : array (block, neuron)
        Squared deviations.
    draws : array (draw, block)
        From `block_draws`.
    spread : float, optional
        How much farther from the statistic the ends lie than draws alone say, such as `FoldPlan.spread`.

    Returns
    -------
    curve, peak : array (lag, neuron), array (3, neuron)
        Explained variance; lag of the peak, ends of its 95 % interval [s].
    """
    curve = np.stack([explained_variance(item, sst) for item in sse])
    peak = np.full((3, sst.shape[1]), np.nan)
    known = np.isfinite(curve).all(0)
    peak[0, known] = _parabola(curve[:, known])
    for first in range(0, sst.shape[1], DRAWS_AT_ONCE):
        part = slice(first, first + DRAWS_AT_ONCE)
        whole = draws @ sst[:, part]
        left = np.einsum("db,lbn->ldn", draws, sse[:, :, part].astype(np.float64))
        drawn = 1 - left / np.where(whole > 0, whole, 1)
        # a draw of blocks in which the neuron does nothing knows no lag
        places = np.where(whole > 0, _parabola(drawn.reshape(len(sse), -1)).reshape(len(draws), -1), np.nan)
        places = peak[0, part] + spread * (places - peak[0, part])
        peak[1:, part] = interval_of(places, round(float(draws[0].sum())))
    peak[1:, ~known] = np.nan
    return curve, peak
