"""Rows into tables in packets that the server takes."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from mystax.errors import RecipeError

__all__ = ["check_packet", "insert_rows", "packet_limit"]

PACKET = 4 << 20
"""Bytes of rows that go to the server at once."""
OVERHEAD = 1.1
"""A blob grows by this factor at most on its way as text (bytes that are escaped)."""
POSTGRES_LIMIT = 1 << 30
"""Largest field of PostgreSQL [byte]."""


def packet_limit(connection: Any) -> int:
    """Return the size of the largest value that a server takes [byte]."""
    if connection.adapter.backend == "postgresql":
        return int(POSTGRES_LIMIT / OVERHEAD)
    return int(int(connection.query("SELECT @@max_allowed_packet").fetchone()[0]) / OVERHEAD)


def check_packet(connection: Any, codec_in_table: bool, n_frames: int, itemsize: int, where: str) -> None:
    """Refuse a recording whose traces are larger than a value may be, before any work.

    Parameters
    ----------
    connection : datajoint.Connection
        The server.
    codec_in_table : bool
        Whether arrays go into the table.
    n_frames, itemsize : int
        Size of the largest trace.
    where : str
        What it is about.

    Raises
    ------
    RecipeError
        P403, with the hint to use a store.
    """
    if not codec_in_table:
        return
    limit, size = packet_limit(connection), n_frames * itemsize
    if size > limit:
        raise RecipeError(
            "P403",
            where,
            "a trace is larger than the server takes in one value",
            expected=f"at most {limit / 2**20:.1f} MiB",
            got=f"{size / 2**20:.1f} MiB ({n_frames} frames)",
            hint='activate the schema with array_store="NAME" to keep arrays in a store of files',
        )


def insert_rows(table: Any, rows: Iterable[Mapping[str, Any]]) -> int:
    """Insert rows in groups of about 4 MiB.

    Parameters
    ----------
    table : datajoint table
        Where they go.
    rows : iterable of mapping
        Attribute to value; the rows are taken one after another.

    Returns
    -------
    int
        Number of rows.
    """
    group: list[dict[str, Any]] = []
    size = n_rows = 0
    for row in rows:
        weight = sum(value.nbytes for value in row.values() if isinstance(value, np.ndarray))
        if group and size + weight > PACKET:
            table.insert(group)
            group, size = [], 0
        group.append(dict(row))
        size += weight
        n_rows += 1
    if group:
        table.insert(group)
    return n_rows
