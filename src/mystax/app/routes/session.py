"""The session: a token or a code becomes a cookie; what this server is."""

from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict

from mystax.app.security import refused

__all__ = ["router"]

router = APIRouter(tags=["session"])


class Credential(BaseModel):
    """What the page was given: the token of the link, or a code that is good once."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    token: str = ""
    code: str = ""


class Opened(BaseModel):
    """A session; `token` only in exchange for a code."""

    token: str | None = None


class About(BaseModel):
    """What this server is and can."""

    version: str
    read_only: bool
    roots: list[str]
    catalogue: bool
    extras: dict[str, bool]


@router.post("/session")
async def open_session(given: Credential, request: Request, response: Response) -> Opened:
    """Exchange the token of the link for a cookie, or a code for the token."""
    state: Any = request.app.state.mystax
    if given.code and state.tokens.take_code(given.code):
        return Opened(token=state.tokens.token)
    if not state.tokens.is_right(given.token):
        state.tokens.note_wrong()
        if given.code:
            again = "run the cell of the notebook again: a code is good once, for a minute"
            raise refused(401, "W901", "code", "it was used, or is too old, or wrong", hint=again)
        raise refused(
            401,
            "W901",
            "token",
            "wrong token",
            hint="open the link that `mystax app` printed: each start has a new one",
        )
    path = state.settings.base or "/"
    response.set_cookie(state.cookie, given.token, httponly=True, samesite="strict", path=path)
    return Opened()


@router.delete("/session")
async def close_session(request: Request, response: Response) -> Opened:
    """Forget the cookie."""
    state: Any = request.app.state.mystax
    response.delete_cookie(state.cookie, path=state.settings.base or "/")
    return Opened()


@router.get("/about")
async def about(request: Request) -> About:
    """Say what this server is and can."""
    from importlib.metadata import version
    from importlib.util import find_spec

    state: Any = request.app.state.mystax
    extras = {
        "train": "torch",
        "calib": "cv2",
        "nwb": "pynwb",
        "cluster": "distributed",
        "postgres": "psycopg",
    }
    return About(
        version=version("mystax"),
        read_only=state.settings.read_only,
        catalogue=state.collection.catalogue() is not None,
        roots=[folder.name or str(folder) for folder in state.settings.folders],
        extras={name: find_spec(module) is not None for name, module in extras.items()},
    )
