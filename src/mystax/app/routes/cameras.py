"""Cameras: their pictures and their times."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response

from mystax.app.envelope import MEDIA_TYPE
from mystax.app.frames import Priority, Superseded
from mystax.app.routes.recordings import spec_of
from mystax.app.schemas import Levels
from mystax.app.security import refused
from mystax.io.pictures import FORMATS

__all__ = ["camera_of", "router"]

router = APIRouter(tags=["cameras"])
MOST_WIDE = 4096
MOST_AT_ONCE = 64
"""Frame requests that may be under way in all."""


def camera_of(request: Request, key: str) -> tuple[str, dict[str, Any]]:
    """Return name and specification of a camera.

    Raises
    ------
    AppError
        W903, if there is none.
    """
    for item in request.app.state.mystax.collection.items():
        for name, camera_id in item.camera_ids().items():
            if camera_id == key:
                return name, spec_of(item, name)
    raise refused(404, "W903", f"camera {key[:60]!r}", "there is nothing of that name here")


@router.get("/cameras/{key}/clock")
async def clock(key: str, request: Request) -> Response:
    """Give the times of all frames [s]."""
    _, spec = camera_of(request, key)
    _, body = await request.app.state.mystax.workers.ask(key, spec, {"do": "open"})
    return Response(body, media_type=MEDIA_TYPE)


@router.get("/cameras/{key}/frame", response_class=Response)
async def frame(
    key: str,
    request: Request,
    i: Annotated[int, Query(ge=0)],
    mode: Literal["exact", "near"] = "exact",
    panel: Annotated[str, Query(max_length=60)] = "",
    seq: int = 0,
    w: Annotated[int | None, Query(ge=1, le=MOST_WIDE)] = None,
    fmt: Literal["jpeg", "png"] = "jpeg",
    q: Annotated[int, Query(ge=1, le=95)] = 85,
    lo: float | None = None,
    hi: float | None = None,
) -> Response:
    """Give one picture; 204 where the panel has asked for a newer one meanwhile, or the frame is missing."""
    state = request.app.state.mystax
    _, spec = camera_of(request, key)
    if state.flying >= MOST_AT_ONCE:
        raise refused(429, "W906", "frame", f"{MOST_AT_ONCE} pictures are under way", hint="ask again")
    shape = {"width": w, "form": fmt, "quality": q, "low": lo, "high": hi}
    wanted = {"do": "frame", "frame": i, "mode": mode, **shape}
    priority = Priority.EXACT if mode == "exact" else Priority.NEAR
    state.flying += 1
    try:
        about, body = await state.workers.ask(key, spec, wanted, priority=priority, panel=panel, seq=seq)
    except Superseded:
        return Response(status_code=204)
    finally:
        state.flying -= 1
    headers = {
        "X-Mystax-Frame": str(about["frame"]),
        "X-Mystax-Time": "" if about["time"] is None else repr(about["time"]),
        "X-Mystax-Seq": str(seq),
        "X-Mystax-Kind": str(about["kind"]),
        "X-Mystax-Valid": "1" if about["valid"] else "0",
        "X-Mystax-Reason": str(about["reason"]),
    }
    if not about["valid"]:
        return Response(status_code=204, headers=headers)
    return Response(body, media_type=FORMATS[fmt], headers=headers)


@router.get("/cameras/{key}/levels")
async def levels(key: str, request: Request, i: Annotated[int, Query(ge=0)]) -> Levels:
    """Count the grey levels of one picture as it was recorded."""
    _, spec = camera_of(request, key)
    wanted = {"do": "levels", "frame": i}
    about, _ = await request.app.state.mystax.workers.ask(key, spec, wanted, priority=Priority.PREVIEW)
    return Levels(**about)
