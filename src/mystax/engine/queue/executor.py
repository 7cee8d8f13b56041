"""Executors: whatever runs the jobs of a driver.  Here: one job at a time on this host."""

import os
import platform
import queue
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

from mystax.core.events import Event
from mystax.engine.jobs import Job
from mystax.engine.machine import memory_limit
from mystax.engine.nursery import close_nursery
from mystax.engine.orders import LEASE, Orders
from mystax.engine.supervisor import Limits, supervise
from mystax.errors import Cancelled, InternalError, MystaxError

__all__ = ["Executor", "JobSpec", "Message", "SupervisorExecutor", "attend", "order"]

BETWEEN = 1.0
"""Time between two messages of progress of one job [s]."""

DEADLINE = "MYSTAX_DEADLINE"
"""Variable with the time (seconds since 1970) at which the batch system ends this worker."""

RESERVE, SHORT_RESERVE, SHORT = 120.0, 60.0, 600.0
"""Time before that at which jobs are asked to yield; less where the worker has less than 10 min [s]."""

What = Literal["started", "event", "ended", "lost"]


@dataclass(frozen=True, slots=True)
class JobSpec:
    """One attempt of one job, as an executor takes it.

    Attributes
    ----------
    token : str
        Token of the attempt.
    name : str
        The job for people, such as ``j7``.
    job : dict
        The job of the child as plain values.
    log : str
        Its log.
    cores, gpus : int
        What it takes of a worker.
    memory : int
        Limit of resident memory [byte]; 0 for what the host of the worker allows.
    priority : int
        Higher goes first.
    refuse_damage : bool
        Refuse a place where the decoder dies (V107).
    lease : float
        Time without a word from the driver after which it stops by itself [s].
    environment : dict
        More variables for the child.
    """

    token: str
    name: str
    job: Mapping[str, Any]
    log: str
    cores: int = 1
    gpus: int = 0
    memory: int = 0
    priority: int = 0
    refuse_damage: bool = False
    lease: float = LEASE
    environment: Mapping[str, str] | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Message:
    """What an executor tells its driver about a job.

    Attributes
    ----------
    token : str
        Token of the attempt.
    what : {"started", "event", "ended", "lost"}
        A supervisor began, an event of the child, the supervisor ended, the worker is gone.
    data : dict
        ``worker`` and ``host``; the fields of the event; ``ending`` (done, stopped, failed), ``why``,
        ``error``, ``peak``; ``cause``.
    """

    token: str
    what: What
    data: Mapping[str, Any]


Send = Callable[[Message], None]


@runtime_checkable
class Executor(Protocol):
    """Runs jobs; all methods return at once, `poll` after at most the given time."""

    @property
    def name(self) -> str:
        """Name for people, such as ``local (2 jobs)``."""
        ...

    @property
    def size(self) -> int:
        """Cores of one worker: no job can have more."""
        ...

    @property
    def memory(self) -> int:
        """Memory of a worker for each of its cores [byte]; 0 where only the worker knows."""
        ...

    @property
    def is_here(self) -> bool:
        """Whether its jobs run on this host."""
        ...

    def slots(self) -> int:
        """Return the free cores; 0 when no job can start now."""
        ...

    def start(self, spec: JobSpec) -> None:
        """Start a job."""
        ...

    def renew(self, tokens: Iterable[str]) -> None:
        """Tell jobs that their driver still holds them."""
        ...

    def allow(self, token: str) -> None:
        """Let a job publish the outcome that is ready."""
        ...

    def stop(self, token: str, how: str) -> None:
        """Ask a job to stop: ``yield``, ``cancel`` or ``lost``; it is killed if it does not in 5 s."""
        ...

    def poll(self, seconds: float) -> list[Message]:
        """Return what has been told, waiting up to a time for the first message."""
        ...

    def close(self) -> None:
        """Stop everything that still runs."""
        ...


_ORDERS: dict[str, Orders] = {}
"""The jobs under supervision in this process, by token."""


def order(what: str, tokens: Iterable[str], how: str = "") -> list[str]:
    """Give an order to jobs of this process (a driver sends it to its workers).

    Parameters
    ----------
    what : {"renew", "allow", "stop"}
        The order.
    tokens : iterable of str
        Jobs; those that are not here are passed over.
    how : str, optional
        Why they stop.

    Returns
    -------
    list of str
        The jobs that were reached.
    """
    reached = []
    for token in tokens:
        orders = _ORDERS.get(token)
        if orders is None:
            continue
        reached.append(token)
        if what == "renew":
            orders.renew()
        elif what == "allow":
            orders.allow()
        else:
            orders.end(how)
    return reached


def attend(spec: JobSpec, send: Send, *, worker: str = "") -> None:
    """Run one attempt under a supervisor and tell what happens; never raises.

    Parameters
    ----------
    spec : JobSpec
        The attempt.
    send : callable
        Takes messages.
    worker : str, optional
        Name of the worker.
    """
    deadline, left = _deadline()
    if left is not None and left <= 0:
        send(Message(spec.token, "ended", {"ending": "stopped", "why": "no_time", "peak": 0}))
        return
    orders = Orders(lease=spec.lease, deadline=deadline)
    _ORDERS[spec.token] = orders
    send(Message(spec.token, "started", {"worker": worker or platform.node(), "host": platform.node()}))
    found: dict[str, Any] = {"ending": "done"}
    try:
        supervise(
            Job.from_json(Job(**spec.job).to_json()),
            report=_thinned(spec.token, send),
            limits=Limits(memory=spec.memory or memory_limit()),
            stop=orders,
            refuse_damage=spec.refuse_damage,
            environment=spec.environment,
            waits=(),
            log_file=Path(spec.log),
            has_nursery=True,
        )
    except Cancelled:
        found = {"ending": "stopped", "why": orders.why or "child"}
    except MystaxError as error:
        found = {"ending": "failed", "error": error.record().as_dict()}
    except Exception as error:  # noqa: BLE001 - the job supervisor: whatever a job does stays with the job
        bug = InternalError("B999", spec.name, f"{type(error).__name__}: {error}")
        found = {"ending": "failed", "error": bug.record().as_dict()}
    finally:
        _ORDERS.pop(spec.token, None)
    send(Message(spec.token, "ended", {**found, "peak": orders.peak}))


def _deadline() -> tuple[float, float | None]:
    """Return the monotonic time at which jobs yield (0: never), and the time that is left until then."""
    text = os.environ.get(DEADLINE, "")
    if not text.isdecimal():
        return 0.0, None
    left = int(text) - time.time()
    reserve = RESERVE if left >= SHORT else SHORT_RESERVE
    return time.monotonic() + left - reserve, left - reserve


def _thinned(token: str, send: Send) -> Callable[[Event], None]:
    """Return a callback that passes events on, progress of one stage at most once a second."""
    last: dict[str, float] = {}

    def report(event: Event) -> None:
        now = time.monotonic()
        if event.kind == "progress" and now - last.get(event.stage, float("-inf")) < BETWEEN:
            return
        last[event.stage] = now
        send(Message(token, "event", event.as_dict()))

    return report


class SupervisorExecutor:
    """One job at a time on this host, without any further library."""

    is_here = True

    def __init__(self, *, cores: int = 1) -> None:
        self._messages: queue.Queue[Message] = queue.Queue()
        self._thread: threading.Thread | None = None
        self._token, self._cores = "", cores

    @property
    def name(self) -> str:
        """Name for people."""
        return "one job at a time"

    @property
    def size(self) -> int:
        """Cores that a job can have."""
        return self._cores

    @property
    def memory(self) -> int:
        """Memory for each core [byte]."""
        return memory_limit() // self._cores

    def slots(self) -> int:
        """Return the free cores; 0 while a job runs."""
        return self._cores if self._thread is None else 0

    def start(self, spec: JobSpec) -> None:
        """Start a job in a thread."""
        self._token = spec.token
        self._thread = threading.Thread(
            target=attend, args=(spec, self._messages.put), name=f"mystax-{spec.name}", daemon=True
        )
        self._thread.start()

    def renew(self, tokens: Iterable[str]) -> None:
        """Tell the job that its driver still holds it."""
        order("renew", tokens)

    def allow(self, token: str) -> None:
        """Let the job publish the outcome that is ready."""
        order("allow", [token])

    def stop(self, token: str, how: str) -> None:
        """Ask the job to stop."""
        order("stop", [token], how)

    def poll(self, seconds: float) -> list[Message]:
        """Return what has been told."""
        return drained(self._messages, seconds, self._ended)

    def _ended(self, message: Message) -> None:
        if message.what == "ended" and message.token == self._token and self._thread is not None:
            self._thread.join()
            self._thread = None

    def close(self) -> None:
        """Stop the job that still runs."""
        thread = self._thread
        if thread is not None:
            order("stop", [self._token], "yield")
            thread.join()
            self._thread = None
        close_nursery()


def drained(
    messages: "queue.Queue[Message]", seconds: float, note: Callable[[Message], None]
) -> list[Message]:
    """Take all messages out of a queue, waiting up to a time for the first one."""
    found: list[Message] = []
    wait = seconds
    while True:
        try:
            message = messages.get(timeout=wait) if wait > 0 else messages.get_nowait()
        except queue.Empty:
            return found
        note(message)
        found.append(message)
        wait = 0.0
