"""What a model says of a frame, as points that can be accepted as labels."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mystax.app.schemas import LabelPoint
from mystax.app.shelf import outcomes_in

__all__ = ["origin_of", "predicted_points", "weights_digest"]

DIGEST = re.compile(r"[0-9a-f]{1,64}")


def weights_digest(attributes: Mapping[str, Any], camera: str) -> str:
    """Return the digest of the weights that an outcome was made with; empty where that is not known."""
    try:
        inputs = json.loads(str(attributes.get("inputs", "[]")))
    except ValueError:
        inputs = []
    named = [one for one in inputs if isinstance(one, dict) and one.get("role") == "weights"]
    named.sort(key=lambda one: one.get("camera") != camera)
    digest = str(named[0].get("id", "")) if named else ""
    return digest if DIGEST.fullmatch(digest) else ""


def origin_of(attributes: Mapping[str, Any], camera: str) -> str:
    """Return where predicted points come from: ``prediction:`` and the digest of the weights."""
    return f"prediction:{weights_digest(attributes, camera) or '0'}"


def predicted_points(folder: Path, name: str, frame: int) -> dict[str, LabelPoint]:
    """Return the predicted points of a frame.

    Parameters
    ----------
    folder : Path
        The folder of outcomes.
    name : str
        The outcome ``pose`` of a camera.
    frame : int
        Number of the frame in its camera.

    Returns
    -------
    dict of str to LabelPoint
        Name of a point to its place [px] and confidence; points without a place are left out.
    """
    dataset = outcomes_in(folder)[name]
    frames = dataset["frame"].values if "frame" in dataset.coords else np.arange(dataset.sizes["time"])
    rows = np.flatnonzero(frames == frame)
    if not len(rows):
        return {}
    row = dataset.isel(time=int(rows[0]), individual=0)
    place = row["position"].transpose("keypoint", "space").values
    confidence = row["confidence"].values
    origin = origin_of(dataset.attrs, str(dataset.attrs.get("camera", "")))
    return {
        str(point): LabelPoint(
            state="placed", x=float(x), y=float(y), confidence=round(float(sure), 4), origin=origin
        )
        for point, (x, y), sure in zip(dataset["keypoint"].values, place, confidence, strict=True)
        if np.isfinite([x, y, sure]).all()
    }
