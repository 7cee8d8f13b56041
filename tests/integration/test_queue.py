"""The queue from films to outcomes: planned, claimed, run in a child, published, in the catalogue."""

from pathlib import Path

import mystax
from mystax.engine.catalog.tables import attempt, job, outcome
from tests.fixtures.catalogues import make_lab
from tests.fixtures.commands import digests


def test_a_queue_makes_what_a_run_makes(tmp_path: Path) -> None:
    lab = make_lab(tmp_path / "lab", 2)
    assert len(lab.add("quick")) == 2
    assert lab.driver().run().done == 2
    for number in range(2):
        film = tmp_path / "lab" / "films" / f"rec{number:03d}" / "face.avi"
        run = mystax.run({"face": film}, "quick", out=tmp_path / "alone")
        assert run.folder is not None
        assert digests(lab.out / f"rec{number:03d}" / "quick") == digests(run.folder)
    rows = lab.rows(outcome.c.key, outcome.c.content_sha256, outcome.c.state, outcome.c.path)
    assert {row.path for row in rows} == {"rec000/quick/motion.nc", "rec001/quick/motion.nc"}
    assert {row.state for row in rows} == {"current"}
    assert {row.ending for row in lab.rows(attempt.c.ending)} == {"done"}
    assert lab.add("quick") == []
    assert {row.state for row in lab.rows(job.c.state)} == {"done"}
