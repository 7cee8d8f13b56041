"""Files that belong to a recording beside its videos: clocks, neural data, calibrations."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from mystax.engine.catalog.ingest_report import IngestWish
from mystax.engine.catalog.looking import ClockWish, clock_files
from mystax.engine.catalog.naming import FoundRecording
from mystax.engine.catalog.rows import NewSideFile
from mystax.engine.roots import Roots

__all__ = ["ROLES", "files_beside", "side_files_of"]

ROLES = ("neural", "calibration")
"""What the globs of a wish ask for."""


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
    state = file.stat()
    return [NewSideFile(role, *located, state.st_size, state.st_mtime_ns, name, spec)]
