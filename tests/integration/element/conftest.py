"""One lab per site: activated once, used by all tests of the site."""

from collections.abc import Iterator

import pytest

from tests.fixtures.lab import SITES, Lab, open_lab, site_of
from tests.fixtures.mariadb import mariadb_server
from tests.fixtures.postgres import postgres_url

__all__ = ["lab", "mariadb_server", "postgres_url"]


@pytest.fixture(scope="session", params=SITES)
def lab(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Return the lab of each site in turn."""
    site = site_of(request.param, request)
    with open_lab(site, tmp_path_factory.mktemp("lab"), prefix=f"lab_{request.param.partition('-')[2]}") as found:
        yield found
