"""A folder of rendered crops with their truth, in parts that are read through memory maps."""

import os
from pathlib import Path

import numpy as np

from mystax.core.typing import Float32, UInt8

__all__ = ["ImagePool", "write_part"]

_KINDS = ("image", "xy", "state")


def write_part(
    folder: Path,
    number: int,
    image: UInt8[np.ndarray, "n y x"],
    xy: Float32[np.ndarray, "n keypoint space"],
    state: UInt8[np.ndarray, "n keypoint"],
) -> None:
    """Write one part of a pool; a reader never sees half of it.

    Parameters
    ----------
    folder : Path
        The pool.
    number : int
        Number of the part.
    image : array (n, y, x)
        Square crops.
    xy : array (n, keypoint, space)
        Points [px].
    state : array (n, keypoint)
        0 absent, 1 invisible, 2 placed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for kind, values in zip(
        ("xy", "state", "image"), (xy, state, image), strict=True
    ):  # image last: it counts
        part = folder / f"{number:05d}.{kind}.{os.getpid()}.part"
        with part.open("wb") as file:
            np.save(file, values, allow_pickle=False)
        part.replace(folder / f"{number:05d}.{kind}.npy")


class ImagePool:
    """All parts of a folder as one list of crops.

    Parameters
    ----------
    folder : Path
        Written by `write_part`.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.numbers: list[int] = []
        self._parts: list[tuple[np.ndarray, ...]] = []
        self._ends = np.zeros(0, np.int64)
        self.refresh()

    def __len__(self) -> int:
        return int(self._ends[-1]) if len(self._ends) else 0

    def refresh(self) -> int:
        """Look for new parts; return the number of crops."""
        found = sorted(int(path.name.split(".")[0]) for path in self.folder.glob("*.image.npy"))
        for number in found:
            if number not in self.numbers:
                self.numbers.append(number)
                self._parts.append(
                    tuple(
                        np.load(self.folder / f"{number:05d}.{kind}.npy", mmap_mode="r", allow_pickle=False)
                        for kind in _KINDS
                    )
                )
        self._ends = np.cumsum([len(part[2]) for part in self._parts])
        return len(self)

    def read(
        self, index: np.ndarray
    ) -> tuple[
        UInt8[np.ndarray, "n y x"], Float32[np.ndarray, "n keypoint space"], UInt8[np.ndarray, "n keypoint"]
    ]:
        """Read crops, points and states by their place in the pool."""
        part = np.searchsorted(self._ends, index, side="right")
        row = index - (self._ends[part] - np.array([len(self._parts[p][2]) for p in part], np.int64))
        rows = [[self._parts[p][kind][r] for p, r in zip(part, row, strict=True)] for kind in range(3)]
        return np.stack(rows[0]), np.stack(rows[1]), np.stack(rows[2])
