"""What the readers need of FFmpeg's library for one file, and what its errors mean.

Objects of FFmpeg's library come from `mystax.io.video`; this module does not import it.
"""

import contextlib
import errno
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mystax.errors import VideoError

__all__ = ["Library", "Opened", "is_evidence", "is_readable", "read_failure"]

ERROR_LEVEL = 16
DISK_ERRORS = (errno.EIO, errno.ESTALE, errno.ENODEV, errno.ENXIO, errno.EREMOTEIO)
LOSSES = ("Frame num gap",)
"""Starts of lines that tell of a lost packet, although FFmpeg only writes them for developers."""


@dataclass(frozen=True, eq=False)
class Opened:
    """A file opened for reading: FFmpeg's container, stream and decoder."""

    container: Any
    stream: Any
    context: Any
    threads: int = 1

    def close(self) -> None:
        """Let go of the file."""
        if self.threads > 1 and self.context.is_open:
            # Freeing a decoder waits for its threads while Python's lock is held; a thread that logs a line
            # at that moment waits for the lock: both would wait for ever.  Flushing waits without the lock.
            self.context.flush_buffers()
        self.container.close()


@dataclass(frozen=True, eq=False)
class Library:
    """What the decode loop needs of FFmpeg's library for one file.

    Attributes
    ----------
    where : str
        The file, for errors.
    open : callable
        Opens the file with a number of decoder threads.
    count_errors : callable
        Number of error lines that FFmpeg wrote in this process so far.
    listen : callable
        Context that collects the lines (level, source, text) of this thread; with True also those that
        FFmpeg writes for developers.
    failure : type
        Base class of the library's exceptions.
    twin : callable
        Copies a packet.
    count_samples : callable
        Number of entries in the file's table of samples, whatever an edit list makes of them.
    """

    where: str
    open: Callable[[int], Opened]
    count_errors: Callable[[], int]
    listen: Callable[[bool], contextlib.AbstractContextManager[list[Any]]]
    failure: type[Exception]
    twin: Callable[[Any], Any]
    count_samples: Callable[[], int]


def read_failure(error: Exception, where: str) -> VideoError | None:
    """Return the refusal V131 if an exception of the library speaks of the disk, else None."""
    if isinstance(error, OSError) and error.errno in DISK_ERRORS:
        return VideoError(
            "V131", where, "the disk could not be read", got=str(error), hint="check the disk or the mount"
        )
    return None


def is_readable(path: Path) -> bool:
    """Read a file to its end, to see whether the disk is sound."""
    try:
        with path.open("rb") as file:
            while file.read(1 << 22):
                pass
    except OSError:
        return False
    return True


def is_evidence(line: tuple[int, str, str]) -> bool:
    """Tell whether a line of FFmpeg's log is evidence of damage."""
    return line[0] <= ERROR_LEVEL or line[2].startswith(LOSSES)
