"""Making the tables of a catalogue, and bringing older ones up to date."""

import uuid

from sqlalchemy import insert

from mystax.engine.catalog.database import Database
from mystax.engine.catalog.tables import SCHEMA, meta, metadata
from mystax.errors import RecipeError

__all__ = ["create_schema"]


def create_schema(database: Database, out: str) -> None:
    """Make the tables of a new catalogue.

    Parameters
    ----------
    database : Database
        An empty database.
    out : str
        The folder of outcomes, as it stands in the file of the catalogue.

    Raises
    ------
    RecipeError
        P403, if there is a catalogue already.
    """
    if database.schema():
        raise RecipeError("P403", database.where, "there is a catalogue in this database already")
    with database.write_any_schema() as connection:
        metadata.create_all(connection)
        facts = {"schema": str(SCHEMA), "catalog_id": str(uuid.uuid4()), "out": out}
        connection.execute(insert(meta), [{"key": key, "value": value} for key, value in facts.items()])
    database.forget_schema()
