"""What an encoder is fitted on: behaviour on a grid, activity in bins, and which of both takes part."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.analyses.neural_rows import neural_rows
from mystax.compute.filterbank import usable_bins
from mystax.compute.grid_bins import Bins, bins_of
from mystax.compute.population import Population
from mystax.compute.resemblance import find_copies
from mystax.core.behaviour import BehaviourGrid
from mystax.core.neural_choice import judge_neurons
from mystax.core.quality import Flag, merge_flags
from mystax.core.typing import Bool, Float64
from mystax.errors import NumbersError

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = ["EncodingData", "encoding_data", "left_out_json"]


@dataclass(frozen=True, eq=False)
class EncodingData:
    """Behaviour and activity on one clock.

    Attributes
    ----------
    grid : BehaviourGrid
        Behaviour.
    neural : Dataset
        Activity in bins; only the bins of the overlap.
    population : Population
        The neurons that take part.
    times : array (time,)
        Centres of the bins [s].
    width : float
        Width of a bin [s].
    bins : Bins
        Bins on the grid.
    measured : array (time,)
        Bins in which the activity is known.
    usable : array (time,)
        Those of them in which behaviour is known, too: they take part.
    left_out : mapping of str to list of int
        Reason to neurons.
    flags : tuple of Flag
        Remarks.
    """

    grid: BehaviourGrid
    neural: Dataset
    population: Population
    times: Float64[np.ndarray, " time"]
    width: float
    bins: Bins
    measured: Bool[np.ndarray, " time"]
    usable: Bool[np.ndarray, " time"]
    left_out: Mapping[str, list[int]] = field(default_factory=dict)
    flags: tuple[Flag, ...] = ()

    @property
    def is_counts(self) -> bool:
        """Whether the activity counts spikes."""
        return str(self.neural.attrs.get("signal", "")) in ("counts", "spikes")


class _Lazy:
    """The activity of a dataset, read where it is asked for (a `Matrix`)."""

    def __init__(self, dataset: Dataset) -> None:
        self._array = dataset["activity"].transpose("time", "neuron").variable

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self._array.shape)

    def __getitem__(self, key: tuple[slice, slice]) -> np.ndarray:
        return np.asarray(self._array[key].values)


def encoding_data(
    grid: BehaviourGrid,
    neural: Dataset,
    *,
    bin: float = 0.1,  # noqa: A002 - as in read_neural
    chunk: int | None = None,
) -> EncodingData:
    """Bring behaviour and activity together and judge what can take part.

    Parameters
    ----------
    grid : BehaviourGrid
        Behaviour.
    neural : Dataset
        Neural data on the same clock.
    bin : float, optional
        Width of the bins of spikes [s].
    chunk : int, optional
        Samples that are filtered at once.

    Returns
    -------
    EncodingData
        Ready for the folds.

    Raises
    ------
    ClockError
        C204, if there are less than 3 min in common; C206, if units differ.
    NumbersError
        N303, if more than half of the neurons, or all bins, cannot be used.
    """
    if not grid.parts:
        raise NumbersError(
            "N303", "behaviour", "no group of behaviour is left", hint="run the analyses first"
        )
    rows = neural_rows(neural, grid, bin=bin)
    choice = judge_neurons(rows.dataset)
    times = np.asarray(rows.dataset["time"].values, np.float64)
    bins = bins_of(grid, times, rows.width)
    usable = choice.usable & usable_bins(grid, bins, chunk=chunk)
    if int(usable.sum()) < 2:
        raise NumbersError("N303", "behaviour", "no bin is left in which all of behaviour is known")
    population = Population(_Lazy(rows.dataset), choice.kept)
    flags = merge_flags(grid.flags, rows.flags, choice.flags, _copies(grid, bins, usable, population))
    return EncodingData(
        grid,
        rows.dataset,
        population,
        times,
        rows.width,
        bins,
        choice.usable,
        usable,
        choice.left_out,
        tuple(flags),
    )


def _copies(
    grid: BehaviourGrid, bins: Bins, usable: Bool[np.ndarray, " time"], population: Population
) -> list[Flag]:
    """Flag columns of behaviour that are a neuron in disguise."""
    names = [name for part in grid.parts for name in part.columns]
    columns = [
        bins.mean(np.nan_to_num(part.values[:, k].astype(np.float64)))
        for part in grid.parts
        for k in range(len(part.columns))
    ]
    behaviour = np.stack(columns, axis=1)
    found: dict[int, float] = {}
    for slab in population.slabs:
        found |= {k: r for k, _, r in find_copies(behaviour, population.read(slab), usable)}
    return [
        Flag(
            "N307",
            f"column {names[k]!r} of behaviour correlates {r:.4f} with a neuron: is neural data among "
            f"the behaviour?",
        )
        for k, r in sorted(found.items())
    ]


def left_out_json(data: EncodingData) -> str:
    """Write what was left out as JSON."""
    return json.dumps({**data.left_out}, sort_keys=True)
