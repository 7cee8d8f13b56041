"""Neural data in the time that they share with behaviour: spikes counted, fast frames put together."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.core.behaviour import BehaviourGrid
from mystax.core.neural_bins import bin_spikes, group_frames
from mystax.core.neural_overlap import Overlap, find_overlap
from mystax.core.quality import Flag
from mystax.errors import NumbersError

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = ["NeuralRows", "neural_rows"]


@dataclass(frozen=True, eq=False)
class NeuralRows:
    """Activity in bins, in the time that is shared with behaviour.

    Attributes
    ----------
    dataset : Dataset
        Neural data with `activity`; still in its file where it was.
    width : float
        Width of a bin [s].
    overlap : Overlap
        The time shared.
    flags : tuple of Flag
        N310, if it is short or frames were put together.
    """

    dataset: Dataset
    width: float
    overlap: Overlap
    flags: tuple[Flag, ...] = ()


def neural_rows(neural: Dataset, grid: BehaviourGrid, *, bin: float = 0.1) -> NeuralRows:  # noqa: A002
    """Bring neural data to the time that they share with behaviour.

    Parameters
    ----------
    neural : Dataset
        As `mystax.read_neural` gives them.
    grid : BehaviourGrid
        Behaviour.
    bin : float, optional
        Width of the bins of spikes [s], where they are not counted yet.

    Returns
    -------
    NeuralRows
        Bins within the time shared.

    Raises
    ------
    ClockError
        C204, if less than 3 min are shared; C206, if one side is in another unit.
    ParameterError
        P401, if the width of the bins is outside its range.
    NumbersError
        N303, if no bin is left.
    """
    is_spikes = "activity" not in neural
    times = np.asarray(neural["spike_time" if is_spikes else "time"].values, np.float64)
    overlap = find_overlap(grid.seconds, times)
    flags = overlap.flags
    if is_spikes:
        dataset = bin_spikes(neural, bin, start=overlap.start, stop=overlap.stop)
        width = bin
    else:
        dataset, more = group_frames(neural, float(1 / grid.rate))
        flags += more
        centres = np.asarray(dataset["time"].values)
        rows = np.flatnonzero((centres >= overlap.start) & (centres <= overlap.stop))
        dataset = dataset.isel(time=slice(int(rows[0]), int(rows[-1]) + 1) if len(rows) else slice(0, 0))
        steps = np.diff(dataset["time"].values)
        width = float(np.median(steps)) if len(steps) else 0.0
    if dataset.sizes["time"] < 2 or width <= 0:
        raise NumbersError(
            "N303",
            "neural data",
            expected="at least two bins",
            got=str(dataset.sizes["time"]),
        )
    return NeuralRows(dataset, width, overlap, flags)
