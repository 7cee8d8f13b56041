"""The care of a catalogue: roots."""

from pathlib import Path

import pytest

from mystax.engine.catalog.catalog import Catalog
from mystax.errors import RecipeError
from tests.fixtures.sessions import new_clip


@pytest.mark.parametrize("path", ["/mnt/lab", "Z:\\lab", "//server/share/lab"])
def test_root_takes_absolute_paths_of_any_system(catalog: Catalog, path: str) -> None:
    catalog.set_root("nas", path, "host1")
    catalog.set_root("nas", path, "host1")
    assert catalog.roots("host1").rows == (("nas", "host1", path),)
    catalog.remove_root("nas", "host1")
    assert catalog.roots().rows == ()


def test_relative_root_and_unknown_root_are_refused(catalog: Catalog) -> None:
    with pytest.raises(RecipeError, match="absolute"):
        catalog.set_root("nas", "lab")
    with pytest.raises(RecipeError, match="there is none"):
        catalog.remove_root("nas")


def test_last_root_of_videos_is_kept(catalog: Catalog, tmp_path: Path) -> None:
    new_clip(tmp_path / "films" / "a.mp4")
    catalog.ingest(tmp_path / "films", pattern="files")
    with pytest.raises(RecipeError, match="videos lie there"):
        catalog.remove_root("films")
    catalog.set_root("films", "/mnt/films", "host1")
    catalog.remove_root("films", "host1")
    assert [row[1] for row in catalog.roots().rows] == ["*"]


def test_new_catalogue_needs_no_upgrade(catalog: Catalog) -> None:
    assert not catalog.needs_upgrade()
    before, now, copy = catalog.upgrade()
    assert (before, copy) == (now, None)
