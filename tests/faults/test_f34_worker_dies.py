"""F34: a worker dies with a job: the next one takes it over, and it is done once."""

from pathlib import Path

import pytest

from mystax.engine.catalog.tables import attempt, job
from tests.fixtures.catalogues import make_lab
from tests.integration.test_queue import check_done, finish, start_driver, wait_for_child

pytestmark = pytest.mark.fault(34)


def test_a_job_whose_worker_was_killed_is_taken_over(tmp_path: Path) -> None:
    lab = make_lab(tmp_path / "lab", 1, n_frames=100)
    lab.add("quick")
    process = start_driver(lab, env={"TOY_DELAY": "0.2"})
    wait_for_child(process)
    process.kill()
    finish(process)
    assert lab.states() == ["running"]
    assert "is gone; this one takes the job" in finish(start_driver(lab))
    check_done(lab, 1)
    assert sorted(row.ending for row in lab.rows(attempt.c.ending)) == ["done", "lost"]
    (row,) = lab.rows(job.c.attempt, job.c.strikes)
    assert row.attempt == 2
