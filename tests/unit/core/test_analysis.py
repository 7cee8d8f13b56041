"""The registry of analyses."""

import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from mystax.core import analysis
from mystax.core.analysis import (
    Analysis,
    FramesIn,
    Reducer,
    RoiIn,
    broken_plugins,
    get_analysis,
    names_of_analyses,
)
from mystax.core.dataset import Schema
from mystax.core.params import Params
from mystax.errors import RecipeError

BUILT_IN = ["rois", "motion", "svd", "pupil", "blink", "running", "pose", "pose3d"]

PLUGIN = '''
from mystax.core.analysis import Analysis, FramesIn, analysis
from mystax.core.dataset import Schema, Variable
from mystax.core.params import Params, param

class MeanParams(Params):
    """Mean grey."""
    gain: float = param(1.0, gt=0, le=10, help="Factor.")

@analysis("mean_grey", version=1, params=MeanParams, inputs=[FramesIn()], outputs=Schema(
    {"grey": Variable(("time",), "grey_level", "float32", "Mean grey.")}, per_roi=False))
def mean_grey(params):
    """Mean grey of every frame."""
    return None
'''


def offer(monkeypatch: pytest.MonkeyPatch, name: str, module: str) -> None:
    point = EntryPoint(name, module, "mystax.analyses")
    monkeypatch.setattr(analysis, "_plugins", lambda: {name: point})


def test_built_in_analyses_are_listed_first() -> None:
    assert names_of_analyses()[: len(BUILT_IN)] == BUILT_IN


@pytest.mark.parametrize("name", [name for name in BUILT_IN if name != "pose3d"])  # which takes outcomes
def test_built_in_analysis_declares_help_inputs_and_a_reducer(name: str) -> None:
    declared = get_analysis(name)
    assert declared.name == name
    assert declared.help.endswith(".")
    assert declared.reads_frames
    assert isinstance(declared.make(declared.params()), Reducer)


def test_unknown_analysis_is_answered_with_the_nearest() -> None:
    with pytest.raises(RecipeError, match="did you mean 'pupil'"):
        get_analysis("pupl")


def test_plugin_is_found_by_its_entry_point(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "toy_plugin_one.py").write_text(PLUGIN)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(analysis, "_REGISTRY", {})
    offer(monkeypatch, "mean_grey", "toy_plugin_one")
    assert "mean_grey" in names_of_analyses()
    assert get_analysis("mean_grey").help == "Mean grey of every frame."
    sys.modules.pop("toy_plugin_one")


def test_broken_plugin_is_kept_as_x002_and_the_rest_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "toy_plugin_two.py").write_text("raise RuntimeError('no such camera')")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(analysis, "_BROKEN", {})
    offer(monkeypatch, "broken", "toy_plugin_two")
    with pytest.raises(RecipeError, match="the plug-in is broken: RuntimeError: no such camera"):
        get_analysis("broken")
    assert broken_plugins() == {"broken": "RuntimeError: no such camera"}
    assert "broken" not in names_of_analyses()
    assert get_analysis("motion").name == "motion"


def test_inputs_tell_regions_and_frames() -> None:
    def never(_: Params) -> Reducer:
        raise AssertionError

    declared = Analysis("a", 1, Params, (FramesIn(), RoiIn("pupil")), Schema({}), never)
    assert declared.roi_input == RoiIn("pupil")
    assert declared.reads_frames
