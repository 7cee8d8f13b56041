"""What this machine offers to one run: cores, memory, a place for scratch files."""

import os
import tempfile
from collections.abc import Callable
from numbers import Integral
from pathlib import Path

from mystax.core.safe_names import as_path
from mystax.errors import ParameterError, RecipeError

__all__ = ["available_cores", "check_cores", "memory_limit", "scratch_folder"]

SHARE = 0.75
"""Share of the machine's memory that a run may take."""

SCRATCH_SHARE = 0.25
"""Share of the free space that scratch files may take."""

NOT_LOCAL = frozenset(
    {"nfs", "nfs4", "cifs", "smb", "smb2", "smb3", "smbfs", "afs", "lustre", "gpfs", "beegfs", "ceph", "9p"}
    | {"glusterfs", "fuse.sshfs", "fuse.glusterfs", "afpfs", "webdav", "davfs"}
)
IN_MEMORY = frozenset({"tmpfs", "ramfs"})


def _cgroup_cores() -> int | None:
    """Return the quota of the control group in whole cores, if there is one."""
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text("ascii").split()
    except (OSError, ValueError):
        return None
    return None if quota == "max" else max(1, int(quota) // int(period))


def _check_whole(name: str, value: object, unit: str = "") -> None:
    if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
        raise ParameterError(
            "P401", f"parameter {name!r}", expected=f"{name} >= 1{unit}", got=repr(value)[:80]
        )


def check_cores(cores: object) -> None:
    """Refuse what is no number of threads.

    Raises
    ------
    ParameterError
        P401, if it is no whole number, or below 1.
    """
    _check_whole("cores", cores)


def available_cores(limit: int | None = None) -> int:
    """Return the number of threads that a run may use.

    Parameters
    ----------
    limit : int, optional
        What the user allows.

    Returns
    -------
    int
        The least of affinity, quota, ``SLURM_CPUS_PER_TASK`` and the limit; at least 1.

    Raises
    ------
    ParameterError
        P401, if the limit is no whole number, or below 1.
    """
    if limit is not None:
        check_cores(limit)
    found = [len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1]
    quota = _cgroup_cores()
    slurm = os.environ.get("SLURM_CPUS_PER_TASK", "")
    found += [quota] if quota is not None else []
    found += [int(slurm)] if slurm.isdecimal() and int(slurm) > 0 else []
    found += [limit] if limit is not None else []
    return max(1, min(found))


def memory_limit(limit: int | None = None) -> int:
    """Return how many bytes of memory a run may take.

    Parameters
    ----------
    limit : int, optional
        What the user allows [MiB].

    Returns
    -------
    int
        The limit, by default 75 % of the machine (or of the control group) [bytes].

    Raises
    ------
    ParameterError
        P401, if the limit is no whole number, or below 1.
    """
    if limit is not None:
        _check_whole("memory", limit, " [MiB]")
        return limit << 20
    import psutil

    total = int(psutil.virtual_memory().total)
    try:
        text = Path("/sys/fs/cgroup/memory.max").read_text("ascii").strip()
    except OSError:
        text = "max"
    if text.isdecimal():
        total = min(total, int(text))
    return int(SHARE * total)


def kind_of_disk(folder: Path) -> str:
    """Return the kind of the file system that holds a folder, "" if unknown."""
    import psutil

    best, kind = "", ""
    for partition in psutil.disk_partitions(all=True):
        place = partition.mountpoint
        inside = str(folder) == place or str(folder).startswith(place.rstrip("/") + "/")
        if inside and len(place) >= len(best):
            best, kind = place, partition.fstype.lower()
    return kind


def scratch_folder(scratch: str, work: Path, *, kind_of: Callable[[Path], str] = kind_of_disk) -> Path | None:
    """Return where scratch files may go.

    Parameters
    ----------
    scratch : str
        ``"auto"``, ``"none"``, or a folder.
    work : Path
        The work folder of the run.
    kind_of : callable, optional
        Folder to the kind of its file system.

    Returns
    -------
    Path or None
        For ``"auto"``: ``MYSTAX_SCRATCH``, else the temporary folder if it is a local disk, else the work
        folder if that is local.  None means that the video is decoded again instead.

    Raises
    ------
    RecipeError
        P403, if the named folder does not exist.
    ParameterError
        P401, if it is no path.
    """
    if scratch == "none":
        return None
    if scratch != "auto":
        folder = as_path(scratch, "scratch")
        if not folder.is_dir():
            raise RecipeError(
                "P403", f"scratch {scratch!r}", expected="auto, none or a folder", got="no such folder"
            )
        return folder
    named = os.environ.get("MYSTAX_SCRATCH")
    if named and Path(named).is_dir():
        return Path(named)
    temporary = Path(tempfile.gettempdir()).resolve()
    if kind_of(temporary) not in NOT_LOCAL | IN_MEMORY:
        return temporary
    return work if kind_of(work.resolve()) not in NOT_LOCAL else None
