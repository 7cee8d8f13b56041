"""The class `Catalog`: opening, closing, and the errors of catalogue and queue."""

from pathlib import Path

import pytest

import mystax
from mystax.engine.catalog.catalog import Catalog
from mystax.errors import CatalogError, EngineError, LeaseLost, MystaxError, RecipeError, error_from_record


@pytest.mark.parametrize(
    ("kind", "code", "retry"),
    [
        (LeaseLost, "Q601", "transient"),
        (CatalogError, "Q603", "transient"),
        (CatalogError, "Q606", "space"),
        (EngineError, "Q607", "never"),
    ],
)
def test_errors_of_the_queue_say_when_to_try_again(kind: type[MystaxError], code: str, retry: str) -> None:
    back = error_from_record(kind(code, "j7").record())
    assert (type(back), back.retry) == (kind, retry)


def test_public_name_opens_what_create_made(tmp_path: Path) -> None:
    Catalog.create(tmp_path / "lab", out="results").close()
    with mystax.Catalog.open(tmp_path / "lab" / "mystax-catalog.toml") as catalog:
        assert catalog.recordings() == []
        assert catalog.out == tmp_path / "lab" / "results"
        assert str(tmp_path / "lab" / "mystax.db") in repr(catalog)


def test_opening_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="no such catalogue"):
        Catalog.open(tmp_path / "nothing")


def test_file_without_its_database_is_refused_with_both_ways_out(catalog: Catalog) -> None:
    catalog.close()
    Path(catalog.database.where).unlink()
    with pytest.raises(RecipeError, match="no catalogue in this database") as refused:
        Catalog.open(catalog.place.folder)
    assert "mystax catalog rebuild" in refused.value.hint
