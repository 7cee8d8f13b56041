"""Notes of what a folder of the demonstration was made from."""

import json
from pathlib import Path
from typing import Any

from mystax.core.safe_names import check_folder

__all__ = ["begin", "noted"]


def noted(note: Path) -> dict[str, Any]:
    """Return what a note says; nothing if it is not there or damaged.

    Parameters
    ----------
    note : Path
        A JSON file.

    Returns
    -------
    dict
        Its object.
    """
    try:
        found = json.loads(note.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def begin(note: Path) -> None:
    """Make the folder of a note, and take the note away: what it tells of is made anew, and may be stopped.

    Parameters
    ----------
    note : Path
        It is written again when everything is there.

    Raises
    ------
    StoreError
        The folder cannot be made, or not be written into.
    """
    from mystax.io.store_fs import refusals

    folder = note.parent
    check_folder(folder, str(folder))
    with refusals(folder):
        folder.mkdir(parents=True, exist_ok=True)
        note.unlink(missing_ok=True)
