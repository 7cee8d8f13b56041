"""The demonstration: film synthetic mice with two cameras, measure them, compare with the truth."""

import json
from collections.abc import Mapping
from contextlib import closing
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.core.events import Event, Report, silent
from mystax.core.safe_names import as_path, is_there
from mystax.engine.demo.notes import begin, noted, update_report
from mystax.engine.demo.recovered import Recovered

if TYPE_CHECKING:
    from mystax.io.outcomes import Outcomes
    from mystax.synth.scene import Scene
else:
    Outcomes = Scene = Any

__all__ = ["demo", "make_recording", "recovered"]

RATE = Fraction(30)
N_FRAMES = 360
SIZE = (320, 240)
CAMERAS = ("left", "right")
NAME = "demo"
MEASURED = ("motion", "svd", "pupil", "blink", "running")
"""What the simple scene has a truth for; keypoints are those of the rendered face."""
CREATED = "2026-01-01T12:00:00Z"
"""When the scene was filmed, as the headers of its videos say; always the same, so that the bytes are too."""


def demo(folder: str | Path = "mystax-demo", *, seed: int = 0, progress: Report = silent) -> Outcomes:
    """Make synthetic recordings of two cameras each and measure them.

    A simple scene with eye, whisker pad and wheel is measured; a rendered face, in the folder ``face``, is
    tracked and triangulated; ten simulated minutes, in the folder ``brain``, are encoded in the activity of
    neurons, and cut into states.

    Parameters
    ----------
    folder : path, optional
        Where videos and outcomes go.  What is there already is not made again.
    seed : int, optional
        Start of all random numbers.
    progress : callable, optional
        Takes events.

    Returns
    -------
    Outcomes
        The outcomes of the scene; `recovered` compares them with the truth.

    Examples
    --------
    >>> outcomes = demo("mystax-demo")  # doctest: +SKIP
    >>> outcomes["pupil/left"]["diameter"].median().item()  # doctest: +SKIP
    11.2
    """
    from mystax.engine.demo.brain import BRAIN_FOLDER, OUTCOMES, make_brain
    from mystax.engine.demo.brain_study import BRAIN, find_runs
    from mystax.engine.demo.face import FACE, FACE_FOLDER
    from mystax.engine.demo.meanwhile import meanwhile

    place = as_path(folder, "folder")
    face, brain = place / FACE_FOLDER, place / BRAIN_FOLDER
    with meanwhile([(BRAIN, brain), (FACE, face)], seed=seed, progress=progress) as beside:
        make_brain(brain, seed=seed, progress=progress)
        beside.begin(BRAIN)
        beside.begin(FACE)
        # loaded when the process has begun
        from mystax.engine.recordings import open_recording
        from mystax.engine.run import run

        scene = make_recording(place, seed=seed, progress=progress)
        files = {camera: str(place / f"{camera}.mp4") for camera in CAMERAS}
        with closing(open_recording(files, name=NAME, grey_range="full")) as recording:
            found = run(
                recording,
                analyses=MEASURED,
                rois=list(scene.rois()),
                parameters={"running": {"direction": 0.0}},
                progress=progress,
            )
        find_runs(brain, seed=seed, progress=progress)
        beside.finish(BRAIN)
        update_report(brain / OUTCOMES)
        beside.finish(FACE)
    return found


def make_recording(folder: Path, *, seed: int = 0, progress: Report = silent) -> Scene:
    """Film the synthetic mouse, unless the films of this seed are there.

    Parameters
    ----------
    folder : Path
        Takes ``left.mp4``, ``right.mp4``, ``scene.json`` and ``rois.toml``.
    seed : int, optional
        Start of all random numbers.
    progress : callable, optional
        Takes events.

    Returns
    -------
    Scene
        The scene with its truth.
    """
    from mystax.io.rois import rois_to_toml
    from mystax.io.store import Store

    scene = _scene(seed, N_FRAMES, SIZE)
    note = folder / "scene.json"
    identity = {camera: list(scene.source(camera).identity) for camera in CAMERAS}
    if noted(note).get("identity") == identity and all(is_there(folder / f"{name}.mp4") for name in CAMERAS):
        return scene
    begin(note)
    for number, camera in enumerate(CAMERAS):
        _film(scene, camera, folder / f"{camera}.mp4", number, progress)
    store = Store(folder)
    store.write_text("rois.toml", rois_to_toml(scene.rois()))
    store.write_text("scene.json", json.dumps({"seed": seed, "identity": identity}))
    return scene


@lru_cache(maxsize=1)  # film and comparison show the same scene
def _scene(seed: int, n_frames: int, size: tuple[int, int]) -> Scene:
    from mystax.synth.scene import Scene as Film

    return Film(seed=seed, n_frames=n_frames, size=size, rate=RATE, cameras=CAMERAS)


def _film(scene: Scene, camera: str, path: Path, number: int, progress: Report) -> None:
    """Render one camera and write its video."""
    from mystax.io.video import VideoWriter

    total = N_FRAMES * len(CAMERAS)
    options = {"crf": "14", "preset": "ultrafast", "g": "60"}
    facts = {"creation_time": CREATED}
    with VideoWriter(path, size=SIZE, rate=RATE, options=options, color_range="pc", metadata=facts) as writer:
        for chunk in scene.source(camera).chunks(size=30):
            for picture in chunk.data:
                writer.write(picture)
            done = number * N_FRAMES + int(chunk.index[-1]) + 1
            progress(Event("progress", "film", done, total))


def recovered(outcomes: Mapping[str, Any], *, seed: int = 0) -> list[Recovered]:
    """Compare the demonstration's outcomes with the truth of its scene.

    Parameters
    ----------
    outcomes : Outcomes
        What `demo` returned.
    seed : int, optional
        Its seed.

    Returns
    -------
    list of Recovered
        One line per measurement and camera.
    """
    truth = _scene(seed, N_FRAMES, SIZE).truth
    found = []
    for camera in CAMERAS:
        mine = truth.cameras[camera]
        measured = outcomes[f"pupil/{camera}"]["diameter"].values[:, 0]
        seen = np.isfinite(measured)
        error = np.abs(measured[seen] / mine.pupil_diameter[seen] - 1)
        typical = float(np.median(error)) if seen.any() else np.inf
        found.append(
            Recovered(
                f"pupil diameter, {camera}",
                f"{np.median(mine.pupil_diameter[seen]):.2f} px",
                f"{np.median(measured[seen]):.2f} px, error {typical:.1%}, {seen.mean():.0%} of the frames",
                typical < 0.03,
            )
        )
        shift = outcomes[f"running/{camera}"]["shift"].values[:, 0]
        distance = np.hypot(*(shift - mine.wheel_shift).T)
        right = float(np.mean(distance[np.isfinite(distance)] < 0.5))
        found.append(
            Recovered(
                f"running, {camera}",
                f"{np.nansum(mine.wheel_shift[:, 0]):.0f} px in all",
                f"{np.nansum(shift[:, 0]):.0f} px, {right:.0%} of the shifts within half a pixel",
                right > 0.95,
            )
        )
        blinks = outcomes[f"blink/{camera}"]
        n_found = int((blinks["event_kind"].values == 0).sum())
        n_true = len(truth.blink_start)
        found.append(Recovered(f"blinks, {camera}", str(n_true), str(n_found), n_found == n_true))
    return found
