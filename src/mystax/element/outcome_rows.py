"""Rows of the schema `behavior` from outcomes of pose3d, states and encoding."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.core.keypoint_names import set_of_outcome
from mystax.element.linking import Link
from mystax.element.poses import part_name
from mystax.errors import NumbersError

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = ["encoding_rows", "pose3d_rows", "provenance_of", "states_rows"]

LAGGED_RIDGE, STACKED = "lagged-ridge", "stacked"


def provenance_of(link: Link, dataset: Dataset, path: Path) -> dict[str, Any]:
    """Return where an outcome comes from, as JSON."""
    attributes = dataset.attrs
    return {
        "path": link.relative(path),
        **{
            name: str(attributes[name]) for name in ("key", "content_sha256", "quality") if name in attributes
        },
        "analysis_version": int(attributes.get("analysis_version", 0)),
        "coverage": float(attributes.get("coverage", 1.0)),
    }


def _finite(value: Any) -> float | None:
    """Return a number, or None where there is none: not every server keeps NaN."""
    number = float(value)
    return number if np.isfinite(number) else None


def pose3d_rows(dataset: Dataset) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the facts of `Pose3D` and the rows of `Pose3D.Keypoint`: the first individual.

    Raises
    ------
    NumbersError
        N303, if no point was found in space.
    """
    facts = json.loads(str(dataset.attrs["facts"]))
    residual = np.asarray(dataset["residual"].values, np.float64)
    known = residual[np.isfinite(residual)]
    if not len(known):
        raise NumbersError("N303", "pose3d", "no point was seen by two cameras")
    points = set_of_outcome(dataset)
    position, confidence = dataset["position"].values, dataset["confidence"].values
    rows = [
        {
            "body_part": part_name(points, str(name)),
            "position": np.ascontiguousarray(position[:, :, k, 0]),
            "confidence": np.ascontiguousarray(confidence[:, k, 0]),
        }
        for k, name in enumerate(dataset["keypoint"].values)
    ]
    about = {
        "unit": str(dataset["position"].attrs.get("units", "mm")),
        "residual_median": float(np.median(known)),
        "flatness": _finite(facts["flatness"]) or 0.0,
    }
    return about, rows


def states_rows(dataset: Dataset) -> tuple[dict[str, Any], list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the facts of `BehaviorState`, and the rows of its states and bouts."""
    numbers = [int(value) for value in dataset["state"].values]
    candidates = (
        [int(value) for value in dataset["candidate"].values] if "candidate" in dataset.coords else []
    )
    held_out = None
    if len(numbers) in candidates:
        held_out = _finite(dataset["held_out"].values[candidates.index(len(numbers))])
    facts = {
        "n_states": len(numbers),
        "log_likelihood_held_out": held_out,
        "label": np.ascontiguousarray(dataset["label"].values),
        "posterior": np.ascontiguousarray(dataset["posterior"].values),
    }
    names = [str(value) for value in dataset["state_name"].values] if "state_name" in dataset else None
    states = [
        {
            "state": number,
            "state_name": names[k][:64] if names is not None else "",
            "occupancy": _finite(dataset["occupancy"].values[k]) or 0.0,
            "n_bouts": int(dataset["n_bouts"].values[k]),
            "dwell_median": _finite(dataset["dwell_median"].values[k]),
        }
        for k, number in enumerate(numbers)
    ]
    bouts = [
        {"bout": k, "state": int(label), "start": float(start), "stop": float(stop)}
        for k, (label, start, stop) in enumerate(
            zip(
                dataset["bout_label"].values,
                dataset["bout_start"].values,
                dataset["bout_stop"].values,
                strict=True,
            )
        )
    ]
    return facts, states, bouts


def encoding_rows(dataset: Dataset) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the facts of `NeuralPrediction` and its rows of neurons, each by its number in the source.

    The explained variance is that of ``stacked`` where it ran, else of the model with the highest mean.

    Raises
    ------
    NumbersError
        N303, if no model explains anything that can be counted.
    """
    models = [str(name) for name in dataset["model"].values]
    table = np.asarray(dataset["explained_variance"].values, np.float64)
    means = {
        name: float(np.mean(row[np.isfinite(row)]))
        for name, row in zip(models, table, strict=True)
        if np.isfinite(row).any()
    }
    if not means or LAGGED_RIDGE not in means:
        raise NumbersError("N303", "encoding", "no explained variance can be told", got=", ".join(models))
    best = STACKED if STACKED in means else max(means, key=lambda name: means[name])
    values = table[models.index(best)]
    ceiling = (
        np.asarray(dataset["ceiling_peer"].values, np.float64)
        if "ceiling_peer" in dataset
        else np.full(len(values), np.nan)
    )
    numbers = dataset["neuron"].values
    neurons = [
        {"neuron": int(numbers[k]), "explained_variance": float(value), "ceiling": _finite(ceiling[k])}
        for k, value in enumerate(values)
        if np.isfinite(value)
    ]
    facts = {"explained_variance": means[best], "explained_variance_lagged_ridge": means[LAGGED_RIDGE]}
    return facts, neurons
