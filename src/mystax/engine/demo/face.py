"""The second part of the demonstration: a rendered mouse's face, filmed by two cameras, tracked, in space."""

import json
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.compute.keypoint_errors import REFERENCE
from mystax.core.events import Event, Report, silent
from mystax.core.safe_names import is_there
from mystax.engine.demo.meanwhile import Part
from mystax.engine.demo.notes import begin, noted, update_report
from mystax.engine.demo.recovered import Recovered

if TYPE_CHECKING:
    from xarray import Dataset

    from mystax.io.outcomes import Outcomes
else:
    Dataset = Outcomes = Any

__all__ = [
    "FACE",
    "FACE_FOLDER",
    "KEPT",
    "OUTCOMES",
    "film_face",
    "recovered_places",
    "recovered_points",
    "render_face",
    "track_face",
]

FACE_FOLDER = "face"
NOTE = "face.json"
OUTCOMES = f"{FACE_FOLDER}.mystax"
FACE = Part(
    __name__,
    "track_face",
    "",
    f"{OUTCOMES}/pose3d.nc",
    "track",
    "a face is tracked in two films",
)
"""The face beside other work."""
KEPT = Path(__file__).parents[2] / "data" / "face"
"""What `render_face` made of seed 0: rendering would be a fifth of the work, most of it compiling."""
CAMERAS = ("left1", "left2")
RATE, SECONDS = 30, 2.5
SIZE = (320, 240)
MOST = 8.0
"""Median error of the shipped weights on a face that they have never seen [px@256]."""
MOST_APART = 1.0
"""Median error in space that goes with it [mm]."""


def film_face(folder: Path, *, seed: int = 0, progress: Report = silent) -> dict[str, str]:
    """Film a rendered face with two cameras, unless the films of this seed are there.

    The films of seed 0 are kept in the package.

    Parameters
    ----------
    folder : Path
        Takes the videos, their truth and the calibration of the rig.
    seed : int, optional
        The animal and what it does.
    progress : callable, optional
        Takes events.

    Returns
    -------
    dict of str to str
        Camera to its video.
    """
    note, wanted = folder / NOTE, {"seed": seed, **_setting()}
    files = {name: str(folder / f"{name}.mkv") for name in CAMERAS}
    if noted(note) == wanted and all(is_there(Path(path)) for path in files.values()):
        return files
    begin(note)
    if noted(KEPT / NOTE) == wanted:
        _copy(folder)
    else:
        progress(Event("note", "film", text="a face is rendered for two cameras"))
        render_face(folder, seed=seed)
    return files


def render_face(folder: Path, *, seed: int = 0) -> None:
    """Render the face, and write films, truth, calibration and a note of what they were made from.

    Parameters
    ----------
    folder : Path
        Takes them; it is there.
    seed : int, optional
        The animal and what it does.
    """
    from mystax.io.store import Store
    from mystax.synth.head_files import write_rig
    from mystax.synth.head_rig import render_rig
    from mystax.synth.head_script import HeadScript

    n = len(CAMERAS)
    rig = render_rig(HeadScript(seed), n, RATE, SECONDS, seed=seed, size=SIZE, quick=True, workers=2)
    write_rig(rig, folder)
    Store(folder).write_text(NOTE, json.dumps({"seed": seed, **_setting()}))


def _setting() -> dict[str, Any]:
    return {"cameras": len(CAMERAS), "rate": RATE, "seconds": SECONDS, "size": list(SIZE)}


def _copy(folder: Path) -> None:
    """Copy the films that are kept; the note last, for it says that all are there."""
    from mystax.io.store import Store

    store = Store(folder)
    for path in sorted(KEPT.iterdir(), key=lambda path: path.name == NOTE):
        store.write_bytes(path.name, path.read_bytes())


def track_face(folder: Path, *, seed: int = 0, progress: Report = silent) -> Outcomes:
    """Film the face, track its keypoints with the shipped weights, bring both cameras together, and report.

    Parameters
    ----------
    folder : Path
        Takes videos and outcomes.
    seed : int, optional
        The animal and what it does.
    progress : callable, optional
        Takes events.

    Returns
    -------
    Outcomes
        The outcome `pose` of both cameras, and `pose3d`.
    """
    from mystax.engine.recordings import open_recording
    from mystax.engine.run import run
    from mystax.engine.space.pose3d import triangulate_files
    from mystax.engine.space.pose3d_request import Request3d

    files = film_face(folder, seed=seed, progress=progress)
    with closing(open_recording(files, name=FACE_FOLDER)) as recording:
        poses = run(recording, analyses=["pose"], report=False, isolated=False, progress=progress)
    request = Request3d(sides=dict.fromkeys(files, "left"))
    rig = folder / "calibration.toml"
    found = triangulate_files(poses, rig, request, {}, report=False, progress=progress)
    update_report(folder / OUTCOMES)
    return found


def recovered_points(outcomes: Mapping[str, Dataset], folder: Path) -> list[Recovered]:
    """Compare the tracked points with the truth of the renderer.

    Parameters
    ----------
    outcomes : Outcomes
        What `track_face` returned.
    folder : Path
        Its folder, with the truth.

    Returns
    -------
    list of Recovered
        One line per camera.
    """
    from mystax.io.outcomes import load

    lines = []
    for name, dataset in outcomes.items():
        analysis, _, camera = name.partition("/")
        if analysis != "pose":
            continue
        truth: Any = load(folder / f"{camera}_truth.nc")
        points = [str(point) for point in dataset["keypoint"].values]
        true = truth.sel(keypoint=points).isel(individual=0)
        away = dataset["position"].isel(individual=0) - true["position"].transpose(
            "time", "space", "keypoint"
        )
        error = np.linalg.norm(away.transpose("time", "keypoint", "space").values, axis=-1)
        side = float(str(dataset.attrs["box"]).split(",")[2])
        error = error[np.isfinite(error)] * REFERENCE / side
        typical = float(np.median(error)) if len(error) else np.inf
        lines.append(
            Recovered(
                f"keypoints, {camera}",
                f"{len(points)} points",
                f"median error {typical:.1f} px of a face box of 256 px",
                typical < MOST,
            )
        )
    return lines


def recovered_places(dataset: Dataset, folder: Path) -> Recovered:
    """Compare the points in space with the truth of the renderer.

    Parameters
    ----------
    dataset : Dataset
        The outcome `pose3d`.
    folder : Path
        The folder of the face, with the truth.

    Returns
    -------
    Recovered
        One line.
    """
    from mystax.io.outcomes import load

    reference = str(dataset["camera"].values[0])
    truth: Any = load(folder / f"{reference}_space.nc")
    points = [str(point) for point in dataset["keypoint"].values]
    order = ("time", "keypoint", "space")
    true = truth["position"].sel(keypoint=points).isel(individual=0).transpose(*order).values
    found = dataset["position"].isel(individual=0).transpose(*order).values
    error = np.linalg.norm(found - true[dataset["frame"].values], axis=-1)
    known = np.isfinite(error)
    typical = float(np.median(error[known])) if known.any() else np.inf
    return Recovered(
        "keypoints in space",
        f"{len(points)} points",
        f"median error {typical:.2f} mm, {known.mean():.0%} of the points",
        typical < MOST_APART,
    )
