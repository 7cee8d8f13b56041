"""Labels as a dataset: what training, evaluation and the cache read."""

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.core.dataset import Schema, Variable
from mystax.core.keypoints import KeypointSet
from mystax.core.label_operations import STATES, Mark
from mystax.core.labels import LabelState

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = ["LABELS", "STATE_CODES", "UNLABELLED", "labels_to_dataset"]

UNLABELLED = -1
STATE_CODES = {"placed": 2, "invisible": 1, "absent": 0}
"""Codes of the variable `state`; -1 is not labelled."""

LABELS = Schema(
    {
        "position": Variable(
            ("image", "space", "keypoint", "individual"), "px", "float64", "Labelled place."
        ),
        "state": Variable(
            ("image", "keypoint", "individual"),
            "1",
            "int8",
            "2 placed, 1 invisible (the place is a guess), 0 absent, -1 not labelled.",
        ),
        "origin": Variable(
            ("image", "keypoint", "individual"), "1", "int16", "Place in `origins`; -1 not labelled."
        ),
    },
    per_frame=False,
    per_roi=False,
    coordinates={
        "video": Variable(("image",), "", "str", "Fingerprint of the video or picture."),
        "pts": Variable(("image",), "1", "int64", "Presentation stamp of the frame; 0 for pictures."),
        "frame": Variable(("image",), "1", "int64", "Frame number, for people."),
        "camera": Variable(("image",), "", "str", "Camera, or folder of a set of pictures."),
        "keypoint": Variable(("keypoint",), "", "str", "Name of the point."),
        "individual": Variable(("individual",), "", "str", "Name of the individual."),
        "space": Variable(("space",), "", "str", "Axis."),
    },
    more_dimensions=frozenset({"image"}),
)
"""The form of the dataset of labels."""


def labels_to_dataset(state: LabelState) -> Dataset:
    """Return all labelled frames as arrays.

    Parameters
    ----------
    state : LabelState
        The labels.

    Returns
    -------
    Dataset
        `position` [px], `state` and `origin` by image, keypoint and individual; retired points are left
        out, and so are frames without a mark.  The attribute `origins` lists where marks came from.
    """
    keypoints: KeypointSet = state.keypoints
    ids = keypoints.ids
    columns = {name: k for k, name in enumerate(ids)}
    frames = [(key, labels) for key, labels in state.labelled()]
    names = {individual for _, labels in frames for individual, _ in labels.marks()}
    individuals = sorted(names, key=lambda name: (name != "face", name)) or ["face"]
    rows = {name: k for k, name in enumerate(individuals)}
    shape = (len(frames), len(ids), len(individuals))
    position = np.full((len(frames), 2, *shape[1:]), np.nan)
    codes = np.full(shape, UNLABELLED, np.int8)
    origin = np.full(shape, -1, np.int16)
    origins: dict[str, int] = {}
    for i, (_, labels) in enumerate(frames):
        for (individual, name), label in labels.points.items():
            column = columns.get(name)
            mark = label.mark
            if column is None or mark is None:
                continue
            _write(position, codes, (i, column, rows[individual]), mark)
            origin[i, column, rows[individual]] = origins.setdefault(label.origin, len(origins))
    return _dataset(keypoints, frames, individuals, position, codes, origin, list(origins))


def _write(position: np.ndarray, codes: np.ndarray, at: tuple[int, int, int], mark: Mark) -> None:
    i, column, row = at
    codes[at] = STATE_CODES[mark.state]
    if mark.state != STATES[2]:
        position[i, 0, column, row], position[i, 1, column, row] = mark.x, mark.y


def _dataset(
    keypoints: KeypointSet,
    frames: list[Any],
    individuals: list[str],
    position: np.ndarray,
    codes: np.ndarray,
    origin: np.ndarray,
    origins: list[str],
) -> Dataset:
    import xarray as xr

    from mystax.core.dataset import complete_outcome

    def texts(values: list[str]) -> np.ndarray:
        return np.array(values, dtype=str if values else "<U1")

    made = xr.Dataset(
        {
            "position": (("image", "space", "keypoint", "individual"), position),
            "state": (("image", "keypoint", "individual"), codes),
            "origin": (("image", "keypoint", "individual"), origin),
        },
        coords={
            "video": ("image", texts([key[0] for key, _ in frames])),
            "pts": ("image", np.array([key[1] for key, _ in frames], np.int64)),
            "frame": ("image", np.array([labels.frame for _, labels in frames], np.int64)),
            "camera": ("image", texts([labels.camera for _, labels in frames])),
            "keypoint": ("keypoint", texts(list(keypoints.ids))),
            "individual": ("individual", texts(individuals)),
            "space": ("space", np.array(["x", "y"])),
        },
        attrs={
            "keypoint_set": keypoints.name,
            "keypoint_digest": keypoints.digest,
            "origins": json.dumps(origins),
        },
    )
    return complete_outcome(made, LABELS)
