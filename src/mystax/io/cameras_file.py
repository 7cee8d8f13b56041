"""`cameras.toml`: which videos of a folder are the cameras of one recording, as a person has said."""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

import tomli_w

from mystax.errors import FormatError
from mystax.io.store import Store

__all__ = ["FILE", "read_cameras", "write_cameras"]

FILE = "cameras.toml"
FORMAT = 1
MAX_BYTES = 1 << 20


def write_cameras(folder: Path, cameras: Mapping[str, Sequence[Path]]) -> None:
    """Note the cameras of a recording in the folder of its outcomes.

    Parameters
    ----------
    folder : Path
        The folder of outcomes; made if it is not there.
    cameras : mapping of str to sequence of Path
        Camera to its files in order; they lie beside the folder.

    Raises
    ------
    SpaceError
        S501, if there is no space left.
    """
    names = {camera: [file.name for file in files] for camera, files in cameras.items()}
    folder.mkdir(parents=True, exist_ok=True)
    Store(folder).write_text(FILE, tomli_w.dumps({"format": FORMAT, "cameras": names}))


def read_cameras(folder: Path) -> dict[str, tuple[Path, ...]]:
    """Read the cameras that are noted in a folder of outcomes.

    Parameters
    ----------
    folder : Path
        The folder.

    Returns
    -------
    dict of str to tuple of Path
        Camera to its files in order; empty if none are noted.

    Raises
    ------
    FormatError
        F804, if the file is damaged, or names anything but files that lie beside the folder.
    """
    path = folder / FILE
    if not path.is_file():
        return {}
    try:
        if path.stat().st_size > MAX_BYTES:
            raise FormatError("F804", str(path), expected="at most 1 MiB of text")
        document = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise FormatError("F804", str(path), f"the cameras cannot be read ({error})") from error
    cameras = document.get("cameras")
    if document.get("format") != FORMAT or not isinstance(cameras, dict):
        raise FormatError("F804", str(path), expected=f"format = {FORMAT} and a table [cameras]")
    return {camera: _files(folder.parent, names, str(path)) for camera, names in cameras.items()}


def _files(beside: Path, names: object, where: str) -> tuple[Path, ...]:
    """Return files of a folder; refuse names that lead elsewhere."""
    if not isinstance(names, list) or not names:
        raise FormatError("F804", where, expected="a list of file names for each camera")
    for name in names:
        if not isinstance(name, str) or name != Path(name).name or "\\" in name or name[:1] in {"", "."}:
            raise FormatError("F804", where, expected="names of files beside the folder", got=repr(name)[:60])
    return tuple(beside / name for name in names)
