"""The nursery of a process that runs many jobs: children are forked where everything is loaded already.

Loading what a job needs takes longer than a small job.  So a process of its own loads it once
(`mystax.engine.nursery_main`) and forks for each job: a child is a fresh process as ever, whose memory,
crash, stop and end concern nobody else, and only its start is cheaper.  Where that cannot be had, children
are started one by one.
"""

import atexit
import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

__all__ = ["Newborn", "Nursery", "close_nursery", "nursery_here"]

PATIENCE = 60.0
"""Longest time until a nursery has loaded everything [s]; then a child is started without it."""

TICK = 0.2
END = 5.0
"""Time that a nursery without children has to leave [s]."""


class Newborn:
    """A process that a nursery has forked, shown as `subprocess.Popen` shows a child of one's own.

    Parameters
    ----------
    pid : int
        The process.
    stdin, stdout : text stream
        The ends of its pipes.
    ending : text stream
        Where the nursery tells the exit status.
    """

    def __init__(self, pid: int, stdin: TextIO, stdout: TextIO, ending: TextIO) -> None:
        self.pid, self.stdin, self.stdout = pid, stdin, stdout
        self.returncode: int | None = None
        self._ending = ending

    def poll(self) -> int | None:
        """Return the exit status, or None as long as the process lives."""
        return self._look(0.0)

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit status, negative for a signal.

        Raises
        ------
        TimeoutExpired
            If the process still lives after that time [s].
        """
        status = self._look(timeout)
        if status is None:
            raise subprocess.TimeoutExpired("child", timeout or 0.0)
        return status

    def kill(self) -> None:
        """End the process at once."""
        self._send(signal.SIGKILL)

    def terminate(self) -> None:
        """Ask the process to end."""
        self._send(signal.SIGTERM)

    def _send(self, number: signal.Signals) -> None:
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def _look(self, timeout: float | None) -> int | None:
        if self.returncode is None and _is_readable(self._ending.fileno(), timeout):
            text = self._ending.readline()
            if not text:  # the nursery is gone, and nobody else would hear how this process ends
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self.pid, signal.SIGKILL)
            self.returncode = int(text) if text else -signal.SIGKILL
            self._ending.close()
        return self.returncode


@dataclass
class Nursery:
    """One nursery, with the variables that its children have.

    Parameters
    ----------
    environment : mapping of str to str
        All variables of the children.
    patience : float, optional
        Longest time until it has loaded everything [s].
    """

    environment: Mapping[str, str]
    patience: float = PATIENCE
    is_useful: bool = True
    _has_borne: bool = False
    _process: "subprocess.Popen[bytes] | None" = None
    _socket: socket.socket | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def bear(self, log: TextIO, check: Callable[[], None] = lambda: None) -> Newborn | None:
        """Fork a child.

        Parameters
        ----------
        log : text stream
            Takes its stderr.
        check : callable, optional
            Called while the nursery still loads; what it raises ends the wait.

        Returns
        -------
        Newborn or None
            The child, which waits for its job; None where the nursery is of no use.
        """
        with _pipes() as (ours, theirs):
            try:
                self._send([*theirs[:2], log.fileno(), theirs[2]])
                while theirs:  # only the child has them now: its end is the end of the pipe
                    os.close(theirs.pop())
                pid = self._pid(ours[2], check)
            except OSError:
                pid = None
            if pid is None:
                self.is_useful = self._has_borne  # one that never bore a child is not asked again
                return None
            self._has_borne = True
            stdin = os.fdopen(ours[0], "w", encoding="utf-8")
            stdout, ending = (os.fdopen(end, encoding="utf-8") for end in ours[1:])
            ours.clear()
            return Newborn(pid, stdin, stdout, ending)

    def _send(self, ends: list[int]) -> None:
        """Ask for a child with these ends of pipes; a nursery that has left is started anew."""
        with self._lock:
            if self._socket is None or (self._process is not None and self._process.poll() is not None):
                self._start()
            if self._socket is not None:
                socket.send_fds(self._socket, [os.fsencode(Path.cwd())], ends)

    def _start(self) -> None:
        """Start the nursery; it says nothing before it is asked."""
        if self._socket is not None:
            self._socket.close()
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - our own module, by our own interpreter
                [sys.executable, "-P", "-m", "mystax.engine.nursery_main", str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=dict(self.environment),
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )

    def _pid(self, ending: int, check: Callable[[], None]) -> int | None:
        """Wait for the first word about a child: its number."""
        end = time.monotonic() + self.patience
        while not _is_readable(ending, TICK):
            check()
            if time.monotonic() > end:
                return None
        text = b""
        while not text.endswith(b"\n"):
            byte = os.read(ending, 1)
            if not byte:
                return None
            text += byte
        return int(text)

    def close(self) -> None:
        """Let the nursery go: it leaves at once when its last child has ended."""
        with self._lock:
            process, self._process = self._process, None
            if self._socket is not None:
                self._socket.close()
                self._socket = None
        if process is not None:
            try:
                process.wait(END)
            except subprocess.TimeoutExpired:  # it does not even hear that: its children are gone by now
                process.kill()
                process.wait()


@contextmanager
def _pipes() -> Iterator[tuple[list[int], list[int]]]:
    """Give three pipes (to stdin, from stdout, the status): our ends and those of the child."""
    pipes = [os.pipe() for _ in range(3)]
    ours = [pipes[0][1], pipes[1][0], pipes[2][0]]
    theirs = [pipes[0][0], pipes[1][1], pipes[2][1]]
    try:
        yield ours, theirs
    finally:
        for end in (*ours, *theirs):  # those that are in use have left the lists
            os.close(end)


def _is_readable(end: int, timeout: float | None) -> bool:
    looking = select.poll()
    looking.register(end, select.POLLIN)
    return bool(looking.poll(None if timeout is None else 1000 * timeout))


_HERE: list[Nursery] = []
"""The nursery of this process: one at most."""

_CHANGING = threading.Lock()


def nursery_here(environment: Mapping[str, str]) -> Nursery | None:
    """Return the nursery of this process for children with these variables.

    Parameters
    ----------
    environment : mapping of str to str
        All variables of a child.  Libraries read some of them when they are loaded, so that a child with
        other variables than those of the nursery is none of its children.

    Returns
    -------
    Nursery or None
        None where processes cannot be forked safely, or the nursery has other variables or is of no use.
    """
    if sys.platform != "linux":
        return None
    with _CHANGING:
        if not _HERE:
            _HERE.append(Nursery(dict(environment)))
        nursery = _HERE[0]
    return nursery if nursery.is_useful and nursery.environment == environment else None


def close_nursery() -> None:
    """Let the nursery of this process go, if there is one."""
    with _CHANGING:
        while _HERE:
            _HERE.pop().close()


atexit.register(close_nursery)
