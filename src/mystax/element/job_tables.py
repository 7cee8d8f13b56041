"""Job tables of automatic tables, also for keys whose types DataJoint cannot repeat on PostgreSQL.

DataJoint declares a job table from the types that the server names.  It does not know PostgreSQL's names of
times and truth values (2.3.5: ``Unsupported attribute type timestamp without time zone``), so that a session
key with a time has no job table.  Once it is there, DataJoint uses it as any other.
"""

from collections.abc import Iterable
from typing import Any

from datajoint.jobs import Job

__all__ = ["declare_jobs", "jobs_of"]

PORTABLE = {
    "timestamp without time zone": "datetime",
    "boolean": "bool",
    "smallint": "int16",
    "integer": "int32",
    "int": "int32",
    "bigint": "int64",
    "tinyint": "int8",
}
"""Server's name of a type to DataJoint's."""


class PortableJob(Job):
    """A job table whose key has DataJoint's own types."""

    def _get_fk_derived_pk_attrs(self) -> list[tuple[str, str]]:
        found = super()._get_fk_derived_pk_attrs()
        return [(name, PORTABLE.get(kind, kind)) for name, kind in found]


def declare_jobs(tables: Iterable[Any]) -> None:
    """Make the job tables that are not there yet.

    Parameters
    ----------
    tables : iterable of datajoint tables
        Automatic tables.
    """
    for table in tables:
        jobs = PortableJob(table)
        if not jobs.is_declared:
            jobs.declare()


def jobs_of(table: Any) -> Any:
    """Return the job table of a table, or None while nobody has made it."""
    jobs = PortableJob(table)
    return jobs if jobs.is_declared else None
