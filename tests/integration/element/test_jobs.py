"""Jobs of workers that are gone are freed, those of live workers never; every key is done once."""

import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("datajoint", reason='pip install "mystax[datajoint]"')

from mystax.element.dead_jobs import free_dead_jobs, kept_alive, register
from mystax.element.populating import retry_failed
from tests.fixtures.lab import FIRST, Lab, connect, film
from tests.fixtures.lab_worker import request_of

pytestmark = pytest.mark.parametrize("lab", FIRST, indirect=True, scope="session")

NOBODY = 2**31 - 5
"""A connection and a process that there are not."""
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def table(lab: Lab) -> Iterator[Any]:
    """Return a table without rows in its job table, and leave it so."""
    found = lab.fbe.RecordingInfo()
    found.jobs.delete()
    yield found
    found.jobs.delete()


def reserve(table: Any, lab: Lab, **row: Any) -> dict[str, Any]:
    """Enter a job that a worker has reserved long ago."""
    key = lab.recording(film(lab.root / "jobs" / "face.mkv", 3))
    where = {"host": "elsewhere", "pid": NOBODY, "connection_id": NOBODY, "user": lab.connection.get_user()}
    old = {"status": "reserved", "priority": 5, "reserved_time": "2020-01-01 00:00:00"}
    table.jobs.insert1({**key, **old, **where, **row})
    return key


class Waits:
    """Stands for time: remembers how long was waited, and does something meanwhile."""

    def __init__(self, meanwhile: Any = None) -> None:
        self.times, self.meanwhile = list[float](), meanwhile

    def __call__(self, seconds: float) -> None:
        self.times.append(seconds)
        if self.meanwhile is not None:
            self.meanwhile()


def test_job_of_a_dead_process_of_this_host_is_freed_at_once(lab: Lab, table: Any) -> None:
    reserve(table, lab, host=platform.node())
    sleep = Waits()
    assert free_dead_jobs([table], sleep=sleep) == {"RecordingInfo": 1}
    assert sleep.times == []
    assert len(table.jobs.reserved) == 0


def test_job_of_another_host_is_freed_after_two_looks(lab: Lab, table: Any) -> None:
    reserve(table, lab)
    sleep = Waits()
    assert free_dead_jobs([table], sleep=sleep) == {"RecordingInfo": 1}
    assert sleep.times == [70.0]
    assert len(table.jobs.reserved) == 0


def test_worker_that_came_back_between_the_looks_keeps_its_job(lab: Lab, table: Any) -> None:
    key = reserve(table, lab)
    sleep = Waits(lambda: table.jobs.update1({**key, "connection_id": lab.connection.connection_id}))
    assert free_dead_jobs([table], sleep=sleep) == {"RecordingInfo": 0}
    assert len(table.jobs.reserved) == 1


def test_worker_with_an_open_connection_keeps_its_job_however_old(lab: Lab, table: Any) -> None:
    other = connect(lab.site, lab.root)
    reserve(table, lab, connection_id=other.connection_id)
    reserve(table, lab, connection_id=other.connection_id, host=platform.node(), pid=os.getpid())
    sleep = Waits()
    assert free_dead_jobs([table], sleep=sleep) == {"RecordingInfo": 0}
    assert sleep.times == []
    assert len(table.jobs.reserved) == 2
    other.close()


def test_process_that_is_gone_behind_an_open_connection_keeps_its_job(lab: Lab, table: Any) -> None:
    other = connect(lab.site, lab.root)  # such as a container that has this host's name
    reserve(table, lab, connection_id=other.connection_id, host=platform.node())
    sleep = Waits()
    assert free_dead_jobs([table], sleep=sleep) == {"RecordingInfo": 0}
    assert sleep.times == [70.0]
    other.close()


def test_job_whose_connection_may_be_hidden_is_left_alone(
    lab: Lab, table: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mystax.element.dead_jobs.shows_everybody", lambda _: False)
    reserve(table, lab, user="somebody@elsewhere")
    assert free_dead_jobs([table], sleep=Waits()) == {"RecordingInfo": 0}
    assert len(table.jobs.reserved) == 1


def test_lost_connection_comes_back_and_is_registered(lab: Lab, table: Any) -> None:
    reserve(table, lab, host=platform.node(), pid=os.getpid())
    register(table)
    before = lab.connection.connection_id
    other = connect(lab.site, lab.root)
    with kept_alive(table, interval=0.02):
        text = "SELECT pg_terminate_backend(%s)" if lab.site.backend == "postgresql" else "KILL %s"
        other.query(text, args=(before,))
        end = time.monotonic() + 20
        while time.monotonic() < end and other.query("SELECT 1").fetchone():
            (row,) = _rows(other, table)
            if row != before:
                break
            time.sleep(0.02)
    assert lab.connection.connection_id == row != before
    assert free_dead_jobs([table], sleep=Waits()) == {"RecordingInfo": 0}
    other.close()


def _rows(connection: Any, table: Any) -> list[int]:
    name = table.jobs.full_table_name
    query = f"SELECT connection_id FROM {name}"  # noqa: S608 - a name of ours
    return [int(row[0]) for row in connection.query(query).fetchall()]


def test_only_the_own_job_is_registered(lab: Lab, table: Any) -> None:
    keys = [reserve(table, lab, host=platform.node(), pid=os.getpid()) for _ in range(2)]
    register(table, keys[0])
    found = [int((table.jobs & key).fetch1("connection_id")) for key in keys]
    assert found == [lab.connection.connection_id, NOBODY]


def test_only_failures_that_pass_are_tried_again(lab: Lab, table: Any) -> None:
    texts = (
        "VideoError: V131 disk",
        "RecipeError: P403 no",
        "LostConnectionError: gone",
        "StoreError: S501 full",
    )
    for text in texts:
        reserve(table, lab, status="error", error_message=text)
    assert retry_failed(table) == 3
    assert table.jobs.errors.to_arrays("error_message").tolist() == ["RecipeError: P403 no"]


def test_two_workers_share_the_keys(lab: Lab, table: Any) -> None:
    keys = [lab.recording(film(lab.root / "share" / "face.mkv", 3)) for _ in range(6)]
    report = lab.fbe.populate_all(keys, processes=2)
    assert report["RecordingInfo"] == {"done": 6, "errors": [], "freed": 0}
    assert report["Timestamps"]["done"] == 6
    assert len(lab.fbe.RecordingInfo & keys) == 6
    assert len(table.jobs) == 0


def test_killed_worker_costs_its_job_only(lab: Lab, table: Any, tmp_path: Path) -> None:
    keys = [lab.recording(film(lab.root / "killed" / "face.mkv", 3)) for _ in range(8)]
    marker = tmp_path / "marker"
    command = [sys.executable, "-m", "tests.fixtures.lab_worker"]
    worker = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, cwd=ROOT, text=True)
    assert worker.stdin is not None
    worker.stdin.write(request_of(lab, keys, stop_at=3, marker=str(marker)))
    worker.stdin.close()
    end = time.monotonic() + 300
    while not marker.exists():
        assert worker.poll() is None
        assert time.monotonic() < end
        time.sleep(0.05)
    assert len(table.jobs.reserved) == 1
    sleep = Waits()
    first = lab.fbe.populate_all(keys, sleep=sleep)  # beside a worker that halts, but lives
    assert first["RecordingInfo"] == {"done": 5, "errors": [], "freed": 0}
    assert sleep.times == []
    worker.kill()
    worker.wait()
    _until_closed(lab, table)
    last = lab.fbe.populate_all(keys, sleep=sleep)
    assert last["RecordingInfo"] == {"done": 1, "errors": [], "freed": 1}
    assert sleep.times == []
    assert len(lab.fbe.RecordingInfo & keys) == len(lab.fbe.Timestamps & keys) == 8
    assert len(table.jobs) == 0


def _until_closed(lab: Lab, table: Any) -> None:
    """Wait until the server has seen that the worker is gone."""
    from mystax.element.dead_jobs import open_connections, reserved_jobs

    (job,) = reserved_jobs(table)
    end = time.monotonic() + 60
    while job.connection in open_connections(lab.connection):
        assert time.monotonic() < end
        time.sleep(0.05)
