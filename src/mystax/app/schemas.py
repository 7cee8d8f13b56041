"""The objects that the page and the server exchange; the page's types are made from them (`api.gen.ts`).

Places are source pixels, (0, 0) the centre of the top left one; times are seconds on the session's clock;
frames count from 0 over the joined files of a camera.
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = [
    "AnalysisForm",
    "Bout",
    "CameraInfo",
    "Conflict",
    "Edit",
    "EditsDone",
    "EditsWanted",
    "Entry",
    "EpipolarCurve",
    "FoundCamera",
    "FoundVideos",
    "JobLog",
    "JobRow",
    "JobWanted",
    "JobsAdded",
    "LabelFrame",
    "LabelLine",
    "LabelPoint",
    "LabelSet",
    "LabelSetRow",
    "LabelSetWanted",
    "Listing",
    "Mark",
    "ModelInfo",
    "OutcomeInfo",
    "PointWanted",
    "PointsWanted",
    "PreviewWanted",
    "QueueState",
    "RecordingInfo",
    "RecordingRow",
    "RoiCopy",
    "RoiSet",
    "RoiTarget",
    "RoiTargets",
    "RoisApplied",
    "RoisWanted",
    "Root",
    "StateEdit",
    "StateEditSet",
    "Suggestion",
    "TargetCamera",
    "TrainingWanted",
    "VariableInfo",
    "VideosFound",
    "VideosWanted",
]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Root(_Model):
    """A folder that the user named."""

    id: str
    name: str


class Entry(_Model):
    """What lies in a folder."""

    name: str
    kind: Literal["folder", "outcomes", "labels", "video", "file"]
    size: int | None


class Listing(_Model):
    """A page of a folder; `next` is the cursor of the next one."""

    path: str
    entries: list[Entry]
    next: int | None


class VideosWanted(_Model):
    """Videos below a registered folder; with `dry_run` it is only said what would be added.

    `pattern` and `clock` are for a catalogue: how names are read, and where times come from.
    """

    root: str = Field(max_length=60)
    path: str = Field(default="", max_length=4096)
    pattern: str = Field(default="neuroblueprint", min_length=1, max_length=300)
    clock: str = Field(default="", max_length=300)
    dry_run: bool = True


class FoundCamera(_Model):
    """A camera of a recording that can be added: its files in order, and where its times come from."""

    name: str
    files: list[str]
    clock: str


class FoundVideos(_Model):
    """A recording that can be added: ``new``, ``changed`` or ``unchanged``, and what is odd about it."""

    name: str
    state: str
    cameras: list[FoundCamera]
    codes: list[str]


class VideosFound(_Model):
    """What was found; of many recordings and files only the first ones are told by name.

    `job` is the addition in the queue, if it was asked for.
    """

    job: str | None = None
    recordings: list[FoundVideos] = Field(default_factory=list)
    n_videos: int = 0
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    left_out: list[str] = Field(default_factory=list)
    refused: list[str] = Field(default_factory=list)


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


class LabelSetRow(_Model):
    """A label set of a recording; `id` asks for its frames."""

    id: str
    name: str


class RecordingInfo(_Model):
    """All about one recording."""

    id: str
    name: str
    cameras: list[CameraInfo]
    outcomes: list[OutcomeInfo]
    labels: list[LabelSetRow]
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


class TargetCamera(_Model):
    """A camera of a recording that regions may be copied to; `id` asks for a picture of it."""

    id: str
    name: str
    width: int
    height: int
    n_frames: int


class RoiTarget(_Model):
    """A recording that regions may be copied to; `refusal` says why they cannot, empty if they can.

    `n_rois` are there now; those of the same name are replaced.
    """

    id: str
    name: str
    rev: str
    n_rois: int
    cameras: list[TargetCamera]
    refusal: str = ""


class RoiTargets(_Model):
    """A page of recordings with cameras of the same names; `next` is the cursor of the next one."""

    targets: list[RoiTarget]
    next: int | None


class RoiCopy(_Model):
    """A recording that gets the regions, and the revision of its own that the page has seen."""

    recording: str = Field(max_length=60)
    rev: str = Field(max_length=60)


class RoisWanted(_Model):
    """Recordings that get the saved regions of another one."""

    targets: list[RoiCopy] = Field(min_length=1, max_length=100)


class RoisApplied(_Model):
    """What became of one copy: the new revision, or the refusal in the words of the terminal."""

    recording: str
    name: str
    rev: str
    error: dict[str, str] | None = None


class StateEdit(_Model):
    """What a person says of a state: its name, the state that it is counted with, whether it is shown."""

    state: int
    name: str = ""
    merged_into: int | None = None
    hidden: bool = False


class Bout(_Model):
    """An example bout of a state: first and last time [s], and whether its ends are those of the state."""

    start: float
    stop: float
    is_whole: bool


class StateEditSet(_Model):
    """The states of an outcome that anything is said of; `rev` is what `If-Match` names."""

    rev: str
    states: list[StateEdit] = Field(max_length=1000)


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
    """The labels of one frame, and what a model says of it.

    `camera` is the id of a camera, empty where its video is none of those shown; `name` is for people.
    `predicted` comes only where a single frame is asked for.
    """

    camera: str
    name: str
    video: str
    pts: int
    frame: int
    rev: int
    who: str = ""
    is_listed: bool = False
    is_skipped: bool = False
    points: dict[str, LabelPoint | None]
    predicted: dict[str, LabelPoint] = Field(default_factory=dict)


class LabelSet(_Model):
    """A label set: points, edges, and its frames in the order of camera and number."""

    id: str
    name: str
    rev: int
    read_only: bool
    holder: str = ""
    keypoint_set: str
    version: int
    is_two_sided: bool
    keypoints: list[dict[str, Any]]
    edges: list[tuple[str, str]]
    pairs: list[tuple[str, str]]
    flags: list[dict[str, Any]]
    segments: list[dict[str, Any]]
    frames: list[LabelFrame]


class LabelSetWanted(_Model):
    """A new label set of a recording."""

    name: str = Field(min_length=1, max_length=60, pattern=r"^[\w][\w .-]*$")
    keypoints: str = Field(default="mouse-face-13", max_length=60, pattern=r"^[\w-]+$")


class PointWanted(_Model):
    """A point as it shall be; `was` is its name until now, empty for a new one."""

    id: str = Field(max_length=64)
    was: str = Field(default="", max_length=64)
    definition: str = Field(default="", max_length=500)
    retired: bool = False


class PointsWanted(_Model):
    """The points of a set as they shall be, in order; `version` is that which the page has seen."""

    version: int
    points: list[PointWanted] = Field(max_length=200)
    edges: list[tuple[str, str]] = Field(default_factory=list, max_length=1000)
    pairs: list[tuple[str, str]] = Field(default_factory=list, max_length=200)


class LabelLine(_Model):
    """A line of the history of a frame."""

    rev: int
    at: str
    who: str
    op: str
    keypoint: str
    before: LabelPoint | None
    after: LabelPoint | None
    text: str
    batch: str
    undoes: str | None


class Edit(_Model):
    """One operation of a gesture on a frame of a camera (its id).

    `id` has 32 hexadecimal digits, is made by the page and never done twice.  A segment (`mark_add`,
    `mark_edit`, `mark_drop`) is named by `mark` and goes from `frame` to `stop`.  The note ``skip`` says that
    a frame is not worth labelling; an empty one takes that back.
    """

    id: str = Field(pattern=r"^[0-9a-f]{32}$")
    op: Literal["set", "frame_add", "frame_drop", "mark_add", "mark_edit", "mark_drop", "note"]
    camera: str = Field(max_length=60)
    frame: int = Field(ge=0)
    keypoint: str = Field(default="", max_length=200)
    individual: str = Field(default="face", max_length=200)
    after: LabelPoint | None = None
    text: str = Field(default="", max_length=500)
    mark: str = Field(default="", max_length=60)
    stop: int | None = Field(default=None, ge=0)


class EditsWanted(_Model):
    """A gesture; `base` maps "camera/frame" to the revision that the page has seen (0: never labelled).

    With `undoes` there are no operations: the batch of that name is taken back (and an undo is a batch, so
    taking it back is a redo).
    """

    client: str = Field(max_length=200)
    batch: str = Field(pattern=r"^[0-9a-f]{32}$")
    base: dict[str, int] = Field(default_factory=dict)
    ops: list[Edit] = Field(default_factory=list, max_length=5000)
    undoes: str | None = Field(default=None, pattern=r"^[0-9a-f]{32}$")


class EditsDone(_Model):
    """What was written: the revision of the set, and the frames as they are now."""

    rev: int
    frames: list[LabelFrame]


class Conflict(_Model):
    """What a refusal W904 (409) has besides its words: the frames as they are now."""

    frames: list[LabelFrame]


class EpipolarCurve(_Model):
    """Where in a camera's picture a point of another camera can lie: pixels x, y, from near to far."""

    places: list[tuple[float, float]]


class Suggestion(_Model):
    """A frame worth labelling, and why."""

    camera: str
    frame: int
    time: float | None
    score: float
    reason: str


class TrainingWanted(_Model):
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


class ModelInfo(_Model):
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


class JobWanted(_Model):
    """Work on a recording: a recipe, or some analyses; with the regions that are saved for it."""

    recording: str = Field(max_length=60)
    recipe: str = Field(default="standard", max_length=60, pattern=r"^[\w-]+$")
    analyses: list[str] = Field(default_factory=list, max_length=50)
    parameters: dict[str, dict[str, Any]] = Field(default_factory=dict)
    force: bool = False


class JobsAdded(_Model):
    """Ids of new jobs."""

    ids: list[str]


class JobRow(_Model):
    """A job of the queue, in the words of `mystax queue list --json`; `share` of 1, `rate` in frames/s.

    A training (`kind` is ``train``, `recipe` the name of the weights) has a `result`: its report.
    """

    id: str
    recording: str
    kind: str
    recipe: str
    analyses: list[str]
    state: str
    reason: str
    share: float | None
    rate: float | None
    seconds: float | None
    error: dict[str, str] | None
    result: dict[str, Any] | None = None


class JobLog(_Model):
    """Lines of a log; `next` is what to ask for after them."""

    lines: list[str]
    next: int
    state: str


class QueueState(_Model):
    """The queue; `eta` is the time left [s], `is_worked` whether any process works on it."""

    jobs: list[JobRow]
    counts: dict[str, int]
    eta: float | None
    is_worked: bool
