"""Regions for the whole rig: copied to recordings with the same cameras and the same size of pictures."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.concurrency import run_in_threadpool

from mystax.app.collection import Item, find
from mystax.app.paths import readable
from mystax.app.rig_rois import cameras_of_rois, fitted, merged
from mystax.app.routes.recordings import spec_of
from mystax.app.routes.rois import FILE, set_of, write_set
from mystax.app.schemas import RoisApplied, RoisWanted, RoiTarget, RoiTargets, TargetCamera
from mystax.app.writes import check_revision, check_writable, turn_in
from mystax.core.geometry import Roi, roi_from_dict
from mystax.errors import MystaxError

__all__ = ["router"]

router = APIRouter(tags=["rois"])
PAGE = 12
"""Recordings of an answer: the cameras of each are opened."""


def _regions(state: Any, item: Item) -> tuple[Roi, ...]:
    """Return the saved regions of a recording."""
    found = set_of(state.collection.roi_place(item)).rois
    return tuple(roi_from_dict(one, FILE) for one in found)


async def _cameras(state: Any, item: Item) -> dict[str, TargetCamera]:
    """Open the cameras of a recording by their workers."""
    found = {}
    for name, key in item.camera_ids().items():
        about, _ = await state.workers.ask(key, spec_of(item, name), {"do": "open"})
        sizes = {side: int(about[side]) for side in ("width", "height", "n_frames")}
        found[name] = TargetCamera(id=key, name=name, **sizes)
    return found


def _shapes(cameras: dict[str, TargetCamera]) -> dict[str, tuple[int, int]]:
    return {name: (one.height, one.width) for name, one in cameras.items()}


@router.get("/recordings/{key}/rois/targets")
async def targets(
    key: str,
    request: Request,
    q: Annotated[str, Query(max_length=200)] = "",
    cursor: Annotated[int, Query(ge=0)] = 0,
) -> RoiTargets:
    """List other recordings with a camera of the same name, and say whether the saved regions fit there."""
    state = request.app.state.mystax
    items = await run_in_threadpool(state.collection.items)
    item = find(items, key)
    rois = await run_in_threadpool(_regions, state, item)
    if not rois:
        return RoiTargets(targets=[], next=None)
    wanted = set(cameras_of_rois(rois, list(item.cameras)))
    others = [
        one
        for one in items
        if one.id != key and wanted & set(one.cameras) and q.casefold() in readable(one.name).casefold()
    ]
    source = _shapes(await _cameras(state, item))
    shown = [await _target(state, one, rois, source) for one in others[cursor : cursor + PAGE]]
    following = cursor + PAGE if cursor + PAGE < len(others) else None
    return RoiTargets(targets=shown, next=following)


async def _target(
    state: Any, item: Item, rois: tuple[Roi, ...], source: dict[str, tuple[int, int]]
) -> RoiTarget:
    """Say whether regions fit a recording."""
    cameras: dict[str, TargetCamera] = {}
    rev, n_rois, refusal = "", 0, ""
    try:
        present = await run_in_threadpool(set_of, state.collection.roi_place(item))
        rev, n_rois = present.rev, len(present.rois)
        cameras = await _cameras(state, item)
        await run_in_threadpool(fitted, rois, source, _shapes(cameras))
    except MystaxError as error:
        refusal = str(error)
    return RoiTarget(
        id=item.id,
        name=readable(item.name),
        rev=rev,
        n_rois=n_rois,
        cameras=list(cameras.values()),
        refusal=refusal,
    )


@router.post("/recordings/{key}/rois/apply")
async def apply(key: str, wanted: RoisWanted, request: Request) -> list[RoisApplied]:
    """Copy the saved regions to other recordings; each is refused by itself, and its own others stay."""
    state = request.app.state.mystax
    check_writable(request, "regions")
    items = await run_in_threadpool(state.collection.items)
    item = find(items, key)
    rois = await run_in_threadpool(_regions, state, item)
    source = _shapes(await _cameras(state, item))
    goals = [(find(items, one.recording), one.rev) for one in wanted.targets]
    done = []
    for goal, rev in goals:
        error, new = None, rev
        try:
            here = _shapes(await _cameras(state, goal))
            new = await run_in_threadpool(_copy, state, goal, rev, fitted(rois, source, here))
        except MystaxError as refusal:
            error = refusal.record().as_dict()
        done.append(RoisApplied(recording=goal.id, name=readable(goal.name), rev=new, error=error))
    return done


def _copy(state: Any, item: Item, rev: str, rois: tuple[Roi, ...]) -> str:
    """Write regions into those of a recording; return the new revision."""
    folder = state.collection.roi_place(item)
    with turn_in(folder):
        check_revision(rev, set_of(folder).rev, "regions")
        return write_set(folder, merged(_regions(state, item), rois)).rev
