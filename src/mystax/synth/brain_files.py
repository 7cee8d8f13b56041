"""Simulated neural data in the files of other tools, so that every reader can be held against a truth."""

import csv
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.core.typing import Float32, Float64, Int32
from mystax.errors import ParameterError, nearest
from mystax.io.hdf5 import write_arrays, write_tree

if TYPE_CHECKING:
    from mystax.synth.brain_truth import BrainTruth
else:
    BrainTruth = Any

__all__ = ["FORMATS", "Written", "write_neural"]

SAMPLE_RATE = 30_000
NEUROPIL = 0.7


@dataclass(frozen=True)
class Written:
    """Where simulated neural data lie, and how they are read.

    Attributes
    ----------
    path : str
        What `mystax.read_neural` takes.
    options : mapping
        Further arguments for it: the clock where the files hold no times, the bin of spikes.
    camera_times : Path
        `.npy` with the times of the camera's frames [s].
    neural_times : Path
        `.npy` with the times of the rows [s].
    """

    path: str
    options: Mapping[str, Any]
    camera_times: Path
    neural_times: Path


@dataclass(frozen=True, eq=False)
class _Parts:
    """What is written: activity and times of rows, spikes if there are any, and the table of neurons."""

    activity: Float32[np.ndarray, "time neuron"]
    times: Float64[np.ndarray, " time"]
    rate: float
    spike_time: Float64[np.ndarray, " spike"] | None
    spike_neuron: Int32[np.ndarray, " spike"] | None
    place: Float64[np.ndarray, "neuron space"]
    area: list[str]

    @property
    def n(self) -> int:
        """Number of neurons."""
        return int(self.activity.shape[1])

    def spikes(self, name: str) -> tuple[Float64[np.ndarray, " spike"], Int32[np.ndarray, " spike"]]:
        """Return the spikes, which the format needs."""
        if self.spike_time is None or self.spike_neuron is None:
            raise ParameterError(
                "P401", f"format {name!r}", expected="a brain simulated with signal='spikes'", got="activity"
            )
        return self.spike_time, self.spike_neuron


def _parts(truth: BrainTruth) -> _Parts:
    neural = truth.neural
    n_bins = len(truth.expected)
    times = (np.arange(n_bins) + 0.5) / truth.rate
    if "time" in neural.coords:
        times = np.asarray(neural["time"].values)
    spike_time = spike_neuron = None
    if "activity" in neural:
        activity = np.asarray(neural["activity"].values, np.float32)
    else:
        spike_time = np.asarray(neural["spike_time"].values)
        spike_neuron = np.asarray(neural["spike_neuron"].values)
        activity = np.zeros((n_bins, truth.expected.shape[1]), np.float32)
        np.add.at(activity, (np.floor(spike_time * truth.rate + 1e-9).astype(int), spike_neuron), 1)
    place = np.stack([neural[f"neuron_{axis}"].values for axis in "xyz"], axis=1).astype(np.float64)
    area = [str(name) for name in neural["area"].values]
    return _Parts(activity, times, truth.rate, spike_time, spike_neuron, place, area)


def write_neural(
    truth: BrainTruth,
    folder: Path | str,
    format: str,  # noqa: A002 - as in read_neural
    fault: str | None = None,
) -> Written:
    """Write simulated neural data, with the times of camera and neurons beside them.

    Parameters
    ----------
    truth : BrainTruth
        The simulated recording.
    folder : path
        Takes the files; made if it is not there.
    format : str
        One of `FORMATS`; those of spikes need a brain of signal spikes.
    fault : {"no-clock", "count"}, optional
        Leave out the times beside the files, or three of them.

    Returns
    -------
    Written
        What to read, and how.

    Raises
    ------
    ParameterError
        P401, if there is no such format, or it needs spikes.
    """
    if format not in FORMATS:
        raise ParameterError(
            "P401", "parameter 'format'", f"there is no format {format!r}{nearest(format, FORMATS)}"
        )
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    parts = _parts(truth)
    camera, neural = place / "camera_times.npy", place / "neural_times.npy"
    np.save(camera, np.asarray(truth.behaviour["pose"]["time"].values))
    np.save(neural, parts.times[:-3] if fault == "count" else parts.times)
    path, has_times = FORMATS[format](place, parts)
    options: dict[str, Any] = {}
    if format in SPIKING:
        options["bin"] = 1 / truth.rate
    elif not has_times and fault != "no-clock":
        options["clock"] = f"npy:{neural}"
    return Written(path, options, camera, neural)


def _suite2p(folder: Path, parts: _Parts) -> tuple[str, bool]:
    """Write `plane0`: neurons x frames, with positions and options as pickled objects."""
    plane = folder / "suite2p" / "plane0"
    plane.mkdir(parents=True, exist_ok=True)
    traces = np.ascontiguousarray(parts.activity.T)
    np.save(plane / "spks.npy", traces)
    around = np.full_like(traces, 10)
    np.save(plane / "F.npy", traces + np.float32(NEUROPIL) * around)
    np.save(plane / "Fneu.npy", around)
    np.save(plane / "iscell.npy", np.column_stack([np.ones(parts.n), np.full(parts.n, 0.9)]))
    places = [{"med": [float(y), float(x)], "npix": 9} for x, y, _ in parts.place]
    _save_objects(plane / "stat.npy", np.array(places, object))
    _save_objects(plane / "ops.npy", np.array({"fs": parts.rate, "nplanes": 1}, object))
    return str(plane), False


def _save_objects(path: Path, values: np.ndarray) -> None:
    """Write plain dicts as suite2p does, which knows no other form; nothing runs when they are written."""
    np.save(path, values, allow_pickle=True)


def _phy(folder: Path, parts: _Parts) -> tuple[str, bool]:
    """Write spikes in samples (uint64, one column), clusters, judgements and the rate."""
    times, owners = parts.spikes("phy")
    place = folder / "phy"
    place.mkdir(exist_ok=True)
    np.save(place / "spike_times.npy", np.rint(times * SAMPLE_RATE).astype(np.uint64)[:, None])
    np.save(place / "spike_clusters.npy", owners.astype(np.int32))
    with (place / "cluster_group.tsv").open("w", encoding="utf-8", newline="") as stream:
        rows = csv.writer(stream, delimiter="\t", lineterminator="\n")
        rows.writerows([("cluster_id", "group"), *((k, "good") for k in range(parts.n))])
    (place / "params.py").write_text(
        f"dat_path = r'raw.bin'\nn_channels_dat = {parts.n}\nsample_rate = {SAMPLE_RATE}.\n", "utf-8"
    )
    np.save(place / "channel_positions.npy", parts.place[:, [0, 1]])
    templates = np.zeros((parts.n, 8, parts.n), np.float32)
    templates[np.arange(parts.n), 4, np.arange(parts.n)] = -1
    np.save(place / "templates.npy", templates)
    return str(place), True


def _nwb_base() -> dict[str, Any]:
    """Return what every NWB file holds."""
    return {
        "@": {"nwb_version": "2.7.0", "neurodata_type": "NWBFile", "namespace": "core"},
        "session_description": "simulated",
        "session_start_time": "2024-01-01T00:00:00+00:00",
        "identifier": "simulated",
    }


def _nwb_units(folder: Path, parts: _Parts) -> tuple[str, bool]:
    """Write units with cumulative ends, observation and electrodes."""
    times, owners = parts.spikes("nwb-units")
    order = np.lexsort((times, owners))
    ends = np.cumsum(np.bincount(owners, minlength=parts.n)).astype(np.uint32)
    stop = len(parts.times) / parts.rate
    tree = {
        **_nwb_base(),
        "units": {
            "@": {"neurodata_type": "Units", "namespace": "core"},
            "id": np.arange(parts.n),
            "spike_times": times[order],
            "spike_times_index": ends,
            "obs_intervals": np.tile([0.0, stop], (parts.n, 1)),
            "obs_intervals_index": np.arange(1, parts.n + 1, dtype=np.uint16),
            "electrodes": np.arange(parts.n),
            "electrodes_index": np.arange(1, parts.n + 1),
            "quality": ["good"] * parts.n,
        },
        "general": {
            "extracellular_ephys": {
                "electrodes": {
                    "id": np.arange(parts.n),
                    **{axis: parts.place[:, k] for k, axis in enumerate("xyz")},
                    "location": parts.area,
                }
            }
        },
    }
    path = folder / "units.nwb"
    write_tree(path, tree)
    return str(path), True


def _nwb_series(folder: Path, parts: _Parts, *, is_time_first: bool) -> tuple[str, bool]:
    """Write a series of regions, halved and with the factor 2, in one order of axes."""
    halved = parts.activity / 2
    pixels = np.zeros(parts.n, [("x", "<u4"), ("y", "<u4"), ("weight", "<f4")])
    pixels["x"], pixels["y"] = np.rint(parts.place[:, 0]), np.rint(parts.place[:, 1])
    pixels["weight"] = 1
    data = halved if is_time_first else halved.T
    series = {
        "@": {"neurodata_type": "RoiResponseSeries", "namespace": "core"},
        "data": (np.ascontiguousarray(data), {"conversion": 2.0, "unit": "a.u."}),
        "timestamps": parts.times,
        "rois": (np.arange(parts.n), {"table": "/processing/ophys/ImageSegmentation/PlaneSegmentation"}),
    }
    tree = {
        **_nwb_base(),
        "processing": {
            "ophys": {
                "ImageSegmentation": {
                    "PlaneSegmentation": {
                        "@": {"neurodata_type": "PlaneSegmentation"},
                        "id": np.arange(parts.n),
                        "pixel_mask": pixels,
                        "pixel_mask_index": np.arange(1, parts.n + 1),
                    }
                },
                "DfOverF": {"@": {"neurodata_type": "DfOverF"}, "RoiResponseSeries": series},
            }
        },
    }
    path = folder / f"series_{'tn' if is_time_first else 'nt'}.nwb"
    write_tree(path, tree)
    return str(path), True


def _alf(folder: Path, parts: _Parts) -> tuple[str, bool]:
    """Write spikes and clusters."""
    times, owners = parts.spikes("alf")
    place = folder / "alf" / "probe00"
    place.mkdir(parents=True, exist_ok=True)
    np.save(place / "spikes.times.npy", times)
    np.save(place / "spikes.clusters.npy", owners.astype(np.uint32))
    np.save(place / "clusters.depths.npy", parts.place[:, 2])
    np.save(place / "clusters.acronym.npy", np.array(parts.area))
    return str(folder), True


def _alf_imaging(folder: Path, parts: _Parts) -> tuple[str, bool]:
    """Write activity of regions with times; the wrong numbers of an old revision must not be read."""
    place = folder / "alf" / "FOV_00"
    for name, activity in (("", parts.activity * 0), ("#2024-02-01#", parts.activity)):
        (place / name).mkdir(parents=True, exist_ok=True)
        np.save(place / name / "mpci.ROIActivityDeconvolved.npy", activity)
    np.save(place / "mpci.times.npy", parts.times)
    np.save(place / "mpciROIs.stackPos.npy", np.rint(parts.place))
    return str(folder), True


def _npy(folder: Path, parts: _Parts) -> tuple[str, bool]:
    np.save(folder / "activity.npy", parts.activity)
    return str(folder / "activity.npy"), False


def _npz(folder: Path, parts: _Parts) -> tuple[str, bool]:
    np.savez_compressed(folder / "activity.npz", rates=parts.activity.T)
    return f"{folder / 'activity.npz'}:rates", False


def _mat(folder: Path, parts: _Parts) -> tuple[str, bool]:
    from scipy.io import savemat

    savemat(folder / "activity.mat", {"rates": parts.activity})
    return f"{folder / 'activity.mat'}:rates", False


def _mat73(folder: Path, parts: _Parts) -> tuple[str, bool]:
    write_arrays(folder / "activity73.mat", {"rates": parts.activity}, is_matlab=True)
    return f"{folder / 'activity73.mat'}:rates", False


def _h5(folder: Path, parts: _Parts) -> tuple[str, bool]:
    write_arrays(folder / "activity.h5", {"session/rates": parts.activity})
    return f"{folder / 'activity.h5'}:/session/rates", False


def _csv(folder: Path, parts: _Parts) -> tuple[str, bool]:
    """Write a table with a column of times and one per neuron."""
    path = folder / "activity.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(["time", *(f"neuron{k}" for k in range(parts.n))])
        for time, row in zip(parts.times.tolist(), parts.activity.tolist(), strict=True):
            rows.writerow([repr(time), *map(repr, row)])
    return str(path), True


def _caiman(folder: Path, parts: _Parts) -> tuple[str, bool]:
    """Write accepted components as CaImAn does."""
    path = folder / "caiman.hdf5"
    tree = {
        "estimates": {
            "S": np.ascontiguousarray(parts.activity.T),
            "C": np.ascontiguousarray(parts.activity.T) * 3,
            "idx_components": np.arange(parts.n),
        },
        "params": {"data": {"fr": np.float64(parts.rate)}},
    }
    write_tree(path, tree)
    return str(path), False


Writer = Callable[[Path, _Parts], tuple[str, bool]]
FORMATS: Mapping[str, Writer] = {
    "suite2p": _suite2p,
    "phy": _phy,
    "nwb-units": _nwb_units,
    "nwb-series": lambda folder, parts: _nwb_series(folder, parts, is_time_first=True),
    "nwb-series-swapped": lambda folder, parts: _nwb_series(folder, parts, is_time_first=False),
    "alf": _alf,
    "alf-imaging": _alf_imaging,
    "npy": _npy,
    "npz": _npz,
    "mat": _mat,
    "mat73": _mat73,
    "h5": _h5,
    "csv": _csv,
    "caiman": _caiman,
}
"""Formats that can be written; each function gives the path and whether the files hold times."""
SPIKING = ("phy", "nwb-units", "alf")
"""Formats of spikes."""
