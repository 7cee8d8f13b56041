"""Corners that an unfinished calibration has found so far, so that the next one goes on from there."""

import io
import time
from pathlib import Path

import h5py
import numpy as np

from mystax.core.typing import Float64
from mystax.io.fingerprint import quick_id
from mystax.io.store import Store

__all__ = ["CornerMemo"]

EVERY = 5.0
"""Seconds between two writings."""
MARK = "mystax_corner_memo"


class CornerMemo:
    """Corners by the picture that they were found in: its content, its number, and what was looked for.

    Parameters
    ----------
    path : Path or None
        The file, ``<rig>.corners.nc.part``; None keeps nothing.  One that cannot be read counts as empty.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.n_known = 0
        self._found: dict[str, Float64[np.ndarray, "corner 2"]] = {}
        self._ids: dict[Path, str] = {}
        self._written = time.monotonic()
        self._is_new = False
        if path is not None and path.is_file():
            self._read(path)

    def _read(self, path: Path) -> None:
        try:
            with h5py.File(path, "r", locking=False) as file:
                if MARK not in file.attrs:
                    return
                keys = [bytes(key).decode("ascii") for key in file["key"][...]]
                corners = np.asarray(file["corners"][...], np.float64)
        except (OSError, KeyError, ValueError, TypeError, RuntimeError):
            return  # what is broken is looked for again
        if corners.ndim == 3 and len(corners) == len(keys) and corners.shape[2] == 2:
            self._found = dict(zip(keys, corners, strict=True))
            self.n_known = len(keys)

    def key(self, source: Path, index: int, sought: str) -> str:
        """Name a picture: file by its content, number of the frame, and the board as it is looked for."""
        if self.path is None:
            return ""
        if source not in self._ids:
            self._ids[source] = quick_id(source)
        return f"{self._ids[source]}|{index}|{sought}"

    def get(self, key: str) -> Float64[np.ndarray, "corner 2"] | None:
        """Return the corners of a picture that was looked at before (NaN where not seen); else None."""
        found = self._found.get(key)
        return None if found is None else found.copy()

    def put(self, key: str, corners: Float64[np.ndarray, "corner 2"]) -> None:
        """Keep the corners of a picture; every few seconds all are written."""
        if self.path is None:
            return
        if any(len(other) != len(corners) for other in list(self._found.values())[:1]):
            self._found.clear()  # of another board
        self._found[key] = np.array(corners, np.float64)
        self._is_new = True
        if time.monotonic() - self._written > EVERY:
            self.write()

    def write(self) -> None:
        """Write what is new.

        Raises
        ------
        SpaceError, StoreError
            S501, S503, as the disk refuses.
        """
        if self.path is None or not self._is_new:
            return
        buffer = io.BytesIO()
        with h5py.File(buffer, "w") as file:
            file.attrs[MARK] = 1
            file["key"] = np.array([key.encode("ascii") for key in self._found])
            file["corners"] = np.stack(list(self._found.values()))
        Store(self.path.parent).write_bytes(self.path.name, buffer.getvalue())
        self._written, self._is_new = time.monotonic(), False
