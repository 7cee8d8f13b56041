"""The job of a child process as plain JSON: which recording, which recipe, where to."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from mystax.core.events import Report
from mystax.core.extras import named
from mystax.core.geometry import Roi, roi_from_dict
from mystax.core.recording import Recording
from mystax.engine.plan import Request
from mystax.engine.recipe import Recipe, recipe_from_values
from mystax.engine.runner import RunOptions

__all__ = ["DEFAULT_OPENER", "Job", "do_task", "open_job"]

DEFAULT_OPENER = "mystax.engine.recording_specs:recording_from_spec"

Ranges = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Job:
    """Everything that a child needs to know.

    Attributes
    ----------
    recording : dict
        Plain values from which `opener` makes the recording.
    recipe : dict
        The recipe as plain values.
    rois : list of dict or None
        The regions, as in `rois.toml`; None when none were given.
    folder : str
        Where outcomes go.
    propose, force : bool
        As in `mystax.engine.plan.Request`.
    cores, scratch, size, skip, attempt
        How the work is done; none of them changes a result, but `skip` (V107).
    report : bool
        Whether a report is made.
    careful : dict of str to int
        Camera to the frame from which reading goes in small pieces, because the decoder died near it.
    opener : str
        ``module:function`` that makes the recording.
    token : str
        16 hexadecimal digits that mark this execution; empty for one of its own.
    fenced : list of str
        Tokens of earlier executions that may not publish any more: their locks and part files are dead.
    gated : bool
        Whether the parent must allow each publication.
    leash : float
        Time without a word from the parent after which the child leaves [s]; 0 for no limit.
    task : str
        ``module:function`` that does the work, where it is no pass over frames: it gets the job, the
        callback for events, and the gate of publications.
    arguments : mapping
        What the task wants to know.
    """

    recording: Mapping[str, Any]
    recipe: Mapping[str, Any]
    folder: str
    rois: list[dict[str, Any]] | None = None
    propose: bool = False
    force: bool = False
    cores: int = 1
    scratch: str = "auto"
    size: int | None = None
    skip: Mapping[str, Ranges] = field(default_factory=dict)
    careful: Mapping[str, int] = field(default_factory=dict)
    attempt: int = 1
    report: bool = True
    opener: str = DEFAULT_OPENER
    token: str = ""
    fenced: Sequence[str] = ()
    gated: bool = False
    leash: float = 0.0
    task: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of_request(cls, request: Request, recording: Mapping[str, Any], folder: Path, **more: Any) -> "Job":
        """Make the job of a request."""
        rois = None if request.rois is None else [roi.as_dict() for roi in request.rois]
        return cls(
            recording,
            request.recipe.model_dump(),
            str(folder),
            rois,
            request.propose,
            request.force,
            **more,
        )

    @property
    def request(self) -> Request:
        """What is asked for."""
        return Request(self.plain_recipe(), self.regions(), self.propose, self.force)

    def plain_recipe(self) -> Recipe:
        """Return the recipe."""
        return recipe_from_values(self.recipe, "job")

    def regions(self) -> tuple[Roi, ...] | None:
        """Return the regions."""
        return None if self.rois is None else tuple(roi_from_dict(entry, "job") for entry in self.rois)

    @property
    def options(self) -> RunOptions:
        """How the work is done."""
        return RunOptions(self.cores, self.size, self.skip, self.careful, self.attempt)

    def to_json(self) -> str:
        """Return the job as one line of JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Job":
        """Read a job from JSON."""
        values = json.loads(text)
        values["skip"] = {
            camera: tuple((int(start), int(stop)) for start, stop in ranges)
            for camera, ranges in values["skip"].items()
        }
        return cls(**values)

    def again(self, **changes: Any) -> "Job":
        """Return the job of the next attempt."""
        return replace(self, attempt=self.attempt + 1, **changes)


def open_job(job: Job) -> Recording:
    """Open the recording of a job; its videos are decoded with no more threads than the job has cores."""
    recording: Recording = named(job.opener)(job.recording)
    for camera in recording.cameras.values():
        limit = getattr(camera.video, "limit_threads", None)
        if limit is not None:
            limit(job.cores)
    return recording


def do_task(job: Job, report: Report, gate: Callable[[str], None] | None) -> None:
    """Do the task of a job that is no pass over frames."""
    named(job.task)(job, report, gate)
