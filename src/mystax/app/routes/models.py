"""Models: the weights that can predict keypoints, what is known of them, and which are the default."""

import json
import tomllib
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request, Response

from mystax.app.collection import short_id
from mystax.app.schemas import ModelInfo
from mystax.app.security import SANDBOX, refused
from mystax.app.writes import check_writable
from mystax.engine.training.default import REJECTED, copied_from, default_name, make_default
from mystax.errors import WeightsError
from mystax.io.weights import check_digest, installed_weights, own_folder, shipped_folder

__all__ = ["path_of_model", "router"]

router = APIRouter(tags=["models"])
MOST_BYTES = 20 << 20


def _paths() -> list[Path]:
    """List the user's own weights and the shipped ones, without the copy that is the default."""
    own = installed_weights((own_folder(),))
    if copied_from() in own or copied_from() in installed_weights((shipped_folder(),)):
        own.pop(default_name(), None)
    return [*own.values(), *installed_weights((shipped_folder(),)).values()]


def _report_of(path: Path) -> Path:
    """Return the folder in which a training has left its report and figures."""
    return path.with_name(f"{path.stem}.report")


def _card(path: Path) -> dict[str, Any]:
    """Read the card of weights, or what their training has written."""
    try:
        return tomllib.loads(path.with_suffix(".toml").read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        found = _evaluation(path)
        if found is None:
            return {}
        kept = {name: found.get(name) for name in ("keypoint_set", "n_frames", "keypoints")}
        return {**kept, "training": found.get("training", {})}


def _evaluation(path: Path) -> dict[str, Any] | None:
    """Read the figures on held-out frames; None if there are none that can be read."""
    file = _report_of(path) / "evaluation.json"
    try:
        if file.stat().st_size > MOST_BYTES:
            return None
        found = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _model(path: Path) -> ModelInfo:
    card = _card(path)
    try:
        digest = check_digest(path)
    except WeightsError as error:
        digest, card = "", {**card, "error": error.record().as_dict()}
    sets = card.get("keypoint_set", card.get("keypoints", ""))
    return ModelInfo(
        id=short_id("m", path),
        name=path.stem,
        keypoint_set=sets if isinstance(sets, str) else "",
        weights_hash=digest,
        licence=str(card.get("licence", "")),
        is_default=path == _default(),
        is_rejected=path.stem.endswith(REJECTED),
        has_report=(_report_of(path) / "report.html").is_file(),
        card=card,
    )


def _default() -> Path:
    """Return the weights that are the default, or those that it is a copy of."""
    installed = installed_weights()
    return installed.get(copied_from(), installed[default_name()])


def path_of_model(key: str) -> Path:
    """Return weights by their id.

    Raises
    ------
    AppError
        W903, if there are none.
    """
    for path in _paths():
        if short_id("m", path) == key:
            return path
    raise refused(404, "W903", f"model {key[:60]!r}", "there is nothing of that name here")


@router.get("/models")
def models() -> list[ModelInfo]:
    """List the installed weights: the user's own, and those that come with mystax."""
    return [_model(path) for path in _paths()]


@router.get("/models/{key}")
def model(key: str) -> ModelInfo:
    """Tell all about some weights."""
    return _model(path_of_model(key))


@router.get("/models/{key}/evaluation")
def evaluation(key: str) -> dict[str, Any]:
    """Give the figures of weights and of those before on the frames that the training held out."""
    found = _evaluation(path_of_model(key))
    if found is None:
        raise refused(404, "W903", "evaluation", "no training has left figures for these weights")
    return found


@router.get("/models/{key}/report", response_class=Response)
def report(key: str) -> Response:
    """Give the report of a training, in a sandbox."""
    page = _report_of(path_of_model(key)) / "report.html"
    if not page.is_file():
        raise refused(404, "W903", "report", "no training has left one for these weights")
    headers = {"content-security-policy": SANDBOX}
    return Response(page.read_bytes(), media_type="text/html; charset=utf-8", headers=headers)


@router.post("/models/{key}/default")
def choose(key: str, request: Request) -> list[ModelInfo]:
    """Take some weights wherever none are named; refused where a training has rejected them."""
    check_writable(request, "models")
    make_default(path_of_model(key))
    return models()
