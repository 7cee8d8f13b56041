"""A queue on PostgreSQL: two drivers or commands, one of them away, and a server that is restarted."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import select

from mystax.engine.catalog.places import find_place
from mystax.engine.catalog.queue import Queue
from mystax.engine.catalog.tables import attempt
from tests.fixtures.catalogues import make_lab
from tests.fixtures.commands import ROOT, run_command, start_command
from tests.fixtures.commands import finish as finish_command
from tests.fixtures.jobs import empty_queue, jobs_of, new_jobs
from tests.fixtures.plugins import BRIGHT, write_plugin
from tests.fixtures.postgres import PostgresServer
from tests.fixtures.sessions import new_clip
from tests.integration.test_queue import check_done, finish, start_driver, wait_for

N_JOBS, AWAY = 1000, 90.0
"""Jobs of one second, and how long one of two drivers is stopped [s]."""


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [5.0, 90.0])
def test_a_restart_of_the_server_loses_no_attempt(
    tmp_path: Path, postgres: PostgresServer, seconds: float
) -> None:
    lab = make_lab(tmp_path / "lab", 3, url=postgres.new_database())
    lab.add("quick")
    process = start_driver(lab, env={"TOY_DELAY": "0.1"})
    wait_for(lab, "running", process)
    lab.database.close()
    postgres.stop()
    time.sleep(seconds)  # so long it is away
    postgres.start()
    out = finish(process)
    assert process.returncode == 0, out
    check_done(lab, 3)
    assert {row.ending for row in lab.rows(attempt.c.ending)} <= {"done", "adopted"}
    lab.database.close()


def start_sleeper(folder: Path, name: str, n_jobs: int, seconds: float) -> "subprocess.Popen[str]":
    words = [sys.executable, "-m", "tests.fixtures.sleeper", str(folder), name, str(n_jobs), str(seconds)]
    return subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True)


@pytest.mark.slow
def test_a_thousand_jobs_of_a_second_are_done_once_while_a_driver_is_away(
    tmp_path: Path, postgres: PostgresServer
) -> None:
    queue = empty_queue(tmp_path, postgres.new_database())
    new_jobs(queue, N_JOBS)
    start = time.monotonic()
    first, second = (start_sleeper(tmp_path, name, 4, 1.0) for name in ("first", "second"))
    time.sleep(15)  # in the middle of its work
    first.send_signal(signal.SIGSTOP)
    time.sleep(AWAY)  # so long it is away
    first.send_signal(signal.SIGCONT)
    told = [json.loads(process.communicate(timeout=600)[0]) for process in (first, second)]
    sys.stdout.write(f"{N_JOBS} jobs in {time.monotonic() - start:.0f} s: {told}\n")
    assert Counter(row.state for row in jobs_of(queue)) == {"done": N_JOBS}
    with queue.database.read() as connection:
        rows = connection.execute(select(attempt.c.job_id, attempt.c.ending, attempt.c.driver_id)).all()
    assert Counter(row.job_id for row in rows if row.ending == "done") == dict.fromkeys(
        range(1, N_JOBS + 1), 1
    )
    lost = [row for row in rows if row.ending != "done"]
    assert {(row.ending, row.driver_id) for row in lost} == {("lost", "first")}
    assert told[0]["codes"] == ["Q601"] * len(lost)
    assert told[1]["codes"] == []
    assert told[0]["done"] + told[1]["done"] == N_JOBS
    queue.database.close()


LASTING = BRIGHT.replace("def end_pass(self): pass", "def end_pass(self): __import__('time').sleep(1)")
"""A plug-in whose jobs take a second and little work."""


@pytest.mark.slow
def test_two_commands_do_a_thousand_jobs_once_while_one_of_them_is_away(
    tmp_path: Path, postgres: PostgresServer
) -> None:
    plugins = write_plugin(tmp_path / "plugins", "shine", LASTING)
    env = {"PYTHONPATH": os.pathsep.join(filter(None, (str(plugins), os.environ.get("PYTHONPATH"))))}
    for number in range(N_JOBS):
        new_clip(tmp_path / "films" / f"s{number:04d}" / "face.mp4")
    lab = tmp_path / "lab"
    lab.mkdir()
    (lab / "lasting.toml").write_text('name = "lasting"\nanalysis = [{ name = "shine" }]\n', "utf-8")
    for words in (
        ("catalog", "create", "--url", postgres.new_database()),
        ("catalog", "ingest", str(tmp_path / "films"), "--pattern", "folders"),
        ("queue", "add", "lasting.toml"),
    ):
        done = run_command(*words, cwd=lab, env=env)
        assert done.status == 0, done.err
    queue = Queue(find_place(lab).database())
    start = time.monotonic()
    work = ("queue", "work", "--cores", "4", "--no-report", "--json")
    first, second = (start_command(*work, cwd=lab, env=env) for _ in range(2))
    while sum(row.state == "done" for row in jobs_of(queue)) < 20:
        assert first.poll() is second.poll() is None
        time.sleep(0.5)  # other processes
    first.send_signal(signal.SIGSTOP)
    time.sleep(AWAY)  # so long it is away
    first.send_signal(signal.SIGCONT)
    ends = [finish_command(process, 3000) for process in (first, second)]
    tallies = [end.json["tally"] for end in ends]
    sys.stdout.write(f"{N_JOBS} jobs by command in {time.monotonic() - start:.0f} s: {tallies}\n")
    assert [end.status for end in ends] == [0, 0]
    assert Counter(row.state for row in jobs_of(queue)) == {"done": N_JOBS}
    with queue.database.read() as connection:
        rows = connection.execute(select(attempt.c.job_id, attempt.c.ending)).all()
    once = Counter(row.job_id for row in rows if row.ending == "done")
    assert once == dict.fromkeys(range(1, N_JOBS + 1), 1)
    assert {row.ending for row in rows} == {"done", "lost"}
    assert "Q601" in ends[0].err
    assert "Q601" not in ends[1].err
    queue.database.close()
