"""The text that names a clock (`--clock`, `clocks=`), taken apart."""

from dataclasses import dataclass
from fractions import Fraction
from math import isfinite

from mystax.errors import ParameterError, nearest

__all__ = ["KINDS", "UNITS", "ClockSpec", "parse_clock_spec"]

KINDS = {
    "pts": "pts",
    "rate": "rate:30000/1001[:start]",
    "csv": "csv:FILE[:COLUMN[:unit]]",
    "npy": "npy:FILE[:COLUMN][:unit]",
    "npz": "npz:FILE:KEY[:unit]",
    "mat": "mat:FILE:VARIABLE[:unit]",
    "h5": "h5:FILE:/path[:unit]",
    "ttl": "ttl:FILE:CHANNEL[:rising or falling][:RATE]",
    "events": "events:FILE_A:FILE_B",
}
"""Kinds of clocks and how each is written."""
UNITS = ("s", "ms", "us", "ns", "samples", "iso", "datenum", "flir")
MIN_RATE, MAX_RATE, MAX_SAMPLES = 1e-6, 1e6, 1e12
"""Rates of frames, and of samples, that make sense [1/s]."""
FARTHEST = 2**62 // 10**9
"""Seconds beyond which nothing is a time: 146 years."""
NEEDS_NAME = ("npz", "mat", "h5", "ttl")


@dataclass(frozen=True, slots=True)
class ClockSpec:
    """Where the times of a camera come from.

    Attributes
    ----------
    text : str
        The spec as it was written.
    kind : str
        One of `KINDS`.
    file : str
        File or pattern (`events`: the file in camera time).
    session_file : str
        `events`: the file in session time.
    name : str
        Column, key, variable, path or channel; "" to let the file decide.
    unit : str
        One of `UNITS`; "" to take it from the video.
    rate : Fraction or None
        Frames per second (`rate`), or samples per second (`samples`, `ttl`).
    start : Fraction
        Time of the first frame [s] (`rate`).
    edge : {"rising", "falling"}
        Edge of a sampled line (`ttl`).
    """

    text: str
    kind: str
    file: str = ""
    session_file: str = ""
    name: str = ""
    unit: str = ""
    rate: Fraction | None = None
    start: Fraction = Fraction(0)
    edge: str = "rising"


def _refuse(text: str, what: str, kind: str = "") -> ParameterError:
    return ParameterError(
        "P401", f"clock {text!r}", what, expected=KINDS.get(kind, ", ".join(KINDS)), got=text
    )


def _fraction(value: str, text: str, kind: str) -> Fraction:
    try:
        # A power of ten that no float holds would be written out, digit by digit, for minutes.
        if "/" not in value and not isfinite(float(value)):
            raise ValueError(value)
        return Fraction(value) if "/" in value or float(value) else Fraction(0)
    except (ValueError, ZeroDivisionError) as error:
        raise _refuse(text, f"{value!r} is not a number", kind) from error


def _rate(value: str, text: str, kind: str) -> Fraction:
    rate = _fraction(value, text, kind)
    if rate <= 0:
        raise _refuse(text, "the rate must be over 0", kind)
    most = MAX_RATE if kind == "rate" else MAX_SAMPLES
    if not MIN_RATE <= rate <= most:
        raise _refuse(text, f"the rate must be {MIN_RATE:g} to {most:g} per second", kind)
    return rate


def _words(text: str) -> list[str]:
    """Split at colons, but not behind the letter of a Windows drive."""
    kind, *parts = text.split(":")
    words: list[str] = []
    for part in parts:
        if words and len(words[-1]) == 1 and words[-1].isalpha() and part.startswith("\\"):
            words[-1] += f":{part}"
        else:
            words.append(part)
    return [kind, *words]


def parse_clock_spec(text: str) -> ClockSpec:
    """Take a clock spec apart.

    Parameters
    ----------
    text : str
        Such as ``pts``, ``rate:30000/1001``, ``csv:times.csv:time:ms``, ``ttl:lines.npy:3:rising:30000``.

    Returns
    -------
    ClockSpec
        Its parts.

    Raises
    ------
    ParameterError
        P401, if the kind is unknown, or a part is missing, too many, not understood or out of range.

    Examples
    --------
    >>> parse_clock_spec("rate:30000/1001").rate
    Fraction(30000, 1001)
    """
    kind, *words = _words(text)
    if kind not in KINDS:
        raise _refuse(text, f"there is no kind of clock {kind!r}{nearest(kind, KINDS)}")
    if kind == "pts":
        if words:
            raise _refuse(text, "nothing can follow pts", kind)
        return ClockSpec(text, kind)
    if not words or not words[0]:
        raise _refuse(text, "something is missing", kind)
    if kind == "rate":
        if len(words) > 2:
            raise _refuse(text, "there are too many parts", kind)
        start = _fraction(words[1], text, kind) if len(words) > 1 else Fraction(0)
        if abs(start) > FARTHEST:
            raise _refuse(text, f"the start must be below {FARTHEST:.2g} s", kind)
        return ClockSpec(text, kind, rate=_rate(words[0], text, kind), start=start)
    if kind == "events":
        if len(words) != 2 or not words[1]:
            raise _refuse(text, "two files are needed", kind)
        return ClockSpec(text, kind, words[0], words[1], unit="s")
    if kind in NEEDS_NAME and (len(words) < 2 or not words[1]):
        raise _refuse(text, "the name of the data in the file is missing", kind)
    return _line(text, words) if kind == "ttl" else _file(text, kind, words)


def _line(text: str, words: list[str]) -> ClockSpec:
    """Take `ttl:FILE:CHANNEL[:edge][:RATE]` apart."""
    file, channel, *more = words
    edge = "rising"
    if more and more[0] in ("rising", "falling"):
        edge = more.pop(0)
    rate = _rate(more.pop(0), text, "ttl") if more else None
    if more:
        raise _refuse(text, "there are too many parts", "ttl")
    return ClockSpec(text, "ttl", file, name=channel, unit="samples" if rate else "s", rate=rate, edge=edge)


def _file(text: str, kind: str, words: list[str]) -> ClockSpec:
    """Take `KIND:FILE[:NAME][:unit]` apart."""
    file, *more = words
    name = ""
    # A name of digits or of one's own goes before a unit; `npy:times.npy:ms` has a unit only.
    if more and not (kind == "npy" and more[0] in UNITS):
        name = more.pop(0)
    unit = more.pop(0) if more else ""
    if unit and unit not in UNITS:
        raise _refuse(text, f"there is no unit {unit!r}{nearest(unit, UNITS)}", kind)
    rate = None
    if unit == "samples":
        if not more:
            raise _refuse(text, "samples need their rate (samples:RATE)", kind)
        rate = _rate(more.pop(0), text, kind)
    if more:
        raise _refuse(text, "there are too many parts", kind)
    return ClockSpec(text, kind, file, name=name, unit=unit, rate=rate)
