"""What dead executions left behind in a folder of outcomes."""

import re
from collections.abc import Callable
from pathlib import Path

from mystax.io.locks import LockRecord, is_alive, is_dead, read_lock
from mystax.io.store_fs import FileSystem

__all__ = ["strays"]

TOKEN = re.compile(r"\.([0-9a-f]{16})\.")
"""The token of an execution in the name of a part file."""


def strays(
    folder: Path, fs: FileSystem, *, alive: Callable[[LockRecord], bool | None] = is_alive
) -> list[Path]:
    """List part files and locks without a living owner, and spools without a checkpoint.

    Parameters
    ----------
    folder : Path
        Folder of outcomes.
    fs : FileSystem
        Where it lies.
    alive : callable, optional
        Whether the process of a lock runs.

    Returns
    -------
    list of Path
        Files; sorted.
    """
    hidden = folder / ".mystax"
    locks = [*hidden.glob("work/*/lock"), *folder.glob(".*.nc.lock")]
    dead = {lock for lock in locks if is_dead(lock, fs, alive=alive)}
    living = {record.token for lock in locks if lock not in dead and (record := read_lock(lock))}
    found = set(dead)
    for place in (folder, folder / "figures", hidden, *hidden.glob("*")):
        for part in place.glob(".*.part"):
            token = TOKEN.search(part.name)
            if token is None or token[1] not in living:
                found.add(part)
    for work in hidden.glob("work/*"):
        if (work / "lock").exists() and work / "lock" not in dead:
            continue
        found |= set(work.glob(".*.part"))
        if not any(work.glob("checkpoint-*.npz")):
            found |= set(work.glob("*.spool"))
    return sorted(found)
