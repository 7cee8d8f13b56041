"""What a driver may tell a job that runs under a supervisor: stop, publish, it is still mine."""

import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from mystax.engine.signals import Stop

__all__ = ["LEASE", "Orders"]

LEASE = 60.0
"""Time without a word from the driver after which a job is no longer his [s]."""

RENEWAL = 10.0
"""Time between two words to the child [s]."""


@dataclass(slots=True)
class Orders(Stop):
    """The way down to one job.

    Parameters
    ----------
    lease : float
        Time without `renew` after which the job stops by itself [s].
    deadline : float
        Monotonic time at which the job yields by itself, because its worker will end; 0 for never.
    monotonic : callable
        Monotonic time [s].
    """

    lease: float = LEASE
    deadline: float = 0.0
    monotonic: Callable[[], float] = time.monotonic
    peak: int = 0
    why: str = ""
    _tell: Callable[[str], None] | None = None
    _renewed: float = field(default=float("nan"))
    _told: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._renewed = self.monotonic()

    def reach(self, tell: Callable[[str], None]) -> None:
        """Take the way to a child that was started."""
        with self._lock:
            self._tell = tell

    def renew(self) -> None:
        """Note that the driver still holds the job."""
        self._renewed = self.monotonic()

    def allow(self) -> None:
        """Let the child publish the outcome that is ready."""
        self.renew()
        with self._lock:
            if self._tell is not None:
                self._tell("publish")

    def end(self, why: str) -> None:
        """Ask the job to stop; the first reason stands."""
        if not self.why:
            self.why = why
        self.signal = signal.SIGTERM

    def pulse(self, peak: int) -> None:
        """Pass the driver's word on to the child; stop a job that nobody holds any more."""
        self.peak = max(self.peak, peak)
        now = self.monotonic()
        if now - self._renewed > self.lease:
            self.end("lost")
        elif self.deadline and now >= self.deadline:
            self.end("deadline")
        elif now - self._told >= min(RENEWAL, self.lease / 6):
            self._told = now
            with self._lock:
                if self._tell is not None:
                    self._tell("renew")
