"""Bins of neural data: spikes are counted, fast imaging frames are put together."""

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.core.clock import GAP
from mystax.core.quality import Flag
from mystax.core.typing import Float32, Float64, Int32
from mystax.errors import NumbersError, ParameterError

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = ["BIN_RANGE", "bin_spikes", "count_spikes", "group_frames"]

BIN_RANGE = (0.02, 1.0)
"""Widths that bins of spikes may have [s]."""
EDGE = 1e-9
"""Shares of a bin below this are rounding."""
MAX_COUNTS = 1 << 30
"""Most numbers that a table of counts may have."""


def count_spikes(
    times: Float64[np.ndarray, " spike"],
    neurons: Int32[np.ndarray, " spike"],
    n_neurons: int,
    width: float,
    first: int,
    n_bins: int,
) -> Float32[np.ndarray, "time neuron"]:
    """Count spikes in bins whose edges are multiples of their width.

    Parameters
    ----------
    times : array (spike,)
        Times [s].
    neurons : array (spike,)
        Position of each spike's neuron.
    n_neurons : int
        Number of neurons.
    width : float
        Width of a bin [s].
    first : int
        Number of the first bin: it begins at ``first * width``.
    n_bins : int
        Number of bins.

    Returns
    -------
    array (time, neuron)
        Counts; a spike on an edge belongs to the bin that begins there.

    Examples
    --------
    >>> count_spikes(np.array([0.05, 0.1, 0.25]), np.zeros(3, np.int32), 1, 0.1, 0, 3)[:, 0].tolist()
    [1.0, 1.0, 1.0]
    """
    bins = np.floor(times / width + EDGE).astype(np.int64) - first
    inside = (bins >= 0) & (bins < n_bins)
    places = bins[inside] * n_neurons + neurons[inside]
    counts = np.bincount(places, minlength=n_bins * n_neurons)
    return counts.reshape(n_bins, n_neurons).astype(np.float32)


def bin_spikes(
    dataset: Dataset, width: float = 0.1, *, start: float | None = None, stop: float | None = None
) -> Dataset:
    """Count the spikes of neural data in bins.

    Parameters
    ----------
    dataset : Dataset
        With `spike_time` and `spike_neuron`.
    width : float, optional
        Width of the bins [s], 0.02 to 1.
    start, stop : float, optional
        Whole bins between these times [s]; by default all bins from the first spike to the last.

    Returns
    -------
    Dataset
        The same with `activity` (counts) at the centres of the bins; NaN where a neuron was not observed.

    Raises
    ------
    ParameterError
        P401, if the width is outside its range.
    NumbersError
        N303, if there is no spike or no whole bin.
    """
    if not BIN_RANGE[0] <= width <= BIN_RANGE[1]:
        raise ParameterError(
            "P401", "parameter 'bin'", expected=f"{BIN_RANGE[0]} to {BIN_RANGE[1]} s", got=f"{width}"
        )
    times = np.asarray(dataset["spike_time"].values)
    if len(times) == 0 and (start is None or stop is None):
        raise NumbersError("N303", "spikes", "there is no spike", expected="spikes to count", got="none")
    first = int(np.floor(times[0] / width + EDGE)) if start is None else int(np.ceil(start / width - EDGE))
    last = int(np.floor(times[-1] / width + EDGE)) + 1 if stop is None else int(np.floor(stop / width + EDGE))
    n_bins, n_neurons = last - first, dataset.sizes["neuron"]
    if n_bins < 1 or n_bins * n_neurons > MAX_COUNTS:
        raise NumbersError(
            "N303",
            "spikes",
            expected=f"1 to {MAX_COUNTS // max(n_neurons, 1)} bins of {width} s",
            got=f"{n_bins} from {first * width:g} s to {last * width:g} s",
            hint="are the times in seconds?",
        )
    counts = count_spikes(times, np.asarray(dataset["spike_neuron"].values), n_neurons, width, first, n_bins)
    edges = np.arange(first, last + 1) * width
    _blank(counts, edges, dataset.attrs.get("observed", ""))
    made = dataset.assign(activity=(("time", "neuron"), counts, {"units": "1"}))
    made = made.assign_coords(time=(("time",), (edges[:-1] + edges[1:]) / 2, {"units": "s"}))
    made.attrs = {**dataset.attrs, "bin": width, "signal": "counts"}
    return made


def _blank(
    counts: Float32[np.ndarray, "time neuron"], edges: Float64[np.ndarray, " edge"], text: str
) -> None:
    """Make bins missing in which a neuron was not observed from edge to edge."""
    if not text:
        return
    tolerance = EDGE * (1 + float(np.abs(edges).max()))
    seen: dict[str, np.ndarray] = {}
    for k, intervals in enumerate(json.loads(text)):
        key = json.dumps(intervals)
        if key not in seen:
            watched = np.zeros(len(edges) - 1, bool)
            for start, stop in intervals:
                watched |= (edges[:-1] >= start - tolerance) & (edges[1:] <= stop + tolerance)
            seen[key] = watched
        counts[~seen[key], k] = np.nan


def group_frames(dataset: Dataset, camera_interval: float) -> tuple[Dataset, tuple[Flag, ...]]:
    """Put frames together until they last at least as long as a camera frame.

    Parameters
    ----------
    dataset : Dataset
        With `activity`.
    camera_interval : float
        Interval of the camera [s].

    Returns
    -------
    dataset : Dataset
        The same, or with sums (counts) or means of successive frames; none goes across a gap.
    flags : tuple of Flag
        N310, if frames were put together.

    Raises
    ------
    NumbersError
        N303, if gaps leave no frames that could be put together.
    """
    times = np.asarray(dataset["time"].values)
    steps = np.diff(times)
    interval = float(np.median(steps)) if len(steps) else np.inf
    n = int(np.ceil(camera_interval / interval * (1 - 1e-3)))
    if n <= 1:
        return dataset, ()
    # a group begins at the first frame and behind every gap; what is left over at its end is dropped
    runs = np.split(np.arange(len(times)), np.flatnonzero(steps > GAP * interval) + 1)
    rows = np.concatenate([run[: len(run) // n * n] for run in runs])
    if not len(rows):
        raise NumbersError(
            "N303",
            "imaging frames",
            "gaps leave no bin as long as a camera frame",
            expected=f"{n} frames without a gap between them",
            got=f"at most {max(map(len, runs))}",
        )
    values = dataset["activity"].isel(time=rows).values.reshape(len(rows) // n, n, -1)
    joined = (
        values.sum(axis=1) if dataset.attrs.get("signal") in ("counts", "spikes") else values.mean(axis=1)
    )
    made = dataset.drop_vars(["activity", "time"])
    made = made.assign(activity=(("time", "neuron"), joined.astype(np.float32), dataset["activity"].attrs))
    centres = times[rows].reshape(-1, n).mean(axis=1)
    made = made.assign_coords(time=(("time",), centres, dataset["time"].attrs))
    made.attrs = {**dataset.attrs, "bin": interval * n}
    text = f"{n} imaging frames of {interval:.4g} s form one bin: a camera frame is {camera_interval:.4g} s"
    return made, (Flag("N310", text),)
