"""The queue on a real SLURM of one node: a killed worker is replaced, an end of walltime is no fault."""

import os
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from mystax.core.events import Event
from mystax.engine.catalog.dispatch import CatalogDispatch
from mystax.engine.catalog.tables import attempt, job
from mystax.engine.queue.cluster import ClusterWish, batch_executor
from mystax.engine.queue.driver import Driver
from mystax.engine.queue.driver_state import Tally
from tests.fixtures.absent import absent
from tests.fixtures.catalogues import Lab, make_lab
from tests.fixtures.commands import ROOT, run_command
from tests.fixtures.queue_toys import OPENER
from tests.fixtures.slurm import Slurm, slurm_cluster, why_no_slurm

pytestmark = [
    pytest.mark.slow,
    # distributed closes its streams by itself when the batch system kills a worker
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


@pytest.fixture
def slurm(monkeypatch: pytest.MonkeyPatch) -> Iterator[Slurm]:
    reason = why_no_slurm()
    if reason:
        absent(reason)
    with slurm_cluster() as cluster:
        for name, value in cluster.environment.items():
            monkeypatch.setenv(name, value)
        own = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
        monkeypatch.setenv("PYTHONPATH", own)
        yield cluster


class Run:
    """A driver on SLURM in a thread of the test."""

    def __init__(self, lab: Lab, delay: float, walltime: int) -> None:
        self.lab, self.events = lab, list[Event]()
        self.executor = batch_executor(
            "slurm",
            ClusterWish(queue="main", memory=1000, max_workers=2, walltime=walltime, interface="lo"),
            "mystax-test",
            lab.out,
        )
        dispatch = CatalogDispatch(
            lab.database,
            lab.out,
            environment={**os.environ, "TOY_DELAY": str(delay)},
            opener=OPENER,
            report=False,
        )
        self.driver = Driver(lab.queue, dispatch, self.executor, {"host": "here"}, report=self.events.append)
        self.tally: Tally | None = None
        self.thread = threading.Thread(target=self._work, daemon=True)
        self.thread.start()

    def _work(self) -> None:
        self.tally = self.driver.run()

    def wait_for_frames(self) -> None:
        end = time.monotonic() + 200
        while not any(event.stage.startswith("reading") for event in list(self.events)):
            assert time.monotonic() < end
            assert self.thread.is_alive()
            time.sleep(0.1)  # other processes

    def finish(self) -> Tally:
        self.thread.join(400)
        assert self.tally is not None
        return self.tally


def test_slurm_runs_jobs_and_a_cancelled_worker_is_recovered(tmp_path: Path, slurm: Slurm) -> None:
    lab = make_lab(tmp_path / "lab", 6)
    lab.add("quick")
    run = Run(lab, delay=0.3, walltime=1800)
    run.wait_for_frames()
    slurm.cancel(slurm.jobs()[0])
    assert run.finish().done + run.finish().adopted == 6
    assert Counter(lab.states()) == {"done": 6}
    endings = Counter(row.ending for row in lab.rows(attempt.c.ending))
    assert endings["lost"] >= 1
    assert endings["done"] + endings["adopted"] == 6
    assert list((lab.out / ".mystax" / "tls").iterdir()) == []


def test_a_job_longer_than_the_walltime_yields_and_goes_on(tmp_path: Path, slurm: Slurm) -> None:
    lab = make_lab(tmp_path / "lab", 1, n_frames=400)
    lab.add("quick")
    # 80 pieces of 1.0 s; workers of two minutes of which the last one is kept for the end
    run = Run(lab, delay=1.0, walltime=120)
    assert run.finish().yielded >= 1
    (row,) = lab.rows(job.c.state, job.c.strikes, job.c.retries)
    assert tuple(row) == ("done", 0, 0)
    endings = [one.ending for one in lab.rows(attempt.c.ending)]
    assert endings[-1] == "done"
    assert set(endings[:-1]) == {"yielded"}
    assert any(event.stage == "resume" and event.done > 0 for event in run.events)


def test_slurm_finishes_recordings_by_command(tmp_path: Path, slurm: Slurm) -> None:
    lab = make_lab(tmp_path / "lab", 6)
    lab.add("quick")
    assert slurm.jobs() == []
    words = ("--engine", "slurm", "--queue", "main", "--max-workers", "2", "--memory", "1000")
    done = run_command("queue", "work", *words, "--interface", "lo", "--json", cwd=lab.folder)
    assert done.status == 0, done.err
    assert done.json["tally"]["done"] == 6
    assert Counter(lab.states()) == {"done": 6}
    assert {row.worker for row in lab.rows(attempt.c.worker)} - {""}
    assert list((lab.out / ".mystax" / "tls").iterdir()) == []
