"""From reducers to outcomes: common coordinates, coverage, remarks."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.core.canonical import canonical_json
from mystax.core.dataset import check_outcome, complete_outcome
from mystax.core.quality import Flag, merge_flags
from mystax.core.recording import FrameSource, Recording
from mystax.engine.passes import assemble_outcome
from mystax.engine.plan import PlannedOutcome
from mystax.engine.shared_pass import SharedPass

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = ["Finished", "finish_outcome"]

FOLDERS = re.compile(r"[^:]*[/\\]")
"""The folders of a file within a clock's text."""


@dataclass(frozen=True)
class Finished:
    """One outcome, ready to be published.

    Attributes
    ----------
    outcome : PlannedOutcome
        What was planned.
    datasets : mapping of str to Dataset
        Camera to dataset; ``""`` is the only camera, or what all cameras have in common.
    coverage : float
        Share of the frames that could be used.
    flags : tuple of Flag
        Remarks.
    """

    outcome: PlannedOutcome
    datasets: Mapping[str, Dataset]
    coverage: float
    flags: tuple[Flag, ...]


def finish_outcome(outcome: PlannedOutcome, done: SharedPass, recording: Recording) -> Finished:
    """Finish the reducers of one outcome.

    Parameters
    ----------
    outcome : PlannedOutcome
        What was planned.
    done : SharedPass
        The pass, at its end.
    recording : Recording
        The cameras.

    Returns
    -------
    Finished
        Datasets in the form of the schema, coverage and remarks.

    Raises
    ------
    FormatError
        F804, if a reducer does not keep to its schema.
    """
    analysis = outcome.analysis
    datasets: dict[str, Dataset] = {}
    flags: list[list[Flag]] = [list(recording.flags)]
    valid = total = 0
    several = len(recording.cameras) > 1
    for line in done.lines:
        if line.analysis.name != analysis.name:
            continue
        reason, source = done.reason[line.camera], done.sources[line.camera]
        dataset = assemble_outcome(line.reducer.finish(), analysis, line.lent, reason)
        dataset.attrs.update(_clock_of(recording.cameras[line.camera].clock_report))
        check_outcome(dataset, analysis.outputs, f"outcome {analysis.name!r} of camera {line.camera!r}")
        datasets[line.camera if several else ""] = dataset
        about = [*source.flags, *line.reducer.flags()]
        flags.append(_of_camera(about, line.camera) if several else about)
        valid += int(done.valid[line.camera].sum()) if line.reducer.n_passes else source.n_frames
        total += claimed_frames(source)
    if done.joint is not None and done.joint.analysis.name == analysis.name:
        datasets[""] = _finish_joint(done)
        flags.append(list(done.joint.reducer.flags()))
    return Finished(outcome, datasets, valid / max(1, total), tuple(merge_flags(*flags)))


def _clock_of(report: Mapping[str, object]) -> dict[str, str]:
    """Return the attribute `clock`: how the times of a camera were made, as JSON; none for its own stamps."""
    if not report:
        return {}
    plain = {name: None if value != value else value for name, value in report.items()}  # noqa: PLR0124 - JSON has no NaN
    if isinstance(plain.get("source"), str):
        # Where the clock file lay is no part of the outcome.
        plain["source"] = FOLDERS.sub("", str(plain["source"]))
    return {"clock": canonical_json(plain, "clock")}


def _finish_joint(done: SharedPass) -> Dataset:
    """Give the outcome over all cameras the timeline of the reference camera."""
    joint = done.joint
    if joint is None:
        raise ValueError("there is no work over all cameras")
    source = done.sources[joint.reference]
    dataset = joint.reducer.finish().assign_coords(
        time=("time", source.times), frame=("time", np.arange(source.n_frames, dtype=np.int64))
    )
    schema = joint.analysis.schema_of(dataset)
    if schema.per_frame:
        dataset["missing"] = ("time", joint.reason)
    dataset = complete_outcome(dataset, schema)
    check_outcome(dataset, schema, f"outcome {joint.analysis.name!r} of all cameras")
    return dataset


def claimed_frames(source: FrameSource) -> int:
    """Return how many frames there should be: what the header claims, if more than were indexed."""
    claimed = getattr(source, "n_claimed", None)
    return max(source.n_frames, claimed) if isinstance(claimed, int) else source.n_frames


def _of_camera(flags: Iterable[Flag], camera: str) -> list[Flag]:
    """Put the name of the camera in front of remarks."""
    return [replace(flag, text=f"camera {camera}: {flag.text}") for flag in flags]
