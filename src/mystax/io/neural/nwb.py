"""NWB files: spikes of units, or a series of regions; read with h5py alone."""

from pathlib import Path
from typing import Any

import numpy as np

from mystax.errors import ClockError, FormatError
from mystax.io.foreign import read_foreign
from mystax.io.neural.axes import oriented
from mystax.io.neural.slabs import Held
from mystax.io.neural.source import NeuralSource, Neurons
from mystax.io.nwb.cameras import rational_rate

__all__ = ["read_nwb"]

MEMORY, SECONDS = 12 << 30, 900


def read_nwb(
    path: Path, *, signal: str | None = None, series: str | None = None, axes: str | None = None
) -> NeuralSource:
    """Read an NWB file.

    Parameters
    ----------
    path : Path
        The file.
    signal : str, optional
        spikes, fluorescence or deconvolved; by default spikes if there are units.
    series : str, optional
        Name of the `RoiResponseSeries` where there are several.
    axes : {"time,neuron", "neuron,time"}, optional
        Axes of its data, where they cannot be told by their lengths.

    Returns
    -------
    NeuralSource
        Spikes or activity, with times.

    Raises
    ------
    FormatError
        F802-F804, if the file is refused, or the choice is open.
    NumbersError
        N306, if it cannot be decided which axis is time.
    ClockError
        C206, C207, if a series has no usable times.
    """
    content = read_foreign(
        path,
        "nwb",
        options={"series": series or "", "signal": signal or ""},
        memory=MEMORY,
        seconds=SECONDS,
    )
    if content["kind"] == "units":
        return _of_units(path, content)
    return _of_series(path, content, signal, axes)


def _of_units(path: Path, content: dict[str, Any]) -> NeuralSource:
    times, ends = content["spike_times"], content["ends"]
    owners = np.repeat(np.arange(len(ends)), np.diff(ends, prepend=0)).astype(np.int32)
    bad = np.flatnonzero(~np.isfinite(times))
    if len(bad):
        raise ClockError(
            "C206", f"{path.name}:units/spike_times", "a time is not finite", got=f"row {int(bad[0])}"
        )
    order = np.argsort(times, kind="stable")
    return NeuralSource(
        format="nwb",
        where=f"{path.name}:units",
        signal="spikes",
        neurons=Neurons.of(
            content["ids"], place=content["place"], area=content["area"], quality=content["quality"]
        ),
        spike_time=times[order],
        spike_neuron=owners[order],
        observed=content["observed"],
        files=[path],
        counts={"n_units": len(ends), "n_spikes": len(times)},
    )


def _of_series(path: Path, content: dict[str, Any], signal: str | None, axes: str | None) -> NeuralSource:
    where = f"{path.name}:{content['name']}"
    values, times, ids = content["values"], content["times"], content["ids"]
    n_times = None if times is None else len(times)
    n_neurons = None if ids is None else len(ids)
    activity = oriented(values, n_times, axes, where, n_neurons)
    if times is None:
        rate = content["rate"]
        if rate is None or not (np.isfinite(rate) and rate > 0):
            raise ClockError(
                "C207", where, expected="timestamps, or starting_time with a rate", got="neither"
            )
        times = content["start"] + np.arange(len(activity)) * float(1 / rational_rate(rate))
    if ids is not None and len(ids) != activity.shape[1]:
        raise FormatError(
            "F804", where, "rois and data differ", expected=f"{activity.shape[1]} rois", got=str(len(ids))
        )
    name = content["name"].lower()
    if signal is None:
        signal = "deconvolved" if "deconv" in name or "spike" in name else "fluorescence"
    return NeuralSource(
        format="nwb",
        where=where,
        signal=signal,
        neurons=Neurons.of(
            np.arange(activity.shape[1]) if ids is None else ids,
            place=content["place"],
            unit="px",
            quality=content["quality"],
        ),
        matrix=Held(activity),
        times=times,
        files=[path],
        counts={"series": content["name"], "all_series": content["series"], "axes": axes or ""},
    )
