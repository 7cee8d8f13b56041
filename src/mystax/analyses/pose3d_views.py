"""What several cameras say about points, brought to the times of one of them."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.core.keypoint_sides import MIDLINE
from mystax.core.typing import Float, Float64, Int64, Shaped
from mystax.errors import RecipeError

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = ["Gathered", "PoseView", "gather", "view_of_dataset"]

MIN_CONFIDENCE = 0.05
LONGEST_STEP = 1.5
"""Neighbours that are further apart than this many intervals are not joined."""
SNAP = 0.02
"""Share of an interval within which a frame counts as being at the time asked for."""


@dataclass(frozen=True, slots=True)
class PoseView:
    """Points in the pictures of one camera.

    Attributes
    ----------
    times : array (time,)
        Rising times [s].
    frame : array (time,)
        Frame numbers.
    names, individuals : tuple of str
        Names.
    position : array (time, 2, keypoint, individual)
        Places [px].
    covariance : array (time, 3, keypoint, individual), optional
        xx, xy, yy [px2].
    confidence : array (time, keypoint, individual), optional
        0..1.
    keypoint_set : str
        TOML of the set; "" where unknown.
    n_infinite : int
        Values that were infinite and count as missing.
    size : tuple of two ints, optional
        Width and height of the pictures [px]; None where unknown.
    """

    times: Float64[np.ndarray, " time"]
    frame: Int64[np.ndarray, " time"]
    names: tuple[str, ...]
    individuals: tuple[str, ...]
    position: Float[np.ndarray, "time two keypoint individual"]
    covariance: Float[np.ndarray, "time three keypoint individual"] | None = None
    confidence: Float[np.ndarray, "time keypoint individual"] | None = None
    keypoint_set: str = ""
    n_infinite: int = 0
    size: tuple[int, int] | None = None

    @property
    def identity(self) -> str:
        """Digest of all that decides the points in space, for the key of the outcome."""
        digest = hashlib.blake2b(digest_size=16)
        digest.update(repr((self.names, self.individuals, self.keypoint_set, self.n_infinite)).encode())
        for array in (self.times, self.frame, self.position, self.covariance, self.confidence):
            digest.update(b"none" if array is None else f"{array.dtype.str}{array.shape}".encode())
            digest.update(b"" if array is None else array.tobytes())
        return digest.hexdigest()

    def renamed(self, side: str) -> "PoseView":
        """Return the view with anatomical names for one-sided points: ``eye_front`` -> ``left.eye_front``."""
        return replace(self, names=tuple(anatomical(name, side) for name in self.names))


def anatomical(name: str, side: str) -> str:
    """Return the anatomical name of a point that a camera of one side calls by `name`.

    Examples
    --------
    >>> anatomical("eye_front", "left"), anatomical("nose_tip", "left"), anatomical("right_eye", "left")
    ('left.eye_front', 'nose_tip', 'right_eye')
    """
    if not side or name in MIDLINE or name.startswith(("left", "right")):
        return name
    return f"{side}.{name}"


def view_of_dataset(dataset: Dataset, where: str = "pose") -> PoseView:
    """Return the points of a pose.

    Raises
    ------
    RecipeError
        P403, if the dataset is no pose over time.
    """
    if "time" not in dataset.dims or not {"position", "position_raw"} & set(dataset.variables):
        raise RecipeError(
            "P403", where, expected="a pose with the dimension time", got=str(dict(dataset.sizes))
        )
    name = "position_raw" if "position_raw" in dataset.variables else "position"
    order = ("time", "space", "keypoint", "individual")
    place = dataset[name]
    if "individual" not in place.dims:
        dataset = dataset.expand_dims(individual=["individual"])
        place = dataset[name]
    position = np.asarray(place.transpose(*order).values)
    if position.shape[1] != 2:
        raise RecipeError(
            "P403", where, expected="places in pictures (two axes)", got=f"{position.shape[1]} axes"
        )
    covariance = (
        dataset["measurement_covariance"].transpose("time", "cov", *order[2:]).values
        if ("measurement_covariance" in dataset.variables)
        else None
    )
    confidence = (
        dataset["confidence"].transpose("time", *order[2:]).values
        if "confidence" in dataset.variables
        else None
    )
    infinite = np.isinf(position).any(axis=1)
    wild = np.zeros(infinite.shape, np.bool_)
    if confidence is not None:
        with np.errstate(invalid="ignore"):
            wild = (confidence < 0) | (confidence > 1)
    bad = infinite | wild
    if bad.any():
        position = np.where(bad[:, None], np.nan, position)
    n = len(position)
    frame = dataset["frame"].values if "frame" in dataset.variables else np.arange(n)
    return PoseView(
        np.asarray(dataset["time"].values, np.float64),
        np.asarray(frame, np.int64),
        tuple(map(str, dataset["keypoint"].values)),
        tuple(map(str, dataset["individual"].values)),
        np.asarray(position if position.dtype.kind == "f" else position.astype(np.float64)),
        None if covariance is None else np.asarray(covariance),
        None if confidence is None else np.asarray(confidence),
        str(dataset.attrs.get("keypoint_set", "")),
        int(bad.sum()),
        size=_size_of(dataset),
    )


def _size_of(dataset: Dataset) -> tuple[int, int] | None:
    """Return width and height of the pictures, where the pose tells them."""
    width, height = (dataset.attrs.get(name) for name in ("frame_width", "frame_height"))
    return None if width is None or height is None else (int(width), int(height))


@dataclass(frozen=True, slots=True)
class _Alignment:
    """For each time of the reference: two rows of a camera and the weight of the second; -1: nothing."""

    first: Int64[np.ndarray, " time"]
    second: Int64[np.ndarray, " time"]
    weight: Float64[np.ndarray, " time"]

    def take(self, values: Shaped[np.ndarray, "row ..."]) -> Float64[np.ndarray, "time ..."]:
        """Bring rows to the times of the reference."""
        if not len(values):
            return np.full((len(self.first), *values.shape[1:]), np.nan)
        w = self.weight.reshape(-1, *([1] * (values.ndim - 1)))
        a = values[np.maximum(self.first, 0)].astype(np.float64)
        mixed = np.flatnonzero(self.weight > 0)
        if len(mixed):
            b = values[self.second[mixed]].astype(np.float64)
            a[mixed] = (1 - w[mixed]) * a[mixed] + w[mixed] * b
        a[self.first < 0] = np.nan
        return np.asarray(a)


def _align(own: Float64[np.ndarray, " row"], times: Float64[np.ndarray, " time"]) -> _Alignment:
    """Find the two neighbours in time; those too far away or too far apart give nothing."""
    n = len(times)
    known = np.flatnonzero(np.isfinite(own))
    empty = _Alignment(np.full(n, -1), np.full(n, -1), np.zeros(n))
    if not len(known) or not n:
        return empty
    t = own[known]
    step = float(np.median(np.diff(t))) if len(t) > 1 else np.inf
    reference = float(np.median(np.diff(times))) if n > 1 else np.inf
    after = np.clip(np.searchsorted(t, times), 0, len(t) - 1)
    before = np.maximum(after - 1, 0)
    nearest = np.where(np.abs(t[before] - times) < np.abs(t[after] - times), before, after)
    distance = np.abs(t[nearest] - times)
    snap = SNAP * min(step, reference) if np.isfinite(min(step, reference)) else 1e-6
    exact = distance <= snap
    width = t[after] - t[before]
    inside = (times >= t[before]) & (times <= t[after]) & (width > 0) & (width <= LONGEST_STEP * step)
    usable = exact | (inside & (distance <= reference / 2))
    weight = np.where(exact | (width <= 0), 0.0, (times - t[before]) / np.where(width > 0, width, 1.0))
    first = np.where(exact, known[nearest], known[before])
    return _Alignment(
        np.where(usable, first, -1), np.where(usable, known[after], -1), np.where(usable, weight, 0.0)
    )


@dataclass
class Gathered:
    """Points of several cameras on one timeline.

    Attributes
    ----------
    cameras : tuple of str
        Names of the cameras.
    times, frame : array (time,)
        Times [s] and frame numbers of the reference camera.
    names, individuals : tuple of str
        Names of all points, and of the individuals.
    """

    cameras: tuple[str, ...]
    times: Float64[np.ndarray, " time"]
    frame: Int64[np.ndarray, " time"]
    names: tuple[str, ...]
    individuals: tuple[str, ...]
    views: Mapping[str, PoseView] = field(repr=False)
    alignments: Mapping[str, _Alignment] = field(repr=False)
    min_confidence: float = 0.1

    def point(
        self, k: int, i: int
    ) -> tuple[
        Float64[np.ndarray, "camera time 2"],
        Float64[np.ndarray, "camera time 3"],
        Float64[np.ndarray, "camera time"],
    ]:
        """Return pixels, covariance (NaN where none is given) and confidence of one point."""
        n = len(self.times)
        uv = np.full((len(self.cameras), n, 2), np.nan)
        covariance = np.full((len(self.cameras), n, 3), np.nan)
        trust = np.full((len(self.cameras), n), np.nan)
        for c, name in enumerate(self.cameras):
            view = self.views.get(name)
            if view is None or self.names[k] not in view.names or self.individuals[i] not in view.individuals:
                continue
            at, who = view.names.index(self.names[k]), view.individuals.index(self.individuals[i])
            align = self.alignments[name]
            uv[c] = align.take(view.position[:, :, at, who])
            if view.covariance is not None:
                covariance[c] = align.take(view.covariance[:, :, at, who])
            if view.confidence is not None:
                trust[c] = align.take(view.confidence[:, at, who])
        with np.errstate(invalid="ignore"):
            low = trust < self.min_confidence
        gone = low | ~np.isfinite(uv).all(axis=2)
        uv[gone] = np.nan
        covariance /= np.maximum(np.where(np.isfinite(trust), trust, 1.0), MIN_CONFIDENCE)[..., None]
        return uv, covariance, trust


def gather(
    views: Mapping[str, PoseView],
    cameras: Sequence[str],
    *,
    reference: str,
    min_confidence: float = 0.1,
) -> Gathered:
    """Bring the views of all cameras to the times of the reference camera.

    Parameters
    ----------
    views : mapping
        Camera to its points; a camera without any is a column that sees nothing.
    cameras : sequence of str
        All cameras, in the order of the rig.
    reference : str
        The camera whose times are those of the outcome.
    min_confidence : float, optional
        Points below it are missing.

    Returns
    -------
    Gathered
        The points on one timeline.

    Raises
    ------
    RecipeError
        P403, if individuals cannot be matched between cameras.
    """
    names = tuple(
        dict.fromkeys(name for camera in cameras if camera in views for name in views[camera].names)
    )
    groups = [views[camera].individuals for camera in cameras if camera in views]
    if all(len(group) == 1 for group in groups):
        individuals = groups[0]
        views = {camera: replace(view, individuals=individuals) for camera, view in views.items()}
    else:
        individuals = tuple(dict.fromkeys(name for group in groups for name in group))
        if any(not set(group) & set(other) for group in groups for other in groups):
            raise RecipeError("P403", "individuals", "cameras name different individuals", got=str(groups))
    times = views[reference].times
    keep = np.flatnonzero(np.isfinite(times))
    return Gathered(
        tuple(cameras),
        times[keep],
        views[reference].frame[keep],
        names,
        individuals,
        views,
        {name: _align(view.times, times[keep]) for name, view in views.items()},
        min_confidence,
    )
