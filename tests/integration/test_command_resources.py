"""What a command costs: told before, bounded, without network, and compiled once."""

import os
import time
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import mystax
from mystax.errors import RecipeError
from mystax.synth import faulty_video
from tests.fixtures.commands import call, finish, run_command, start_command
from tests.fixtures.unread import Unread

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


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A video whose components need some memory."""
    path = tmp_path_factory.mktemp("large") / "large.avi"
    faulty_video(path, "clean", container="avi", codec="mjpeg", n_frames=1300, size=(216, 216), scene="black")
    return path


def test_too_little_memory_is_refused_with_what_fits(large: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("--analyses", "svd", "--svd-bin", "6", "--svd-n-components", "10", "--json")
    enough = call(capsys, "run", large, *words, "--dry-run").json["plans"][0]["memory"] >> 20
    found = call(capsys, "run", large, *words, "--memory", str(enough - 10))
    assert (found.status, found.codes) == (2, ["P403"])
    assert "a bin 2 times as large fits" in found.err
    fitting = (*words, "--svd-bin", "12", "--memory", str(enough - 10), "--dry-run")
    assert call(capsys, "run", large, *fitting).status == 0
    least = call(capsys, "run", large, *words, "--memory", "200")
    assert (least.status, least.codes) == (2, ["P403"])
    assert "fits" not in least.err
    assert list(large.parent.iterdir()) == [large]


def test_what_fits_is_named_in_components_and_fits(large: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("run", large, "--analyses", "svd", "--svd-bin", "4", "--json")
    enough = call(capsys, *words, "--dry-run").json["plans"][0]["memory"] >> 20
    memory = ("--memory", str(enough - 8))
    found = call(capsys, *words, *memory)
    assert (found.status, found.codes) == (2, ["P403"])
    fitting = found.err.partition("n_components=")[2].partition(" fits")[0]
    assert int(fitting) < 500
    assert call(capsys, *words, "--svd-n-components", fitting, *memory, "--dry-run").status == 0
    assert list(large.parent.iterdir()) == [large]


def test_too_little_memory_is_refused_before_a_frame_is_read(tmp_path: Path) -> None:
    source = Unread(np.zeros((1300, 216, 216), np.uint8), Fraction(100))
    with pytest.raises(RecipeError, match=r"P403 memory.*n_components=\d+ fits"):
        mystax.run(source, analyses=["svd"], out=tmp_path, memory=450, report=False)
    assert not list(tmp_path.rglob("*.nc"))


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


# a job of one core ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A video that takes some seconds of work."""
    path = tmp_path_factory.mktemp("film") / "face.mp4"
    faulty_video(path, "clean", n_frames=1500, size=(400, 300))
    return path


def _cost(film: Path, folders: Sequence[Path]) -> tuple[float, float]:
    """Run one job of one core per folder, all at once; return CPU and wall time [s]."""
    words = ("run", film, "--analyses", "motion,svd", "--no-report", "--quiet", "--cores", "1")
    begin, start = os.times(), time.perf_counter()
    processes = [start_command(*words, "--out", folder, cwd=folder.parent) for folder in folders]
    for process in processes:
        found = finish(process)
        assert found.status == 0, found.err
    end, wall = os.times(), time.perf_counter() - start
    return end.children_user + end.children_system - begin.children_user - begin.children_system, wall


@pytest.mark.slow
def test_a_job_of_one_core_takes_one_core(film: Path, tmp_path: Path) -> None:
    cpu, wall = _cost(film, [tmp_path / "one"])
    assert cpu > 3
    assert cpu / wall <= 1.15


@pytest.mark.slow
def test_two_jobs_of_one_core_do_not_disturb_each_other(film: Path, tmp_path: Path) -> None:
    ratios = []
    for k in range(3):
        folders = [tmp_path / f"{name}{k}" for name in ("a", "b", "c", "d")]
        together, _ = _cost(film, folders[:2])
        apart = sum(_cost(film, [folder])[0] for folder in folders[2:])
        ratios.append(together / apart)
    assert float(np.median(ratios)) <= 1.1, ratios
