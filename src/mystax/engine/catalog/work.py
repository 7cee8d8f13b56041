"""Be a driver of a catalogue: choose what runs the jobs, and work until nothing is left."""

import os
import uuid
from collections.abc import Mapping
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from mystax.core.events import Event, Report, silent
from mystax.engine.catalog.claims import Foreign
from mystax.engine.catalog.dispatch import CatalogDispatch
from mystax.engine.catalog.places import Place
from mystax.engine.catalog.queue import Queue
from mystax.engine.machine import available_cores
from mystax.engine.queue.driver import Driver
from mystax.engine.queue.driver_state import Bounds, Tally
from mystax.engine.queue.executor import Executor, SupervisorExecutor
from mystax.engine.signals import Stop, stop_wishes
from mystax.errors import EngineError, RecipeError, nearest
from mystax.io.locks import LockRecord, is_alive, this_process
from mystax.io.store_fs import refusals

__all__ = ["make_executor", "work"]

ADDRESSES = ("tcp://", "tls://", "ucx://", "inproc://")
ALONE = 'running one job at a time; pip install "mystax[cluster]" runs many'


def work(
    place: Place,
    queue: Queue,
    bounds: Bounds,
    *,
    engine: str = "local",
    options: Mapping[str, Any] | None = None,
    make_reports: bool = True,
    report: Report = silent,
) -> Tally:
    """Run the jobs of a queue until nothing is left: `Catalog.work` says what may be wished.

    Parameters
    ----------
    place : Place
        Where the catalogue lies.
    queue : Queue
        Its queue.
    bounds : Bounds
        Which jobs, how many, and how long.
    engine, options
        As for `make_executor`.
    make_reports : bool, optional
        Whether jobs make figures and `report.html`; `mystax run` makes them later.
    report : callable, optional
        Takes events.

    Returns
    -------
    Tally
        What was done.

    Raises
    ------
    EngineError
        Q607, if the engine cannot be used.
    RecipeError
        P403, if engine or option are unknown.
    SpaceError, StoreError
        S501, S503, if the folder of outcomes cannot be made.
    Cancelled
        If it was stopped; its jobs have yielded and are queued again.
    """
    queue.database.check_schema()
    driver_id = str(uuid.uuid4())
    with refusals(place.outcomes):
        place.outcomes.mkdir(parents=True, exist_ok=True)
    with stop_wishes() as stop:
        executor = make_executor(place, engine, options or {}, driver_id, report)
        return _drive(place, queue, executor, driver_id, bounds, report, stop, make_reports=make_reports)


def _drive(
    place: Place,
    queue: Queue,
    executor: Executor,
    driver_id: str,
    bounds: Bounds,
    report: Report,
    stop: Stop,
    *,
    make_reports: bool,
) -> Tally:
    own = this_process("")
    me = {
        "id": driver_id,
        "host": own.host,
        "boot_id": own.host_start,
        "pid": own.pid,
        "pid_started": float(own.process_start or 0),
        "user": own.user,
        "version": version("mystax"),
    }
    dispatch = CatalogDispatch(
        queue.database,
        place.outcomes,
        memory=executor.memory,
        cores=executor.size,
        report=make_reports,
        elsewhere=not executor.is_here,
    )
    found = Driver(queue, dispatch, executor, me, bounds=bounds, report=report, stop=stop, is_gone=is_gone)
    return found.run()


def is_gone(foreign: Foreign) -> bool:
    """Tell whether the process of a driver has ended for certain: only its own host can know."""
    start = str(int(foreign.pid_started))
    record = LockRecord(foreign.host, foreign.pid, foreign.boot_id, start, "")
    return is_alive(record) is False


def make_executor(
    place: Place, engine: str, options: Mapping[str, Any], driver_id: str, report: Report = silent
) -> Executor:
    """Make whatever runs the jobs.

    Parameters
    ----------
    place : Place
        Where the catalogue lies.
    engine : str
        ``local``, the address of a Dask scheduler, ``slurm``, ``pbs``, ``sge``, ``lsf``, or the name of a
        table ``[engine.NAME]`` of `mystax-catalog.toml`.
    options : mapping
        Of the engine: ``cores``, ``memory`` (MiB), ``gpus``, ``walltime`` (s), ``max_workers``, ``queue``,
        ``account``, ``interface``, ``directives``, ``scheduler_file``; they go before those of a named
        engine.
    driver_id : str
        The driver.
    report : callable, optional
        Hears which engine it is.

    Returns
    -------
    Executor
        Ready.

    Raises
    ------
    EngineError, ExtraMissing, RecipeError
        Q607, X001, P403.
    """
    from mystax.engine.queue import cluster

    if engine in place.engines:
        profile = dict(place.engines[engine])
        engine, options = str(profile.pop("engine", "local")), {**profile, **options}
    given = {name: value for name, value in options.items() if value not in (None, "", ())}
    topic = f"mystax-{driver_id}"
    scheduler = given.pop("scheduler_file", None)
    if scheduler is not None or engine.startswith(ADDRESSES):
        path = None if scheduler is None else Path(scheduler)
        return cluster.existing_executor(engine, topic, place.outcomes, scheduler_file=path)
    if engine in cluster.BATCH_SYSTEMS:
        return cluster.batch_executor(engine, _wish(given), topic, place.outcomes)
    if engine != "local":
        known = ["local", *cluster.BATCH_SYSTEMS, *place.engines]
        raise RecipeError("P403", f"engine {engine!r}", f"there is no such engine{nearest(engine, known)}")
    cores = available_cores(given.get("cores"))
    if find_spec("distributed") is None:
        report(Event("note", "engine", text=ALONE))
        return SupervisorExecutor(cores=cores)
    return cluster.local_executor(cores, topic)


def _wish(options: Mapping[str, Any]) -> Any:
    from mystax.engine.queue.cluster import ClusterWish

    names = list(ClusterWish.__dataclass_fields__)
    for name in options:
        if name not in names:
            raise EngineError("Q607", f"option {name!r}", f"no engine has it{nearest(name, names)}")
    wish = ClusterWish(**{"memory": 2000, **options})
    if os.name != "posix":
        raise EngineError("Q607", "batch system", "batch systems are used from Linux only")
    return wish
