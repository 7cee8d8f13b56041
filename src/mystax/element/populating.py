"""`populate_all`: every automatic table in order; dead jobs are freed, failed ones tried again on wish."""

import os
import platform
import re
from collections.abc import Mapping, Sequence
from multiprocessing import get_context
from multiprocessing.connection import Connection as Pipe
from typing import Any

from mystax.element.dead_jobs import free_dead_jobs, register
from mystax.element.job_tables import declare_jobs, jobs_of
from mystax.errors import CODES, ParameterError

__all__ = ["plain_text", "populate_tables", "reason_passes", "retry_failed"]

CODE = re.compile(r"\b([A-Z]\d{3})\b")
AGAIN = ("transient", "space")
ALSO_AGAIN = ("LostConnectionError", "SystemExit", "KeyboardInterrupt")
"""Errors without a code that say nothing about the data."""


def populate_tables(
    tables: Sequence[Any],
    restrictions: Sequence[Any] = (),
    *,
    processes: int = 1,
    retry_errors: bool = False,
    **freeing: Any,
) -> dict[str, dict[str, Any]]:
    """Populate tables in order.

    Parameters
    ----------
    tables : sequence of datajoint tables
        The automatic tables, each after those that it depends on.
    restrictions : sequence, optional
        Conditions on the keys, as for `populate`.
    processes : int, optional
        Workers at the same time.
    retry_errors : bool, optional
        Try jobs again that failed for a reason that passes: lost connection, no space.
    **freeing
        As for `free_dead_jobs`.

    Returns
    -------
    dict
        Name of the table's class to ``{"done": n, "errors": [(key, text), ...], "freed": n}``.

    Raises
    ------
    ParameterError
        P401, if there is no worker.
    """
    if processes < 1:
        raise ParameterError(
            "P401", "parameter 'processes' of 'populate_all'", expected=">= 1", got=str(processes)
        )
    declare_jobs(tables)
    freed = free_dead_jobs(tables, **freeing)
    report: dict[str, dict[str, Any]] = {}
    for table in tables:
        if retry_errors:
            retry_failed(table)
        done, errors = _populate(table, restrictions, processes)
        name = type(table).__name__
        report[name] = {"done": done, "errors": errors, "freed": freed[name]}
    return report


def retry_failed(table: Any) -> int:
    """Forget the failures of a table that have a reason that passes; return how many."""
    jobs = jobs_of(table)
    if jobs is None:
        return 0
    rows = jobs.errors.proj("error_message").to_dicts()
    passing = [row for row in rows if reason_passes(str(row["error_message"]))]
    for row in passing:
        (jobs & {name: row[name] for name in jobs.primary_key}).delete_quick()
    return len(passing)


def reason_passes(message: str) -> bool:
    """Tell whether the reason of a failure can pass."""
    kind, _, text = message.partition(": ")
    found = CODE.match(text)
    if found is None:
        return kind in ALSO_AGAIN
    return found[1] in CODES and CODES[found[1]].retry in AGAIN


def _populate(table: Any, restrictions: Sequence[Any], processes: int) -> tuple[int, list[tuple[Any, str]]]:
    if processes == 1:
        return _work(table, restrictions)
    # Refreshed once, before the workers share the jobs out among themselves.
    table.jobs.refresh(*restrictions, delay=-1)
    n = min(processes, len(table.jobs.pending))
    return _in_processes(table, restrictions, n) if n > 1 else _work(table, restrictions)


def _work(table: Any, restrictions: Sequence[Any]) -> tuple[int, list[tuple[Any, str]]]:
    """Do jobs in this process until there are none."""
    try:
        found = table.populate(*restrictions, reserve_jobs=True, suppress_errors=True)
    except SystemExit:
        _forget_own(table)
        raise
    errors = [(key, plain_text(message)) for key, message in found["error_list"]]
    return int(found["success_count"]), errors


def plain_text(message: str) -> str:
    """Return an error as mystax words it: without the name of its class."""
    _, _, text = message.partition(": ")
    return text if CODE.match(text) else message


def _forget_own(table: Any) -> None:
    """Take back the job that this process was stopped in: it did not fail."""
    jobs = jobs_of(table)
    own = {"status": "error", "host": platform.node(), "pid": os.getpid()}
    (jobs & own & "error_message LIKE 'SystemExit%%'").delete_quick()


def _worker(table: Any, restrictions: Sequence[Any], answers: Pipe) -> None:
    """Work in a process of one's own, with a connection of one's own."""
    table.connection.connect()
    register(table)
    answers.send(_work(table, restrictions))
    answers.close()


def _in_processes(
    table: Any, restrictions: Sequence[Any], processes: int
) -> tuple[int, list[tuple[Any, str]]]:
    """Do jobs in several processes; one that dies costs its job only."""
    table.connection.close()
    context = get_context("fork")
    workers = []
    for _ in range(processes):
        take, give = context.Pipe(duplex=False)
        worker = context.Process(target=_worker, args=(table, restrictions, give))
        worker.start()
        give.close()
        workers.append((worker, take))
    done, errors = 0, list[tuple[Any, str]]()
    for worker, take in workers:
        answer = _answer(take)
        worker.join()
        if answer is None:
            errors.append((None, f"a worker ended without an answer (exit status {worker.exitcode})"))
        else:
            done += answer[0]
            errors += answer[1]
    table.connection.connect()
    register(table)
    return done, errors


def _answer(take: Pipe) -> tuple[int, list[tuple[Any, str]]] | None:
    try:
        found: tuple[int, list[tuple[Mapping[str, Any], str]]] = take.recv()
    except EOFError:
        return None
    return found[0], list(found[1])
