"""What can be wrong with neural data and behaviour, by name, made out of a sound simulated recording."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.core.typing import Float64
from mystax.errors import ParameterError, nearest

if TYPE_CHECKING:
    from xarray import Dataset

    from mystax.synth.brain_truth import BrainTruth
else:
    BrainTruth = Dataset = Any

__all__ = ["FAULTS", "FILE_FAULTS", "damage"]

Times = Float64[np.ndarray, " time"]
HOLE = (120.0, 150.0)
"""Where the camera saw nothing [s]."""


def damage(truth: BrainTruth, fault: str) -> BrainTruth:
    """Make a simulated recording wrong in one way.

    Parameters
    ----------
    truth : BrainTruth
        A sound one; it is not changed.
    fault : str
        One of `FAULTS`.

    Returns
    -------
    BrainTruth
        With other neural data, or another behaviour.

    Raises
    ------
    ParameterError
        P401, if there is no such fault.
    """
    if fault in FILE_FAULTS:
        return truth
    if fault not in FAULTS:
        raise ParameterError(
            "P401", "parameter 'fault'", f"there is no fault {fault!r}{nearest(fault, FAULTS)}"
        )
    return FAULTS[fault](truth)


def _timed(change: Callable[[Times], Times]) -> Callable[[BrainTruth], BrainTruth]:
    """Change the times of the neurons."""

    def make(truth: BrainTruth) -> BrainTruth:
        neural = truth.neural.copy()
        for name in ("time", "spike_time"):
            if name in neural.variables:
                old = neural[name]
                neural = neural.assign_coords({name: (old.dims, change(old.values), old.attrs)})
        if "spike_time" in neural.coords:
            neural = neural.reset_coords("spike_time")
        return replace(truth, neural=neural)

    return make


def _falling(times: Times) -> Times:
    changed = times.copy()
    changed[[100, 101]] = changed[[101, 100]]
    return changed


def _repeated(times: Times) -> Times:
    changed = times.copy()
    changed[50:150:2] = changed[49:149:2]
    return changed


def _lost(times: Times) -> Times:
    changed = times.copy()
    changed[77] = np.nan
    return changed


def _cut(start: float, stop: float) -> Callable[[BrainTruth], BrainTruth]:
    """Keep a part of the neural recording [s]."""

    def make(truth: BrainTruth) -> BrainTruth:
        times = truth.neural["time"].values
        rows = np.flatnonzero((times >= start) & (times < stop))
        return replace(
            truth,
            neural=truth.neural.isel(time=rows),
            expected=truth.expected[rows],
            drives=truth.drives[rows],
        )

    return make


def _square(truth: BrainTruth) -> BrainTruth:
    """Keep as many bins as there are neurons."""
    rows = np.arange(min(truth.neural.sizes["neuron"], truth.neural.sizes["time"]))
    return replace(
        truth,
        neural=truth.neural.isel(time=rows, neuron=rows),
        expected=truth.expected[rows][:, rows],
        ceiling=truth.ceiling[rows],
        drives=truth.drives[rows],
        weights=truth.weights[:, rows],
        share=truth.share[rows],
    )


def _active(change: Callable[[np.ndarray], None]) -> Callable[[BrainTruth], BrainTruth]:
    """Change the activity in place."""

    def make(truth: BrainTruth) -> BrainTruth:
        values = truth.neural["activity"].values.copy()
        change(values)
        neural = truth.neural.assign(activity=(("time", "neuron"), values, truth.neural["activity"].attrs))
        return replace(truth, neural=neural)

    return make


def _some_missing(values: np.ndarray) -> None:
    """Two neurons miss a tenth of their bins, one a single bin, and all of them five bins."""
    values[: len(values) // 10, :2] = np.nan
    values[200, 2] = np.inf
    values[300:305] = np.nan


def _most_missing(values: np.ndarray) -> None:
    values[: len(values) // 5, : values.shape[1] * 2 // 3] = np.nan


def _silent(values: np.ndarray) -> None:
    """One neuron is constant, one has three spikes."""
    values[:, 0] = 1.0
    values[:, 1] = 0.0
    values[[10, 500, 900], 1] = 1.0


def _behaved(name: str, change: Callable[[Dataset], Dataset]) -> Callable[[BrainTruth], BrainTruth]:
    """Change one outcome of the behaviour."""

    def make(truth: BrainTruth) -> BrainTruth:
        changed: dict[str, Any] = {**truth.behaviour, name: change(truth.behaviour[name].copy(deep=True))}
        return replace(truth, behaviour=changed)

    return make


def _lose_point(pose: Dataset) -> Dataset:
    """Hide the tip of the nose in three of ten seconds."""
    hidden = np.floor(pose["time"].values) % 10 < 3
    pose["confidence"].loc[{"keypoint": "nose_tip"}] = np.where(hidden, 0.1, 0.98)[:, None]
    return pose


def _lose_pupil(pupil: Dataset) -> Dataset:
    """Measure the pupil hardly ever."""
    n = pupil.sizes["time"] * 9 // 10
    for name in ("area", "area_smooth", "centre", "centre_smooth"):
        pupil[name][:n] = np.nan
    return pupil


def _hole(truth: BrainTruth) -> BrainTruth:
    """Take 30 s of frames out of every outcome."""
    made = {}
    for name, outcome in truth.behaviour.items():
        times = outcome["time"].values
        made[name] = outcome.isel(time=np.flatnonzero((times < HOLE[0]) | (times >= HOLE[1])))
    return replace(truth, behaviour=made)


def _copied(truth: BrainTruth) -> BrainTruth:
    """Put a neuron among the behaviour, at the camera's frames."""
    import xarray as xr

    times = truth.behaviour["pose"]["time"].values
    bins = np.clip(np.floor(times * truth.rate + 1e-9).astype(int), 0, truth.neural.sizes["time"] - 1)
    values = truth.neural["activity"].values[bins, 3]
    column = xr.DataArray(values[:, None], {"time": times, "feature": ["leaked"]}, ("time", "feature"))
    changed: dict[str, Any] = {**truth.behaviour, "custom": column}
    return replace(truth, behaviour=changed)


FAULTS: Mapping[str, Callable[[BrainTruth], BrainTruth]] = {
    "falling-times": _timed(_falling),
    "repeated-times": _timed(_repeated),
    "nan-times": _timed(_lost),
    "milliseconds": _timed(lambda times: times * 1e3),
    "days": _timed(lambda times: times / 86400),
    "no-overlap": _timed(lambda times: times + 1e5),
    "early": _timed(lambda times: times - 20),
    "short": _cut(0, 300),
    "too-short": _cut(0, 120),
    "square": _square,
    "nan-activity": _active(_some_missing),
    "mostly-nan": _active(_most_missing),
    "silent": _active(_silent),
    "lost-point": _behaved("pose", _lose_point),
    "lost-group": _behaved("pupil", _lose_pupil),
    "camera-hole": _hole,
    "copied-neuron": _copied,
}
"""What is wrong: times, activity, axes or behaviour."""
FILE_FAULTS = ("no-clock", "count")
"""Faults of the files alone: no times beside them, or three times too few."""
