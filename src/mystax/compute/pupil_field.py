"""A pupil region in a picture, what the measurement is told, and what it decides before the first frame."""

import zlib
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, Protocol, runtime_checkable

import numpy as np
from scipy.ndimage import distance_transform_edt

from mystax.compute.crops import mask_in_box
from mystax.core.geometry import Box, Roi
from mystax.core.typing import UInt8

__all__ = ["PupilDecided", "PupilField", "PupilSettings"]

_MARGIN = 3
_BORDER = 2.0


@runtime_checkable
class PupilSettings(Protocol):
    """What the measurement must be told (declared with ranges and help in `mystax.analyses.pupil`)."""

    @property
    def method(self) -> Literal["rim", "moments"]:
        """How the ellipse is found."""
        ...

    @property
    def threshold(self) -> float | Literal["auto"]:
        """Grey level below which pixels can be pupil."""
        ...

    @property
    def sigma(self) -> float:
        """Standard deviations beyond which pixels are not pupil."""
        ...

    @property
    def polarity(self) -> Literal["dark", "bright", "auto"]:
        """Whether the pupil is darker or brighter than the iris."""
        ...

    @property
    def reflection_level(self) -> float | Literal["auto"]:
        """Grey level from which pixels are reflections."""
        ...

    @property
    def min_confidence(self) -> float:
        """Confidence below which the values are missing."""
        ...

    @property
    def max_axis_ratio(self) -> float:
        """Longest over shortest axis of a pupil."""
        ...

    @property
    def smooth(self) -> float:
        """Window of the running median [s]."""
        ...

    @property
    def max_gap(self) -> float:
        """Longest bridged hole [s]."""
        ...

    @property
    def facemap_compat(self) -> bool:
        """Whether to compute moments as Facemap does."""
        ...


@dataclass(frozen=True, eq=False)
class PupilField:
    """A pupil region in a picture: its box with a margin, and what lies where in it.

    Attributes
    ----------
    roi : Roi
        The region.
    shape : tuple (rows, columns)
        Size of the picture.
    """

    roi: Roi
    shape: tuple[int, int]

    @cached_property
    def box(self) -> Box:
        """The region's box and 3 px around it, inside the picture."""
        return self.roi.box(self.shape).grow(_MARGIN).clip(self.shape)

    @cached_property
    def mask(self) -> UInt8[np.ndarray, "y x"]:
        """1 inside the region."""
        return mask_in_box(self.roi, self.box)

    @cached_property
    def drawn(self) -> UInt8[np.ndarray, "y x"]:
        """1 inside the reflections that were drawn."""
        drawn = np.zeros_like(self.mask)
        for shape in self.roi.reflections:
            drawn |= mask_in_box(Roi(self.roi.name, "pupil", shape), self.box)
        return drawn

    @cached_property
    def border(self) -> UInt8[np.ndarray, "y x"]:
        """1 outside the region and within 2 px of its outline."""
        # Beyond the box lies outside; a pixel's centre is half a pixel nearer to the outline.
        depth = distance_transform_edt(np.pad(self.mask, 1))[1:-1, 1:-1] - 0.5
        return np.asarray(depth <= _BORDER, np.uint8)

    @cached_property
    def seed(self) -> np.uint64:
        """Start of the random numbers: the region's name alone."""
        name = self.roi.name.encode()
        return np.uint64(zlib.crc32(name) | (zlib.crc32(name, 0x9E3779B9) << 32))


@dataclass(frozen=True, slots=True)
class PupilDecided:
    """What is decided before the first frame.

    Attributes
    ----------
    thresholds : tuple of float
        Grey levels below which pixels can be pupil, in the order in which they are tried; for a bright
        pupil they concern 255 - grey.
    reflection_level : float
        Grey level from which pixels are reflections; infinite for none.
    is_bright : bool
        Whether the pupil is brighter than its surroundings.
    is_flat : bool
        Whether the samples show nothing at all (constant, black or saturated).
    """

    thresholds: tuple[float, ...]
    reflection_level: float
    is_bright: bool = False
    is_flat: bool = False
