"""`mystax run` again: after a kill, a stop, a full disk, twice at a time, and with nothing to do."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import mystax
from mystax.errors import MystaxError
from mystax.synth import faulty_video
from tests.fixtures.commands import (
    COMMAND,
    call,
    digests,
    finish,
    run_command,
    start_command,
    wait_for_work,
)

N = 600
WORDS = ("run", "face.mp4", "--analyses", "motion,svd", "--svd-n-components", "300", "--no-report")
LIMITED = (
    "import os, resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20)); "
    "os.execv(sys.argv[1], sys.argv[1:])"
)


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A video and its undisturbed outcomes, made by the command."""
    folder = tmp_path_factory.mktemp("truth")
    faulty_video(folder / "face.mp4", "clean", n_frames=N, size=(128, 96))
    found = run_command(*WORDS, "--json", cwd=folder)
    assert found.status == 0, found.err
    return folder


@pytest.fixture
def folder(truth: Path, tmp_path: Path) -> Path:
    """A folder with the video alone."""
    shutil.copy(truth / "face.mp4", tmp_path)
    return tmp_path


def _clean(folder: Path) -> bool:
    """Tell whether nothing half is left."""
    work = folder / "face.mystax" / ".mystax" / "work"
    return not list(folder.rglob("*.part")) and not list(work.glob("*"))


def _kill(folder: Path, rng: np.random.Generator, *, group: bool) -> bool:
    """Start a run and kill it somewhere; False if it had ended before."""
    process = start_command(*WORDS, cwd=folder)
    wait_for_work(folder / "face.mystax", process, float(rng.uniform(0, 0.5)))
    was_alive = process.poll() is None
    if group:
        for child in _children(process.pid):
            os.kill(child, signal.SIGKILL)
    process.kill()
    finish(process)
    return was_alive


def _wait_for_rows(folder: Path, process: "subprocess.Popen[str]") -> None:
    """Wait until the first rows of an outcome are written, or the run has ended."""
    end = time.monotonic() + 120
    while process.poll() is None and not any(
        path.stat().st_size for path in folder.glob(".mystax/work/*/*.spool")
    ):
        assert time.monotonic() < end, "the run wrote no rows"
        time.sleep(0.005)  # another process: there is nothing else to wait for


def _children(pid: int) -> list[int]:
    import psutil

    try:
        return [child.pid for child in psutil.Process(pid).children(recursive=True)]
    except psutil.Error:
        return []


@pytest.mark.fault(30)
def test_killed_runs_end_with_the_same_content(truth: Path, folder: Path) -> None:
    rng = np.random.default_rng(3)
    n_killed = sum(_kill(folder, rng, group=bool(k % 2)) for k in range(4))
    assert n_killed >= 2
    found = run_command(*WORDS, cwd=folder)
    assert found.status == 0, found.err
    assert digests(folder / "face.mystax") == digests(truth / "face.mystax")
    assert _clean(folder)


@pytest.mark.slow
@pytest.mark.fault(30)
@pytest.mark.parametrize("seed", range(20))
def test_twenty_kills_at_random_times(seed: int, truth: Path, folder: Path) -> None:
    rng = np.random.default_rng(seed)
    for _ in range(5):
        if _kill(folder, rng, group=bool(seed % 2)):
            break
        shutil.rmtree(folder / "face.mystax")  # the run was faster than the kill
    else:
        pytest.fail("no run could be killed before its end")
    for path in folder.glob("face.mystax/*.nc"):
        mystax.load(path)
    found = run_command(*WORDS, cwd=folder)
    assert found.status == 0, found.err
    assert digests(folder / "face.mystax") == digests(truth / "face.mystax")
    assert _clean(folder)


@pytest.mark.slow
@pytest.mark.fault(32)
def test_full_disk_leaves_nothing_and_the_same_command_ends_well_later(truth: Path, folder: Path) -> None:
    assert max(path.stat().st_size for path in truth.glob("face.mystax/*.nc")) > 1 << 20
    limited = run_command(*WORDS, "--json", cwd=folder, before=(sys.executable, "-c", LIMITED))
    assert limited.status == 1, limited.err
    assert limited.codes == ["S501"]
    assert not list(folder.rglob("*.nc"))
    assert not list(folder.rglob("*.part"))
    found = run_command(*WORDS, cwd=folder)
    assert found.status == 0, found.err
    assert digests(folder / "face.mystax") == digests(truth / "face.mystax")
    assert _clean(folder)


@pytest.mark.fault(39)
def test_stopped_run_goes_on_from_a_later_frame_and_says_so(tmp_path: Path) -> None:
    n = 4000
    faulty_video(tmp_path / "face.mp4", "clean", n_frames=n, size=(64, 48), codec="mpeg4")
    words = ("run", "face.mp4", "--analyses", "motion", "--no-report", "--json")
    resumed = 0
    for _ in range(6):
        process = start_command(*words, cwd=tmp_path)
        _wait_for_rows(tmp_path / "face.mystax", process)
        process.send_signal(signal.SIGINT)
        found = finish(process, 30)
        assert found.status in (0, 130), found.err
        if found.status == 0:
            shutil.rmtree(tmp_path / "face.mystax")
            continue
        assert found.json["ok"] is False
        again = run_command(*words, cwd=tmp_path)
        assert again.status == 0, again.err
        told = [line for line in again.err.splitlines() if line.startswith("goes on from frame ")]
        resumed = int(told[0].split()[-1]) if told else 0
        outcome: Any = mystax.load(tmp_path / "face.mystax" / "motion.nc")
        assert outcome.attrs["run_resumed_at"] == resumed
        assert outcome.attrs["run_n_decoded"] == n - resumed
        if resumed:
            break
        shutil.rmtree(tmp_path / "face.mystax")
    assert resumed > 0


def test_two_runs_at_once_never_tear_a_file(truth: Path, folder: Path) -> None:
    processes = [start_command(*WORDS, "--json", cwd=folder) for _ in range(2)]
    ended = [finish(process) for process in processes]
    for found in ended:
        assert found.status in (0, 1), found.err
        assert found.status == 0 or found.codes == ["S504"]
    assert 0 in {found.status for found in ended}
    assert digests(folder / "face.mystax") == digests(truth / "face.mystax")
    assert not list(folder.rglob("*.part"))


def test_second_run_does_nothing(truth: Path) -> None:
    places = sorted((truth / "face.mystax").rglob("*"))
    before = {path: (path.stat().st_mtime_ns, path.stat().st_ino) for path in places}
    found = run_command(*WORDS, "--json", cwd=truth)
    assert found.status == 0, found.err
    assert {outcome["state"] for outcome in found.json["outcomes"]} == {"current"}
    assert found.cpu <= 3
    places = sorted((truth / "face.mystax").rglob("*"))
    assert {path: (path.stat().st_mtime_ns, path.stat().st_ino) for path in places} == before


def test_sums_are_checked_without_mystax(truth: Path) -> None:
    folder = truth / "face.mystax"
    sums = sorted((folder / ".mystax" / "sums").iterdir())
    assert [path.name for path in sums] == ["motion.nc.sha256", "svd.nc.sha256"]
    for path in sums:
        line = path.read_text("utf-8").splitlines()[-1]
        digest, _, name = line.partition("  ")
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
    if shutil.which("sha256sum") is None:
        pytest.skip("there is no sha256sum here")
    command = ["sha256sum", "-c", *(str(path.relative_to(folder)) for path in sums)]
    checked = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    assert checked.stdout.splitlines() == ["motion.nc: OK", "svd.nc: OK"]


def test_plain_xarray_reads_every_outcome_with_units(truth: Path) -> None:
    for path in sorted(truth.glob("face.mystax/*.nc")):
        with xr.open_dataset(path, engine="h5netcdf") as dataset:
            assert json.loads(dataset.attrs["parameters"])
            for name, variable in dataset.variables.items():
                assert (
                    variable.dtype.kind not in "iuf"
                    or variable.attrs.get("units")
                    or (name == "time" and "units" in variable.encoding)
                ), f"{path.name}: {name}"


def _check_flip(path: Path, whole: bytes, place: int, before: Any, capsys: Any) -> None:
    """Flip one bit: `doctor --verify` finds it, and loading gives the true values or refuses."""
    damaged = bytearray(whole)
    damaged[place // 8] ^= 1 << (place % 8)
    path.write_bytes(bytes(damaged))
    found = call(capsys, "doctor", path, "--verify", "--json")
    assert found.status == 3, f"bit {place}: {found.out}"
    try:
        outcome: Any = mystax.load(path)
        assert outcome.drop_attrs().identical(before.drop_attrs()), f"bit {place}"
    except (MystaxError, OSError):
        return  # refused


@pytest.mark.fault(41)
@pytest.mark.parametrize("n", [6, pytest.param(100, marks=pytest.mark.slow)])
def test_every_flipped_bit_is_found(
    n: int,
    truth: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    shutil.copytree(truth / "face.mystax", tmp_path / "face.mystax")
    path = tmp_path / "face.mystax" / "motion.nc"
    whole = path.read_bytes()
    before: Any = mystax.load(path)
    before.load()
    assert call(capsys, "doctor", path, "--verify", "--json").status == 0
    for place in np.random.default_rng(7).integers(0, 8 * len(whole), n).tolist():
        _check_flip(path, whole, place, before, capsys)
    path.write_bytes(whole)
    monkeypatch.chdir(tmp_path)
    healthy = call(capsys, "doctor", "face.mystax", "--verify")
    assert healthy.status == 0, healthy.out


@pytest.mark.slow
@pytest.mark.fault(19)
def test_a_file_that_grows_is_told_and_measured_as_it_is_then(tmp_path: Path) -> None:
    video = tmp_path / "face.mp4"
    faulty_video(video, "clean", n_frames=1500, size=(64, 48), codec="mpeg4")
    words = ("run", "face.mp4", "--analyses", "motion", "--no-report", "--json")
    process = start_command(*words, cwd=tmp_path)
    wait_for_work(tmp_path / "face.mystax", process)
    with video.open("ab") as file:
        file.write(bytes(4096))
    found = finish(process)
    assert found.status == 0, found.err
    assert "V130" in found.err
    current = call_json(tmp_path, *words)
    assert [item["state"] for item in current["outcomes"]] == ["current"]


def call_json(folder: Path, *words: str) -> dict[str, Any]:
    """Return the JSON object of a command that ends well."""
    found = run_command(*words, cwd=folder)
    assert found.status == 0, found.err
    return found.json


def test_the_command_is_the_one_that_users_have() -> None:
    assert Path(COMMAND).is_file()
