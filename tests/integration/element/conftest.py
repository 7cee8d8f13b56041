"""One lab per site: activated once, used by all tests of the site."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.fixtures.lab import NIGHTLY, Lab, open_lab, site_of
from tests.fixtures.mariadb import mariadb_server

if TYPE_CHECKING:
    from tests.fixtures.postgres import PostgresServer

__all__ = ["lab", "lab_root", "mariadb_server", "postgres_url"]


@pytest.fixture(scope="session")
def postgres_url(postgres: "PostgresServer") -> str:
    """Give the URL of a database of its own on the server of all tests."""
    return postgres.new_database()


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
