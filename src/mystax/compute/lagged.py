"""The lagged design: standardised behaviour at many lags, smoothed and nothing else.  It is the baseline."""

import numpy as np

from mystax.compute.estimator import Estimator
from mystax.compute.grid_bins import Bins
from mystax.compute.regression import row_slabs
from mystax.compute.whitening import FittedPart, find_part
from mystax.core.behaviour import BehaviourGrid, BehaviourPart
from mystax.core.typing import Bool, Float32, Float64

__all__ = ["FIRST", "LAST", "Lagged", "lags_for"]

FIRST, LAST, MOST = -1.0, 3.0, 60
"""Lags [s] from `FIRST` to `LAST`, in steps of a bin, but not more than `MOST`."""
TOGETHER = 32
"""Features that are scaled at once: few enough for the processor's cache."""


def lags_for(width: float) -> Float64[np.ndarray, " lag"]:
    """Return the lags of the design; behaviour precedes the neurons by them.

    Parameters
    ----------
    width : float
        Width of a neural bin [s].

    Returns
    -------
    array (lag,)
        Lags [s].

    Examples
    --------
    >>> lags_for(0.5).tolist()
    [-1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0]
    """
    n = int(np.floor((LAST - FIRST) / width + 1e-9)) + 1
    if n <= MOST:
        return FIRST + width * np.arange(n)
    return np.linspace(FIRST, LAST, MOST)


class Lagged(Estimator):
    """Every column at many lags, or at lag 0 alone.

    Parameters
    ----------
    one_point : bool, optional
        Lag 0 only: the lag-free linear model of the literature.

    Attributes
    ----------
    parts_ : list of FittedPart
        Names, means and sd of the columns on training frames.
    lags_ : array (lag,)
        Lags [s].
    mean_, sd_ : array (feature,)
        Of the training bins.
    """

    def __init__(self, *, one_point: bool = False) -> None:
        self.one_point = one_point

    def fit_transform(
        self,
        grid: BehaviourGrid,
        bins: Bins,
        times: Float64[np.ndarray, " time"],
        width: float,
        train: Bool[np.ndarray, " time"],
    ) -> Float32[np.ndarray, "time feature"]:
        """Learn scales from training bins, and return the design of all bins.

        Parameters
        ----------
        grid : BehaviourGrid
            Behaviour.
        bins : Bins
            Neural bins on the grid.
        times : array (time,)
            Centres of the bins [s].
        width : float
            Width of a bin [s].
        train : array (time,)
            Training bins.

        Returns
        -------
        array (time, feature)
            Columns by lags, standardised on the training bins.
        """
        frames = bins.samples(train, grid.n)
        self.parts_ = [_scales(part, frames) for part in grid.parts]
        self.lags_ = np.zeros(1) if self.one_point else lags_for(width)
        self.width_ = width
        found = self._raw(grid, times)
        self.mean_, self.sd_ = np.empty(found.shape[1]), np.empty(found.shape[1])
        for some in row_slabs(found.shape[1], TOGETHER):
            trained = found[train, some].astype(np.float64)
            sd = trained.std(0)
            self.mean_[some], self.sd_[some] = trained.mean(0), np.where(sd > 1e-9, sd, np.inf)
        return self._standardised(found)

    def transform(
        self, grid: BehaviourGrid, times: Float64[np.ndarray, " time"]
    ) -> Float32[np.ndarray, "time feature"]:
        """Return the design of other behaviour with the scales that were learned.

        Parameters
        ----------
        grid : BehaviourGrid
            Behaviour with the same groups and columns.
        times : array (time,)
            Where it is wanted [s].

        Returns
        -------
        array (time, feature)
            Columns by lags.

        Raises
        ------
        WeightsError
            M702, naming the part or column that is missing.
        """
        return self._standardised(self._raw(grid, times))

    def _standardised(self, raw: Float32[np.ndarray, "time feature"]) -> Float32[np.ndarray, "time feature"]:
        """Scale features in place."""
        for some in row_slabs(raw.shape[1], TOGETHER):
            raw[:, some] = (raw[:, some] - self.mean_[some]) / self.sd_[some]
        return raw

    def _raw(
        self, grid: BehaviourGrid, times: Float64[np.ndarray, " time"]
    ) -> Float32[np.ndarray, "time feature"]:
        rate, n_lags = float(grid.rate), len(self.lags_)
        between = _Between((times[:, None] - self.lags_ - grid.start) * rate, grid.n)
        parts = [(fitted, find_part(grid, fitted).values) for fitted in self.parts_]
        found = np.empty((len(times), sum(values.shape[1] for _, values in parts), n_lags), np.float32)
        column = 0
        for fitted, values in parts:
            known = np.isfinite(values)
            scaled = (np.where(known, values, fitted.mean) - fitted.mean) / fitted.sd
            for smooth in _smoothed(scaled.T, known.T, self.width_ / 4 * rate):
                found[:, column] = between.of(smooth)
                column += 1
        return found.reshape(len(times), -1)


class _Between:
    """Places between samples, found once for all columns: straight lines, and 0 outside.

    Parameters
    ----------
    place : array (time, lag)
        In samples.
    n : int
        Number of samples.
    """

    def __init__(self, place: Float64[np.ndarray, "time lag"], n: int) -> None:
        self.low = np.clip(np.floor(place), 0, max(n - 2, 0)).astype(np.int64)
        self.high = np.minimum(self.low + 1, n - 1)
        self.share = place - self.low
        self.outside = (place < 0) | (place > n - 1)

    def of(self, values: Float64[np.ndarray, " sample"]) -> Float64[np.ndarray, "time lag"]:
        """Return values at the places."""
        low = values[self.low]
        return np.where(self.outside, 0.0, low + self.share * (values[self.high] - low))


def _scales(part: BehaviourPart, frames: Bool[np.ndarray, " sample"]) -> FittedPart:
    """Learn mean and sd of the columns of a part."""
    values = part.values[frames].astype(np.float64)
    known = np.isfinite(values)
    n = np.maximum(known.sum(0), 1)
    mean = np.where(known, values, 0).sum(0) / n
    sd = np.sqrt((np.where(known, values - mean, 0) ** 2).sum(0) / n)
    sd = np.where(sd > 1e-9 * np.maximum(np.abs(mean), 1e-9), sd, np.inf)
    nothing = np.zeros((len(mean), 0))
    return FittedPart(part.group, part.part, part.bank, part.columns, mean, sd, nothing, np.zeros((0, 0)))


def _smoothed(
    values: Float64[np.ndarray, "column sample"], known: Bool[np.ndarray, "column sample"], sd: float
) -> Float64[np.ndarray, "column sample"]:
    """Smooth with a Gaussian that missing samples do not count in."""
    from scipy.ndimage import gaussian_filter1d

    weights = known.astype(np.float64)
    alike = bool((known == known[:1]).all())  # as where a part is found or missing as a whole
    mass = gaussian_filter1d(weights[:1] if alike else weights, sd, mode="constant")
    made = gaussian_filter1d(values * weights, sd, mode="constant")
    return np.where(mass > 1e-3, made / np.maximum(mass, 1e-3), 0.0)
