"""Operations on labels: marks of points, their form in a journal, and what is allowed."""

import math
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from mystax.core.keypoints import KeypointSet
from mystax.errors import FormatError, ParameterError, RecipeError, nearest

__all__ = [
    "FIELDS",
    "OPS",
    "STATES",
    "FrameKey",
    "Mark",
    "Note",
    "Operation",
    "Segment",
    "check_operation",
    "operation_from_record",
    "record_of",
]

STATES = ("placed", "invisible", "absent")
"""Placed (COCO 2); invisible: hidden, the place is a guess (1); absent: not in the picture, no place (0)."""
OPS = ("set", "frame_add", "frame_drop", "mark_add", "mark_edit", "mark_drop", "note")
FIELDS = (
    *("rev", "op", "id", "batch", "at", "who", "client", "camera", "video", "pts", "frame", "individual"),
    *("keypoint", "before", "after", "origin", "undoes"),
)
"""Names of the fields of an operation, in the order of a journal's line (there, `crc` follows)."""
IDENTITY = re.compile(r"[0-9a-f]{32}")
ORIGIN = re.compile(r"hand|(prediction|import):[0-9a-f]{1,64}")
STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z")
LONGEST = 500
FrameKey = tuple[str, int]
"""A frame's identity: fingerprint of the video or picture, and presentation stamp."""


class Mark(NamedTuple):
    """Where a point is: state, place [px], and the confidence of a prediction that was accepted."""

    state: str
    x: float | None = None
    y: float | None = None
    confidence: float | None = None

    @classmethod
    def placed(cls, x: float, y: float) -> "Mark":
        """Make the mark of a point that is seen."""
        return cls("placed", float(x), float(y))

    def record(self) -> dict[str, Any]:
        """Return the JSON object of the mark."""
        made: dict[str, Any] = {"state": self.state}
        if self.x is not None:
            made |= {"x": self.x, "y": self.y}
        if self.confidence is not None:
            made["confidence"] = self.confidence
        return made


class Segment(NamedTuple):
    """A named stretch of a video: its identity, first and last stamp, and what somebody wrote about it."""

    mark: str
    start: int
    stop: int
    text: str = ""


class Note(NamedTuple):
    """A remark on a frame; ``skip`` says that it is not worth labelling."""

    text: str


class Operation(NamedTuple):
    """One change.

    The fields are those of a journal's line: `rev` counts lines, `id` (128 bits) is made by who asks, `batch`
    is one gesture, `undoes` names the batch that is taken back.
    """

    rev: int
    op: str
    id: str
    batch: str
    at: str
    who: str
    client: str
    camera: str
    video: str
    pts: int
    frame: int
    individual: str
    keypoint: str
    before: Mark | Segment | Note | None
    after: Mark | Segment | Note | None
    origin: str = "hand"
    undoes: str | None = None


# records ---------------------------------------------------------------------------------------------


def _value(op: str, value: Any) -> Mark | Segment | Note:
    """Turn the JSON of `before` or `after` into what it is for this kind of operation."""
    try:
        if op == "set":
            get = value.get
            return Mark(value["state"], get("x"), get("y"), get("confidence"))
        if op.startswith("mark_"):
            return Segment(value["mark"], value["start"], value["stop"], value.get("text", ""))
        return Note(value["text"])
    except (KeyError, TypeError, AttributeError) as error:
        raise FormatError("F804", "label journal", f"{op}: {value!r:.80} is not understood") from error


def operation_from_record(record: Mapping[str, Any]) -> Operation:
    """Make an operation of a JSON object.

    Raises
    ------
    FormatError
        F804, if the fields are others, or not in the order of `FIELDS`, or of an impossible form.
    """
    values = list(record.values())[: len(FIELDS)]
    if tuple(record)[: len(FIELDS)] != FIELDS:
        raise FormatError(
            "F804", "label journal", "an operation has other fields", got=str(list(record))[:80]
        )
    op = values[1]
    if values[13] is not None:
        values[13] = _value(op, values[13])
    if values[14] is not None:
        values[14] = _value(op, values[14])
    return Operation._make(values)


def record_of(operation: Operation) -> dict[str, Any]:
    """Return the JSON object of an operation, its keys in the order of `FIELDS`."""
    made: dict[str, Any] = dict(zip(FIELDS, operation, strict=True))
    for name in ("before", "after"):
        value = getattr(operation, name)
        if isinstance(value, Mark):
            made[name] = value.record()
        elif value is not None:
            made[name] = value._asdict()
    return made


# checks ----------------------------------------------------------------------------------------------


def _wrong(what: str, expected: str, got: object) -> ParameterError:
    return ParameterError("P401", f"label operation, {what}", expected=expected, got=repr(got)[:80])


def _check_mark(mark: Mark) -> None:
    if mark.state not in STATES:
        raise _wrong("state", f"one of {', '.join(STATES)}{nearest(str(mark.state), STATES)}", mark.state)
    numbers = [value for value in (mark.x, mark.y) if value is not None]
    if len(numbers) != (0 if mark.state == "absent" else 2):
        raise _wrong(
            "place", "no place" if mark.state == "absent" else "x and y", [mark.state, mark.x, mark.y]
        )
    if mark.confidence is not None:
        numbers.append(mark.confidence)
    if not all(_is_finite(value) for value in numbers):
        raise _wrong("place", "finite numbers", [mark.x, mark.y, mark.confidence])


def _is_finite(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def check_operation(operation: Operation, keypoints: KeypointSet) -> None:
    """Check a new operation before it is written.

    Parameters
    ----------
    operation : Operation
        What somebody wants to do.
    keypoints : KeypointSet
        The set of the labels.

    Raises
    ------
    ParameterError
        P401, if a field has an impossible value.
    RecipeError
        P403, if the point is unknown (with the nearest name) or retired.
    """
    if operation.op not in OPS:
        raise _wrong("op", f"one of {', '.join(OPS)}{nearest(operation.op, OPS)}", operation.op)
    for name in ("id", "batch", *(("undoes",) if operation.undoes is not None else ())):
        if not IDENTITY.fullmatch(str(getattr(operation, name))):
            raise _wrong(name, "32 hexadecimal digits", getattr(operation, name))
    if not STAMP.fullmatch(operation.at):
        raise _wrong("at", "a time in UTC such as 2025-01-31T12:00:00.000Z", operation.at)
    if not ORIGIN.fullmatch(operation.origin):
        raise _wrong("origin", "hand, prediction:<sha256> or import:<sha256>", operation.origin)
    for name in ("who", "client", "camera", "video", "individual", "keypoint"):
        text = getattr(operation, name)
        if not isinstance(text, str) or len(text) > LONGEST or any(ord(letter) < 32 for letter in text):
            raise _wrong(name, f"a text of at most {LONGEST} letters", text)
    if not operation.video or type(operation.pts) is not int or type(operation.frame) is not int:
        raise _wrong("frame", "a video, a stamp and a frame number", operation[8:11])
    for value in (operation.before, operation.after):
        if isinstance(value, Mark):
            _check_mark(value)
        elif isinstance(value, Segment | Note) and len(value.text) > LONGEST:
            raise _wrong("text", f"at most {LONGEST} letters", value)
    if operation.op == "set" and keypoints.point(operation.keypoint).retired and operation.undoes is None:
        raise RecipeError(
            "P403", f"keypoint {operation.keypoint!r}", f"it is retired in the set {keypoints.name!r}"
        )
