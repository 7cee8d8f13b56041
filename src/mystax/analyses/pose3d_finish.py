"""From the points of several cameras to an outcome in space: triangulate, smooth, align, measure, judge."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.analyses.pose3d import COV3, Pose3dParams
from mystax.analyses.pose3d_axes import axes_of
from mystax.analyses.pose3d_quality import MAX_LOST, lost_flag, quality_of
from mystax.analyses.pose3d_views import Gathered
from mystax.compute.confirmed import confirmed_pixels, share_of_lost_frames
from mystax.compute.frames3d import aligned, turned_covariance
from mystax.compute.limb_lengths import limb_terms
from mystax.compute.measures import measure_all
from mystax.compute.trajectory import Smoothed, smooth_trajectory
from mystax.compute.trajectory_steps import Pixels
from mystax.compute.triangulation import Triangulated, pixel_noise, triangulate
from mystax.core.keypoints import KeypointSet
from mystax.core.point_flags import FLAGS3D, flag_attributes
from mystax.core.quality import Flag
from mystax.core.rig_model import RigModel
from mystax.core.typing import Bool, Float32, Float64
from mystax.errors import NumbersError, ParameterError, nearest

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = ["reconstruct"]

WEAK_ANGLE = np.radians(5.0)
WIDE = 3.0
N_NOISE_ROUNDS = 2
Mapper = Callable[[Callable[[Any], Any], Sequence[Any]], list[Any]]


def _in_turn(work: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
    return [work(item) for item in items]


@dataclass
class _Arrays:
    """The arrays of an outcome in the making."""

    raw: Float32[np.ndarray, "time 3 keypoint individual"]
    raw_cov: Float32[np.ndarray, "time 6 keypoint individual"]
    place: Float32[np.ndarray, "time 3 keypoint individual"]
    cov: Float32[np.ndarray, "time 6 keypoint individual"]
    confidence: Float32[np.ndarray, "time keypoint individual"]
    used: np.ndarray
    residual: Float32[np.ndarray, "time camera keypoint individual"]
    left_out: Float32[np.ndarray, "time camera keypoint individual"]
    angle: Float32[np.ndarray, "time keypoint individual"]
    flag: np.ndarray
    pixel_sd: Float64[np.ndarray, "camera keypoint individual"]
    cutoff: Float64[np.ndarray, "keypoint individual"]
    strength: Float64[np.ndarray, "keypoint individual"]

    @classmethod
    def empty(cls, n: int, n_cameras: int, n_points: int, n_who: int) -> "_Arrays":
        """Make arrays that know nothing."""

        def gap(*shape: int) -> Float32[np.ndarray, "..."]:
            return np.full(shape, np.nan, np.float32)

        return cls(
            gap(n, 3, n_points, n_who),
            gap(n, 6, n_points, n_who),
            gap(n, 3, n_points, n_who),
            gap(n, 6, n_points, n_who),
            gap(n, n_points, n_who),
            np.full((n, n_cameras, n_points, n_who), -1, np.int8),
            gap(n, n_cameras, n_points, n_who),
            gap(n, n_cameras, n_points, n_who),
            gap(n, n_points, n_who),
            np.zeros((n, n_points, n_who), np.uint8),
            np.full((n_cameras, n_points, n_who), np.nan),
            np.full((n_points, n_who), np.nan),
            np.full((n_points, n_who), np.nan),
        )


def smooth_request(text: str) -> float | None:
    """Return the cut-off that is asked for [Hz]; 0 for no smoothing, None for the automatic strength.

    Raises
    ------
    ParameterError
        P401, if it is none of auto, none and a number above 0.
    """
    if text == "auto":
        return None
    if text == "none":
        return 0.0
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 < value < 1e4:
        raise ParameterError(
            "P401", "parameter 'smooth' of 'pose3d'", expected="auto, none or a cut-off above 0 Hz", got=text
        )
    return value


def _precision(
    covariance: Float64[np.ndarray, "camera time 3"], sd: Float64[np.ndarray, " camera"]
) -> Float64[np.ndarray, "camera time 3"]:
    """Inverse covariance of pixels; where none is given that of the camera's SD."""
    cov = np.where(np.isfinite(covariance), covariance, np.stack([sd**2, 0 * sd, sd**2], axis=1)[:, None, :])
    det = cov[..., 0] * cov[..., 2] - cov[..., 1] ** 2
    det = np.where(det > 0, det, np.nan)
    return np.stack([cov[..., 2] / det, -cov[..., 1] / det, cov[..., 0] / det], axis=2)


def _one_point(
    rig: RigModel, gathered: Gathered, k: int, i: int, params: Pose3dParams
) -> tuple[Triangulated, Pixels, Float64[np.ndarray, " camera"], Float64[np.ndarray, "camera time"]]:
    """Triangulate one point over all times; noise of cameras that bring no covariance is found on the way."""
    uv, covariance, trust = gathered.point(k, i)
    n_cameras, n = uv.shape[:2]
    sd = np.full(n_cameras, params.pixel_sd or 1.0)
    lacks = np.array([not np.isfinite(covariance[c]).any() for c in range(n_cameras)])
    precision = _precision(covariance, sd)
    found = triangulate(rig, uv, precision, robust=params.robust)
    if params.pixel_sd is None and lacks.any():
        group = np.zeros(n, np.int64)
        for _ in range(N_NOISE_ROUNDS):
            noise = pixel_noise(found, group, 1)[:, 0]
            sd = np.where(lacks & np.isfinite(noise), noise, sd)
            precision = _precision(covariance, sd)
            found = triangulate(rig, uv, precision, robust=params.robust)
    crops = np.array([camera.crop for camera in rig.cameras])
    confirmed = confirmed_pixels(found, gathered.times) & params.robust
    pixels = Pixels((uv + crops[:, None])[:, :, None], precision[:, :, None], confirmed[:, :, None])
    return found, pixels, sd, trust


def _covariance_scale(found: Triangulated) -> float:
    """Pooled chi-square of the fits over its degrees of freedom, at least 1."""
    n_used = (found.used == 1).sum(axis=1)
    freedom = 2 * n_used - 3
    good = (freedom > 0) & ~found.disagree & np.isfinite(found.distance)
    if good.sum() < 20:
        return 1.0
    return max(1.0, float(found.distance[good].sum() / freedom[good].sum()))


def _runs_longer(
    missing: Bool[np.ndarray, " time"], times: Float64[np.ndarray, " time"], longest: float
) -> Bool[np.ndarray, " time"]:
    """Tell which missing frames lie in holes that are too long to bridge, or at an end."""
    n = len(missing)
    out = np.zeros(n, np.bool_)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], missing, [False]]).astype(np.int8)))
    for start, stop in edges.reshape(-1, 2):
        at_end = start == 0 or stop == n
        if at_end or times[stop] - times[start - 1] > longest + 1e-9:
            out[start:stop] = True
    return out


def _keep_point(arrays: _Arrays, found: Triangulated, trust: np.ndarray, k: int, i: int) -> None:
    """Write what one frame alone says about a point."""
    arrays.raw[:, :, k, i] = found.position
    arrays.raw_cov[:, :, k, i] = found.covariance * _covariance_scale(found)
    arrays.used[:, :, k, i] = found.used
    arrays.residual[:, :, k, i] = found.residual
    arrays.left_out[:, :, k, i] = found.left_out
    arrays.angle[:, k, i] = found.ray_angle
    inlier = (found.used == 1) & np.isfinite(trust.T)
    total = np.where(inlier, trust.T, 0).sum(axis=1)
    count = inlier.sum(axis=1)
    arrays.confidence[:, k, i] = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    n_seen = (found.used >= 0).sum(axis=1)
    flag = arrays.flag[:, k, i]
    flag[found.disagree] |= FLAGS3D["views_disagree"]
    flag[n_seen == 1] |= FLAGS3D["one_camera"]
    flag[n_seen == 0] |= FLAGS3D["not_seen"]
    with np.errstate(invalid="ignore"):
        flag[found.ray_angle < WEAK_ANGLE] |= FLAGS3D["weak_angle"]
    flag[found.outside] |= FLAGS3D["outside_model"]


def _keep_smooth(
    arrays: _Arrays, smooth: Smoothed, j: int, k: int, i: int, times: np.ndarray, max_gap: float
) -> None:
    """Write the smoothed places of one point; holes that are too long stay holes."""
    missing = ~np.isfinite(arrays.raw[:, 0, k, i])
    long = _runs_longer(missing, times, max_gap)
    arrays.place[:, :, k, i] = np.where(long[:, None], np.nan, smooth.position[:, j])
    arrays.cov[:, :, k, i] = np.where(long[:, None], np.nan, smooth.covariance[:, j])
    arrays.flag[missing & ~long & np.isfinite(smooth.position[:, j, 0]), k, i] |= FLAGS3D["gap_filled"]
    arrays.strength[k, i], arrays.cutoff[k, i] = smooth.strength[j], smooth.cutoff[j]


def _components(n_points: int, pairs: Sequence[tuple[int, int]]) -> list[list[int]]:
    """Group points that limbs join."""
    label = list(range(n_points))

    def root(k: int) -> int:
        while label[k] != k:
            k = label[k]
        return k

    for a, b in pairs:
        label[root(a)] = root(b)
    groups: dict[int, list[int]] = {}
    for k in range(n_points):
        groups.setdefault(root(k), []).append(k)
    return list(groups.values())


def _limb_pairs(text: str, known: Sequence[str], keypoints: KeypointSet | None) -> list[tuple[int, int]]:
    """Return the limbs that are asked for, by number of the points."""
    if text == "set":
        named = list(keypoints.limbs) if keypoints is not None else []
    else:
        named = []
        for word in text.replace(",", " ").split():
            parts = word.split("-")
            if len(parts) != 2:
                raise ParameterError(
                    "P401", "parameter 'limbs' of 'pose3d'", expected="pairs such as a-b,c-d", got=word
                )
            named.append((parts[0], parts[1]))
    found = []
    for a, b in named:
        for name in (a, b):
            if name not in known:
                raise ParameterError(
                    "P401",
                    "parameter 'limbs' of 'pose3d'",
                    f"there is no point {name!r}{nearest(name, known)}",
                )
        found.append((list(known).index(a), list(known).index(b)))
    return found


def reconstruct(
    rig: RigModel, gathered: Gathered, params: Pose3dParams, *, keypoint_set: str = "", run: Mapper = _in_turn
) -> tuple[Dataset, list[Flag]]:
    """Make the outcome `pose3d`.

    Parameters
    ----------
    rig : RigModel
        The cameras, in the order of `gathered`.
    gathered : Gathered
        Points on one timeline.
    params : Pose3dParams
        Parameters.
    keypoint_set : str, optional
        TOML of the keypoint set of the views; for cameras of either side its two-sided form is stored.
    run : callable, optional
        ``run(work, pieces)``, such as the `map` of a pool of threads.

    Returns
    -------
    dataset : Dataset
        Variables of the schema `POSE3D`.
    flags : list of Flag
        Remarks on the whole.

    Raises
    ------
    ParameterError
        P401, if smoothing, limbs or axes cannot be used.
    NumbersError
        N303, if two cameras never see a point together.
    """
    cutoff = smooth_request(params.smooth)
    names, times = gathered.names, gathered.times
    keypoints = KeypointSet.from_toml(keypoint_set).both_sides(names) if keypoint_set else None
    pairs = _limb_pairs(params.limbs, names, keypoints)
    n, n_who = len(times), len(gathered.individuals)
    arrays = _Arrays.empty(n, len(rig.cameras), len(names), n_who)
    limb_facts: list[dict[str, object]] = []
    lost: dict[tuple[int, int], float] = {}

    def component(item: tuple[list[int], int]) -> None:
        points, i = item
        parts = []
        for k in points:
            found, pixels, sd, trust = _one_point(rig, gathered, k, i, params)
            _keep_point(arrays, found, trust, k, i)
            arrays.pixel_sd[:, k, i] = sd
            parts.append((found, pixels))
        if cutoff == 0.0:
            for k in points:
                arrays.place[:, :, k, i], arrays.cov[:, :, k, i] = (
                    arrays.raw[:, :, k, i],
                    arrays.raw_cov[:, :, k, i],
                )
            return
        start = np.stack([found.position for found, _ in parts], axis=1)
        raw_cov = np.stack([found.covariance for found, _ in parts], axis=1)
        joint = Pixels(
            np.concatenate([item.uv for _, item in parts], axis=2),
            np.concatenate([item.precision for _, item in parts], axis=2),
            np.concatenate([item.confirmed for _, item in parts if item.confirmed is not None], axis=2),
        )
        inside = [(points.index(a), points.index(b)) for a, b in pairs if a in points]
        limbs = limb_terms(inside, start, raw_cov)
        smooth = smooth_trajectory(rig, joint, start, times, cutoff=cutoff, order=params.order, limbs=limbs)
        for j, k in enumerate(points):
            _keep_smooth(arrays, smooth, j, k, i, times, params.max_gap)
            found, pixels = parts[j]
            if cutoff is None and pixels.confirmed is not None:
                lost[k, i] = share_of_lost_frames(smooth.position[:, j], found, pixels.confirmed[:, :, 0])
        for limb in smooth.limbs:
            pair = f"{names[points[limb.a]]}-{names[points[limb.b]]}"
            limb_facts.append({"limb": pair, "length": limb.length, "sd": limb.sd})

    run(component, [(points, i) for i in range(n_who) for points in _components(len(names), pairs)])
    if not np.isfinite(arrays.raw).any():
        raise NumbersError(
            "N303",
            "pose3d",
            "no point is ever seen by two cameras at one time",
            expected="poses of the same points at the same times",
            got=f"{n} frames, {len(names)} points, cameras {', '.join(gathered.cameras)}",
            hint="check the clocks (--offset), the names of the points and min_confidence",
        )
    _mark_wide(arrays)
    turn = axes_of(arrays.place, arrays.cov, names, params, keypoints)
    dataset = _dataset(rig, gathered, arrays, turn.rotation, turn.origin, keypoints)
    dataset.attrs["limbs"] = json.dumps(sorted(limb_facts, key=lambda item: str(item["limb"])))
    dataset.attrs["axes"] = json.dumps(turn.report)
    dataset.attrs["keypoint_set"] = keypoints.to_toml() if keypoints is not None else ""
    facts, flags = quality_of(rig, gathered, dataset, _usual(arrays.pixel_sd))
    flags += [lost_flag(names[k], share) for (k, _), share in sorted(lost.items()) if share > MAX_LOST]
    dataset.attrs["facts"] = json.dumps(facts)
    return dataset, flags


def _usual(values: Float64[np.ndarray, "... individual"]) -> Float64[np.ndarray, "..."]:
    """Return the median over individuals; NaN where none has a value."""
    known = np.isfinite(values).any(axis=-1)
    out = np.full(values.shape[:-1], np.nan)
    out[known] = np.nanmedian(values[known], axis=-1)
    return out


def _mark_wide(arrays: _Arrays) -> None:
    """Flag places whose standard deviation is far above the usual one of their point."""
    sd = np.sqrt(arrays.cov[:, [0, 3, 5]].sum(axis=1))
    for k in range(sd.shape[1]):
        for i in range(sd.shape[2]):
            known = np.isfinite(sd[:, k, i])
            if known.any():
                wide = known & (sd[:, k, i] > WIDE * np.median(sd[known, k, i]))
                arrays.flag[wide, k, i] |= FLAGS3D["wide"]


def _turned(arrays: np.ndarray, rotation: np.ndarray, origin: np.ndarray) -> Float32[np.ndarray, "..."]:
    """Turn places (time, 3, keypoint, individual)."""
    moved = aligned(np.moveaxis(arrays, 1, -1).astype(np.float64), rotation, origin)
    return np.moveaxis(moved, -1, 1).astype(np.float32)


def _turned_cov(arrays: np.ndarray, rotation: np.ndarray) -> Float32[np.ndarray, "..."]:
    turned = turned_covariance(np.moveaxis(arrays, 1, -1).astype(np.float64), rotation)
    return np.moveaxis(turned, -1, 1).astype(np.float32)


def _dataset(
    rig: RigModel,
    gathered: Gathered,
    arrays: _Arrays,
    rotation: Float64[np.ndarray, "3 3"],
    origin: Float64[np.ndarray, " 3"],
    keypoints: KeypointSet | None,
) -> Dataset:
    """Lay the arrays out as one dataset, in the frame of the axes."""
    import xarray as xr

    from mystax.io.rig import rig_to_toml

    if not (rotation == np.eye(3)).all() or origin.any():
        arrays.raw, arrays.place = (_turned(item, rotation, origin) for item in (arrays.raw, arrays.place))
        arrays.raw_cov, arrays.cov = (_turned_cov(item, rotation) for item in (arrays.raw_cov, arrays.cov))
    point, place = ("time", "keypoint", "individual"), ("time", "space", "keypoint", "individual")
    cov, camera = ("time", "cov", "keypoint", "individual"), ("time", "camera", "keypoint", "individual")
    n_times = len(gathered.times)
    dataset = xr.Dataset(
        {
            "position": (place, arrays.place),
            "position_raw": (place, arrays.raw),
            "confidence": (point, arrays.confidence),
            "covariance": (cov, arrays.cov),
            "covariance_raw": (cov, arrays.raw_cov),
            "used": (camera, arrays.used),
            "residual": (camera, arrays.residual),
            "residual_left_out": (camera, arrays.left_out),
            "ray_angle": (point, arrays.angle),
            "flag": (point, arrays.flag, flag_attributes(FLAGS3D)),
            "rotation": (("space", "space2"), rotation),
            "origin": (("space",), origin),
            "missing": (("time",), np.zeros(n_times, np.uint8)),
        },
        coords={
            "time": gathered.times,
            "frame": (("time",), gathered.frame),
            "space": ["x", "y", "z"],
            "cov": list(COV3),
            "keypoint": list(gathered.names),
            "individual": [name or "individual" for name in gathered.individuals],
            "camera": list(gathered.cameras),
        },
        attrs={
            "rig": rig_to_toml(rig),
            "rig_fingerprint": rig.fingerprint,
            "pixel_sd": _usual(arrays.pixel_sd).ravel(),
            "cutoff": _usual(arrays.cutoff),
            "strength": _usual(arrays.strength),
            "source_software": "mystax",
        },
    )
    if keypoints is not None and keypoints.measures:
        dataset = _with_measures(dataset, keypoints)
    return dataset


def _with_measures(dataset: Dataset, keypoints: KeypointSet) -> Dataset:
    """Add the named measures of the first individual."""
    names = [str(name) for name in dataset["keypoint"].values]
    found = measure_all(
        keypoints.measures,
        dataset["position"].values[..., 0].astype(np.float64),
        dataset["covariance"].values[..., 0].astype(np.float64),
        names,
        dataset["time"].values,
    )
    if not found:
        return dataset
    values = np.stack([item.value for item in found.values()], axis=1).astype(np.float32)
    sds = np.stack([item.sd for item in found.values()], axis=1).astype(np.float32)
    return dataset.assign(
        measures=(("time", "measure"), values), measure_sd=(("time", "measure"), sds)
    ).assign_coords(measure=list(found), measure_unit=("measure", [item.unit for item in found.values()]))
