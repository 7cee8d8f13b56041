"""From fitted states to datasets, and back from a dataset to its model."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.analyses.states import STATES
from mystax.analyses.states_model import Decoded, StatesFit
from mystax.analyses.states_verdict import bic_of
from mystax.compute.alignment import mirrored_frames, rotation_vectors
from mystax.compute.bouts import Bouts, chains, entropy_rate, find_bouts, state_numbers, transition_counts
from mystax.compute.column_features import ColumnModel
from mystax.compute.features import FeatureModel, FeatureRules
from mystax.compute.hmm import HmmModel
from mystax.compute.kinematics import derivatives, noise_floor, rotation_speed, speed_of
from mystax.compute.measures import measure_all
from mystax.compute.shape_features import ShapeModel
from mystax.core.dataset import check_outcome, complete_outcome
from mystax.core.typing import Bool, Float64
from mystax.errors import FormatError

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = ["model_of_dataset", "states_dataset"]

NAMES = "xyz"


def states_dataset(fit: StatesFit, labelled: Decoded) -> Dataset:
    """Lay out the states of one recording as a dataset.

    Parameters
    ----------
    fit : StatesFit
        The fit.
    labelled : Decoded
        One of its recordings.

    Returns
    -------
    Dataset
        As `states.nc`, with the whole model.
    """
    import xarray as xr

    variables: dict[str, Any] = {}
    coords: dict[str, Any] = {}
    _put_time(fit, labelled, variables, coords)
    _put_numbers(fit, labelled, variables)
    _put_faces(labelled, fit, variables, coords)
    _put_speeds(labelled, fit, variables, coords)
    _put_model(fit, variables, coords)
    dataset = xr.Dataset(variables, coords=coords, attrs=_attributes(fit, labelled))
    for name in (
        "face_mean",
        "face_sd",
        "grand_mean",
        "head_translation",
        "model_template",
        "model_centre",
        "model_mean",
    ):
        if name in dataset:
            dataset[name].attrs["units"] = labelled.source.unit
    dataset = complete_outcome(dataset, STATES)
    check_outcome(dataset, STATES, "outcome 'states'")
    return dataset


def _put_time(fit: StatesFit, labelled: Decoded, variables: dict[str, Any], coords: dict[str, Any]) -> None:
    clock, k = labelled.prepared.clock, fit.model.n_states
    coords |= {
        "time": clock.times.astype(np.float64),
        "state": np.arange(1, k + 1, dtype=np.int64),
        "next_state": np.arange(1, k + 1, dtype=np.int64),
        "feature": list(fit.features.names),
    }
    label = np.where(labelled.label >= 0, labelled.label + 1, -1)
    variables |= {
        "label": ("time", label.astype(np.int16)),
        "posterior": (("time", "state"), labelled.posterior.astype(np.float32)),
        "log_likelihood": ("time", labelled.log_likelihood.astype(np.float32)),
        "feature_value": (("time", "feature"), labelled.prepared.features.astype(np.float32)),
    }


def _put_numbers(fit: StatesFit, labelled: Decoded, variables: dict[str, Any]) -> None:
    clock, k = labelled.prepared.clock, fit.model.n_states
    bouts = find_bouts(labelled.label, clock.times, clock.is_start)
    sure = [
        float(labelled.posterior[a:b, state].mean())
        for a, b, state in zip(bouts.first, bouts.last, bouts.label, strict=True)
    ]
    numbers = state_numbers(bouts, k, float(clock.times[0]) if len(clock.times) else 0.0)
    moves = transition_counts(labelled.label, clock.is_start, k)
    total = moves.sum(1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        probability = np.where(total > 0, moves / np.where(total > 0, total, 1), np.nan)
        stay = np.diag(fit.model.transitions)
        expected = np.where(stay < 1, clock.step / np.maximum(1 - stay, 1e-12), np.inf)
    variables |= {
        "bout_start": ("bout", bouts.start),
        "bout_stop": ("bout", bouts.stop),
        "bout_label": ("bout", (bouts.label + 1).astype(np.int16)),
        "bout_posterior": ("bout", np.array(sure, np.float32)),
        "bout_complete": ("bout", bouts.complete.astype(np.int8)),
        "occupancy": ("state", numbers.occupancy),
        "occupancy_time": ("state", numbers.time),
        "n_bouts": ("state", numbers.n_bouts.astype(np.int32)),
        "bout_rate": ("state", numbers.bout_rate),
        "dwell_mean": ("state", numbers.dwell_mean),
        "dwell_median": ("state", numbers.dwell_median),
        "dwell_cv": ("state", numbers.dwell_cv),
        "dwell_longest": ("state", numbers.dwell_longest),
        "dwell_expected": ("state", expected),
        "latency": ("state", numbers.latency),
        "transition_count": (("state", "next_state"), moves.astype(np.int32)),
        "transition_probability": (("state", "next_state"), probability),
        **_chains(bouts, clock.is_start),
    }


def _chains(bouts: Bouts, is_start: Bool[np.ndarray, " time"]) -> dict[str, Any]:
    """Return the commonest chains of three states, as variables."""
    joined = np.zeros(len(bouts), np.bool_)
    joined[1:] = (bouts.first[1:] == bouts.last[:-1]) & ~is_start[bouts.first[1:]]
    found = chains(bouts, joined)
    return {
        "chain_state": (("chain", "step"), np.array([one[0] for one in found], np.int16).reshape(-1, 3) + 1),
        "chain_count": ("chain", np.array([one[1] for one in found], np.int32)),
        "chain_expected": ("chain", np.array([one[2] for one in found], np.float64)),
        "chain_chance": ("chain", np.array([one[3] for one in found], np.float64)),
    }


def _put_faces(labelled: Decoded, fit: StatesFit, variables: dict[str, Any], coords: dict[str, Any]) -> None:
    points = labelled.prepared.aligned.points
    if not points.shape[1]:
        return
    k, space = fit.model.n_states, points.shape[2]
    coords |= {"keypoint": list(labelled.source.ids), "space": list(NAMES[:space])}
    mean, sd = np.full((k, *points.shape[1:]), np.nan), np.full((k, *points.shape[1:]), np.nan)
    for state in range(k):
        mean[state], sd[state] = _moments(points[labelled.label == state])
    grand = _moments(points[labelled.label >= 0])[0]
    place = ("state", "keypoint", "space")
    variables |= {
        "face_mean": (place, mean.astype(np.float32)),
        "face_sd": (place, sd.astype(np.float32)),
        "grand_mean": (("keypoint", "space"), grand.astype(np.float32)),
    }
    aligned = labelled.prepared.aligned
    if fit.features.rules.align in ("rigid", "similarity"):
        middle = _middle_rotation(aligned.rotation)
        turned = rotation_vectors(aligned.rotation @ middle.T)
        coords["axis"] = list(NAMES) if space == 3 else ["z"]
        variables["head_rotation"] = (("time", "axis"), turned.astype(np.float32))
    if fit.features.rules.align != "none":
        variables["head_translation"] = (("time", "space"), aligned.translation.astype(np.float32))
    if fit.features.rules.align == "similarity":
        variables["head_scale"] = ("time", aligned.scale.astype(np.float32))


def _moments(points: Float64[np.ndarray, "time keypoint space"]) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and SD over frames; NaN where a point is never seen."""
    known = np.isfinite(points)
    n = known.sum(0)
    safe = np.maximum(n, 1)
    value = np.where(known, points, 0)
    mean = value.sum(0) / safe
    spread = np.sqrt(np.where(known, (points - mean) ** 2, 0).sum(0) / safe)
    return np.where(n > 0, mean, np.nan), np.where(n > 0, spread, np.nan)


def _middle_rotation(
    rotation: Float64[np.ndarray, "time space space"],
) -> Float64[np.ndarray, "space space_too"]:
    """Return the chordal mean of rotations."""
    good = np.isfinite(rotation).all((1, 2))
    space = rotation.shape[1]
    if not good.any():
        return np.eye(space)
    u, _, vt = np.linalg.svd(rotation[good].mean(0))
    sign = np.ones(space)
    sign[-1] = np.sign(np.linalg.det(u @ vt))
    return np.asarray((u * sign) @ vt)


def _put_speeds(labelled: Decoded, fit: StatesFit, variables: dict[str, Any], coords: dict[str, Any]) -> None:
    prepared = labelled.prepared
    times, starts, points = prepared.clock.times, prepared.clock.is_start, prepared.points
    unit, factor = labelled.source.unit, 1.0
    if fit.features.rules.align == "similarity":
        width = float(np.nanmax(fit.features.template[:, 0]) - np.nanmin(fit.features.template[:, 0]))
        size = float(np.nanmedian(prepared.aligned.scale))
        unit, factor = "face widths", 1 / (width * size)
    columns: list[np.ndarray] = []
    names: list[str] = []
    units: list[str] = []
    floors: list[float] = []

    def put(name: str, of: str, values: np.ndarray, floor: float = float("nan")) -> None:
        names.append(name)
        units.append(of)
        columns.append(values)
        floors.append(floor)

    n, n_points, space = points.shape
    if n_points:
        found = derivatives(times, points.reshape(n, -1), starts)
        slope = found.slope.reshape(n, n_points, space) * factor
        bend = found.bend.reshape(n, n_points, space) * factor
        sd = labelled.source.point_sd if labelled.source.point_sd is not None else np.full(n_points, np.nan)
        rigid = fit.features.rules.rigid
        head = rigid if len(rigid) else np.arange(n_points)
        velocity, change = slope[:, head].mean(1), bend[:, head].mean(1)
        floor = (
            noise_floor(times, np.full(space, float(np.nanmean(sd[head])) / np.sqrt(space * len(head))))
            if np.isfinite(sd[head]).any()
            else float("nan")
        )
        put("head_speed", f"{unit}/s", speed_of(velocity), floor * factor)
        put("head_acceleration", f"{unit}/s2", speed_of(change))
        if fit.features.rules.align in ("rigid", "similarity"):
            put("head_rotation_speed", "rad/s", rotation_speed(times, prepared.aligned.rotation, starts))
        for part, inside in _parts(labelled).items():
            put(f"{part}_speed", f"{unit}/s", speed_of(slope[:, inside].mean(1)))
        for k, name in enumerate(labelled.source.ids):
            own = (
                noise_floor(times, np.full(space, sd[k] / np.sqrt(space))) * factor
                if np.isfinite(sd[k])
                else float("nan")
            )
            put(f"{name}_speed", f"{unit}/s", speed_of(slope[:, k]), own)
        _put_measures(labelled, variables, coords)
    coords |= {"kinematic": np.array(names, object), "kinematic_unit": ("kinematic", np.array(units, object))}
    stacked = np.stack(columns, 1) if columns else np.zeros((n, 0))
    variables["kinematics"] = (("time", "kinematic"), stacked.astype(np.float32))
    variables["kinematic_floor"] = ("kinematic", np.array(floors, np.float64))


def _parts(labelled: Decoded) -> dict[str, list[int]]:
    keypoints, ids = labelled.source.keypoints, labelled.source.ids
    if keypoints is None:
        return {}
    return {
        part: found
        for part, inside in keypoints.parts.items()
        if (found := [ids.index(name) for name in inside if name in ids])
    }


def _put_measures(labelled: Decoded, variables: dict[str, Any], coords: dict[str, Any]) -> None:
    keypoints = labelled.source.keypoints
    if keypoints is None or not keypoints.measures:
        return
    points = np.swapaxes(labelled.prepared.points, 1, 2)
    found = measure_all(
        keypoints.measures,
        points,
        None,
        labelled.source.ids,
        labelled.prepared.clock.times,
        labelled.source.unit,
    )
    if found:
        coords |= {
            "measure": list(found),
            "measure_unit": ("measure", np.array([item.unit for item in found.values()], object)),
        }
        stacked = np.stack([item.value for item in found.values()], 1)
        variables["measure_value"] = (("time", "measure"), stacked.astype(np.float32))


def _put_model(fit: StatesFit, variables: dict[str, Any], coords: dict[str, Any]) -> None:
    n = sum(int(np.isfinite(item.prepared.features).any(1).sum()) for item in fit.decoded)
    tried = fit.candidates
    coords["candidate"] = np.array([item.n_states for item in tried], np.int64)
    variables |= {
        "held_out": ("candidate", np.array([item.mean for item in tried], np.float64)),
        "held_out_se": ("candidate", np.array([item.error for item in tried], np.float64)),
        "stability": ("candidate", np.array([item.stability for item in tried], np.float64)),
        "bic": ("candidate", np.array([bic_of(fit, item, n) for item in tried], np.float64)),
        "model_start": ("state", fit.model.start),
        "model_transitions": (("state", "next_state"), fit.model.transitions),
        "model_means": (("state", "feature"), fit.model.means),
        "model_covariances": (("state", "feature", "other_feature"), fit.model.covariances),
    }
    features = fit.features
    if features.template.shape[0]:
        variables["model_template"] = (("keypoint", "space"), features.template)
        variables["model_centre"] = (("keypoint", "space"), features.centre_shape)
    if features.shape is not None:
        variables |= {
            "model_mean": ("coordinate", features.shape.mean),
            "model_weight": ("keypoint", features.shape.weight),
            "model_loadings": (("component", "coordinate"), features.shape.loadings),
            "model_variances": ("component", features.shape.variances),
            "component_spectrum": ("rank", features.shape.spectrum),
        }


def _attributes(fit: StatesFit, labelled: Decoded) -> dict[str, object]:
    rules = asdict(fit.features.rules)
    rules["rigid"] = fit.features.rules.rigid.tolist()
    rules["groups"] = [group.tolist() for group in fit.features.rules.groups]
    columns = {
        name: {
            "is_log": item.is_log,
            "median": item.median.tolist(),
            "scale": [value if np.isfinite(value) else None for value in item.scale.tolist()],
            "loadings": item.loadings.tolist(),
        }
        for name, item in fit.features.columns.items()
    }
    share = np.bincount(labelled.label[labelled.label >= 0], minlength=fit.model.n_states).astype(float)
    keypoints = labelled.source.keypoints
    swapped = 0
    if keypoints is not None and keypoints.pairs and not fit.features.rules.groups:
        swapped = int(
            mirrored_frames(labelled.prepared.points, fit.features.template, keypoints.mirror_order()).sum()
        )
    return {
        "verdict": fit.verdict,
        "n_states": fit.model.n_states,
        "state_rate": fit.rate,
        "covariance": fit.model.covariance,
        "model_log_likelihood": fit.log_likelihood,
        "complete": int(fit.is_complete),
        "entropy_rate": entropy_rate(fit.model.transitions, share / max(1.0, share.sum())),
        "missing_share": float((labelled.label < 0).mean()) if len(labelled.label) else 1.0,
        "frames_swapped": swapped,
        "keypoint_set": keypoints.to_toml() if keypoints is not None else "",
        "length_unit": labelled.source.unit,
        "recording": labelled.source.name,
        "recording_id": labelled.source.identity,
        "model_rules": json.dumps(rules),
        "model_columns": json.dumps(columns),
        "model_noise": fit.features.shape.noise if fit.features.shape is not None else float("nan"),
    }


def model_of_dataset(dataset: Dataset, where: str = "model") -> tuple[FeatureModel, HmmModel]:
    """Rebuild the model that a dataset carries.

    Parameters
    ----------
    dataset : Dataset
        An outcome of `states`.
    where : str, optional
        Name for messages.

    Returns
    -------
    tuple of FeatureModel and HmmModel
        Equal to those of the fit.

    Raises
    ------
    FormatError
        F804, if it carries no model.
    """
    if "model_means" not in dataset or "model_rules" not in dataset.attrs:
        raise FormatError("F804", where, expected="an outcome of `mystax states` with its model", got="none")

    def values(name: str) -> np.ndarray:
        return np.asarray(dataset[name].values)

    rules = json.loads(str(dataset.attrs["model_rules"]))
    rules["rigid"] = np.array(rules["rigid"], np.int64)
    rules["axes"] = tuple(tuple(axis) for axis in rules["axes"])
    rules["groups"] = tuple(np.array(group, np.int64) for group in rules["groups"])
    columns = {
        name: ColumnModel(
            bool(item["is_log"]),
            np.array(item["median"], float),
            np.array([np.inf if value is None else value for value in item["scale"]], float),
            np.array(item["loadings"], float),
        )
        for name, item in json.loads(str(dataset.attrs["model_columns"])).items()
    }
    shape = None
    if "model_loadings" in dataset:
        shape = ShapeModel(
            values("model_mean"),
            values("model_weight"),
            values("model_loadings"),
            values("model_variances"),
            float(dataset.attrs["model_noise"]),
            values("component_spectrum"),
        )
    template = values("model_template") if "model_template" in dataset else np.zeros((0, 2))
    centre = values("model_centre") if "model_centre" in dataset else template
    features = FeatureModel(
        FeatureRules(**rules), template, shape, columns, tuple(map(str, dataset["feature"].values)), centre
    )
    model = HmmModel(
        values("model_start"),
        values("model_transitions"),
        values("model_means"),
        values("model_covariances"),
        str(dataset.attrs["covariance"]),  # type: ignore[arg-type] # one of three words, as it was written
    )
    return features, model
