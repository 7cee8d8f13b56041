"""A queue on PostgreSQL: two drivers, and a server that is restarted while they work."""

from pathlib import Path

import pytest

from mystax.engine.catalog.tables import attempt
from tests.fixtures.catalogues import make_lab
from tests.fixtures.postgres import PostgresServer
from tests.integration.test_queue import check_done, finish, start_driver, wait_for


@pytest.mark.slow
def test_a_restart_of_the_server_loses_no_attempt(tmp_path: Path, postgres: PostgresServer) -> None:
    lab = make_lab(tmp_path / "lab", 3, url=postgres.new_database())
    lab.add("quick")
    process = start_driver(lab, env={"TOY_DELAY": "0.1"})
    wait_for(lab, "running", process)
    lab.database.close()
    postgres.stop()
    postgres.start()
    out = finish(process)
    assert process.returncode == 0, out
    check_done(lab, 3)
    assert {row.ending for row in lab.rows(attempt.c.ending)} <= {"done", "adopted"}
    lab.database.close()
