"""Labels: sets, frames, gestures, points, suggestions."""

from typing import Any, Literal

from pydantic import Field

from mystax.app.schemas.base import Exchanged

__all__ = [
    "Conflict",
    "Edit",
    "EditsDone",
    "EditsWanted",
    "EpipolarCurve",
    "LabelFrame",
    "LabelLine",
    "LabelPoint",
    "LabelSet",
    "LabelSetWanted",
    "PointWanted",
    "PointsWanted",
    "Suggestion",
]


class LabelPoint(Exchanged):
    """A point of a frame: placed, invisible (a guess) or absent; null where it is not labelled."""

    state: Literal["placed", "invisible", "absent"]
    x: float | None = None
    y: float | None = None
    confidence: float | None = None
    origin: str = "hand"


class LabelFrame(Exchanged):
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


class LabelSet(Exchanged):
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


class LabelSetWanted(Exchanged):
    """A new label set of a recording."""

    name: str = Field(min_length=1, max_length=60, pattern=r"^[\w][\w .-]*$")
    keypoints: str = Field(default="mouse-face-13", max_length=60, pattern=r"^[\w-]+$")


class PointWanted(Exchanged):
    """A point as it shall be; `was` is its name until now, empty for a new one."""

    id: str = Field(max_length=64)
    was: str = Field(default="", max_length=64)
    definition: str = Field(default="", max_length=500)
    retired: bool = False


class PointsWanted(Exchanged):
    """The points of a set as they shall be, in order; `version` is that which the page has seen."""

    version: int
    points: list[PointWanted] = Field(max_length=200)
    edges: list[tuple[str, str]] = Field(default_factory=list, max_length=1000)
    pairs: list[tuple[str, str]] = Field(default_factory=list, max_length=200)


class LabelLine(Exchanged):
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


class UndoPoint(Exchanged):
    """What a gesture did to a point of a frame."""

    camera: str
    frame: int
    keypoint: str
    before: LabelPoint | None
    after: LabelPoint | None


class UndoStep(Exchanged):
    """A gesture that stands and can be taken back."""

    batch: str
    points: list[UndoPoint]


class Edit(Exchanged):
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


class EditsWanted(Exchanged):
    """A gesture; `base` maps "camera/frame" to the revision that the page has seen (0: never labelled).

    With `undoes` there are no operations: the batch of that name is taken back (and an undo is a batch, so
    taking it back is a redo).
    """

    client: str = Field(max_length=200)
    batch: str = Field(pattern=r"^[0-9a-f]{32}$")
    base: dict[str, int] = Field(default_factory=dict)
    ops: list[Edit] = Field(default_factory=list, max_length=5000)
    undoes: str | None = Field(default=None, pattern=r"^[0-9a-f]{32}$")


class EditsDone(Exchanged):
    """What was written: the revision of the set, and the frames as they are now."""

    rev: int
    frames: list[LabelFrame]


class Conflict(Exchanged):
    """What a refusal W904 (409) has besides its words: the frames as they are now."""

    frames: list[LabelFrame]


class EpipolarCurve(Exchanged):
    """Where in a camera's picture a point of another camera can lie: pixels x, y, from near to far."""

    places: list[tuple[float, float]]


class Suggestion(Exchanged):
    """A frame worth labelling, and why."""

    camera: str
    frame: int
    time: float | None
    score: float
    reason: str
