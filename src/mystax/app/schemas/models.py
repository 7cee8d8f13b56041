"""Models: weights, and trainings that make them."""

from typing import Any, Literal

from pydantic import Field

from mystax.app.schemas.base import Exchanged

__all__ = [
    "ComparisonWanted",
    "Judged",
    "ModelInfo",
    "TrainingWanted",
]


class TrainingWanted(Exchanged):
    """A training on a label set: the options of `mystax train`."""

    base: str = Field(default="mouse-face", max_length=100)
    name: str = Field(default="", max_length=100)
    minutes: float = Field(default=2.0, ge=0.2, le=600)
    members: int = Field(default=1, ge=1, le=5)
    size: int = Field(default=256, ge=128, le=512, multiple_of=32)
    replay: float = Field(default=0.125, ge=0, le=0.9)
    hold_out: Literal["recording", "block"] = "recording"
    seed: int = 0
    force: bool = False


class ModelInfo(Exchanged):
    """Weights: what they were trained on and how well they do.

    `has_report` says that a training has left a report and figures on held-out frames; weights that were not
    accepted (`is_rejected`) can be no default.
    """

    id: str
    name: str
    keypoint_set: str
    weights_hash: str
    licence: str
    is_default: bool
    is_rejected: bool = False
    has_report: bool = False
    card: dict[str, Any]


class Judged(Exchanged):
    """Who is judged on labelled frames: installed weights, or an outcome of the tracker."""

    kind: Literal["model", "outcome"]
    id: str = Field(max_length=60)


class ComparisonWanted(Exchanged):
    """Two that are measured on the same labelled frames of a set."""

    first: Judged
    second: Judged
