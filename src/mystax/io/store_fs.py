"""The few things that the store asks of a file system, in one place so that tests can make them fail."""

import contextlib
import errno
import io
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from mystax.errors import MystaxError, SpaceError, StoreError

__all__ = ["FileSystem", "LocalFs", "WholeFile", "can_not_link", "refusals"]

NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
NO_LINKS = frozenset(
    {errno.EPERM, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EMLINK, errno.EXDEV, errno.EINVAL}
)
NO_FOLDER_SYNC = frozenset(
    {errno.EINVAL, errno.EBADF, errno.EACCES, errno.EISDIR, errno.ENOTSUP, errno.ENOSYS}
)
REPLACE_TRIES, REPLACE_SECONDS = 10, 5.0


class WholeFile(io.FileIO):
    """A file without a buffer whose `write` takes all bytes or raises."""

    def write(self, data: Any) -> int:
        """Write all bytes (the system may take fewer at a time)."""
        rest = memoryview(data).cast("B")
        size = len(rest)
        while len(rest):
            rest = rest[super().write(rest) or 0 :]
        return size


@runtime_checkable
class FileSystem(Protocol):
    """Everything that changes the disk, and the two facts that only the disk knows."""

    def create(self, path: Path) -> WholeFile:
        """Make a new file, open for reading and writing without a buffer; refuse an existing one."""
        ...

    def reopen(self, path: Path) -> WholeFile:
        """Open an existing file for reading and writing without a buffer."""
        ...

    def sync(self, file: WholeFile) -> None:
        """Return when the bytes of an open file lie on the disk."""
        ...

    def sync_folder(self, folder: Path) -> None:
        """Return when the names in a folder lie on the disk."""
        ...

    def link(self, source: Path, target: Path) -> None:
        """Give a file a second name; refuse an existing one (`FileExistsError`)."""
        ...

    def replace(self, source: Path, target: Path) -> None:
        """Rename a file in one step, over whatever has the name."""
        ...

    def remove(self, path: Path) -> None:
        """Remove a file; a missing one is no error."""
        ...

    def make_folder(self, folder: Path) -> None:
        """Make a folder and those above it."""
        ...

    def remove_folder(self, folder: Path) -> None:
        """Remove an empty folder; one that is not empty stays."""
        ...

    def free(self, folder: Path) -> int:
        """Return the bytes that this user may still write."""
        ...

    def clock(self, folder: Path) -> float:
        """Return the time by the clock that stamps the files of a folder [s]."""
        ...


class LocalFs:
    """The file system as Python gives it; folders on network disks too."""

    def create(self, path: Path) -> WholeFile:
        """Make a new file, open for reading and writing without a buffer."""
        return WholeFile(path, "x+b")

    def reopen(self, path: Path) -> WholeFile:
        """Open an existing file for reading and writing without a buffer."""
        return WholeFile(path, "r+b")

    def sync(self, file: WholeFile) -> None:
        """Return when the bytes of an open file lie on the disk (macOS: past the disk's own cache)."""
        file.flush()
        if sys.platform == "darwin":
            import fcntl

            with contextlib.suppress(OSError):  # network disks do not know the full form
                fcntl.fcntl(file.fileno(), fcntl.F_FULLFSYNC)
                return
        os.fsync(file.fileno())

    def sync_folder(self, folder: Path) -> None:
        """Return when the names in a folder lie on the disk; where a system has no such call, do nothing."""
        if os.name == "nt":
            return
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        except OSError as error:
            if error.errno not in NO_FOLDER_SYNC:
                raise
        finally:
            os.close(handle)

    def link(self, source: Path, target: Path) -> None:
        """Give a file a second name; refuse an existing one."""
        target.hardlink_to(source)

    def replace(self, source: Path, target: Path) -> None:
        """Rename a file in one step; Windows refuses while a reader has it open, so it is tried for 5 s."""
        for left in range(REPLACE_TRIES - 1, -1, -1):
            try:
                source.replace(target)
            except PermissionError as error:
                if os.name != "nt":
                    raise
                if not left:
                    raise StoreError(
                        "S504",
                        str(target),
                        "another program has the file open",
                        hint="close it and run again",
                    ) from error
                time.sleep(REPLACE_SECONDS / REPLACE_TRIES)
            else:
                return

    def remove(self, path: Path) -> None:
        """Remove a file; a missing one is no error."""
        path.unlink(missing_ok=True)

    def make_folder(self, folder: Path) -> None:
        """Make a folder and those above it; their names lie on the disk then."""
        if folder.is_dir():
            return
        self.make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        self.sync_folder(folder.parent)

    def remove_folder(self, folder: Path) -> None:
        """Remove an empty folder; one that is not empty stays."""
        with contextlib.suppress(OSError):
            folder.rmdir()

    def free(self, folder: Path) -> int:
        """Return the bytes that this user may still write."""
        return shutil.disk_usage(folder).free

    def clock(self, folder: Path) -> float:
        """Return the time by the clock that stamps the files of a folder (that of its server) [s]."""
        try:
            with tempfile.NamedTemporaryFile(dir=folder, prefix=".clock-") as probe:
                return os.fstat(probe.fileno()).st_mtime
        except OSError:
            return time.time()


def can_not_link(error: OSError) -> bool:
    """Tell whether an error of `link` means that the file system has no hard links."""
    return not isinstance(error, FileExistsError | FileNotFoundError) and error.errno in NO_LINKS


OTHER_FOLDER = "choose another folder with --out, or mend the rights of this one"


@contextlib.contextmanager
def refusals(where: Path, hint: str = OTHER_FOLDER) -> Iterator[None]:
    """Turn errors of the disk into S501 (no space) and S503 (a write that the file system refuses).

    Parameters
    ----------
    where : Path
        What is written.
    hint : str, optional
        What to do about a refusal, where no option `--out` names the folder.

    Raises
    ------
    SpaceError
        S501, if there is no space, no quota, or the file would be too large.
    StoreError
        S503, for every other refusal.
    """
    try:
        yield
    except MystaxError:
        raise
    except OSError as error:
        if error.errno in NO_SPACE:
            raise SpaceError(
                "S501",
                str(where),
                "no space left",
                got=error.strerror or str(error),
                hint="free some space and run again: the work goes on from the last checkpoint",
            ) from error
        raise StoreError(
            "S503",
            str(where),
            "the file system refuses to write",
            got=error.strerror or str(error),
            hint=hint,
        ) from error
