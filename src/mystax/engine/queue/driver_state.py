"""What a driver holds: its jobs, its bounds, what it has done, and what it asks of the catalogue."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from mystax.engine.queue.executor import JobSpec
from mystax.errors import ErrorRecord

if TYPE_CHECKING:
    from mystax.engine.catalog.claims import Claim, Facts
else:
    Claim = Facts = Any

__all__ = ["Bounds", "Dispatch", "Mine", "Tally"]


@runtime_checkable
class Dispatch(Protocol):
    """What a driver asks of the catalogue beside its queue."""

    def spec_of(self, claim: Claim, fenced: Sequence[str]) -> JobSpec:
        """Return the job as an executor takes it; raise what keeps it from starting."""
        ...

    def publish(self, claim: Claim, facts: Facts, *, is_adopted: bool) -> bool:
        """Write the rows of the outcomes of a job and let it be done; False if the lease is lost."""
        ...

    def discard(self, claim: Claim) -> None:
        """Remove the unfinished work of a job."""
        ...


@dataclass(frozen=True, slots=True)
class Bounds:
    """How long a driver works.

    Attributes
    ----------
    where : expression or None
        Condition on `job`: other jobs are left alone.
    once : int or None
        Jobs to be claimed at most.
    max_seconds : float or None
        Time after which no further job is claimed [s].
    stay : bool
        Wait for more when nothing is left.
    """

    where: Any = None
    once: int | None = None
    max_seconds: float | None = None
    stay: bool = False


@dataclass(slots=True)
class Tally:
    """What a driver did: numbers of attempts by their end, and the errors of jobs that failed."""

    done: int = 0
    adopted: int = 0
    failed: int = 0
    cancelled: int = 0
    yielded: int = 0
    lost: int = 0
    again: int = 0
    errors: list[ErrorRecord] = field(default_factory=list)

    def as_dict(self) -> dict[str, int]:
        """Return the numbers."""
        names = ("done", "adopted", "failed", "cancelled", "yielded", "lost", "again")
        return {name: getattr(self, name) for name in names}


@dataclass(slots=True)
class Mine:
    """A job that runs for this driver."""

    claim: Claim
    log: str
    since: float
    worker: str = ""
    host: str = ""
    n_started: int = 0
    n_made: int = 0
    share: float = 0.0
    rate: float | None = None
    frame_from: int | None = None
    frame_to: int | None = None
    reported: int | None = None
    wish: str = ""
    is_ready: bool = False
    end: Mapping[str, Any] | None = None
    result: Mapping[str, Any] = field(default_factory=dict)

    @property
    def has_advanced(self) -> bool:
        """Whether there is a newer checkpoint than it started from."""
        return self.frame_to is not None and self.frame_to > (self.frame_from or 0)
