"""Optional libraries."""

import sys

import pytest

from mystax.core.extras import named, require
from mystax.errors import ExtraMissing


def test_missing_library_is_x001_with_the_command_that_installs_it() -> None:
    with pytest.raises(ExtraMissing) as caught:
        require("surely_not_installed", "dev")
    assert caught.value.code == "X001"
    assert str(caught.value).endswith('Hint: pip install "mystax[dev]"')
    assert isinstance(caught.value, ImportError)


def test_library_that_is_there_is_returned() -> None:
    assert require("json", "dev") is sys.modules["json"]


def test_library_whose_own_import_fails_says_so_itself(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path_factory.mktemp("lib")
    (folder / "broken_toy_library.py").write_text("import surely_not_installed")
    monkeypatch.syspath_prepend(str(folder))
    with pytest.raises(ModuleNotFoundError, match="surely_not_installed"):
        require("broken_toy_library", "dev")


def test_strategies_without_hypothesis_are_x001(monkeypatch: pytest.MonkeyPatch) -> None:
    from mystax.testing import strategies

    monkeypatch.setitem(sys.modules, "hypothesis.strategies", None)
    monkeypatch.setitem(sys.modules, "hypothesis", None)
    with pytest.raises(ExtraMissing, match="X001"):
        strategies.shapes()


def test_name_in_a_text_is_what_the_module_holds() -> None:
    assert named("mystax.core.extras:require") is require
    with pytest.raises(AttributeError):
        named("math:no_such_function")
