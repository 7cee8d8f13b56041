"""Keypoint sets as TOML text, written for people to copy and change."""

import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from mystax.core.keypoint_fields import Keypoint, SetFields
from mystax.core.keypoint_measures import Axes, Measure
from mystax.errors import RecipeError, nearest

__all__ = ["rename_everywhere", "set_from_toml", "set_to_toml"]

ENTRIES = (
    *("name", "version", "species", "view", "draw", "edges", "pairs", "rigid", "limbs"),
    *("point", "measures", "parts", "axes", "ranges"),
)
POINT_ENTRIES = ("id", "definition", "aliases", "facemap", "synth", "retired")
MEASURE_ENTRIES = ("kind", "points", "of", "plane")
AXIS_ENTRIES = ("x", "y", "z", "origin")
S = TypeVar("S", bound=SetFields)


def _checked(table: Any, known: Sequence[str], where: str, what: str) -> dict[str, Any]:
    if not isinstance(table, dict):
        raise RecipeError("P403", where, expected=f"a table for {what}", got=type(table).__name__)
    for key in table:
        if key not in known:
            raise RecipeError("P403", where, f"unknown entry {key!r} of {what}{nearest(key, known)}")
    return table


def _text(value: Any, where: str, what: str) -> str:
    if not isinstance(value, str):
        raise RecipeError("P403", where, expected=f"a text for {what}", got=repr(value)[:80])
    return value


def _texts(value: Any, where: str, what: str) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise RecipeError("P403", where, expected=f"a list of names for {what}", got=repr(value)[:80])
    return tuple(_text(item, where, what) for item in value)


def _pairs(value: Any, where: str, what: str) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, list):
        raise RecipeError("P403", where, expected=f"a list of pairs for {what}", got=repr(value)[:80])
    found = []
    for item in value:
        names = _texts(item, where, what)
        if len(names) != 2:
            raise RecipeError("P403", where, expected=f"two names in each of {what}", got=repr(item)[:80])
        found.append((names[0], names[1]))
    return tuple(found)


def _point(entry: Any, where: str) -> Keypoint:
    table = _checked(entry, POINT_ENTRIES, where, "a point")
    if "id" not in table:
        raise RecipeError("P403", where, expected="an id in every [[point]]", got="none")
    retired = table.get("retired", False)
    if not isinstance(retired, bool):
        raise RecipeError("P403", where, expected="true or false for retired", got=repr(retired))
    texts = {key: _text(table.get(key, ""), where, key) for key in ("id", "definition", "facemap", "synth")}
    return Keypoint(aliases=_texts(table.get("aliases", []), where, "aliases"), retired=retired, **texts)


def _measure(entry: Any, where: str, name: str) -> Measure:
    table = _checked(entry, MEASURE_ENTRIES, where, f"measure {name!r}")
    arguments = table.get("points", [])
    if not isinstance(arguments, list):
        raise RecipeError("P403", where, expected="a list of points", got=repr(arguments)[:80])
    points = tuple(
        _texts(item, where, name) if isinstance(item, list) else (_text(item, where, name),)
        for item in arguments
    )
    kind = _text(table.get("kind", ""), where, f"the kind of measure {name!r}")
    try:
        return Measure(
            kind,
            points,
            _texts(table.get("of", []), where, name),
            _texts(table.get("plane", []), where, name),
        )
    except RecipeError as error:
        error.where = f"{where}, measure {name!r}"
        raise


def _axes(entry: Any, where: str) -> Axes:
    table = _checked(entry, AXIS_ENTRIES, where, "[axes]")
    found: dict[str, tuple[str, str]] = {}
    for key in ("x", "y", "z"):
        if key in table:
            found[key] = _pairs([table[key]], where, "[axes]")[0]
    try:
        return Axes(origin=_text(table.get("origin", ""), where, "origin"), **found)
    except RecipeError as error:
        error.where = f"{where}, [axes]"
        raise


def _ranges(entry: Any, where: str) -> dict[str, tuple[float, float]]:
    if not isinstance(entry, dict):
        raise RecipeError("P403", where, expected="a table for [ranges]", got=type(entry).__name__)
    found = {}
    for name, limits in entry.items():
        is_pair = isinstance(limits, list) and len(limits) == 2
        if (
            not is_pair
            or not all(type(value) in (int, float) for value in limits)
            or not limits[0] < limits[1]
        ):
            raise RecipeError(
                "P403", where, expected=f"lowest and highest [mm] for range {name!r}", got=repr(limits)[:80]
            )
        found[name] = (float(limits[0]), float(limits[1]))
    return found


def set_from_toml(text: str, where: str, kind: type[S]) -> S:
    """Read a keypoint set from text.

    Parameters
    ----------
    text : str
        The text of the file.
    where : str
        Name of the file for messages.
    kind : type
        What is made: `mystax.KeypointSet`.

    Returns
    -------
    KeypointSet
        The checked set.

    Raises
    ------
    RecipeError
        P403, if the text is no TOML or an entry is not understood.
    """
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise RecipeError("P403", where, f"the file is not valid TOML ({error})") from error
    _checked(document, ENTRIES, where, "the set")
    points = document.get("point", [])
    if not isinstance(points, list):
        raise RecipeError("P403", where, expected="[[point]] tables", got=type(points).__name__)
    version = document.get("version", 1)
    if type(version) is not int or version < 1:
        raise RecipeError("P403", where, expected="a whole number from 1 for version", got=repr(version))
    parts = document.get("parts", {})
    measures = document.get("measures", {})
    if not isinstance(parts, dict) or not isinstance(measures, dict):
        raise RecipeError("P403", where, expected="tables for [parts] and [measures]")
    view = _text(document.get("view", "one-sided"), where, "view")
    draw = _text(document.get("draw", "side"), where, "draw")
    try:
        return kind(
            name=_text(document.get("name", ""), where, "name"),
            points=tuple(_point(entry, where) for entry in points),
            version=version,
            species=_text(document.get("species", ""), where, "species"),
            view=view,
            edges=_pairs(document.get("edges", []), where, "edges"),
            pairs=_pairs(document.get("pairs", []), where, "pairs"),
            rigid=_texts(document.get("rigid", []), where, "rigid"),
            measures={name: _measure(entry, where, name) for name, entry in measures.items()},
            parts={name: _texts(names, where, f"part {name!r}") for name, names in parts.items()},
            axes=_axes(document["axes"], where) if "axes" in document else None,
            limbs=_pairs(document.get("limbs", []), where, "limbs"),
            ranges=_ranges(document.get("ranges", {}), where),
            draw=draw,
        )
    except RecipeError as error:
        if error.where.startswith("keypoint set"):
            error.where = f"{where}, {error.where}"
        raise


def _quoted(value: str) -> str:
    """Write a text in TOML: JSON's form, with the one control character that JSON leaves alone escaped."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _inline(value: object) -> str:
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, Sequence):
        return "[" + ", ".join(_inline(item) for item in value) + "]"
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {_inline(item)}" for key, item in value.items()) + " }"
    raise TypeError(f"no TOML form for {type(value).__name__}")


def _key(name: str) -> str:
    is_bare = bool(name) and all(c.isascii() and (c.isalnum() or c in "_-") for c in name)
    return name if is_bare else _quoted(name)


def _measure_table(measure: Measure) -> dict[str, object]:
    table: dict[str, object] = {"kind": measure.kind}
    if measure.points:
        table["points"] = [group[0] if len(group) == 1 else list(group) for group in measure.points]
    if measure.of:
        table["of"] = list(measure.of)
    if measure.plane:
        table["plane"] = list(measure.plane)
    return table


def set_to_toml(base: SetFields) -> str:
    """Write a keypoint set as text that `set_from_toml` reads back as an equal set."""
    lines = [f"name = {_quoted(base.name)}", f"version = {base.version}"]
    if base.species:
        lines.append(f"species = {_quoted(base.species)}")
    lines += [f"view = {_quoted(base.view)}", f"draw = {_quoted(base.draw)}"]
    for key, pairs in (("edges", base.edges), ("pairs", base.pairs), ("limbs", base.limbs)):
        if pairs:
            lines += [f"{key} = [", *(f"  {_inline(list(pair))}," for pair in pairs), "]"]
    if base.rigid:
        lines.append(f"rigid = {_inline(list(base.rigid))}")
    for point in base.points:
        lines += ["", "[[point]]", f"id = {_quoted(point.id)}"]
        for key in ("definition", "aliases", "facemap", "synth", "retired"):
            value = getattr(point, key)
            if value:
                lines.append(f"{key} = {_inline(value)}")
    for name, table in (
        ("parts", {key: list(names) for key, names in base.parts.items()}),
        ("measures", {key: _measure_table(item) for key, item in base.measures.items()}),
        ("ranges", {key: list(limits) for key, limits in base.ranges.items()}),
    ):
        if table:
            lines += ["", f"[{name}]", *(f"{_key(key)} = {_inline(value)}" for key, value in table.items())]
    if base.axes is not None:
        lines += ["", "[axes]"]
        axes = {"x": base.axes.x, "y": base.axes.y, "z": base.axes.z}
        lines += [f"{key} = {_inline(list(axis))}" for key, axis in axes.items() if axis is not None]
        if base.axes.origin:
            lines.append(f"origin = {_quoted(base.axes.origin)}")
    return "\n".join(lines) + "\n"


def rename_everywhere(base: S, old: str, new: str, points: tuple[Keypoint, ...]) -> S:
    """Return the set with other points, and one of them under a new name wherever it is named."""

    def one(name: str) -> str:
        return new if name == old else name

    def pairs(found: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
        return tuple((one(a), one(b)) for a, b in found)

    def axis(found: tuple[str, str] | None) -> tuple[str, str] | None:
        return None if found is None else (one(found[0]), one(found[1]))

    axes = base.axes
    if axes is not None:
        axes = Axes(axis(axes.x), axis(axes.y), axis(axes.z), one(axes.origin))
    return replace(
        base,
        points=points,
        edges=pairs(base.edges),
        pairs=pairs(base.pairs),
        limbs=pairs(base.limbs),
        rigid=tuple(map(one, base.rigid)),
        parts={part: tuple(map(one, names)) for part, names in base.parts.items()},
        measures={
            name: replace(
                item,
                points=tuple(tuple(map(one, group)) for group in item.points),
                plane=tuple(map(one, item.plane)),
            )
            for name, item in base.measures.items()
        },
        axes=axes,
    )
