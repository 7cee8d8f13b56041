"""Spools: append-only files of raw little-endian rows, so that long outputs never stay in memory."""

import threading
from pathlib import Path
from typing import Any

import numpy as np

from mystax.core.typing import Shaped
from mystax.errors import StoreError
from mystax.io.store_fs import FileSystem, refusals

__all__ = ["SpoolFile"]


class SpoolFile:
    """Rows on disk (implements `mystax.core.analysis.Spool`).

    Parameters
    ----------
    path : Path
        The file; an existing one is continued.
    width : int
        Values per row.
    dtype : str
        NumPy name of the type.
    fs : FileSystem
        Where it lies.

    Raises
    ------
    StoreError
        S503, if the file cannot be opened.
    """

    def __init__(self, path: Path, width: int, dtype: str, fs: FileSystem) -> None:
        self.path, self._width, self._fs = path, width, fs
        self._dtype = np.dtype(dtype).newbyteorder("<")
        self._lock = threading.Lock()
        with refusals(path):
            self._file = fs.reopen(path) if path.exists() else fs.create(path)
            size = self._file.seek(0, 2)
            self._n_rows = size // self.row_bytes if self.row_bytes else 0
            if size != self._n_rows * self.row_bytes:
                self._file.truncate(self._n_rows * self.row_bytes)

    @property
    def n_rows(self) -> int:
        """Number of rows written."""
        return self._n_rows

    @property
    def width(self) -> int:
        """Values per row."""
        return self._width

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of a value, little-endian."""
        return self._dtype

    @property
    def row_bytes(self) -> int:
        """Bytes per row."""
        return self._width * self._dtype.itemsize

    def append(self, rows: Shaped[np.ndarray, "n width"]) -> None:
        """Add rows at the end; after an error of the disk the spool holds what it held before.

        Raises
        ------
        SpaceError
            S501, if there is no space left.
        StoreError
            S503, for other errors of the disk.
        """
        if rows.ndim != 2 or rows.shape[1] != self._width:
            raise ValueError(f"spool rows have {self._width} values, got an array of shape {rows.shape}")
        data = np.ascontiguousarray(rows, self._dtype)
        with self._lock, refusals(self.path):
            end = self._n_rows * self.row_bytes
            try:
                self._file.seek(end)
                self._file.write(data.reshape(-1).view(np.uint8).data)
            except OSError:
                self._file.truncate(end)
                raise
            self._n_rows += len(data)

    def read(self, start: int, stop: int) -> Shaped[np.ndarray, "n width"]:
        """Return rows start..stop.

        Raises
        ------
        StoreError
            S503, if the file holds fewer rows than were written.
        """
        start, stop, _ = slice(start, stop).indices(self._n_rows)
        rows = np.empty((max(0, stop - start), self._width), self._dtype)
        rest = rows.reshape(-1).view(np.uint8).data
        with self._lock, refusals(self.path):
            self._file.seek(start * self.row_bytes)
            while len(rest):
                n = self._file.readinto(rest)
                if not n:
                    raise StoreError("S503", str(self.path), "the spool lost rows", hint="run again")
                rest = rest[n:]
        return rows

    def cut(self, n_rows: int) -> None:
        """Forget all rows from `n_rows` on."""
        with self._lock, refusals(self.path):
            self._file.truncate(n_rows * self.row_bytes)
            self._n_rows = min(self._n_rows, n_rows)

    def sync(self) -> None:
        """Return when all rows lie on the disk."""
        with self._lock, refusals(self.path):
            self._fs.sync(self._file)

    def close(self) -> None:
        """Close the file; it can be read no more."""
        self._file.close()
