"""Many drivers at once: every job is done once, on both databases."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import select

from mystax.engine.catalog.queue import Queue
from mystax.engine.catalog.tables import attempt
from tests.fixtures.commands import ROOT
from tests.fixtures.jobs import empty_queue, jobs_of, new_jobs


def claim_all(queue: Queue, folder: Path, n_drivers: int) -> list[list[float]]:
    """Let drivers claim and finish everything; return jobs, seconds and longest wait of each."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.fixtures.claimer", str(folder), f"d{number}"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(n_drivers)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    found = []
    for process in processes:
        out, _ = process.communicate(timeout=600)
        assert process.returncode == 0
        found.append([float(word) for word in out.split()])
    return found


def check(queue: Queue, n: int, found: list[list[float]]) -> None:
    assert sum(row[0] for row in found) == n
    assert Counter(row.state for row in jobs_of(queue)) == {"done": n}
    with queue.database.read() as connection:
        rows = connection.execute(select(attempt.c.job_id, attempt.c.ending)).all()
    assert Counter(row.job_id for row in rows).most_common(1)[0][1] == 1
    assert {row.ending for row in rows} == {"done"}


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    if request.param == "postgresql":
        return str(request.getfixturevalue("postgres").new_database())
    return "sqlite:///mystax.db"


def test_four_drivers_never_do_a_job_twice(tmp_path: Path, url: str) -> None:
    queue = empty_queue(tmp_path, url)
    new_jobs(queue, 120)
    check(queue, 120, claim_all(queue, tmp_path, 4))
    queue.database.close()


@pytest.mark.slow
@pytest.mark.parametrize(("n_drivers", "n_jobs"), [(4, 2000), (8, 1000)])
def test_two_thousand_jobs_are_done_once(tmp_path: Path, url: str, n_drivers: int, n_jobs: int) -> None:
    queue = empty_queue(tmp_path, url)
    new_jobs(queue, n_jobs)
    check(queue, n_jobs, claim_all(queue, tmp_path, n_drivers))
    queue.database.close()
