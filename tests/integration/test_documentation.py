"""Every Python example of the README and of the documentation runs, in the order of its page."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser

from mystax.core import analysis as registry
from mystax.io.video import VideoWriter
from mystax.synth import Scene
from tests.fixtures.face_tracks import write_face

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
WITH_EXAMPLES = [page for page in PAGES if "```python" in page.read_text("utf-8")]
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
    scene = Scene(n_frames=40, cameras=("left",))
    with VideoWriter(folder / "face.mp4", size=(320, 240), rate=scene.rate, color_range="pc") as writer:
        for chunk in scene.source("left").chunks():
            for picture in chunk.data:
                writer.write(picture)
    (folder / "rois.toml").write_text(ROIS)
    mystax.run(str(folder / "face.mp4"), analyses=["motion"], report=False)
    write_face(folder / "pose-3d.csv", 0, 100)
    return folder


@pytest.mark.parametrize("page", WITH_EXAMPLES, ids=lambda page: page.name)
def test_examples_of_a_page_run(
    page: Path, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(shutil.copytree(place, tmp_path / "work"))
    declared = set(registry._REGISTRY)
    document = Sybil(parsers=[PythonCodeBlockParser()]).parse(page)
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
    import re

    generated = {"analyses.md", "commands.md", "errors.md", "faults.md"}
    for target in re.findall(r"\]\(([^)#]+)", page.read_text("utf-8")):
        if not target.startswith("http") and Path(target).name not in generated:
            assert (page.parent / target).exists(), target
