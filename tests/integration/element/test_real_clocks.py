"""Dead and live workers by real clocks: a killed one's job is done soon, a long job is never freed."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("datajoint", reason='pip install "mystax[datajoint]"')

from mystax.element.dead_jobs import APART
from tests.fixtures.lab import TWO, Lab, film
from tests.fixtures.lab_worker import request_of

pytestmark = [pytest.mark.slow, pytest.mark.parametrize("lab", TWO, indirect=True, scope="session")]

ROOT = Path(__file__).resolve().parents[3]
AGE, SOON = 600.0, 150.0
"""How old a live job becomes, and how soon a dead one is freed and done [s]."""
N_TASKS, N_LIVE = 20, 5

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(lab: Lab) -> Iterator[Start]:
    """Start workers as processes of their own; none is left behind."""
    started = list["subprocess.Popen[str]"]()

    def begin(keys: list[dict[str, Any]], **more: Any) -> "subprocess.Popen[str]":
        command = [sys.executable, "-m", "tests.fixtures.lab_worker"]
        worker = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT, text=True)
        started.append(worker)
        assert worker.stdin is not None
        worker.stdin.write(request_of(lab, keys, **more))
        worker.stdin.close()
        worker.stdin = None
        return worker

    yield begin
    for worker in started:
        worker.kill()
        worker.wait()
        assert worker.stdout is not None
        worker.stdout.close()


def wait_for(marker: Path, worker: "subprocess.Popen[str]") -> None:
    """Wait until a worker halts in its job."""
    end = time.monotonic() + 300
    while not marker.exists():
        assert worker.poll() is None
        assert time.monotonic() < end
        time.sleep(0.1)  # another process


def told(worker: "subprocess.Popen[str]", timeout: float) -> dict[str, int]:
    out, _ = worker.communicate(timeout=timeout)
    found: dict[str, int] = json.loads(out.splitlines()[-1])  # DataJoint has told its connection before
    return found


def test_killed_worker_is_replaced_soon_and_a_long_job_is_never_freed(
    lab: Lab, start: Start, tmp_path: Path
) -> None:
    table, release = lab.fbe.RecordingInfo(), tmp_path / "release"
    keys = [lab.recording(film(lab.root / "clocks" / "face.mkv", 3)) for _ in range(N_TASKS + N_LIVE)]
    tasks, long = keys[:N_TASKS], keys[N_TASKS:]
    live = []
    for k, key in enumerate(long):  # some of them on another host
        how = {"marker": str(tmp_path / f"live{k}"), "release": str(release)}
        worker = start([key], stop_at=1, **how, **({"host": "elsewhere"} if k % 2 else {}))
        wait_for(tmp_path / f"live{k}", worker)
        live.append(worker)
    born = time.monotonic()

    killed = start(tasks, stop_at=2, marker=str(tmp_path / "killed"), host="elsewhere")
    wait_for(tmp_path / "killed", killed)
    other = start(keys, until_freed=1)
    while len(table & tasks) < 3:  # the second one works beside it
        assert other.poll() is None
        time.sleep(0.1)  # another process
    killed.kill()
    died = time.monotonic()
    found = told(other, SOON + 60)
    needed = time.monotonic() - died
    sys.stdout.write(f"{lab.site.backend}: freed and done {needed:.1f} s after the kill: {found}\n")
    assert APART <= needed <= SOON  # its host cannot be asked, so that there are two looks
    assert found["freed"] == 1
    assert len(table & tasks) == len(lab.fbe.Timestamps & tasks) == N_TASKS
    assert found["RecordingInfo"] == N_TASKS - 1  # the killed one had done one
    assert len(table.jobs.reserved) == N_LIVE

    freed = []
    while time.monotonic() - born < AGE:
        time.sleep(min(60.0, max(0.0, AGE - (time.monotonic() - born))))
        freed.append(lab.fbe.populate_all(keys)["RecordingInfo"]["freed"])
    assert len(freed) >= 5
    assert sum(freed) == 0
    assert len(table.jobs.reserved) == N_LIVE  # each of them is older than that
    assert [worker.poll() for worker in live] == [None] * N_LIVE
    release.touch()
    assert [told(worker, 120)["RecordingInfo"] for worker in live] == [1] * N_LIVE
    assert len(table & keys) == len(lab.fbe.Timestamps & keys) == N_TASKS + N_LIVE
    assert len(table.jobs) == 0
