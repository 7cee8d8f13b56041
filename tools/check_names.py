"""One word for one thing: refuse foreign words and look-alike names among public parameters.

Collects the parameters of all public functions, the fields of `Params`, and the outcome variables of the
declared schemas.  Fails on a refused word (the table below) and on two names that are nearly equal,
unless the pair stands in ``tools/exceptions.toml`` with a reason.
"""

import ast
import difflib
import sys
import tomllib
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "mystax"
FOREIGN = ("io/formats", "element", "compute/kernels")  # names of foreign formats, and of formulas

REFUSED = {
    "session": "recording",
    "view": "camera",
    "movie": "video",
    "cam": "camera",
    "bodypart": "keypoint",
    "bodyparts": "keypoints",
    "node": "keypoint",
    "landmark": "keypoint",
    "marker": "keypoint",
    "skeleton": "keypoint_set",
    "animal": "individual",
    "instance": "individual",
    "likelihood": "confidence",
    "score": "confidence",
    "prob": "confidence",
    "bbox": "box",
    "region": "roi",
    "pipeline": "recipe",
    "config": "recipe",
    "snapshot": "checkpoint",
    "pc": "component",
    "pcs": "component",
    "syllable": "state",
    "fr": "frame",
    "ts": "time",
}
SIMILAR = 0.85


def names_in(path: Path) -> Iterator[tuple[str, int]]:
    """Give the parameters of public functions and the fields of `Params` of a file, with their line."""
    for item in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef) and not item.name.startswith("_"):
            for argument in (*item.args.posonlyargs, *item.args.args, *item.args.kwonlyargs):
                if argument.arg not in ("self", "cls"):
                    yield argument.arg, argument.lineno
        elif isinstance(item, ast.ClassDef) and any(
            isinstance(base, ast.Name) and base.id == "Params" for base in item.bases
        ):
            for field in item.body:
                if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
                    yield field.target.id, field.lineno
        elif isinstance(item, ast.Call) and getattr(item.func, "id", "") == "Schema":
            yield from schema_names(item)


def schema_names(call: ast.Call) -> Iterator[tuple[str, int]]:
    """Give the variable names of a schema that is written out as a dict."""
    for value in (*call.args, *(keyword.value for keyword in call.keywords)):
        if isinstance(value, ast.Dict):
            for key in value.keys:
                if isinstance(key, ast.Constant) and isinstance(key.value, str):
                    yield key.value, key.lineno


def plain(name: str) -> str:
    """Return a name as compared: lower case, without underscores and a final s."""
    return name.lower().replace("_", "").removesuffix("s")


def exceptions(kind: str) -> list[dict[str, Any]]:
    """Read the exceptions of a kind; one without a reason does not count."""
    table = tomllib.loads((ROOT / "tools" / "exceptions.toml").read_text(encoding="utf-8"))
    return [entry for entry in table.get(kind, []) if entry.get("reason")]


def allowed_pairs() -> set[frozenset[str]]:
    """Return the pairs that may look alike."""
    return {frozenset(entry["names"]) for entry in exceptions("similar")}


def allowed_words() -> set[tuple[str, str]]:
    """Return the refused words that have another meaning in some place."""
    return {(entry["name"], place) for entry in exceptions("word") for place in entry["places"]}


PREFIXES = ("n_", "min_", "max_", "is_", "b_")
AXES = ("_a", "_b", "_x", "_y", "_z", "x_", "y_", "z_")


def stem(name: str) -> str:
    """Return the word inside a name: without a counting prefix, without the letter of an axis."""
    for prefix in PREFIXES:
        name = name.removeprefix(prefix)
    for axis in AXES:
        name = name.removeprefix(axis) if axis.endswith("_") else name.removesuffix(axis)
    return plain(name)


def look_alikes(found: dict[str, str]) -> Iterator[str]:
    """Give a complaint for each pair of names that are nearly equal."""
    allowed = allowed_pairs()
    for one, other in combinations(sorted(found), 2):
        a, b = plain(one), plain(other)
        # Short names are formulas, not words; a count, a bound, a plural or an axis of a word is that word.
        if min(len(one), len(other)) < 5 or stem(one) == stem(other):
            continue
        matcher = difflib.SequenceMatcher(None, a, b)
        if matcher.quick_ratio() < SIMILAR or matcher.ratio() < SIMILAR:
            continue
        if frozenset((one, other)) not in allowed:
            yield f"{found[one]}: {one!r} looks like {other!r} of {found[other]}; use one word"


def main() -> int:
    """Check all files; print what is wrong; return the exit status."""
    found: dict[str, str] = {}
    wrong: list[str] = []
    other_meaning = allowed_words()
    for path in sorted(SOURCE.rglob("*.py")):
        place = path.relative_to(SOURCE).as_posix()
        if place.startswith(FOREIGN):
            continue
        for name, line in names_in(path):
            found.setdefault(name, f"src/mystax/{place}:{line}")
            if name in REFUSED and (name, place) not in other_meaning:
                wrong.append(f"src/mystax/{place}:{line}: {name!r} is called {REFUSED[name]!r} here")
    wrong += look_alikes(found)
    for text in wrong:
        print(text)
    print(f"check_names: {len(found)} names, {len(wrong)} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
