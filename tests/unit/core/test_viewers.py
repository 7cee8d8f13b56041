"""The door to viewers: found by entry point, loaded when asked, and a sentence where there is none."""

import subprocess
import sys
import tomllib
from importlib import import_module
from importlib.metadata import EntryPoint
from pathlib import Path

import numpy as np
import pytest

from mystax.core import viewers
from mystax.core.recording import ArraySource, Camera, Recording
from mystax.core.viewers import GROUP, Shown
from mystax.errors import ExtraMissing

ROOT = Path(__file__).parents[3]
TOY = """
class Toy:
    def __init__(self, recording, **asked): self.recording, self.asked = recording, asked
    def _repr_html_(self): return "<p>toy</p>"
    def close(self): pass
"""


def offer(monkeypatch: pytest.MonkeyPatch, *points: tuple[str, str]) -> None:
    found = [EntryPoint(name, value, GROUP) for name, value in points]
    monkeypatch.setattr(viewers, "entry_points", lambda group: found if group == GROUP else [])


def recording() -> Recording:
    return Recording("face", {"face": Camera("face", ArraySource(np.zeros((3, 4, 5), np.uint8)))})


@pytest.fixture
def toys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "toy_viewer.py").write_text(TOY)
    (tmp_path / "halfway_viewer.py").write_text("import surely_not_installed")
    monkeypatch.syspath_prepend(str(tmp_path))


@pytest.mark.usefixtures("toys")
def test_a_recording_is_shown_by_what_is_registered(monkeypatch: pytest.MonkeyPatch) -> None:
    offer(monkeypatch, ("toy", "toy_viewer:Toy"))
    one = recording()
    shown = one.view(height=300, screen="rois", t=2.5)
    assert isinstance(shown, Shown)
    assert shown._repr_html_() == "<p>toy</p>"
    assert vars(shown) == {"recording": one, "asked": {"height": 300, "screen": "rois", "t": 2.5}}


@pytest.mark.usefixtures("toys")
def test_the_page_of_mystax_comes_before_those_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    offer(monkeypatch, ("a", "surely_not_installed:view"), ("page", "toy_viewer:Toy"))
    assert vars(recording().view())["asked"] == {"height": 640, "screen": "view", "t": None}


def test_without_a_viewer_x001_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    offer(monkeypatch)
    with pytest.raises(ExtraMissing, match=r"X001 the viewer: .*Hint: pip install") as caught:
        recording().view()
    assert "mystax.viewers" in caught.value.expected


@pytest.mark.usefixtures("toys")
def test_a_viewer_without_its_libraries_names_the_one_that_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    offer(monkeypatch, ("page", "halfway_viewer:view"))
    with pytest.raises(ExtraMissing, match=r"expected surely_not_installed|Expected surely_not_installed"):
        recording().view()


def test_the_viewer_that_the_package_registers_is_there() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["entry-points"][GROUP]
    module, _, name = declared["page"].partition(":")
    assert callable(getattr(import_module(module), name))


def test_a_recording_that_is_not_shown_loads_no_part_of_the_app() -> None:
    code = (
        "import sys, mystax.core.recording; print(any(name.startswith('mystax.app') for name in sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"
