"""Hostile files given to `mystax import`: refused one by one, nothing in them is run."""

from pathlib import Path

import pytest

from tests.attacks.payloads import PICKLES, npy_of
from tests.fixtures.commands import call, run_command

pytestmark = pytest.mark.attack


def _deep() -> bytes:
    return b"\x80\x02" + b"]" * 100_000 + b"a" * 99_999 + b"."


BOMBS = {
    "length": b"\x80\x04\x8e" + (2**60).to_bytes(8, "little") + b"abc.",
    "depth": _deep(),
}


def test_twelve_pickles_are_refused_and_none_leaves_a_marker(tmp_path: Path) -> None:
    names = []
    for name, make in PICKLES.items():
        path = tmp_path / name / "face_proc.npy"
        path.parent.mkdir()
        path.write_bytes(npy_of(make(tmp_path / name / "marker")))
        names.append(path)
    found = run_command("import", *names, "--json", cwd=tmp_path)
    assert found.status == 1
    assert found.codes == ["F801"] * 12
    assert found.cpu <= 5 * 12
    assert {path.name for path in tmp_path.rglob("*") if path.is_file()} == {"face_proc.npy"}


def test_bombs_are_refused_before_they_grow(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = []
    for name, content in BOMBS.items():
        path = tmp_path / f"{name}_proc.npy"
        path.write_bytes(npy_of(content))
        names.append(path)
    found = call(capsys, "import", *names, "--json")
    assert found.status == 1
    assert found.codes == ["F802"] * len(BOMBS)
    assert not list(tmp_path.glob("*.mystax"))
