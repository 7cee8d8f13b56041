"""Two models, or two outcomes of the tracker, on the labelled frames of a set: a job of this computer."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool

from mystax.app.child_runs import Head
from mystax.app.collection import Item, OutcomeItem
from mystax.app.predictions import weights_digest
from mystax.app.routes.labels import set_folder
from mystax.app.routes.models import path_of_model
from mystax.app.routes.outcomes import outcome_of
from mystax.app.schemas import ComparisonWanted, JobsAdded, Judged
from mystax.app.security import refused
from mystax.app.shelf import outcomes_in
from mystax.engine.labels.footage import fingerprint_of
from mystax.errors import MystaxError
from mystax.io.fingerprint import quick_id
from mystax.io.weights import check_digest, installed_weights

__all__ = ["router"]

router = APIRouter(tags=["models"])


@router.post("/labels/{key}/compare")
async def compare(key: str, wanted: ComparisonWanted, request: Request) -> JobsAdded:
    """Queue a comparison; its job's `result` has the errors side by side."""
    items, folder = set_folder(request, key)

    def sides() -> list[dict[str, Any]]:
        return [_side(request, items, one) for one in (wanted.first, wanted.second)]

    told = await run_in_threadpool(sides)
    wish = {"labels": str(folder), "sides": told}
    names = " and ".join(one["name"] for one in told)
    owners = {one.id.partition("o")[0] for one in (wanted.first, wanted.second) if one.kind == "outcome"}
    item = next((one for one in items if one.id in owners), items[0])
    head = Head(item.name, "compare", names)
    return JobsAdded(ids=[request.app.state.mystax.comparisons.add(head, lambda: wish)])


@router.get("/comparisons/{key}")
def comparison(key: str, request: Request) -> dict[str, Any]:
    """Give the errors side by side, with the worst frames and all places in them."""
    found: dict[str, Any] | None = request.app.state.mystax.comparisons.result(key)
    if found is None:
        raise refused(404, "W903", f"comparison {key[:60]!r}", "it is not done")
    return found


def _side(request: Request, items: Sequence[Item], judged: Judged) -> dict[str, Any]:
    """Say what the child needs to know of one of the two."""
    if judged.kind == "model":
        path = path_of_model(judged.id)
        return {"name": path.stem, "weights": str(path), "poses": {}}
    outcome = outcome_of(request, judged.id)
    if outcome.analysis != "pose":
        raise refused(422, "P401", "comparison", f"{outcome.analysis!r} is no outcome of the tracker")
    poses = _poses(items, outcome.folder)
    if not poses:
        raise refused(422, "P401", "comparison", f"the videos of {outcome.folder.name!r} are not here")
    weights = _weights_of(outcome)
    return {
        "name": outcome.folder.name if weights is None else f"{outcome.folder.name} ({weights.stem})",
        "weights": None if weights is None else str(weights),
        "poses": poses,
    }


def _poses(items: Sequence[Item], folder: Path) -> dict[str, tuple[str, str]]:
    """Return the fingerprint of each camera's video, and where its outcome in a folder lies."""
    found: dict[str, tuple[str, str]] = {}
    for item, one in ((owner, one) for owner in items for one in owner.outcomes()):
        if one.folder != folder or one.analysis != "pose":
            continue
        names = [one.camera] if one.camera else list(item.cameras)[:1]
        found |= {
            _video(item.cameras[name]): (str(folder), one.name) for name in names if name in item.cameras
        }
    return found


def _video(files: Sequence[Path]) -> str:
    """Return what labels call a video: its fingerprint; the name of its first file where it is not here."""
    try:
        return fingerprint_of([quick_id(path) for path in files])
    except OSError:
        return files[0].name


def _weights_of(outcome: OutcomeItem) -> Path | None:
    """Return the installed weights that an outcome was made with, if they are still there."""
    digest = weights_digest(outcomes_in(outcome.folder)[outcome.name].attrs, outcome.camera)
    for path in installed_weights().values() if digest else ():
        try:
            if check_digest(path).removeprefix("sha256:") == digest:
                return path
        except MystaxError:  # damaged weights are no match
            continue
    return None
