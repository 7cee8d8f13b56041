"""Jobs of workers that are gone: found by their connection and process, never by their age.

DataJoint's job tables have no heartbeat: the row of a worker that was killed stays `reserved`.  The server
knows which connections are open; a row whose connection is absent in two looks, further apart than a live
worker needs to come back with a new one (`kept_alive`), belongs to nobody.
"""

import os
import platform
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import psutil
from datajoint.errors import DataJointError

from mystax.element.job_tables import jobs_of

__all__ = ["ReservedJob", "free_dead_jobs", "kept_alive", "register", "reserved_jobs"]

PING = 60.0
"""Time between two pings of a worker's connection [s]."""
APART = 70.0
"""Time between two looks at a connection that is absent [s]: more than `PING`."""


@dataclass(frozen=True, slots=True)
class ReservedJob:
    """A row of a job table that a worker has reserved.

    Attributes
    ----------
    key : tuple of pairs
        Primary key.
    host, pid, connection : str, int, int
        Where the worker is.
    user : str
        Its account at the server.
    """

    key: tuple[tuple[str, Any], ...]
    host: str
    pid: int
    connection: int
    user: str


def reserved_jobs(table: Any) -> list[ReservedJob]:
    """List the reserved rows of a table's job table."""
    jobs = jobs_of(table)
    if jobs is None:
        return []
    rows = jobs.reserved.proj("host", "pid", "connection_id", "user").to_dicts()
    return [
        ReservedJob(
            tuple((name, row[name]) for name in jobs.primary_key),
            str(row["host"]),
            int(row["pid"]),
            int(row["connection_id"]),
            str(row["user"]),
        )
        for row in rows
    ]


def open_connections(connection: Any) -> set[int]:
    """Return the ids of all connections that the server has open, as far as it shows them."""
    text = (
        "SELECT pid FROM pg_stat_activity"
        if connection.adapter.backend == "postgresql"
        else "SELECT id FROM information_schema.processlist"
    )
    return {int(row[0]) for row in connection.query(text).fetchall()}


def shows_everybody(connection: Any) -> bool:
    """Tell whether the server shows this account the connections of others."""
    if connection.adapter.backend == "postgresql":
        return True
    grants = " ".join(str(row[0]) for row in connection.query("SHOW GRANTS").fetchall()).upper()
    return "PROCESS" in grants or "ALL PRIVILEGES ON *.*" in grants


def _account(user: str) -> str:
    return user.partition("@")[0]


def free_dead_jobs(
    tables: Sequence[Any],
    *,
    apart: float = APART,
    sleep: Callable[[float], None] = time.sleep,
    host: str | None = None,
    is_running: Callable[[int], bool] = psutil.pid_exists,
) -> dict[str, int]:
    """Free the jobs of workers that are gone.

    A job is freed at once when its worker was on this host, its process is gone and so is its connection;
    otherwise when its connection is absent in two looks and its row has not changed between them.

    Parameters
    ----------
    tables : sequence of datajoint tables
        Whose job tables are looked at.
    apart : float, optional
        Time between the two looks [s]; it is only waited for if there are suspects.
    sleep : callable, optional
        Waits.
    host : str, optional
        Name of this host.
    is_running : callable, optional
        Process id to whether there is such a process here.

    Returns
    -------
    dict of str to int
        Name of the table's class to how many jobs were freed.
    """
    here = platform.node() if host is None else host
    freed = {type(table).__name__: 0 for table in tables}
    suspects: list[tuple[Any, ReservedJob]] = []
    for table in tables:
        connection = table.connection
        rows = [job for job in reserved_jobs(table) if _can_judge(connection, job)]
        there = open_connections(connection) if rows else set()
        for job in rows:
            gone = job.host == here and not is_running(job.pid)
            absent = job.connection not in there
            if gone and absent:
                freed[type(table).__name__] += _free(table, job)
            elif gone or absent:
                suspects.append((table, job))
    if suspects:
        sleep(apart)
        for table, job in suspects:
            if job in reserved_jobs(table) and job.connection not in open_connections(table.connection):
                freed[type(table).__name__] += _free(table, job)
    return freed


def _can_judge(connection: Any, job: ReservedJob) -> bool:
    own = _account(str(connection.get_user()))
    return _account(job.user) == own or shows_everybody(connection)


def _free(table: Any, job: ReservedJob) -> int:
    """Delete a row if it is still the same; refreshing the job table makes it pending again."""
    jobs = jobs_of(table)
    same = {"status": "reserved", "host": job.host, "pid": job.pid, "connection_id": job.connection}
    return int((jobs & {**dict(job.key), **same}).delete_quick(get_count=True))


def register(table: Any, key: Mapping[str, Any] | None = None) -> None:
    """Write the true id of this worker's connection into the row that it has reserved.

    DataJoint keeps the id of the first connection, also in a worker that was forked or had to reconnect.

    Parameters
    ----------
    table : datajoint table
        Whose job table is meant.
    key : mapping, optional
        The job; by default all that this process has reserved.
    """
    connection = table.connection
    connection.connection_id = connection.adapter.get_connection_id(connection._conn)
    jobs = jobs_of(table)
    if jobs is None:
        return
    own = {name: key[name] for name in jobs.primary_key} if key is not None else {}
    mine = jobs & {**own, "status": "reserved", "host": platform.node(), "pid": os.getpid()}
    column = connection.adapter.quote_identifier("connection_id")
    connection.query(
        f"UPDATE {jobs.full_table_name} SET {column}=%s{mine.where_clause()}",  # noqa: S608 - text by DataJoint, the number apart
        args=(connection.connection_id,),
    )


def _client_errors(connection: Any) -> tuple[type[Exception], ...]:
    """Return what the client library raises when a server does not answer."""
    if connection.adapter.backend == "postgresql":
        return (import_module("psycopg2").Error, DataJointError, OSError)
    return (import_module("pymysql").MySQLError, DataJointError, OSError)


@contextmanager
def kept_alive(table: Any, key: Mapping[str, Any] | None = None, *, interval: float = PING) -> Iterator[None]:
    """Keep the connection of a worker while it computes and does not use it.

    Parameters
    ----------
    table : datajoint table
        Whose job is being done.
    key : mapping, optional
        The job.
    interval : float, optional
        Time between two pings [s].
    """
    register(table, key)
    done = threading.Event()
    errors = _client_errors(table.connection)

    def beat() -> None:
        while not done.wait(interval):
            try:
                # `Connection.is_connected` of DataJoint 2.3.5 is true whatever the server says.
                if not table.connection.adapter.ping(table.connection._conn):
                    table.connection.connect()
                    register(table, key)
            except errors:
                continue  # the server is away: the next beat tries again

    thread = threading.Thread(target=beat, name="mystax-datajoint", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
