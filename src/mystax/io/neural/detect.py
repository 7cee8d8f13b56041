"""Which format a file or folder of neural data has, by its content."""

from collections.abc import Callable
from pathlib import Path

from mystax.errors import FormatError, ParameterError, nearest
from mystax.io.guarded import is_hdf5
from mystax.io.hdf5 import top_names
from mystax.io.neural.alf import find_alf
from mystax.io.neural.phy import is_phy
from mystax.io.neural.suite2p import is_suite2p

__all__ = ["FORMATS", "find_format"]

FORMATS = ("suite2p", "phy", "nwb", "alf", "caiman", "array")
"""Formats that are read."""
FOLDERS: dict[str, Callable[[Path], bool]] = {
    "suite2p": is_suite2p,
    "phy": is_phy,
    "alf": lambda folder: find_alf(folder) is not None,
}
TEXTS = (".csv", ".tsv", ".txt", ".dat")


def find_format(path: Path, name: str = "", wanted: str = "auto") -> str:
    """Find the format of neural data.

    Parameters
    ----------
    path : Path
        File or folder.
    name : str, optional
        Name of the data in the file, if one was given: it is an array then.
    wanted : str, optional
        ``auto``, or the format that the user says.

    Returns
    -------
    str
        One of `FORMATS`.

    Raises
    ------
    ParameterError
        P401, if `wanted` is unknown.
    FormatError
        F804, if there is nothing, or nothing that is known: it says what was seen.
    """
    if wanted not in ("auto", *FORMATS):
        raise ParameterError(
            "P401", "parameter 'format'", f"there is no format {wanted!r}{nearest(wanted, FORMATS)}"
        )
    if not path.exists():
        raise FormatError("F804", str(path), expected="a file or folder of neural data", got="nothing there")
    if wanted in FOLDERS and path.is_dir() and not FOLDERS[wanted](path):
        raise _unknown(path, f"a folder of {wanted}")
    if wanted != "auto":
        return wanted
    if path.is_dir():
        for known, is_it in FOLDERS.items():
            if is_it(path):
                return known
        raise _unknown(path, "a folder of suite2p, phy or ALF")
    return _of_file(path, name)


def _of_file(path: Path, name: str) -> str:
    if name:
        return "array"
    if is_hdf5(path):
        inside = top_names(path)
        if {"units", "processing", "session_description"} & inside and "session_start_time" in inside:
            return "nwb"
        if "estimates" in inside:
            return "caiman"
        raise FormatError(
            "F804",
            path.name,
            "the kind of neural data is not known",
            expected="an NWB file, CaImAn's estimates, or the name of an array",
            got=f"an HDF5 file with {', '.join(sorted(inside)) or 'nothing'}",
            hint=f"name the array: {path.name}:/path",
        )
    with path.open("rb") as stream:
        head = stream.read(128)
    if head.startswith(b"\x93NUMPY") or path.suffix.lower() in TEXTS:
        return "array"
    if head.startswith((b"PK\x03\x04", b"MATLAB")):
        raise FormatError(
            "F804",
            path.name,
            "which array is meant?",
            expected=f"{path.name}:NAME",
            hint="name the array behind a colon",
        )
    raise _unknown(path, "an array, NWB, CaImAn, or a folder of suite2p, phy or ALF")


def _unknown(path: Path, expected: str) -> FormatError:
    """Say what was seen instead."""
    if path.is_dir():
        seen = sorted(item.name + ("/" if item.is_dir() else "") for item in path.iterdir())
        got = f"a folder with {', '.join(seen[:12]) or 'nothing'}" + (" ..." if len(seen) > 12 else "")
    else:
        with path.open("rb") as stream:
            got = f"a file that begins with {stream.read(12)!r}"
    return FormatError("F804", path.name, "the kind of neural data is not known", expected=expected, got=got)
