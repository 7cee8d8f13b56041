"""Points in space: how well the cameras agree, over the whole recording."""

from typing import Any

import numpy as np
from fastapi import APIRouter, Request

from mystax.app.routes.outcomes import outcome_of
from mystax.app.schemas import Agreement, CameraError
from mystax.app.security import refused
from mystax.app.shelf import outcomes_in
from mystax.core.point_flags import FLAGS3D

__all__ = ["router"]

router = APIRouter(tags=["outcomes"])


@router.get("/outcomes/{key}/agreement")
def agreement(key: str, request: Request) -> Agreement:
    """Give the medians of what a triangulation says of its cameras and rays."""
    outcome = outcome_of(request, key)
    dataset = outcomes_in(outcome.folder)[outcome.name]
    if "residual" not in dataset.data_vars or "camera" not in dataset["residual"].dims:
        raise refused(
            404, "W903", f"cameras of {outcome.analysis}", "there are no points in space in this outcome"
        )
    cameras = [
        CameraError(
            camera=str(name),
            residual=_median(dataset["residual"].isel(camera=k)),
            left_out=_median(dataset["residual_left_out"].isel(camera=k)),
        )
        for k, name in enumerate(dataset["camera"].values)
    ]
    angle = _median(dataset["ray_angle"])
    seen = np.isfinite(dataset["ray_angle"].values)
    is_weak = (dataset["flag"].transpose(*dataset["ray_angle"].dims).values & FLAGS3D["weak_angle"]) != 0
    return Agreement(
        cameras=cameras,
        ray_angle=None if angle is None else float(np.degrees(angle)),
        weak=float(is_weak[seen].mean()) if seen.any() else None,
    )


def _median(variable: Any) -> float | None:
    """Return the median of what is there; None where nothing is."""
    values = np.asarray(variable.values, np.float64)
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else None
