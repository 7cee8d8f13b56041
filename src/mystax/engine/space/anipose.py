"""Points in space of a project of Anipose: its rigs, tracks, axes, limbs and angles as they lie there."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.analyses.pose3d_views import PoseView
from mystax.core.events import Event, Report, silent
from mystax.core.keypoint_measures import Axes, Measure
from mystax.core.keypoints import Keypoint, KeypointSet
from mystax.core.safe_names import safe_name
from mystax.engine.space.pose3d import ANALYSIS, triangulate_files
from mystax.engine.space.pose3d_inputs import table_view
from mystax.engine.space.pose3d_request import Request3d
from mystax.errors import ClockError, FormatError, InputError, RecipeError, nearest
from mystax.io.formats.anipose_project import AniposeProject
from mystax.io.formats.anipose_trials import AniposeTrial

if TYPE_CHECKING:
    from mystax.io.outcomes import Outcomes
else:
    Outcomes = Any

__all__ = ["ProjectWishes", "place_of", "project_set", "triangulate_trial"]


@dataclass(frozen=True, slots=True)
class ProjectWishes:
    """What is asked for besides what the project says.

    Attributes
    ----------
    request : Request3d
        Clocks, crops, names; crops of the project are added.
    parameters : mapping
        Parameters of the analysis; they come before those of the project.
    rig : Path, optional
        A rig instead of the project's.
    out : Path, optional
        Folder of the outcomes.
    cores : int
        Threads.
    report : bool
        Whether reports are written.
    """

    request: Request3d
    parameters: Mapping[str, object] = field(default_factory=dict)
    rig: Path | None = None
    out: Path | None = None
    cores: int = 1
    report: bool = True


def place_of(project: AniposeProject, trial: AniposeTrial, out: Path | None, *, is_only: bool) -> Path:
    """Return the folder of a recording's outcome.

    Parameters
    ----------
    project : AniposeProject
        The project.
    trial : AniposeTrial
        The recording.
    out : Path, optional
        Where outcomes go; by default into the sessions.
    is_only : bool
        Whether the project holds no other: then `out` itself is the folder.

    Returns
    -------
    Path
        ``<session>/<name>.mystax``, or below `out` at the place of the session.
    """
    if out is not None and is_only:
        return out
    name = f"{safe_name(trial.name or trial.session.name or 'points')}.mystax"
    if out is None:
        return trial.session / name
    parts = trial.session.relative_to(project.folder).parts
    return out.joinpath(*(safe_name(part) for part in parts), name)


def _plain(names: Sequence[str]) -> dict[str, str]:
    """Return names that a keypoint set can hold, by the names in the tables."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for name in names:
        short = re.sub(r"[^A-Za-z0-9_]+", "_", name).strip("_")[:60] or "point"
        plain = next(
            one
            for one in (short, *(f"{short}_{k}" for k in range(2, len(names) + 2)))
            if one.casefold() not in taken
        )
        taken.add(plain.casefold())
        found[name] = plain
    return found


def project_set(
    project: AniposeProject, names: Sequence[str]
) -> tuple[KeypointSet, dict[str, str], list[str]]:
    """Make the keypoint set of a project: lines, limbs, axes, and angles as measures.

    Parameters
    ----------
    project : AniposeProject
        The project.
    names : sequence of str
        Points in the tables.

    Returns
    -------
    keypoint_set : KeypointSet
        Its points are those of the tables.
    plain : dict of str to str
        Name in the tables to name in the set, where blanks and signs have become ``_``.
    remarks : list of str
        What could not be taken over.

    Raises
    ------
    FormatError
        F804, if the axes name a point that is not tracked.
    """
    plain = _plain(names)
    remarks = list(project.left_out)

    def known(what: str, chosen: Sequence[str]) -> bool:
        missing = [name for name in chosen if name not in plain]
        if missing:
            remarks.append(f"{what}: no point {', '.join(map(repr, missing))} is tracked")
        return not missing

    def kept(what: str, pairs: Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
        return tuple((plain[a], plain[b]) for a, b in pairs if known(f"{what} {a}-{b}", (a, b)))

    axes = None
    if project.axes:
        wanted = [name for pair in project.axes.values() for name in pair]
        wanted += [project.origin] if project.origin else []
        for name in wanted:
            if name not in plain:
                raise FormatError(
                    "F804",
                    "config.toml: [triangulation] axes",
                    f"the point {name!r} is not tracked{nearest(name, names)}",
                    hint="mend it there, or give --axes and --origin",
                )
        directions: Any = {axis: (plain[a], plain[b]) for axis, (a, b) in project.axes.items()}
        axes = Axes(origin=plain.get(project.origin, ""), **directions)
    taken = {name.casefold() for name in plain.values()}
    made = KeypointSet(
        "anipose",
        tuple(Keypoint(plain[name], aliases=() if name.casefold() in taken else (name,)) for name in names),
        view="two-sided",
        edges=kept("line", project.edges),
        limbs=kept("limb", project.limbs),
        axes=axes,
        measures={
            name: Measure("angle", tuple((plain[one],) for one in points))
            for name, points in project.angles.items()
            if known(f"angle {name!r}", points)
        },
    )
    return made, plain, remarks


def _video_times(trial: AniposeTrial, request: Request3d) -> np.ndarray | None:
    """Return the times of the frames of one video [s]; None where a rate is given or there is no video.

    In a project of Anipose frames of equal number belong together, so one video has the times of all.
    """
    camera = request.reference or next((name for name in trial.tracks if name in trial.videos), "")
    if request.rate is not None or camera not in trial.videos:
        return None
    from mystax.engine.recordings import open_recording

    recording = open_recording(trial.videos[camera])
    try:
        return np.array(recording.video().times, np.float64)
    finally:
        recording.close()


def _track(path: Path, rate: float | None, seconds: np.ndarray | None) -> PoseView:
    """Read a track on the times of its rate or of a video."""
    if seconds is None:
        return table_view(path, rate)
    view = table_view(path, 1.0)
    kept = view.frame < len(seconds)
    if not kept.any():
        raise ClockError(
            "C202",
            path.name,
            "the track holds other frames than the video",
            expected=f"frames below {len(seconds)}",
            got=f"{len(view.frame)} frames from {int(view.frame.min(initial=0))}",
            hint="--rate 100 gives times without the video",
        )
    trust = None if view.confidence is None else view.confidence[kept]
    frame = view.frame[kept]
    return replace(view, times=seconds[frame], frame=frame, position=view.position[kept], confidence=trust)


def _views(
    project: AniposeProject, trial: AniposeTrial, wishes: ProjectWishes
) -> tuple[dict[str, PoseView | Path], KeypointSet, list[str]]:
    """Read the tracks of all cameras; one that cannot be read stays a path, and is told of later."""
    read: dict[str, PoseView] = {}
    seconds = _video_times(trial, wishes.request)
    for camera, path in trial.tracks.items():
        try:
            read[camera] = _track(path, wishes.request.rate, seconds)
        except InputError:
            if len(trial.tracks) < 3:
                raise
    names = tuple(dict.fromkeys(name for view in read.values() for name in view.names))
    has_axes = any(name in wishes.parameters for name in ("axes", "origin"))
    keypoints, plain, remarks = project_set(
        replace(project, axes={}, origin="") if has_axes else project, names
    )
    text = keypoints.to_toml()
    views: dict[str, PoseView | Path] = dict(trial.tracks)
    for camera, view in read.items():
        views[camera] = replace(
            view,
            names=tuple(plain[name] for name in view.names),
            keypoint_set=text,
        )
    return views, keypoints, remarks


def _rig_of(project: AniposeProject, trial: AniposeTrial) -> Path:
    if trial.rig is not None:
        return trial.rig
    videos = " ".join(f"--camera {name}={path}" for name, path in sorted(trial.board_videos.items()))
    board = project.board or "KIND:COLSxROWS:SQUARE"
    how = f"mystax calibrate {videos} --board {board} --out {trial.place}"
    raise RecipeError(
        "P403",
        str(trial.session),
        "the cameras of this session are not calibrated",
        expected=str(trial.place),
        got=f"{len(trial.board_videos)} videos of a board" if videos else "no video of a board either",
        hint=how if videos else "film a board and run `mystax calibrate`, or give --rig FILE",
    )


def triangulate_trial(
    project: AniposeProject,
    trial: AniposeTrial,
    wishes: ProjectWishes,
    folder: Path,
    *,
    progress: Report = silent,
) -> Outcomes:
    """Bring the tracks of one recording of a project together in space.

    Parameters
    ----------
    project : AniposeProject
        The project: its score threshold, axes, limbs, angles and crops hold where nothing else is wished.
    trial : AniposeTrial
        The recording.
    wishes : ProjectWishes
        What is asked for.
    folder : Path
        Folder of the outcome.
    progress : callable, optional
        Takes events.

    Returns
    -------
    Outcomes
        With `pose3d`.

    Raises
    ------
    RecipeError
        P403, if there is no rig, or rig and tracks name different cameras.
    MystaxError
        As `mystax.pose3d`.
    """
    rig = wishes.rig if wishes.rig is not None else _rig_of(project, trial)
    views, keypoints, remarks = _views(project, trial, wishes)
    for remark in remarks:
        progress(Event("note", ANALYSIS, text=f"not taken over: {remark}"))
    said: dict[str, object] = {}
    if project.min_score is not None:
        said["min_confidence"] = project.min_score
    if keypoints.axes is not None:
        said |= {"axes": "set", "primary": True}
    if keypoints.limbs:
        said["limbs"] = "set"
    crops = {name: crop for name, crop in project.crops.items() if name in trial.tracks}
    request = replace_crops(wishes.request, crops)
    return triangulate_files(
        views,
        rig,
        request,
        {**said, **wishes.parameters},
        out=folder,
        cores=wishes.cores,
        report=wishes.report,
        progress=progress,
    )


def replace_crops(request: Request3d, crops: Mapping[str, tuple[float, float]]) -> Request3d:
    """Return the request with the crops of a project where it names none itself."""
    return Request3d(
        rate=request.rate,
        reference=request.reference,
        offsets=request.offsets,
        crops={**crops, **request.crops},
        sides=request.sides,
        scale_rig=request.scale_rig,
        rig_unit=request.rig_unit,
    )
