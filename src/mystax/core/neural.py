"""The form of neural data: activity of neurons on the recording's clock, or spikes not yet binned."""

from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.core.dataset import Coordinate, Schema, Variable, check_outcome
from mystax.errors import FormatError

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = ["NEURAL", "SIGNALS", "check_neural"]

SIGNALS = ("spikes", "counts", "deconvolved", "fluorescence", "zscore")
"""What the numbers of neural data are (attribute `signal`)."""

_NEURON = ("neuron",)

NEURAL = Schema(
    {
        "activity": Variable(
            ("time", "neuron"),
            "1",
            "float32",
            "Activity per bin or imaging frame.",
            False,
        ),
        "spike_time": Variable(("spike",), "s", "float64", "Times of all spikes, rising.", False),
        "spike_neuron": Variable(("spike",), "1", "int32", "Position of the spike's neuron.", False),
    },
    per_frame=False,
    per_roi=False,
    coordinates={
        "time": Coordinate(("time",), "s", "float64", "Centre of the bin or frame, session clock.", False),
        "neuron": Coordinate(_NEURON, "1", "int64", "Number of the neuron in its source."),
        "neuron_x": Coordinate(_NEURON, "", "float32", "Place of the neuron, x; see the attribute unit."),
        "neuron_y": Coordinate(_NEURON, "", "float32", "Place of the neuron, y; see the attribute unit."),
        "neuron_z": Coordinate(_NEURON, "", "float32", "Depth of the neuron; see the attribute unit."),
        "area": Coordinate(_NEURON, "", "str", "Brain area; empty if unknown."),
        "plane": Coordinate(_NEURON, "1", "int16", "Imaging plane; -1 if unknown."),
        "quality": Coordinate(_NEURON, "", "str", "Judgement of the sorter or detector; empty if unknown."),
    },
    more_dimensions=frozenset({"spike"}),
)
"""Neural data: `activity` with `time`, or `spike_time` with `spike_neuron`, or both."""


def check_neural(dataset: Dataset, where: str = "neural data") -> None:
    """Check that a dataset has the form of neural data.

    Parameters
    ----------
    dataset : Dataset
        As `mystax.read_neural` gives it.
    where : str, optional
        Name for messages.

    Raises
    ------
    FormatError
        F804, naming the variable and what was expected and got; if times do not rise, or a spike belongs to
        no neuron.
    """
    check_outcome(dataset, NEURAL, where)
    if "activity" not in dataset and "spike_time" not in dataset:
        raise FormatError("F804", where, expected="'activity' or 'spike_time'", got="neither")
    if "activity" in dataset and "time" not in dataset.coords:
        raise FormatError("F804", where, "the activity has no times", expected="a coordinate 'time'")
    if "spike_time" in dataset and "spike_neuron" not in dataset:
        raise FormatError("F804", where, "the spikes have no neurons", expected="a variable 'spike_neuron'")
    signal = dataset.attrs.get("signal")
    if signal not in SIGNALS:
        raise FormatError("F804", where, "attribute 'signal'", expected=", ".join(SIGNALS), got=repr(signal))
    _check_times(dataset, where)


def _check_times(dataset: Dataset, where: str) -> None:
    """Refuse times that do not rise, and spikes of neurons that are not there: counts would be wrong."""
    if "activity" in dataset:
        times = np.asarray(dataset["time"].values)
        if not (np.isfinite(times).all() and (np.diff(times) > 0).all()):
            raise FormatError("F804", where, "the times of the activity do not rise")
    if "spike_time" in dataset:
        times, owners = (np.asarray(dataset[name].values) for name in ("spike_time", "spike_neuron"))
        if not (np.isfinite(times).all() and (np.diff(times) >= 0).all()):
            raise FormatError(
                "F804", where, "the times of the spikes do not rise", hint="sort the spikes of all neurons"
            )
        n = dataset.sizes["neuron"]
        if len(owners) and not 0 <= owners.min() <= owners.max() < n:
            raise FormatError(
                "F804",
                where,
                "a spike belongs to no neuron",
                expected=f"positions 0 to {n - 1} in 'spike_neuron', not numbers of neurons",
                got=f"{owners.min()} to {owners.max()}",
            )
