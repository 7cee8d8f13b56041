"""One lab per site: activated once, used by all tests of the site."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fixtures.absent import absent
from tests.fixtures.lab import NIGHTLY, Lab, open_lab, site_of
from tests.fixtures.mariadb import mariadb_server
from tests.fixtures.postgres import postgres_server, why_no_postgres

__all__ = ["lab", "lab_root", "mariadb_server", "postgres_url"]


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """Start a server and give the URL of a database; skip with a reason where it cannot be."""
    reason = why_no_postgres()
    if reason:
        absent(reason)
    with postgres_server() as server:
        yield server.new_database()


@pytest.fixture(scope="session")
def lab_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of all labs' data: what one has computed is there for the others."""
    return tmp_path_factory.mktemp("lab")


@pytest.fixture(scope="session", params=NIGHTLY)
def lab(request: pytest.FixtureRequest, lab_root: Path) -> Iterator[Lab]:
    """Return the lab of each site in turn."""
    site = site_of(request.param, request)
    with open_lab(site, lab_root, prefix=f"lab_{request.param.partition('-')[2]}") as found:
        yield found
