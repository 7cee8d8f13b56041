"""Names that stand in texts: other tools look for names in code, and nightly tests run programs in texts."""

import ast
import re
from importlib import import_module, util
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
IMPORTED = re.compile(r"\bfrom ((?:mystax|tests|benchmarks)[\w.]*) import ((?:\w+(?: as \w+)?(?:, )?)+)")
NAMED = re.compile(r"((?:mystax|tests)(?:\.\w+)+):(\w+)")


def names_in(text: str) -> set[tuple[str, str]]:
    """Return modules and what a text takes from them: by an import, or as ``module:name``."""
    found = {
        (module, name.split()[0])
        for module, names in IMPORTED.findall(text)
        for name in names.split(", ")
        if name
    }
    return found | {(match[1], match[2]) for match in [NAMED.fullmatch(text)] if match}


def holds_names(source: str) -> bool:
    """Tell whether a file may hold such a text: parsing all files takes ten times longer than looking."""
    source = source.replace("\\n", "; ")  # a line of a text ends within a line of the file

    def is_in_text(match: re.Match[str]) -> bool:
        line = source[source.rfind("\n", 0, match.start()) + 1 : match.start()]
        is_within = [source.count(3 * mark, 0, match.start()) % 2 == 1 for mark in "\"'"]
        return any(is_within) or '"' in line or "'" in line

    return any(map(is_in_text, IMPORTED.finditer(source))) or NAMED.search(source) is not None


def is_there(module: str, name: str) -> bool:
    """Tell whether a module has a name, or a module below it."""
    try:
        return hasattr(import_module(module), name) or util.find_spec(f"{module}.{name}") is not None
    except ModuleNotFoundError:
        return False


def test_names_are_found_in_texts() -> None:
    found = names_in("import sys; from tests.fixtures.lab import Lab as L, film; Lab()")
    assert found == {("tests.fixtures.lab", "Lab"), ("tests.fixtures.lab", "film")}
    assert names_in("mystax.io.video:Video") == {("mystax.io.video", "Video")}
    assert is_there("mystax.io", "video")
    assert not is_there("mystax.io.video", "Videos")
    assert not is_there("mystax.io.videos", "Video")
    program = "import sys\nfrom mystax.io.video import Video\n"
    assert not holds_names(program)
    assert holds_names(f'CODE = """\n{program}"""\n')
    assert holds_names('CODE = "import sys; from mystax.io.video import Video"\n')
    assert holds_names('CODE = "import sys\\nfrom mystax.io.video import Video"\n')
    assert holds_names("OPENER = 'mystax.io.video:Video'\n")


@pytest.mark.parametrize("folder", ["tests", "benchmarks", "tools"])
def test_programs_in_texts_name_what_is_there(folder: str) -> None:
    wrong = [
        f"{path.relative_to(ROOT)}: {module} has no {name}"
        for path in sorted((ROOT / folder).rglob("*.py"))
        if path != Path(__file__) and holds_names(source := path.read_text("utf-8"))
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        for module, name in sorted(names_in(node.value))
        if not is_there(module, name)
    ]
    assert wrong == []
