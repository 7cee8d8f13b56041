"""The lagged design: standardised behaviour at many lags, smoothed and nothing else.  It is the baseline."""

import numpy as np

from mystax.compute.estimator import Estimator
from mystax.compute.grid_bins import Bins
from mystax.compute.whitening import FittedPart, find_part
from mystax.core.behaviour import BehaviourGrid, BehaviourPart
from mystax.core.typing import Bool, Float32, Float64

__all__ = ["FIRST", "LAST", "Lagged", "lags_for"]

FIRST, LAST, MOST = -1.0, 3.0, 60
"""Lags [s] from `FIRST` to `LAST`, in steps of a bin, but not more than `MOST`."""


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
        raw = self._raw(grid, times)
        trained = raw[train].astype(np.float64)
        self.mean_, sd = trained.mean(0), trained.std(0)
        self.sd_ = np.where(sd > 1e-9, sd, np.inf)
        return np.asarray((raw - self.mean_) / self.sd_, np.float32)

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
        return np.asarray((self._raw(grid, times) - self.mean_) / self.sd_, np.float32)

    def _raw(
        self, grid: BehaviourGrid, times: Float64[np.ndarray, " time"]
    ) -> Float32[np.ndarray, "time feature"]:
        rate = float(grid.rate)
        place = (times[:, None] - self.lags_ - grid.start) * rate
        found = []
        for fitted in self.parts_:
            part = find_part(grid, fitted)
            known = np.isfinite(part.values)
            scaled = (np.where(known, part.values, fitted.mean) - fitted.mean) / fitted.sd
            for column in range(scaled.shape[1]):
                smooth = _smoothed(scaled[:, column], known[:, column], self.width_ / 4 * rate)
                found.append(np.interp(place, np.arange(grid.n), smooth, left=0.0, right=0.0))
        return np.concatenate(found, axis=1).astype(np.float32)


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
    values: Float64[np.ndarray, " sample"], known: Bool[np.ndarray, " sample"], sd: float
) -> Float64[np.ndarray, " sample"]:
    """Smooth with a Gaussian that missing samples do not count in."""
    from scipy.ndimage import gaussian_filter1d

    weights = known.astype(np.float64)
    mass = gaussian_filter1d(weights, sd, mode="constant")
    made = gaussian_filter1d(values * weights, sd, mode="constant")
    return np.where(mass > 1e-3, made / np.maximum(mass, 1e-3), 0.0)
