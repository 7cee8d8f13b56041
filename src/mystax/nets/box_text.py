"""Face boxes as people write them: ``x,y,side``, ``frame``."""

import math

from mystax.errors import RoiError
from mystax.nets.crop import CropBox, frame_box

__all__ = ["MIN_BOX", "box_text", "parse_box"]

MIN_BOX = 16
"""Smallest side of a face box [px]."""
MOST = 2**31
"""Largest number in a face box [px]: no frame is as wide."""


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
        if not all(math.isfinite(number) and abs(number) <= MOST for number in numbers):
            raise ValueError(text)
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
