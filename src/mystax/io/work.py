"""The folder of one unfinished pass: its lock, its spools and its checkpoints."""

import contextlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import TracebackType

import numpy as np

from mystax.core.safe_names import safe_name
from mystax.io.checkpoints import Checkpoint, Checkpoints
from mystax.io.locks import Lease
from mystax.io.spools import SpoolFile
from mystax.io.store_fs import FileSystem, refusals

__all__ = ["Work"]


class Work:
    """One unfinished pass, held by this process (made by `mystax.io.store.Store.work`).

    Use it as a context: on leaving, files are closed and the lock is given back; checkpoints and spools
    stay for the next run unless `remove` was called.

    Parameters
    ----------
    folder : Path
        ``.mystax/work/<key12>``.
    keys : iterable of str
        Keys of the outcomes in the making.
    lease : Lease
        The lock, held.
    fs : FileSystem
        Where the folder lies.
    on_close : callable, optional
        Told the lock when it is given back.
    """

    def __init__(
        self,
        folder: Path,
        keys: Iterable[str],
        lease: Lease,
        fs: FileSystem,
        on_close: Callable[[Lease], None] | None = None,
    ) -> None:
        self.folder, self.lease, self._fs, self._on_close = folder, lease, fs, on_close
        self._checkpoints = Checkpoints(folder, keys, fs)
        self._spools: dict[str, SpoolFile] = {}
        self._resumed: set[str] = set()

    def __enter__(self) -> "Work":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def restore(self) -> Checkpoint | None:
        """Go back to the last good checkpoint, before any spool is asked for.

        Spools are cut back to its rows; what it does not know is removed.

        Returns
        -------
        Checkpoint or None
            The state to restore; None to start at the beginning.

        Raises
        ------
        StoreError
            S503, if files cannot be changed.
        """
        checkpoint = self._checkpoints.load()
        rows = checkpoint.spool_rows if checkpoint else {}
        with refusals(self.folder):
            for path in self.folder.glob("*.spool"):
                if path.stem not in rows:
                    self._fs.remove(path)
                    continue
                n_rows, row_bytes = rows[path.stem]
                with self._fs.reopen(path) as file:
                    file.truncate(n_rows * row_bytes)
        if checkpoint is None:
            self._checkpoints.clear()
        self._resumed = set(rows)
        return checkpoint

    def spool(self, name: str, width: int, dtype: str) -> SpoolFile:
        """Open a spool: with the rows of the restored checkpoint, else empty.

        Parameters
        ----------
        name : str
            ``<analysis>.<variable>``; several cameras add theirs.
        width : int
            Values per row.
        dtype : str
            NumPy name of the type.

        Raises
        ------
        StoreError
            S503, if it cannot be opened.
        """
        stem = safe_name(name)
        if stem not in self._spools:
            path = self.folder / f"{stem}.spool"
            if stem not in self._resumed:
                with refusals(path):
                    self._fs.remove(path)
            self._spools[stem] = SpoolFile(path, width, dtype, self._fs)
        return self._spools[stem]

    def save(self, arrays: Mapping[str, np.ndarray], frame: int) -> Path:
        """Write a checkpoint: spools to the disk first, then the arrays.

        Parameters
        ----------
        arrays : mapping
            ``<analysis>/<state name>`` to array.
        frame : int
            Frames done.

        Returns
        -------
        Path
            The checkpoint.

        Raises
        ------
        SpaceError
            S501, if there is no space left.
        StoreError
            S503, for other errors of the disk; S504, if another process took the work over.
        """
        self.lease.check()
        rows = {}
        for name, spool in self._spools.items():
            spool.sync()
            rows[name] = (spool.n_rows, spool.row_bytes)
        return self._checkpoints.save(Checkpoint(frame, arrays, rows))

    def remove(self) -> None:
        """Remove everything: the outcomes are published."""
        self._close_spools()
        with refusals(self.folder):
            for path in self.folder.iterdir():
                if path != self.lease.path:
                    self._fs.remove(path)

    def close(self) -> None:
        """Close all files and give the lock back; an empty folder goes."""
        self._close_spools()
        if self._on_close is not None:
            self._on_close(self.lease)
        self._on_close = None
        with contextlib.suppress(OSError):  # a lock that cannot be removed dies with this process
            self.lease.release()
        self._fs.remove_folder(self.folder)

    def _close_spools(self) -> None:
        for spool in self._spools.values():
            spool.close()
        self._spools.clear()
