"""The state of an unfinished training on disk: one file that is replaced whole."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from mystax.core.extras import require
from mystax.io.weights import MOST_BYTES
from mystax.io.whole_files import write_whole

__all__ = ["read_state", "state_path", "write_state"]

VERSION = "1"
KIND = "mystax_training"


def state_path(folder: Path, name: str) -> Path:
    """Return where the state of the training of weights lies while it is not finished.

    Examples
    --------
    >>> state_path(Path("w"), "mine").name
    '.mine.unfinished.safetensors'
    """
    return folder / f".{name}.unfinished.safetensors"


def write_state(path: Path, tensors: Mapping[str, np.ndarray], notes: Mapping[str, str]) -> None:
    """Write a state; the one before it stays until the new one is whole.

    Parameters
    ----------
    path : Path
        Where to; its folder is made if needed.
    tensors : mapping of str to array
        Numbers.
    notes : mapping of str to str
        Words beside them.

    Raises
    ------
    ExtraMissing
        X001, if the extra ``train`` is not installed.
    """
    numpy_files = require("safetensors.numpy", "train")
    kept = {name: np.asarray(value, order="C") for name, value in tensors.items()}
    write_whole(path, numpy_files.save(kept, {KIND: VERSION, **notes}))


def read_state(path: Path) -> tuple[dict[str, np.ndarray], dict[str, str]] | None:
    """Read a state.

    Parameters
    ----------
    path : Path
        Of `write_state`.

    Returns
    -------
    (tensors, notes) or None
        None if there is none, or it is of another version or damaged: the training then begins anew.

    Raises
    ------
    ExtraMissing
        X001, if the extra ``train`` is not installed.
    """
    safetensors = require("safetensors", "train")
    if not path.is_file() or path.stat().st_size > MOST_BYTES:
        return None
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            notes = dict(file.metadata() or {})
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
    except (safetensors.SafetensorError, ValueError, TypeError, KeyError, OSError):
        return None
    return (tensors, notes) if notes.pop(KIND, "") == VERSION else None
