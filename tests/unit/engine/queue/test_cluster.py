"""Executors on dask.distributed: what they tell a driver, what they leave open, what they refuse."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from mystax.engine.queue import cluster as module
from mystax.engine.queue.cluster import (
    BATCH_SYSTEMS,
    LOOPBACK,
    ClusterWish,
    _Certificates,
    _check_workers,
    _options,
    existing_executor,
    local_executor,
    worker_facts,
)
from mystax.engine.queue.dask_executor import DaskExecutor
from mystax.engine.queue.executor import Executor, JobSpec, Message
from mystax.errors import EngineError
from tests.fixtures.engine_runs import ENVIRONMENT, toy_job
from tests.fixtures.engine_toys import toy_spec

pytestmark = pytest.mark.extra("cluster")


@pytest.fixture(scope="module")
def local() -> Iterator[DaskExecutor]:
    """An executor that is free whenever a test begins: each waits for the end of its job."""
    made = local_executor(2, "mystax-test")
    yield made
    made.close()


def spec_of(folder: Path, token: str, spec: dict[str, Any], **more: Any) -> JobSpec:
    job = toy_job(folder / token, spec, token=token)
    return JobSpec(token, "j1", asdict(job), str(folder / f"{token}.log"), environment=ENVIRONMENT, **more)


def until_ended(executor: DaskExecutor, n: int = 1) -> list[Message]:
    found: list[Message] = []
    end = time.monotonic() + 100
    while sum(one.what in ("ended", "lost") for one in found) < n:
        assert time.monotonic() < end, found
        found += executor.poll(1.0)
    return found


@pytest.fixture
def empty() -> Iterator[Any]:
    """A scheduler that has no worker yet."""
    from distributed import LocalCluster

    with LocalCluster(
        processes=False,
        n_workers=0,
        threads_per_worker=1,
        dashboard_address=LOOPBACK,
        worker_dashboard_address=LOOPBACK,
        silence_logs=50,
    ) as cluster:
        yield cluster


def test_it_is_what_a_driver_expects(local: DaskExecutor) -> None:
    assert isinstance(local, Executor)
    assert (local.slots(), local.size) == (2, 2)


def test_jobs_run_and_their_events_come(tmp_path: Path, local: DaskExecutor) -> None:
    local.start(spec_of(tmp_path, "a" * 16, toy_spec(40)))
    assert local.slots() == 1
    found = until_ended(local)
    assert [one.what for one in found if one.what != "event"] == ["started", "ended"]
    assert found[-1].data["ending"] == "done"
    assert {one.data["kind"] for one in found if one.what == "event"} >= {"progress", "outcome", "done"}
    assert local.slots() == 2


def test_a_job_that_is_stopped_yields(tmp_path: Path, local: DaskExecutor) -> None:
    local.start(spec_of(tmp_path, "b" * 16, toy_spec(5000, delay=0.1)))
    found: list[Message] = []
    while not any(one.what == "started" for one in found):
        found += local.poll(1.0)
    local.stop("b" * 16, "yield")
    last = until_ended(local)[-1]
    assert (last.data["ending"], last.data["why"]) == ("stopped", "yield")


def test_a_job_that_fits_no_worker_now_is_taken_back(tmp_path: Path, local: DaskExecutor) -> None:
    local.start(spec_of(tmp_path, "c" * 16, toy_spec(5000, delay=0.1), gpus=1))
    local.stop("c" * 16, "yield")
    assert until_ended(local)[-1].data["ending"] == "stopped"


def test_nothing_listens_beyond_the_loopback_address(local: DaskExecutor) -> None:
    import psutil

    listening = [
        item.laddr.ip
        for item in psutil.Process().net_connections("inet")
        if item.status == psutil.CONN_LISTEN
    ]
    assert listening
    assert set(listening) <= {"127.0.0.1", "::1"}
    assert local.name == "local (2 cores)"


def test_a_scheduler_that_does_not_answer_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mystax.engine.queue.cluster.START", 0.5)
    with pytest.raises(EngineError) as refused:
        existing_executor("tcp://127.0.0.1:9", "mystax-test", tmp_path)
    assert refused.value.code == "Q607"


def test_the_first_worker_of_a_scheduler_is_waited_for(tmp_path: Path, empty: Any) -> None:
    later = threading.Timer(0.5, empty.scale, [1])
    later.start()
    executor = existing_executor(empty.scheduler_address, "mystax-test", tmp_path)
    assert executor.slots() == 1
    executor.close()
    later.join()


def test_a_scheduler_that_stays_without_a_worker_is_refused(
    tmp_path: Path, empty: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FIRST", 0.2)
    with pytest.raises(EngineError, match="it has no worker") as found:
        existing_executor(empty.scheduler_address, "mystax-test", tmp_path)
    assert found.value.code == "Q607"


class NoClient:
    is_closed = False

    def close(self) -> None:
        self.is_closed = True


def test_workers_with_another_mystax_or_without_the_folder_are_refused(tmp_path: Path) -> None:
    good = worker_facts(str(tmp_path))
    _check_workers(NoClient(), "x", {"w": good}, tmp_path)
    for found in (
        {},
        {"w": {**good, "version": "0.0.1"}},
        {"w": worker_facts(str(tmp_path / "nowhere"))},
    ):
        client = NoClient()
        with pytest.raises(EngineError, match="Q607"):
            _check_workers(client, "x", found, tmp_path)
        assert client.is_closed


@pytest.mark.parametrize("system", BATCH_SYSTEMS)
def test_batch_scripts_say_what_was_asked_for(system: str, tmp_path: Path) -> None:
    import dask_jobqueue

    certificates = _Certificates(tmp_path / "tls", "mystax-test")
    wish = ClusterWish("night", "lab", 4, 8000, 0, 5400, 7, "", ("--nice=5",))
    options = _options(system, wish, certificates.security(), tmp_path / "log")
    kind = getattr(dask_jobqueue, BATCH_SYSTEMS[system])
    for name in ("protocol", "security", "scheduler_options", "silence_logs", "interface"):
        options.pop(name)
    script = kind.job_cls("tls://127.0.0.1:1", name="w", config_name=None, **options).job_script()
    assert "MYSTAX_DEADLINE=$(( $(date +%s) + 5400 ))" in script
    assert "--resources cores=4" in script
    assert "--no-dashboard" in script
    assert "night" in script
    assert "lab" in script
    assert "--nice=5" in script
    assert "1:30" in script or "5400" in script


def test_a_batch_system_leaves_ctrl_c_to_the_driver(tmp_path: Path) -> None:
    """dask-jobqueue replaces the handler when it is imported: Ctrl-C would leave with status 0."""
    code = (
        "import signal, sys\n"
        "from pathlib import Path\n"
        "from mystax.engine.queue import cluster\n"
        "from mystax.errors import EngineError\n"
        "def refuse(*_):\n"
        "    raise OSError('no such command')\n"
        "cluster._options = refuse\n"
        "wish = cluster.ClusterWish('night', 'lab', 4, 8000, 0, 5400, 7, '', ())\n"
        "try:\n"
        "    cluster.batch_executor('slurm', wish, 'mystax-test', Path(sys.argv[1]))\n"
        "except EngineError as error:\n"
        "    print(error.code, 'dask_jobqueue.runner' in sys.modules)\n"
        "print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)\n"
    )
    words = [sys.executable, "-c", code, str(tmp_path)]
    run = subprocess.run(words, capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["Q607", "True", "True"]


def test_certificates_are_for_one_run_and_for_nobody_else(tmp_path: Path) -> None:
    made = _Certificates(tmp_path / "tls", "mystax-test")
    security = made.security()
    assert security.require_encryption
    assert (tmp_path / "tls").stat().st_mode & 0o777 == 0o700
    files = list((tmp_path / "tls").iterdir())
    assert len(files) == 2
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    made.remove()
    assert list((tmp_path / "tls").iterdir()) == []


def test_a_run_without_a_queue_loads_neither_dask_nor_a_database() -> None:
    code = (
        "import sys, mystax, mystax.engine.run, mystax.engine.supervisor, mystax.engine.child\n"
        "print({'dask', 'distributed', 'sqlalchemy'} & {name.split('.')[0] for name in sys.modules})"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"
