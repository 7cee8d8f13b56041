"""Cut the face box out of a frame, resize it, and bring it to one scale of grey."""

from dataclasses import dataclass

import numpy as np

from mystax.core.typing import Bool, Float, Float32, Float64, Shaped, UInt8
from mystax.nets.kernels.crops import normalise_crop, resize_box

__all__ = [
    "CropBox",
    "crop_by_frame",
    "crop_resize",
    "facemap_crop",
    "frame_box",
    "grey_span",
    "normalise",
    "normalise_crops",
]


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
        Pixels whose centre lies in the frame and that touch no NaN and nothing infinite.
    """
    if frame.dtype not in (np.uint8, np.uint16, np.float32):
        frame = frame.astype(np.float32)
    crop = np.empty((size, size), np.float32)
    valid = np.empty((size, size), np.bool_)
    resize_box(frame, float(box.x), float(box.y), float(box.side), crop, valid)
    if frame.dtype == np.float32:
        valid &= np.isfinite(crop)
        crop[~valid] = 0.0
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


def facemap_crop(
    frame: Shaped[np.ndarray, "y x"], edges: tuple[int, int, int, int], size: int = 256
) -> tuple[Float32[np.ndarray, "size size"], CropBox]:
    """Prepare a frame as Facemap does, for comparisons with it.

    Percentiles 1 and 99 of the whole frame become 0 and 1, nothing is clipped; the box is cut out, padded
    with zeros to a square and resampled bilinearly, without averaging.

    Parameters
    ----------
    frame : array (y, x)
        Grey frame.
    edges : tuple of int
        y1, y2, x1, x2 of the box [px], inside of the frame.
    size : int, optional
        Side of the crop (256).

    Returns
    -------
    crop : array (size, size)
        What Facemap's network takes.
    box : CropBox
        The padded square; Facemap's places are ``box.x + u side / size``, without half pixels.
    """
    y1, y2, x1, x2 = edges
    height, width = y2 - y1, x2 - x1
    side = max(height, width) + (height - width) % 2
    box = CropBox(float(x1 - (side - width) // 2), float(y1 - (side - height) // 2), float(side))
    kept = np.zeros(frame.shape, np.bool_)
    kept[y1:y2, x1:x2] = True
    return crop_by_frame(frame, box, size, kept)[0], box


def crop_by_frame(
    frame: Shaped[np.ndarray, "y x"],
    box: CropBox,
    size: int,
    kept: Bool[np.ndarray, "y x"] | None = None,
    least_span: float = 0.0,
) -> tuple[Float32[np.ndarray, "size size"], bool]:
    """Cut a box out as Facemap does: grey by percentiles of the whole frame, nothing clipped or averaged.

    Parameters
    ----------
    frame : array (y, x)
        Grey frame.
    box : CropBox
        The square; what lies outside of the frame is 0.
    size : int
        Side of the crop.
    kept : array (y, x), optional
        Pixels that count; the others are 0.  By default all.
    least_span : float, optional
        Least difference of the percentiles; below it the frame is flat (0).

    Returns
    -------
    crop : array (size, size)
        Percentile 1 of the frame at 0, percentile 99 at 1.
    is_flat : bool
        Whether the frame has too little contrast.
    """
    low, high = np.nanpercentile(frame, [1, 99])
    values = (frame.astype(np.float64) - low) / max(float(high - low), 1e-9)
    values = np.nan_to_num(values) if kept is None else np.where(kept, values, 0.0)
    at = np.clip((np.arange(size) + 0.5) * box.side / size - 0.5, 0.0, box.side - 1.0)
    rows = _along_rows(values, box.y + at)
    crop = _along_rows(rows.T, box.x + at).T
    return np.rot90(crop, box.quarter_turns).astype(np.float32), bool(high - low < least_span)


def _along_rows(
    values: Float64[np.ndarray, "y x"], at: Float64[np.ndarray, " size"]
) -> Float64[np.ndarray, "size x"]:
    """Read rows at fractional places, linearly; rows outside are 0."""
    padded = np.zeros((len(values) + 2, values.shape[1]))
    padded[1:-1] = values
    first = np.floor(at)
    share = (at - first)[:, None]
    rows = [np.clip(first + step, 0, len(values) + 1).astype(np.int64) for step in (1, 2)]
    return np.asarray(padded[rows[0]] * (1 - share) + padded[rows[1]] * share)


def normalise_crops(
    crops: UInt8[np.ndarray, "n y x"], valid: Bool[np.ndarray, "n y x"] | None = None
) -> Float32[np.ndarray, "n y x"]:
    """Return normalised copies of many crops.

    Parameters
    ----------
    crops : array (n, y, x)
        Grey crops, uint8.
    valid : array (n, y, x), optional
        Pixels that show something; by default all.

    Returns
    -------
    array (n, y, x)
        Crops as the network takes them.
    """
    made = crops.astype(np.float32)
    everywhere = np.ones(crops.shape[1:], np.bool_)
    for i, crop in enumerate(made):
        normalise_crop(crop, everywhere if valid is None else valid[i], 2.0)
    return made
