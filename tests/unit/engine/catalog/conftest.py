"""A fresh catalogue for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mystax.engine.catalog.catalog import Catalog
from tests.fixtures.quick_tables import quick_tables


def fresh(folder: Path, url: str = "sqlite:///mystax.db") -> Catalog:
    with quick_tables():
        return Catalog.create(folder, url)


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    with fresh(tmp_path / "lab") as made:
        yield made


@pytest.fixture(params=["sqlite", "postgresql"])
def any_catalog(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Catalog]:
    """Give a catalogue on each of both databases."""
    url = "sqlite:///mystax.db"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres").new_database()
    with fresh(tmp_path / "lab", url) as made:
        yield made
