"""F33: several workers want the same jobs: each job is done once, the lease and its token decide."""

from pathlib import Path

import pytest

from tests.fixtures.jobs import empty_queue, new_jobs
from tests.integration.test_queue_claims import check, claim_all

pytestmark = pytest.mark.fault(33)


def test_workers_that_race_do_each_job_once(tmp_path: Path) -> None:
    queue = empty_queue(tmp_path)
    new_jobs(queue, 60)
    check(queue, 60, claim_all(queue, tmp_path, 3))
    queue.database.close()
