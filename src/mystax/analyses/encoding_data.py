"""What an encoder is fitted on: behaviour on a grid, activity in bins, and which of both takes part."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.compute.filterbank import Bins, bins_of, usable_bins
from mystax.compute.population import SLAB, Matrix, Population
from mystax.core.behaviour import BehaviourGrid
from mystax.core.quality import Flag
from mystax.core.typing import Bool, Float64, Int64
from mystax.errors import ClockError, NumbersError

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = ["EncodingData", "encoding_data"]

MOST_MISSING = 0.05
LEAST_SPIKES = 10
LEAST_OVERLAP, SHORT = 180.0, 600.0
TWIN = 0.999


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
    usable : array (time,)
        Bins that take part.
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


def _overlap(grid: BehaviourGrid, times: Float64[np.ndarray, " time"]) -> Bool[np.ndarray, " time"]:
    """Tell which bins behaviour covers."""
    seconds = grid.seconds
    if not len(seconds) or not len(times):
        raise ClockError(
            "C204", "behaviour and neural data", "one of them is empty", expected="3 min in common"
        )
    inside = (times >= seconds[0]) & (times <= seconds[-1])
    shared = float(np.ptp(times[inside])) if inside.any() else 0.0
    if shared < LEAST_OVERLAP - 1:
        raise ClockError(
            "C204",
            "behaviour and neural data",
            "they have too little time in common",
            expected="at least 3 min",
            got=f"{shared:.1f} s: behaviour {seconds[0]:.1f}-{seconds[-1]:.1f} s, "
            f"neural data {times[0]:.1f}-{times[-1]:.1f} s",
            hint="check both clocks: --times and --neural-clock",
        )
    return inside


def encoding_data(
    grid: BehaviourGrid, neural: Dataset, width: float, *, chunk: int | None = None
) -> EncodingData:
    """Bring behaviour and activity together and judge what can take part.

    Parameters
    ----------
    grid : BehaviourGrid
        Behaviour.
    neural : Dataset
        Activity in bins.
    width : float
        Width of a bin [s].
    chunk : int, optional
        Samples that are filtered at once.

    Returns
    -------
    EncodingData
        Ready for the folds.

    Raises
    ------
    ClockError
        C204, if there are less than 3 min in common.
    NumbersError
        N303, if more than half of the neurons, or all bins, cannot be used.
    """
    if not grid.parts:
        raise NumbersError(
            "N303", "behaviour", "no group of behaviour is left", hint="run the analyses first"
        )
    times = np.asarray(neural["time"].values, np.float64)
    inside = _overlap(grid, times)
    first, last = np.flatnonzero(inside)[[0, -1]]
    if last - first + 1 < len(times):
        neural = neural.isel(time=slice(int(first), int(last) + 1))
    times = np.asarray(neural["time"].values, np.float64)
    activity: Matrix = _Lazy(neural)
    keep, finite, left_out = _judge(activity, str(neural.attrs.get("signal", "")))
    names = np.asarray(neural["neuron"].values)
    bins = bins_of(grid, times, width)
    usable = finite & usable_bins(grid, bins, chunk=chunk)
    if int(usable.sum()) < 2:
        raise NumbersError("N303", "behaviour", "no bin is left in which all of behaviour is known")
    flags = list(grid.flags)
    if left_out:
        said = ", ".join(f"{len(ids)} {reason}" for reason, ids in left_out.items())
        flags.append(
            Flag("N308", f"{sum(map(len, left_out.values()))} of {len(names)} neurons are left out: {said}.")
        )
    shared = float(times[-1] - times[0])
    if shared < SHORT:
        flags.append(Flag("N310", f"short: {shared / 60:.1f} min in common; intervals will be wide."))
    population = Population(activity, keep)
    flags += _twins(grid, bins, usable, population)
    return EncodingData(
        grid,
        neural,
        population,
        times,
        width,
        bins,
        usable,
        {reason: [int(names[k]) for k in ids] for reason, ids in left_out.items()},
        tuple(flags),
    )


def _judge(
    activity: Matrix, signal: str
) -> tuple[Int64[np.ndarray, " neuron"], Bool[np.ndarray, " time"], dict[str, list[int]]]:
    """Decide which neurons and bins can be used."""
    n_times, n = activity.shape
    whole = Population(activity)
    left_out: dict[str, list[int]] = {}
    missing = np.zeros(n_times, np.int64)
    kept: list[np.ndarray] = []
    for slab in whole.slabs:
        values = whole.read(slab)
        bad = ~np.isfinite(values)
        share = bad.mean(0)
        filled = np.where(bad, 0, values)
        lowest, highest = np.where(bad, np.inf, values).min(0), np.where(bad, -np.inf, values).max(0)
        reasons = {"with missing values": share > MOST_MISSING, "constant": lowest >= highest}
        if signal in ("counts", "spikes"):
            reasons["with fewer than 10 spikes"] = filled.sum(0) < LEAST_SPIKES
        good = np.ones(values.shape[1], bool)
        for reason, concerned in reasons.items():
            bad_here = np.flatnonzero(concerned & good)
            if len(bad_here):
                left_out.setdefault(reason, []).extend((bad_here + slab.start).tolist())
            good[bad_here] = False
        kept.append(np.flatnonzero(good) + slab.start)
        missing += bad[:, good].sum(1)
    keep = np.concatenate(kept) if kept else np.zeros(0, np.int64)
    if 2 * len(keep) < n or not len(keep):
        said = ", ".join(f"{len(ids)} {reason}" for reason, ids in left_out.items())
        raise NumbersError(
            "N303",
            "neural data",
            "more than half of the neurons cannot be used",
            expected=f"at least {(n + 1) // 2} of {n}",
            got=f"{len(keep)}; left out: {said}",
        )
    return keep.astype(np.int64), missing == 0, left_out


def _twins(
    grid: BehaviourGrid, bins: Bins, usable: Bool[np.ndarray, " time"], population: Population
) -> list[Flag]:
    """Flag columns of behaviour that are a neuron in disguise."""
    columns, names = [], []
    for part in grid.parts:
        for k, name in enumerate(part.columns):
            values = bins.mean(np.nan_to_num(part.values[:, k].astype(np.float64)))[usable]
            spread = values.std()
            if spread > 0:
                columns.append((values - values.mean()) / spread)
                names.append(name)
    if not columns:
        return []
    behaviour = np.stack(columns, axis=1).astype(np.float32)
    units = population.moments(usable)
    found = []
    n = int(usable.sum())
    for slab in population.slabs[: max(1, 4096 // SLAB)]:
        z = population.standardised(slab, *units, usable)
        high = np.abs(behaviour.T @ z / n) > TWIN
        for k in np.flatnonzero(high.any(1)):
            found.append(
                Flag(
                    "N307", f"column {names[k]!r} of behaviour is a neuron's trace: is neural data among it?"
                )
            )
    return found


def left_out_json(data: EncodingData) -> str:
    """Write what was left out as JSON."""
    return json.dumps({**data.left_out}, sort_keys=True)
