"""The frame number inside the picture: written and read as 24 blocks in the top left corner.

20 bits of the number (modulo 2^20, most significant bit first) and 4 check bits (the XOR of the five
nibbles XOR 1010b) fill 6 columns x 4 rows of blocks of 6 x 6 px, row by row, black 32 and white 224 of 255.
The check bits make an all-black or all-white corner unreadable instead of frame 0.
"""

import numpy as np

from mystax.core.typing import Shaped, UInt8

__all__ = ["BARCODE_SHAPE", "draw_barcode", "read_barcode"]

_ROWS, _COLUMNS, _BLOCK = 4, 6, 6
_N_BITS = 20
_BLACK, _WHITE = 32, 224
_MIDDLE = 128
_DEPTHS = (8, 10, 12, 14, 16)

BARCODE_SHAPE = (_ROWS * _BLOCK, _COLUMNS * _BLOCK)
"""Rows and columns [px] of the corner that the barcode covers."""


def _check_bits(number: int) -> int:
    """Return the XOR of the five nibbles of a number XOR 1010b."""
    check = 0b1010
    for shift in range(0, _N_BITS, 4):
        check ^= number >> shift & 0b1111
    return check


def draw_barcode(index: int) -> UInt8[np.ndarray, "y x"]:
    """Draw the barcode of a frame number.

    Parameters
    ----------
    index : int
        Frame number >= 0; its 20 low bits are drawn.

    Returns
    -------
    array (y, x)
        Grey levels 32 and 224, of shape `BARCODE_SHAPE`.

    Examples
    --------
    >>> read_barcode(draw_barcode(12345))
    12345
    """
    number = index % 2**_N_BITS
    word = number << 4 | _check_bits(number)
    is_white = word >> np.arange(_ROWS * _COLUMNS)[::-1] & 1 == 1
    levels = np.where(is_white, _WHITE, _BLACK).astype(np.uint8).reshape(_ROWS, _COLUMNS)
    return levels.repeat(_BLOCK, axis=0).repeat(_BLOCK, axis=1)


def read_barcode(frame: Shaped[np.ndarray, "y x"], bits: int | None = None) -> int | None:
    """Read the frame number in the top left corner of a picture.

    Parameters
    ----------
    frame : array (y, x), uint8 or uint16
        Full-range grey.
    bits : int, optional
        Depth of the picture; by default the smallest usual depth that holds the brightest pixel of the
        corner (a readable corner always has a white block, which needs the highest bit).

    Returns
    -------
    int or None
        The number modulo 2^20; None if the corner holds no barcode whose check bits agree.
    """
    height, width = BARCODE_SHAPE
    if frame.shape[0] < height or frame.shape[1] < width:
        return None
    corner = frame[:height, :width].astype(np.float64)
    depth = bits or next(depth for depth in _DEPTHS if corner.max() < 2**depth)
    inner = corner.reshape(_ROWS, _BLOCK, _COLUMNS, _BLOCK)[:, 1:-1, :, 1:-1]
    levels = inner.mean(axis=(1, 3)).ravel() / 2 ** (depth - 8)
    word = 0
    for level in levels:
        word = word << 1 | int(level >= _MIDDLE)
    number, check = word >> 4, word & 0b1111
    return number if check == _check_bits(number) else None
