"""Long work: jobs, their logs, the queue."""

from typing import Any

from pydantic import Field

from mystax.app.schemas.base import Exchanged

__all__ = [
    "HeldOut",
    "JobCurve",
    "JobLog",
    "JobRow",
    "JobWanted",
    "JobsAdded",
    "QueueState",
]


class JobWanted(Exchanged):
    """Work on a recording: a recipe, or some analyses; with the regions that are saved for it."""

    recording: str = Field(max_length=60)
    recipe: str = Field(default="standard", max_length=60, pattern=r"^[\w-]+$")
    analyses: list[str] = Field(default_factory=list, max_length=50)
    parameters: dict[str, dict[str, Any]] = Field(default_factory=dict)
    force: bool = False


class JobsAdded(Exchanged):
    """Ids of new jobs."""

    ids: list[str]


class JobRow(Exchanged):
    """A job of the queue, in the words of `mystax queue list --json`; `share` of 1, `rate` in frames/s.

    A training (`kind` is ``train``, `recipe` the name of the weights) has a `result`: its report.
    """

    id: str
    recording: str
    kind: str
    recipe: str
    analyses: list[str]
    state: str
    reason: str
    share: float | None
    rate: float | None
    seconds: float | None
    error: dict[str, str] | None
    result: dict[str, Any] | None = None


class JobLog(Exchanged):
    """Lines of a log; `next` is what to ask for after them."""

    lines: list[str]
    next: int
    state: str


class QueueState(Exchanged):
    """The queue; `eta` is the time left [s], `is_worked` whether any process works on it."""

    jobs: list[JobRow]
    counts: dict[str, int]
    eta: float | None
    is_worked: bool


class HeldOut(Exchanged):
    """A measurement during a training: the mean error on frames that a fit has not seen [px@256]."""

    step: int
    error: float


class JobCurve(Exchanged):
    """How a training goes: the loss over its steps, where each of its fits begins, and what was measured.

    Each loss is the mean of the steps since the one before; there are never more than some hundreds.
    """

    steps: list[int]
    losses: list[float]
    starts: list[int]
    held_out: list[HeldOut]
    total: int
