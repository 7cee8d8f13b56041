"""Activation of a schema: the same definitions on every backend, arrays in the table or in a store."""

from collections.abc import Mapping
from typing import Any, TypedDict, Unpack

import datajoint as dj
from datajoint.autopopulate import AutoPopulate

from mystax.element.job_tables import declare_jobs
from mystax.errors import RecipeError

__all__ = ["How", "activate_schema", "array_codec"]

ARRAY = "<array>"
IN_TABLE = "<blob>"
TEMPLATES: dict[type, str] = {}
"""Definitions as they are written, with `<array>` where an array goes."""


def array_codec(array_store: str | None) -> str:
    """Return the type of arrays: in the table, or a file of a store.

    Raises
    ------
    RecipeError
        P403, if the name cannot be that of a store.
    """
    if array_store is None:
        return IN_TABLE
    if not array_store.replace("_", "").isalnum():
        raise RecipeError("P403", "array_store", expected="name of a store", got=repr(array_store))
    return f"<npy@{array_store}>"


class How(TypedDict, total=False):
    """How a schema is bound to a database.

    Attributes
    ----------
    create_schema, create_tables : bool
        Whether what is missing is made; by default it is.
    array_store : str or None
        Name of a store in ``dj.config["stores"]`` for arrays; by default they are in the tables.
    connection : datajoint.Connection or None
        By default that of the schema that this one refers to, else the one that DataJoint's settings name.
    """

    create_schema: bool
    create_tables: bool
    array_store: str | None
    connection: Any


def activate_schema(
    schema: Any, name: str | None, tables: Mapping[str, Any], *, beside: Any = None, **how: Unpack[How]
) -> None:
    """Bind the tables of a schema to a database.

    Parameters
    ----------
    schema : datajoint.Schema
        With its decorated classes.
    name : str or None
        Name in the database.
    tables : mapping of str to table
        What definitions refer to.
    beside : datajoint.Schema, optional
        Schema whose connection is the default.
    **how
        As `How` says.
    """
    connection = how.get("connection")
    if connection is None and beside is not None:
        connection = beside.connection
    create_tables = how.get("create_tables", True)
    codec = array_codec(how.get("array_store"))
    for master, _ in schema.declare_list:
        for table in (master, *_parts(master)):
            template = TEMPLATES.setdefault(table, table.definition)
            table.definition = template.replace(ARRAY, codec)
    schema.activate(
        name,
        connection=connection,
        create_schema=how.get("create_schema", True),
        create_tables=create_tables,
        add_objects=dict(tables),
    )
    if create_tables:
        declare_jobs(master() for master, _ in schema.declare_list if issubclass(master, AutoPopulate))


def _parts(master: Any) -> list[Any]:
    return [item for item in vars(master).values() if isinstance(item, type) and issubclass(item, dj.Part)]
