"""Which columns of behaviour an outcome gives to an encoder: group by group, part by part."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.core.behaviour import Bank
from mystax.core.keypoint_names import set_of_outcome
from mystax.core.typing import Float64
from mystax.errors import ParameterError

if TYPE_CHECKING:
    from xarray import DataArray, Dataset
else:
    DataArray = Dataset = Any

__all__ = ["DEFAULT_GROUPS", "GROUPS", "Columns", "columns_of", "custom_columns", "group_of"]

N_MOTION, N_VIDEO, N_CUSTOM = 50, 30, 200
"""Most components of a region, and columns of one's own."""


@dataclass(frozen=True, eq=False)
class Columns:
    """Columns of one part, at the times of their outcome.

    Attributes
    ----------
    group, part : str
        As in `mystax.core.behaviour.BehaviourPart`.
    bank : {"full", "signed", "states"}
        Temporal features that are made of them.
    names : tuple of str
        Names of the columns.
    times : array (time,)
        [s].
    values : array (time, column)
        NaN is missing.
    has_outliers : bool
        Whether values far from the running median are missing.
    n_left : int
        Columns beyond the most that are taken.
    """

    group: str
    part: str
    bank: Bank
    names: tuple[str, ...]
    times: Float64[np.ndarray, " time"]
    values: Float64[np.ndarray, "time column"]
    has_outliers: bool = False
    n_left: int = 0


def _times(outcome: Dataset | DataArray) -> Float64[np.ndarray, " time"]:
    return np.asarray(outcome["time"].values, np.float64)


def _own_times(name: str, array: DataArray) -> Float64[np.ndarray, " time"]:
    """Return the times of a variable of one's own; without them xarray would count rows instead."""
    times = array["time"].values if "time" in array.coords else np.zeros(0, "O")
    if times.dtype.kind not in "fiu":
        raise ParameterError(
            "P401",
            f"behaviour {name!r}",
            expected="the coordinate `time` in seconds on the clock of the recording",
            got=f"times of type {times.dtype}" if "time" in array.coords else "no times",
            hint="array.assign_coords(time=frame_times)",
        )
    return np.asarray(times, np.float64)


def _keypoints(outcome: Dataset, prefix: str, min_confidence: float) -> Iterator[Columns]:
    """Give the coordinates of every point of the first individual, by part of the face."""
    axes = [str(axis) for axis in outcome["space"].values]
    names = [str(name) for name in outcome["keypoint"].values]
    position = outcome["position"].transpose("time", "keypoint", "space", ...)
    every = np.asarray(position.values, np.float64).reshape(*position.shape[:3], -1)
    values, n_others = every[..., 0], every.shape[-1] - 1
    if "confidence" in outcome:
        sure = outcome["confidence"].transpose("time", "keypoint", ...)
        shown = np.asarray(sure.values).reshape(*sure.shape[:2], -1)[..., 0]
        values = np.where((shown >= min_confidence)[..., None], values, np.nan)
    known = set_of_outcome(outcome)
    has_parts = known is not None and bool(known.parts)
    parts: dict[str, list[int]] = {}
    for k, name in enumerate(names):
        part = (known.part_of(name) if known is not None and known.find(name) else "") or "other"
        parts.setdefault(part if has_parts else "face", []).append(k)
    for part, places in parts.items():
        columns = tuple(f"{prefix}{names[k]}.{axis}" for k in places for axis in axes)
        chosen = values[:, places].reshape(len(values), -1)
        n_left = n_others * len(columns)  # of further individuals
        yield Columns("keypoints", prefix + part, "full", columns, _times(outcome), chosen, True, n_left)


def _rois(outcome: Dataset) -> list[str]:
    return [str(name) for name in outcome["roi"].values] if "roi" in outcome.coords else [""]


def _part(outcome: Dataset, group: str, prefix: str, roi: str) -> str:
    """Name the part by its region where there are several."""
    return prefix + (roi if len(_rois(outcome)) > 1 and roi else group)


def _pupil(outcome: Dataset, prefix: str, _sure: float) -> Iterator[Columns]:
    """Give the logarithm of the area, and the centre, of each pupil."""
    for k, roi in enumerate(_rois(outcome)):
        area = np.asarray(outcome["area"].values[:, k], np.float64)
        centre = np.asarray(outcome["centre"].values[:, k], np.float64)
        values = np.column_stack([np.log(np.where(area > 0, area, np.nan)), centre])
        part = _part(outcome, "pupil", prefix, roi)
        names = tuple(f"{part}.{name}" for name in ("log_area", "x", "y"))
        yield Columns("pupil", part, "full", names, _times(outcome), values)


def _blink(outcome: Dataset, prefix: str, _sure: float) -> Iterator[Columns]:
    """Give the openness of each eye."""
    for k, roi in enumerate(_rois(outcome)):
        values = np.asarray(outcome["openness"].values[:, k : k + 1], np.float64)
        part = _part(outcome, "blink", prefix, roi)
        yield Columns("blink", part, "full", (f"{part}.openness",), _times(outcome), values)


def _running(outcome: Dataset, prefix: str, _sure: float) -> Iterator[Columns]:
    """Give the speed along the forward direction, and its magnitude."""
    for k, roi in enumerate(_rois(outcome)):
        speed = np.asarray(outcome["speed"].values[:, k], np.float64)
        part = _part(outcome, "running", prefix, roi)
        names = (f"{part}.speed", f"{part}.magnitude")
        values = np.column_stack([speed, np.abs(speed)])
        yield Columns("running", part, "full", names, _times(outcome), values)


def _components(group: str, variable: str, most: int, bank: Bank) -> "Reader":
    """Make the reader of one kind of components."""

    def read(outcome: Dataset, prefix: str, _sure: float) -> Iterator[Columns]:
        if variable not in outcome:
            return
        for k, roi in enumerate(_rois(outcome)):
            values = np.asarray(outcome[variable][:, k, :most].values, np.float64)
            used = np.flatnonzero(np.isfinite(values).any(axis=0))  # a small region has fewer of them
            names = tuple(f"{prefix}{roi}.{group}{j}" for j in used)
            part = f"{prefix}{roi or group}"
            yield Columns(group, part, bank, names, _times(outcome), values[:, used])

    return read


def _states(outcome: Dataset, prefix: str, _sure: float) -> Iterator[Columns]:
    """Give the probability of each state."""
    if "posterior" in outcome:
        values = np.asarray(outcome["posterior"].transpose("time", "state").values, np.float64)
        names = tuple(f"{prefix}state{k}" for k in range(values.shape[1]))
        yield Columns("states", f"{prefix}states", "states", names, _times(outcome), values)


Reader = Callable[[Dataset, str, float], Iterator[Columns]]
GROUPS: Mapping[str, tuple[str, Reader]] = {
    "keypoints": ("pose", _keypoints),
    "pupil": ("pupil", _pupil),
    "blink": ("blink", _blink),
    "running": ("running", _running),
    "motion": ("svd", _components("motion", "motion_svd", N_MOTION, "signed")),
    "movie": ("svd", _components("movie", "movie_svd", N_VIDEO, "full")),
    "states": ("states", _states),
}
"""Group to the analysis that it comes from, and its reader."""
DEFAULT_GROUPS = tuple(name for name in GROUPS if name != "movie")


def group_of(name: str) -> str:
    """Return the analysis of an outcome's name (``pose/side`` is of `pose`)."""
    return name.partition("/")[0]


def columns_of(group: str, outcome: Dataset, prefix: str, min_confidence: float) -> list[Columns]:
    """Read the columns that an outcome gives to a group.

    Parameters
    ----------
    group : str
        One of `GROUPS`.
    outcome : Dataset
        Of that group's analysis.
    prefix : str
        Put before names, where there are several cameras.
    min_confidence : float
        Points below it are missing.

    Returns
    -------
    list of Columns
        One for each part.
    """
    return list(GROUPS[group][1](outcome, prefix, min_confidence))


def custom_columns(name: str, array: DataArray) -> Columns:
    """Take a variable of one's own, with times, as a group.

    Parameters
    ----------
    name : str
        Name of the group.
    array : DataArray
        With the dimension `time`; all others become columns, the first 200 of them.

    Returns
    -------
    Columns
        One part.

    Raises
    ------
    ParameterError
        P401, if there are no times, or two columns have one name.
    """
    times = _own_times(name, array)
    values = array.transpose("time", ...)
    labels = [f"{name}{k}" for k in range(int(np.prod(values.shape[1:])))]
    if values.ndim == 2 and values.dims[1] in values.coords:
        labels = [f"{name}.{label}" for label in values[values.dims[1]].values]
    flat = np.asarray(values.values, np.float64).reshape(len(values), -1)
    labels = [name] if values.ndim == 1 else labels
    twice = next((label for label in labels if labels.count(label) > 1), None)
    if twice is not None:
        raise ParameterError(
            "P401",
            f"behaviour {name!r}",
            "columns are told apart by their names",
            expected=f"a name of its own for each of {len(labels)} columns",
            got=f"{twice!r} {labels.count(twice)} times",
        )
    return Columns(
        name,
        name,
        "full",
        tuple(labels[:N_CUSTOM]),
        times,
        flat[:, :N_CUSTOM],
        False,
        max(0, flat.shape[1] - N_CUSTOM),
    )
