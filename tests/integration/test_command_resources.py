"""What a command costs: told before, bounded, without network, and compiled once."""

from pathlib import Path

import pytest

from mystax.synth import faulty_video
from tests.fixtures.commands import call, run_command

SPY = """
import os, sys

def spy(event, arguments):
    if event.startswith("socket.") and event not in ("socket.gethostname",):
        with open(os.environ["SPY"], "a") as file:
            file.write(f"{event} {arguments!r:.200}\\n")

sys.addaudithook(spy)
with open(os.environ["SPY"] + ".seen", "a") as file:
    file.write(" ".join(sys.orig_argv)[:200] + "\\n")
"""


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small video."""
    path = tmp_path_factory.mktemp("resources") / "face.mp4"
    faulty_video(path, "clean", n_frames=60, size=(160, 128))
    return path


def test_a_dry_run_tells_what_a_run_costs(
    video: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--analyses", "motion,svd", "--svd-n-components", "20", "--out", tmp_path / "out", "--json")
    (plan,) = call(capsys, "run", video, *words, "--dry-run").json["plans"]
    assert plan["n_frames"] == 60
    assert plan["decodes"] == 1
    assert plan["readings"] >= 1
    assert plan["routes"] == {"face/frame": "gram_frames"}
    assert {name for name in ("seconds", "memory", "disk") if plan[name] > 0} == {"seconds", "memory", "disk"}
    assert {item["analysis"]: item["state"] for item in plan["outcomes"]} == {
        "motion": "wanted",
        "svd": "wanted",
    }
    assert not (tmp_path / "out").exists()
    assert list(video.parent.iterdir()) == [video]


def test_too_little_memory_is_refused_with_what_fits(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    video = tmp_path / "large.avi"
    faulty_video(video, "clean", container="avi", codec="mjpeg", n_frames=1300, size=(216, 216))
    words = ("--analyses", "svd", "--svd-bin", "6", "--svd-n-components", "10", "--json")
    enough = call(capsys, "run", video, *words, "--dry-run").json["plans"][0]["memory"] >> 20
    found = call(capsys, "run", video, *words, "--memory", str(enough - 10))
    assert (found.status, found.codes) == (2, ["P403"])
    assert "a bin 2 times as large fits" in found.err
    fitting = (*words, "--svd-bin", "12", "--memory", str(enough - 10), "--dry-run")
    assert call(capsys, "run", video, *fitting).status == 0
    least = call(capsys, "run", video, *words, "--memory", "200")
    assert (least.status, least.codes) == (2, ["P403"])
    assert "fits" not in least.err
    assert list(tmp_path.iterdir()) == [video]


def test_no_socket_is_opened(video: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(SPY)
    env = {"PYTHONPATH": str(site), "SPY": str(tmp_path / "sockets")}
    helped = run_command("--help", cwd=tmp_path, env=env)
    ran = run_command("run", video, "--recipe", "quick", "--out", tmp_path / "out", cwd=tmp_path, env=env)
    assert (helped.status, ran.status) == (0, 0), ran.err
    seen = (tmp_path / "sockets.seen").read_text().splitlines()
    assert any("mystax.engine.child" in line for line in seen), "the child was not looked at"
    assert not (tmp_path / "sockets").exists(), (tmp_path / "sockets").read_text()


@pytest.mark.slow
def test_the_second_process_compiles_nothing(video: Path, tmp_path: Path) -> None:
    env = {"NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    words = ("--analyses", "motion", "--no-report", "--force", "--out", tmp_path / "out")
    stamps = []
    for _ in range(2):
        found = run_command("run", video, *words, cwd=tmp_path, env=env)
        assert found.status == 0, found.err
        kept = sorted((tmp_path / "cache").rglob("*.nb?"))
        stamps.append({path: (path.stat().st_mtime_ns, path.stat().st_size) for path in kept})
    assert stamps[0]
    assert stamps[1] == stamps[0]
