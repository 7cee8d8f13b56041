"""`tools/web.py`: which sources the pages were built from, and the rules that they keep."""

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

TOOL = Path(__file__).resolve().parents[2] / "tools" / "web.py"


@pytest.fixture
def web(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return the tool with sources and built pages of its own."""
    spec = importlib.util.spec_from_file_location("web_under_test", TOOL)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "SOURCE", tmp_path / "web")
    monkeypatch.setattr(module, "BUILT", tmp_path / "_web")
    (tmp_path / "web" / "src").mkdir(parents=True)
    (tmp_path / "_web").mkdir()
    (tmp_path / "web" / "src" / "main.tsx").write_text("render(<main />, place);\n")
    return module


def stamp(web: ModuleType) -> None:
    (web.BUILT / "stamp.json").write_text(json.dumps({"digest": web.digest()}))


def test_pages_are_current_until_a_source_changes(web: ModuleType) -> None:
    assert not web.is_current()
    stamp(web)
    assert web.is_current()
    (web.SOURCE / "src" / "more.ts").write_text("")
    assert not web.is_current()


def test_installed_packages_are_no_sources(web: ModuleType) -> None:
    before = web.digest()
    (web.SOURCE / "node_modules").mkdir()
    (web.SOURCE / "node_modules" / "a.js").write_text("1")
    assert web.digest() == before


def test_built_pages_without_sources_are_current(web: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    stamp(web)
    monkeypatch.setattr(web, "SOURCE", web.SOURCE / "away")
    assert web.is_current()


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("node.innerHTML = name;", "text becomes markup"),
        ("eval (text);", "text becomes code"),
        ('const at = "https://cdn.example/x.js";', "another host"),
        ('await fetch("api/about");', "only api.ts speaks to the server"),
    ],
)
def test_a_broken_rule_is_named_with_its_line(web: ModuleType, line: str, why: str) -> None:
    assert web.broken_rules() == []
    (web.SOURCE / "src" / "main.tsx").write_text(f"\n{line}\n")
    assert web.broken_rules() == [f"src/main.tsx:2: {why}"]


def test_only_one_module_may_speak_to_the_server(web: ModuleType) -> None:
    (web.SOURCE / "src" / "api.ts").write_text('export const about = () => fetch("api/about");\n')
    assert web.broken_rules() == []


def test_too_much_javascript_is_refused(web: ModuleType) -> None:
    (web.BUILT / "a.js").write_bytes(b"x" * (web.MOST_RAW + 1))
    assert web.broken_rules() == [f"JavaScript: {web.MOST_RAW + 1} bytes, at most {web.MOST_RAW}"]


def test_a_licence_that_may_not_be_bundled_stops_the_build(web: ModuleType) -> None:
    for name, licence in {"good": "MIT", "bad": "GPL-3.0"}.items():
        folder = web.SOURCE / "node_modules" / name
        folder.mkdir(parents=True)
        (folder / "package.json").write_text(json.dumps({"name": name, "version": "1", "license": licence}))
        (folder / "LICENSE").write_text(f"terms of {name}")
    packages = {"": {}, "node_modules/good": {}, "node_modules/tool": {"dev": True}}
    lock = web.SOURCE / "package-lock.json"
    lock.write_text(json.dumps({"packages": packages}))
    assert web.notices() == "good 1 (MIT)\n\nterms of good\n"
    lock.write_text(json.dumps({"packages": {**packages, "node_modules/bad": {}}}))
    with pytest.raises(web.WebError, match=r"bad 1 has the licence 'GPL-3\.0'"):
        web.notices()
