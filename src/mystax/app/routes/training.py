"""Training on a label set: a job of this computer, with the options of `mystax train`."""

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool

from mystax.app.child_runs import Head
from mystax.app.routes.labels import set_folder
from mystax.app.schemas import JobsAdded, TrainingWanted
from mystax.app.writes import check_writable
from mystax.core.extras import require
from mystax.io.weights import check_weights_name, find_weights

__all__ = ["router"]

router = APIRouter(tags=["training"])
NO_BASE = "none"


@router.post("/labels/{key}/train")
async def train(key: str, wanted: TrainingWanted, request: Request, recording: str = "") -> JobsAdded:
    """Queue a training; what cannot be done is refused before it begins.

    `recording` is the one of the set's recordings beside which the job is listed.
    """
    check_writable(request, "labels")
    items, folder = set_folder(request, key)
    item = next((one for one in items if one.id == recording), items[0])
    name = check_weights_name(wanted.name or folder.stem)
    if wanted.base != NO_BASE:
        await run_in_threadpool(find_weights, wanted.base)
    require("torch", "train")
    require("onnx", "train")
    wish = {"labels": str(folder), **wanted.model_dump(exclude={"name"}), "name": name}
    head = Head(item.name, "train", name)
    return JobsAdded(ids=[request.app.state.mystax.trainings.add(head, lambda: wish)])
