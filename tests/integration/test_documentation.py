"""Every Python example of the documentation runs, in the order of its page; every command is accepted."""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from sybil import Sybil
from sybil.example import SybilFailure
from sybil.parsers.markdown import PythonCodeBlockParser

from mystax.core import analysis as registry
from mystax.io.video import VideoWriter
from mystax.synth import Scene
from tests.fixtures.console import (
    RunningConsoleParser,
    command_lines,
    commands,
    mentioned,
    options,
    refusal,
    unknown_options,
)
from tests.fixtures.doc_worlds import WORLDS
from tests.fixtures.face_tracks import write_face

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
EXAMPLE = re.compile(r"```python|code-block: python|<!-- runs")
LONG = {"encode.md", "states.md", "two-cameras.md"}
"""Pages whose examples take longer than 10 s: they run at night."""
WITH_EXAMPLES = [page for page in PAGES if EXAMPLE.search(page.read_text("utf-8"))]
OF_MYSTAX = [page for page in PAGES if page.name != "benchmarks.md"]  # that one is about other programs
BUILT_IN = {*registry._BUILT_IN, *registry.names_on_outcomes()}

ROIS = """
format = 1
[[roi]]
name = "eye"
kind = "pupil"
ellipse = [202.0, 66.0, 26.0, 22.0, 0.0]
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a short film of the synthetic mouse and outcomes of it, and a face in space."""
    import mystax

    folder = tmp_path_factory.mktemp("docs")
    scene = Scene(n_frames=24, cameras=("left",))
    with VideoWriter(folder / "face.mp4", size=(320, 240), rate=scene.rate, color_range="pc") as writer:
        for chunk in scene.source("left").chunks():
            for picture in chunk.data:
                writer.write(picture)
    (folder / "rois.toml").write_text(ROIS)
    mystax.run(str(folder / "face.mp4"), analyses=["motion"], report=False, isolated=False)
    write_face(folder / "pose-3d.csv", 0, 100)
    return folder


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(page, marks=[pytest.mark.slow] if page.name in LONG else [], id=page.name)
        for page in WITH_EXAMPLES
    ],
)
@pytest.mark.usefixtures("readers_here")
def test_examples_of_a_page_run(
    page: Path, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = shutil.copytree(place, tmp_path / "work")
    if page.name in WORLDS:
        WORLDS[page.name](work)
    monkeypatch.chdir(work)
    declared = set(registry._REGISTRY)
    document = Sybil(parsers=[PythonCodeBlockParser(), RunningConsoleParser()]).parse(page)
    names: dict[str, Any] = document.namespace
    names["__name__"] = "documentation"
    try:
        for example in document.examples():
            example.evaluate()
    finally:
        for name in [name for name in registry._REGISTRY if name not in {*declared, *BUILT_IN}]:
            del registry._REGISTRY[name]  # an analysis that the page declares is not for the other tests


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_of_a_page_lead_somewhere(page: Path) -> None:
    generated = {"analyses.md", "commands.md", "errors.md", "faults.md"}
    for target in re.findall(r"\]\(([^)#]+)", page.read_text("utf-8")):
        if not target.startswith("http") and Path(target).name not in generated:
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_command_lines_of_a_page_are_accepted(page: Path) -> None:
    refused = {
        f"{page.name}:{line.number} {line.text}": why
        for line in command_lines(page.read_text("utf-8"))
        for words in line.calls
        if (why := refusal(words))
    }
    assert refused == {}


@pytest.mark.parametrize("page", OF_MYSTAX, ids=lambda page: page.name)
def test_options_that_a_page_names_exist(page: Path) -> None:
    unknown = {
        f"{page.name}:{line.number} {line.text}": found
        for line in mentioned(page.read_text("utf-8"))
        if (found := unknown_options(line.text))
    }
    assert unknown == {}


@pytest.mark.parametrize("words", list(commands()), ids=" ".join)
def test_example_in_the_help_of_a_command_is_accepted(words: list[str]) -> None:
    epilog = commands()[tuple(words)].epilog or ""
    lines = command_lines(f"    {epilog.removeprefix('Example: ')}")
    assert [refusal(call) for line in lines for call in line.calls] in ([None], [None, None])


@pytest.mark.parametrize(
    ("call", "why"),
    [
        ("mystax run face.mp4 --pupil-smoothness 0.5", "No such option"),
        ("mystax track face.mp4 --overlays points.mp4", "No such option"),
        ("mystax labels suggests faces.labels", "no command 'suggests'"),
        ("mystax measure face.mp4", "no command 'measure'"),
        ("mystax labels export faces.labels out.json", "Missing option '--as'"),
        ("mystax labels export faces.labels out.json --as cocoa", "Invalid value for '--as'"),
        ("mystax states face.mystax --k", "requires an argument"),
    ],
)
def test_wrong_command_line_is_found(call: str, why: str) -> None:
    (line,) = command_lines(f"text\n\n```console\n$ {call}   # says why\n```\n")
    (words,) = line.calls
    assert why in (refusal(words) or "")


def test_calls_of_a_line_are_taken_apart_as_a_shell_does() -> None:
    text = "    mystax run 'a b.mp4' \\\n      --json > result.json && mystax doctor\n"
    (line,) = command_lines(text)
    assert line.calls == [["run", "a b.mp4", "--json"], ["doctor"]]


def test_output_in_a_console_block_is_no_command_line() -> None:
    assert [line.number for line in command_lines("```console\n$ mystax demo\nmystax run\n```\n")] == [2]


def test_option_that_no_command_has_is_found_in_prose() -> None:
    (line,) = mentioned("Say `--pupil-smoothness 3` or run `pip install --upgrade mystax`.")
    assert unknown_options(line.text) == ["--pupil-smoothness"]
    assert unknown_options("mystax track --rois r.toml") == ["--rois"]
    assert unknown_options("mystax measure") == ["there is no command 'measure'"]
    assert "--pupil-smooth" in options()


@pytest.mark.parametrize(("output", "is_right"), [("mystax ...", True), ("facemap ...", False)])
def test_output_of_a_running_block_is_compared(tmp_path: Path, output: str, is_right: bool) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"<!-- runs -->\n```console\n$ mystax --version\n{output}\n```\n")
    (example,) = Sybil(parsers=[RunningConsoleParser()]).parse(page).examples()
    if is_right:
        example.evaluate()
    else:
        with pytest.raises(SybilFailure, match="mystax"):
            example.evaluate()


def test_failure_of_a_running_command_is_part_of_its_output(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("<!-- runs -->\n```console\n$ mystax probe nowhere.mp4\nP403 ...\nexit status 2\n```\n")
    (example,) = Sybil(parsers=[RunningConsoleParser()]).parse(page).examples()
    example.evaluate()
