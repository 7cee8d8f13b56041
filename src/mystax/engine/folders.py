"""A run into a folder: outcomes, the recipe in use, the regions in use, the report."""

import hashlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from mystax.core.canonical import key12
from mystax.core.events import Event, Report
from mystax.core.geometry import Roi
from mystax.core.recording import Recording
from mystax.core.safe_names import as_path, safe_name
from mystax.engine.cameras import plan_cameras
from mystax.engine.jobs import Job
from mystax.engine.places import FolderPlace
from mystax.engine.plan import Plan, Request
from mystax.engine.recipe import Recipe, recipe_to_toml
from mystax.engine.report import make_report
from mystax.engine.runner import run_plan
from mystax.engine.shared_pass import SLOW
from mystax.engine.stills import is_stills, stills_folder
from mystax.errors import MystaxError, RecipeError, RoiError
from mystax.io.locks import LockRecord, is_alive
from mystax.io.rois import read_rois, rois_to_toml
from mystax.io.store import Store
from mystax.plot.report_state import is_report_current, left_out_of

__all__ = [
    "ROIS",
    "finish_folder",
    "folder_for",
    "left_out",
    "refuse_shared",
    "regions_of_folder",
    "replace_regions",
    "run_in_folder",
    "store_of_job",
    "write_regions",
]

ROIS = "rois.toml"
RECIPE = "recipe.toml"
SUFFIX = ".mystax"
LONGEST = 255
"""Bytes of a name that file systems hold."""


def folder_for(recording: Recording, recipe: Recipe, out: str | Path | None) -> Path:
    """Return the folder of the outcomes of a run.

    Parameters
    ----------
    recording : Recording
        The cameras.
    recipe : Recipe
        The recipe.
    out : str, Path or None
        Folder above; None puts ``<recording>.mystax`` beside the first video.

    Returns
    -------
    Path
        ``face.mystax``, or ``<out>/<recording>/<recipe>``; a name that no folder can have is shortened.

    Raises
    ------
    RecipeError
        P403, if there is no video file beside which the folder could be.
    """
    if out is not None:
        return _above(recording.name, out) / safe_name(recipe.name)
    files = recording.cameras[recording.reference].files
    if not files:
        raise RecipeError(
            "P403",
            recording.name,
            "frames from memory have no folder beside them",
            hint="name one with out=",
        )
    return _beside(recording.name, files[0])


def _above(name: str, out: str | Path) -> Path:
    return as_path(out, "out") / safe_name(name)


def _beside(name: str, file: str | Path) -> Path:
    if any(mark in name for mark in "/\\\0") or len(os.fsencode(name + SUFFIX)) > LONGEST:
        name = safe_name(name)
    return Path(file).absolute().parent / f"{name}{SUFFIX}"


def refuse_shared(sources: Sequence[str | Path], out: str | Path | None) -> None:
    """Refuse recordings whose outcomes would replace each other's, before any work is done.

    Parameters
    ----------
    sources : sequence of paths
        Videos, folders, NWB files or pictures, each worked on by itself with the same recipe; one that
        cannot be opened is passed over.
    out : path, optional
        Folder above the outcomes.

    Raises
    ------
    RecipeError
        P403, naming the first two that share a folder.
    """
    seen: dict[tuple[Path, bool], Path] = {}
    for source in map(Path, sources):
        try:
            place = _planned(source, out)
        except (MystaxError, OSError, ValueError):
            continue  # it is told when its turn comes
        other = seen.setdefault(place, source)
        if source.resolve() != other.resolve():
            raise RecipeError(
                "P403",
                str(source),
                f"its outcomes would replace those of {other}: both go to {place[0]}",
                hint="give each an --out of its own, or rename one",
            )


def _planned(source: Path, out: str | Path | None) -> tuple[Path, bool]:
    """Return the folder of a source, as far as it does not depend on the recipe, and whether that is all."""
    if is_stills(source):
        return stills_folder(source, out).resolve(), True
    name, cameras, _ = plan_cameras(source)
    place = _beside(name, next(iter(cameras.values()))[0]) if out is None else _above(name, out)
    return place.resolve(), out is None


def regions_of_folder(folder: Path, place: FolderPlace) -> tuple[Roi, ...] | None:
    """Return the regions that a person left in a folder.

    The file also holds what was proposed there; as long as nobody changed it, there are no given regions.
    """
    path = folder / ROIS
    if not path.is_file():
        return None
    rois = read_rois(path)
    if all(roi.source == "proposed" for roi in rois) and place.current_key("rois"):
        proposed = place.proposals().rois
        if rois_to_toml(proposed) == rois_to_toml(rois):
            return None
    return rois


def store_of_job(job: Job, folder: Path, gate: Callable[[str], None] | None) -> Store:
    """Return the store of a folder for a job: its token on parts, and earlier executions are dead.

    Parameters
    ----------
    job : Job
        What is done.
    folder : Path
        Where its outcomes go.
    gate : callable, optional
        Called with the name of an analysis before its outcome takes its place.

    Returns
    -------
    Store
        The store.
    """
    fenced = frozenset(job.fenced)

    def alive(record: LockRecord) -> bool | None:
        return False if record.token in fenced else is_alive(record)

    return Store(folder, token=job.token or None, alive=alive, gate=gate)


def run_in_folder(
    recording: Recording, job: Job, report: Report, *, gate: Callable[[str], None] | None = None
) -> Plan:
    """Make the wanted outcomes of a job in its folder.

    Parameters
    ----------
    recording : Recording
        The cameras.
    job : Job
        What to do.
    report : callable
        Takes events; `Cancelled` raised by it stops the run at the next safe place.
    gate : callable, optional
        Called with the name of an analysis before its outcome takes its place.

    Returns
    -------
    Plan
        What was planned; its wanted outcomes exist now.

    Raises
    ------
    MystaxError
        Whatever the run refuses.
    """
    store = store_of_job(job, Path(job.folder), gate)
    place = FolderPlace(store, scratch=job.scratch)
    store.sweep()
    request, before = job.request, _content(store.folder / ROIS)
    plan = run_plan(recording, request, place, job.options, report)
    write_regions(place, plan, request, report, before)
    finish_folder(place, plan, report, has_report=job.report)
    return plan


def _content(path: Path) -> bytes:
    return path.read_bytes() if path.is_file() else b""


def finish_folder(place: FolderPlace, plan: Plan, told: Report, *, has_report: bool) -> None:
    """Complete a folder whose outcomes are all there: the recipe in use, the report.

    Parameters
    ----------
    place : FolderPlace
        The folder.
    plan : Plan
        What was planned.
    told : callable
        Takes events.
    has_report : bool
        Whether a report is wanted.
    """
    store = place.store
    place.clear_finished(plan)
    recipe = recipe_to_toml(plan.recipe)
    path = store.folder / RECIPE
    if not path.is_file() or path.read_text("utf-8") != recipe:
        store.write_text(RECIPE, recipe)
    hidden = left_out(store, plan)
    if has_report and plan.applicable and (plan.wanted or not is_report_current(store.folder, hidden)):
        told(Event("progress", "report", text="report", data={"stall": SLOW}))
        make_report(store, hidden)


def left_out(store: Store, plan: Plan) -> frozenset[str]:
    """Name the outcomes of a folder that are not applicable any more: of regions that are gone.

    Parameters
    ----------
    store : Store
        The folder.
    plan : Plan
        What the last request was for; of outcomes that it does not plan counts what the report says.

    Returns
    -------
    frozenset of str
        Names of analyses.
    """
    applicable = {item.name for item in plan.applicable}
    names = (left_out_of(store.folder) | {item.name for item in plan.outcomes}) - applicable
    return frozenset(name for name in names if store.path(name).is_file())


def write_regions(
    place: FolderPlace, plan: Plan, request: Request, told: Report, before: bytes | None = None
) -> None:
    """Write the regions in use where others lie; those are kept, for a person may have drawn them.

    Parameters
    ----------
    place : FolderPlace
        The folder.
    plan : Plan
        What was planned.
    request : Request
        What was asked for.
    told : callable
        Takes events.
    before : bytes, optional
        What the file held when the work began: who changed it since will want it measured by the next run.
    """
    rois = request.rois
    if rois is None and any(item.name == "rois" and item.state != "not applicable" for item in plan.outcomes):
        rois = place.proposals().rois
    path = place.store.folder / ROIS
    # A person's file with the same regions keeps its comments.
    if rois is None or (path.is_file() and _holds(path, rois)):
        return
    text = _content(path)
    if before is not None and text != before:
        told(Event("note", "rois", text=f"{path} was changed while the run went on: run again to measure it"))
        return
    # Where none were asked for these are proposals, and what they replace are proposals that nobody changed.
    replace_regions(place.store, rois, told, keeps=request.rois is not None)


def replace_regions(store: Store, rois: Sequence[Roi], told: Report, *, keeps: bool = True) -> None:
    """Write regions where others may lie; those go to ``.mystax/old``, for a person may have drawn them.

    Parameters
    ----------
    store : Store
        The folder.
    rois : sequence of Roi
        The new regions; where the file holds them already it stays as it is, with its comments.
    told : callable
        Takes events.
    keeps : bool, optional
        Whether the old regions are kept.
    """
    path = store.folder / ROIS
    if path.is_file() and _holds(path, tuple(rois)):
        return
    text = _content(path)
    if text and keeps:
        mark = key12(hashlib.sha256(text).hexdigest())
        old = store.write_bytes(f".mystax/old/rois.{mark}.toml", text)
        told(Event("note", "rois", text=f"the regions in {path} are replaced; the old ones are in {old}"))
    store.write_text(ROIS, rois_to_toml(rois))


def _holds(path: Path, rois: tuple[Roi, ...]) -> bool:
    """Tell whether a file holds these regions; one that is not understood does not."""
    try:
        return read_rois(path) == rois
    except RoiError:
        return False
