"""The video files below a folder, with what tells whether they changed."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mystax.engine.catalog.naming import Naming
from mystax.engine.catalog.pattern import VIDEO_WORDS

__all__ = ["Listed", "list_videos"]

SUFFIXES = frozenset(f".{word}" for word in VIDEO_WORDS)


@dataclass(frozen=True, slots=True)
class Listed:
    """One file.

    Attributes
    ----------
    path : str
        Below the folder that was searched, with ``/``.
    size, mtime_ns : int
        Length [bytes] and time of the last change [ns].
    """

    path: str
    size: int
    mtime_ns: int

    @property
    def is_text(self) -> bool:
        """Whether the name is text: a database keeps no other."""
        try:
            self.path.encode("utf-8")
        except UnicodeEncodeError:
            return False
        return True


def list_videos(
    folder: Path, naming: Naming, *, leave_out: tuple[Path, ...] = (), within: Path | None = None
) -> list[Listed]:
    """List the files that a naming may be about, in order of their paths.

    Parameters
    ----------
    folder : Path
        Where to search; links to folders are followed once.
    naming : Naming
        A pattern with ``{video}`` asks for suffixes of videos; one without asks for every file.
    leave_out : tuple of Path, optional
        Folders that are not searched.
    within : Path, optional
        Links that lead out of this folder are left out.

    Returns
    -------
    list of Listed
        Hidden files and folders, and folders of outcomes (``*.mystax``), are left out.
    """
    every = "{video}" not in naming.pattern.text
    skipped = {os.path.realpath(path) for path in leave_out}
    root = None if within is None else os.path.realpath(within)
    found = [
        Listed(entry.path[len(str(folder)) :].replace(os.sep, "/").lstrip("/"), size, changed)
        for entry, size, changed in _walk(str(folder), skipped, set(), root)
        if every or os.path.splitext(entry.name)[1].lower() in SUFFIXES  # noqa: PTH122 - many thousands
    ]
    return sorted(found, key=lambda file: file.path.encode("utf-8", "surrogateescape"))


def _leads_out(entry: "os.DirEntry[str]", root: str | None) -> bool:
    """Tell whether an entry is a link to something outside of a folder."""
    return (
        root is not None
        and entry.is_symlink()
        and not Path(os.path.realpath(entry.path)).is_relative_to(root)
    )


def _walk(
    folder: str, skipped: set[str], seen: set[tuple[int, int]], root: str | None
) -> "Iterator[tuple[os.DirEntry[str], int, int]]":
    """Give the files of a folder and those below, with size and time of change."""
    state = os.stat(folder)  # noqa: PTH116 - many thousands
    place = (state.st_dev, state.st_ino)
    if place in seen or os.path.realpath(folder) in skipped:
        return
    seen.add(place)
    try:
        entries = list(os.scandir(folder))
    except PermissionError:
        return
    for entry in entries:
        if entry.name.startswith(".") or _leads_out(entry, root):
            continue
        try:
            if entry.is_dir():
                if not entry.name.endswith(".mystax"):
                    yield from _walk(entry.path, skipped, seen, root)
            elif entry.is_file():
                found = entry.stat()
                yield entry, found.st_size, found.st_mtime_ns
        except FileNotFoundError:
            continue  # it went away meanwhile
