"""Label sets: their frames, gestures, history, and which frames to label next."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response
from starlette.concurrency import run_in_threadpool

from mystax.app.collection import LABELS, Item, OutcomeItem, find, short_id
from mystax.app.label_desk import Conflicted, Footing, Teller, set_of
from mystax.app.label_undo import steps_of
from mystax.app.predictions import predicted_points
from mystax.app.rigs import rig_of
from mystax.app.routes.cameras import camera_of
from mystax.app.routes.recordings import spec_of
from mystax.app.schemas import (
    Conflict,
    EditsDone,
    EditsWanted,
    EpipolarCurve,
    LabelFrame,
    LabelLine,
    LabelPoint,
    LabelSet,
    LabelSetWanted,
    PointsWanted,
    Suggestion,
    UndoStep,
)
from mystax.app.security import error_answer, refused
from mystax.app.writes import check_writable
from mystax.core.label_operations import Mark, Note, Operation, Segment
from mystax.engine.labels.labels import Labels
from mystax.engine.labels.points import PointWish
from mystax.engine.labels.points import edit_points as change_points

__all__ = ["router", "set_folder"]

router = APIRouter(tags=["labels"])
MOST_SUGGESTED = 200


def set_folder(request: Request, key: str) -> tuple[list[Item], Path]:
    """Return a label set and the recordings that it belongs to: all of those beside it, at least one.

    Raises
    ------
    AppError
        W903, if there is none.
    """
    items: list[Item] = []
    found = None
    for item in request.app.state.mystax.collection.items():
        for folder in item.labels:
            if short_id("l", folder) == key:
                items.append(item)
                found = folder
    if found is not None:
        return items, found
    raise refused(404, "W903", f"label set {key[:60]!r}", "there is nothing of that name here")


def _teller(request: Request, folder: Path) -> Teller:
    state = request.app.state.mystax
    cameras = {
        str(item.cameras[name][0]): camera_id
        for item in state.collection.items()
        for name, camera_id in item.camera_ids().items()
    }
    teller: Teller = state.desk.teller(folder, cameras)
    return teller


async def _footing(request: Request, camera: str) -> Footing:
    name, spec = camera_of(request, camera)
    found: Footing = await request.app.state.mystax.desk.footing(camera, name, spec)
    return found


@router.get("/labels/{key}")
async def show_set(
    key: str,
    request: Request,
    camera: Annotated[str, Query(max_length=60)] = "",
    start: Annotated[int, Query(alias="from", ge=0)] = 0,
    stop: Annotated[int | None, Query(alias="to", ge=0)] = None,
) -> LabelSet:
    """Give a label set with its frames, or those of a camera between two numbers (`to` is left out)."""
    state = request.app.state.mystax
    _, folder = set_folder(request, key)
    teller = await run_in_threadpool(_teller, request, folder)

    def question(labels: Labels) -> LabelSet:
        head = set_of(folder, key, labels, teller, read_only=state.settings.read_only)
        frames = [
            teller.frame(place, one)
            for place, one in labels.store.state.frames.items()
            if one.frame >= start
            and (stop is None or one.frame < stop)
            and camera in {"", teller.cameras.get(place[0], "")}
        ]
        return head.model_copy(update={"frames": sorted(frames, key=lambda one: (one.name, one.frame))})

    found: LabelSet = await state.desk.read(folder, question)
    return found


@router.post("/recordings/{key}/labels")
async def make_set(key: str, wanted: LabelSetWanted, request: Request) -> LabelSet:
    """Make an empty label set for a recording."""
    check_writable(request, "labels")
    state = request.app.state.mystax
    item = find(state.collection.items(), key)
    folder: Path = state.collection.label_place(item) / f"{wanted.name}{LABELS}"
    if folder.exists():
        raise refused(409, "W904", f"label set {wanted.name!r}", "there is one of that name already")

    def make() -> None:
        with Labels(folder, wanted.keypoints, write=True):
            pass

    await run_in_threadpool(make)
    state.collection.forget()
    return await show_set(short_id("l", folder), request, "", 0, None)


@router.put("/labels/{key}/points")
async def edit_points(key: str, wanted: PointsWanted, request: Request) -> LabelSet:
    """Change the points of a set: their names, order, edges and pairs; no label is lost."""
    check_writable(request, "labels")
    _, folder = set_folder(request, key)
    wishes = [PointWish(**one.model_dump()) for one in wanted.points]

    def change(labels: Labels) -> None:
        if labels.keypoints.version != wanted.version:
            raise refused(409, "W904", "points", "somebody else has changed the set", hint="open it again")
        change_points(labels, wishes, wanted.edges, wanted.pairs)

    await request.app.state.mystax.desk.change(folder, change)
    return await show_set(key, request, "", 0, None)


@router.get("/labels/{key}/frame")
async def show_frame(key: str, request: Request, camera: str, i: Annotated[int, Query(ge=0)]) -> LabelFrame:
    """Give the labels of one frame and what a model says of it, also where nothing is labelled yet."""
    state = request.app.state.mystax
    _, folder = set_folder(request, key)
    footing = await _footing(request, camera)
    place = footing.place(i)
    teller = await run_in_threadpool(_teller, request, folder)

    def question(labels: Labels) -> LabelFrame:
        found = labels.store.state.frames.get(place.key)
        if found is not None:
            return teller.frame(place.key, found)
        video, pts = place.key
        return LabelFrame(camera=camera, name=footing.name, video=video, pts=pts, frame=i, rev=0, points={})

    labelled: LabelFrame = await state.desk.read(folder, question)
    outcome = _pose_of(request, camera)
    if outcome is None:
        return labelled
    points = await run_in_threadpool(predicted_points, outcome.folder, outcome.name, i)
    return labelled.model_copy(update={"predicted": points})


def _pose_of(request: Request, camera: str) -> OutcomeItem | None:
    """Return the newest predicted keypoints of a camera."""
    for item in request.app.state.mystax.collection.items():
        for name, camera_id in item.camera_ids().items():
            if camera_id == camera:
                wanted = [one for one in item.outcomes() if one.analysis == "pose"]
                return next((one for one in wanted if one.camera in {"", name}), None)
    return None


@router.post("/labels/{key}/ops", response_model=EditsDone, responses={409: {"model": Conflict}})
async def write(key: str, wanted: EditsWanted, request: Request) -> Response:
    """Write a gesture; the answer comes when it is on the disk."""
    check_writable(request, "labels")
    state = request.app.state.mystax
    _, folder = set_folder(request, key)
    cameras = {edit.camera for edit in wanted.ops} | {text.rpartition("/")[0] for text in wanted.base}
    footings = {camera: await _footing(request, camera) for camera in cameras}
    teller = await run_in_threadpool(_teller, request, folder)
    try:
        rev, frames = await state.desk.write(folder, wanted, footings, teller)
    except Conflicted as conflict:
        status, words = error_answer(conflict.error)
        more = Conflict(frames=conflict.frames).model_dump(mode="json")
        return JSONResponse({**words, **more}, status)
    return JSONResponse(EditsDone(rev=rev, frames=frames).model_dump(mode="json"))


@router.get("/labels/{key}/undo")
async def undoable(
    key: str, request: Request, n: Annotated[int, Query(ge=1, le=500)] = 500
) -> list[UndoStep]:
    """List the user's last gestures that stand, the oldest first: a page can be reloaded between them."""
    _, folder = set_folder(request, key)
    teller = await run_in_threadpool(_teller, request, folder)
    found: list[UndoStep] = await request.app.state.mystax.desk.read(
        folder, lambda labels: steps_of(labels, teller, n)
    )
    return found


@router.get("/labels/{key}/history")
async def history(key: str, request: Request, camera: str, i: Annotated[int, Query(ge=0)]) -> list[LabelLine]:
    """List all that was done on a frame, the newest first."""
    _, folder = set_folder(request, key)
    place = (await _footing(request, camera)).place(i)

    def question(labels: Labels) -> list[LabelLine]:
        return [_line(operation) for operation in reversed(labels.history(place.key))]

    found: list[LabelLine] = await request.app.state.mystax.desk.read(folder, question)
    return found


def _line(operation: Operation) -> LabelLine:
    def point(value: object) -> LabelPoint | None:
        if not isinstance(value, Mark):
            return None
        return LabelPoint(**value._asdict(), origin=operation.origin)

    after = operation.after
    return LabelLine(
        rev=operation.rev,
        at=operation.at,
        who=operation.who,
        op=operation.op,
        keypoint=operation.keypoint,
        before=point(operation.before),
        after=point(after),
        text=after.text if isinstance(after, Note | Segment) else "",
        batch=operation.batch,
        undoes=operation.undoes,
    )


@router.get("/recordings/{key}/epipolar")
def epipolar(key: str, request: Request, seen: str, other: str, x: float, y: float) -> EpipolarCurve:
    """Say where a point that camera `seen` sees can lie in the picture of `other`; nowhere without a rig."""
    item = find(request.app.state.mystax.collection.items(), key)
    names = {camera_id: name for name, camera_id in item.camera_ids().items()}
    if seen not in names or other not in names or seen == other:
        raise refused(404, "W903", "cameras", "they are no two cameras of the recording")
    rig = rig_of(item)
    if rig is None or not {names[seen], names[other]} <= set(rig.names):
        return EpipolarCurve(places=[])
    from mystax.compute.epipolar import epipolar_curve  # with its compiler, which no other answer needs

    curve = epipolar_curve(rig.camera(names[seen]), rig.camera(names[other]), x, y)
    return EpipolarCurve(places=[(float(a), float(b)) for a, b in curve.round(2)])


@router.get("/labels/{key}/suggestions")
async def suggestions(
    key: str,
    request: Request,
    recording: Annotated[str, Query(max_length=60)] = "",
    camera: Annotated[str, Query(max_length=60)] = "",
    n: Annotated[int, Query(ge=1, le=MOST_SUGGESTED)] = 20,
    seed: int = 0,
) -> list[Suggestion]:
    """Say which frames to label next, the worst first: of a recording, of a camera, or of all of the set."""
    state = request.app.state.mystax
    items, folder = set_folder(request, key)
    cameras = _cameras_of([item for item in items if recording in {"", item.id}], camera)
    if not cameras:
        where = f"recording {recording[:60]!r}" if recording and not camera else f"camera {camera[:60]!r}"
        raise refused(404, "W903", where, "it is none of the set's, or its videos are not here")
    poses = {one: _pose_of(request, one) for one in cameras}
    wish: dict[str, Any] = {
        "do": "suggest",
        "folder": str(folder),
        "cameras": [
            {
                "id": one,
                "spec": spec_of(item, name),
                "pose": None if (pose := poses[one]) is None else [str(pose.folder), pose.name],
            }
            for one, (item, name) in cameras.items()
        ],
        "n": n,
        "seed": seed,
    }
    about, _ = await state.slow.ask(key, {}, wish)
    return [Suggestion(**one) for one in about["suggestions"]]


def _cameras_of(items: Sequence[Item], camera: str) -> dict[str, tuple[Item, str]]:
    """Return id to recording and name of one camera or of all; a video of two recordings comes once."""
    found: dict[str, tuple[Item, str]] = {}
    seen = set()
    for item in items:
        for name, key in item.camera_ids().items():
            if camera in {"", key} and item.cameras[name] not in seen:
                seen.add(item.cameras[name])
                found[key] = item, name
    return found
