"""The public face: the names, and that they cost nothing until they are used."""

import ast
import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

import pytest

import mystax

HEAVY = [
    "numpy",
    "scipy",
    "pandas",
    "xarray",
    "torch",
    "av",
    "onnxruntime",
    "numba",
    "matplotlib",
    "pydantic",
    "typer",
    "fastapi",
    "sqlalchemy",
    "h5py",
]
REPAIR = "repair: import it inside the function; or under TYPE_CHECKING; or move the code one room up"


def loaded_by(statement: str) -> set[str]:
    """Return the top-level packages that a clean interpreter holds after a statement."""
    code = f"import sys\n{statement}\nprint('MODULES', *{{name.split('.')[0] for name in sys.modules}})"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(run.stdout.split("MODULES")[-1].split())


def run_help(*words: str) -> str:
    return (
        "import contextlib, io\nfrom mystax.cli import main\n"
        f"sys.argv = ['mystax', *{words!r}, '--help']\n"
        "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit): main()"
    )


def test_public_names_are_exactly_those_of_the_stub() -> None:
    stub = ast.parse((Path(mystax.__file__).parent / "__init__.pyi").read_text("utf-8"))
    names = [item.asname for line in stub.body if isinstance(line, ast.ImportFrom) for item in line.names]
    assert mystax.__all__ == sorted(name for name in names if name)
    assert len(mystax.__all__) <= 25


@pytest.mark.parametrize("name", mystax.__all__)
def test_every_public_name_loads_and_is_documented(name: str) -> None:
    assert getattr(mystax, name).__doc__


def test_unknown_public_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(AttributeError, match="did you mean 'pupil'"):
        _ = mystax.pupl  # type: ignore[attr-defined] # the wrong name is the point


def test_import_loads_nothing_heavy() -> None:
    heavy = loaded_by("import mystax") & set(HEAVY)
    assert not heavy, REPAIR


def test_help_loads_nothing_heavy() -> None:
    heavy = loaded_by(run_help()) & (set(HEAVY) - {"pydantic", "typer"})
    assert not heavy, REPAIR


COMMANDS = (
    *("probe", "run", "demo", "labels", "track", "train", "import", "export", "doctor", "calibrate"),
    *("triangulate", "states", "queue"),
)
HELPED = """
import contextlib, io, sys
from mystax.cli import main
for command in sys.argv[1:]:
    before = set(sys.modules)
    with contextlib.redirect_stdout(io.StringIO()) as said, contextlib.suppress(SystemExit):
        main([command, "--help"])
    assert command in said.getvalue()
    print(command, *{name.split(".")[0] for name in set(sys.modules) - before})
"""


@pytest.fixture(scope="module")
def loaded_by_help() -> dict[str, set[str]]:
    """Return what the help of each command loads that those before it have not loaded."""
    words = [sys.executable, "-c", HELPED, *COMMANDS]
    lines = subprocess.run(words, capture_output=True, text=True, check=True).stdout.splitlines()
    return {command: set(names) for command, *names in map(str.split, lines)}


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command_loads_no_heavy_library(command: str, loaded_by_help: dict[str, set[str]]) -> None:
    refused = {"torch", "av", "xarray", "pandas", "scipy", "numba", "onnxruntime"}
    assert not loaded_by_help[command] & refused, REPAIR


def test_the_server_of_the_page_starts_without_what_its_children_do() -> None:
    pytest.importorskip("fastapi", reason='pip install "mystax[app]"')
    children = {"torch", "av", "xarray", "pandas", "scipy", "numba", "onnxruntime", "matplotlib"}
    heavy = loaded_by("import mystax.app.launch") & children
    assert not heavy, REPAIR


def test_import_costs_little_more_than_the_interpreter() -> None:
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}

    def seconds(code: str) -> float:
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True, env=environment)
        return time.perf_counter() - start

    pairs = [(seconds("import difflib, dataclasses"), seconds("import mystax")) for _ in range(5)]
    bare, ours = (median(side) for side in zip(*pairs, strict=True))
    assert ours - bare < 0.5 * bare + 0.03
