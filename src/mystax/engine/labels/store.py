"""The journal, lock, state and cache of a folder of labels: one process writes, any number reads."""

import gc
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mystax.core.keypoints import DEFAULT_SET, KeypointSet
from mystax.core.label_dataset import labels_to_dataset
from mystax.core.label_operations import (
    FrameKey,
    Mark,
    Note,
    Operation,
    check_operation,
    operation_from_record,
    record_of,
)
from mystax.core.labels import LabelState
from mystax.core.quality import Flag
from mystax.errors import RecipeError
from mystax.io.journal import Journal
from mystax.io.label_files import LOCK, LabelFiles
from mystax.io.locks import Lease, LockRecord, acquire_lock, is_alive, living_holder, user_name
from mystax.io.outcome_folder import utc_now
from mystax.io.store_fs import FileSystem, LocalFs

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = ["LabelStore"]

CACHE_EVERY = 1000
"""Operations after which the cache is written anew,"""
CACHE_SHARE = 50
"""and the part of all operations that this is at least: writing many labels must not hold up the next one."""


@contextmanager
def _no_collector() -> Iterator[None]:
    """Let the garbage collector rest: it would look through every label many times while they are made."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


class LabelStore:
    """The labels of one folder.

    Parameters
    ----------
    folder : Path
        ``<name>.labels``; made by the first change if it does not exist.
    keypoints : KeypointSet, optional
        Set of a new folder; an existing folder has its own.
    fs, now, alive : optional
        Disk, time and life of processes, for tests.

    Raises
    ------
    RecipeError
        P403, if the folder is none of labels, or has another set than asked for.
    """

    def __init__(
        self,
        folder: Path,
        keypoints: KeypointSet | None = None,
        *,
        fs: FileSystem | None = None,
        now: Callable[[], datetime] = utc_now,
        alive: Callable[[LockRecord], bool | None] = is_alive,
    ) -> None:
        self.folder = folder
        self._fs, self._now, self._alive = fs or LocalFs(), now, alive
        self.files = LabelFiles(folder, self._fs)
        self.journal = Journal(folder, self._fs)
        self._lease: Lease | None = None
        self._state: LabelState | None = None
        self._flags: list[Flag] = []
        self._since_cache = 0
        if self.files.has_keypoints():
            self._keypoints = self.files.read_keypoints()
            if keypoints is not None and keypoints.name != self._keypoints.name:
                raise RecipeError(
                    "P403",
                    str(folder),
                    "the folder has another keypoint set",
                    expected=self._keypoints.name,
                    got=keypoints.name,
                )
            return
        if folder.exists() and any(folder.iterdir()):
            self.files.read_keypoints()  # refuses: files, but none of labels
        self._keypoints = keypoints or KeypointSet.load(DEFAULT_SET)

    # state -----------------------------------------------------------------------------------------

    @property
    def keypoints(self) -> KeypointSet:
        """The keypoint set of the folder."""
        return self._keypoints

    @property
    def state(self) -> LabelState:
        """All labels; another process's changes are seen when the folder is opened again."""
        if self._state is None:
            self._state = self._load()
        return self._state

    @property
    def flags(self) -> tuple[Flag, ...]:
        """Remarks: W907 a torn last line, W908 damaged lines."""
        _ = self.state
        return tuple(self._flags)

    @property
    def is_writable(self) -> bool:
        """Whether this object holds the lock."""
        return self._lease is not None

    def _load(self) -> LabelState:
        state = LabelState(self._keypoints)
        with _no_collector():
            for record in self.journal.read():
                state.apply(operation_from_record(record))
        self._flags = []
        if self.journal.torn:
            n = len(self.journal.torn)
            self._flags.append(
                Flag("W907", f"the last line of the journal is torn ({n} bytes); it is set apart")
            )
        if self.journal.bad:
            lines = [line.number for line in self.journal.bad]
            text = f"{len(lines)} lines of the journal are damaged (first: line {lines[0]}); read only until "
            self._flags.append(Flag("W908", text + f"`mystax labels repair {self.folder}`"))
        return state

    def refresh(self) -> None:
        """See what another process has written meanwhile; while the lock is held here, nobody can."""
        size = self.journal.size + len(self.journal.torn)
        if self._lease is None and self._state is not None and size != self.journal.size_on_disk():
            self._keypoints = self.files.read_keypoints()
            self._state = self._load()

    def holder(self) -> str:
        """Say which other process writes to the folder; empty if none does."""
        return "" if self.is_writable else living_holder(self.folder / LOCK, self._fs, alive=self._alive)

    def to_dataset(self) -> Dataset:
        """Return all labels as arrays; from the cache if the journal has not grown since it was written."""
        if self._state is None:
            size = self.journal.size_on_disk()
            cached = self.files.read_cache(self.journal.mark_of_end(size))
            if cached is not None and cached.attrs.get("keypoint_digest") == self._keypoints.digest:
                return cached
        return labels_to_dataset(self.state)

    # writing ---------------------------------------------------------------------------------------

    def lock(self) -> None:
        """Take the folder for writing.

        Raises
        ------
        StoreError
            S504, if another process holds it (with its user, host and process).
        AppError
            W908, if the journal has damaged lines.
        """
        if self._lease is not None:
            return
        lease = acquire_lock(
            self.folder / LOCK, self._fs, secrets.token_hex(8), now=self._now, alive=self._alive
        )
        try:
            if not self.files.has_keypoints():
                self.files.write_keypoints(self._keypoints)
            keypoints = self.files.read_keypoints()
            size = self.journal.size + len(self.journal.torn)
            if self._state is None or keypoints != self._keypoints or size != self.journal.size_on_disk():
                self._keypoints = keypoints
                self._state = self._load()  # another process may have written since
            self.journal.open_for_writing()
        except BaseException:
            lease.release()
            raise
        lease.keep_beating()
        self._lease = lease

    def close(self) -> None:
        """Write the cache and give the lock back; labels stay readable."""
        if self._lease is None:
            return
        try:
            if self._since_cache:
                self._write_cache()
        finally:
            self.journal.close()
            self._lease.release()
            self._lease = None

    def change_keypoints(self, keypoints: KeypointSet) -> None:
        """Give the folder a changed set; labels of points that were renamed or retired stay.

        Raises
        ------
        StoreError, AppError
            S504, W908, as `lock`.
        """
        self.lock()
        self.files.write_keypoints(keypoints)
        self._keypoints = keypoints
        self._state = self._load()
        self._write_cache()

    def repair(self) -> int:
        """Set damaged lines of the journal apart; returns their number.

        Raises
        ------
        StoreError
            S504, if another process holds the folder.
        """
        lease = acquire_lock(
            self.folder / LOCK, self._fs, secrets.token_hex(8), now=self._now, alive=self._alive
        )
        try:
            self._load()
            stamp = self._now().astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
            n_lines = self.journal.repair(f"journal.{stamp}.damaged")
            self._state = self._load()
            self.journal.open_for_writing()
            self.journal.close()
        finally:
            lease.release()
        return n_lines

    def _write_cache(self) -> None:
        self._since_cache = 0
        self.files.write_cache(labels_to_dataset(self.state), self.journal.mark_of_end())

    def append(
        self, operations: Iterable[Operation], base: Mapping[FrameKey, int] | None = None
    ) -> list[Operation]:
        """Write operations; when this returns they are on the disk.

        Parameters
        ----------
        operations : iterable of Operation
            What to do; `rev` is set here.  One whose `id` was written before is not repeated.
        base : mapping of frame to int, optional
            Revisions of frames that the caller has seen.

        Returns
        -------
        list of Operation
            What was written, with revisions.

        Raises
        ------
        AppError
            W904, if a frame was changed since its revision in `base`; W908, if the journal is damaged.
        ParameterError, RecipeError
            P401, P403, if an operation is impossible.
        StoreError, SpaceError
            S504, S503, S501, as lock and disk refuse; nothing is written then.
        """
        self.lock()
        state = self.state
        state.check_base(base or {})
        fresh: list[Operation] = []
        ids: set[str] = set()
        for operation in operations:
            check_operation(operation, self._keypoints)
            if operation.id not in state.revisions and operation.id not in ids:
                ids.add(operation.id)
                fresh.append(operation._replace(rev=state.rev + len(fresh) + 1))
        if fresh and self._lease is not None:
            self._lease.check()
            self.journal.append([record_of(operation) for operation in fresh])
            for operation in fresh:
                state.apply(operation)
            self._since_cache += len(fresh)
            if self._since_cache >= max(CACHE_EVERY, state.rev // CACHE_SHARE):
                self._write_cache()
        return fresh

    def stamp(self) -> str:
        """Return the present time as the journal has it."""
        return self._now().astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def operation(
        self,
        key: FrameKey,
        frame: int,
        camera: str,
        *,
        op: str = "set",
        keypoint: str = "",
        individual: str = "face",
        after: Mark | Note | None = None,
        batch: str = "",
        who: str = "",
        origin: str = "hand",
        client: str = "python",
    ) -> Operation:
        """Make an operation on a frame as it is now; `before` is looked up."""
        before: Mark | Note | None = None
        if op == "set":
            before = self.state.mark(key, keypoint, individual)
        elif op == "note":
            labels = self.state.frames.get(key)
            before = Note("skip") if labels is not None and labels.skipped else None
        return Operation(
            0,
            op,
            secrets.token_hex(16),
            batch or secrets.token_hex(16),
            self.stamp(),
            who or user_name(),
            client,
            camera,
            key[0],
            key[1],
            frame,
            individual if op == "set" else "",
            keypoint,
            before,
            after,
            origin,
            None,
        )
