"""Files that belong to a recording beside its videos: clocks, neural data, calibrations."""

import os
import stat
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from mystax.engine.catalog.ingest_report import IngestWish
from mystax.engine.catalog.looking import ClockWish, clock_files
from mystax.engine.catalog.naming import FoundRecording
from mystax.engine.catalog.rows import NewSideFile
from mystax.engine.roots import Roots
from mystax.errors import MystaxError

__all__ = ["ROLES", "files_beside", "kept_files", "side_files_of", "state_of"]

ROLES = ("neural", "calibration")
"""What the globs of a wish ask for."""
DEPTH = 3
"""Levels of a folder of neural data that are looked at."""


def state_of(file: Path) -> tuple[int, int]:
    """Return what changes with a side file: its size [bytes] and the time of its last change [ns].

    A folder has the size of all files in it, and the time of the newest.

    Raises
    ------
    OSError
        If it is not there.
    """
    state = file.stat()
    if not stat.S_ISDIR(state.st_mode):
        return state.st_size, state.st_mtime_ns
    size, newest = 0, 0
    for place, folders, names in os.walk(file):
        depth = len(Path(place).relative_to(file).parts)
        folders[:] = [name for name in folders if not name.startswith(".") and depth < DEPTH]
        for name in names:
            with suppress(OSError):  # a link may lead nowhere, a file go away meanwhile
                one = Path(place, name).stat()
                size, newest = size + one.st_size, max(newest, one.st_mtime_ns)
    return size, newest


def kept_files(
    roots: Roots,
    rows: Iterable[Mapping[str, Any]],
    *,
    without: Collection[str],
    cameras: Mapping[int, str] | None = None,
) -> list[NewSideFile]:
    """Return side files that are known already, as they are now; as they were where nobody reaches them.

    Parameters
    ----------
    roots : Roots
        Where they lie.
    rows : iterable of mapping
        Rows of the table `side_file`.
    without : collection of str
        Those of these roles are left out.
    cameras : mapping of int to str, optional
        Row of a camera to its name.
    """
    found = []
    for row in rows:
        if row["role"] in without:
            continue
        try:
            state = state_of(roots.resolve(row["root"], row["path"]))
        except (OSError, MystaxError):
            state = int(row["size"]), int(row["mtime_ns"])
        camera = (cameras or {}).get(row["camera_id"], "")
        found.append(NewSideFile(row["role"], row["root"], row["path"], *state, camera, row["spec"]))
    return found


def files_beside(folder: Path, one: FoundRecording, wish: IngestWish, role: str) -> list[Path]:
    """Find the files that a glob means: beside the videos, or in the nearest folder above them.

    Parameters
    ----------
    folder : Path
        The folder that is taken in: nothing above it is looked at.
    one : FoundRecording
        The recording.
    wish : IngestWish
        Holds the glob.
    role : str
        One of `ROLES`.
    """
    glob = str(getattr(wish, role))
    if not glob:
        return []
    start = (folder / one.paths[0]).parent
    for place in (start, *start.parents):
        found = sorted(path for path in place.glob(glob) if path.exists())
        if found or place == folder:
            return found
    return []


def side_files_of(
    roots: Roots,
    folder: Path,
    one: FoundRecording,
    wish: IngestWish,
    files: Mapping[str, Sequence[Path]],
    clocks: Mapping[str, ClockWish],
) -> list[NewSideFile]:
    """Find clock, neural and calibration files of a recording.

    Parameters
    ----------
    roots : Roots
        Where files may lie.
    folder : Path
        The folder that is taken in.
    one : FoundRecording
        The recording.
    wish : IngestWish
        Globs of neural data and calibrations.
    files : mapping of str to sequence of Path
        Camera to its videos.
    clocks : mapping of str to ClockWish
        Camera to its clock.
    """
    found = []
    for name, paths in files.items():
        for file in clock_files(clocks[name], [paths[0].parent]):
            found += _located(roots, "clock", file, name, clocks[name].as_dict())
    for role in ROLES:
        for file in files_beside(folder, one, wish, role):
            found += _located(roots, role, file, "", {})
    return found


def _located(roots: Roots, role: str, file: Path, name: str, spec: Mapping[str, object]) -> list[NewSideFile]:
    located = roots.locate(file.absolute())
    if located is None:
        return []  # a clock in a folder that no root holds is found again by its spec
    return [NewSideFile(role, *located, *state_of(file), name, spec)]
