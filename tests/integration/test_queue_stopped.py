"""Drivers that are stopped past their lease, and schedulers whose workers are killed."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from mystax.engine.catalog.tables import attempt
from tests.fixtures.catalogues import make_lab
from tests.fixtures.commands import ROOT
from tests.fixtures.job_processes import job_processes, worker_of
from tests.integration.test_queue import check_done, finish, start_driver, wait_for_child

pytestmark = pytest.mark.slow


def test_a_driver_that_was_stopped_for_ninety_seconds_finds_its_job_taken(tmp_path: Path) -> None:
    lab = make_lab(tmp_path / "lab", 1, n_frames=100)
    lab.add("quick")
    late = start_driver(lab, env={"TOY_DELAY": "0.5"})
    wait_for_child(late)
    late.send_signal(signal.SIGSTOP)
    start = time.monotonic()
    second = start_driver(lab)
    assert "takes the job" in finish(second)
    assert 60 <= time.monotonic() - start <= 120
    time.sleep(max(0.0, 90 - (time.monotonic() - start)))  # the fault lasts as long as the contract says
    late.send_signal(signal.SIGCONT)
    assert "Q601" in finish(late)
    check_done(lab, 1)
    assert sorted(row.ending for row in lab.rows(attempt.c.ending)) == ["done", "lost"]


@pytest.fixture
def scheduler(tmp_path: Path) -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    """A scheduler with one worker, as a site has it: three failures are allowed."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])}
    file = tmp_path / "scheduler.json"
    words = ["--scheduler-file", str(file), "--no-dashboard"]
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", *words]
        )
    ]
    worker = ["--no-dashboard", "--nthreads", "1", "--resources", "cores=1"]
    command = [sys.executable, "-m", "distributed.cli.dask_worker", "--scheduler-file", str(file), *worker]
    started += [subprocess.Popen(command, env=environment, cwd=tmp_path) for _ in range(2)]
    end = time.monotonic() + 60
    while not file.exists():
        assert time.monotonic() < end
        time.sleep(0.1)  # another process
    yield json.loads(file.read_text())["address"], started[1]
    for process in reversed(started):
        process.terminate()
        process.wait(20)


def test_a_scheduler_by_address_runs_jobs(
    tmp_path: Path, scheduler: tuple[str, "subprocess.Popen[bytes]"]
) -> None:
    address, _ = scheduler
    lab = make_lab(tmp_path / "lab", 3)
    lab.add("quick")
    lab.out.mkdir(parents=True, exist_ok=True)
    assert "'done': 3" in finish(start_driver(lab, address))
    check_done(lab, 3)


def test_a_killed_worker_of_a_scheduler_loses_no_job(
    tmp_path: Path, scheduler: tuple[str, "subprocess.Popen[bytes]"]
) -> None:
    address, _ = scheduler
    lab = make_lab(tmp_path / "lab", 3, n_frames=80)
    lab.add("quick")
    lab.out.mkdir(parents=True, exist_ok=True)
    process = start_driver(lab, address, env={"TOY_DELAY": "0.3"})
    end = time.monotonic() + 100
    while True:
        assert time.monotonic() < end
        busy = job_processes(psutil.Process())
        if busy:
            break
        time.sleep(0.1)  # another process
    worker_of(busy[0]).kill()
    out = finish(process)
    assert process.returncode == 0, out
    check_done(lab, 3)
    endings = [row.ending for row in lab.rows(attempt.c.ending)]
    assert endings.count("lost") >= 1
