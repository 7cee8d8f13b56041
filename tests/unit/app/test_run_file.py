"""Files of servers that run: found by what they serve, believed only while their process is there."""

import json
import os
import stat
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from mystax.app import launch, run_file
from mystax.app.run_file import RunFile, find_running, key_of, last_port, noted
from mystax.app.server import Settings

KEY = key_of(Settings((Path("/data"),)))


def test_a_server_is_found_while_it_runs_and_only_by_what_it_serves(tmp_path: Path) -> None:
    with noted(KEY, 8765, "", "secret", tmp_path):
        found = find_running(KEY, tmp_path)
        assert found is not None
        assert (found.port, found.token, found.pid) == (8765, "secret", os.getpid())
        assert find_running(key_of(Settings((Path("/other"),))), tmp_path) is None
    assert find_running(KEY, tmp_path) is None


def test_the_port_is_remembered_without_the_token(tmp_path: Path) -> None:
    with noted(KEY, 8770, "", "secret", tmp_path):
        assert last_port(KEY, tmp_path) == 8770
    assert last_port(KEY, tmp_path) == 8770
    assert last_port("other", tmp_path) is None
    assert "secret" not in (tmp_path / "app-8770.json").read_text()


def test_only_the_user_can_read_it(tmp_path: Path) -> None:
    place = tmp_path / "app"
    with noted(KEY, 8765, "", "secret", place):
        assert stat.S_IMODE(place.stat().st_mode) == 0o700
        assert stat.S_IMODE((place / "app-8765.json").stat().st_mode) == 0o600
        assert [path.name for path in place.iterdir()] == ["app-8765.json"]


def test_a_killed_server_is_not_believed(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path; from mystax.app.run_file import noted\n"
        "with noted(sys.argv[1], 8766, '', 'secret', Path(sys.argv[2])): os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", code, KEY, str(tmp_path)], check=False)
    assert "secret" in (tmp_path / "app-8766.json").read_text()
    assert find_running(KEY, tmp_path) is None
    assert last_port(KEY, tmp_path) == 8766


def test_another_process_of_the_same_number_is_not_believed(tmp_path: Path) -> None:
    with noted(KEY, 8765, "", "secret", tmp_path):
        found = find_running(KEY, tmp_path)
        assert found is not None
        old = replace(found, begun=found.begun - 3600.0)
        (tmp_path / "app-8765.json").write_text(json.dumps(asdict(old)))
        assert find_running(KEY, tmp_path) is None


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"key": 1}', "{" * 5000])
def test_what_is_no_file_of_a_server_is_passed_over(text: str, tmp_path: Path) -> None:
    (tmp_path / "app-8765.json").write_text(text)
    assert find_running(KEY, tmp_path) is None


def test_a_folder_that_cannot_be_written_is_no_reason_not_to_serve(tmp_path: Path) -> None:
    (tmp_path / "app").write_text("in the way")
    with noted(KEY, 8765, "", "secret", tmp_path / "app"):
        assert find_running(KEY, tmp_path / "app") is None


@pytest.mark.parametrize(
    "other",
    [
        Settings((Path("/data"), Path("/more"))),
        Settings((Path("/data"),), read_only=True),
        Settings((Path("/data"),), base="/proxy"),
        Settings((Path("/data"),), allowed_hosts=("lab7",)),
    ],
)
def test_what_is_served_otherwise_is_another(other: Settings) -> None:
    assert key_of(other) != KEY
    assert key_of(Settings((Path("/data"),), port=9000)) == KEY
    assert key_of(Settings((Path("/data"),)), "sqlite:///a") != KEY


def test_a_second_start_tells_the_link_of_the_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_file, "place_of_runs", lambda: tmp_path)
    monkeypatch.delenv("SSH_CONNECTION", raising=False)
    opened: list[tuple[str, float]] = []

    class Opened:
        def __init__(self, address: str, seconds: float) -> None:
            opened.append((address, seconds))

        def join(self) -> None:
            """Wait for nothing."""

    monkeypatch.setattr(launch, "open_browser", Opened)
    said: list[str] = []
    settings = Settings((Path("/data"),))
    assert not launch.reopen(settings, say=said.append)
    with noted(KEY, 8765, "", "secret", tmp_path):
        assert launch.reopen(settings, say=said.append)
    assert said == [
        f"it runs already, as process {os.getpid()}",
        "mystax is at http://127.0.0.1:8765/#k=secret",
    ]
    assert opened == [("http://127.0.0.1:8765/#k=secret", launch.SOON)]


def test_all_fields_of_a_file_are_plain() -> None:
    one = RunFile(KEY, 1, "", "", 2, 3.0)
    assert RunFile(**json.loads(json.dumps(asdict(one)))) == one
    assert not one.is_alive()
