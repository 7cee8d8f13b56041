"""Large pictures of rows over time on their way to the page: bytes, means of 2, 4, 8 ... columns, tiles."""

import numpy as np

from mystax.core.typing import Float32, Shaped, UInt8

__all__ = ["CLIP", "MISSING", "TILE", "Raster", "masks_as_bytes"]

TILE = 256
"""Side of a tile [pixels]."""
CLIP = 2.0
"""A z-score beyond it is drawn like it."""
MISSING = 255
"""Byte of a value that is not there; 0 to 254 go from -CLIP to CLIP."""


def _standard(values: Float32[np.ndarray, "row column"]) -> Float32[np.ndarray, "row column"]:
    """Return z-scores of each row; a constant row is 0."""
    is_there = np.isfinite(values)
    n = np.maximum(is_there.sum(1, keepdims=True), 1)
    known = np.where(is_there, values, 0).astype(np.float64)
    centred = np.where(is_there, values - known.sum(1, keepdims=True) / n, 0)
    spread = np.sqrt((centred**2).sum(1, keepdims=True) / n)
    scores = centred / np.where(spread > 0, spread, 1)
    return np.where(is_there, scores, np.nan).astype(np.float32)


def _bytes(scores: Float32[np.ndarray, "row column"]) -> UInt8[np.ndarray, "row column"]:
    is_there = np.isfinite(scores)
    share = (np.clip(np.where(is_there, scores, 0), -CLIP, CLIP) + CLIP) / (2 * CLIP)
    return np.where(is_there, np.rint(share * (MISSING - 1)), MISSING).astype(np.uint8)


def _halved(scores: Float32[np.ndarray, "row column"]) -> Float32[np.ndarray, "row half"]:
    """Return means of two neighbouring columns; a missing one leaves the other."""
    if scores.shape[1] % 2:
        scores = np.pad(scores, ((0, 0), (0, 1)), constant_values=np.nan)
    first, second = scores[:, 0::2], scores[:, 1::2]
    mean = (first + second) / 2
    return np.where(np.isnan(first), second, np.where(np.isnan(second), first, mean)).astype(np.float32)


class Raster:
    """A picture of rows over time at all widths.

    Parameters
    ----------
    values : array (row, column)
        What is not finite is missing.
    is_scaled : bool, optional
        The values are z-scores already; else each row is made one.
    """

    def __init__(self, values: Shaped[np.ndarray, "row column"], *, is_scaled: bool = False) -> None:
        scores = np.array(values, np.float32)
        scores[~np.isfinite(scores)] = np.nan
        if not is_scaled:
            scores = _standard(scores)
        self._levels = [_bytes(scores)]
        while scores.shape[1] > TILE:
            scores = _halved(scores)
            self._levels.append(_bytes(scores))

    @property
    def n_bytes(self) -> int:
        """Size in memory."""
        return sum(level.nbytes for level in self._levels)

    @property
    def n_levels(self) -> int:
        """Number of widths; a column of level k is the mean of 2 ** k columns."""
        return len(self._levels)

    def shape(self, level: int) -> tuple[int, int]:
        """Return rows and columns of a level."""
        rows, columns = self._levels[level].shape
        return rows, columns

    def tile(self, level: int, tx: int, ty: int) -> UInt8[np.ndarray, "row column"]:
        """Return a tile, smaller at the right and lower edge, empty beyond."""
        return self._levels[level][ty * TILE : (ty + 1) * TILE, tx * TILE : (tx + 1) * TILE]


def masks_as_bytes(
    masks: Shaped[np.ndarray, "n y x"],
) -> tuple[Shaped[np.ndarray, "n y x"], Float32[np.ndarray, " n"]]:
    """Return signed pictures as int8 and the factor of each: value = byte * factor.

    Returns
    -------
    tuple of arrays (n, y, x) and (n,)
        The largest value of a picture, in absolute terms, is 127; what is not finite is 0.
    """
    known = np.nan_to_num(np.asarray(masks, np.float64), nan=0, posinf=0, neginf=0)
    most = np.abs(known).max(axis=(1, 2), initial=0)
    scale = np.where(most > 0, most, 1) / 127
    return np.rint(known / scale[:, None, None]).astype(np.int8), scale.astype(np.float32)
