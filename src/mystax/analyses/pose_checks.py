"""What `pose` refuses before a frame is read: pictures too small, boxes outside of them, unknown points."""

from typing import TYPE_CHECKING, Any

from mystax.analyses.pose_params import PoseParams
from mystax.errors import RoiError

if TYPE_CHECKING:
    from mystax.nets.crop import CropBox
else:
    CropBox = Any

__all__ = ["check_pose", "given_box", "is_too_small"]

MIN_SIDE = 32
"""Smallest side of a picture in which a face can be tracked [px]."""
MOST_SIDE = 4
"""Largest side of a face box, in longer sides of the picture."""
LEAST_INSIDE = 0.25
"""Least part of a face box inside the picture, as a share of what could be inside: any box whose middle lies
in the picture has it, so the boxes that are found have it too."""


def check_pose(params: PoseParams, camera: str, shape: tuple[int, int]) -> None:
    """Refuse what cannot be used on the pictures of a camera.

    Parameters
    ----------
    params : PoseParams
        Parameters.
    camera : str
        Its name, for messages.
    shape : tuple of int
        Rows and columns of its pictures.

    Raises
    ------
    RoiError
        P402, if the pictures are too small and are not to be skipped, or the box cannot be used.
    ParameterError, WeightsError, RecipeError
        P401, M701, M702, P403, if points are named and there are no such weights, or they lack a point.

    Notes
    -----
    What is set by itself is refused nothing and loads nothing: a plan is made at once.
    """
    is_too_small(params, camera, shape)
    if params.box != "auto":
        given_box(params.box, shape)
    if params.keypoints not in ("auto", "all"):
        from mystax.nets.predictor import check_points

        check_points(params.weights, params.keypoints)


def is_too_small(params: PoseParams, camera: str, shape: tuple[int, int]) -> bool:
    """Tell whether pictures are too small for a face and are to be skipped.

    Raises
    ------
    RoiError
        P402, if they are too small and are not to be skipped.
    """
    is_small = min(shape) < MIN_SIDE
    if is_small and (params.no_face != "skip" or params.box != "auto"):
        raise RoiError(
            "P402",
            f"camera {camera!r}",
            "the pictures are too small for keypoints",
            expected=f"sides of at least {MIN_SIDE} px",
            got=f"{shape[1]} x {shape[0]} px",
        )
    return is_small


def given_box(text: str, shape: tuple[int, int]) -> CropBox:
    """Read a face box and compare it with the picture.

    Parameters
    ----------
    text : str
        As `mystax.nets.box_text.parse_box` takes it.
    shape : tuple of int
        Rows and columns of the picture.

    Returns
    -------
    CropBox
        The square; it may hang over the picture.

    Raises
    ------
    RoiError
        P402, if the text is not understood, or the square is too small, far too large, or mostly outside.
    """
    from mystax.nets.box_text import parse_box

    box = parse_box(text, shape)
    if text == "frame":
        return box
    most = MOST_SIDE * max(shape)
    size = f"pictures of {shape[1]} x {shape[0]} px"
    if box.side > most:
        expected = f"a side of at most {most} px in {size}"
        raise RoiError(
            "P402", "face box", "it is far larger than the picture", expected=expected, got=f"{box.side:g} px"
        )
    inside = possible = 1.0
    for start, length in ((box.x, shape[1]), (box.y, shape[0])):
        inside *= max(0.0, min(start + box.side, length) - max(start, 0.0))
        possible *= min(box.side, length)
    if inside < LEAST_INSIDE * possible:
        expected = f"at least a quarter of it, or of the picture, inside {size}"
        raise RoiError("P402", "face box", "it lies outside of the picture", expected=expected, got=text)
    return box
