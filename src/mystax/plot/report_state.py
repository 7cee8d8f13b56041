"""What the report of a folder was made of: whether it still shows what lies there.  Nothing is drawn here."""

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

from mystax.io.digests import file_digest
from mystax.io.outcome_files import read_head
from mystax.io.outcome_reading import outcome_paths
from mystax.io.state_edits import edits_path

__all__ = ["REPORT", "REPORT_FACTS", "is_report_current", "left_out_of", "made_of"]

REPORT, REPORT_FACTS = "report.html", "report.json"


def made_of(folder: Path, left_out: Collection[str] = ()) -> dict[str, dict[str, str]]:
    """Return what a report of a folder depends on: its outcomes, and names that a person gave to states.

    Parameters
    ----------
    folder : Path
        The folder of outcomes.
    left_out : collection of str, optional
        Analyses that are not shown.

    Returns
    -------
    dict
        Name of a file to what tells it from another of that name.

    Raises
    ------
    DamagedError
        S502, if an outcome is damaged.
    """
    found = {}
    for path in outcome_paths(folder):
        if path.stem in left_out:
            continue
        head = read_head(path)
        found[path.name] = {"key": head.key, "content_sha256": head.content}
        edits = edits_path(path)
        if edits.is_file():
            found[edits.name] = {"sha256": file_digest(edits)}
    return found


def left_out_of(folder: Path) -> frozenset[str]:
    """Return the analyses that the report of a folder does not show although their outcomes lie there."""
    names = _facts(folder).get("left_out", [])
    return frozenset(map(str, names)) if isinstance(names, list) else frozenset()


def is_report_current(folder: Path, left_out: Collection[str] = ()) -> bool:
    """Tell whether the report of a folder is whole and shows the outcomes that lie there.

    Parameters
    ----------
    folder : Path
        The folder of outcomes.
    left_out : collection of str, optional
        Analyses that it shall not show.

    Returns
    -------
    bool
        False where anything is missing or was made of something else.

    Raises
    ------
    DamagedError
        S502, if an outcome is damaged.
    """
    facts = _facts(folder)
    names = facts.get("figures")
    if not isinstance(names, list):
        return False
    figures = [folder / "figures" / f"{name}.{suffix}" for name in names for suffix in ("svg", "csv")]
    whole = all(path.is_file() for path in (folder / REPORT, *figures))
    return whole and bool(facts.get("made_of") == made_of(folder, left_out))


def _facts(folder: Path) -> dict[str, Any]:
    """Read what the last report noted; nothing if there is none that is understood."""
    try:
        found = json.loads((folder / REPORT_FACTS).read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
