"""Regions of interest: the set, one frame measured live, copies to other recordings."""

from typing import Any

from pydantic import Field

from mystax.app.schemas.base import Exchanged

__all__ = [
    "AnalysisForm",
    "Preparing",
    "PreviewWanted",
    "RoiCopy",
    "RoiSet",
    "RoiTarget",
    "RoiTargets",
    "RoisApplied",
    "RoisWanted",
    "TargetCamera",
]


class RoiSet(Exchanged):
    """The regions of a recording, each as in a `rois.toml`; `rev` is what `If-Match` names."""

    rev: str
    rois: list[dict[str, Any]]


class TargetCamera(Exchanged):
    """A camera of a recording that regions may be copied to; `id` asks for a picture of it."""

    id: str
    name: str
    width: int
    height: int
    n_frames: int


class RoiTarget(Exchanged):
    """A recording that regions may be copied to; `refusal` says why they cannot, empty if they can.

    `n_rois` are there now; those of the same name are replaced.
    """

    id: str
    name: str
    rev: str
    n_rois: int
    cameras: list[TargetCamera]
    refusal: str = ""


class RoiTargets(Exchanged):
    """A page of recordings with cameras of the same names; `next` is the cursor of the next one."""

    targets: list[RoiTarget]
    next: int | None


class RoiCopy(Exchanged):
    """A recording that gets the regions, and the revision of its own that the page has seen."""

    recording: str = Field(max_length=60)
    rev: str = Field(max_length=60)


class RoisWanted(Exchanged):
    """Recordings that get the saved regions of another one."""

    targets: list[RoiCopy] = Field(min_length=1, max_length=100)


class RoisApplied(Exchanged):
    """What became of one copy: the new revision, or the refusal in the words of the terminal."""

    recording: str
    name: str
    rev: str
    error: dict[str, str] | None = None


class PreviewWanted(Exchanged):
    """Frames to be measured with the pipeline's own code, `n` from `frame` on; regions as in a `rois.toml`.

    More than one are for the strip around a frame: they come after all that is wanted at once.  With `sight`
    comes what the measurement sees in the first one: picture, pixels that count, grey levels, threshold.
    """

    camera: str
    frame: int = Field(ge=0)
    n: int = Field(default=1, ge=1, le=32)
    sight: bool = False
    analysis: str
    rois: list[dict[str, Any]]
    parameters: dict[str, Any] = Field(default_factory=dict)
    panel: str = ""
    seq: int = 0


class AnalysisForm(Exchanged):
    """An analysis and the JSON schema of its parameters: the only source of forms."""

    name: str
    help: str
    roi_kind: str | None
    parameters: dict[str, Any]


class Preparing(Exchanged):
    """The loops of an analysis are being compiled, once on each machine; since so many seconds."""

    analysis: str
    seconds: float
