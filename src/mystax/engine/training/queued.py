"""Training as a job of the queue: labels in, weights out."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from mystax.core.events import Event, Report
from mystax.core.keypoints import KeypointSet
from mystax.engine.folders import store_of_job
from mystax.engine.jobs import Job
from mystax.engine.training.train import TrainReport, train
from mystax.io.digests import file_digest
from mystax.io.weights import read_tensors

__all__ = ["REPORT", "train_labels"]

REPORT = "training.json"
"""What the training made and how good it is, as `mystax train --json` tells it."""

STEP = 1800.0
"""Longest silence of a training [s]."""


def train_labels(job: Job, report: Report, gate: Callable[[str], None] | None) -> None:  # noqa: ARG001 - weights are no outcome of a recording
    """Train on labels; a training that was stopped goes on where it was.

    Parameters
    ----------
    job : Job
        Its arguments are ``labels`` and ``options`` (of `mystax.train`).
    report : callable
        Takes events; `Cancelled` raised by it stops the training.
    gate : callable, optional
        Not used: the same labels, values and cores make the same weights, whoever trains.

    Raises
    ------
    MystaxError
        As `mystax.train`.
    """

    def heard(event: Event) -> None:
        report(replace(event, data={"stall": STEP, **event.data}))

    asked = job.arguments
    found = train(asked["labels"], **asked["options"], cores=job.cores, progress=heard)
    store = store_of_job(job, Path(job.folder), None)
    store.write_text(REPORT, json.dumps(found.as_dict(), indent=1) + "\n")
    text = f"weights: {found.path}" if found.is_accepted else f"not better: {'; '.join(found.reasons)}"
    heard(Event("outcome", "train", text=text, data={"weights": str(found.path)}))
    if found.is_accepted:
        heard(Event("result", "train", data={"model": model_of(found)}))


def model_of(found: TrainReport) -> dict[str, Any]:
    """Return what a catalogue keeps of accepted weights: name, path, digest, keypoint set, card."""
    _, info = read_tensors(found.path.with_suffix(".safetensors"))
    return {
        "name": found.path.stem,
        "path": str(found.path),
        "digest": file_digest(found.path),
        "keypoint_set": KeypointSet.from_toml(info.keypoints).name if info.keypoints else "",
        "card": {name: value for name, value in found.as_dict().items() if name not in ("weights", "report")},
    }
