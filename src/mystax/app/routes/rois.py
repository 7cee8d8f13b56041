"""Regions of interest: the set of a recording, forms of the analyses, one frame measured as a run would."""

from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Header, Request, Response
from fastapi.responses import JSONResponse

from mystax.app.collection import find
from mystax.app.envelope import MEDIA_TYPE
from mystax.app.frames import Priority, Superseded
from mystax.app.routes.cameras import camera_of
from mystax.app.schemas import AnalysisForm, Preparing, PreviewWanted, RoiSet
from mystax.app.writes import check_revision, check_writable, revision_of, turn_in
from mystax.core.analysis import get_analysis, names_of_analyses
from mystax.core.geometry import Roi, roi_from_dict
from mystax.core.params import parameters_of
from mystax.io.rois import read_rois, rois_to_toml
from mystax.io.store import Store

__all__ = ["FILE", "router", "set_of", "write_set"]

router = APIRouter(tags=["rois"])
FILE = "rois.toml"
PATIENCE = 2.0
"""How long a preview waits for what is being compiled, before the page is told so [s]."""


def set_of(folder: Path) -> RoiSet:
    """Return the regions that lie in a folder, with their revision."""
    path = folder / FILE
    if not path.is_file():
        return RoiSet(rev="", rois=[])
    rois = read_rois(path)
    return RoiSet(rev=revision_of(rois_to_toml(rois)), rois=[dict(roi.as_dict()) for roi in rois])


@router.get("/recordings/{key}/rois")
def rois(key: str, request: Request) -> RoiSet:
    """Give the regions of a recording."""
    collection = request.app.state.mystax.collection
    return set_of(collection.roi_place(find(collection.items(), key)))


@router.put("/recordings/{key}/rois")
def put_rois(
    key: str, given: RoiSet, request: Request, if_match: Annotated[str | None, Header()] = None
) -> RoiSet:
    """Replace the regions of a recording, unless somebody else has changed them since."""
    state = request.app.state.mystax
    item = find(state.collection.items(), key)
    check_writable(request, "regions")
    folder = state.collection.roi_place(item)
    seen = given.rev if if_match is None else if_match
    with turn_in(folder):
        check_revision(seen, set_of(folder).rev, "regions")
        return write_set(folder, tuple(roi_from_dict(one, FILE) for one in given.rois))


def write_set(folder: Path, rois: tuple[Roi, ...]) -> RoiSet:
    """Write the regions of a recording, and return them with their revision."""
    folder.mkdir(parents=True, exist_ok=True)
    Store(folder).write_text(FILE, rois_to_toml(rois))
    return set_of(folder)


@router.get("/analyses")
def analyses() -> list[AnalysisForm]:
    """List the analyses with the JSON schema of their parameters."""
    forms = []
    for name in names_of_analyses():
        found = get_analysis(name)
        kind = found.roi_input.kind if found.roi_input is not None else None
        fields: dict[str, Any] = {
            key: {"default": one.default, "range": one.range_text, "unit": one.unit, "help": one.help}
            for key, one in parameters_of(found.params).items()
        }
        forms.append(AnalysisForm(name=name, help=found.help, roi_kind=kind, parameters=fields))
    return forms


@router.post("/preview", response_class=Response, responses={202: {"model": Preparing}})
async def preview(wanted: PreviewWanted, request: Request) -> Response:
    """Measure one frame: the same reducer, regions and parameters as in a run, bit for bit.

    202 where the loops of the analysis are still being compiled: ask again.
    """
    state = request.app.state.mystax
    name, spec = camera_of(request, wanted.camera)
    regions = rois_to_toml([roi_from_dict(one, FILE) for one in wanted.rois]) if wanted.rois else ""
    job = {
        "do": "preview",
        "frame": wanted.frame,
        "n": wanted.n,
        "sight": wanted.sight,
        "analysis": wanted.analysis,
        "rois": regions,
        "parameters": wanted.parameters,
        "name": name,
    }
    priority = Priority.PREVIEW if wanted.n == 1 else Priority.AHEAD
    if not await state.warming.wait(wanted.analysis, PATIENCE):
        told = Preparing(analysis=wanted.analysis, seconds=round(state.warming.seconds, 1))
        return JSONResponse(told.model_dump(), 202)
    try:
        _, body = await state.workers.ask(
            wanted.camera, spec, job, priority=priority, panel=wanted.panel, seq=wanted.seq
        )
    except Superseded:
        return Response(status_code=204)
    return Response(body, media_type=MEDIA_TYPE, headers={"X-Mystax-Seq": str(wanted.seq)})
