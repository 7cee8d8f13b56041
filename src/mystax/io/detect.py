"""What a file or folder to import is, told by its content, never by its name."""

from pathlib import Path
from typing import Any

import numpy as np

from mystax.core.safe_names import is_there
from mystax.errors import FormatError, ParameterError, RecipeError, nearest
from mystax.io.guarded import is_hdf5

__all__ = ["IMPORTS", "detect_import", "is_nwb"]

IMPORTS = ("nwb", "alf", "csv", "parquet", "anipose", "dlc-3d", "facemap", "keypoints")
"""What `mystax import` reads; keypoints are files of trackers and labellers."""

MATLAB = b"MATLAB 5.0 MAT-file"


def detect_import(path: Path | str, form: str | None = None) -> str:
    """Say what a file or folder is.

    Parameters
    ----------
    path : path
        What is to be imported.
    form : str, optional
        One of `IMPORTS`, to skip the look.

    Returns
    -------
    str
        One of `IMPORTS`.

    Raises
    ------
    ParameterError
        P401, if there is no such format.
    RecipeError
        P403, if there is no such file or folder.
    FormatError
        F804, if it is none of them.
    """
    if form is not None:
        if form not in IMPORTS:
            raise ParameterError("P401", "--as", f"there is no format {form!r}{nearest(form, IMPORTS)}")
        return form
    place = Path(path)
    if is_there(place, folder=True):
        return _folder(place)
    if not is_there(place):
        raise RecipeError("P403", str(path), "there is no such file")
    with place.open("rb") as stream:
        head = stream.read(1 << 16)
    if head.startswith(b"PAR1"):
        return "parquet"
    if is_hdf5(place):
        return _hdf5(place)
    if head.startswith((b"\x93NUMPY", MATLAB)):
        return "facemap"
    return _text(place, head)


def is_nwb(path: Path | str) -> bool:
    """Tell by content whether a file is NWB; False for what cannot be read.

    Examples
    --------
    >>> is_nwb(__file__)
    False
    """
    import h5py

    try:
        if not is_hdf5(path):
            return False
        with h5py.File(path, "r", locking=False) as file:
            return _has_nwb_marks(file)
    except (OSError, RuntimeError, ValueError):
        return False  # whoever opens it for something else says what is wrong


def _has_nwb_marks(file: Any) -> bool:
    """Tell by the attributes of its root whether an open HDF5 file is NWB."""
    kind = file.attrs.get("neurodata_type", b"")
    text = kind.decode("utf-8", "replace") if isinstance(kind, bytes) else str(kind)
    return text == "NWBFile" or "nwb_version" in file.attrs


def _folder(folder: Path) -> str:
    from mystax.io.alf import MANIFEST
    from mystax.io.alf_session import alf_place
    from mystax.io.table_reader import table_manifest

    if any(table_manifest(path) == path for path in sorted(folder.rglob("*.json"))):
        return "csv" if not any(path.name == MANIFEST for path in folder.rglob("*.json")) else "alf"
    if alf_place(folder) is not None:
        return "alf"
    found = sorted(path.name for path in folder.iterdir())[:6]
    raise FormatError(
        "F804",
        folder.name,
        "a folder of no known kind",
        expected="a session with ALF files, or tables that mystax wrote",
        got=", ".join(found) or "an empty folder",
    )


def _hdf5(path: Path) -> str:
    """Tell HDF5 files apart by the marks of their root."""
    import h5py

    from mystax.io.formats.dlc_points import is_dlc_points

    try:
        with h5py.File(path, "r", locking=False) as file:
            if _has_nwb_marks(file):
                return "nwb"
            if {"Ly", "Lx"} <= set(file):
                return "facemap"
            is_table = any("pandas_type" in item.attrs for item in file.values())
    except (OSError, RuntimeError, ValueError) as error:
        raise FormatError("F804", path.name, f"the file cannot be read as HDF5 ({error})") from error
    return "dlc-3d" if is_table and is_dlc_points(path, hdf5=True) else "keypoints"


def _text(path: Path, head: bytes) -> str:
    from mystax.io.formats.anipose_points import is_anipose_points
    from mystax.io.formats.dlc_points import is_dlc_points
    from mystax.io.table_reader import MARK, table_manifest

    if head.startswith(MARK) or table_manifest(path) is not None:
        return "csv"
    line = head.split(b"\n", 1)[0].decode("utf-8", "replace").lstrip("\ufeff")
    if is_anipose_points(line):
        return "anipose"
    if line.partition(",")[0].strip().lower() == "scorer" and is_dlc_points(path, hdf5=False):
        return "dlc-3d"
    if np.frombuffer(head, np.uint8).size and b"\0" not in head:
        return "keypoints"
    raise FormatError(
        "F804", path.name, "a file of no known kind", expected=", ".join(IMPORTS), got=repr(head[:16])
    )
