"""Poses as `states` needs them: one source per individual, points in the order of their set, cameras."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.analyses.states import StatesParams
from mystax.analyses.states_track import StatesSource, masked_points
from mystax.core.keypoint_names import map_names, set_for_names, set_of_outcome
from mystax.core.keypoints import Keypoint, KeypointSet
from mystax.core.quality import Flag, merge_flags
from mystax.core.typing import Float64
from mystax.errors import FormatError, RecipeError

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = ["SHARED", "arranged", "identity_of", "joined_cameras"]

SHARED = 0.6
"""Share of a set that recordings must have in common."""


def joined_cameras(
    poses: Mapping[str, Dataset], params: StatesParams, keypoints: KeypointSet | None, name: str
) -> list[StatesSource]:
    """Take the points of one camera, or join those of several as `camera__point`."""
    per_camera = {
        key.partition("/")[2]: _of_pose(item, params, keypoints, name) for key, item in poses.items()
    }
    if len(per_camera) == 1:
        return next(iter(per_camera.values()))
    first = next(iter(per_camera.values()))[0]
    points, names = [], []
    flags = [flag for found in per_camera.values() for flag in found[0].flags]
    flags += [
        Flag("N304", f"camera {camera}: only the first of {len(found)} individuals is used")
        for camera, found in per_camera.items()
        if len(found) > 1
    ]
    for camera, found in per_camera.items():
        item = found[0]
        moved = np.full((len(first.times), *item.points.shape[1:]), np.nan)
        near = np.clip(np.searchsorted(item.times, first.times), 0, len(item.times) - 1)
        before = np.clip(near - 1, 0, len(item.times) - 1)
        near = np.where(
            np.abs(item.times[before] - first.times) < np.abs(item.times[near] - first.times), before, near
        )
        step = float(np.median(np.diff(item.times)))
        good = np.abs(item.times[near] - first.times) <= 0.5 * step * (1 + 1e-6)
        moved[good] = item.points[near[good]]
        points.append(moved)
        names += [_joined_name(camera, point) for point in item.ids]
    base = first.keypoints
    joined = KeypointSet(
        "joined",
        tuple(Keypoint(point) for point in names),
        species=base.species if base is not None else "",
        view=base.view if base is not None else "one-sided",
        rigid=tuple(point for point in names if base is not None and point.rpartition("__")[2] in base.rigid),
    )
    return [
        StatesSource(
            name,
            first.times,
            np.concatenate(points, 1),
            joined,
            first.unit,
            flags=tuple(merge_flags(flags)),
            identity=first.identity,
            further=tuple(found[0].identity for found in per_camera.values())[1:],
        )
    ]


def _joined_name(camera: str, point: str) -> str:
    """Return the name of a point of one of several cameras: `camera__point`, of letters, digits and `_`."""
    return re.sub(r"[^A-Za-z0-9_]", "_", f"{camera}__{point}")[-64:]


def _of_pose(
    dataset: Dataset, params: StatesParams, keypoints: KeypointSet | None, name: str
) -> list[StatesSource]:
    """Take the points out of a pose, one source per individual."""
    for needed in ("time", "space", "keypoint"):
        if needed not in dataset["position"].dims:
            raise FormatError(
                "F804", name, f"position has no dimension {needed!r}", got=str(dataset["position"].dims)
            )
    if "individual" not in dataset["position"].dims:
        dataset = dataset.expand_dims(individual=["face"])
    times = np.asarray(dataset["time"].values, np.float64)
    names = [str(item) for item in dataset["keypoint"].values]
    own = keypoints or set_of_outcome(dataset) or set_for_names(names)
    own = own.both_sides(names)
    unit = str(dataset["position"].attrs.get("units", "px"))
    flags = tuple(_frame_flags(dataset))
    missing = (
        np.asarray(dataset["missing"].values) > 0 if "missing" in dataset else np.zeros(len(times), bool)
    )
    found = []
    for k, individual in enumerate(dataset["individual"].values):
        only = dataset.isel(individual=k)
        points = np.asarray(only["position"].transpose("time", "keypoint", "space").values, np.float64)
        sure = _values(only, "confidence")
        residual = _residual(only) if points.shape[2] == 3 else None
        points = masked_points(points, sure, residual, params.min_confidence, params.max_residual)
        points[missing] = np.nan
        places, subset, sd = arranged(points, names, own, _point_sd(only), name)
        label = str(individual)
        several = dataset.sizes["individual"] > 1
        found.append(
            StatesSource(
                f"{name}.{label}" if several else name,
                times,
                places,
                subset,
                unit,
                point_sd=sd,
                flags=flags,
                identity=identity_of(dataset) + (f":{label}" if several else ""),
                individual=label if several else "",
            )
        )
    return found


def _frame_flags(dataset: Dataset) -> list[Flag]:
    from mystax.core.quality import flags_from_json

    return [
        item
        for item in flags_from_json(str(dataset.attrs.get("quality", "[]")))
        if item.code in ("N313", "N314")
    ]


def _values(dataset: Dataset, variable: str) -> np.ndarray | None:
    if variable not in dataset or "keypoint" not in dataset[variable].dims:
        return None
    return np.asarray(dataset[variable].transpose("time", "keypoint", ...).values, np.float64).reshape(
        dataset.sizes["time"], dataset.sizes["keypoint"], -1
    )[..., 0]


def _residual(dataset: Dataset) -> np.ndarray | None:
    """Return the mean residual of the cameras that agree on a point; of all where none is told to [px]."""
    if "residual" not in dataset or "camera" not in dataset["residual"].dims:
        return _values(dataset, "residual")
    order = ("time", "keypoint", "camera")
    found = np.asarray(dataset["residual"].transpose(*order).values, np.float64)
    counted = np.isfinite(found)
    if "used" in dataset:
        agrees = dataset["used"].transpose(*order).values == 1
        counted &= agrees | ~agrees.any(2, keepdims=True)
    n = counted.sum(2)
    total = np.where(counted, found, 0).sum(2)
    return np.where(n > 0, total / np.maximum(n, 1), np.nan)


def _point_sd(dataset: Dataset) -> np.ndarray | None:
    """Return the typical SD of each place from its covariance."""
    if "covariance" not in dataset or "cov" not in dataset["covariance"].dims:
        return None
    diagonal = [str(item) for item in dataset["cov"].values]
    chosen = [k for k, item in enumerate(diagonal) if len(item) == 2 and item[0] == item[1]]
    values = np.asarray(dataset["covariance"].transpose("time", "cov", "keypoint").values, np.float64)[
        :, chosen
    ]
    known = np.isfinite(values).all(1)
    total = np.where(known, values.sum(1), np.nan)
    return np.array(
        [
            np.sqrt(np.median(item[np.isfinite(item)])) if np.isfinite(item).any() else np.nan
            for item in total.T
        ]
    )


def arranged(
    points: Float64[np.ndarray, "time keypoint space"],
    names: Sequence[str],
    keypoints: KeypointSet,
    sd: np.ndarray | None,
    where: str,
    table: Mapping[str, str] | None = None,
) -> tuple[Float64[np.ndarray, "time keypoint space"], KeypointSet, np.ndarray | None]:
    """Bring points into the order of their set; points that the set lacks are left out."""
    mapping = map_names(names, keypoints, table)
    matched = mapping.matched
    if len(matched) < SHARED * len(keypoints) and len(matched) < len(names):
        raise RecipeError(
            "P403",
            where,
            f"its points are not those of the set {keypoints.name!r}: "
            + ", ".join(f"{item.theirs}{item.hint}" for item in mapping.names if not item.ours)[:400],
            expected=", ".join(keypoints.ids)[:400],
            hint="name another set with --keypoints, or say which is which with --map FILE.csv "
            "(theirs, ours)",
        )
    by_ours = {ours: list(names).index(theirs) for theirs, ours in matched.items()}
    subset = keypoints.subset(by_ours)
    order = [by_ours[name] for name in subset.ids]
    return points[:, order], subset, None if sd is None else sd[order]


def identity_of(dataset: Dataset) -> str:
    """Return the digest of an outcome's content, stored or taken now."""
    found = str(dataset.attrs.get("content_sha256", ""))
    if found:
        return found
    digest = hashlib.sha256()
    for key in sorted(map(str, dataset.variables)):
        values = np.asarray(dataset[key].values)
        digest.update(key.encode())
        digest.update(values.astype("U").tobytes() if values.dtype.kind in "UOT" else values.tobytes())
    return digest.hexdigest()
