"""What becomes of a job: states, what follows an error or a death, and when a foreign job may be taken."""

import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from mystax.engine.deaths import STRIKES
from mystax.engine.supervisor import WAITS
from mystax.errors import CODES, ErrorRecord, PoisonJob

__all__ = [
    "Ending",
    "Looks",
    "Passed",
    "Seen",
    "Verdict",
    "after_death",
    "after_error",
    "after_yield",
]

Ending = Literal["done", "adopted", "yielded", "lost", "failed", "cancelled"]

JITTER = 0.2
"""Share by which a pause may be longer or shorter, so that many jobs do not come back at once."""

LOOK_AGAIN = 60.0
"""Pause before something that a person must change (space, a root folder) is looked at again [s]."""

LOST_DRIVERS = 10
"""The same for drivers: somebody may stop and start them often, so they count less."""

HELD = frozenset({"S504"})
"""Codes that are waited for like space: another run works in the same folder, for as long as it takes."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What follows the end of an attempt.

    Attributes
    ----------
    state : {"queued", "failed"}
        New state of the job.
    ending : str
        How the attempt ended.
    wait : float
        Pause before it may be claimed again [s].
    strikes, retries : int
        New counters.
    reason : str
        Why it is queued again, in words.
    error : ErrorRecord or None
        The error to be shown.
    """

    state: Literal["queued", "failed"]
    ending: Ending
    wait: float = 0.0
    strikes: int = 0
    retries: int = 0
    reason: str = ""
    error: ErrorRecord | None = None


def after_error(
    error: ErrorRecord, strikes: int, retries: int, *, draw: Callable[[], float] = random.random
) -> Verdict:
    """Say what follows a typed error.

    Parameters
    ----------
    error : ErrorRecord
        The error.
    strikes, retries : int
        Counters of the job.
    draw : callable, optional
        A number from 0 to 1 for the length of the pause.

    Returns
    -------
    Verdict
        Queued again for errors that may pass (after 2, 4, 8, 16, 32 s) and for what a person must change
        (looked at every 60 s, nothing counted), else failed.

    Examples
    --------
    >>> from mystax.errors import VideoError
    >>> after_error(VideoError("V131", "face.mp4").record(), 0, 2, draw=lambda: 0.5).wait
    8.0
    """
    retry = CODES[error.code].retry if error.code in CODES else "never"
    text = f"{error.code} {error.where}"
    if retry == "space" or error.code in HELD:
        return Verdict("queued", "yielded", LOOK_AGAIN, strikes, retries, f"held: {text}", error)
    if retry == "transient" and retries < len(WAITS):
        wait = WAITS[retries] * (1 + JITTER * (2 * draw() - 1))
        return Verdict("queued", "failed", wait, strikes, retries + 1, f"tried again: {text}", error)
    return Verdict("failed", "failed", 0.0, strikes, retries, text, error)


def after_death(
    cause: str, where: str, strikes: int, retries: int, *, has_advanced: bool, limit: int = STRIKES
) -> Verdict:
    """Say what follows the loss of a worker.

    Parameters
    ----------
    cause : str
        How it was lost, in words.
    where : str
        The job, for the error.
    strikes, retries : int
        Counters of the job.
    has_advanced : bool
        Whether the attempt left a newer checkpoint than it started from.
    limit : int, optional
        Strikes at which the job is given up.

    Returns
    -------
    Verdict
        Queued again at once, or failed with Q602.
    """
    strikes = 0 if has_advanced else strikes + 1
    if strikes < limit:
        return Verdict("queued", "lost", 0.0, strikes, retries, f"lost: {cause}")
    error = PoisonJob(
        "Q602",
        where,
        f"the job lost its worker {strikes} times without getting further",
        got=cause,
        hint="mystax queue log shows the last lines; --memory changes what a worker may take",
    )
    return Verdict("failed", "lost", 0.0, strikes, retries, cause, error.record())


def after_yield(reason: str, strikes: int, retries: int) -> Verdict:
    """Say what follows when a job was asked to stop in good order: it is queued at once, nothing counts."""
    return Verdict("queued", "yielded", 0.0, strikes, retries, reason)


N_LOOKS = 6
SPAN = 60.0
"""Time over which the same beat must have been seen before a job counts as abandoned [s]."""

LONGEST_GAP = 20.0
"""Longest time between two looks that still tells something: the looker was not away himself [s]."""


@dataclass(slots=True)
class Seen:
    """How long a job has been seen with one beat."""

    attempt: int
    beat: int
    first: float
    last: float
    n: int = 1


@dataclass
class Looks:
    """The lease of foreign jobs: it is their beat, as this driver sees it by its own monotonic clock.

    No wall clock of two machines is ever compared, so that clocks that jump or disagree neither free a
    living job nor hold a dead one.
    """

    _seen: dict[int, Seen] = field(default_factory=dict)

    def look(self, now: float, beats: Mapping[int, tuple[int, int]]) -> list[int]:
        """Take a successful look at the running jobs of other drivers.

        Parameters
        ----------
        now : float
            Monotonic time of this driver [s].
        beats : mapping of int to tuple
            Job to its attempt and beat.

        Returns
        -------
        list of int
            Jobs whose beat has stood still in at least 6 looks over at least 60 s.
        """
        self._seen = {job: seen for job, seen in self._seen.items() if job in beats}
        found = []
        for job, (attempt, beat) in beats.items():
            seen = self._seen.get(job)
            if seen is None or (seen.attempt, seen.beat) != (attempt, beat) or now - seen.last > LONGEST_GAP:
                self._seen[job] = Seen(attempt, beat, now, now)
                continue
            seen.last, seen.n = now, seen.n + 1
            if seen.n >= N_LOOKS and now - seen.first >= SPAN:
                found.append(job)
        return found

    def forget(self, jobs: Iterable[int]) -> None:
        """Start anew with jobs: they were taken, by this driver or another."""
        for job in jobs:
            self._seen.pop(job, None)


PATIENCE = 60.0
"""Time that smaller jobs of one priority may go before a job that wants more cores than are free [s]."""


@dataclass
class Passed:
    """Since when the next job, which wants more cores than are free, has been passed over by smaller ones.

    After a while a driver starts none of its priority before it, so that cores become free for it.
    """

    _since: dict[int, float] = field(default_factory=dict)

    def too_long(self, job: int, now: float) -> bool:
        """Note that a job is next but cannot start, and tell whether it has waited long enough.

        Parameters
        ----------
        job : int
            The job; one that was next before has started by now, here or elsewhere.
        now : float
            Monotonic time of this driver [s].
        """
        self._since = {job: self._since.get(job, now)}
        return now - self._since[job] >= PATIENCE
