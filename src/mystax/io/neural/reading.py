"""`mystax.read_neural`: neural data of any known format as one dataset on the session clock."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.core.neural import NEURAL, SIGNALS, check_neural
from mystax.core.neural_bins import bin_spikes
from mystax.core.quality import Flag, flags_to_json
from mystax.core.typing import Int32, Int64
from mystax.errors import FormatError, NumbersError, ParameterError, nearest
from mystax.io.neural.alf import read_alf
from mystax.io.neural.array import read_array, split_place
from mystax.io.neural.caiman import read_caiman
from mystax.io.neural.chosen import choose_neurons
from mystax.io.neural.detect import find_format
from mystax.io.neural.nwb import read_nwb
from mystax.io.neural.objects import is_neural_object, read_object
from mystax.io.neural.phy import read_phy
from mystax.io.neural.slabs import Joined, as_variable
from mystax.io.neural.source import NeuralSource, Neurons, fingerprints, ids_text
from mystax.io.neural.suite2p import read_suite2p, without_baseline
from mystax.io.neural.times import (
    ClockSource,
    NeuralTimes,
    Stamped,
    column_in,
    read_clock,
    time_rows,
    time_spikes,
)

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = ["read_neural"]


def read_neural(
    path: str | Path | Any,
    *,
    format: str = "auto",  # noqa: A002 - the public name
    clock: ClockSource | None = None,
    clock_policy: str | None = None,
    signal: str | None = None,
    bin: float | None = None,  # noqa: A002 - the public name
    neurons: str | Sequence[int] | None = None,
    axes: str | None = None,
    series: str | None = None,
    sample_rate: Fraction | float | None = None,
) -> Dataset:
    """Read neural data: suite2p, phy or Kilosort, NWB, ALF, CaImAn, plain arrays, or objects in memory.

    Parameters
    ----------
    path : path or object
        Folder, file, or ``FILE:NAME`` for an array in a file; an array, an object with times `t` and data
        `d`, or a mapping of number to object with spike times `t` (as pynapple has them); or a dataset of
        this function, of which `bin` and `neurons` can be asked.
    format : {"auto", "suite2p", "phy", "nwb", "alf", "caiman", "array"}, optional
        By default decided by content.
    clock : str, Clock or array, optional
        Times of the rows [s]: ``npy:frame_times.npy``, ``rate:30/1`` (half a frame is added: the middle),
        and so on; ``events:A:B`` maps times that the data have.  Data with times need none.
    clock_policy : str, optional
        Where rows and stamps differ in count: drop_tail, drop_head, counter:COLUMN or match.
    signal : str, optional
        spikes, counts, deconvolved, fluorescence or zscore; by default what the format holds first.
    bin : float, optional
        Bins of spikes [s]: counts are made at once.
    neurons : str or sequence of int, optional
        Such as ``quality=good|mua,area=V1``, or numbers of neurons; by default all but multi-unit activity,
        noise and what is no cell.
    axes : {"time,neuron", "neuron,time"}, optional
        Axes of an array, where its times do not tell.
    series : str, optional
        Series of an NWB file.
    sample_rate : number, optional
        Samples per second of spikes in samples.

    Returns
    -------
    Dataset
        Form `mystax.core.neural.NEURAL`: `activity` (time, neuron), read from the file when it is used, or
        `spike_time` and `spike_neuron`; what is known of the neurons; `clock_report`, `left_out`, `source`.

    Raises
    ------
    FormatError
        F801-F804, if a file is refused or not known, or has no such signal.
    ClockError
        C202-C207, if times are missing, not usable, or do not fit.
    NumbersError
        N303, if no neuron is left; N306, if it cannot be decided which axis is time.
    ParameterError
        P401, if a parameter is not understood.

    Examples
    --------
    >>> counts = np.arange(12).reshape(6, 2)
    >>> dataset = read_neural(counts, clock=np.arange(6) / 10)
    >>> dataset["activity"].dims, dataset.attrs["signal"]
    (('time', 'neuron'), 'counts')
    """
    if signal is not None and signal not in SIGNALS:
        raise ParameterError(
            "P401", "parameter 'signal'", f"there is no signal {signal!r}{nearest(signal, SIGNALS)}"
        )
    if hasattr(path, "data_vars"):
        asked = {
            "format": None if format == "auto" else format,
            "clock": clock,
            "clock_policy": clock_policy,
            "signal": signal,
            "axes": axes,
            "series": series,
            "sample_rate": sample_rate,
        }
        return _again(path, asked, neurons, bin)
    folders = [Path.cwd()]
    if not isinstance(path, str | Path):
        if not is_neural_object(path):
            raise FormatError(
                "F804",
                type(path).__name__,
                expected="a path, an array, an object with t and d, or a mapping of spike trains",
            )
        stamped = read_clock(clock, folders)
        source = read_object(path, n_times=None if stamped is None else stamped.n, axes=axes, signal=signal)
    else:
        place, name = split_place(str(path))
        folders.append(place if place.is_dir() else place.parent)
        kind = find_format(place, name, format)
        source, stamped = _read(
            place, name, kind, clock, folders, signal=signal, axes=axes, series=series, rate=sample_rate
        )
    if source.matrix is None and signal not in (None, "spikes", "counts"):
        raise FormatError("F804", source.where, f"there is no signal {signal!r}", expected="spikes")
    return _dataset(source, stamped, clock_policy, folders, neurons, bin)


def _again(
    given: Any, asked: Mapping[str, object], wanted: str | Sequence[int] | None, width: float | None
) -> Dataset:
    """Check neural data that are there already, choose among their neurons, and count their spikes."""
    dataset: Dataset = given
    check_neural(dataset)
    for name, value in asked.items():
        if value is not None:
            raise ParameterError(
                "P401",
                f"parameter {name!r}",
                "the neural data are read already",
                expected="bin or neurons alone",
                hint="read the file itself",
            )
    if wanted is not None:
        dataset = _chosen_of(dataset, wanted)
    return dataset if width is None else _counted(dataset, width)


def _chosen_of(dataset: Dataset, wanted: str | Sequence[int]) -> Dataset:
    """Take some neurons of a dataset."""
    area, quality = ([str(text) for text in dataset[name].values] for name in ("area", "quality"))
    place = np.stack([np.asarray(dataset[f"neuron_{name}"].values, np.float64) for name in "xyz"], axis=1)
    plane = np.asarray(dataset["plane"].values)
    table = Neurons.of(dataset["neuron"].values, place=place, area=area, quality=quality, plane=plane)
    chosen, left_out = choose_neurons(table, wanted, "neural data")
    made = dataset.isel(neuron=chosen)
    if "spike_time" in dataset:
        owners = _owners(np.asarray(dataset["spike_neuron"].values), chosen, len(table))
        kept = np.flatnonzero(owners >= 0)
        made = made.isel(spike=kept).assign(
            spike_neuron=(("spike",), owners[kept], dataset["spike_neuron"].attrs)
        )
    before = json.loads(str(dataset.attrs.get("left_out", "{}")))
    made.attrs["left_out"] = ids_text({**before, **left_out})
    if dataset.attrs.get("observed"):
        every = json.loads(dataset.attrs["observed"])
        made.attrs["observed"] = json.dumps([every[k] for k in chosen])
    return made


def _counted(dataset: Dataset, width: float) -> Dataset:
    """Count spikes in bins; nothing else can be counted."""
    if "spike_time" not in dataset:
        raise ParameterError(
            "P401",
            "parameter 'bin'",
            expected="spikes, which are counted in bins",
            got=str(dataset.attrs["signal"]),
        )
    return _described(bin_spikes(dataset, width))


def _owners(
    owners: Int32[np.ndarray, " spike"], chosen: Int64[np.ndarray, " chosen"], n: int
) -> Int32[np.ndarray, " spike"]:
    """Return the place of each spike's neuron among the chosen; -1 where it is none of them."""
    positions = np.full(n, -1, np.int32)
    positions[chosen] = np.arange(len(chosen), dtype=np.int32)
    return np.asarray(positions[owners])


def _described(dataset: Dataset) -> Dataset:
    """Say of each variable what it is."""
    for name, variable in {**NEURAL.variables, **NEURAL.coordinates}.items():
        if name in dataset.variables:
            dataset[name].attrs |= {"long_name": variable.help}
            if variable.unit:
                dataset[name].attrs["units"] = variable.unit
    return dataset


def _read(
    place: Path,
    name: str,
    kind: str,
    clock: ClockSource | None,
    folders: Sequence[Path],
    *,
    signal: str | None,
    axes: str | None,
    series: str | None,
    rate: Fraction | float | None,
) -> tuple[NeuralSource, Stamped | None]:
    """Read one format, and the clock that was named for it."""
    if rate is not None and not rate > 0:
        raise ParameterError("P401", "parameter 'sample_rate'", expected="samples per second", got=str(rate))
    if kind == "array":
        stamped = read_clock(clock, folders)
        n_times = None if stamped is None else stamped.n
        source = read_array(
            place,
            name,
            n_times=n_times,
            axes=axes,
            signal=signal,
            has_clock=stamped is not None,
            clock_column="" if stamped is None else column_in(stamped.spec, place, folders),
        )
        return source, stamped
    if kind == "suite2p":
        source = read_suite2p(place, signal=signal)
    elif kind == "phy":
        source = read_phy(place, sample_rate=None if rate is None else Fraction(rate))
    elif kind == "nwb":
        source = read_nwb(place, signal=signal, series=series, axes=axes)
    elif kind == "alf":
        source = read_alf(place, signal=signal)
    else:
        source = read_caiman(place, signal=signal)
    return source, read_clock(clock, folders, source.rate)


def _dataset(
    source: NeuralSource,
    stamped: Stamped | None,
    policy: str | None,
    folders: Sequence[Path],
    wanted: str | Sequence[int] | None,
    width: float | None,
) -> Dataset:
    """Put neurons and times together."""
    import xarray as xr

    chosen, left_out = choose_neurons(source.neurons, wanted, source.where)
    is_spikes = source.matrix is None
    if source.format == "suite2p":
        source = _at_planes(source, source.neurons.plane[chosen])
    times = (
        time_spikes(source, stamped, folders) if is_spikes else time_rows(source, stamped, policy, folders)
    )
    variables = _spikes(source, times, chosen) if is_spikes else _activity(source, times, chosen)
    dataset = xr.Dataset(variables, _table(source.neurons.subset(chosen)))
    steps = np.diff(times.seconds[times.usable]) if not is_spikes else np.empty(0)
    dataset.attrs = {
        "signal": source.signal,
        "bin": float(np.median(steps)) if len(steps) else 0.0,
        "unit": source.neurons.unit,
        "clock_report": json.dumps(dict(times.report)),
        "source": json.dumps(
            {"format": source.format, "files": fingerprints(source.files), **source.counts}, default=str
        ),
        "left_out": ids_text(left_out),
        "quality": flags_to_json([*source.flags, *times.flags]),
    }
    if source.observed is not None:
        dataset.attrs["observed"] = json.dumps([source.observed[k].tolist() for k in chosen])
    dataset = _described(dataset) if width is None else _counted(dataset, width)
    check_neural(dataset, source.where)
    return dataset


def _at_planes(source: NeuralSource, planes: Int64[np.ndarray, " chosen"]) -> NeuralSource:
    """Let frames come as late as the planes that are taken do in the mean, and say how wrong that is."""
    numbers = np.unique(planes)
    middle, delay = float(numbers.mean()), source.plane_delay
    if delay is None:
        wrong = "by an unknown time, since the rate of the planes is not known (ops.npy)"
    else:
        wrong = f"by up to {float(np.abs(numbers - middle).max()) * delay:.3g} s"
    text = f"{len(numbers)} planes share one time, which differs from their own {wrong}; read one for its own"
    flags = (*source.flags, Flag("N310", text)) if len(numbers) > 1 else source.flags
    return replace(source, offset=middle * (delay or 0.0), flags=flags)


def _spikes(source: NeuralSource, times: NeuralTimes, chosen: Int64[np.ndarray, " chosen"]) -> dict[str, Any]:
    """Keep the spikes of the chosen neurons."""
    owners = _owners(np.asarray(source.spike_neuron), chosen, len(source.neurons))
    kept = owners >= 0
    return {
        "spike_time": (("spike",), times.seconds[kept]),
        "spike_neuron": (("spike",), owners[kept]),
    }


def _activity(
    source: NeuralSource, times: NeuralTimes, chosen: Int64[np.ndarray, " chosen"]
) -> dict[str, Any]:
    """Take the rows that have a time, of the chosen neurons; nothing is read yet."""
    import xarray as xr

    if source.matrix is None:
        raise FormatError("F804", source.where, expected="rows of activity", got="none")
    change = None
    if source.has_baseline:
        if len(times.seconds) < 2:
            raise NumbersError(
                "N303",
                source.where,
                "fluorescence needs a baseline",
                expected="at least two frames",
                got=f"{len(times.seconds)}",
            )
        rate = 1 / float(np.median(np.diff(times.seconds)))
        change = partial(without_baseline, rate=rate)
    matrix = Joined([(source.matrix, chosen)], source.matrix.shape[0], change)
    variable = as_variable(matrix, {})
    if not times.usable.all():
        variable = variable.isel(time=np.flatnonzero(times.usable))
    return {"activity": variable, "time": xr.Variable(("time",), times.seconds[times.usable])}


def _table(neurons: Neurons) -> dict[str, Any]:
    """Write the table of neurons as coordinates."""
    axis = ("neuron",)
    return {
        "neuron": (axis, neurons.ids),
        **{f"neuron_{name}": (axis, neurons.place[:, k].astype(np.float32)) for k, name in enumerate("xyz")},
        "area": (axis, neurons.area),
        "plane": (axis, neurons.plane.astype(np.int16)),
        "quality": (axis, neurons.quality),
    }
