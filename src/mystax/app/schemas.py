"""The objects that the page and the server exchange; the page's types are made from them (`api.gen.ts`).

Places are source pixels, (0, 0) the centre of the top left one; times are seconds on the session's clock;
frames count from 0 over the joined files of a camera.
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = [
    "AnalysisForm",
    "CameraInfo",
    "Edit",
    "EditsDone",
    "EditsWanted",
    "FrameRevision",
    "JobRow",
    "LabelFrame",
    "LabelPoint",
    "LabelSet",
    "Mark",
    "ModelInfo",
    "OutcomeInfo",
    "PreviewWanted",
    "QueueState",
    "RecordingInfo",
    "RecordingRow",
    "RoiSet",
    "Suggestion",
    "VariableInfo",
]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RecordingRow(_Model):
    """A line of the list of recordings."""

    id: str
    name: str
    project: str | None = None
    subject: str | None = None
    session: str | None = None
    cameras: list[str]
    seconds: float | None = None
    quality: str
    codes: list[str]
    analyses: list[str]
    labels: list[str]


class CameraInfo(_Model):
    """A camera of a recording; `id` asks for its frames and its clock."""

    id: str
    name: str
    files: list[str]
    n_frames: int
    width: int
    height: int
    bits: int
    colour: bool
    window: tuple[float, float]
    flags: list[dict[str, Any]]


class VariableInfo(_Model):
    """A variable of an outcome: what can be drawn of it."""

    name: str
    dims: list[str]
    shape: list[int]
    unit: str
    long_name: str
    is_trace: bool
    labels: dict[str, list[str]]


class OutcomeInfo(_Model):
    """An outcome; `id` asks for its traces, masks, points, states and report."""

    id: str
    analysis: str
    camera: str
    version: int
    coverage: float
    quality: list[dict[str, Any]]
    state: str
    variables: list[VariableInfo]


class RecordingInfo(_Model):
    """All about one recording."""

    id: str
    name: str
    cameras: list[CameraInfo]
    outcomes: list[OutcomeInfo]
    labels: list[str]
    report: bool


class Mark(_Model):
    """A mark of the seek bar, binned to pixels."""

    kind: Literal["labelled", "suggested", "low", "gap", "missing", "mark"]
    start: float
    stop: float
    count: int = 1
    text: str = ""


class RoiSet(_Model):
    """The regions of a recording, each as in a `rois.toml`; `rev` is what `If-Match` names."""

    rev: str
    rois: list[dict[str, Any]]


class PreviewWanted(_Model):
    """One frame to be measured with the pipeline's own code; regions as in a `rois.toml`."""

    camera: str
    frame: int = Field(ge=0)
    analysis: str
    rois: list[dict[str, Any]]
    parameters: dict[str, Any] = Field(default_factory=dict)
    panel: str = ""
    seq: int = 0


class AnalysisForm(_Model):
    """An analysis and the JSON schema of its parameters: the only source of forms."""

    name: str
    help: str
    roi_kind: str | None
    parameters: dict[str, Any]


class LabelPoint(_Model):
    """A point of a frame: placed, invisible (a guess) or absent; null where it is not labelled."""

    state: Literal["placed", "invisible", "absent"]
    x: float | None = None
    y: float | None = None
    confidence: float | None = None
    origin: str = "hand"


class LabelFrame(_Model):
    """The labels and the predictions of one frame."""

    camera: str
    video: str
    pts: int
    frame: int
    rev: int
    points: dict[str, LabelPoint | None]
    predicted: dict[str, LabelPoint]


class LabelSet(_Model):
    """A label set: points, edges, and where its frames are."""

    id: str
    name: str
    rev: int
    read_only: bool
    holder: str = ""
    keypoints: list[dict[str, Any]]
    edges: list[tuple[str, str]]
    frames: list[LabelFrame]


class Edit(_Model):
    """One operation of a gesture; `id` is made by the page and never done twice."""

    id: str = Field(min_length=8, max_length=64)
    op: Literal["set", "frame_add", "frame_drop", "mark_add", "mark_edit", "mark_drop", "note"]
    camera: str
    frame: int
    keypoint: str = ""
    individual: str = "face"
    after: LabelPoint | None = None
    text: str = ""


class EditsWanted(_Model):
    """A gesture; `base` maps "camera/frame" to the revision that the page has seen."""

    client: str
    batch: str
    base: dict[str, int]
    ops: list[Edit]
    undoes: str | None = None


class FrameRevision(_Model):
    """The revision of a frame after an edit."""

    camera: str
    frame: int
    rev: int


class EditsDone(_Model):
    """What was written."""

    rev: int
    frames: list[FrameRevision]


class Suggestion(_Model):
    """A frame worth labelling, and why."""

    camera: str
    frame: int
    time: float | None
    score: float
    reason: str


class ModelInfo(_Model):
    """Weights: what they were trained on and how well they do."""

    id: str
    name: str
    keypoint_set: str
    weights_hash: str
    licence: str
    is_default: bool
    card: dict[str, Any]


class JobRow(_Model):
    """A job of the queue, in the words of `mystax queue status --json`."""

    id: str
    recording: str
    kind: str
    analyses: list[str]
    state: str
    done: int
    total: int
    unit: str
    rate: float | None
    eta: float | None
    error: dict[str, str] | None


class QueueState(_Model):
    """The queue."""

    jobs: list[JobRow]
    counts: dict[str, int]
    eta: float | None
    is_worked: bool
