"""Hypothesis profiles, the folder of real data, and a collection that is not paid for twice."""

import gc
import os
import sys
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from tests import begin_test

if TYPE_CHECKING:  # the checks of types come before the first import of mystax
    from collections.abc import Generator, Iterator

    from tests.fixtures.postgres import PostgresServer
    from tests.fixtures.videos import Shelf

# One BLAS thread per worker process, as in children of the engine: two workers with two threads each on two
# cores wait for each other most of the time.  Workers inherit what is set here.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

# A suite of hundreds of processes compiles each module once: workers and their children inherit this.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

for name, n_examples in (("dev", 20), ("ci", 25), ("nightly", 2000)):
    settings.register_profile(
        name,
        max_examples=n_examples,
        deadline=None,
        derandomize=name == "ci",  # a change is judged by what it does, not by the draw of the day
        print_blob=True,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "dev"))


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Return the folder of small real data sets; skip with a reason where it is absent."""
    default = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("MYSTAX_TEST_DATA", default))
    if not (folder / "README.md").exists():
        pytest.skip(f"no real data in {folder.name!r}: set MYSTAX_TEST_DATA to their folder")
    return folder


@pytest.fixture(scope="session")
def postgres() -> "Iterator[PostgresServer]":
    """Give a running PostgreSQL server; skip with a reason where none can be started."""
    from tests.fixtures.absent import absent
    from tests.fixtures.postgres import postgres_server, why_no_postgres

    reason = why_no_postgres()
    if reason:
        absent(reason)
    with postgres_server() as server:
        yield server


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> "Shelf":
    """Return small videos that tests only read."""
    from tests.fixtures.videos import Shelf

    return Shelf(tmp_path_factory.mktemp("shelf"))


@pytest.fixture
def readers_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let foreign files be read in this process: a child costs a second."""
    from tests.fixtures.readers import USERS, read_here

    for user in USERS:
        monkeypatch.setattr(f"{user}.read_foreign", read_here)


@pytest.fixture(scope="session")
def nwb_rules_read_once() -> "Iterator[None]":
    """Let the rules in NWB files be read once: it takes seconds, and they are those of the library."""
    from mystax.errors import ExtraMissing
    from mystax.io.nwb import library
    from tests.fixtures.nwb_rules import share_rules

    with pytest.MonkeyPatch.context() as patch:
        with suppress(ExtraMissing):
            library.pynwb()
            with library.quiet():
                share_rules(patch)
        yield


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> "Generator[None, object, object]":
    """Collect without looking for garbage: ten thousand tests and their modules stay until the end.

    What is collected is looked at by no later search for garbage either.
    """
    gc.disable()
    try:
        if session.config.args == session.config.getini("testpaths"):
            import_share()
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()


def pytest_runtest_setup() -> None:
    """Let types be checked anew: a function is looked at in its first calls of each test."""
    begin_test()


def import_share() -> None:
    """Import this worker's part of all tests first: the other workers find it compiled."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    n_workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    if n_workers == 1 or not worker.isdigit():
        return
    root = Path(__file__).parent
    files = sorted(root.rglob("test_*.py"))
    share = slice(int(worker) * len(files) // n_workers, (int(worker) + 1) * len(files) // n_workers)
    for path in files[share]:
        # what cannot be imported is told, or skipped, when it is collected
        with suppress(Exception, pytest.skip.Exception):
            import_module(".".join(path.relative_to(root.parent).with_suffix("").parts))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let whole numbers of kernels wrap around where coverage runs them uncompiled (NUMBA_DISABLE_JIT)."""
    if os.environ.get("NUMBA_DISABLE_JIT"):
        for item in items:
            item.add_marker(
                pytest.mark.filterwarnings("ignore:overflow encountered in scalar:RuntimeWarning")
            )
