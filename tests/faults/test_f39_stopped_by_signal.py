"""F39: Ctrl-C, SIGTERM, logout.

The run finishes its chunk, writes a checkpoint and ends with 130 or 143 within 5 s; nothing half is left, and
the same command then ends with the bits of an undisturbed run.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import mystax
from mystax.synth import faulty_video
from tests.fixtures.commands import call, wait_for_work
from tests.fixtures.engine_runs import ENVIRONMENT

pytestmark = pytest.mark.fault(39)
COMMAND = ("run", "face.mp4", "--analyses", "motion", "--no-report", "--quiet")


def _start(folder: Path) -> "subprocess.Popen[bytes]":
    code = "import sys; from mystax.cli import main; main(sys.argv[1:])"
    return subprocess.Popen(
        [sys.executable, "-c", code, *COMMAND],
        cwd=folder,
        env={**os.environ, **ENVIRONMENT},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def _finish(process: "subprocess.Popen[bytes]") -> tuple[int, str]:
    _, said = process.communicate(timeout=60)
    return process.returncode, said.decode()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_command_goes_on_later_with_the_same_bits(number: signal.Signals, tmp_path: Path) -> None:
    faulty_video(tmp_path / "face.mp4", "clean", n_frames=400, size=(160, 120))
    statuses = []
    for pause in np.random.default_rng(int(number)).uniform(0, 0.4, 3):
        process = _start(tmp_path)
        wait_for_work(tmp_path / "face.mystax", process, float(pause))
        process.send_signal(number)
        start = time.monotonic()
        status, said = _finish(process)
        assert time.monotonic() - start < 5
        assert status in (0, 128 + number), said
        statuses.append(status)
        assert not list(tmp_path.glob("face.mystax/*.part"))
        if status == 0:
            break
    assert 128 + number in statuses
    assert _finish(_start(tmp_path))[0] == 0
    truth = mystax.run(tmp_path / "face.mp4", analyses=["motion"], out=tmp_path / "truth", report=False)
    found = mystax.run(tmp_path / "face.mp4", analyses=["motion"], report=False)["motion"]
    assert found.attrs["content_sha256"] == truth["motion"].attrs["content_sha256"]


def test_no_worker_outlives_its_parent(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import psutil

    faulty_video(tmp_path / "face.mp4", "clean", n_frames=400, size=(160, 120))
    process = _start(tmp_path)
    wait_for_work(tmp_path / "face.mystax", process)
    workers = psutil.Process(process.pid).children(recursive=True)
    assert workers
    process.kill()
    _finish(process)
    _, alive = psutil.wait_procs(workers, timeout=5)
    assert not alive
    monkeypatch.chdir(tmp_path)
    assert call(capsys, *COMMAND).status == 0
    found = mystax.run(tmp_path / "face.mp4", analyses=["motion"], report=False)["motion"]
    truth = mystax.motion(tmp_path / "face.mp4")
    np.testing.assert_array_equal(found["energy"].values, truth["energy"].values)
    assert not list((tmp_path / "face.mystax").rglob("*.part"))
