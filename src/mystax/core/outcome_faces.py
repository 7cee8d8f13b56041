"""The faces of an outcome: lines between its points, how they are seen, and which bouts show a state."""

from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.core.keypoint_names import set_of_outcome
from mystax.core.typing import Float64, Int64

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = [
    "FaceView",
    "chosen_bouts",
    "component_shift",
    "edges_of",
    "face_views",
    "frame_face",
    "has_faces",
]

FaceView = tuple[int, int, bool]
"""Two axes of space, and whether the second points down in the picture."""

SHORTEST_EXAMPLE = 0.3
EXAMPLES = 9


def edges_of(dataset: Dataset) -> list[tuple[int, int]]:
    """Return the lines to draw, by places of the points; joined cameras have those of each camera."""
    names = [str(name) for name in dataset["keypoint"].values]
    keypoints = set_of_outcome(dataset)
    pairs = keypoints.edges if keypoints is not None else ()
    return [(names.index(a), names.index(b)) for a, b in pairs if a in names and b in names]


def has_faces(dataset: Dataset) -> bool:
    """Tell whether an outcome has mean faces."""
    return "face_mean" in dataset and dataset.sizes.get("keypoint", 0) > 0


def face_views(dataset: Dataset) -> list[tuple[str, FaceView]]:
    """Return how faces are seen: the picture, or front and side in space."""
    if dataset.sizes.get("space", 0) < 3:
        return [("", (0, 1, True))]
    keypoints = set_of_outcome(dataset)
    if keypoints is not None and keypoints.axes is not None and keypoints.axes.z is not None:
        return [("front", (0, 2, False)), ("side", (1, 2, False))]
    return [("front", (0, 1, False)), ("side", (2, 1, False))]


def frame_face(dataset: Dataset, frame: int) -> Float64[np.ndarray, "keypoint space"]:
    """Rebuild the aligned face of a frame from its features, around the mean face of all frames."""
    base = np.asarray(dataset["grand_mean"].values, np.float64)
    if "model_loadings" not in dataset:
        return base
    n = dataset.sizes["component"]
    score = np.asarray(dataset["feature_value"].values[frame, :n], np.float64)
    mean_score = np.nanmean(np.asarray(dataset["feature_value"].values[:, :n], np.float64), axis=0)
    return np.asarray(base + component_shift(dataset, score - mean_score))


def component_shift(
    dataset: Dataset, amount: Float64[np.ndarray, " component"]
) -> Float64[np.ndarray, "keypoint space"]:
    """Return how points move for whitened scores."""
    loadings = np.asarray(dataset["model_loadings"].values)
    scaled = np.where(np.isfinite(amount), amount, 0) * np.sqrt(np.asarray(dataset["model_variances"].values))
    shift = (scaled @ loadings).reshape(dataset.sizes["keypoint"], -1)
    return np.asarray(shift / np.asarray(dataset["model_weight"].values)[:, None])


def chosen_bouts(dataset: Dataset, state: int, most: int = EXAMPLES) -> Int64[np.ndarray, " bout"]:
    """Choose example bouts of a state (from 1): complete ones of 0.3 s or more, by a fixed generator."""
    label = np.asarray(dataset["bout_label"].values) == state
    length = np.asarray(dataset["bout_stop"].values) - np.asarray(dataset["bout_start"].values)
    whole = np.asarray(dataset["bout_complete"].values) > 0
    found = np.flatnonzero(label & whole & (length >= SHORTEST_EXAMPLE - 1e-9))
    if not len(found):
        found = np.flatnonzero(label)
    if len(found) > most:
        found = np.sort(np.random.default_rng((0xC11B5, state)).choice(found, most, replace=False))
    return np.asarray(found, np.int64)
