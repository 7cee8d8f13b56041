"""Scratch files: large row files that are no part of an outcome and may lie on another disk."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.core.analysis import Spool
from mystax.engine.machine import SCRATCH_SHARE, scratch_folder

if TYPE_CHECKING:
    from mystax.io.store_fs import FileSystem
else:
    FileSystem = Any

__all__ = ["Scratch", "scratch_room"]


class Scratch:
    """The scratch files of one pass.

    Parameters
    ----------
    folder : Path or None
        Where they go; None where there is no place for them.
    mark : str
        Start of their names: of this pass in this folder alone, so that no other run opens them.
    fs : FileSystem, optional
        Where the folder lies.
    """

    def __init__(self, folder: Path | None, mark: str, fs: FileSystem | None = None) -> None:
        from mystax.io.store_fs import LocalFs

        self._folder, self._mark, self._fs = folder, mark, fs or LocalFs()
        self._spools: dict[str, Any] = {}
        self._refused: set[str] = set()
        self._kept: dict[str, int] | None = None

    def path(self, name: str) -> Path:
        """Return the place of a scratch file."""
        if self._folder is None:
            raise ValueError("there is no folder for scratch files")
        slug = re.sub(r"[^A-Za-z0-9_.-]", "_", name)
        return self._folder / f"mystax-{self._mark}-{slug}.spool"

    def spool(self, name: str, width: int, dtype: str, n_rows: int) -> Spool | None:
        """Give a scratch file for up to `n_rows` rows; None where there is no room.

        After a restart the answer is what it was before: room does not change what a reducer does.
        """
        from mystax.io.spools import SpoolFile

        if self._kept is not None:
            granted = name in self._kept
        else:
            granted = self._has_room(width * np.dtype(dtype).itemsize * n_rows)
        if not granted or self._folder is None:
            self._refused.add(name)
            return None
        path = self.path(name)
        if self._kept is None:
            self._fs.remove(path)
        self._spools[name] = SpoolFile(path, width, dtype, self._fs)
        if self._kept is not None:
            self._spools[name].cut(self._kept[name])
        spool: Spool = self._spools[name]
        return spool

    def _has_room(self, n_bytes: int) -> bool:
        return self._folder is not None and n_bytes <= SCRATCH_SHARE * self._fs.free(self._folder)

    def state(self) -> dict[str, np.ndarray]:
        """Return rows and bytes per row of every file, for a checkpoint; they lie on the disk then."""
        arrays = {"scratch/none": np.array(sorted(self._refused), np.str_)}
        for name, spool in self._spools.items():
            spool.sync()
            arrays[f"scratch/rows/{name}"] = np.array([spool.n_rows, spool.row_bytes], np.int64)
        return arrays

    def restore(self, arrays: Mapping[str, np.ndarray]) -> bool:
        """Take the rows of a checkpoint; False if a file has been lost, so that work must start again."""
        head = "scratch/rows/"
        kept = {name[len(head) :]: value for name, value in arrays.items() if name.startswith(head)}
        for name, (rows, row_bytes) in kept.items():
            path = self.path(name) if self._folder is not None else None
            if path is None or not path.is_file() or path.stat().st_size < int(rows) * int(row_bytes):
                return False
        self._kept = {name: int(value[0]) for name, value in kept.items()}
        return True

    def close(self) -> None:
        """Close all files; they stay for the next run."""
        for spool in self._spools.values():
            spool.close()

    def remove_all(self) -> None:
        """Remove all files of the pass, those of earlier attempts too."""
        self.close()
        self._spools.clear()
        if self._folder is not None:
            for path in self._folder.glob(f"mystax-{self._mark}-*.spool"):
                self._fs.remove(path)


def scratch_room(scratch: str, work: Path) -> int:
    """Return the room for one scratch file of a run.

    Parameters
    ----------
    scratch : str
        As for `mystax.engine.machine.scratch_folder`.
    work : Path
        Folder of the outcomes; it need not be there yet.

    Returns
    -------
    int
        Bytes: a quarter of what is free; 0 where scratch files have no place.
    """
    from mystax.io.store_fs import LocalFs

    folder = scratch_folder(scratch, work)
    if folder is None:
        return 0
    there = next(place for place in (folder, *folder.absolute().parents) if place.is_dir())
    return int(SCRATCH_SHARE * LocalFs().free(there))
