"""Rows that a frame-by-frame analysis spools, and the check of the state it is restored from."""

from collections.abc import Mapping

import numpy as np

from mystax.core.analysis import Pass, Spool
from mystax.core.typing import Float, Shaped
from mystax.errors import DamagedError, InternalError

__all__ = ["check_state", "open_rows", "read_columns"]

_BLOCK = 16_384


def open_rows(source: Pass, name: str, width: int) -> Spool:
    """Give the spool of the traces of an analysis.

    Parameters
    ----------
    source : Pass
        What the reducer is lent.
    name : str
        Name of the analysis.
    width : int
        Values per frame.

    Returns
    -------
    Spool
        Rows of float32 values.

    Raises
    ------
    InternalError
        B999, if there is none: only scratch rows may be refused.
    """
    rows = source.spool(name, width, "float32")
    if rows is None:
        raise InternalError("B999", name, "there is no room for the traces of the outcome")
    return rows


def read_columns(rows: Spool, n_frames: int, first: int, last: int) -> Float[np.ndarray, "time column"]:
    """Read some columns of all rows, block by block.

    Parameters
    ----------
    rows : Spool
        What was written.
    n_frames : int
        Length of the recording; frames that never came are NaN.
    first, last : int
        The columns first..last - 1.

    Returns
    -------
    array (time, column)
        The values.
    """
    columns = np.full((n_frames, last - first), np.nan, np.float32)
    for start in range(0, min(n_frames, rows.n_rows), _BLOCK):
        block = rows.read(start, min(start + _BLOCK, n_frames))
        columns[start : start + len(block)] = block[:, first:last]
    return columns


def check_state(
    analysis: str,
    state: Mapping[str, Shaped[np.ndarray, "..."]],
    own: Mapping[str, Shaped[np.ndarray, "..."]],
) -> None:
    """Check that a state has the names and shapes of the reducer's own.

    Parameters
    ----------
    analysis : str
        Name of the analysis, for the error.
    state : mapping
        What is to be restored.
    own : mapping
        The reducer's state now.

    Raises
    ------
    DamagedError
        S502, if it is the state of something else.
    """
    if set(state) != set(own) or any(state[name].shape != own[name].shape for name in own):
        raise DamagedError(
            "S502",
            f"checkpoint of {analysis!r}",
            "it belongs to other work",
            expected=", ".join(f"{name} {own[name].shape}" for name in own),
            got=", ".join(f"{name} {state[name].shape}" for name in state),
        )
