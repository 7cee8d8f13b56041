"""Remarks on points: the bits of the variable `flag` of a pose, in pictures and in space."""

from collections.abc import Mapping
from typing import Any

import numpy as np

__all__ = ["FLAGS3D", "FLAG_MASKS", "flag_attributes"]

FLAG_MASKS = {
    "low_confidence": 1,
    "jump": 2,
    "shape": 4,
    "clipped": 8,
    "gap_filled": 16,
    "missing_frame": 32,
    "views_disagree": 64,
    "ensemble_disagrees": 128,
}
"""Bits of the variable `flag` of a pose."""

FLAGS3D = {
    "views_disagree": 1,
    "one_camera": 2,
    "not_seen": 4,
    "gap_filled": 8,
    "weak_angle": 16,
    "outside_model": 32,
    "wide": 64,
}
"""Bits of the variable `flag` of a pose in space."""


def flag_attributes(masks: Mapping[str, int]) -> dict[str, Any]:
    """Return the bits and their names as attributes of a variable (CF conventions, section 3.5)."""
    return {"flag_masks": np.array(list(masks.values()), np.uint8), "flag_meanings": " ".join(masks)}
