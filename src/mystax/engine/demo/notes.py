"""Notes of what a folder of the demonstration was made from."""

import json
from pathlib import Path
from typing import Any

__all__ = ["noted"]


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
