"""What the report of a folder was made of: whether it still shows what lies there.  Nothing is drawn here."""

import json
from pathlib import Path

from mystax.io.digests import file_digest
from mystax.io.outcome_files import read_head
from mystax.io.outcome_reading import outcome_paths
from mystax.io.state_edits import edits_path

__all__ = ["REPORT", "REPORT_FACTS", "is_report_current", "made_of"]

REPORT, REPORT_FACTS = "report.html", "report.json"


def made_of(folder: Path) -> dict[str, dict[str, str]]:
    """Return what a report of a folder depends on: its outcomes, and names that a person gave to states.

    Parameters
    ----------
    folder : Path
        The folder of outcomes.

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
        head = read_head(path)
        found[path.name] = {"key": head.key, "content_sha256": head.content}
        edits = edits_path(path)
        if edits.is_file():
            found[edits.name] = {"sha256": file_digest(edits)}
    return found


def is_report_current(folder: Path) -> bool:
    """Tell whether the report of a folder is whole and shows the outcomes that lie there.

    Parameters
    ----------
    folder : Path
        The folder of outcomes.

    Returns
    -------
    bool
        False where anything is missing or was made of something else.

    Raises
    ------
    DamagedError
        S502, if an outcome is damaged.
    """
    try:
        facts = json.loads((folder / REPORT_FACTS).read_text("utf-8"))
        known, names = facts["made_of"], [str(name) for name in facts["figures"]]
    except (OSError, ValueError, KeyError, TypeError):
        return False
    figures = [folder / "figures" / f"{name}.{suffix}" for name in names for suffix in ("svg", "csv")]
    whole = all(path.is_file() for path in (folder / REPORT, *figures))
    return whole and bool(known == made_of(folder))
