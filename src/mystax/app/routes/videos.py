"""Videos below a registered folder: what they would be, and adding them."""

from fastapi import APIRouter, Request

from mystax.app.additions import look
from mystax.app.child_runs import Head
from mystax.app.paths import readable
from mystax.app.routes.roots import folder_in
from mystax.app.schemas import VideosFound, VideosWanted
from mystax.app.security import refused
from mystax.app.writes import check_writable
from mystax.io.clock_specs import parse_clock_spec

__all__ = ["router"]

router = APIRouter(tags=["videos"])


@router.post("/recordings")
async def add_videos(wanted: VideosWanted, request: Request) -> VideosFound:
    """Look at the videos below a folder; without `dry_run`, queue their addition."""
    state = request.app.state.mystax
    if not wanted.dry_run:
        check_writable(request, "recordings")
    root, place = folder_in(request, wanted.root, wanted.path)
    _check_clock(wanted.clock)
    catalogue = state.collection.catalogue()
    # a catalogue knows its root as it was named, links and all; a folder is called as it really is
    folder = str(root / wanted.path if wanted.path else root) if catalogue else str(place)
    wish = {
        "catalog": catalogue,
        "folder": folder,
        "within": str(root),
        "pattern": wanted.pattern,
        "clock": wanted.clock,
        "dry_run": wanted.dry_run,
    }
    if wanted.dry_run:
        return VideosFound(**await look(wish))
    return VideosFound(job=state.additions.add(Head(readable(place.name), "add"), lambda: wish))


def _check_clock(text: str) -> None:
    """Refuse a clock that is none, and one whose file does not lie beside the videos."""
    if not text:
        return
    spec = parse_clock_spec(text)
    for name in (spec.file, spec.session_file):
        if "/" in name or "\\" in name or "\0" in name or name.startswith("."):
            raise refused(
                404, "W903", "clock", "its file must lie beside the videos", expected="a name without folders"
            )
