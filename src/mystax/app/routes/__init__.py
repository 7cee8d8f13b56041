"""Routes of the web app, one module per resource."""

from mystax.app.routes import cameras, outcomes, recordings, rois, session

__all__ = ["ROUTERS"]

ROUTERS = (session.router, recordings.router, cameras.router, outcomes.router, rois.router)
