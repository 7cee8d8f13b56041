"""Which files are which camera of a recording, found without opening a video."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from mystax.core.safe_names import is_there
from mystax.errors import ParameterError, RecipeError, nearest
from mystax.io.names import DEFAULT_CAMERA, group_files, videos_in

if TYPE_CHECKING:
    from mystax.io.nwb.cameras import NwbCamera
else:
    NwbCamera = Any

__all__ = ["Paths", "PlannedCameras", "plan_cameras"]

Paths = str | Path | Sequence[Any] | Mapping[str, Any]
"""A file, a folder, an NWB file, consecutive files, Facemap's list of lists, or camera -> file(s)."""


class PlannedCameras(NamedTuple):
    """The cameras of a recording.

    Attributes
    ----------
    name : str
        Of the recording.
    files : mapping of str to tuple of Path
        Camera to its files in order.
    stored : mapping of str to NwbCamera
        What an NWB file says of the cameras; empty without one.
    """

    name: str
    files: Mapping[str, tuple[Path, ...]]
    stored: Mapping[str, NwbCamera]


def plan_cameras(paths: Paths, *, join: bool = False) -> PlannedCameras:
    """Say which files are which camera, without opening any video.

    Parameters
    ----------
    paths : path, sequence or mapping
        As for `mystax.open`.
    join : bool, optional
        In a folder, take bare numbers in file names as the order of consecutive files.

    Returns
    -------
    PlannedCameras
        Name of the recording, and camera to files in order.

    Raises
    ------
    ParameterError
        P401, if these are no paths.
    RecipeError
        P403, if there is no file, a file is missing or given twice, or names do not say what is what.
    FormatError
        F802-F804, if an NWB file is refused or names no video.
    ClockError
        C206, if the times in an NWB file are no clock.
    """
    if isinstance(paths, str | Path):
        path = Path(paths)
        if is_there(path, folder=True):
            videos = _videos_in(path)
            if not videos:
                raise RecipeError("P403", str(path), expected="video files in the folder", got="none")
            return PlannedCameras(path.resolve().name, group_files(videos, join=join), {})
        stored = _stored_cameras(path)
        if stored:
            for camera, known in stored.items():
                _check_camera(camera, known.files)
            return PlannedCameras(path.stem, {name: known.files for name, known in stored.items()}, stored)
        cameras: dict[str, tuple[Path, ...]] = {DEFAULT_CAMERA: (path,)}
    elif isinstance(paths, Mapping):
        cameras = {str(camera): _files_of(files) for camera, files in paths.items()}
    else:
        cameras = _cameras_of_list(paths)
    if not cameras or not all(cameras.values()):
        raise RecipeError("P403", "paths", expected="video files", got="none")
    for camera, files in cameras.items():
        _check_camera(camera, files)
    return PlannedCameras(next(iter(cameras.values()))[0].stem, cameras, {})


def _stored_cameras(path: Path) -> dict[str, NwbCamera]:
    """Return the cameras that an NWB file names; none if the path is no such file."""
    from mystax.io.detect import is_nwb

    if not (is_there(path) and is_nwb(path)):
        return {}
    from mystax.io.nwb.cameras import read_cameras

    return {camera.name: camera for camera in read_cameras(path)}


def _videos_in(folder: Path) -> list[Path]:
    try:
        return videos_in(folder)
    except OSError as error:
        raise RecipeError("P403", str(folder), f"the folder cannot be read ({error.strerror})") from error


def _files_of(files: object) -> tuple[Path, ...]:
    if isinstance(files, str | Path):
        return (Path(files),)
    if isinstance(files, Sequence) and all(isinstance(file, str | Path) for file in files):
        return tuple(Path(file) for file in files)
    raise RecipeError("P403", "paths", expected="a file or a list of files per camera", got=repr(files)[:80])


def _cameras_of_list(paths: object) -> dict[str, tuple[Path, ...]]:
    """Read a list: consecutive files, or consecutive groups of simultaneous files."""
    if not isinstance(paths, Sequence):
        expected = "a path, a list of paths, or a mapping of cameras to paths"
        raise ParameterError("P401", "parameter 'paths'", expected=expected, got=repr(paths)[:80])
    if all(isinstance(path, str | Path) for path in paths):
        return {DEFAULT_CAMERA: _files_of(paths)}
    groups = [_files_of(group) for group in paths]
    widths = {len(group) for group in groups}
    if len(widths) != 1:
        raise RecipeError(
            "P403", "paths", expected="as many simultaneous files in every group", got=str(sorted(widths))
        )
    columns = list(zip(*groups, strict=True))
    if len(columns) == 1:
        return {DEFAULT_CAMERA: columns[0]}
    return {f"camera{k}": column for k, column in enumerate(columns, 1)}


def _check_camera(camera: str, files: Sequence[Path]) -> None:
    """Refuse names that cannot be written and files that are not there."""
    if not camera or camera != camera.strip() or any(mark in camera for mark in "/\\\0=:\n"):
        raise RecipeError(
            "P404", f"camera {camera!r}", expected="a name without / \\ : = and line breaks", got=repr(camera)
        )
    for file in files:
        if not is_there(file):
            siblings = (
                [path.name for path in _videos_in(file.parent)] if is_there(file.parent, folder=True) else []
            )
            raise RecipeError("P403", str(file), f"there is no such file{nearest(file.name, siblings)}")
