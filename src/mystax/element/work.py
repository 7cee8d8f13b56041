"""The work of a task: the engine's run into the task's folder, or what lies there already."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from mystax.core.recording import Recording
from mystax.core.safe_names import is_there
from mystax.element.facemap_signals import camera_of_video, signals_of_facemap
from mystax.element.linking import Link
from mystax.element.params import TaskPlan
from mystax.element.signals import Signals, signals_of_outcomes
from mystax.engine.folders import ROIS
from mystax.engine.places import FolderPlace
from mystax.engine.plan import Request, make_plan
from mystax.engine.run import run
from mystax.errors import Cancelled, MystaxError, RecipeError
from mystax.io.formats.facemap import read_facemap
from mystax.io.outcomes import Outcomes, outcome_paths
from mystax.io.provenance import frames_inputs
from mystax.io.rois import read_rois
from mystax.io.store import Store

__all__ = ["Candidate", "Made", "candidates", "load_task", "read_signals", "run_task", "walk_files"]

DEPTH = 3
"""Levels below the task's folder in which outcomes are looked for."""
FACEMAP = ("_proc.npy", "_proc.mat")


@dataclass(frozen=True, slots=True)
class Candidate:
    """Something that can be loaded: a folder of outcomes, or a file of Facemap."""

    kind: str
    path: Path


@dataclass(frozen=True, slots=True)
class Made:
    """What a task has: the attributes of `FacemapProcessing`.

    Attributes
    ----------
    time : datetime
        When it was made, UTC.
    package : str
        What made it.
    duration : float
        How long that took [s]; 0 where it is not known.
    provenance : dict
        JSON-able: kind, path relative to a root, keys and digests.
    """

    time: datetime
    package: str
    duration: float
    provenance: dict[str, Any]


def run_task(link: Link, recording: Recording, plan: TaskPlan, folder: Path) -> Made:
    """Run the recipe of a task into its folder; what is current there is kept.

    Parameters
    ----------
    link : Link
        Where the lab's data lie.
    recording : Recording
        One camera.
    plan : TaskPlan
        Recipe and regions.
    folder : Path
        Folder of the task; the outcomes go to ``<folder>/<recording>/<recipe>``.

    Returns
    -------
    Made
        The outcomes.

    Raises
    ------
    RecipeError
        P403, if the task names no recipe.
    SystemExit
        If the user stopped the work: DataJoint takes no other exception as that.
    MystaxError
        Whatever the run refuses.
    """
    if plan.recipe is None:
        raise RecipeError(
            "P403",
            "facemap_params",
            "a task that is triggered needs a recipe",
            hint="FacemapTask.insert_recipe(key, 'standard') makes such a task",
        )
    try:
        outcomes = run(
            recording,
            plan.recipe,
            rois=plan.regions(recording.video().shape),
            out=folder,
            report=False,
        )
    except Cancelled as error:
        raise SystemExit("mystax: the work was stopped") from error
    return _made_of_outcomes(link, outcomes, plan)


def load_task(link: Link, recording: Recording, plan: TaskPlan, folder: Path) -> Made:
    """Take what lies in the folder of a task: exactly one thing that fits.

    Raises
    ------
    RecipeError
        P403, if nothing or several things fit: they are listed.
    FormatError
        F801-F804, if a file of Facemap is refused.
    """
    found, others = candidates(recording, plan, folder)
    if len(found) != 1:
        shown = [str(item.path) for item in found] or others
        raise RecipeError(
            "P403",
            str(folder),
            "nothing in the folder fits the task"
            if not found
            else "several things in the folder fit the task",
            expected="one folder of outcomes of this video and these parameters, or one <video>_proc.npy",
            got=", ".join(shown[:12]) or "an empty folder",
            hint='task_mode "trigger" runs the task',
        )
    if found[0].kind == "mystax":
        return _made_of_outcomes(link, Outcomes.of_folder(found[0].path), plan)
    return _made_of_facemap(link, recording, found[0].path, plan)


def walk_files(folder: Path) -> list[tuple[Path, list[str]]]:
    """List folders with their files down to three levels, without hidden ones, by name."""
    found = []
    for place, folders, files in os.walk(folder):
        depth = len(Path(place).relative_to(folder).parts)
        folders[:] = sorted(name for name in folders if not name.startswith(".") and depth < DEPTH)
        found.append((Path(place), sorted(files)))
    return found


def candidates(recording: Recording, plan: TaskPlan, folder: Path) -> tuple[list[Candidate], list[str]]:
    """Find what fits a task, and name what does not.

    Returns
    -------
    tuple
        Candidates, and words about things that do not fit.
    """
    stems = {Path(file).stem for camera in recording.cameras.values() for file in camera.files}
    found: list[Candidate] = []
    others: list[str] = []
    for place, files in walk_files(folder) if is_there(folder, folder=True) else []:
        if outcome_paths(place):
            reason = _why_not(recording, plan, place)
            if reason:
                others.append(f"{place} ({reason})")
            else:
                found.append(Candidate("mystax", place))
        for name in files:
            suffix = next((end for end in FACEMAP if name.endswith(end)), "")
            if suffix and name.removesuffix(suffix) in stems:
                found.append(Candidate("facemap", place / name))
            elif suffix:
                others.append(f"{place / name} (another video)")
    return found, others


def _why_not(recording: Recording, plan: TaskPlan, place: Path) -> str:
    """Say why a folder of outcomes does not fit a task; "" if it does."""
    try:
        outcomes = Outcomes.of_folder(place)
        own = [identity for identity in recording.video().identity if "=" not in identity]
        for name in outcomes:
            made = [
                i for ids in frames_inputs(outcomes.attributes(name)).values() for i in ids if "=" not in i
            ]
            if made != own:
                return "another video"
        if plan.recipe is None:
            return ""
        there = FolderPlace(Store(place))
        request = Request(plan.recipe, plan.regions(recording.video().shape))
        planned = make_plan(recording, request, current=there.current_key)
        if planned.awaits_proposals and there.current_key("rois"):
            planned = make_plan(recording, request, current=there.current_key, proposals=there.proposals())
    except MystaxError as error:
        return str(error)
    missing = [item.name for item in planned.wanted]
    return f"other parameters of {', '.join(missing)}" if missing else ""


def _made_of_outcomes(link: Link, outcomes: Outcomes, plan: TaskPlan) -> Made:
    """Describe a folder of outcomes."""
    assert outcomes.folder is not None  # noqa: S101 - outcomes of a folder have one
    about: dict[str, Any] = {}
    times, duration = [], 0.0
    for name in outcomes:
        attributes = outcomes.attributes(name)
        about[name] = {
            "key": str(attributes["key"]),
            "content_sha256": str(attributes["content_sha256"]),
            "analysis_version": int(str(attributes["analysis_version"])),
            "coverage": float(str(attributes["coverage"])),
            "quality": str(attributes["quality"]),
        }
        if "run_finished" in attributes:
            times.append(datetime.fromisoformat(str(attributes["run_finished"])))
        duration = max(duration, float(str(attributes.get("run_duration", 0.0))))
    provenance = {
        "kind": "mystax",
        "path": link.relative(outcomes.folder),
        "recipe": plan.recipe.name if plan.recipe is not None else "",
        "answers": dict(plan.answers),
        "outcomes": about,
    }
    time = max(times, default=datetime.now(UTC)).astimezone(UTC).replace(tzinfo=None, microsecond=0)
    return Made(time, f"mystax {version('mystax')}"[:32], duration, provenance)


def _made_of_facemap(link: Link, recording: Recording, path: Path, plan: TaskPlan) -> Made:
    """Describe a file of Facemap that was read without running anything in it."""
    from mystax.io.fingerprint import quick_id

    files = recording.cameras[recording.reference].files
    tree = read_facemap(path)
    camera = camera_of_video(tree, files, path.name)
    signals_of_facemap(tree, camera=camera, n_frames=recording.video().n_frames, where=path.name)
    provenance = {
        "kind": "facemap",
        "path": link.relative(path),
        "camera": camera,
        "n_frames": recording.video().n_frames,
        "quick_id": quick_id(path),
        "answers": dict(plan.answers),
    }
    time = datetime.fromtimestamp(path.stat().st_mtime, UTC).replace(tzinfo=None, microsecond=0)
    return Made(time, "facemap", 0.0, provenance)


def read_signals(link: Link, provenance: Mapping[str, Any], *, do_mot_svd: bool, do_mov_svd: bool) -> Signals:
    """Read the rows of what `run_task` or `load_task` described.

    Raises
    ------
    RecipeError
        P403, if it is not there any more, or has changed.
    """
    place = link.find(str(provenance["path"]))
    wanted = {"do_mot_svd": do_mot_svd, "do_mov_svd": do_mov_svd}
    if provenance["kind"] == "facemap":
        from mystax.io.fingerprint import quick_id

        if quick_id(place) != provenance["quick_id"]:
            raise _changed(place)
        return signals_of_facemap(
            read_facemap(place),
            camera=int(provenance["camera"]),
            n_frames=int(provenance["n_frames"]),
            where=place.name,
            **wanted,
        )
    outcomes = Outcomes.of_folder(place)
    for name, about in provenance["outcomes"].items():
        if name not in outcomes or outcomes.attributes(name)["content_sha256"] != about["content_sha256"]:
            raise _changed(place / f"{name}.nc")
    rois: Sequence[Any] = read_rois(place / ROIS) if (place / ROIS).is_file() else ()
    measured = {name: outcomes[name] for name in provenance["outcomes"]}
    return signals_of_outcomes(measured, rois, **wanted)


def _changed(place: Path) -> RecipeError:
    return RecipeError(
        "P403",
        str(place),
        "it is not what it was when FacemapProcessing took it",
        hint="delete the row of FacemapProcessing and populate again",
    )
