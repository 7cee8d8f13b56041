"""What is there of a folder of the demonstration: notes of what it was made from, and its report."""

import json
from pathlib import Path
from typing import Any

from mystax.core.safe_names import check_folder, is_there

__all__ = ["begin", "is_current", "noted"]


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


def is_current(report: Path) -> bool:
    """Tell whether a report is there and tells of the outcomes beside it: none is newer.

    Parameters
    ----------
    report : Path
        ``report.html`` in a folder of outcomes.

    Returns
    -------
    bool
        Whether it need not be made.
    """
    if not is_there(report):
        return False
    made = report.stat().st_mtime_ns
    return all(path.stat().st_mtime_ns <= made for path in report.parent.rglob("*.nc"))
