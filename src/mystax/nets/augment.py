"""Augmentation of grey crops and their points, in batches."""

from dataclasses import dataclass

import numpy as np

from mystax.core.typing import Bool, Float32, Int64, UInt8
from mystax.nets.kernels.augment import augment_crops

__all__ = ["ABSENT", "INVISIBLE", "PLACED", "UNLABELLED", "Augmentation", "augment", "mirror_order"]

ABSENT, INVISIBLE, PLACED, UNLABELLED = 0, 1, 2, 255
"""States of a point: not in the picture, hidden, seen, not labelled."""

_NOISE = 1 << 18


@dataclass(frozen=True, slots=True)
class Augmentation:
    """Ranges of augmentation.

    Attributes
    ----------
    rotation : float
        Largest turn either way [rad].
    scale : tuple of float
        Least and largest factor on the size of what is seen.
    shift : float
        Largest shift either way, as a share of the crop.
    mirror : float
        Chance of a mirror image.
    open_border : float
        Chance that what lies outside of the picture is filled from its border, instead of being invalid.
    occluder : float
        Chance of each of two blobs or boxes over the picture.
    gamma : tuple of float
        Least and largest exponent on the grey levels.
    degrade : float
        Factor on the chances of blur, motion, resampling, noise and block loss.
    light : float
        Chance that gamma, contrast and light are changed at all.
    """

    rotation: float = float(np.deg2rad(25.0))
    scale: tuple[float, float] = (0.7, 1.4)
    shift: float = 0.12
    mirror: float = 0.5
    open_border: float = 0.4
    occluder: float = 0.12
    gamma: tuple[float, float] = (0.6, 1.6)
    degrade: float = 1.0
    light: float = 0.9

    def as_ranges(self) -> Float32[np.ndarray, " range"]:
        """Return the numbers in the order that the kernel reads."""
        return np.array(
            [
                self.rotation,
                *self.scale,
                self.shift,
                self.mirror,
                self.open_border,
                self.occluder,
                *self.gamma,
                self.degrade,
                self.light,
            ],
            np.float32,
        )


def mirror_order(n_keypoints: int, pairs: list[tuple[int, int]]) -> Int64[np.ndarray, " keypoint"]:
    """Say which point each point becomes in a mirror image.

    Parameters
    ----------
    n_keypoints : int
        Number of points.
    pairs : list of (int, int)
        Left and right points that change places; the others stay what they are.

    Returns
    -------
    array (keypoint,)
        Index of the point to read for each point.

    Examples
    --------
    >>> mirror_order(4, [(1, 3)]).tolist()
    [0, 3, 2, 1]
    """
    order = np.arange(n_keypoints)
    for left, right in pairs:
        order[left], order[right] = right, left
    return order


_noise_table: dict[int, Float32[np.ndarray, " value"]] = {}


def _noise() -> Float32[np.ndarray, " value"]:
    """Return one table of normal numbers that all noise is read from."""
    if not _noise_table:
        _noise_table[0] = np.random.default_rng(20).standard_normal(_NOISE, dtype=np.float32)
    return _noise_table[0]


def augment(
    images: UInt8[np.ndarray, "n y x"],
    xy: Float32[np.ndarray, "n keypoint space"],
    state: UInt8[np.ndarray, "n keypoint"],
    rng: np.random.Generator,
    *,
    size: int,
    ranges: Augmentation,
    order: Int64[np.ndarray, " keypoint"],
    valid: Bool[np.ndarray, "n y x"] | None = None,
) -> tuple[
    Float32[np.ndarray, "n size size"],
    Float32[np.ndarray, "n keypoint space"],
    UInt8[np.ndarray, "n keypoint"],
]:
    """Change pictures as cameras, labs and mice would, and carry their points along.

    Parameters
    ----------
    images : array (n, y, x)
        Square grey crops, uint8.
    xy : array (n, keypoint, space)
        Points [px of the crops].
    state : array (n, keypoint)
        0 absent, 1 invisible, 2 placed, 255 not labelled.
    rng : Generator
        Source of all chance: same generator, same outcome.
    size : int
        Side of the crops made [px].
    ranges : Augmentation
        How far to go.
    order : array (keypoint,)
        What a mirror does to the points (`mirror_order`).
    valid : array (n, y, x), optional
        Pixels that show something; by default all.

    Returns
    -------
    crops : array (n, size, size)
        Normalised crops.
    xy : array (n, keypoint, space)
        Points [px of the crops made].
    state : array (n, keypoint)
        States; points that left the crop are absent, points under an occluder invisible.
    """
    n, n_keypoints = state.shape
    crops = np.empty((n, size, size), np.float32)
    xy_out = np.empty((n, n_keypoints, 2), np.float32)
    state_out = np.empty((n, n_keypoints), np.uint8)
    masks = np.empty((0, 1, 1), np.bool_) if valid is None else valid
    u = rng.random((n, 64))
    augment_crops(
        np.ascontiguousarray(images),
        masks,
        np.nan_to_num(xy),
        state,
        order,
        u,
        ranges.as_ranges(),
        _noise(),
        crops,
        xy_out,
        state_out,
    )
    return crops, xy_out, state_out
