"""The language of conditions: words ``field op value`` into expressions of SQL.  No SQL, no code."""

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Boolean, ColumnElement, Select, and_, exists, func, not_, or_, select, true
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from mystax.engine.catalog.tables import camera, flag, job, outcome, recipe, recording, subject, video
from mystax.errors import RecipeError, nearest

__all__ = [
    "Condition",
    "first_moment",
    "ids_where",
    "parse_where",
    "select_jobs",
    "select_outcomes",
    "select_recordings",
]

Kind = Literal["text", "number", "time"]
OPERATORS = ("!=", "<=", ">=", "=", "<", ">")
WORD = re.compile(rf"([A-Za-z_.]+)({'|'.join(OPERATORS)})(.*)", re.DOTALL)
ID = re.compile(r"([rjo])(\d+)")
DATE = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2})?)(Z|[+-]\d{2}:\d{2})?)?")
DAY = 86400.0


@dataclass(frozen=True, slots=True)
class Condition:
    """One word of a condition.

    Attributes
    ----------
    field : str
        What is compared.
    op : str
        One of ``= != < <= > >=``.
    values : tuple of str
        With what: any of them (``=``), or none of them (``!=``).
    """

    field: str
    op: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Field:
    """A field: its kind, its column, and how rows that hold it belong to a recording, job or outcome."""

    kind: Kind
    column: Any
    holder: str


def _name_of_subject() -> Any:
    query = select(subject.c.name).where(subject.c.id == recording.c.subject_id).scalar_subquery()
    return func.coalesce(query, "")


FIELDS: Mapping[str, _Field] = {
    "id": _Field("number", recording.c.id, "recording"),
    "project": _Field("text", recording.c.project, "recording"),
    "subject": _Field("text", _name_of_subject(), "recording"),
    "session": _Field("text", recording.c.session, "recording"),
    "run": _Field("text", recording.c.run, "recording"),
    "folder": _Field("text", recording.c.folder, "recording"),
    "start": _Field("time", recording.c.start, "recording"),
    "added": _Field("time", recording.c.added, "recording"),
    "quality": _Field("text", recording.c.quality, "recording"),
    "note": _Field("text", recording.c.note, "recording"),
    "camera": _Field("text", camera.c.name, "camera"),
    "codec": _Field("text", video.c.codec, "video"),
    "container": _Field("text", video.c.container, "video"),
    "root": _Field("text", video.c.root, "video"),
    "path": _Field("text", video.c.path, "video"),
    "frames": _Field("number", video.c.n_frames, "video"),
    "code": _Field("text", flag.c.code, "flag"),
    "severity": _Field("text", flag.c.severity, "flag"),
    "analysis": _Field("text", outcome.c.analysis, "outcome"),
    "coverage": _Field("number", outcome.c.coverage, "outcome"),
    "recipe": _Field("text", recipe.c.name, "recipe"),
    "job": _Field("number", job.c.id, "job"),
    "kind": _Field("text", job.c.kind, "job"),
    "state": _Field("text", job.c.state, "job"),
    "error": _Field("text", func.coalesce(job.c.error["code"].as_string(), ""), "job"),
    "priority": _Field("number", job.c.priority, "job"),
    "attempt": _Field("number", job.c.attempt, "job"),
}


class like_text(FunctionElement[bool]):
    """Whether a text agrees with a pattern in which only ``*`` is special; upper and lower case differ."""

    type = Boolean()
    inherit_cache = True
    name = "like_text"


@compiles(like_text, "sqlite")
def _like_of_sqlite(element: Any, compiler: Any, **options: Any) -> str:
    column, glob, _ = list(element.clauses)
    return f"({compiler.process(column, **options)} GLOB {compiler.process(glob, **options)})"


@compiles(like_text, "postgresql")
def _like_of_postgresql(element: Any, compiler: Any, **options: Any) -> str:
    column, _, like = list(element.clauses)
    return f"({compiler.process(column, **options)} LIKE {compiler.process(like, **options)} ESCAPE '!')"


def parse_where(text: str | Sequence[str]) -> tuple[Condition, ...]:
    """Read a condition.

    Parameters
    ----------
    text : str or sequence of str
        Words ``field op value``, all of which must hold; a value is a text with ``*``, a list with commas
        (any of them), a date or a number; ``r12``, ``j7`` alone mean that recording, that job.

    Returns
    -------
    tuple of Condition
        The words.

    Raises
    ------
    RecipeError
        P403, if a field is unknown (with the nearest name), or cannot be compared so.

    Examples
    --------
    >>> parse_where("subject=m1*,m2 quality!=bad")[0]
    Condition(field='subject', op='=', values=('m1*', 'm2'))
    """
    where = f"condition {text if isinstance(text, str) else ' '.join(text)!r}"
    try:
        words = shlex.split(text) if isinstance(text, str) else [str(word) for word in text]
    except ValueError as error:
        raise RecipeError("P403", where, "a quotation mark has no partner") from error
    return tuple(_condition(word, where) for word in words)


def _condition(word: str, where: str) -> Condition:
    named = ID.fullmatch(word)
    if named is not None and named[1] != "o":
        return Condition("id" if named[1] == "r" else "job", "=", (named[2],))
    found = WORD.fullmatch(word)
    if found is None:
        expected = "words like subject=m1*,m2 quality!=bad start>=2026-03-01"
        raise RecipeError("P403", where, f"{word!r} is no condition", expected=expected)
    name, op, value = found.groups()
    if name not in FIELDS:
        raise RecipeError("P403", where, f"unknown field {name!r}{nearest(name, FIELDS)}", hint=_known())
    kind = FIELDS[name].kind
    values = tuple(value.split(","))
    if kind == "text" and op not in ("=", "!="):
        raise RecipeError("P403", where, f"{name!r} is a text", expected="= or !=", got=op)
    if op not in ("=", "!=") and len(values) > 1:
        raise RecipeError("P403", where, f"{word!r} compares with a list", expected="one value")
    for one in values:
        _check_value(name, kind, one, where)
    return Condition(name, op, values)


def _known() -> str:
    return f"fields: {', '.join(FIELDS)}"


def _check_value(name: str, kind: Kind, value: str, where: str) -> None:
    """Refuse a value that is not of the kind of its field."""
    if "\0" in value:
        raise RecipeError("P403", where, f"a value of {name!r} holds a NUL character")
    if kind == "number":
        plain = value.removeprefix("r" if name == "id" else "j" if name == "job" else "")
        try:
            number = float(plain)
        except ValueError:
            number = float("nan")
        if not abs(number) < 2**63:
            raise RecipeError("P403", where, f"{name!r} is a number", expected="a number", got=repr(value))
    elif kind == "time":
        _span(value, where)


def _span(value: str, where: str = "condition") -> tuple[float, float]:
    """Return the first moment of a date or time, and the first one after it [s since 1970]."""
    found = DATE.fullmatch(value)
    try:
        if found is None:
            raise ValueError(value)
        start = datetime.fromisoformat(f"{found[1]}T{found[2] or '00:00'}{found[3] or 'Z'}")
    except ValueError as error:
        expected = "a date such as 2026-03-01 or 2026-03-01T14:30 (UTC, or with a zone such as +01:00)"
        raise RecipeError("P403", where, expected=expected, got=repr(value)) from error
    length = DAY if found[2] is None else 60.0 if found[2].count(":") == 1 else 1.0
    try:
        end = start + timedelta(seconds=length)
    except OverflowError:
        end = start
    return start.timestamp(), end.timestamp()


def first_moment(value: str, where: str) -> float:
    """Return the first moment of a date or time [s since 1970], of UTC where it names no zone.

    Raises
    ------
    RecipeError
        P403, if it is neither.
    """
    return _span(value, where)[0]


def _compare(condition: Condition) -> ColumnElement[bool]:
    """Compare the column of a field with the values; ``!=`` is left to the caller."""
    column, kind = FIELDS[condition.field].column, FIELDS[condition.field].kind
    op = "=" if condition.op == "!=" else condition.op
    return or_(*(_compare_one(column, kind, op, value) for value in condition.values))


def _compare_one(column: Any, kind: Kind, op: str, value: str) -> ColumnElement[bool]:
    if kind == "text":
        if "*" not in value:
            return and_(column == value)
        glob = re.sub(r"([?\[])", r"[\1]", value)
        like = re.sub(r"([!%_])", r"!\1", value).replace("*", "%")
        return like_text(column, glob, like)
    if kind == "time":
        start, end = _span(value)
        return {
            "=": and_(column >= start, column < end),
            "<": and_(column < start),
            "<=": and_(column < end),
            ">": and_(column >= end),
            ">=": and_(column >= start),
        }[op]
    number: float = float(value.lstrip("rj"))
    number = int(number) if number == int(number) else number
    return {
        "=": and_(column == number),
        "<": and_(column < number),
        "<=": and_(column <= number),
        ">": and_(column > number),
        ">=": and_(column >= number),
    }[op]


def _of_recording(condition: Condition) -> ColumnElement[bool]:
    """Make the condition on recordings: something that belongs to one is such, or nothing is."""
    field, same = FIELDS[condition.field], _compare(condition)
    if field.holder == "recording":
        known = func.coalesce(same, False)
        return not_(known) if condition.op == "!=" else same
    queries: dict[str, Select[Any]] = {
        "camera": select(camera.c.id).where(camera.c.recording_id == recording.c.id),
        "video": select(video.c.id)
        .join(camera, video.c.camera_id == camera.c.id)
        .where(camera.c.recording_id == recording.c.id),
        "flag": select(flag.c.id).where(flag.c.recording_id == recording.c.id),
        "outcome": select(outcome.c.id).where(
            outcome.c.recording_id == recording.c.id, outcome.c.state == "current"
        ),
        "recipe": select(outcome.c.id)
        .join(recipe, outcome.c.recipe_id == recipe.c.id)
        .where(outcome.c.recording_id == recording.c.id),
        "job": select(job.c.id).where(job.c.recording_id == recording.c.id),
    }
    found = exists(queries[field.holder].where(same).correlate(recording))
    return not_(found) if condition.op == "!=" else found


def _of_child(condition: Condition, table: Any, own: Sequence[str]) -> ColumnElement[bool]:
    """Make the condition on rows that belong to a recording: their own columns, or those of the recording."""
    field, same = FIELDS[condition.field], _compare(condition)
    if field.holder in own:
        known = func.coalesce(same, False)
        return not_(known) if condition.op == "!=" else same
    belongs: ColumnElement[bool] = table.c.recording_id.in_(
        select(recording.c.id).where(_of_recording(condition))
    )
    return belongs


def select_recordings(where: str | Sequence[str] = "") -> Select[Any]:
    """Return the query of the rows of the recordings for which a condition holds, in order.

    Raises
    ------
    RecipeError
        P403, as `parse_where`.
    """
    conditions = [_of_recording(condition) for condition in parse_where(where)]
    return select(recording.c.id).where(and_(true(), *conditions)).order_by(recording.c.id)


def select_jobs(where: str | Sequence[str] = "") -> Select[Any]:
    """Return the query of the rows of the jobs for which a condition holds, in order.

    Fields of a job (`state`, `error`, `kind`, ...) and its recipe are its own; the others are those of its
    recording.

    Raises
    ------
    RecipeError
        P403, as `parse_where`.
    """
    joined = select(job.c.id).join(recipe, job.c.recipe_id == recipe.c.id, isouter=True)
    conditions = [_of_child(condition, job, ("job", "recipe")) for condition in parse_where(where)]
    return joined.where(and_(true(), *conditions)).order_by(job.c.id)


def select_outcomes(where: str | Sequence[str] = "") -> Select[Any]:
    """Return the query of the rows of the current outcomes for which a condition holds, in order.

    Raises
    ------
    RecipeError
        P403, as `parse_where`.
    """
    joined = select(outcome.c.id).join(recipe, outcome.c.recipe_id == recipe.c.id, isouter=True)
    conditions = [_of_child(condition, outcome, ("outcome", "recipe")) for condition in parse_where(where)]
    current = outcome.c.state == "current"
    return joined.where(and_(current, *conditions)).order_by(outcome.c.recording_id, outcome.c.id)


def ids_where(connection: Any, query: Select[Any]) -> list[int]:
    """Run a query of rows."""
    return [int(row) for row in connection.scalars(query)]
