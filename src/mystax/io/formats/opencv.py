"""OpenCV's files of cameras: YAML and XML, one camera or a stereo pair."""

import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import numpy as np

from mystax.core.rig_model import CameraModel, RigModel, make_rig
from mystax.core.typing import Float64
from mystax.errors import FormatError
from mystax.io.formats.texts import read_text

__all__ = ["opencv_document", "read_opencv_rig", "stereo_rig"]

MATRICES = (
    ("camera_matrix", "Camera_Matrix", "K"),
    ("distortion_coefficients", "Distortion_Coefficients", "D"),
)


def _matrix(entry: Any, where: str) -> Float64[np.ndarray, "row column"]:
    """Return a matrix of rows, cols and data."""
    if not isinstance(entry, dict) or not {"rows", "cols", "data"} <= set(entry):
        raise FormatError("F804", where, expected="a matrix with rows, cols and data", got=repr(entry)[:60])
    try:
        values = np.array(entry["data"], np.float64)
        return values.reshape(int(entry["rows"]), int(entry["cols"]))
    except (TypeError, ValueError) as error:
        raise FormatError("F804", where, f"a matrix cannot be read ({error})") from error


def _of_yaml(text: str, where: str) -> dict[str, Any]:
    import yaml

    class Loader(yaml.SafeLoader):  # type: ignore[misc] # the library has no types
        """Safe loader that also knows OpenCV's matrices."""

    def matrix(loader: yaml.SafeLoader, node: yaml.Node) -> Any:
        if not isinstance(node, yaml.MappingNode):
            raise yaml.YAMLError("an opencv-matrix that is no mapping")
        return loader.construct_mapping(node, deep=True)

    Loader.add_constructor("tag:yaml.org,2002:opencv-matrix", matrix)
    body = re.sub(r"^%YAML:1\.0[^\n]*\n", "", text)
    try:
        found = yaml.load(body, Loader=Loader)  # noqa: S506 - a SafeLoader with one more plain constructor
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise FormatError("F804", where, f"the file is not valid YAML ({str(error)[:80]})") from error
    if not isinstance(found, dict):
        raise FormatError("F804", where, expected="named values", got=type(found).__name__)
    return found


def _of_xml(text: str, where: str) -> dict[str, Any]:
    if "<!" in text.replace("<!--", ""):
        raise FormatError("F803", where, "the file declares entities or a document type")
    try:
        root = ET.fromstring(text)  # noqa: S314 - no entities, see above
    except ET.ParseError as error:
        raise FormatError("F804", where, f"the file is not valid XML ({error})") from error
    found: dict[str, Any] = {}
    for child in root:
        if child.get("type_id") == "opencv-matrix":
            parts = {item.tag: (item.text or "") for item in child}
            found[child.tag] = {
                "rows": parts.get("rows", "0"),
                "cols": parts.get("cols", "0"),
                "data": parts.get("data", "").split(),
            }
        else:
            found[child.tag] = (child.text or "").strip()
    return found


def opencv_document(path: Path | str) -> dict[str, Any]:
    """Read the named values of an OpenCV file; matrices stay rows, cols and data.

    Raises
    ------
    FormatError
        F802-F804, if it is refused.
    """
    place = Path(path)
    text = read_text(place)
    return _of_xml(text, place.name) if text.lstrip().startswith("<") else _of_yaml(text, place.name)


def _lens(values: Float64[np.ndarray, "row column"], where: str) -> Float64[np.ndarray, " 5"]:
    """Return k1, k2, p1, p2, k3; more numbers than these must be zero."""
    flat = values.ravel()
    if flat[5:].any():
        raise FormatError("F804", where, "the lens model has more than 5 numbers", got=str(len(flat)))
    return np.concatenate([flat[:5], np.zeros(max(0, 5 - len(flat)))])


def stereo_rig(
    values: dict[str, np.ndarray],
    sizes: tuple[tuple[int, int], tuple[int, int]],
    names: tuple[str, str],
    where: str,
) -> RigModel:
    """Make a rig of two cameras from M1, D1, M2, D2, R and T; the first is at the origin."""
    first = CameraModel(names[0], sizes[0], values["M1"], _lens(values["D1"], where), np.eye(3), np.zeros(3))
    second = CameraModel(
        names[1], sizes[1], values["M2"], _lens(values["D2"], where), values["R"], values["T"].ravel()
    )
    return make_rig([first, second], {"unit": "mm"}, where)


def read_opencv_rig(path: Path | str) -> RigModel:
    """Read an OpenCV file of one camera (`camera_matrix`) or of a pair (`M1 D1 M2 D2 R T`).

    Parameters
    ----------
    path : path
        YAML or XML.

    Returns
    -------
    RigModel
        One or two cameras, called by the name of the file, or ``camera-1`` and ``camera-2``.

    Raises
    ------
    FormatError
        F802-F804, if it is refused.
    """
    place = Path(path)
    document = opencv_document(place)
    where = place.name
    size = _size(document)
    if {"M1", "D1", "M2", "D2"} <= set(document):
        inside = [name for name in ("M1", "D1", "M2", "D2", "R", "T") if name in document]
        values: dict[str, np.ndarray] = {name: _matrix(document[name], f"{where}: {name}") for name in inside}
        # A file of lenses alone puts both cameras at one place, which the checks of a rig tell (N313).
        values = {"R": np.eye(3), "T": np.zeros((3, 1)), **values}
        sizes = (size or _guess(values["M1"]), size or _guess(values["M2"]))
        return stereo_rig(values, sizes, ("camera-1", "camera-2"), where)
    found = [next((document[name] for name in names if name in document), None) for names in MATRICES]
    if found[0] is None:
        raise FormatError(
            "F804",
            where,
            expected="camera_matrix, or M1 D1 M2 D2 R T",
            got=", ".join(map(str, document))[:80],
        )
    matrix = _matrix(found[0], f"{where}: camera_matrix")
    lens = _lens(_matrix(found[1], where), where) if found[1] is not None else np.zeros(5)
    is_fisheye = _is_fisheye(document)
    if is_fisheye and lens[4] != 0:
        raise FormatError("F804", where, expected="4 numbers of a fisheye lens", got="5")
    camera = CameraModel(
        place.stem,
        size or _guess(matrix),
        matrix,
        lens[:4] if is_fisheye else lens,
        np.eye(3),
        np.zeros(3),
        is_fisheye,
    )
    return make_rig([camera], {"unit": "mm"}, where)


def _is_fisheye(document: dict[str, Any]) -> bool:
    """Tell whether the numbers are those of a fisheye lens: as OpenCV's own calibration writes, or ROS."""
    told = [str(document.get(name, "")).strip().lower() for name in ("fisheye_model", "distortion_model")]
    return told[0] in ("1", "true") or told[1] in ("equidistant", "fisheye")


def _size(document: dict[str, Any]) -> tuple[int, int] | None:
    """Return the size of the pictures where the file says it."""
    for width, height in (
        ("image_width", "image_height"),
        ("image_Width", "image_Height"),
        ("width", "height"),
    ):
        if width in document and height in document:
            try:
                return int(document[width]), int(document[height])
            except (TypeError, ValueError):
                return None
    return None


def _guess(matrix: Float64[np.ndarray, "3 3"]) -> tuple[int, int]:
    """Return twice the principal point: where the file does not say the size of the pictures."""
    return max(1, round(2 * float(matrix[0, 2]) + 1)), max(1, round(2 * float(matrix[1, 2]) + 1))
