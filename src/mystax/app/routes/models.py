"""Models: the weights that can predict keypoints, and what their cards say."""

import tomllib
from pathlib import Path

from fastapi import APIRouter

from mystax.app.collection import short_id
from mystax.app.schemas import ModelInfo
from mystax.app.security import refused
from mystax.core.analysis import get_analysis
from mystax.core.params import parameters_of
from mystax.errors import WeightsError
from mystax.io.weights import check_digest, installed_weights

__all__ = ["router"]

router = APIRouter(tags=["models"])


def _model(name: str, path: Path) -> ModelInfo:
    card_path = path.with_suffix(".toml")
    try:
        card = tomllib.loads(card_path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        card = {}
    try:
        digest = check_digest(path)
    except WeightsError as error:
        digest, card = "", {**card, "error": error.record().as_dict()}
    sets = card.get("keypoints", card.get("keypoint_set", ""))
    return ModelInfo(
        id=short_id("m", path),
        name=name,
        keypoint_set=sets if isinstance(sets, str) else "",
        weights_hash=digest,
        licence=str(card.get("licence", "")),
        is_default=name == str(parameters_of(get_analysis("pose").params)["weights"].default),
        card=card,
    )


@router.get("/models")
def models() -> list[ModelInfo]:
    """List the installed weights: those that come with mystax, and the user's own."""
    return [_model(name, path) for name, path in installed_weights().items()]


@router.get("/models/{key}")
def model(key: str) -> ModelInfo:
    """Tell all about some weights."""
    for one in models():
        if one.id == key:
            return one
    raise refused(404, "W903", f"model {key[:60]!r}", "there is nothing of that name here")
