"""Poses for the tables of inference: body parts of weights, places of points, files of Facemap."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from mystax.core.keypoint_names import set_of_outcome
from mystax.core.keypoints import KeypointSet
from mystax.core.recording import Recording
from mystax.core.safe_names import is_there
from mystax.element.work import walk_files
from mystax.engine.run import run
from mystax.errors import Cancelled, FormatError, ParameterError, RecipeError
from mystax.io.formats.facemap_keypoints import read_facemap_h5
from mystax.io.outcomes import Outcomes, outcome_paths
from mystax.io.provenance import frames_inputs
from mystax.io.weights import check_digest, find_weights, installed_weights

__all__ = [
    "body_parts",
    "installed_file",
    "load_pose",
    "part_name",
    "pose_rows",
    "run_pose",
    "square_text",
    "weights_facts",
]

ANALYSIS = "pose"
FACEMAP = "_FacemapPose.h5"


def part_name(points: KeypointSet | None, name: str) -> str:
    """Return the body part of a point: Facemap's name where it has one, so that joins keep working."""
    point = None if points is None else points.find(name)
    return (point.facemap or point.id) if point is not None else name


def body_parts(keypoints: str | Path) -> list[dict[str, str]]:
    """Return the rows of `BodyPart` of a keypoint set."""
    points = KeypointSet.load(keypoints)
    return [{"body_part": part_name(points, point.id), "body_part_description": point.id} for point in points]


def weights_facts(weights: str | Path) -> tuple[Path, str, str, list[str]]:
    """Return what a model's row holds: file, sum, name of the keypoint set, body parts.

    Raises
    ------
    ParameterError
        P401, if there are no such weights.
    WeightsError
        M701, if the file is refused.
    """
    from mystax.nets.runtime import load_network

    path = find_weights(weights)
    info = load_network(path).info
    points = KeypointSet.from_toml(info.keypoints) if info.keypoints else None
    parts = [part_name(points, name) for name in info.points]
    return path, check_digest(path), "" if points is None else points.name, parts


def installed_file(digest: str) -> Path | None:
    """Find installed weights by their sum; None if they are not installed here."""
    return next((path for path in installed_weights().values() if check_digest(path) == digest), None)


def square_text(bbox: Sequence[float] | None) -> str:
    """Return Facemap's box [x1, x2, y1, y2] as a face box: the square around it.

    Raises
    ------
    ParameterError
        P401, if these are not four rising numbers.

    Examples
    --------
    >>> square_text([10, 110, 20, 80])
    '10,0,100'
    """
    if bbox is None or not len(bbox):
        return "auto"
    values = [float(value) for value in np.ravel(bbox)]
    if len(values) != 4 or not (values[0] < values[1] and values[2] < values[3]):
        raise ParameterError("P401", "bbox", expected="[x1, x2, y1, y2] [px]", got=str(list(bbox)))
    x1, x2, y1, y2 = values
    side = max(x2 - x1, y2 - y1)
    left, top = (x1 + x2 - side) / 2, (y1 + y2 - side) / 2
    return f"{left:g},{top:g},{side:g}"


def run_pose(recording: Recording, weights: Path, bbox: Sequence[float] | None, folder: Path) -> Outcomes:
    """Track all points of the weights; what is current in the folder is kept.

    Raises
    ------
    SystemExit
        If the user stopped the work.
    MystaxError
        Whatever the run refuses.
    """
    parameters = {"weights": str(weights), "keypoints": "all", "box": square_text(bbox)}
    try:
        return run(
            recording, analyses=[ANALYSIS], parameters={ANALYSIS: parameters}, out=folder, report=False
        )
    except Cancelled as error:
        raise SystemExit("mystax: the work was stopped") from error


def load_pose(recording: Recording, folder: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Take the one pose that lies in a folder: an outcome of this video, or a file of Facemap.

    Returns
    -------
    tuple
        Facts of `FacemapInference`, and rows of `BodyPartPosition`.

    Raises
    ------
    RecipeError
        P403, if nothing or several things fit.
    FormatError
        F802-F804, if a file of Facemap is refused, or is about another number of frames.
    """
    stems = {Path(file).stem for camera in recording.cameras.values() for file in camera.files}
    own = [identity for identity in recording.video().identity if "=" not in identity]
    found: list[Path] = []
    others: list[str] = []
    for place, files in walk_files(folder) if is_there(folder, folder=True) else []:
        path = place / f"{ANALYSIS}.nc"
        if path in outcome_paths(place):
            attributes = Outcomes.of_folder(place).attributes(ANALYSIS)
            marks = [i for ids in frames_inputs(attributes).values() for i in ids if "=" not in i]
            (found if marks == own else others).append(path)  # type: ignore[arg-type] # words of either
        for name in files:
            if name.endswith(FACEMAP):
                (found if name.removesuffix(FACEMAP) in stems else others).append(place / name)  # type: ignore[arg-type] # as above
    if len(found) != 1:
        raise RecipeError(
            "P403",
            str(folder),
            "no pose in the folder is of this video" if not found else "several poses fit the task",
            expected=f"one {ANALYSIS}.nc of this video, or one <video>{FACEMAP}",
            got=", ".join(str(path) for path in (found or others)[:12]) or "an empty folder",
        )
    if found[0].name.endswith(FACEMAP):
        return _of_facemap(found[0], recording.video().n_frames)
    return pose_rows(Outcomes.of_folder(found[0].parent))


def _of_facemap(path: Path, n_frames: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    table = read_facemap_h5(path)
    if len(table) != n_frames:
        raise FormatError(
            "F804", path.name, "it is about another video", expected=f"{n_frames} frames", got=str(len(table))
        )
    rows = [
        {
            "body_part": name,
            "x_pos": np.ascontiguousarray(table.position[:, 0, k, 0]),
            "y_pos": np.ascontiguousarray(table.position[:, 0, k, 1]),
            "likelihood": np.ascontiguousarray(table.confidence[:, 0, k]),
        }
        for k, name in enumerate(table.names)
    ]
    time = datetime.fromtimestamp(path.stat().st_mtime, UTC).replace(tzinfo=None, microsecond=0)
    facts = {
        "inference_completion_time": time,
        "inference_run_duration": 0.0,
        "total_frame_count": len(table),
    }
    return facts, rows


def pose_rows(outcomes: Mapping[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the facts and the rows of a pose outcome: its first individual.

    Parameters
    ----------
    outcomes : mapping of str to Dataset
        With ``pose``.
    """
    dataset = outcomes[ANALYSIS]
    points = set_of_outcome(dataset)
    position, confidence = dataset["position"].values, dataset["confidence"].values
    rows = [
        {
            "body_part": part_name(points, str(name)),
            "x_pos": np.ascontiguousarray(position[:, 0, k, 0]),
            "y_pos": np.ascontiguousarray(position[:, 1, k, 0]),
            "likelihood": np.ascontiguousarray(confidence[:, k, 0]),
        }
        for k, name in enumerate(dataset["keypoint"].values)
    ]
    finished = dataset.attrs.get("run_finished")
    time = datetime.fromisoformat(str(finished)) if finished else datetime.now(UTC)
    facts = {
        "inference_completion_time": time.astimezone(UTC).replace(tzinfo=None, microsecond=0),
        "inference_run_duration": float(dataset.attrs.get("run_duration", 0.0)),
        "total_frame_count": int(dataset.sizes["time"]),
    }
    return facts, rows
