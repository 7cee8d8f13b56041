"""Pictures for a screen: a frame's grey levels or colours as JPEG or PNG, at the size that is shown."""

import io

import numpy as np

from mystax.core.typing import Shaped, UInt8

__all__ = ["FORMATS", "encoded", "in_window", "window_of"]

FORMATS = {"jpeg": "image/jpeg", "png": "image/png"}
LOW, HIGH = 0.1, 99.9
"""Percentiles of the grey levels that become black and white where a camera has more than 8 bits."""


def window_of(frames: Shaped[np.ndarray, "n y x"]) -> tuple[float, float]:
    """Return the grey levels that become black and white: percentiles of some frames.

    Parameters
    ----------
    frames : array (n, y, x)
        Frames of the camera.

    Returns
    -------
    tuple of float
        Black and white, at least one level apart; (0, 255) without frames.
    """
    if frames.size == 0:
        return 0.0, 255.0
    low, high = np.percentile(frames, (LOW, HIGH))
    return float(low), float(max(high, low + 1))


def in_window(
    pixels: Shaped[np.ndarray, "y x *colour"], low: float, high: float
) -> UInt8[np.ndarray, "y x *colour"]:
    """Spread the levels low..high over 0..255; what is beyond becomes black or white."""
    spread = (pixels.astype(np.float32) - low) * (255.0 / (high - low))
    levels: np.ndarray = np.rint(np.clip(spread, 0, 255)).astype(np.uint8)
    return levels


def encoded(
    pixels: UInt8[np.ndarray, "y x *colour"],
    *,
    form: str = "jpeg",
    quality: int = 85,
    width: int | None = None,
) -> bytes:
    """Encode a picture, smaller where it is shown smaller.

    Parameters
    ----------
    pixels : array (y, x) or (y, x, 3)
        Grey levels, or red, green and blue.
    form : {"jpeg", "png"}, optional
        How; PNG keeps every level.
    quality : int, optional
        Of JPEG, 1 to 95.
    width : int, optional
        Width on the screen [px]; a picture is never made larger.

    Returns
    -------
    bytes
        The file.
    """
    from PIL import Image

    picture = Image.fromarray(np.ascontiguousarray(pixels))
    if width is not None and 0 < width < picture.width:
        height = max(1, round(picture.height * width / picture.width))
        picture = picture.resize((width, height), Image.Resampling.BOX)
    out = io.BytesIO()
    if form == "png":
        picture.save(out, "PNG", compress_level=1)
    else:
        picture.save(out, "JPEG", quality=quality)
    return out.getvalue()
