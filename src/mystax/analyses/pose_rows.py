"""What the tracker says about each frame, as rows of a spool, and columns of them as variables."""

from collections.abc import Sequence

import numpy as np

from mystax.core.analysis import Spool
from mystax.core.typing import Float32, Shaped

__all__ = ["PER_POINT", "SMOOTHED", "Columns", "SmoothedColumns", "columns_of"]

PER_POINT = ("x", "y", "xx", "xy", "yy", "confidence", "visibility", "residual", "clipped", "spread")
"""Per frame and point: place, covariance, how sure it is, how unlike a face, spread of an ensemble."""

SMOOTHED = ("x", "y", "xx", "xy", "yy")
"""Per frame of one point, after smoothing: place and posterior covariance."""


def columns_of(n_points: int, *names: str) -> list[int]:
    """Return where some values of all points stand in a row, name by name."""
    return [PER_POINT.index(name) * n_points + k for name in names for k in range(n_points)]


class Columns:
    """Some columns of a spool, read when they are asked for; frames that never came are NaN.

    Parameters
    ----------
    rows : Spool
        Rows of ``len(PER_POINT) * n_points`` values.
    chosen : list of int
        The columns.
    """

    def __init__(self, rows: Spool, chosen: list[int]) -> None:
        self._rows, self._chosen = rows, chosen

    def read(self, start: int, stop: int) -> Float32[np.ndarray, "n width"]:
        """Return the chosen values of frames start..stop."""
        found = np.full((stop - start, len(self._chosen)), np.nan, np.float32)
        block: Shaped[np.ndarray, "n width"] = self._rows.read(start, min(stop, self._rows.n_rows))
        found[: len(block)] = block[:, self._chosen]
        return found


class SmoothedColumns:
    """Some columns of the smoothed rows of all points, read when they are asked for.

    Parameters
    ----------
    rows : sequence of Spool
        For each point, rows of ``len(SMOOTHED)`` values.
    names : str
        Which of them.
    """

    def __init__(self, rows: Sequence[Spool], *names: str) -> None:
        self._rows, self._chosen = rows, [SMOOTHED.index(name) for name in names]

    def read(self, start: int, stop: int) -> Float32[np.ndarray, "n width"]:
        """Return the chosen values of frames start..stop: name by name, in the order of the points."""
        blocks = [rows.read(start, stop)[:, self._chosen] for rows in self._rows]
        return np.stack(blocks, axis=2).reshape(stop - start, -1).astype(np.float32, copy=False)
