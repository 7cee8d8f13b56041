"""Every byte of files, read where they are: as a job of the queue, or here."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mystax.core.events import Event, Report
from mystax.core.safe_names import is_there
from mystax.engine.jobs import Job
from mystax.engine.roots import Roots
from mystax.io.digests import file_digest

__all__ = ["FileSum", "sum_files", "sum_of_file"]

SLOW_DISK = 5e6
"""Bytes that a disk reads in a second, at least: a longer silence is none [byte/s]."""

LEAST = 60.0
"""Silence that is always allowed [s]."""


@dataclass(frozen=True, slots=True)
class FileSum:
    """What reading every byte of a file gave.

    Attributes
    ----------
    path : str
        The file.
    digest : str
        sha256; "" if it could not be read.
    error : str
        What the disk said; "" if nothing.
    is_missing : bool
        Whether it is not there.
    """

    path: str
    digest: str = ""
    error: str = ""
    is_missing: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, from which `FileSum` makes the same."""
        return asdict(self)


def sum_of_file(path: Path) -> FileSum:
    """Read every byte of a file.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    FileSum
        Also where it cannot be read.
    """
    if not is_there(path):
        return FileSum(str(path), is_missing=True)
    try:
        return FileSum(str(path), file_digest(path))
    except OSError as error:
        return FileSum(str(path), error=error.strerror or str(error))


def sum_files(job: Job, report: Report, gate: Callable[[str], None] | None) -> None:  # noqa: ARG001 - nothing is published
    """Read every byte of the files of a job, and tell the sums as one event of kind ``result``.

    Parameters
    ----------
    job : Job
        Its arguments are ``roots`` (as rows), ``videos`` (row, root, path below it) and ``outcomes`` (row and
        path).
    report : callable
        Takes events; `Cancelled` raised by it stops the work between two files.
    gate : callable, optional
        Not used.

    Raises
    ------
    CatalogError
        Q606, if a root is not there on this host.
    """
    asked = job.arguments
    roots = Roots.of_rows(asked["roots"])
    files = [(row, roots.resolve(root, below), True) for row, root, below in asked["videos"]]
    files += [(row, Path(path), False) for row, path in asked["outcomes"]]
    videos: dict[str, Any] = {}
    outcomes: dict[str, Any] = {}
    for number, (row, path, is_video) in enumerate(files):
        size = path.stat().st_size if is_there(path) else 0
        data: dict[str, object] = {"stall": LEAST + size / SLOW_DISK, "unit": "files"}
        report(Event("progress", "hashing", number, len(files), data=data))
        (videos if is_video else outcomes)[str(row)] = sum_of_file(path).as_dict()
    found: dict[str, object] = {"videos": videos, "outcomes": outcomes}
    report(Event("result", "hashing", len(files), len(files), data=found))
