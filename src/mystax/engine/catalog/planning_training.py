"""A training as a job of the queue."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mystax.core.canonical import canonical_json
from mystax.core.safe_names import is_there
from mystax.engine.catalog.claims import NewJob
from mystax.engine.training.train import check_wishes, weights_name
from mystax.errors import RecipeError

__all__ = ["MODELS", "training_job"]

MODELS = "_models"
"""Folder of weights, below that of the outcomes."""

EVERY_CORE = 256
"""More than a worker has: it gets all of them."""

MEMORY = 4000
"""Memory that a training is taken to need [MiB]."""

CHECKED = ("minutes", "size", "replay", "hold_out", "members")


def training_job(out: Path, labels: Path, options: Mapping[str, Any]) -> NewJob:
    """Make the job of a training.

    Parameters
    ----------
    out : Path
        The folder of outcomes of the catalogue.
    labels : Path
        A folder of labels, or a file of keypoints beside its pictures.
    options : mapping
        Further arguments of `mystax.train`; ``cores`` by default all of a worker.

    Returns
    -------
    NewJob
        The job; the same labels and values make the same one.

    Raises
    ------
    RecipeError
        P403, if there are no such labels.
    ParameterError
        P401, if a value is outside its range.
    """
    if not (is_there(labels) or is_there(labels, folder=True)):
        raise RecipeError("P403", str(labels), "there are no such labels")
    given = {name: value for name, value in options.items() if value is not None}
    check_wishes(**{name: given[name] for name in CHECKED if name in given})
    cores = int(given.pop("cores", EVERY_CORE))
    name = weights_name(labels, given.get("name"))
    folder = f"{MODELS}/{name}"
    given = {**given, "name": name, "out": str(Path(given.get("out", out / folder)).absolute())}
    asked = {"labels": str(labels.absolute()), "options": given}
    return NewJob(
        {
            "plan_key": hashlib.sha256(canonical_json({"train": asked}, "training").encode()).hexdigest(),
            "kind": "train",
            "targets": {"folder": folder, "asked": asked},
            "wanted": [{"path": f"{folder}/{name}.onnx"}],
            "resources": {"cores": cores, "memory": MEMORY, "gpus": 0},
            "total": 0,
            "unit": "steps",
        }
    )
