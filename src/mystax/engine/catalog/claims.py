"""Values of the queue: planned jobs, claims, jobs of others, what a beat and an end tell."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mystax.engine.catalog.database import utc_seconds
from mystax.engine.queue.rules import Ending

__all__ = ["Claim", "Facts", "Foreign", "NewJob", "Progress"]


@dataclass(frozen=True, slots=True)
class NewJob:
    """A planned job: the values of its row, and the plan keys of the jobs that it needs."""

    values: Mapping[str, Any]
    needs: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Claim:
    """A job that this driver holds by its token."""

    id: int
    token: str
    attempt: int
    kind: str
    recording_id: int | None
    recipe_id: int | None
    strikes: int
    retries: int
    targets: Mapping[str, Any]
    wanted: Sequence[Mapping[str, Any]]
    resources: Mapping[str, Any]
    priority: int
    total: int

    @property
    def name(self) -> str:
        """The job for people."""
        return f"j{self.id}"


@dataclass(frozen=True, slots=True)
class Foreign:
    """A running job of another driver."""

    id: int
    attempt: int
    beat: int
    strikes: int
    retries: int
    driver_id: str
    host: str
    boot_id: str
    pid: int
    pid_started: float
    has_advanced: bool
    n_lost: int


@dataclass(frozen=True, slots=True)
class Progress:
    """What a beat tells of a job: work done (frames or what `unit` says), speed [1/s], last checkpoint."""

    done: int = 0
    rate: float | None = None
    checkpoint: int | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of an attempt at its end; `result` is for the transaction of its end, no column."""

    worker: str = ""
    host: str = ""
    signal: str = ""
    peak: int | None = None
    frame_from: int | None = None
    frame_to: int | None = None
    log: str = ""
    error: Mapping[str, str] = field(default_factory=dict)
    result: Mapping[str, Any] = field(default_factory=dict)

    def values(self, ending: Ending) -> dict[str, Any]:
        """Return the columns of the attempt."""
        return {
            "ending": ending,
            "ended": utc_seconds(),
            "worker": self.worker,
            "host": self.host,
            "signal": self.signal,
            "peak_memory": self.peak,
            "frame_from": self.frame_from,
            "frame_to": self.frame_to,
            "log": self.log,
            "error": dict(self.error),
        }
