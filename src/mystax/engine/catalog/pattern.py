"""The language of naming patterns: which files are videos of which recording.  Pure: no file is touched.

``{field}`` one key-value text (no ``_`` and no ``/``); ``{field:any}`` the shortest text without ``/``;
``{field:int}`` digits; ``{field:date}`` YYYYMMDD, YYMMDD or YYYY-MM-DD; ``{field:time}`` HHMMSS, HHMM,
HH-MM-SS or HH:MM:SS; ``*`` any text without ``/``; ``**`` any number of folders; ``(...)?`` an optional
part; ``{video}`` the suffix of a video; everything else stands for itself.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, time
from functools import cached_property

from mystax.errors import RecipeError, nearest

__all__ = ["FIELDS", "VIDEO_WORDS", "NearMiss", "Pattern", "compile_pattern", "nearest_misses"]

FIELDS = ("project", "subject", "session", "run", "camera", "part", "date", "time")
META = "meta."
VIDEO_WORDS = ("mp4", "avi", "mkv", "mov", "mj2", "mpg", "mpeg", "m4v", "ts", "asf", "wmv", "webm")
MONTH, DAY = r"(?:0[1-9]|1[0-2])", r"(?:0[1-9]|[12][0-9]|3[01])"
HOUR, SIXTY = r"(?:[01][0-9]|2[0-3])", r"[0-5][0-9]"
KINDS: Mapping[str, str] = {
    "text": r"[^_/]+",
    "any": r"[^/]+?",
    "int": r"[0-9]+",
    "date": rf"(?:[0-9]{{4}}-{MONTH}-{DAY}|[0-9]{{4}}{MONTH}{DAY}|[0-9]{{2}}{MONTH}{DAY})",
    "time": rf"(?:{HOUR}-{SIXTY}-{SIXTY}|{HOUR}:{SIXTY}:{SIXTY}|{HOUR}{SIXTY}(?:{SIXTY})?)",
}
OWN_KIND = {"date": "date", "time": "time"}
"""Fields whose kind need not be named."""
TOKEN = re.compile(r"\{([^{}]*)\}|(\*\*/?|\*)|(\()|(\)\?)|([^{}*()]+|[{}()])", re.DOTALL)
LONGEST = 1000


@dataclass(frozen=True, slots=True)
class NearMiss:
    """How far a path agrees with a pattern that it does not match.

    Attributes
    ----------
    path : str
        The path.
    matched : str
        The longest start of it that agrees.
    failed : str
        The part of the path that does not.
    expected : str
        The piece of the pattern that should have agreed.
    """

    path: str
    matched: str
    failed: str
    expected: str

    @property
    def text(self) -> str:
        """The near miss in words."""
        start = f"agrees up to {self.matched!r}, then " if self.matched else ""
        end = f"{self.failed!r}" if self.failed else "its end"
        return f"{self.path}: {start}{end} is not {self.expected!r}"

    def as_dict(self) -> dict[str, str]:
        """Return the JSON object of the near miss."""
        return {
            "path": self.path,
            "matched": self.matched,
            "failed": self.failed,
            "expected": self.expected,
        }


@dataclass(frozen=True)
class Pattern:
    """A compiled pattern.

    Attributes
    ----------
    text : str
        The pattern as it was given.
    pieces : tuple of tuple
        Source and regular expression of each piece.
    fields : mapping
        Name of the group to field and kind.
    """

    text: str
    pieces: tuple[tuple[str, str], ...]
    fields: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    @cached_property
    def _whole(self) -> re.Pattern[str]:
        return re.compile("".join(regex for _, regex in self.pieces), re.DOTALL)

    @property
    def names(self) -> tuple[str, ...]:
        """The fields that the pattern has."""
        return tuple(name for name, _ in self.fields.values())

    def match(self, path: str) -> dict[str, str] | None:
        """Return the fields of a path, or None if it does not match.

        Parameters
        ----------
        path : str
            Relative path with ``/``.

        Returns
        -------
        dict or None
            Field to text; dates as YYYY-MM-DD, times as HH:MM:SS; fields of an optional part that is not
            there are left out.
        """
        found = self._whole.fullmatch(path)
        if found is None:
            return None
        values = {}
        for group, (name, kind) in self.fields.items():
            text = found[group]
            if text is None:
                continue
            plain = _plain(text, kind)
            if plain is None:
                return None
            values[name] = plain
        return values

    def near_miss(self, path: str) -> NearMiss:
        """Say how far a path that does not match agrees with the pattern."""
        best, reached = 0, 0
        for count, regex in self._starts():
            found = regex.match(path)
            if found is not None and (count, found.end()) >= (best, reached):
                best, reached = count, found.end()
        start = path.rfind("/", 0, reached) + 1 if reached < len(path) and path[reached] != "/" else reached
        start += path[start : start + 1] == "/"
        failed = path[start:].partition("/")[0]
        return NearMiss(path, path[:start], failed, self._part(best))

    def _starts(self) -> Iterator[tuple[int, re.Pattern[str]]]:
        """Give the starts of the pattern that are patterns themselves, by number of pieces."""
        depth = 0
        for count, (source, _) in enumerate(self.pieces, 1):
            depth += source == "("
            depth -= source == ")?"
            if not depth:
                yield count, re.compile("".join(regex for _, regex in self.pieces[:count]), re.DOTALL)

    def _part(self, count: int) -> str:
        """Return the part of the pattern, between slashes, in which a number of pieces ends."""
        sources = [source for source, _ in self.pieces]
        if count < len(sources) and sources[count] == "/":
            count += 1
        before = "".join(sources[:count]).rpartition("/")[2]
        return (before + "".join(sources[count:]).partition("/")[0]) or self.text


def compile_pattern(text: str) -> Pattern:
    """Compile a pattern.

    Parameters
    ----------
    text : str
        The pattern.

    Returns
    -------
    Pattern
        What `Pattern.match` compares paths with.

    Raises
    ------
    RecipeError
        P403, if a field or its kind is unknown (with the nearest name), or signs do not belong together.

    Examples
    --------
    >>> pattern = compile_pattern("{subject}/{date}_{session:int}/cam{camera}.{video}")
    >>> pattern.match("m1/20260102_3/camleft.mp4")
    {'subject': 'm1', 'date': '2026-01-02', 'session': '3', 'camera': 'left'}
    """
    where = f"pattern {text!r}"
    if not text.strip() or text.startswith("/") or len(text) > LONGEST:
        raise RecipeError("P403", where, expected=f"a relative path of at most {LONGEST} signs")
    pieces: list[tuple[str, str]] = []
    fields: dict[str, tuple[str, str]] = {}
    depth = 0
    for token in TOKEN.finditer(text):
        named, wild, opened, closed, plain = token.groups()
        if named is not None:
            pieces.append((token[0], _group(named, fields, where)))
        elif wild is not None:
            pieces.append((wild, _wild(wild)))
        elif opened is not None:
            depth += 1
            pieces.append(("(", "(?:"))
        elif closed is not None:
            depth -= 1
            pieces.append((")?", ")?"))
        elif plain in ("{", "}", ")"):
            raise _unpaired(where, plain)
        else:
            pieces += [(part, re.escape(part)) for part in re.split(r"(/)", plain) if part]
        if depth < 0:
            raise _unpaired(where, ")?")
    if depth:
        raise _unpaired(where, "(")
    return Pattern(text, tuple(pieces), fields)


def _unpaired(where: str, sign: str) -> RecipeError:
    return RecipeError(
        "P403", where, f"the sign {sign!r} has no partner", expected="{field}, {field:kind}, *, ** and (...)?"
    )


def _wild(sign: str) -> str:
    return {"*": "[^/]*", "**/": "(?:[^/]+/)*", "**": ".*"}[sign]


def _group(named: str, fields: dict[str, tuple[str, str]], where: str) -> str:
    """Return the regular expression of ``{...}``; a field that comes again must have the same text."""
    if named == "video":
        return "(?i:" + "|".join(VIDEO_WORDS) + ")"
    name, _, kind = named.partition(":")
    if name not in FIELDS and not (name.startswith(META) and name.removeprefix(META).isidentifier()):
        known = [*FIELDS, "video", "meta.NAME"]
        raise RecipeError("P403", where, f"unknown field {name!r}{nearest(name, known)}")
    kind = kind or OWN_KIND.get(name, "text")
    if kind not in KINDS:
        raise RecipeError("P403", where, f"unknown kind {kind!r} of field {name!r}{nearest(kind, KINDS)}")
    again = next((group for group, (other, _) in fields.items() if other == name), None)
    if again is not None:
        return f"(?P={again})"
    group = f"f{len(fields)}"
    fields[group] = (name, kind)
    return f"(?P<{group}>{KINDS[kind]})"


def _plain(text: str, kind: str) -> str | None:
    """Return a text in its plain form; None where digits make no date."""
    digits = "".join(sign for sign in text if sign.isdecimal())
    try:
        if kind == "date":
            year, rest = (digits[:4], digits[4:]) if len(digits) == 8 else (f"20{digits[:2]}", digits[2:])
            return date(int(year), int(rest[:2]), int(rest[2:])).isoformat()
        if kind == "time":
            hours, minutes, seconds = digits[:2], digits[2:4], digits[4:] or "0"
            return time(int(hours), int(minutes), int(seconds)).isoformat()
    except ValueError:
        return None
    return text


def nearest_misses(pattern: Pattern, paths: Sequence[str], n: int = 3) -> list[NearMiss]:
    """Return the near misses that agree longest with a pattern, the longest first."""
    found = [pattern.near_miss(path) for path in paths]
    return sorted(found, key=lambda miss: (-len(miss.matched), miss.path))[:n]
