"""What is there of a folder of the demonstration: notes of what it was made from, and its report."""

import json
from pathlib import Path
from typing import Any

from mystax.core.safe_names import check_folder, is_there

__all__ = ["begin", "noted", "update_report"]


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


def update_report(folder: Path) -> None:
    """Write the report of a folder, unless there is one that is as new as its outcomes.

    Parameters
    ----------
    folder : Path
        A folder of outcomes.
    """
    from mystax.engine.report import make_report
    from mystax.io.store import Store

    report = folder / "report.html"
    if is_there(report):
        made = report.stat().st_mtime_ns
        if all(path.stat().st_mtime_ns <= made for path in folder.rglob("*.nc")):
            return
    make_report(Store(folder))
