"""A population of neurons that is read slab by slab: nothing of its size is ever copied."""

from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

import numpy as np

from mystax.core.typing import Bool, Float32, Float64, Int64

__all__ = ["SLAB", "Matrix", "Population"]

SLAB = 2048
"""Neurons of a slab."""
BLOCK = 512
"""Bins of a slab that are turned into double precision at once: they stay in the processor's cache."""


@runtime_checkable
class Matrix(Protocol):
    """An array (time, neuron) in memory or in a file: numpy's, or a lazy one that reads what is asked for."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Bins, neurons."""
        ...

    def __getitem__(self, key: tuple[slice, slice]) -> np.ndarray:
        """Read some bins of some neurons."""
        ...


class Population:
    """Some neurons of an array.

    Parameters
    ----------
    activity : Matrix
        Array (time, neuron).
    neurons : array (neuron,), optional
        Columns that take part, rising; by default all.
    slab : int, optional
        Columns that are read at once.
    """

    def __init__(
        self, activity: Matrix, neurons: Int64[np.ndarray, " neuron"] | None = None, slab: int = SLAB
    ) -> None:
        self.activity = activity
        self.neurons = np.arange(activity.shape[1]) if neurons is None else neurons
        self.n_times, self.n = activity.shape[0], len(self.neurons)
        self.slabs: Sequence[slice] = [slice(a, min(a + slab, self.n)) for a in range(0, self.n, slab)]

    def read(self, slab: slice) -> Float32[np.ndarray, "time some"]:
        """Read a slab of neurons, all bins.

        Parameters
        ----------
        slab : slice
            One of `slabs`.

        Returns
        -------
        array (time, neuron)
            Activity.
        """
        columns = self.neurons[slab]
        first, last = int(columns[0]), int(columns[-1]) + 1
        found = np.asarray(self.activity[:, first:last], np.float32)
        return found if last - first == len(columns) else found[:, columns - first]

    def moments(
        self, rows: Bool[np.ndarray, " time"]
    ) -> tuple[Float64[np.ndarray, " neuron"], Float64[np.ndarray, " neuron"]]:
        """Return mean and sd of every neuron over some bins; the sd of a constant neuron is 1.

        Parameters
        ----------
        rows : array (time,)
            Bins.

        Returns
        -------
        mean, sd : array (neuron,)
            In the unit of the activity.
        """
        mean, sd = np.empty(self.n), np.empty(self.n)
        for slab in self.slabs:
            mean[slab], sd[slab] = _moments(self.read(slab)[rows])
        return mean, np.where(sd > 0, sd, 1.0)

    def standardised(
        self,
        slab: slice,
        mean: Float64[np.ndarray, " neuron"],
        sd: Float64[np.ndarray, " neuron"],
        rows: Bool[np.ndarray, " time"] | None = None,
    ) -> Float32[np.ndarray, "some neurons"]:
        """Read a slab in units of the training bins; missing values are 0.

        Parameters
        ----------
        slab : slice
            One of `slabs`.
        mean, sd : array (neuron,)
            From `moments`, of all neurons.
        rows : array (time,), optional
            Bins; by default all.

        Returns
        -------
        array (time, neuron)
            z units.
        """
        part, middle = self.read(slab), mean[slab].astype(np.float32)
        if rows is None:
            part = part - middle
        else:
            part = part[rows]
            part -= middle
        part *= (1 / sd[slab]).astype(np.float32)
        if not np.isfinite(part.sum()):
            part[~np.isfinite(part)] = 0
        return part

    def readers(
        self,
        mean: Float64[np.ndarray, " neuron"],
        sd: Float64[np.ndarray, " neuron"],
        rows: Bool[np.ndarray, " time"],
    ) -> list[Callable[[], Float32[np.ndarray, "some neurons"]]]:
        """Return functions that read each slab in units of the training bins."""

        def reader(slab: slice) -> Callable[[], Float32[np.ndarray, "some neurons"]]:
            return lambda: self.standardised(slab, mean, sd, rows)

        return [reader(slab) for slab in self.slabs]

    def scores(
        self,
        mean: Float64[np.ndarray, " neuron"],
        sd: Float64[np.ndarray, " neuron"],
        loadings: Float64[np.ndarray, "neuron component"],
    ) -> Float32[np.ndarray, "time component"]:
        """Project all bins on components.

        Parameters
        ----------
        mean, sd : array (neuron,)
            Units of the training bins.
        loadings : array (neuron, component)
            Directions.

        Returns
        -------
        array (time, component)
            Scores.
        """
        found = np.zeros((self.n_times, loadings.shape[1]))
        for slab in self.slabs:
            found += self.standardised(slab, mean, sd) @ loadings[slab].astype(np.float32)
        return found.astype(np.float32)


def _moments(
    values: Float32[np.ndarray, "time some"],
) -> tuple[Float64[np.ndarray, " some"], Float64[np.ndarray, " some"]]:
    """Return mean and sd of columns in double precision, about their first values: no digit is lost."""
    n, width = values.shape
    shift = values[:1].astype(np.float64).sum(0)
    total, squares = np.zeros(width), np.zeros(width)
    for first in range(0, n, BLOCK):
        far = values[first : first + BLOCK] - shift
        total += far.sum(0)
        squares += np.einsum("tn,tn->n", far, far)
    offset = total / max(n, 1)
    return shift + offset, np.sqrt(np.maximum(squares / max(n, 1) - offset**2, 0))
