"""Cut the face box out of a frame, resize it, and bring it to one scale of grey."""

from dataclasses import dataclass

import numpy as np

from mystax.core.typing import Bool, Float, Float32, Shaped, UInt8
from mystax.errors import RoiError
from mystax.nets.kernels import normalise_crop, resize_box

__all__ = [
    "CropBox",
    "box_text",
    "crop_resize",
    "frame_box",
    "grey_span",
    "normalise",
    "normalise_images",
    "parse_box",
]

MIN_BOX = 16
"""Smallest side of a face box [px]."""


@dataclass(frozen=True, slots=True)
class CropBox:
    """A square of a frame, perhaps turned.

    Attributes
    ----------
    x, y : float
        Left and top: the square covers x - 0.5 to x + side - 0.5 [source px].
    side : float
        Side [source px].
    quarter_turns : int
        Quarter turns anticlockwise that bring the square upright.
    """

    x: float
    y: float
    side: float
    quarter_turns: int = 0

    def to_source(self, points: Float[np.ndarray, "*n space"], size: int) -> Float[np.ndarray, "*n space"]:
        """Carry points from crop pixels to source pixels."""
        scale = self.side / size
        across, down = points[..., 0], points[..., 1]
        last = size - 1
        for _ in range(self.quarter_turns % 4):
            across, down = last - down, across
        return np.stack(
            (self.x + (across + 0.5) * scale - 0.5, self.y + (down + 0.5) * scale - 0.5), axis=-1
        ).astype(points.dtype)

    def to_crop(self, points: Float[np.ndarray, "*n space"], size: int) -> Float[np.ndarray, "*n space"]:
        """Carry points from source pixels to crop pixels."""
        scale = self.side / size
        across = (points[..., 0] - self.x + 0.5) / scale - 0.5
        down = (points[..., 1] - self.y + 0.5) / scale - 0.5
        last = size - 1
        for _ in range(self.quarter_turns % 4):
            across, down = down, last - across
        return np.stack((across, down), axis=-1).astype(points.dtype)


def frame_box(height: int, width: int) -> CropBox:
    """Return the smallest centred square that holds a frame.

    Parameters
    ----------
    height, width : int
        Size of the frame [px].

    Returns
    -------
    CropBox
        The square; it hangs over the shorter sides.

    Examples
    --------
    >>> frame_box(30, 40)
    CropBox(x=0.0, y=-5.0, side=40.0, quarter_turns=0)
    """
    side = float(max(height, width))
    return CropBox((width - side) / 2, (height - side) / 2, side)


def grey_span(dtype: np.dtype, bits: int | None = None) -> float:
    """Return the least span of grey that a crop must have: 2 levels of 8 bits.

    Parameters
    ----------
    dtype : dtype
        Kind of the frames.
    bits : int, optional
        Depth of the codes; by default all bits of an unsigned dtype.

    Returns
    -------
    float
        Span in the frames' own unit; 0 for floating frames, whose unit is unknown.
    """
    if dtype.kind != "u":
        return 0.0
    return 2.0 * 2.0 ** ((bits or 8 * dtype.itemsize) - 8)


def crop_resize(
    frame: Shaped[np.ndarray, "y x"], box: CropBox, size: int
) -> tuple[Float32[np.ndarray, "size size"], Bool[np.ndarray, "size size"]]:
    """Resample a square of a frame.

    Area average where the square is larger than the crop, bilinear otherwise.  Crop pixel u lies at source
    pixel x + (u + 0.5) side / size - 0.5.  Training, evaluation and prediction all
    come through here.

    Parameters
    ----------
    frame : array (y, x)
        Grey frame, uint8, uint16 or float.
    box : CropBox
        The square; may hang over the frame.
    size : int
        Side of the crop [px].

    Returns
    -------
    crop : array (size, size)
        Grey in the frame's own unit; 0 where not valid.
    valid : array (size, size)
        Pixels whose centre lies in the frame and that touch no NaN.
    """
    if frame.dtype not in (np.uint8, np.uint16, np.float32):
        frame = frame.astype(np.float32)
    crop = np.empty((size, size), np.float32)
    valid = np.empty((size, size), np.bool_)
    resize_box(frame, float(box.x), float(box.y), float(box.side), crop, valid)
    if box.quarter_turns % 4:
        crop = np.ascontiguousarray(np.rot90(crop, box.quarter_turns))
        valid = np.ascontiguousarray(np.rot90(valid, box.quarter_turns))
    return crop, valid


def normalise(
    crop: Float32[np.ndarray, "size size"], valid: Bool[np.ndarray, "size size"], least_span: float
) -> bool:
    """Bring a crop to one scale of grey, in place: 1st percentile 0, 99th percentile 1, clipped to 0..1.5.

    Percentiles come from the valid pixels of every second row and column; invalid pixels become 0.

    Parameters
    ----------
    crop : array (size, size)
        Grey in any unit; changed.
    valid : array (size, size)
        Pixels that show something.
    least_span : float
        Least difference of the percentiles (`grey_span`).

    Returns
    -------
    bool
        False if the crop is flat: it is then all 0.
    """
    return bool(normalise_crop(crop, valid, least_span))


def normalise_images(images: UInt8[np.ndarray, "n y x"]) -> Float32[np.ndarray, "n y x"]:
    """Return normalised copies of square pictures that already are crops.

    Parameters
    ----------
    images : array (n, y, x)
        Grey crops, uint8.

    Returns
    -------
    array (n, y, x)
        Crops as the network takes them.
    """
    crops = images.astype(np.float32)
    everywhere = np.ones(images.shape[1:], np.bool_)
    for crop in crops:
        normalise_crop(crop, everywhere, 2.0)
    return crops


def parse_box(text: str, shape: tuple[int, int]) -> CropBox:
    """Read a face box from text.

    Parameters
    ----------
    text : str
        ``frame``, or ``x,y,side[,quarter turns]`` of its top left corner [px].
    shape : tuple of int
        Rows and columns of the frame.

    Returns
    -------
    CropBox
        The square.

    Raises
    ------
    RoiError
        P402, if the text is not understood, or the square is too small or outside of the frame.

    Examples
    --------
    >>> parse_box("10,20,100,1", (240, 320))
    CropBox(x=10.0, y=20.0, side=100.0, quarter_turns=1)
    """
    if text == "frame":
        return frame_box(*shape)
    try:
        numbers = [float(word) for word in text.split(",")]
        turns = int(numbers[3]) if len(numbers) == 4 else 0
        if len(numbers) not in (3, 4) or (len(numbers) == 4 and numbers[3] != turns) or turns not in range(4):
            raise ValueError(text)
    except ValueError as error:
        expected = "auto, frame, or x,y,side[,quarter turns 0 to 3]"
        raise RoiError("P402", "face box", expected=expected, got=text) from error
    x, y, side = numbers[:3]
    size = f"frames of {shape[1]} x {shape[0]} px"
    if not side >= MIN_BOX:
        raise RoiError("P402", "face box", expected=f"a side of at least {MIN_BOX} px", got=f"{side:g} px")
    if not (-side < x < shape[1] and -side < y < shape[0]):
        raise RoiError("P402", "face box", "it lies outside of the picture", expected=size, got=text)
    return CropBox(x, y, side, turns)


def box_text(box: CropBox) -> str:
    """Write a face box as `parse_box` reads it."""
    turns = f",{box.quarter_turns % 4}" if box.quarter_turns % 4 else ""
    return f"{box.x:.2f},{box.y:.2f},{box.side:.2f}{turns}"
