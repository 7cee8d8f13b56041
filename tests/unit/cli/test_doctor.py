"""`mystax doctor`: one line per check, exit status by what is wrong."""

import json
from pathlib import Path

import pytest

from mystax.cli.doctor import WIDTH
from mystax.engine import doctor as module
from mystax.engine.doctor_outcomes import Check
from tests.fixtures.commands import call
from tests.fixtures.engine_runs import run_folder
from tests.fixtures.engine_toys import make_recording, toy_spec


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one outcome."""
    run_folder(tmp_path / "toy.mystax", make_recording(toy_spec(20)))
    return tmp_path / "toy.mystax"


def damage(path: Path) -> None:
    """Flip a bit in the middle of a file."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.unlink()
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("checks", "status"),
    [
        ([Check("python", "ok")], 0),
        ([Check("python", "ok"), Check("machine", "warn", hint="close other programs")], 0),
        ([Check("outcomes", "fail", "S502")], 3),
        ([Check("inputs", "fail", "S502"), Check("strays", "fail"), Check("outcomes", "fail")], 3),
        ([Check("outcomes", "fail", "S502"), Check("decoder", "fail", "X001")], 1),
        ([Check("decoder", "fail", "X001")], 1),
        ([], 0),
    ],
)
def test_exit_status_is_3_for_damage_and_1_for_the_machine(
    checks: list[Check], status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(module, "examine", lambda *_, **__: iter(checks))
    found = call(capsys, "doctor", "--json")
    assert found.status == status
    assert found.json["healthy"] == (status == 0)
    assert [check["status"] for check in found.json["checks"]] == [check.status for check in checks]


def test_each_check_is_one_line_with_code_place_and_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    checks = [
        Check("python", "ok", got="3.12"),
        Check("scratch", "warn", "S503", "/none", "cannot be written", "set TMPDIR"),
    ]
    monkeypatch.setattr(module, "examine", lambda *_, **__: iter(checks))
    lines = call(capsys, "doctor").out.splitlines()
    assert lines == [
        f"ok    {'python':<{WIDTH}} 3.12",
        f"warn  {'scratch':<{WIDTH}} S503 /none: cannot be written -> set TMPDIR",
    ]


def test_words_are_handed_down(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    asked: list[object] = []

    def examine(path: Path | None, **more: bool) -> list[Check]:
        asked.append((path, more))
        return []

    monkeypatch.setattr(module, "examine", examine)
    call(capsys, "doctor")
    call(capsys, "doctor", Path(__file__).parent, "--verify", "--fix")
    assert asked == [
        (None, {"verify": False, "fix": False}),
        (Path(__file__).parent, {"verify": True, "fix": True}),
    ]


@pytest.mark.parametrize("name", ["none", "x" * 300])
def test_what_is_not_there_is_refused(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = call(capsys, "doctor", tmp_path / name, "--json")
    assert (found.status, found.codes) == (2, ["P403"])


def test_a_whole_folder_is_healthy(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = call(capsys, "doctor", folder, "--verify", "--json")
    assert found.status == 0
    assert found.json["inputs"] == [str(folder)]
    outcomes = [check for check in found.json["checks"] if check["name"] == "outcomes"]
    assert outcomes
    assert {check["status"] for check in outcomes} == {"ok"}


def test_a_flipped_bit_is_status_3_and_names_the_file(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    damage(folder / "toy.nc")
    found = call(capsys, "doctor", folder, "--verify", "--json")
    assert found.status == 3
    bad = [check for check in found.json["checks"] if check["status"] == "fail"]
    assert any("toy" in json.dumps(check) and check["code"] == "S502" for check in bad)


@pytest.mark.parametrize("fix", [False, True])
def test_what_dead_runs_left_is_removed_on_request_only(
    fix: bool, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stray = folder / f".toy.{'a' * 16}.nc.part"
    stray.write_bytes(b"half an outcome")
    whole = (folder / "toy.nc").read_bytes()
    call(capsys, "doctor", folder, *(["--fix"] if fix else []))
    assert stray.exists() != fix
    assert (folder / "toy.nc").read_bytes() == whole


def test_fixing_never_removes_a_damaged_outcome(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    damage(folder / "toy.nc")
    bad = (folder / "toy.nc").read_bytes()
    assert call(capsys, "doctor", folder, "--verify", "--fix").status == 3
    assert (folder / "toy.nc").read_bytes() == bad
