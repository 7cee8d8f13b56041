"""Locks of unfinished work: who works on it, and whether he is still alive."""

import contextlib
import getpass
import json
import os
import platform
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import psutil

from mystax.errors import StoreError
from mystax.io.store_fs import FileSystem, WholeFile, can_not_link, refusals

__all__ = [
    "Lease",
    "LockRecord",
    "acquire_lock",
    "is_alive",
    "is_dead",
    "living_holder",
    "read_lock",
    "this_process",
    "user_name",
]

SILENCE = 600.0
"""Age of the heartbeat at which a worker on another computer counts as dead [s]."""

HEARTBEAT = 10.0
"""Time between two heartbeats [s]."""


@dataclass(frozen=True, slots=True)
class LockRecord:
    """The text of a lock: host, process, starts of both, token, last heartbeat (UTC), name of the user."""

    host: str
    pid: int
    host_start: str
    process_start: str
    token: str
    beat: str = ""
    user: str = ""

    def text(self) -> bytes:
        """Return the JSON line of the lock, padded so that a later one always covers it."""
        return json.dumps(asdict(self)).ljust(511).encode() + b"\n"


LINUX = platform.system() == "Linux"  # not sys.platform: type checkers would hide the other systems' branch


def _host_start() -> str:
    """Return a text that changes with every start of this host, and not when its clock is set."""
    if LINUX:
        with contextlib.suppress(OSError):
            return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return f"{psutil.boot_time():.0f}"


def _process_start(pid: int) -> str | None:
    """Return a text that tells a process from later ones of its number; None if there is none."""
    try:
        if LINUX:
            # ticks since the start of the host: setting the clock does not change them
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            return None if fields[0] in "ZX" else fields[19]
        return f"{psutil.Process(pid).create_time():.0f}"
    except (OSError, psutil.Error, IndexError):
        return None


def this_process(token: str) -> LockRecord:
    """Return the record of the running process."""
    pid = os.getpid()
    return LockRecord(platform.node(), pid, _host_start(), _process_start(pid) or "", token, user=user_name())


def user_name() -> str:
    """Return the name of the user; empty if the system knows none."""
    try:
        return getpass.getuser()[:64]
    except (OSError, KeyError, ImportError):
        return ""


def is_alive(record: LockRecord) -> bool | None:
    """Tell whether the process of a lock runs; None if it belongs to another host."""
    if record.host != platform.node():
        return None
    if LINUX and record.host_start != _host_start():
        return False
    return _process_start(record.pid) == record.process_start


def read_lock(path: Path) -> LockRecord | None:
    """Read a lock; None if there is none or it is not readable."""
    try:
        fields = json.loads(path.read_bytes())
        names = LockRecord.__dataclass_fields__
        return LockRecord(**{name: fields[name] for name in names if name != "user" or name in fields})
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def is_dead(
    path: Path,
    fs: FileSystem,
    *,
    alive: Callable[[LockRecord], bool | None] = is_alive,
) -> bool:
    """Tell whether a lock has no living owner.

    Its process is gone on this host, or, on another host, its last heartbeat is 10 min old by the clock
    of the file system that both share.  A missing lock is dead.
    """
    record = read_lock(path)
    known = alive(record) if record is not None else None
    if known is not None:
        return not known
    try:
        beat = path.stat().st_mtime
    except FileNotFoundError:
        return True
    return fs.clock(path.parent) - beat > SILENCE


def living_holder(
    path: Path, fs: FileSystem, *, alive: Callable[[LockRecord], bool | None] = is_alive
) -> str:
    """Say who holds a lock; empty if nobody alive does."""
    return "" if is_dead(path, fs, alive=alive) else _holder(read_lock(path))


class Lease:
    """A lock that is held, with its heartbeat.

    Parameters
    ----------
    path : Path
        The lock.
    record : LockRecord
        Who holds it.
    file : WholeFile
        The lock, open: beats go to this very file, so they can never touch the lock of a successor.
    fs : FileSystem
        Where it lies.
    now : callable
        Time in UTC, for the text of the beat.
    """

    def __init__(
        self, path: Path, record: LockRecord, file: WholeFile, fs: FileSystem, now: Callable[[], datetime]
    ) -> None:
        self.path, self.record = path, record
        self._file, self._fs, self._now = file, fs, now
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def token(self) -> str:
        """The token of the holder."""
        return self.record.token

    def check(self) -> None:
        """Check that the lock is still ours.

        Raises
        ------
        StoreError
            S504, if another process took it over.
        """
        found = read_lock(self.path)
        if found is None or found.token != self.token:
            raise StoreError(
                "S504",
                str(self.path.parent),
                "another process took this work over",
                expected=f"the lock of {self.record.host}, process {self.record.pid}",
                got="no lock" if found is None else f"the lock of {found.host}, process {found.pid}",
                hint="let the other process finish; its outcome is the same",
            )

    def beat(self) -> None:
        """Write the heartbeat; a disk that is away for a moment is no reason to stop."""
        record = replace(self.record, beat=self._now().astimezone(UTC).isoformat(timespec="seconds"))
        with contextlib.suppress(OSError):
            self._file.seek(0)
            self._file.write(record.text())

    def keep_beating(self, interval: float = HEARTBEAT) -> None:
        """Write the heartbeat from a thread of its own, until the release."""

        def run() -> None:
            while not self._ended.wait(interval):
                self.beat()

        self._thread = threading.Thread(target=run, name="mystax-heartbeat", daemon=True)
        self._thread.start()

    def release(self) -> None:
        """Give the lock back; one that another process took over stays his."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
        self._file.close()
        found = read_lock(self.path)
        if found is not None and found.token == self.token:
            self._fs.remove(self.path)


def acquire_lock(
    path: Path,
    fs: FileSystem,
    token: str,
    *,
    now: Callable[[], datetime],
    alive: Callable[[LockRecord], bool | None] = is_alive,
) -> Lease:
    """Take a lock; a dead one is taken over.

    Parameters
    ----------
    path : Path
        The lock; its folder is made.
    fs : FileSystem
        Where it lies.
    token : str
        Token of the new holder.
    now : callable
        Time in UTC.
    alive : callable, optional
        Whether the process of a record runs (None: unknown).

    Returns
    -------
    Lease
        The lock, held.

    Raises
    ------
    StoreError
        S504, if a living process holds it; S503, if it cannot be written.
    SpaceError
        S501, if there is no space for it.
    """
    record = replace(this_process(token), beat=now().astimezone(UTC).isoformat(timespec="seconds"))
    with refusals(path):
        for _ in range(3):  # a predecessor may remove the folder between two of our steps
            fs.make_folder(path.parent)
            with contextlib.suppress(FileNotFoundError):
                file = _create(path, fs, record)
                if file is None and is_dead(path, fs, alive=alive) and _set_aside(path, fs, token):
                    file = _create(path, fs, record)
                if file is None:
                    break
                return Lease(path, record, file, fs, now)
    holder = read_lock(path)
    raise StoreError(
        "S504",
        str(path.parent),
        "another process works on this",
        got=_holder(holder),
        hint=f"wait for it; if it is gone for certain, remove {path}",
    )


def _holder(record: LockRecord | None) -> str:
    """Say who holds a lock."""
    if record is None:
        return "a lock"
    user = f"user {record.user}, " if record.user else ""
    return f"{user}host {record.host}, process {record.pid}, last heartbeat {record.beat}"


def _create(path: Path, fs: FileSystem, record: LockRecord) -> WholeFile | None:
    """Make a lock with its text in one step; None if there is one already."""
    draft = path.with_name(f".lock.{record.token}.part")
    fs.remove(draft)
    file = fs.create(draft)
    try:
        file.write(record.text())
        fs.sync(file)  # after a power loss the lock must be readable, or nobody could follow for 10 min
        fs.link(draft, path)
    except FileExistsError:
        file.close()
        return None
    except OSError as error:
        file.close()
        if not can_not_link(error):
            raise
        return _create_in_place(path, fs, record)
    except BaseException:
        file.close()
        raise
    finally:
        fs.remove(draft)
    return file


def _create_in_place(path: Path, fs: FileSystem, record: LockRecord) -> WholeFile | None:
    """Make a lock where there are no hard links; seen empty for an instant, it counts as alive."""
    try:
        file = fs.create(path)
    except FileExistsError:
        return None
    file.write(record.text())
    return file


def _set_aside(path: Path, fs: FileSystem, token: str) -> bool:
    """Move a dead lock out of the way; only one of several rivals can, and never with a living lock."""
    dead = read_lock(path)
    aside = path.with_name(f".lock.{token}.dead.part")
    try:
        fs.replace(path, aside)
    except FileNotFoundError:
        return True
    moved = read_lock(aside)
    if moved is not None and (dead is None or moved.token != dead.token):
        with contextlib.suppress(FileExistsError):
            fs.link(aside, path)  # a rival was faster and is alive: give it back
        fs.remove(aside)
        return False
    fs.remove(aside)
    return True
