"""Outcomes that were opened before: a folder is opened again only when one of its files is another one."""

from functools import lru_cache
from pathlib import Path

from mystax.io.outcomes import Outcomes

__all__ = ["outcomes_in"]

MOST_FOLDERS = 128
"""Folders whose heads are remembered; arrays stay on the disk."""

Stamp = tuple[tuple[str, int, int], ...]


def outcomes_in(folder: Path) -> Outcomes:
    """Open a folder of outcomes, or give what was opened before where all its files are the same.

    Parameters
    ----------
    folder : Path
        The folder.

    Returns
    -------
    Outcomes
        Shared with others: not to be changed.

    Raises
    ------
    RecipeError
        P403, if it holds no outcome.
    DamagedError
        S502, if a file is damaged.
    """
    return _opened(folder, _stamp(folder))


def _stamp(folder: Path) -> Stamp:
    """Name, time of change and size of each file that says something of an outcome."""
    found = []
    for path in sorted(folder.glob("*")):
        if path.suffix in {".nc", ".toml"} and not path.name.startswith("."):
            known = path.stat()
            found.append((path.name, known.st_mtime_ns, known.st_size))
    return tuple(found)


@lru_cache(maxsize=MOST_FOLDERS)
def _opened(folder: Path, stamp: Stamp) -> Outcomes:  # noqa: ARG001 - the stamp is part of the key
    return Outcomes.of_folder(folder)
