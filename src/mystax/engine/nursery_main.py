"""The process of a nursery: loads what jobs need, then forks a child for each job that is asked for.

``python -m mystax.engine.nursery_main SOCKET``.  A request is a working folder and four ends of pipes: the
child's stdin, stdout and stderr, and where its number and then its exit status are told.  The process has
one thread only, so that forking it is safe; it leaves when its parent has, or wants no more children.
"""

import contextlib
import gc
import os
import selectors
import signal
import socket
import sys
import traceback
from importlib import import_module
from pathlib import Path
from typing import NoReturn

from mystax.engine import child

__all__ = ["FIRST", "LATER", "load", "main"]

FIRST = (
    "mystax.engine.folders",
    "mystax.engine.recordings",
    "mystax.io.video",
    "mystax.io.outcomes",
    "mystax.io.outcome_writer",
    "mystax.compute.tiles",
)
"""What most jobs load, whatever they measure."""

LATER = ("mystax.plot.report",)
"""What they load at their end: the first child need not wait for it."""

IDLE = 300.0
"""Time without a child after which nobody needs it any more [s]."""

LONGEST = 4096
N_ENDS = 4


def load(names: tuple[str, ...]) -> bool:
    """Load modules; False if there is more than one thread then, so that nothing can be forked safely."""
    child.load_xarray_alone()
    for name in names:
        import_module(name)
    gc.collect()
    gc.freeze()  # what is shared with the children stays shared
    return n_threads() == 1


def n_threads() -> int:
    """Return how many threads this process has, also those that Python does not know of."""
    return len(list(Path("/proc/self/task").iterdir()))


class _Children:
    """The children that live, and where their ends are to be told."""

    def __init__(self) -> None:
        self._endings: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._endings)

    def bear(self, requests: socket.socket, folder: bytes, ends: list[int]) -> None:
        """Fork a child and tell its number."""
        try:
            pid = os.fork()
        except OSError:  # the parent hears that there is none, and starts one itself
            for end in ends:
                os.close(end)
            return
        if pid == 0:
            for end in self._endings.values():
                os.close(end)
            requests.close()
            _live(folder, ends)
        for end in ends[:-1]:
            os.close(end)
        self._endings[pid] = ends[-1]
        _tell(ends[-1], pid)

    def reap(self) -> None:
        """Tell the exit statuses of those that have ended."""
        while self._endings:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            ending = self._endings.pop(pid)
            _tell(ending, os.waitstatus_to_exitcode(status))
            os.close(ending)


def _tell(end: int, number: int) -> None:
    with contextlib.suppress(OSError):  # the parent may be gone
        os.write(end, f"{number}\n".encode("ascii"))


def _live(folder: bytes, ends: list[int]) -> NoReturn:
    """Be the child: a session of its own, its own pipes, and then as one that was started by itself."""
    status = child.FAILED
    try:
        os.setsid()
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for number, end in enumerate(ends[:3]):
            os.dup2(end, number)
        for end in ends:
            os.close(end)
        os.chdir(folder)
        sys.stdin, sys.stdout = os.fdopen(0, encoding="utf-8"), os.fdopen(1, "w", encoding="utf-8")
        sys.stderr = os.fdopen(2, "w", buffering=1, encoding="utf-8", errors="backslashreplace")
        gc.set_threshold(*child.GARBAGE)
        status = child.main()
    except BaseException:  # noqa: BLE001 - the outermost frame of the process: what goes wrong stands in the log
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def main(number: int) -> int:
    """Fork children until nobody wants any more.

    Parameters
    ----------
    number : int
        Descriptor of the socket of requests.

    Returns
    -------
    int
        The exit status: 1, if nothing can be forked safely.
    """
    requests = socket.socket(fileno=number)
    requests.set_inheritable(False)
    if not load(FIRST):
        return 1
    hearing, ended = socket.socketpair()
    for end in (hearing, ended):
        end.setblocking(False)
    signal.set_wakeup_fd(ended.fileno())
    signal.signal(signal.SIGCHLD, lambda *_: None)  # only to be woken
    children = _Children()
    looking = selectors.DefaultSelector()
    looking.register(requests, selectors.EVENT_READ)
    looking.register(hearing, selectors.EVENT_READ)
    is_wanted, is_complete = True, False
    while is_wanted or len(children):
        found = [key.fileobj for key, _ in looking.select(None if len(children) else IDLE)]
        if not found and not len(children):
            break
        if hearing in found:
            hearing.recv(LONGEST)
        children.reap()
        if requests in found:
            folder, ends, *_ = socket.recv_fds(requests, LONGEST, N_ENDS)
            if folder:
                children.bear(requests, folder, ends)
                if not is_complete and not load(LATER):
                    is_wanted = False
                    looking.unregister(requests)
                    requests.close()
                is_complete = True
            else:
                looking.unregister(requests)
                is_wanted = False
    return 0


if __name__ == "__main__":
    os._exit(main(int(sys.argv[1])))
