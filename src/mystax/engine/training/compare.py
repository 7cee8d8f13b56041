"""Two models, or two outcomes of the tracker, on the same labelled frames: errors side by side."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.core.typing import Bool
from mystax.engine.labels.frames import LabelledFrames, Predictions
from mystax.engine.training.evaluate import N_WORST, evaluate
from mystax.engine.training.inputs import cut_crops
from mystax.engine.training.judge import pose_function
from mystax.errors import RecipeError

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = ["Side", "compare", "frames_seen", "predictions_of_poses"]

SIZE = 256
"""Side of the crops by which boxes are chosen [px]; the boxes do not depend on it."""
MOST_TABLE = 200 << 20


@dataclass(frozen=True, eq=False)
class Side:
    """Who is compared.

    Attributes
    ----------
    name : str
        For people.
    weights : Path, optional
        A network that looks at the labelled pictures; or whose outcome it is, where that is known.
    poses : mapping of str to Dataset
        Fingerprint of a video (`mystax.engine.labels.footage.fingerprint_of`), or its file name where that is
        the only one of its name, to the pose outcome of its camera; empty where the network itself is asked.
    """

    name: str
    weights: Path | None = None
    poses: Mapping[str, Dataset] = field(default_factory=dict)


def compare(frames: LabelledFrames, first: Side, second: Side, *, seed: int = 0) -> dict[str, Any]:
    """Measure two on the labelled frames of which both can say something.

    Parameters
    ----------
    frames : LabelledFrames
        The labels that judge.
    first, second : Side
        Who is compared; the difference is the first less the second.
    seed : int, optional
        Of the bootstrap.

    Returns
    -------
    dict
        Plain values: those of `Evaluation.as_dict`; ``sides``, for each its name and how many of the frames
        its training had seen; ``n_left_out``, frames of which one of them says nothing; ``worst``, the frames
        with the largest mean error of the two, with the labelled and both predicted places [source px].

    Raises
    ------
    RecipeError
        P403, if both are the same, or there is no frame of which both say something.
    """
    if first.name == second.name:
        raise RecipeError("P403", "comparison", f"both are {first.name!r}", hint="choose two different ones")
    sides = (first, second)
    known = np.all([_knows(side, frames) for side in sides], axis=0)
    kept = frames.rows(np.flatnonzero(known))
    if not len(kept):
        hint = "track the videos that are labelled, or compare the weights themselves"
        raise RecipeError(
            "P403", "comparison", "there is no labelled frame of which both say something", hint=hint
        )
    _, boxes = cut_crops(kept, SIZE, is_folder=True)
    judged = replace(kept, width=np.array([box.side for box in boxes]))
    models = {
        side.name: predictions_of_poses(judged, side.poses)
        if side.poses
        else pose_function(_weights_of(side), box=boxes)
        for side in sides
    }
    found = evaluate(judged, models, seed=seed)
    said = [found.said[side.name] for side in sides]
    errors = np.stack([found.errors[side.name] for side in sides])
    return found.as_dict() | {
        "sides": [
            {
                "name": side.name,
                "n_seen": frames_seen(side.weights, judged.names),
                "is_outcome": bool(side.poses),
            }
            for side in sides
        ],
        "n_left_out": int((~known).sum()),
        "worst": _worst(judged, said, errors),
    }


def _weights_of(side: Side) -> Path:
    if side.weights is None:
        raise RecipeError("P403", "comparison", f"{side.name!r} has neither weights nor outcomes")
    return side.weights


def _file_of(name: str) -> str:
    """Return the video of a frame by its name for people (``face.mp4:123``)."""
    return name.rpartition(":")[0]


def _knows(side: Side, frames: LabelledFrames) -> Bool[np.ndarray, " row"]:
    """Tell of which frames a side can say something."""
    if not side.poses:
        return np.ones(len(frames), np.bool_)
    return np.array(
        [
            (video := _video_of(side.poses, name, recording)) is not None
            and _row_of(side.poses[video], int(number)) is not None
            for name, recording, number in zip(frames.names, frames.recordings, frames.number, strict=True)
        ],
        np.bool_,
    )


def _video_of(poses: Mapping[str, Dataset], name: str, recording: str) -> str | None:
    """Return by what outcomes name the video of a frame: its fingerprint, which is sure, else its name."""
    return next((one for one in (recording, _file_of(name)) if one in poses), None)


def _row_of(dataset: Dataset, frame: int) -> int | None:
    """Return the row of a frame in an outcome; None if it has none."""
    if "frame" in dataset.coords:
        rows = np.flatnonzero(dataset["frame"].values == frame)
        return int(rows[0]) if len(rows) else None
    return frame if frame < dataset.sizes["time"] else None


def predictions_of_poses(frames: LabelledFrames, poses: Mapping[str, Dataset]) -> Predictions:
    """Take what outcomes of the tracker say of labelled frames.

    Parameters
    ----------
    frames : LabelledFrames
        The labels; their names begin with the name of the video.
    poses : mapping of str to Dataset
        Fingerprint or name of a video to the pose outcome of its camera.

    Returns
    -------
    Predictions
        Points matched by name and alias; NaN where an outcome has no such frame or point.
    """
    shape = (len(frames), len(frames.ids))
    position, confidence = np.full((*shape, 2), np.nan), np.full(shape, np.nan)
    columns = {name: _columns(frames, dataset) for name, dataset in poses.items()}
    rows = zip(frames.names, frames.recordings, frames.number, strict=True)
    for row, (name, recording, number) in enumerate(rows):
        video = _video_of(poses, name, recording)
        at = None if video is None else _row_of(poses[video], int(number))
        if video is None or at is None:
            continue
        mine, theirs = columns[video]
        one = poses[video].isel(time=at, individual=0)
        position[row, mine] = one["position"].transpose("keypoint", "space").values[theirs]
        confidence[row, mine] = one["confidence"].values[theirs]
    return Predictions(position, confidence if np.isfinite(confidence).any() else None)


def _columns(frames: LabelledFrames, dataset: Dataset) -> tuple[list[int], list[int]]:
    """Return which of our points are which of an outcome's."""
    theirs = [str(name) for name in dataset["keypoint"].values]
    pairs = [
        (k, theirs.index(found))
        for k, name in enumerate(frames.ids)
        if (found := next((n for n in frames.keypoints.point(name).names() if n in theirs), None)) is not None
    ]
    return [ours for ours, _ in pairs], [their for _, their in pairs]


def frames_seen(weights: Path | None, names: Sequence[str]) -> int:
    """Count the frames that a training has seen, by the table that it has left beside its weights.

    Parameters
    ----------
    weights : Path or None
        The weights; None where they are not known.
    names : sequence of str
        Names of frames.

    Returns
    -------
    int
        How many of them, by file and number whatever their folder; 0 for weights without such a table, as
        the shipped ones.
    """
    if weights is None:
        return 0
    table = weights.with_name(f"{weights.stem}.report") / "frames.csv"
    if not table.is_file() or table.stat().st_size > MOST_TABLE:
        return 0
    with table.open(encoding="utf-8", newline="") as lines:
        seen = {Path(line[1]).name for line in csv.reader(lines) if len(line) > 1}
    return sum(Path(name).name in seen for name in names)


def _worst(
    frames: LabelledFrames, said: Sequence[Predictions], errors: np.ndarray
) -> list[dict[str, object]]:
    """Return the frames with the largest mean error of the two sides."""
    means = np.full((len(said), len(frames)), np.nan)
    for k, one in enumerate(errors):
        there = np.isfinite(one)
        counted = there.any(axis=1)
        means[k, counted] = np.where(there, one, 0.0).sum(axis=1)[counted] / there.sum(axis=1)[counted]
    ranked = np.where(np.isfinite(means).any(axis=0), np.fmax(*means), -1.0)
    return [
        {
            "file": _file_of(frames.names[row]),
            "frame": int(frames.number[row]),
            "errors": [_number(value) for value in means[:, row]],
            "label": _places(frames.position[row]),
            "said": [_places(one.position[row]) for one in said],
        }
        for row in np.argsort(-ranked, kind="stable")[:N_WORST].tolist()
        if ranked[row] >= 0
    ]


def _number(value: float) -> float | None:
    return round(float(value), 2) if np.isfinite(value) else None


def _places(position: np.ndarray) -> list[list[float] | None]:
    """Return places of points as plain values; None where there is none."""
    return [[round(float(v), 1) for v in one] if np.isfinite(one).all() else None for one in position]
