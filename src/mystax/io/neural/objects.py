"""Neural data in memory: arrays, and objects that behave like those of pynapple (which is not needed)."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from mystax.core.neural import SIGNALS
from mystax.core.typing import Float64
from mystax.errors import ClockError, FormatError, ParameterError
from mystax.io.neural.array import array_of
from mystax.io.neural.slabs import Held
from mystax.io.neural.source import NeuralSource, Neurons

__all__ = ["is_neural_object", "read_object"]


def is_neural_object(item: object) -> bool:
    """Tell whether an object in memory is taken: an array, times with data, or a mapping of spike trains."""
    if isinstance(item, np.ndarray) or (hasattr(item, "t") and hasattr(item, "d")):
        return True
    return isinstance(item, Mapping) and len(item) > 0 and all(hasattr(one, "t") for one in item.values())


def read_object(
    item: Any, *, n_times: int | None = None, axes: str | None = None, signal: str | None = None
) -> NeuralSource:
    """Take neural data in memory.

    Parameters
    ----------
    item : object
        Array; object with times `t` [s] and data `d` (one or two axes, time first); or mapping of number to
        object with spike times `t` [s].
    n_times, axes : optional
        For an array: which axis is time.
    signal : str, optional
        What the numbers are; by default counts for whole numbers, else fluorescence.

    Returns
    -------
    NeuralSource
        Activity or spikes.

    Raises
    ------
    ParameterError
        P401, if `signal` is unknown.
    FormatError
        F804, if data and times do not fit together.
    NumbersError
        N306, if it cannot be decided which axis is time.
    """
    if signal is not None and signal not in SIGNALS:
        raise ParameterError("P401", "parameter 'signal'", expected=", ".join(SIGNALS), got=repr(signal))
    name = type(item).__name__
    if isinstance(item, np.ndarray):
        matrix, is_whole = array_of(item, n_times, axes, "array")
        usual = "counts" if is_whole else "fluorescence"
        neurons = Neurons.of(np.arange(matrix.shape[1]))
        return NeuralSource("memory", "array", signal or usual, neurons, matrix)
    if isinstance(item, Mapping) and not hasattr(item, "d"):
        return _trains(item, name)
    times, values = np.asarray(item.t, np.float64), np.asarray(item.d)
    values = values[:, None] if values.ndim == 1 else values
    if values.ndim != 2 or len(times) != len(values) or values.dtype.kind not in "biuf":
        raise FormatError(
            "F804", name, expected="one row of numbers per time", got=f"{values.dtype}{values.shape}"
        )
    labels = np.asarray(getattr(item, "columns", np.arange(values.shape[1])))
    ids = (
        labels if labels.dtype.kind in "iu" and len(labels) == values.shape[1] else np.arange(values.shape[1])
    )
    usual = "counts" if values.dtype.kind in "iu" else "fluorescence"
    return NeuralSource("memory", name, signal or usual, Neurons.of(ids), Held(values), times=times)


def _trains(item: Mapping[Any, Any], name: str) -> NeuralSource:
    """Join the spike trains of a mapping."""
    try:
        ids = np.array([int(key) for key in item], np.int64)
    except (TypeError, ValueError) as error:
        raise FormatError(
            "F804", name, expected="whole numbers as names of neurons", got=str(error)
        ) from error
    trains = [np.asarray(one.t, np.float64).reshape(-1) for one in item.values()]
    for key, train in zip(ids, trains, strict=True):
        if not np.isfinite(train).all():
            raise ClockError("C206", f"{name}[{key}]", "a spike time is not finite")
    times = np.concatenate(trains)
    owners = np.repeat(np.arange(len(trains)), [len(train) for train in trains]).astype(np.int32)
    order = np.argsort(times, kind="stable")
    intervals = _support(item)
    return NeuralSource(
        "memory",
        name,
        "spikes",
        Neurons.of(ids),
        spike_time=times[order],
        spike_neuron=owners[order],
        observed=None if intervals is None else [intervals] * len(ids),
    )


def _support(item: object) -> Float64[np.ndarray, "interval 2"] | None:
    """Return when the neurons were observed, if the object says it (`time_support` with start and end)."""
    support = getattr(item, "time_support", None)
    if support is None or not (hasattr(support, "start") and hasattr(support, "end")):
        return None
    edges = np.stack([np.asarray(support.start, np.float64), np.asarray(support.end, np.float64)], axis=-1)
    return edges.reshape(-1, 2)
