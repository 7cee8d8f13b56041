"""From recordings and a recipe to jobs: what is wanted, what is there already, what cannot be had."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sqlalchemy import and_, select

from mystax.core.canonical import canonical_json, roi_geometry
from mystax.core.geometry import Roi
from mystax.core.safe_names import safe_name
from mystax.engine.catalog.claims import NewJob
from mystax.engine.catalog.database import Database
from mystax.engine.catalog.known import KnownRecording, known_recordings
from mystax.engine.catalog.models import states_model
from mystax.engine.catalog.outcomes import recipe_row
from mystax.engine.catalog.planning_fits import PlannedFit, check_fit, plan_fits
from mystax.engine.catalog.query import ids_where, select_recordings
from mystax.engine.catalog.queue import Queue
from mystax.engine.catalog.tables import job, outcome
from mystax.engine.estimate import estimate_plan
from mystax.engine.folders import ROIS, regions_of_folder
from mystax.engine.places import FolderPlace
from mystax.engine.plan import PROPOSER, Plan, Request, make_plan
from mystax.engine.recipe import Recipe
from mystax.errors import MystaxError, RecipeError

__all__ = ["Planned", "PlannedJob", "add_jobs", "plan_jobs"]

MEMORY = 1500
"""Memory that a pass is taken to need where its recipe does not say [MiB]."""

POSE_CORES = 2
"""Cores of a pass with the network, on a CPU."""


@dataclass(frozen=True)
class PlannedJob:
    """The job of one recording.

    Attributes
    ----------
    recording : KnownRecording
        The recording.
    plan : Plan
        Its outcomes.
    values : mapping
        Columns of its row.
    n_frames : int
        Frames to be read.
    seconds : float
        Time that it is estimated to take on one core [s].
    disk : int
        What it will write [byte].
    is_stale : bool
        Whether the same work is done already, but its outcomes are not there any more.
    """

    recording: KnownRecording
    plan: Plan
    values: Mapping[str, Any]
    n_frames: int
    seconds: float
    disk: int
    is_stale: bool = False

    @property
    def needs(self) -> Sequence[str]:
        """Plan keys of jobs that must be done before: none."""
        return ()

    @property
    def plan_is_forced(self) -> bool:
        """Whether outcomes that are current are made again."""
        return bool(self.values["targets"]["force"])

    def as_dict(self) -> dict[str, object]:
        """Return the JSON object of the job."""
        return {
            "recording": self.recording.folder,
            "outcomes": [item.name for item in self.plan.wanted],
            "not_applicable": {
                item.name: item.reason for item in self.plan.outcomes if item.state == "not applicable"
            },
            "n_frames": self.n_frames,
            "seconds": self.seconds,
            "disk": self.disk,
            "stale": self.is_stale,
        }


@dataclass
class Planned:
    """What a recipe means for the recordings of a catalogue.

    Attributes
    ----------
    jobs : list of PlannedJob
        New work on frames.
    fits : list of PlannedFit
        New work on outcomes: it waits for the work on frames that it needs.
    n_current : int
        Recordings whose outcomes are all there.
    n_queued : int
        Recordings whose job is in the queue already, or has failed there.
    left_out : list of str
        Recordings of quality `bad`.
    refused : list of tuple
        Recordings that cannot be planned, with the error.
    """

    jobs: list[PlannedJob] = field(default_factory=list)
    fits: list[PlannedFit] = field(default_factory=list)
    n_current: int = 0
    n_queued: int = 0
    left_out: list[str] = field(default_factory=list)
    refused: list[tuple[str, MystaxError]] = field(default_factory=list)

    @property
    def work(self) -> list[PlannedJob | PlannedFit]:
        """All new work."""
        return [*self.jobs, *self.fits]


def plan_jobs(
    database: Database,
    out: Path,
    wanted: Recipe,
    *,
    where: str | Sequence[str] = "",
    include_bad: bool = False,
    force: bool = False,
) -> Planned:
    """Plan a recipe for recordings; nothing is written and no video is opened.

    Parameters
    ----------
    database : Database
        The catalogue.
    out : Path
        The folder of outcomes.
    wanted : Recipe
        The recipe.
    where : str or sequence of str, optional
        Condition on recordings (`mystax.engine.catalog.query`); by default all.
    include_bad : bool, optional
        Plan recordings of quality `bad`, too.
    force : bool, optional
        Make outcomes again that are current.

    Returns
    -------
    Planned
        Jobs, and what needs none.

    Raises
    ------
    RecipeError
        P403, if the recipe names no analysis of frames, or a fit that is not there, or the condition means
        no recording.
    """
    with database.read() as connection:
        ids = ids_where(connection, select_recordings(where)) if where else None
        if ids == []:
            text = where if isinstance(where, str) else " ".join(where)
            raise RecipeError(
                "P403",
                f"condition {text!r}",
                "no recording is meant",
                hint="all words must hold, id=r5,r6 means any of them; mystax catalog list shows all",
            )
        recordings = known_recordings(connection, ids)
        keys = {
            str(row.path): (str(row.key), str(row.state))
            for row in connection.execute(select(outcome.c.path, outcome.c.key, outcome.c.state))
        }
        states = {
            str(row.plan_key): (str(row.state), row.wanted)
            for row in connection.execute(select(job.c.plan_key, job.c.state, job.c.wanted))
        }
        models = {
            step.stored_fit: states_model(connection, out, step.stored_fit)
            for step in wanted.analysis
            if step.stored_fit
        }
    if not wanted.frames().analysis:
        raise RecipeError(
            "P403",
            f"recipe {wanted.name!r}",
            "it names no analysis of frames whose outcomes the others could take",
            hint="name them, too: what is there already is not made again",
        )
    found = Planned()
    passes: list[tuple[KnownRecording, str]] = []
    for known in recordings:
        if known.quality == "bad" and not include_bad:
            found.left_out.append(known.folder)
            continue
        try:
            for step in wanted.analysis:
                check_fit(step, known)
            passes.append((known, _plan_one(found, known, out, wanted.frames(), keys, states, force=force)))
        except MystaxError as error:
            found.refused.append((known.folder, error))
    group = where if isinstance(where, str) else " ".join(where)
    for step in wanted.analysis:
        if not step.is_on_outcomes:
            continue
        model = models.get(step.stored_fit)
        for fit in plan_fits(step, wanted.name, passes, group, model=model, force=force):
            key = fit.values["plan_key"]
            if _is_new(key, keys, states, force=force):
                found.fits.append(replace(fit, is_stale=key in states))
    return found


def _is_new(
    key: str,
    keys: Mapping[str, tuple[str, str]],
    states: Mapping[str, tuple[str, Sequence[Mapping[str, Any]]]],
    *,
    force: bool,
) -> bool:
    """Tell whether work on outcomes is to be queued: it is not there, or what it made is not current."""
    state, outcomes = states.get(key, ("", ()))
    if state in ("failed", "cancelled"):
        return force
    return not state or (state == "done" and (force or not _all_there(outcomes, keys)))


def _plan_one(
    found: Planned,
    known: KnownRecording,
    out: Path,
    wanted: Recipe,
    keys: Mapping[str, tuple[str, str]],
    states: Mapping[str, tuple[str, Sequence[Mapping[str, Any]]]],
    *,
    force: bool,
) -> str:
    """Plan one recording, put it where it belongs, and return the key of its work."""
    below = f"{known.folder}/{safe_name(wanted.name)}"
    recording = known.recording()
    place = _place(out / below)
    rois = _regions(out / known.folder, place)
    request = Request(wanted, rois, force=force)
    current = _current_keys(keys, below)
    plan = make_plan(recording, request, current=current)
    key = _plan_key(plan, below, rois)
    state, outcomes = states.get(key, ("", ()))
    if state in ("waiting", "queued", "running") or (state in ("failed", "cancelled") and not force):
        found.n_queued += 1
        return key
    if state == "done" and not force and _all_there(outcomes, keys):
        found.n_current += 1
        return key
    if plan.awaits_proposals and plan.outcome(PROPOSER).state == "current":
        plan = make_plan(recording, request, current=current, proposals=place.proposals())
    if not plan.wanted:
        found.n_current += 1
        return key
    found.jobs.append(_job_of(known, recording, plan, below, key, request, is_stale=state == "done"))
    return key


def _current_keys(keys: Mapping[str, tuple[str, str]], below: str) -> Callable[[str], str]:
    def current(analysis: str) -> str:
        key, state = keys.get(f"{below}/{analysis}.nc", ("", ""))
        return key if state == "current" else ""

    return current


def _all_there(outcomes: Sequence[Mapping[str, Any]], keys: Mapping[str, tuple[str, str]]) -> bool:
    """Tell whether the outcomes of a job that is done are still those that are there."""
    return all(keys.get(str(item["path"])) == (item.get("key"), "current") for item in outcomes)


def _place(folder: Path) -> FolderPlace:
    from mystax.io.store import Store

    return FolderPlace(Store(folder))


def _regions(folder: Path, place: FolderPlace) -> tuple[Roi, ...] | None:
    """Return the regions of a recording: its own file, else what a person left beside the outcomes."""
    from mystax.io.rois import read_rois

    path = folder / ROIS
    return read_rois(path) if path.is_file() else regions_of_folder(place.store.folder, place)


def _plan_key(plan: Plan, below: str, rois: Sequence[Roi] | None) -> str:
    """Return the key of the work: the same work for one folder is never queued twice.

    Keys of outcomes that wait for proposed regions are not known yet; what decides them is.
    """
    proposer = next((item.key for item in plan.outcomes if item.name == PROPOSER), "")
    outcomes = [
        item.key
        or canonical_json(
            {
                "analysis": item.name,
                "version": item.analysis.version,
                "parameters": dict(item.parameters),
                "inputs": [dict(entry) for entry in item.inputs],
                "proposals": proposer,
            },
            item.name,
        )
        for item in plan.applicable
    ]
    text = canonical_json(
        {
            "folder": below,
            "outcomes": sorted(outcomes),
            "rois": None if rois is None else [roi_geometry(roi) for roi in rois],
        },
        "plan",
    )
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _job_of(
    known: KnownRecording,
    recording: Any,
    plan: Plan,
    below: str,
    key: str,
    request: Request,
    *,
    is_stale: bool,
) -> PlannedJob:
    """Return the row of a job, but for its recipe."""
    estimate = estimate_plan(plan, recording)
    resources = plan.recipe.resources
    cores = resources.cores or (POSE_CORES if any(item.name == "pose" for item in plan.wanted) else 1)
    values = {
        "plan_key": key,
        "kind": "pass",
        "recording_id": known.id,
        "targets": {
            "folder": below,
            "rois": None if request.rois is None else [roi.as_dict() for roi in request.rois],
            "force": request.force,
            "disk": estimate.disk,
        },
        "wanted": [
            {
                "analysis": item.name,
                "version": item.analysis.version,
                "key": item.key,
                "path": f"{below}/{item.name}.nc",
            }
            for item in plan.applicable
        ],
        "resources": {"cores": cores, "memory": resources.memory or MEMORY, "gpus": resources.gpus}
        | ({"limit": resources.memory} if resources.memory else {}),
        "total": known.pixels,
        "unit": "px",
    }
    return PlannedJob(known, plan, values, known.n_frames, estimate.seconds, estimate.disk, is_stale)


def add_jobs(queue: Queue, wanted: Recipe, planned: Planned, *, priority: int = 0) -> list[int]:
    """Put planned jobs into the queue; one that was done before is queued again.

    Parameters
    ----------
    queue : Queue
        The queue.
    wanted : Recipe
        The recipe of the plan.
    planned : Planned
        The plan.
    priority : int, optional
        Higher goes first.

    Returns
    -------
    list of int
        Jobs that are new or queued again.
    """
    if not planned.work:
        return []
    with queue.database.write() as connection:
        more = {"recipe_id": recipe_row(connection, wanted), "priority": priority}
    # What is needed comes first: also what is done, and is to be done again.
    summaries = [item for item in planned.fits if item.takes_fits]
    fits = [item for item in planned.fits if not item.takes_fits]
    levels: Sequence[Sequence[PlannedJob | PlannedFit]] = (planned.jobs, fits, summaries)
    return sorted(number for level in levels for number in _put(queue, level, more))


def _put(queue: Queue, items: Sequence[PlannedJob | PlannedFit], more: Mapping[str, Any]) -> list[int]:
    """Put jobs into the queue that do not need each other."""
    added = queue.add([NewJob({**item.values, **more}, item.needs) for item in items])
    for item in items:
        same = and_(job.c.plan_key == item.values["plan_key"], job.c.id.not_in(added))
        values = {name: item.values[name] for name in ("targets", "wanted", "resources")} | dict(more)
        if item.is_stale:
            added += queue.redo(same, "its outcomes are stale, missing or damaged, or it is wished", values)
        if item.plan_is_forced:
            added += queue.retry(same, values)
    return added
