"""Pixels of decoded pictures: luma codes as stored, grey range, rotation, crop.

Pictures are frames of FFmpeg's library; this module does not import it.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np

from mystax.core.geometry import Box
from mystax.core.recording import GreyMap
from mystax.core.typing import Shaped
from mystax.errors import ParameterError, VideoError

__all__ = [
    "GREY_RANGES",
    "Picture",
    "PixelPlan",
    "decide_range",
    "grey_map_of",
    "grey_of_rgb",
    "other_range_tag",
    "plan_pixels",
    "read_colour",
    "read_grey",
    "share_outside_limited",
]

Picture = Any
"""A decoded frame of FFmpeg's library."""

GREY_RANGES = ("auto", "full", "limited")
FULL_RANGE_TAG, LIMITED_RANGE_TAG = 2, 1
# First luma sample and distance between luma samples, in samples, where luma is mixed with colour.
INTERLEAVED = {"yuyv422": (0, 2), "yvyu422": (0, 2), "uyvy422": (1, 2), "ya8": (0, 2)}
INTERLEAVED |= {f"{name}{end}": (0, 2) for name in ("y210", "y212", "y216", "ya16") for end in ("le", "be")}
# Formats that hold their bits at the top of 16.
HIGH_ALIGNED = ("p010", "p012", "p210", "p212", "p410", "p412", "y210", "y212")


@dataclass(frozen=True, slots=True)
class PixelPlan:
    """How the grey of one pixel format is read.

    Attributes
    ----------
    kind : {"luma", "planar", "packed"}
        A luma component, planes of green, blue and red, or packed red, green and blue.
    bits : int
        Depth of the grey.
    sample : dtype
        Type of a stored sample.
    offset, step : int
        First sample and distance between samples of a row (luma).
    shift : int
        Bits below the value in a stored sample.
    through : str
        Pixel format to convert to first; empty where the planes are read as they are.
    """

    kind: Literal["luma", "planar", "packed"]
    bits: int
    sample: np.dtype
    offset: int = 0
    step: int = 1
    shift: int = 0
    through: str = ""

    @property
    def dtype(self) -> np.dtype:
        """Type of the codes: uint8 up to 8 bits, else uint16."""
        return np.dtype(np.uint8 if self.bits <= 8 else np.uint16)


def plan_pixels(pixels: Any, where: str = "video") -> PixelPlan:
    """Decide how the grey of a pixel format is read.

    Parameters
    ----------
    pixels : VideoFormat
        FFmpeg's description of the format.
    where : str, optional
        The file, for the error.

    Returns
    -------
    PixelPlan
        The way.

    Raises
    ------
    VideoError
        V104, if the format holds more than 16 bits or floating-point numbers.
    """
    name: str = pixels.name
    bits = int(pixels.components[0].bits)
    if bits > 16 or "f16" in name or "f32" in name:
        raise VideoError("V104", where, expected="whole numbers of up to 16 bits", got=f"pixel format {name}")
    stored = np.dtype(np.uint8 if bits <= 8 else (">u2" if pixels.is_big_endian else "<u2"))
    if pixels.is_bit_stream and bits == 1:
        return PixelPlan("luma", 8, np.dtype(np.uint8), through="gray")
    if pixels.has_palette or pixels.is_bayer or (pixels.is_rgb and not pixels.is_planar):
        wide = bits > 8
        kind = np.dtype("<u2" if wide else np.uint8)
        return PixelPlan("packed", 16 if wide else 8, kind, through="rgb48le" if wide else "rgb24")
    if pixels.is_rgb:
        return PixelPlan("planar", bits, stored)
    shift = (16 - bits) if name.startswith(HIGH_ALIGNED) else 0
    if name in INTERLEAVED:
        offset, step = INTERLEAVED[name]
        return PixelPlan("luma", bits, stored, offset, step, shift)
    if pixels.is_planar or len(pixels.components) == 1:
        return PixelPlan("luma", bits, stored, shift=shift)
    suffix = "" if bits <= 8 else f"{bits}le"
    return PixelPlan("luma", bits, np.dtype("<u2" if suffix else np.uint8), through=f"yuv444p{suffix}")


def _plane(picture: Picture, number: int, plan: PixelPlan, samples: int) -> Shaped[np.ndarray, "y x"]:
    """View of one plane, cropped to the first `samples` of each row."""
    plane = picture.planes[number]
    strides = (plane.line_size, plan.sample.itemsize)
    return np.ndarray((picture.height, samples), plan.sample, plane, strides=strides)


def _turned(
    pixels: Shaped[np.ndarray, "y x ..."], rotation: int, box: Box | None
) -> Shaped[np.ndarray, "row column ..."]:
    """View of a picture turned counter-clockwise by `rotation` degrees and cropped to `box`."""
    if rotation:
        pixels = np.rot90(pixels, rotation // 90)
    return pixels if box is None else pixels[box.y0 : box.y1, box.x0 : box.x1]


def read_grey(
    picture: Picture, plan: PixelPlan, rotation: int = 0, box: Box | None = None
) -> Shaped[np.ndarray, "y x"]:
    """Read the grey codes of a picture: a view where the stored samples are the codes.

    Parameters
    ----------
    picture : frame of FFmpeg's library
        The picture.
    plan : PixelPlan
        How its format is read.
    rotation : int, optional
        Counter-clockwise turn for display: 0, 90, 180 or 270 [degrees].
    box : Box, optional
        Part of the displayed picture.

    Returns
    -------
    array (y, x)
        Codes; only good as long as the picture lives.
    """
    if plan.through:
        picture = picture.reformat(format=plan.through)
    width = picture.width
    if plan.kind == "luma":
        luma = _plane(picture, 0, plan, width * plan.step)
        if plan.step > 1:
            luma = luma[:, plan.offset :: plan.step]
        codes = _turned(luma, rotation, box)
        return np.asarray(codes >> plan.shift) if plan.shift else codes
    if plan.kind == "planar":
        green, blue, red = (_turned(_plane(picture, k, plan, width), rotation, box) for k in range(3))
        return grey_of_rgb(red, green, blue)
    colours = _turned(_plane(picture, 0, plan, width * 3).reshape(-1, width, 3), rotation, box)
    return grey_of_rgb(colours[..., 0], colours[..., 1], colours[..., 2])


def grey_of_rgb(
    red: Shaped[np.ndarray, "y x"], green: Shaped[np.ndarray, "y x"], blue: Shaped[np.ndarray, "y x"]
) -> Shaped[np.ndarray, "y x"]:
    """Weigh red, green and blue into grey, in integers; equal colours give exactly that value.

    References
    ----------
    .. [1] ITU-R Recommendation BT.601-7 (2011), section 2.5.1
    """
    weighed = np.multiply(red, 4899, dtype=np.uint32)
    weighed += np.multiply(green, 9617, dtype=np.uint32)
    weighed += np.multiply(blue, 1868, dtype=np.uint32)
    weighed += 8192
    weighed >>= 14
    return np.asarray(weighed, np.uint8 if red.dtype.itemsize == 1 else np.uint16)


def read_colour(picture: Picture, rotation: int = 0) -> Shaped[np.ndarray, "y x colour"]:
    """Read red, green and blue of 8 bits: for display only, never for measurements."""
    pixels = picture.reformat(format="rgb24")
    plane = _plane(pixels, 0, _RGB24, pixels.width * 3).reshape(-1, pixels.width, 3)
    return np.ascontiguousarray(_turned(plane, rotation, None))


_RGB24 = PixelPlan("packed", 8, np.dtype(np.uint8))


def decide_range(pixels: Any, tag: int, grey_range: str = "auto") -> tuple[str, str]:
    """Decide the grey range of a video, and say what decided it.

    Parameters
    ----------
    pixels : VideoFormat
        FFmpeg's description of the pixel format.
    tag : int
        FFmpeg's range tag: 1 limited, 2 full, else none.
    grey_range : {"auto", "full", "limited"}, optional
        The user's word.

    Returns
    -------
    tuple of str
        "full" or "limited"; "user", "tag", "format" or "assumed".

    Raises
    ------
    ParameterError
        P401, if `grey_range` is not one of the three.
    """
    if grey_range not in GREY_RANGES:
        raise ParameterError(
            "P401", "parameter 'grey_range'", expected=" or ".join(GREY_RANGES), got=repr(grey_range)
        )
    is_colour = pixels.is_rgb or pixels.has_palette or pixels.is_bayer or pixels.is_bit_stream
    if grey_range != "auto":
        return grey_range, "user"
    if is_colour:
        return "full", "format"
    if tag in (FULL_RANGE_TAG, LIMITED_RANGE_TAG):
        return ("full" if tag == FULL_RANGE_TAG else "limited"), "tag"
    if pixels.name.startswith(("yuvj", "gray", "ya8", "ya16")):
        return "full", "format"
    return "limited", "assumed"


def other_range_tag(color_range: str, source: str, plan: PixelPlan) -> int | None:
    """Return the range tag that contradicts the range of a video.

    Parameters
    ----------
    color_range, source : str
        What `decide_range` says.
    plan : PixelPlan
        How the grey is read.

    Returns
    -------
    int or None
        FFmpeg's tag; None where tags do not count: the user's word does, or the colours are red, green, blue.
    """
    if source == "user" or plan.kind != "luma":
        return None
    return LIMITED_RANGE_TAG if color_range == "full" else FULL_RANGE_TAG


@lru_cache(maxsize=64)
def grey_map_of(grey_range: str, bits: int) -> GreyMap:
    """Return the map from codes to grey levels of a range."""
    return GreyMap.full(bits) if grey_range == "full" else GreyMap.limited(bits)


def share_outside_limited(codes: Shaped[np.ndarray, "y x"], bits: int) -> float:
    """Tell which share of the codes lies outside the limited range (16..235 of 8 bits)."""
    scale = 1 << max(0, bits - 8)
    return float(np.mean((codes < 16 * scale) | (codes > 235 * scale)))
