"""Neural bins on the grid of behaviour."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mystax.core.behaviour import BehaviourGrid
from mystax.core.typing import Bool, Float64, Int64

__all__ = ["Bins", "bins_of"]


@dataclass(frozen=True, eq=False)
class Bins:
    """Neural bins on the grid of behaviour.

    Attributes
    ----------
    first, stop : array (time,)
        Samples of the grid inside each bin.
    """

    first: Int64[np.ndarray, " time"]
    stop: Int64[np.ndarray, " time"]

    @cached_property
    def sizes(self) -> tuple[Int64[np.ndarray, " size"], Int64[np.ndarray, " time"]]:
        """The numbers of samples that bins have, and which of them each bin has."""
        sizes, kinds = np.unique(self.stop - self.first, return_inverse=True)
        return sizes, kinds

    def mean(self, values: Float64[np.ndarray, " sample"]) -> Float64[np.ndarray, " time"]:
        """Average samples inside each bin."""
        return np.asarray(self.means(values[None])[0])

    def means(self, values: Float64[np.ndarray, "component sample"]) -> Float64[np.ndarray, "component time"]:
        """Average samples of several components inside each bin."""
        sums = np.zeros((len(values), values.shape[1] + 1))
        np.cumsum(values, axis=1, out=sums[:, 1:])
        return np.asarray((sums[:, self.stop] - sums[:, self.first]) / (self.stop - self.first))

    def samples(self, chosen: Bool[np.ndarray, " time"], n: int) -> Bool[np.ndarray, " sample"]:
        """Tell which samples lie in chosen bins."""
        edges = np.zeros(n + 1, np.int64)
        np.add.at(edges, self.first[chosen], 1)
        np.add.at(edges, self.stop[chosen], -1)
        return np.cumsum(edges[:n]) > 0


def bins_of(grid: BehaviourGrid, times: Float64[np.ndarray, " time"], width: float) -> Bins:
    """Find the samples of a grid inside neural bins.

    Parameters
    ----------
    grid : BehaviourGrid
        Behaviour.
    times : array (time,)
        Centres of the bins [s].
    width : float
        Width of a bin [s].

    Returns
    -------
    Bins
        At least one sample in each: the nearest where none lies inside.
    """
    rate = float(grid.rate)
    place = (times - grid.start) * rate
    half = width * rate / 2
    first = np.ceil(place - half - 1e-6).astype(np.int64)
    stop = np.ceil(place + half - 1e-6).astype(np.int64)
    nearest = np.clip(np.rint(place).astype(np.int64), 0, max(grid.n - 1, 0))
    first, stop = np.clip(first, 0, grid.n), np.clip(stop, 0, grid.n)
    empty = stop <= first
    return Bins(np.where(empty, nearest, first), np.where(empty, nearest + 1, stop))
