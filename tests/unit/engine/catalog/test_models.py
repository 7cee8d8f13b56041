"""Rows of models: what jobs have made is found by its name, and another of that name takes its place."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from mystax.engine.catalog.catalog import Catalog
from mystax.engine.catalog.models import fit_name, record_fit, record_weights, states_model
from mystax.engine.catalog.tables import model
from mystax.errors import RecipeError
from mystax.io.provenance import Provenance
from mystax.io.store import Store
from tests.fixtures.state_outcomes import known_outcome


def publish(catalog: Catalog, below: str, seeds: tuple[int, ...] = (1, 2), number: int = 0) -> str:
    """Publish an outcome of a fit and return its path."""
    dataset = known_outcome(*seeds)[number]
    Store(catalog.out / below).publish(dataset, Provenance("states", 1, f"{number}{below}", {}, [], 1.0, []))
    return f"{below}/states.nc"


def rows(catalog: Catalog) -> list[Any]:
    with catalog.database.read() as connection:
        columns = (model.c.name, model.c.kind, model.c.path, model.c.weights_hash, model.c.keypoint_set)
        return list(connection.execute(select(*columns)))


@pytest.mark.parametrize(
    ("folder", "name"),
    [("_groups/all/night", "all/night"), ("m1/ses-1/night", "m1/ses-1/night"), ("rec", "rec")],
)
def test_a_fit_has_the_name_of_its_folder(folder: str, name: str) -> None:
    assert fit_name(folder) == name


def test_all_outcomes_of_a_fit_are_one_model(catalog: Catalog) -> None:
    folder = "_groups/all/night"
    first, second = (publish(catalog, f"{folder}/rec{number}", number=number) for number in range(2))
    with catalog.database.write() as connection:
        record_fit(connection, catalog.out, folder, first)
        record_fit(connection, catalog.out, folder, second)
        found = states_model(connection, catalog.out, "all/night")
        by_path = states_model(connection, catalog.out, second)
        absolute = states_model(connection, catalog.out, str(catalog.out / second))
    assert [(row.name, row.kind, row.path) for row in rows(catalog)] == [("all/night", "states", first)]
    assert (found.path, found.digest) == (first, rows(catalog)[0].weights_hash)
    assert by_path.digest == absolute.digest == found.digest


def test_another_fit_of_the_name_takes_its_place(catalog: Catalog) -> None:
    paths = [publish(catalog, f"{name}/night", seeds) for name, seeds in (("a", (1, 2)), ("b", (3, 4)))]
    with catalog.database.write() as connection:
        for path in paths:
            record_fit(connection, catalog.out, "a/night", path)
    assert [(row.name, row.path) for row in rows(catalog)] == [("a/night", "b/night/states.nc")]


def test_a_fit_whose_files_are_gone_is_not_found(catalog: Catalog) -> None:
    path = publish(catalog, "a/night")
    with catalog.database.write() as connection:
        record_fit(connection, catalog.out, "a/night", path)
        (catalog.out / path).unlink()
        with pytest.raises(RecipeError, match="P403"):
            states_model(connection, catalog.out, "a/night")


def test_weights_are_kept_with_their_points_and_card(catalog: Catalog, tmp_path: Path) -> None:
    told = {"name": "faces", "keypoint_set": "mouse-face", "card": {"held_out_error": 1.5}}
    with catalog.database.write() as connection:
        for digest, path in (("a" * 64, catalog.out / "_models" / "faces.onnx"), ("b" * 64, tmp_path / "x")):
            record_weights(connection, catalog.out, {**told, "digest": digest, "path": str(path)})
            (card,) = connection.scalars(select(model.c.card))
    (row,) = rows(catalog)
    assert tuple(row) == ("faces", "pose", str(tmp_path / "x"), "b" * 64, "mouse-face")
    assert card == {"held_out_error": 1.5}
