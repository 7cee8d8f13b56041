"""Routes of the web app, one module per resource."""

from mystax.app.routes import session

__all__ = ["ROUTERS"]

ROUTERS = (session.router,)
