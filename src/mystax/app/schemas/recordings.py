"""Recordings: their cameras, outcomes and marks."""

from typing import Any, Literal

from mystax.app.schemas.base import Exchanged

__all__ = [
    "CameraInfo",
    "LabelSetRow",
    "Levels",
    "Mark",
    "OutcomeInfo",
    "RecordingInfo",
    "RecordingRow",
    "VariableInfo",
]


class RecordingRow(Exchanged):
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


class CameraInfo(Exchanged):
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


class Levels(Exchanged):
    """How often each grey level is in one picture, as recorded: counts of even bins from `least` to `most`.

    `window` holds all but the darkest and brightest thousandth.  No counts: the frame could not be read.
    """

    counts: list[int]
    least: float
    most: float
    window: tuple[float, float]


class VariableInfo(Exchanged):
    """A variable of an outcome: what can be drawn of it."""

    name: str
    dims: list[str]
    shape: list[int]
    unit: str
    long_name: str
    is_trace: bool
    labels: dict[str, list[str]]


class OutcomeInfo(Exchanged):
    """An outcome; `id` asks for its traces, masks, points, states and report.

    `folder` is the name of the folder in which it lies, for people: a recording may have several.
    """

    id: str
    folder: str
    analysis: str
    camera: str
    version: int
    coverage: float
    quality: list[dict[str, Any]]
    state: str
    variables: list[VariableInfo]


class LabelSetRow(Exchanged):
    """A label set of a recording; `id` asks for its frames."""

    id: str
    name: str


class RecordingInfo(Exchanged):
    """All about one recording; `refusals` says why cameras that are not listed cannot be opened."""

    id: str
    name: str
    cameras: list[CameraInfo]
    outcomes: list[OutcomeInfo]
    labels: list[LabelSetRow]
    report: bool
    refusals: list[str]


class Mark(Exchanged):
    """A mark of the seek bar, binned to pixels."""

    kind: Literal["labelled", "suggested", "low", "gap", "missing", "mark"]
    start: float
    stop: float
    count: int = 1
    text: str = ""
