"""Single pictures: reading what others wrote, and lossless copies of labelled frames as PNG."""

import io
import struct
from pathlib import Path
from typing import Any

import numpy as np

from mystax.core.typing import Shaped
from mystax.errors import FormatError, RecipeError

__all__ = ["SUFFIXES", "is_still", "png_of", "read_still", "still_size"]

SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp")
FORMATS = ("PNG", "JPEG", "TIFF", "BMP")
MAX_PIXELS = 1 << 28
BITS, KIND = 258, 254
"""TIFF's tags of the bits of a sample, and of what a page is: an odd number tells a smaller copy."""
DAMAGED = (OSError, ValueError, SyntaxError, TypeError, LookupError, EOFError, ArithmeticError, struct.error)
"""What Pillow raises where a file that begins as a picture does not go on as one."""


def is_still(path: Path | str) -> bool:
    """Tell by its name whether a file is a single picture."""
    return Path(path).suffix.lower() in SUFFIXES


def _open(path: Path | str) -> Any:
    from PIL import Image, UnidentifiedImageError

    try:
        picture = Image.open(path, formats=FORMATS)
    except FileNotFoundError as error:
        raise RecipeError("P403", str(path), "there is no such picture") from error
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise FormatError("F804", str(path), f"not a picture that can be read ({error})") from error
    if picture.width * picture.height > MAX_PIXELS:
        got = f"{picture.width} x {picture.height}"
        picture.close()
        raise FormatError("F802", str(path), expected=f"at most {MAX_PIXELS} pixels", got=got)
    return picture


def still_size(path: Path | str) -> tuple[int, int]:
    """Return rows and columns of a picture without reading its pixels.

    Raises
    ------
    RecipeError
        P403, if there is no such file.
    FormatError
        F802, F804, if it is too large or no picture.
    """
    with _open(path) as picture:
        return picture.height, picture.width


def read_still(path: Path | str) -> Shaped[np.ndarray, "y x"]:
    """Read a picture in grey, at its depth.

    Parameters
    ----------
    path : path
        PNG, JPEG, TIFF or BMP; colours become grey as 0.299 R + 0.587 G + 0.114 B.

    Returns
    -------
    array (y, x)
        uint8, or uint16 for deeper pictures [grey levels].  Those of 32 bits and of floats are uint8 where
        that holds them, else uint16.

    Raises
    ------
    RecipeError
        P403, if there is no such file.
    FormatError
        F802, F804, if it is too large, damaged, no picture or several, or its grey levels are other numbers.
    """
    with _open(path) as picture:
        try:
            if (n_pages := _n_pages(picture)) > 1:
                raise FormatError(
                    "F804",
                    str(path),
                    "the file holds several pictures",
                    expected="one",
                    got=f"{n_pages} pages",
                    hint="write each page to a file of its own",
                )
            deep = picture.mode.startswith("I") or picture.mode == "F"
            is_wide = picture.mode == "F" or getattr(picture, "tag_v2", {}).get(BITS, (16,))[0] > 16
            pixels = np.asarray(picture if deep else picture.convert("L"))
        except DAMAGED as error:
            raise FormatError("F804", str(path), f"the picture is damaged ({error})") from error
    if not deep:
        return np.array(pixels, np.uint8)
    return _of_deep(pixels, str(path), is_wide=is_wide)


def _n_pages(picture: Any) -> int:
    """Count the pages of a TIFF file; smaller copies of one, as cameras add them, are none."""
    if picture.format != "TIFF":
        return 1
    n_pages = 0
    for number in range(int(picture.n_frames)):
        picture.seek(number)
        n_pages += not int(picture.tag_v2.get(KIND, 0)) & 1
    picture.seek(0)
    return n_pages


def _of_deep(pixels: Shaped[np.ndarray, "y x"], where: str, *, is_wide: bool) -> Shaped[np.ndarray, "y x"]:
    """Return grey levels of 16 bits; wider whole ones in the narrowest type that holds them."""
    low, high = (pixels.min(), pixels.max()) if pixels.size else (0, 0)
    is_whole = pixels.dtype.kind != "f" or bool((pixels == np.rint(pixels)).all())
    if not (is_whole and low >= 0 and high <= 65_535):
        raise FormatError(
            "F804",
            where,
            "the grey levels are no whole numbers of 8 or 16 bits",
            expected="0 to 65535",
            got=f"{pixels.dtype} from {low:g} to {high:g}",
            hint="save the picture with 16 bits",
        )
    return np.array(pixels, np.uint8 if is_wide and high <= 255 else np.uint16)


def png_of(pixels: Shaped[np.ndarray, "y x"]) -> bytes:
    """Return a grey picture as the bytes of a PNG file, without loss.

    Parameters
    ----------
    pixels : array (y, x)
        uint8 or uint16.

    Returns
    -------
    bytes
        The file.
    """
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(stream, "PNG", compress_level=3)
    return stream.getvalue()
