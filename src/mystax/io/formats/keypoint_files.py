"""One door to all formats of keypoints: what a file is, is seen in its content, never in its name."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mystax.core.extras import named
from mystax.core.keypoint_table import KeypointTable
from mystax.errors import FormatError, ParameterError, RecipeError, nearest
from mystax.io.guarded import is_hdf5

__all__ = ["FORMATS", "KeypointFormat", "detect_format", "read_keypoints", "write_keypoints"]


@dataclass(frozen=True, slots=True)
class KeypointFormat:
    """A format: what it is, and the functions ``module:function`` that read and write it."""

    help: str
    read: str
    write: str
    suffix: str


_HERE = "mystax.io.formats"
FORMATS: Mapping[str, KeypointFormat] = {
    "dlc": KeypointFormat("DeepLabCut table", f"{_HERE}.dlc:read_dlc", f"{_HERE}.dlc:write_dlc", ".csv"),
    "lightning-pose": KeypointFormat(
        "Lightning Pose table", f"{_HERE}.dlc:read_dlc", f"{_HERE}.dlc:write_lightning_pose", ".csv"
    ),
    "dlc-h5": KeypointFormat(
        "DeepLabCut HDF5", f"{_HERE}.dlc_h5:read_dlc_h5", f"{_HERE}.dlc_h5:write_dlc_h5", ".h5"
    ),
    "facemap-h5": KeypointFormat(
        "Facemap predictions",
        f"{_HERE}.facemap_keypoints:read_facemap_h5",
        f"{_HERE}.facemap_keypoints:write_facemap_h5",
        ".h5",
    ),
    "facemap-refined": KeypointFormat(
        "Facemap training data",
        f"{_HERE}.facemap_keypoints:read_facemap_refined",
        f"{_HERE}.facemap_keypoints:write_facemap_refined",
        ".npy",
    ),
    "sleap-analysis": KeypointFormat(
        "SLEAP analysis HDF5",
        f"{_HERE}.sleap:read_sleap_analysis",
        f"{_HERE}.sleap:write_sleap_analysis",
        ".analysis.h5",
    ),
    "sleap": KeypointFormat(
        "SLEAP labels", f"{_HERE}.sleap:read_sleap_labels", f"{_HERE}.sleap:write_sleap_labels", ".slp"
    ),
    "coco": KeypointFormat("COCO keypoints", f"{_HERE}.coco:read_coco", f"{_HERE}.coco:write_coco", ".json"),
    "csv": KeypointFormat(
        "wide table",
        f"{_HERE}.keypoint_csv:read_keypoint_csv",
        f"{_HERE}.keypoint_csv:write_keypoint_csv",
        ".csv",
    ),
    "nwb": KeypointFormat(
        "NWB training data",
        "mystax.io.nwb.training:read_training",
        "mystax.io.nwb.training:write_training",
        ".nwb",
    ),
    "dlib": KeypointFormat("dlib faces", f"{_HERE}.dlib:read_dlib", "", ".xml"),
}
"""Formats by the names that commands take."""


def _named(name: str) -> KeypointFormat:
    if name not in FORMATS:
        raise ParameterError("P401", "format", f"there is no format {name!r}{nearest(name, FORMATS)}")
    return FORMATS[name]


def detect_format(path: Path | str) -> str:
    """Say which format a file has, by its content.

    Parameters
    ----------
    path : path
        The file.

    Returns
    -------
    str
        One of `FORMATS`.

    Raises
    ------
    RecipeError
        P403, if there is no such file.
    FormatError
        F804, if it is none of them.
    """
    place = Path(path)
    if not place.is_file():
        raise RecipeError("P403", str(path), "there is no such file of keypoints")
    with place.open("rb") as stream:
        head = stream.read(4096)
    if is_hdf5(place):
        return _hdf5_format(place)
    if head.startswith(b"\x93NUMPY"):
        return "facemap-refined"
    text = head.decode("utf-8", "replace").lstrip("\ufeff \t\r\n")
    first = text.partition("\n")[0]
    if text.startswith("{"):
        return "coco"
    if text.startswith("<"):
        return "dlib"
    if first.split(",")[0].strip().lower() == "scorer":
        return "dlc"
    if "," in first and any(cell.strip().endswith("_x") for cell in first.split(",")):
        return "csv"
    raise FormatError(
        "F804",
        place.name,
        "no known file of keypoints",
        expected=", ".join(FORMATS),
        got=repr(first[:60]),
    )


def _hdf5_format(path: Path) -> str:
    """Tell HDF5 files apart by their top names, without reading more."""
    from mystax.io.hdf5 import top_names

    names = top_names(path)
    if "Facemap" in names:
        return "facemap-h5"
    if {"tracks", "node_names"} <= names:
        return "sleap-analysis"
    if {"frames", "instances", "metadata"} <= names:
        return "sleap"
    if {"file_create_date", "session_start_time"} <= names:
        return "nwb"
    if "pandas_type" in names:
        return "dlc-h5"
    raise FormatError("F804", path.name, "no known file of keypoints", got=f"HDF5 with {sorted(names)[:8]}")


def read_keypoints(path: Path | str, form: str | None = None) -> KeypointTable:
    """Read a file of keypoints.

    Parameters
    ----------
    path : path
        The file.
    form : str, optional
        One of `FORMATS`; by default what the content says.

    Returns
    -------
    KeypointTable
        Its keypoints, names as in the file.

    Raises
    ------
    RecipeError, ParameterError
        P403, if there is no such file; P401, if there is no such format.
    FormatError
        F801-F804, if the file is refused.
    ExtraMissing
        X001, if the format needs a package that is not installed.
    """
    known = _named(form or detect_format(path))
    found: KeypointTable = named(known.read)(path)
    return found


def write_keypoints(path: Path | str, table: KeypointTable, form: str) -> None:
    """Write a file of keypoints.

    Raises
    ------
    ParameterError
        P401, if there is no such format or it is only read.
    FormatError
        F804, if the format cannot hold the table.
    ExtraMissing
        X001, if the format needs a package that is not installed.
    """
    known = _named(form)
    if not known.write:
        raise ParameterError("P401", f"format {form!r}", "it is read, but not written")
    named(known.write)(path, table)
