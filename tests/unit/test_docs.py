"""Docstrings of the public names, and every example in a docstring."""

import doctest
import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator

import numpy as np
import pytest

import mystax
from mystax.errors import CODES

SECTIONS = ("Parameters", "Returns")


def modules() -> list[str]:
    """List all modules of the package."""
    found = pkgutil.walk_packages(mystax.__path__, "mystax.")
    return ["mystax", *(item.name for item in found)]


def functions(name: str) -> Iterator[tuple[str, object]]:
    module = importlib.import_module(name)
    for key in getattr(module, "__all__", ()):
        item = getattr(module, key)
        if inspect.isfunction(inspect.unwrap(item)) and not hasattr(item, "py_func"):
            yield f"{name}.{key}", item


@pytest.mark.parametrize("name", [name for name in modules() if not name.endswith(("__main__", ".child"))])
def test_examples_of_a_module_run(name: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    module = importlib.import_module(name)
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE | doctest.IGNORE_EXCEPTION_DETAIL
    finder, runner = doctest.DocTestFinder(), doctest.DocTestRunner(optionflags=flags)
    for test in finder.find(module, extraglobs={"np": np, "mystax": mystax}):
        if test.examples:  # to run a docstring without any costs a look at every source file that is known
            runner.run(test)
    assert runner.summarize().failed == 0


@pytest.mark.parametrize("name", mystax.__all__)
def test_public_function_tells_parameters_returns_and_known_codes(name: str) -> None:
    item = getattr(mystax, name)
    text = inspect.getdoc(item) or ""
    assert text.splitlines()[0].endswith(".")
    if inspect.isfunction(item):
        for section in SECTIONS:
            assert f"{section}\n{'-' * len(section)}" in text, section
    for code in re.findall(r"\b[A-Z]\d{3}\b", text):
        assert code in CODES


def test_every_exported_function_is_annotated_and_documented() -> None:
    wrong = []
    for name in modules():
        for path, item in functions(name):
            signature = inspect.signature(inspect.unwrap(item))  # type: ignore[arg-type] # a function, see above
            bare = [key for key, value in signature.parameters.items() if value.annotation is value.empty]
            if not inspect.getdoc(item) or bare or signature.return_annotation is signature.empty:
                wrong.append(path)
    assert [path for path in wrong if ".kernels." not in path] == []
