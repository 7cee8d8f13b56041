"""Remarks of the catalogue: how grave a code is, and the notes that it makes itself."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from mystax.core.quality import Flag
from mystax.errors import CODES, MystaxError

__all__ = [
    "AWAY",
    "NOTES",
    "Remark",
    "Severity",
    "is_passing",
    "notes_of",
    "quality_of",
    "remark_of_error",
    "remark_of_flag",
    "severity_of",
]

Severity = Literal["note", "warning", "error"]
Quality = Literal["unchecked", "good", "warned", "bad"]

AWAY = "the file is not there"
"""Text of the remark on a video that was away when somebody looked."""
ONLY_NOTES = frozenset({"V108", "V109", "V115", "V117", "V121", "C208"})
"""Flags that change no number as long as nobody builds on what they say."""


@dataclass(frozen=True, slots=True)
class Remark:
    """One row of the table `flag`, before it has one.

    Attributes
    ----------
    code : str
        One of `mystax.errors.CODES`, or of `NOTES`.
    severity : {"note", "warning", "error"}
        How grave it is.
    detail : mapping
        Text, frames, what was expected, the hint.
    camera : str
        The camera that it is about; "" for the recording.
    path : str
        The video that it is about; "" for the camera.
    """

    code: str
    severity: Severity
    detail: Mapping[str, object] = field(default_factory=dict)
    camera: str = ""
    path: str = ""


def severity_of(code: str, *, is_refusal: bool = False) -> Severity:
    """Return how grave a code is.

    Parameters
    ----------
    code : str
        One of `mystax.errors.CODES`, or of `NOTES`.
    is_refusal : bool, optional
        Whether it refused something: nothing can be measured then.

    Returns
    -------
    {"note", "warning", "error"}
        Notes need no person.
    """
    if is_refusal:
        return "error"
    return "note" if code in ONLY_NOTES or code not in CODES else "warning"


def is_passing(code: str, detail: Mapping[str, object]) -> bool:
    """Tell whether a remark is of a moment: the disk could not be read, or the file was away."""
    return code == "V131" or detail.get("text") == AWAY


def remark_of_flag(flag: Flag, camera: str = "", path: str = "") -> Remark:
    """Make the remark of a flag of a reader or of an outcome."""
    detail: dict[str, object] = {"text": flag.text}
    if flag.n_frames:
        detail |= {"frames": list(flag.frames), "n_frames": flag.n_frames}
    return Remark(flag.code, severity_of(flag.code), detail, camera, path)


def remark_of_error(error: MystaxError, camera: str = "", path: str = "") -> Remark:
    """Make the remark of a refusal."""
    record = error.record().as_dict()
    detail = {name: record[name] for name in ("expected", "got", "hint") if record[name]}
    text = record["what"] or CODES[error.code].meaning
    return Remark(
        error.code, severity_of(error.code, is_refusal=True), {"text": text, **detail}, camera, path
    )


@dataclass(frozen=True, slots=True)
class Known:
    """What the notes of the catalogue are made from.

    Attributes
    ----------
    subject : str
        The subject, "" if unknown.
    start : float or None
        Start of the recording [s since 1970].
    doubles : tuple of str
        Files of other recordings with the same content.
    """

    subject: str = ""
    start: float | None = None
    doubles: tuple[str, ...] = ()


Note = Callable[[Known], str]
NOTES: dict[str, Note] = {}


def note(code: str) -> Callable[[Note], Note]:
    """Register a note: a function that gives its text, "" where there is nothing to say."""

    def register(function: Note) -> Note:
        NOTES[code] = function
        return function

    return register


@note("no_subject")
def _no_subject(known: Known) -> str:
    return "" if known.subject else "no subject is known; mystax catalog set ID subject=NAME"


@note("no_start_time")
def _no_start_time(known: Known) -> str:
    return "" if known.start is not None else "no start is known; mystax catalog set ID start=DATE"


@note("duplicate")
def _duplicate(known: Known) -> str:
    return f"same content as {', '.join(known.doubles[:3])}" if known.doubles else ""


def notes_of(known: Known) -> list[Remark]:
    """Return the notes of the catalogue on a recording."""
    found = {code: function(known) for code, function in NOTES.items()}
    return [Remark(code, severity_of(code), {"text": text}) for code, text in found.items() if text]


def quality_of(severities: Iterable[str]) -> Quality:
    """Return the quality of a recording from the severities that nobody accepted.

    Examples
    --------
    >>> quality_of(["note", "warning"]), quality_of(["note"])
    ('warned', 'good')
    """
    found = set(severities)
    return "bad" if "error" in found else "warned" if "warning" in found else "good"
