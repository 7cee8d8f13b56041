"""Routes of the web app, one module per resource."""

from mystax.app.routes import (
    cameras,
    comparisons,
    labels,
    models,
    outcomes,
    queue,
    recordings,
    roi_copies,
    rois,
    roots,
    session,
    space,
    states,
    training,
    videos,
)

__all__ = ["ROUTERS"]

ROUTERS = (
    session.router,
    roots.router,
    recordings.router,
    videos.router,
    cameras.router,
    outcomes.router,
    states.router,
    space.router,
    rois.router,
    roi_copies.router,
    labels.router,
    queue.router,
    training.router,
    comparisons.router,
    models.router,
)
"""All routers, below ``/api``."""
