"""Hypothesis profiles, and the folder of real data."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:  # the checks of types come before the first import of mystax
    from collections.abc import Iterator

    from tests.fixtures.postgres import PostgresServer
    from tests.fixtures.videos import Shelf

# One BLAS thread per worker process, as in children of the engine: two workers with two threads each on two
# cores wait for each other most of the time.  Workers inherit what is set here.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

for name, n_examples in (("dev", 20), ("ci", 50), ("nightly", 2000)):
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
    from tests.fixtures.postgres import postgres_server, why_no_postgres

    reason = why_no_postgres()
    if reason:
        pytest.skip(reason)
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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let whole numbers of kernels wrap around where coverage runs them uncompiled (NUMBA_DISABLE_JIT)."""
    if os.environ.get("NUMBA_DISABLE_JIT"):
        for item in items:
            item.add_marker(
                pytest.mark.filterwarnings("ignore:overflow encountered in scalar:RuntimeWarning")
            )
