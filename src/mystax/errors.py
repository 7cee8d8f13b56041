"""The errors of mystax and the one table of codes.

::

    MystaxError                        code, where, what, expected, got, hint, retry
    ├── InputError                     the file or the data must change
    │   ├── VideoError                 V1xx
    │   ├── ClockError                 C2xx
    │   ├── NumbersError               N3xx
    │   └── FormatError                F8xx (foreign files)
    ├── PlanError (ValueError)         the request must change; found before any work
    │   ├── ParameterError             P401
    │   ├── RoiError                   P402
    │   └── RecipeError                P403, P404
    ├── StoreError                     S503, S504, S505
    │   ├── SpaceError                 S501
    │   └── DamagedError               S502
    ├── QueueError                     Q6xx
    │   ├── LeaseLost                  Q601
    │   ├── PoisonJob                  Q602
    │   ├── CatalogError               Q603, Q604, Q605, Q606
    │   └── EngineError                Q607
    ├── AppError                       W9xx (edits of labels, and the web app)
    ├── ModelError                     M7xx
    │   ├── WeightsError               M701, M702
    │   └── DeviceError                M703
    ├── ExtraMissing (ImportError)     X001
    ├── Cancelled                      the user stopped the work
    └── InternalError                  B999, a bug

A code is a refusal (raised as an exception) or a flag (the outcome exists and the code stands in its
`quality` attribute); some are both.  This module imports the standard library only, so that
``import mystax`` stays light.
"""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

__all__ = [
    "CODES",
    "AppError",
    "Cancelled",
    "CatalogError",
    "ClockError",
    "Code",
    "DamagedError",
    "DeviceError",
    "EngineError",
    "ErrorRecord",
    "ExtraMissing",
    "FormatError",
    "InputError",
    "InternalError",
    "LeaseLost",
    "ModelError",
    "MystaxError",
    "NumbersError",
    "ParameterError",
    "PlanError",
    "PoisonJob",
    "QueueError",
    "RecipeError",
    "RoiError",
    "SpaceError",
    "StoreError",
    "VideoError",
    "WeightsError",
    "error_from_record",
    "nearest",
]

Kind = Literal["refusal", "flag", "both"]
Retry = Literal["never", "transient", "space", "bug", "-"]


class Code(NamedTuple):
    """Meaning of one code: what happened, whether it refuses or flags, and when to try again."""

    meaning: str
    kind: Kind
    retry: Retry


CODES: Mapping[str, Code] = {
    "V101": Code("the file is cut short, or its end cannot be read", "both", "never"),
    "V102": Code("the index of the video is missing", "refusal", "never"),
    "V103": Code("the video has no frame", "refusal", "never"),
    "V104": Code("not a video that can be opened", "refusal", "never"),
    "V105": Code("packets of the video are damaged", "both", "never"),
    "V106": Code("the claimed number of frames is wrong", "both", "never"),
    "V107": Code("the decoder died or stalled three times at one place", "both", "transient"),
    "V108": Code("the bit depth was reduced", "flag", "-"),
    "V109": Code("the grey range is assumed or doubtful", "flag", "-"),
    "V110": Code("the frame rate is variable", "flag", "-"),
    "V111": Code("time stamps were repaired, or are not usable", "both", "never"),
    "V112": Code("the video is interlaced", "flag", "-"),
    "V113": Code("frames are missing between others (gaps in time)", "flag", "-"),
    "V114": Code("odd picture geometry (rotation, or pixels that are not square)", "flag", "-"),
    "V115": Code("packets without a picture", "flag", "-"),
    "V117": Code("the container holds a rate, not times", "flag", "-"),
    "V120": Code("files of one camera differ in depth, size or rate", "both", "never"),
    "V121": Code("the boundary time of consecutive files is assumed", "flag", "-"),
    "V130": Code("the file changed while it was read", "both", "transient"),
    "V131": Code("the disk could not be read", "refusal", "transient"),
    "C201": Code("the cameras' clocks disagree, or have nothing in common", "refusal", "never"),
    "C202": Code("clock file and number of frames differ", "both", "never"),
    "C203": Code("residual or drift of a fitted clock is too large", "refusal", "never"),
    "C204": Code("camera and neural data have too little time in common", "refusal", "never"),
    "C205": Code("event trains cannot be matched", "refusal", "never"),
    "C206": Code("the clock file is not understood, or its times are not usable", "refusal", "never"),
    "C207": Code("neural data have neither times nor a rate", "refusal", "never"),
    "C208": Code("the clock is extrapolated beyond its events", "flag", "-"),
    "N301": Code("constant, black, saturated or flat input", "flag", "-"),
    "N302": Code("the target is not visible or not measurable", "flag", "-"),
    "N331": Code("the face leaves its box", "flag", "-"),
    "N303": Code("too many missing values, or nothing left to compute with", "refusal", "never"),
    "N304": Code("a fallback was used, or the result is degenerate", "flag", "-"),
    "N305": Code("training and test are too close in time, or there are too few blocks", "refusal", "never"),
    "N306": Code("the axes of a neural array cannot be decided", "refusal", "never"),
    "N307": Code("a column of behaviour is like a neuron", "flag", "-"),
    "N308": Code("neurons were left out", "flag", "-"),
    "N309": Code("columns of behaviour were left out", "flag", "-"),
    "N310": Code("the neural evidence is weak (the text says why)", "flag", "-"),
    "N311": Code("the rig cannot be solved", "refusal", "never"),
    "N312": Code("the calibration is weak or implausible", "flag", "-"),
    "N313": Code("places in space are flat or badly conditioned", "flag", "-"),
    "N314": Code("coordinates are mirrored or sheared", "flag", "-"),
    "N315": Code("cameras disagree: drift, time, or a wrong rig", "flag", "-"),
    "N321": Code("no number of states is supported by the data", "flag", "-"),
    "N322": Code("the number of states is at its limit, or the states are unstable", "flag", "-"),
    "N323": Code("there is too little data for the states", "flag", "-"),
    "P401": Code("a parameter cannot be used", "refusal", "never"),
    "P402": Code("a region of interest cannot be used", "refusal", "never"),
    "P403": Code("recipe, inputs or names do not fit together", "refusal", "never"),
    "P404": Code("a name cannot be written", "refusal", "never"),
    "S501": Code("no space left", "refusal", "space"),
    "S502": Code("the outcome is damaged", "refusal", "never"),
    "S503": Code("the file system lacks what the store needs", "refusal", "never"),
    "S504": Code("the target is open elsewhere", "refusal", "transient"),
    "S505": Code("the outcome was made by a newer mystax", "refusal", "never"),
    "Q601": Code("the lease of the job is lost: another driver has it", "refusal", "transient"),
    "Q602": Code("the job killed its worker three times", "refusal", "never"),
    "Q603": Code("the database is locked or away", "refusal", "transient"),
    "Q604": Code("the database would lie on a network disk", "refusal", "never"),
    "Q605": Code("the schema of the catalogue is not the one of this mystax", "refusal", "never"),
    "Q606": Code("a root folder is not there on this host", "refusal", "space"),
    "Q607": Code("the engine cannot be used", "refusal", "never"),
    "M701": Code("the weights are refused: damaged, too large, or of an unknown kind", "refusal", "never"),
    "M702": Code("weights do not fit the keypoint set, the network or the request", "refusal", "never"),
    "M703": Code("the device for the network cannot be used", "refusal", "never"),
    "F801": Code("code in a foreign file", "refusal", "never"),
    "F802": Code("a claimed size goes beyond the file", "refusal", "never"),
    "F803": Code("reference to another file", "refusal", "never"),
    "F804": Code("unknown or impossible layout", "refusal", "never"),
    "W901": Code("no token, or a wrong one", "refusal", "never"),
    "W902": Code("the request comes by another name or from another page", "refusal", "never"),
    "W903": Code("there is nothing of that name here", "refusal", "never"),
    "W904": Code("somebody else changed it meanwhile", "refusal", "never"),
    "W905": Code("the web pages are not built", "flag", "-"),
    "W906": Code("the request is too large, of a wrong form, or comes too often", "refusal", "never"),
    "W907": Code("the last line of a label journal was torn and is kept apart", "flag", "-"),
    "W908": Code("a line inside a label journal is damaged; the folder is read only", "both", "never"),
    "X001": Code("an extra is not installed", "refusal", "never"),
    "X002": Code("a plug-in is broken", "flag", "never"),
    "B999": Code("a bug in mystax", "refusal", "bug"),
}


@dataclass(frozen=True, slots=True)
class ErrorRecord:
    """An error as plain text fields: what `--json`, logs and child processes carry."""

    code: str
    kind: str
    where: str
    what: str
    expected: str
    got: str
    hint: str
    retry: str

    def as_dict(self) -> dict[str, str]:
        """Return the JSON object of the error."""
        return {
            "code": self.code,
            "class": self.kind,
            "where": self.where,
            "what": self.what,
            "expected": self.expected,
            "got": self.got,
            "hint": self.hint,
            "retry": self.retry,
        }


class MystaxError(Exception):
    """Base of all errors.

    Parameters
    ----------
    code : str
        One of `CODES`.
    where : str
        File, parameter, region or place that the error is about.
    what : str, optional
        One sentence of what is wrong, without a full stop; by default none is printed.
    expected, got : str, optional
        What was needed, and what was there instead.
    hint : str, optional
        What the user can do.
    """

    def __init__(
        self, code: str, where: str, what: str = "", *, expected: str = "", got: str = "", hint: str = ""
    ) -> None:
        self.code = code
        self.where = where
        self.what = what
        self.expected = expected
        self.got = got
        self.hint = hint
        super().__init__(code, where, what)

    @property
    def retry(self) -> str:
        """When the same request may be tried again: never, transient, space or bug."""
        return CODES[self.code].retry if self.code in CODES else "never"

    def __str__(self) -> str:
        expectation = ""
        if self.expected or self.got:
            parts = ([f"expected {self.expected}"] if self.expected else []) + (
                [f"got {self.got}"] if self.got else []
            )
            expectation = ", ".join(parts)
        text = f"{self.code} {self.where}"
        if self.what:
            text += f": {_ended(self.what)}"
            if expectation:
                text += f" {expectation[0].upper()}{expectation[1:]}."
        elif expectation:
            text += f": {expectation}"
        if self.hint:
            text = f"{_ended(text)} Hint: {self.hint}"
        return text

    def __reduce__(self) -> tuple[object, ...]:
        return error_from_record, (self.record(),)

    def record(self) -> ErrorRecord:
        """Return the error as plain text fields."""
        return ErrorRecord(
            self.code,
            type(self).__name__,
            self.where,
            self.what,
            self.expected,
            self.got,
            self.hint,
            self.retry,
        )


class InputError(MystaxError):
    """The file or the data must change."""


class VideoError(InputError):
    """V1xx: a video cannot be read as asked."""


class ClockError(InputError):
    """C2xx: times cannot be had, or do not fit together."""


class NumbersError(InputError):
    """N3xx: there is nothing to compute with."""


class FormatError(InputError):
    """F8xx: a foreign file is refused."""


class PlanError(MystaxError, ValueError):
    """The request must change; found before any work."""


class ParameterError(PlanError):
    """P401: a parameter cannot be used."""


class RoiError(PlanError):
    """P402: a region of interest cannot be used."""


class RecipeError(PlanError):
    """P403, P404: recipe, inputs or names do not fit together."""


class StoreError(MystaxError):
    """S5xx: an outcome cannot be written or read."""


class SpaceError(StoreError):
    """S501: no space left."""


class DamagedError(StoreError):
    """S502: the outcome is damaged."""


class QueueError(MystaxError):
    """Q6xx: a job cannot go on."""


class LeaseLost(QueueError):
    """Q601: another driver has the job."""


class PoisonJob(QueueError):
    """Q602: the job killed its worker three times."""


class CatalogError(QueueError):
    """Q603, Q604, Q605, Q606: the catalogue, or a folder that it names, cannot be used."""


class EngineError(QueueError):
    """Q607: the engine that is to run jobs cannot be used."""


class AppError(MystaxError):
    """W9xx: an edit of labels, or a request to the web app, cannot be carried out."""

    status: int | None = None
    """HTTP status of the answer, where the code alone does not decide it."""


class ModelError(MystaxError):
    """M7xx: a network cannot be used."""


class WeightsError(ModelError):
    """M701, M702: weights are refused, or do not fit."""


class DeviceError(ModelError):
    """M703: the device that a network is to run on cannot be used."""


class ExtraMissing(MystaxError, ImportError):
    """X001: an extra is not installed."""


class Cancelled(MystaxError):
    """The user stopped the work; everything finished so far is kept."""

    def __init__(self, where: str = "run", signal: int = 2) -> None:
        super().__init__("", where, "stopped")
        self.signal = signal

    def __str__(self) -> str:
        return f"{self.where}: stopped; the next run goes on from the last checkpoint"

    def __reduce__(self) -> tuple[object, ...]:
        return Cancelled, (self.where, self.signal)


class InternalError(MystaxError):
    """B999: a bug in mystax."""


def _ended(text: str) -> str:
    """Return a text that ends like a sentence."""
    return text if text.endswith((".", "?", "!")) else f"{text}."


def _subclasses(kind: type[MystaxError]) -> dict[str, type[MystaxError]]:
    found = {kind.__name__: kind}
    for child in kind.__subclasses__():
        found |= _subclasses(child)
    return found


def error_from_record(record: ErrorRecord | Mapping[str, str]) -> MystaxError:
    """Rebuild an error from its text fields (the way back from a child process)."""
    fields = record.as_dict() if isinstance(record, ErrorRecord) else dict(record)
    kind = _subclasses(MystaxError).get(fields.get("class", ""), InternalError)
    if kind is Cancelled:
        return Cancelled(fields.get("where", "run"))
    return kind(
        fields.get("code", "B999"),
        fields.get("where", ""),
        fields.get("what", ""),
        expected=fields.get("expected", ""),
        got=fields.get("got", ""),
        hint=fields.get("hint", ""),
    )


def nearest(name: object, known: Iterable[str]) -> str:
    """Say which known name an unknown one is closest to, and list the known ones if they are few.

    Parameters
    ----------
    name : object
        The unknown name, or what was given for one.
    known : iterable of str
        The names that exist.

    Returns
    -------
    str
        Text that starts with "; " or is empty.

    Examples
    --------
    >>> nearest("pupl", ["motion", "pupil"])
    "; did you mean 'pupil'? Known: motion, pupil"
    """
    names = sorted(known)
    close = difflib.get_close_matches(str(name), names, n=1, cutoff=0.6)
    text = f"; did you mean {close[0]!r}?" if close else ""
    if names and len(names) <= 12:
        text += f"{'' if close else ';'} Known: {', '.join(names)}"
    return text
