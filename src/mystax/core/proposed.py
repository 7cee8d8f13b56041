"""Proposed regions out of what the outcome `rois` says of them, as plain arrays."""

import json
from collections.abc import Mapping, Sequence

import numpy as np

from mystax.core.geometry import Roi, roi_from_dict
from mystax.core.typing import Shaped

__all__ = ["PROPOSED", "rois_of_variables"]

PROPOSED = ("roi", "roi_camera", "roi_kind", "roi_shape", "confidence")
"""Variables of the outcome that say what was proposed."""


def rois_of_variables(
    cameras: Sequence[tuple[Mapping[str, Shaped[np.ndarray, "..."]], Mapping[str, object]]],
) -> tuple[Roi, ...]:
    """Make regions that other analyses can work on.

    Parameters
    ----------
    cameras : sequence of (mapping, mapping)
        Of each camera the variables `PROPOSED` of its outcome, by name, and its attributes.

    Returns
    -------
    tuple of Roi
        Regions with ``source="proposed"`` and their confidence; with several cameras the name of the
        camera stands before the name of the region (``left_eye``).

    Raises
    ------
    RoiError
        P402, if a shape is not understood.
    """
    found = []
    for variables, attributes in cameras:
        size = [int(str(attributes.get(f"frame_{side}", 0))) for side in ("width", "height")]
        for place in range(len(variables.get("roi", ()))):
            name, camera = str(variables["roi"][place]), str(variables["roi_camera"][place])
            fields = {
                "name": f"{camera}_{name}" if len(cameras) > 1 and camera else name,
                "kind": str(variables["roi_kind"][place]),
                "camera": camera,
                "source": "proposed",
                "confidence": round(float(variables["confidence"][place]), 4),
                **json.loads(str(variables["roi_shape"][place])),
            }
            if min(size) > 0:
                fields["frame_size"] = size
            found.append(roi_from_dict(fields, "proposals"))
    return tuple(found)
