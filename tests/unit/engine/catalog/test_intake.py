"""Tests of `mystax.engine.catalog.intake`: the root that holds a folder."""

from pathlib import Path

from sqlalchemy import select

from mystax.engine.catalog.catalog import Catalog
from mystax.engine.catalog.tables import root, video
from tests.fixtures.sessions import neuroblueprint, new_clip


def test_folder_below_a_root_belongs_to_it(catalog: Catalog, tmp_path: Path) -> None:
    catalog.set_root("nas", tmp_path)
    neuroblueprint(tmp_path / "whisk")
    catalog.ingest(tmp_path / "whisk")
    with catalog.database.read() as connection:
        assert connection.scalars(select(root.c.name)).all() == ["nas"]
        place = connection.execute(select(video.c.root, video.c.path)).one()
    assert place.root == "nas"
    assert place.path.startswith("whisk/rawdata/")


def test_two_folders_of_one_name_are_two_roots(catalog: Catalog, tmp_path: Path) -> None:
    for place in ("a", "b"):
        new_clip(tmp_path / place / "data" / f"{place}.mp4")
        catalog.ingest(tmp_path / place / "data", pattern="files")
    assert catalog.roots().names == ("data", "data-2")
