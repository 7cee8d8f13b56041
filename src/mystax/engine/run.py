"""`mystax.run`: a recipe on a recording, into a folder, in a child process of its own."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mystax.core.events import Event, Report, silent
from mystax.core.recording import Recording
from mystax.core.safe_names import check_folder
from mystax.engine.estimate import Estimate, estimate_plan
from mystax.engine.folders import (
    finish_folder,
    folder_for,
    left_out,
    regions_of_folder,
    run_in_folder,
    write_regions,
)
from mystax.engine.jobs import Job
from mystax.engine.machine import available_cores, memory_limit, scratch_folder
from mystax.engine.places import FolderPlace, MemoryPlace
from mystax.engine.plan import Plan, Request, make_plan
from mystax.engine.recipe import Recipe, recipe_from
from mystax.engine.recording_specs import spec_of_recording
from mystax.engine.roi_rules import RoisLike, rois_from
from mystax.engine.runner import RunOptions, run_plan
from mystax.engine.scratch import scratch_room
from mystax.engine.signals import stop_wishes
from mystax.engine.sources import VideoLike, recording_from
from mystax.engine.supervisor import Limits, supervise
from mystax.errors import ParameterError, SpaceError, StoreError

if TYPE_CHECKING:
    from mystax.io.outcomes import Outcomes
    from mystax.io.store import Store
else:
    Outcomes = Store = Any

__all__ = ["DryRun", "plan_run", "run"]

MIN_STALL = 10.0


class DryRun:
    """What a run would do: its plan, its folder, and what it would cost.

    Attributes
    ----------
    plan : Plan
        The outcomes with their states.
    folder : Path or None
        Where they would go; None for frames in memory.
    estimate : Estimate
        Readings, decodes, time, memory and disk.
    recording : Recording
        The opened recording.
    """

    def __init__(self, plan: Plan, folder: Path | None, estimate: Estimate, recording: Recording) -> None:
        self.plan, self.folder, self.estimate, self.recording = plan, folder, estimate, recording

    def as_dict(self) -> dict[str, object]:
        """Return the JSON object of the plan."""
        cameras = {
            name: {
                "files": list(camera.files),
                "n_frames": camera.video.n_frames,
                "shape": list(camera.video.shape),
                "clock": camera.clock.source,
                "flags": [flag.as_dict() for flag in camera.video.flags],
            }
            for name, camera in self.recording.cameras.items()
        }
        return {
            "recording": self.plan.recording,
            "recipe": self.plan.recipe.name,
            "folder": str(self.folder) if self.folder is not None else None,
            "cameras": cameras,
            "outcomes": [item.as_dict() for item in self.plan.outcomes],
            "rois": [roi.as_dict() for roi in self.plan.rois],
            "notes": list(self.plan.notes),
            "awaits_proposals": self.plan.awaits_proposals,
            **self.estimate.as_dict(),
        }


class _Asked:
    """The arguments of a run, looked at once for `run` and `plan_run`."""

    def __init__(
        self,
        video: VideoLike,
        recipe: str | Path | Recipe,
        analyses: Sequence[str] | str | None,
        rois: RoisLike | None,
        parameters: Mapping[str, Mapping[str, object]] | None,
        out: str | Path | None,
        opening: Mapping[str, Any],
    ) -> None:
        self.recipe = recipe_from(recipe, analyses=analyses, parameters=parameters)
        self.given = rois_from(rois)
        self.out = out
        self.recording = recording_from(video, **opening)
        self.is_own = self.recording is not video
        files = any(camera.files for camera in self.recording.cameras.values())
        self.folder = folder_for(self.recording, self.recipe, out) if files or out is not None else None

    def request(self, place: FolderPlace | MemoryPlace, *, propose: bool, force: bool) -> Request:
        """Return the request, with the regions that a person left in the folder."""
        rois = self.given
        if rois is None and self.folder is not None and isinstance(place, FolderPlace):
            rois = regions_of_folder(self.folder, place)
        return Request(self.recipe, rois, propose, force)

    def place(self, scratch: str) -> FolderPlace | MemoryPlace:
        """Return where outcomes go.

        Raises
        ------
        RecipeError
            P403, if the folder for scratch files is not there, or that of the outcomes cannot be made.
        """
        if self.folder is not None:
            check_folder(self.folder, str(self.folder))
        scratch_folder(scratch, self.folder or Path())
        if self.folder is None:
            return MemoryPlace()
        from mystax.io.store import Store

        return FolderPlace(Store(self.folder), scratch=scratch)

    def close(self) -> None:
        """Let go of files that were opened here."""
        if self.is_own:
            self.recording.close()


def run(
    recording: VideoLike,
    recipe: str | Path | Recipe = "standard",
    analyses: Sequence[str] | str | None = None,
    rois: RoisLike | None = None,
    out: str | Path | None = None,
    *,
    parameters: Mapping[str, Mapping[str, object]] | None = None,
    propose: bool = False,
    clocks: Any = None,
    clock_policy: str | None = None,
    damage: str | None = None,
    grey_range: str | None = None,
    cores: int | None = None,
    memory: int | None = None,
    scratch: str = "auto",
    report: bool = True,
    force: bool = False,
    stall: float = 60.0,
    isolated: bool = True,
    progress: Report = silent,
) -> Outcomes:
    """Run a recipe on a recording; a second run with the same request does nothing.

    Recordings of files are worked on in a child process, which is restarted from its last checkpoint if
    it dies or hangs.  Frames in memory are worked on in this process.

    Parameters
    ----------
    recording : Recording, path, list or mapping of paths, FrameSource or array
        The frames; paths are opened as by `mystax.open`.
    recipe : str, Path or Recipe, optional
        ``"quick"``, ``"standard"``, or a recipe file.
    analyses : sequence of str, optional
        Names of analyses instead of a recipe.
    rois : Roi, sequence of Roi, or path of a rois.toml, optional
        Regions of interest.  Without any: those in the folder, else the whole frame and proposals.
    out : str or Path, optional
        Folder above the outcomes: they go to ``<out>/<recording>/<recipe>``; by default to
        ``<recording>.mystax`` beside the first video.
    parameters : mapping, optional
        Analysis to parameters, such as ``{"pupil": {"sigma": 2.5}}``.
    propose : bool, optional
        Propose regions although some are given.
    clocks, clock_policy, damage, grey_range : optional
        As for `mystax.open`; only with paths.
    cores : int, optional
        Threads; by default all that the process may use.
    memory : int, optional
        Limit of resident memory [MiB]; by default 75 % of the machine.
    scratch : str, optional
        ``"auto"``, ``"none"`` or a folder for large temporary files.
    report : bool, optional
        Make ``report.html``.
    force : bool, optional
        Make outcomes again that are current.
    stall : float, optional
        Silence after which the child counts as hung [s], at least 10.
    isolated : bool, optional
        Whether files are worked on in a child process; without one nothing watches the work.
    progress : callable, optional
        Takes events; it may raise `mystax.errors.Cancelled`.

    Returns
    -------
    Outcomes
        Mapping of analysis (with several cameras: analysis/camera) to Dataset.

    Raises
    ------
    PlanError
        P4xx, if the request must change; found before any frame is read.
    Cancelled
        If the user stopped the work; the next run goes on from the last checkpoint.
    MystaxError
        Whatever a video, an analysis or the disk refuses.
    """
    if stall < MIN_STALL:
        raise ParameterError(
            "P401", "parameter 'stall' of 'run'", expected="stall >= 10 [s]", got=repr(stall)
        )
    opening = {"clocks": clocks, "clock_policy": clock_policy, "damage": damage, "grey_range": grey_range}
    asked = _Asked(recording, recipe, analyses, rois, parameters, out, opening)
    try:
        place = asked.place(scratch)
        request = asked.request(place, propose=propose, force=force)
        plan = _plan_of(asked.recording, request, place)
        if isinstance(place, MemoryPlace):
            return _run_in_memory(asked.recording, request, place, asked.recipe, cores, progress)
        if not plan.wanted and not plan.awaits_proposals:
            _finish_current(place, plan, request, progress, report=report)
            return _outcomes(place, plan)
        limit = memory_limit(memory or asked.recipe.resources.memory)
        job = Job.of_request(
            request,
            spec_of_recording(asked.recording) or {},
            place.store.folder,
            cores=available_cores(cores or asked.recipe.resources.cores),
            scratch=scratch,
            report=report,
        )
        room = scratch_room(scratch, place.store.folder)
        estimate = estimate_plan(plan, asked.recording, cores=job.cores, room=room)
        estimate.check(limit)
        place.store.need(estimate.disk)
        progress(Event("note", "plan", text=estimate.text, data=estimate.as_dict()))
        with stop_wishes() as stop:
            if job.recording and isolated:
                refuse = asked.recording.request.get("damage") == "refuse"
                supervise(
                    job, report=progress, limits=Limits(stall, memory=limit), stop=stop, refuse_damage=refuse
                )
            else:
                run_in_folder(asked.recording, job, stop.watching(progress))
            stop.check()  # a wish that came when all was done ends what the caller would do next
        return _outcomes(place, _plan_of(asked.recording, replace(request, force=False), place))
    finally:
        asked.close()


def plan_run(
    recording: VideoLike,
    recipe: str | Path | Recipe = "standard",
    analyses: Sequence[str] | str | None = None,
    rois: RoisLike | None = None,
    out: str | Path | None = None,
    *,
    parameters: Mapping[str, Mapping[str, object]] | None = None,
    propose: bool = False,
    clocks: Any = None,
    clock_policy: str | None = None,
    damage: str | None = None,
    grey_range: str | None = None,
    cores: int | None = None,
    memory: int | None = None,
    scratch: str = "auto",
    force: bool = False,
) -> DryRun:
    """Say what `run` would do, without doing it; the parameters are those of `run`.

    Parameters
    ----------
    recording, recipe, analyses, rois, out, parameters, propose : optional
        As for `run`.
    clocks, clock_policy, damage, grey_range, cores, memory, scratch, force : optional
        As for `run`.

    Returns
    -------
    DryRun
        Plan, folder and estimate; a few frames are read to time the decoder.

    Raises
    ------
    PlanError
        P4xx, if the request must change.
    """
    opening = {"clocks": clocks, "clock_policy": clock_policy, "damage": damage, "grey_range": grey_range}
    asked = _Asked(recording, recipe, analyses, rois, parameters, out, opening)
    place = asked.place(scratch)
    request = asked.request(place, propose=propose, force=force)
    plan = _plan_of(asked.recording, request, place)
    room = scratch_room(scratch, place.store.folder) if isinstance(place, FolderPlace) else None
    n_cores = available_cores(cores or asked.recipe.resources.cores)
    estimate = estimate_plan(plan, asked.recording, cores=n_cores, measure=True, room=room)
    estimate.check(memory_limit(memory or asked.recipe.resources.memory))
    return DryRun(plan, asked.folder, estimate, asked.recording)


def _plan_of(recording: Recording, request: Request, place: FolderPlace | MemoryPlace) -> Plan:
    """Plan a request, complete with the proposals that are there already."""
    plan = make_plan(recording, request, current=place.current_key)
    is_known = isinstance(place, FolderPlace) and plan.awaits_proposals
    if not is_known or plan.outcome("rois").state != "current":
        return plan
    return make_plan(recording, request, current=place.current_key, proposals=place.proposals())


def _run_in_memory(
    recording: Recording,
    request: Request,
    place: MemoryPlace,
    recipe: Recipe,
    cores: int | None,
    progress: Report,
) -> Outcomes:
    """Run in this process and keep the outcomes in memory."""
    from mystax.io.outcomes import Outcomes as Found

    options = RunOptions(cores=available_cores(cores or recipe.resources.cores))
    with stop_wishes() as stop:
        run_plan(recording, request, place, options, stop.watching(progress))
        stop.check()
    return Found.of_datasets(place.outcomes)


def _finish_current(
    place: FolderPlace, plan: Plan, request: Request, progress: Report, *, report: bool
) -> None:
    """Complete a folder whose outcomes are all current: sums after a crash, regions, a missing report."""
    for item in plan.applicable:
        place.store.adopt(item.name)
    try:
        write_regions(place, plan, request, progress)
        finish_folder(place, plan, progress, has_report=report)
    except (SpaceError, StoreError) as error:  # such as an archive: nothing is lost, all outcomes are there
        progress(Event("note", "run", text=f"regions, recipe and report stay as they are: {error}"))
    n = len(plan.applicable)
    progress(Event("done", "run", n, n, f"nothing to do ({n} outcome{'s are' if n != 1 else ' is'} current)"))


def _outcomes(place: FolderPlace, plan: Plan) -> Outcomes:
    """Open the outcomes of the folder, but for those of regions that are gone."""
    from mystax.io.outcomes import Outcomes as Found

    return Found.of_folder(place.store.folder, left_out(place.store, plan))
