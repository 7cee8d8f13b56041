"""Cut a region's box out of frames, as full-range grey."""

import numpy as np

from mystax.core.geometry import Box, Roi
from mystax.core.recording import FrameChunk
from mystax.core.typing import Shaped, UInt8

__all__ = ["grey_crop", "grey_unit", "mask_in_box"]


def grey_crop(chunk: FrameChunk, box: Box) -> Shaped[np.ndarray, "n y x"]:
    """Copy a box of all frames of a chunk.

    Parameters
    ----------
    chunk : FrameChunk
        Frames that hold the whole box.
    box : Box
        Place in the full picture.

    Returns
    -------
    array (n, y, x)
        Full-range grey in the camera's depth, uint8 or uint16, contiguous and free to be written to.
    """
    x, y = chunk.origin
    codes = chunk.codes[:, box.y0 - y : box.y1 - y, box.x0 - x : box.x1 - x]
    if chunk.grey_map.is_identity:
        return np.array(codes, order="C")
    return np.ascontiguousarray(chunk.grey_map.table()[codes])


def grey_unit(bits: int) -> float:
    """Return the grey levels of 8 bits per full-range code of a depth.

    Parameters
    ----------
    bits : int
        Depth of the codes.

    Returns
    -------
    float
        1 for 8 bits, 1/4 for 10 bits.
    """
    return float(2.0 ** (8 - bits))


def mask_in_box(roi: Roi, box: Box) -> UInt8[np.ndarray, "y x"]:
    """Return 1 for the pixels of a box that lie inside a region."""
    y, x = np.mgrid[box.y0 : box.y1, box.x0 : box.x1].astype(np.float64)
    return np.asarray(roi.shape.contains(x, y), np.uint8)
