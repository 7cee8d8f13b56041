"""The checks of the house see what they are there for: tried on a copy of the source."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fixtures.commands import ROOT


def _copy(tree: Path, *parts: str) -> Path:
    """Copy what the checks read."""
    for part in parts:
        shutil.copytree(
            ROOT / part, tree / part, ignore=shutil.ignore_patterns("__pycache__", "node_modules", "_web")
        )
    shutil.copy(ROOT / "pyproject.toml", tree)
    return tree


def _check(tree: Path, *command: str) -> "subprocess.CompletedProcess[str]":
    env = {**os.environ, "PYTHONPATH": str(tree / "src")}
    return subprocess.run(command, cwd=tree, env=env, capture_output=True, text=True)


def _append(path: Path, text: str) -> None:
    path.write_text(path.read_text("utf-8") + text, "utf-8")


def test_imports_that_go_up_or_outside_are_named(tmp_path: Path) -> None:
    copy = _copy(tmp_path / "tree", "src", "tools")
    lint = str(Path(sys.executable).with_name("lint-imports"))
    _append(copy / "src/mystax/compute/lag.py", "\n\ndef _bad() -> None:\n    import torch\n")
    _append(
        copy / "src/mystax/core/events.py", "\n\ndef _bad() -> None:\n    from mystax.engine import runner\n"
    )
    found = _check(copy, lint, "--no-cache")
    assert found.returncode == 1, found.stdout
    assert "mystax.compute.lag -> torch" in found.stdout
    assert "mystax.core.events -> mystax.engine.runner" in found.stdout


def test_a_name_nearly_like_another_is_named(tmp_path: Path) -> None:
    """Without the line nothing is named: `make check` runs the tool on the source as it is.

    A part of the source is enough: each name is compared with each other one.
    """
    copy = _copy(tmp_path / "tree", "src/mystax/compute", "tools")
    _append(copy / "src/mystax/compute/lag.py", "\n\ndef bad(n_states: int, num_states: int) -> None: ...\n")
    found = _check(copy, sys.executable, "tools/check_names.py")
    assert found.returncode == 1
    assert "num_states" in found.stdout + found.stderr
    assert "n_states" in found.stdout + found.stderr


def test_no_large_binary_file_is_kept_but_weights() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("not a checkout")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    files = [ROOT / name for name in listed.decode().split("\0") if name]
    large = [path for path in files if path.is_file() and path.stat().st_size > 64 << 10]
    binary = {path.relative_to(ROOT).as_posix() for path in large if b"\0" in path.read_bytes()}
    assert {Path(name).parent.as_posix() for name in binary} <= {"src/mystax/data/weights"}
    golden = [path for path in files if path.is_relative_to(ROOT / "tests" / "golden")]
    assert 0 < sum(path.stat().st_size for path in golden) <= 1 << 20
