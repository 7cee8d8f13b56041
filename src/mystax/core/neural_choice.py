"""Which neurons and bins can be used: missing, constant and silent ones are left out, and counted."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.core.quality import Flag
from mystax.core.typing import Bool, Float32, Float64, Int64
from mystax.errors import NumbersError

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = ["SLAB", "NeuronChoice", "judge_neurons", "slabs_of"]

SLAB = 2048
"""Neurons that are read at once."""
BLOCK = 2048
"""Bins that are summed at once."""
MAX_MISSING = 0.05
"""Neurons that miss a larger share of bins are left out."""
MAX_LEFT = 0.5
"""If a larger share of the neurons is left out the data are refused."""
FEWEST = 10
"""Neurons with fewer spikes are silent."""
COUNTED = ("counts", "spikes")


@dataclass(frozen=True, eq=False)
class NeuronChoice:
    """Neurons and bins that can be used.

    Attributes
    ----------
    kept : array (chosen,)
        Positions of the neurons, rising.
    usable : array (time,)
        Bins in which all of them have a value.
    left_out : mapping of str to list of int
        Reason to numbers of neurons.
    mean, sd : array (chosen,)
        Of the neurons, over the bins that have a value.
    flags : tuple of Flag
        N308, if neurons were left out.
    """

    kept: Int64[np.ndarray, " chosen"]
    usable: Bool[np.ndarray, " time"]
    left_out: Mapping[str, list[int]]
    mean: Float64[np.ndarray, " chosen"]
    sd: Float64[np.ndarray, " chosen"]
    flags: tuple[Flag, ...] = ()


def slabs_of(
    dataset: Dataset, rows: slice = slice(None)
) -> Iterator[tuple[slice, slice, Float32[np.ndarray, "time neuron"]]]:
    """Read the activity in slabs, along the axis that lies together in its file.

    Parameters
    ----------
    dataset : Dataset
        Neural data with `activity`.
    rows : slice, optional
        Bins that are read.

    Yields
    ------
    times, neurons : slice
        Where the slab belongs (bins counted from the first of `rows`).
    values : array (time, neuron)
        The slab.
    """
    activity = dataset["activity"].isel(time=rows)
    n_times, n_neurons = activity.sizes["time"], activity.sizes["neuron"]
    if dataset["activity"].encoding.get("major") == "time":
        step = max(1, SLAB * n_times // max(n_neurons, 1))
        for first in range(0, n_times, step):
            place = slice(first, min(first + step, n_times))
            yield place, slice(0, n_neurons), np.asarray(activity[place].values, np.float32)
    else:
        for first in range(0, n_neurons, SLAB):
            place = slice(first, min(first + SLAB, n_neurons))
            yield slice(0, n_times), place, np.asarray(activity[:, place].values, np.float32)


@dataclass(eq=False)
class _Sums:
    """Sums over bins, neuron by neuron, about a value of each neuron, so that no digits are lost."""

    shift: Float64[np.ndarray, " neuron"]
    total: Float64[np.ndarray, " neuron"]
    squares: Float64[np.ndarray, " neuron"]
    counts: Float64[np.ndarray, " neuron"]
    low: Float64[np.ndarray, " neuron"]
    high: Float64[np.ndarray, " neuron"]

    @classmethod
    def of(cls, n: int) -> "_Sums":
        return cls(
            np.zeros(n), np.zeros(n), np.zeros(n), np.zeros(n), np.full(n, np.inf), np.full(n, -np.inf)
        )

    def add(
        self,
        neurons: slice,
        values: Float32[np.ndarray, "time neuron"],
        good: Bool[np.ndarray, "time neuron"],
    ) -> None:
        """Take in a slab; what is not good counts nothing."""
        if len(values) == 0:
            return
        some = values[good.argmax(axis=0), np.arange(values.shape[1])].astype(np.float64)
        fresh = (self.counts[neurons] == 0) & good.any(axis=0)
        self.shift[neurons] = np.where(fresh, some, self.shift[neurons])
        is_whole = bool(good.all())
        with np.errstate(invalid="ignore"):
            far = values - self.shift[neurons]
        if not is_whole:
            far[~good] = 0.0
        self.total[neurons] += far.sum(axis=0)
        self.squares[neurons] += np.einsum("tn,tn->n", far, far)
        self.counts[neurons] += len(values) if is_whole else good.sum(axis=0)
        low, high = (values, values) if is_whole else (np.where(good, values, x) for x in (np.inf, -np.inf))
        self.low[neurons] = np.minimum(self.low[neurons], low.min(axis=0))
        self.high[neurons] = np.maximum(self.high[neurons], high.max(axis=0))

    def moments(self) -> tuple[Float64[np.ndarray, " neuron"], Float64[np.ndarray, " neuron"]]:
        """Return means and standard deviations."""
        counts = np.maximum(self.counts, 1)
        mean = self.total / counts
        return self.shift + mean, np.sqrt(np.maximum(self.squares / counts - mean**2, 0.0))


def judge_neurons(dataset: Dataset, rows: slice = slice(None), where: str = "neural data") -> NeuronChoice:
    """Find the neurons and bins that can be used, in one reading.

    Parameters
    ----------
    dataset : Dataset
        Neural data with `activity`.
    rows : slice, optional
        Bins that are looked at.
    where : str, optional
        Name for messages.

    Returns
    -------
    NeuronChoice
        What is used, and what is left out for which reason.

    Raises
    ------
    NumbersError
        N303, if more than half of the neurons cannot be used, or no bin can.
    """
    n_times = len(range(*rows.indices(dataset.sizes["time"])))
    n = dataset.sizes["neuron"]
    sums, seen = _Sums.of(n), np.zeros(n_times, np.int64)
    gaps: list[tuple[slice, slice, np.ndarray]] = []
    for times, neurons, values in slabs_of(dataset, rows):
        good = np.isfinite(values)
        seen[times] += good.sum(axis=1)
        for first in range(0, len(values), BLOCK):  # sums are of double precision: a block at a time
            sums.add(neurons, values[first : first + BLOCK], good[first : first + BLOCK])
        if not good.all():
            gaps.append((times, neurons, np.packbits(~good, axis=0)))
    left = _reasons(dataset, sums, int((seen > 0).sum()))
    kept = np.setdiff1d(np.arange(n), [k for places in left.values() for k in places])
    ids = dataset["neuron"].values
    named = {reason: [int(ids[k]) for k in places] for reason, places in left.items()}
    if len(kept) == 0 or len(kept) < (1 - MAX_LEFT) * n:
        raise _too_few(named, n, where)
    usable = seen > 0
    is_kept = np.isin(np.arange(n), kept)
    for times, neurons, packed in gaps:
        missing = np.unpackbits(packed, axis=0, count=times.stop - times.start).astype(bool)
        usable[times] &= ~missing[:, is_kept[neurons]].any(axis=1)
    flags: tuple[Flag, ...] = ()
    if named:
        text = "; ".join(f"{len(one)} {reason}" for reason, one in named.items())
        flags = (Flag("N308", f"{n - len(kept)} of {n} neurons are left out: {text}"),)
    mean, sd = sums.moments()
    return NeuronChoice(kept, usable, named, mean[kept], sd[kept], flags)


def _reasons(dataset: Dataset, sums: _Sums, n_seen: int) -> dict[str, list[int]]:
    """Give each neuron that cannot be used its reason."""
    missing = (sums.counts < (1 - MAX_MISSING) * n_seen) | (n_seen == 0)
    constant = ~missing & ~(sums.high > sums.low)
    totals = sums.total + sums.shift * sums.counts
    is_counted = dataset.attrs.get("signal") in COUNTED
    found = {
        f"missing in more than {MAX_MISSING:.0%} of the bins": missing,
        "constant": constant,
        f"with fewer than {FEWEST} spikes": ~missing & ~constant & (totals < FEWEST) & is_counted,
    }
    return {reason: np.flatnonzero(which).tolist() for reason, which in found.items() if which.any()}


def _too_few(left: Mapping[str, list[int]], n: int, where: str) -> NumbersError:
    return NumbersError(
        "N303",
        where,
        "too many neurons cannot be used",
        expected=f"at least {1 - MAX_LEFT:.0%} of {n} neurons with values that change",
        got="; ".join(f"{len(ids)} {reason}" for reason, ids in left.items()) or "no bin with a value",
        hint="choose others: --neurons",
    )
