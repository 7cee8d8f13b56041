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
    names = [f"d{number}" for number in range(n_drivers)]
    told = subprocess.run(
        [sys.executable, "-m", "tests.fixtures.claimer", str(folder), *names],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        timeout=600,
        check=True,
    )
    found = [[float(word) for word in line.split()] for line in told.stdout.splitlines()]
    assert len(found) == n_drivers
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
    new_jobs(queue, 60)
    check(queue, 60, claim_all(queue, tmp_path, 4))
    queue.database.close()


@pytest.mark.slow
@pytest.mark.parametrize(("n_drivers", "n_jobs"), [(4, 2000), (8, 1000)])
def test_two_thousand_jobs_are_done_once(tmp_path: Path, url: str, n_drivers: int, n_jobs: int) -> None:
    queue = empty_queue(tmp_path, url)
    new_jobs(queue, n_jobs)
    check(queue, n_jobs, claim_all(queue, tmp_path, n_drivers))
    queue.database.close()
