"""What a measurement by a threshold sees in a frame: its picture, the pixels that count, their levels."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.core.geometry import Box
from mystax.core.typing import Bool, Float, Shaped, UInt8

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = ["DARK", "HIDDEN", "LIGHT", "N_LEVELS", "OUTSIDE", "Sight", "sight_dataset"]

OUTSIDE, LIGHT, DARK, HIDDEN = range(4)
"""Kinds of a pixel: not of the region; in it; in it and darker than the threshold; taken as a reflection."""
N_LEVELS = 256


@dataclass(frozen=True, eq=False)
class Sight:
    """One frame of one region as a measurement sees it.

    Attributes
    ----------
    picture : array (y, x)
        Grey levels of 8 bits of the region's box, on which the threshold works.
    inside : array (y, x)
        1 in the region.
    hidden : array (y, x)
        Pixels taken as reflections.
    thresholds : sequence of float
        Grey levels below which a pixel counts, in the order in which they are tried.
    box : Box
        Place in the camera's picture.
    is_inverted : bool
        Whether the picture is 255 - grey.
    points : array (ray, 2), optional
        Places of the rim that were found [px, camera's picture]; NaN where there is none.
    ellipse : sequence of float, optional
        Best fit, also where it is not trusted: x, y, long and short semi-axis [px], angle [rad].
    """

    picture: Float[np.ndarray, "y x"]
    inside: UInt8[np.ndarray, "y x"]
    hidden: Bool[np.ndarray, "y x"]
    thresholds: Sequence[float]
    box: Box
    is_inverted: bool = False
    points: Float[np.ndarray, "ray 2"] | None = None
    ellipse: Sequence[float] | None = None

    @property
    def kinds(self) -> UInt8[np.ndarray, "y x"]:
        """What each pixel is to the measurement: `OUTSIDE`, `LIGHT`, `DARK` or `HIDDEN`."""
        # In double precision, as in the loops: a threshold lies between two levels.
        is_dark = self.picture.astype(np.float64) < self.thresholds[0]
        kinds = np.where(self.hidden, HIDDEN, np.where(is_dark, DARK, LIGHT))
        return np.where(self.inside == 1, kinds, OUTSIDE).astype(np.uint8)

    @property
    def counts(self) -> Shaped[np.ndarray, " level"]:
        """Number of pixels of the region at each whole grey level, reflections left out."""
        usable = self.picture[(self.inside == 1) & ~self.hidden]
        levels = np.clip(np.floor(usable), 0, N_LEVELS - 1).astype(np.int64)
        return np.bincount(levels, minlength=N_LEVELS)


def sight_dataset(sight: Sight | None) -> Dataset:
    """Return a sight as the preview sends it; None for a frame that could not be read.

    Parameters
    ----------
    sight : Sight or None
        What was seen.

    Returns
    -------
    Dataset
        ``sight_picture`` and ``sight_kind`` (y, x), ``sight_counts`` (level), ``sight_thresholds``
        (attempt), ``sight_origin`` (axis), ``sight_inverted``, ``sight_points`` (ray, axis) and
        ``sight_ellipse`` (part); empty for None.
    """
    import xarray as xr

    if sight is None:
        return xr.Dataset()
    points = np.empty((0, 2)) if sight.points is None else sight.points
    ellipse = np.full(5, np.nan) if sight.ellipse is None else np.array(sight.ellipse)
    return xr.Dataset(
        {
            "sight_picture": (("y", "x"), np.clip(np.rint(sight.picture), 0, 255).astype(np.uint8)),
            "sight_kind": (("y", "x"), sight.kinds),
            "sight_counts": (("level",), sight.counts),
            "sight_thresholds": (("attempt",), np.array(sight.thresholds, np.float32)),
            "sight_origin": (("axis",), np.array([sight.box.x0, sight.box.y0], np.int32)),
            "sight_inverted": ((), np.uint8(sight.is_inverted)),
            "sight_points": (("ray", "axis"), points.astype(np.float32)),
            "sight_ellipse": (("part",), ellipse.astype(np.float32)),
        }
    )
