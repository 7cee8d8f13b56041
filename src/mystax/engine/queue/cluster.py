"""Schedulers and workers for jobs: in this process, where they are already, or under a batch system.

This is the only module that imports dask.
"""

import os
import platform
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mystax.core.extras import require
from mystax.engine.machine import memory_limit
from mystax.engine.queue.dask_executor import DaskExecutor
from mystax.engine.queue.executor import JobSpec, Message, attend
from mystax.engine.signals import kept_handlers
from mystax.errors import EngineError

__all__ = [
    "BATCH_SYSTEMS",
    "ClusterWish",
    "batch_executor",
    "existing_executor",
    "local_executor",
]

BATCH_SYSTEMS = {"slurm": "SLURMCluster", "pbs": "PBSCluster", "sge": "SGECluster", "lsf": "LSFCluster"}
LOOPBACK = "127.0.0.1:0"
MIB = 1 << 20
START = 60.0
"""Time to reach a scheduler [s]."""
FIRST = 30.0
"""Time for the first worker of a scheduler to come [s]: whoever starts both starts the queue next."""

SETTINGS = {
    # A lost worker is the driver's to judge: no silent second and third try.
    "distributed.scheduler.allowed-failures": 0,
    # Memory is the child's, and the supervisor watches it.
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
    "distributed.worker.memory.terminate": False,
    "distributed.admin.tick.limit": "30s",
}


@dataclass(frozen=True, slots=True)
class ClusterWish:
    """What a worker of a batch system is to be.

    Attributes
    ----------
    queue, account : str
        Partition and account; "" for the default ones.
    cores, memory, gpus : int
        Of one worker; memory in MiB.
    walltime : int
        Time after which the batch system ends a worker [s].
    max_workers : int
        Workers side by side.
    interface : str
        Network interface between workers and driver; "" for the default one.
    directives : tuple of str
        Further lines for the batch script.
    """

    queue: str = ""
    account: str = ""
    cores: int = 1
    memory: int = 2000
    gpus: int = 0
    walltime: int = 3600
    max_workers: int = 2
    interface: str = ""
    directives: tuple[str, ...] = ()


def run_job(spec: Mapping[str, Any], topic: str) -> dict[str, Any]:
    """Run one attempt on a worker; its messages go to a topic, the last one is returned."""
    from distributed import get_worker

    worker = get_worker()
    last: dict[str, Any] = {}

    def send(message: Message) -> None:
        fields = {"token": message.token, "what": message.what, "data": dict(message.data)}
        if message.what == "ended":
            last.update(fields)
        else:
            worker.log_event(topic, fields)

    attend(JobSpec(**spec), send, worker=worker.address)
    return last


def worker_facts(folder: str) -> dict[str, object]:
    """Say what a worker has: its mystax, and whether it reaches the folder of outcomes."""
    from importlib.metadata import version

    return {"version": version("mystax"), "host": platform.node(), "sees": Path(folder).is_dir()}


def local_executor(cores: int, topic: str) -> DaskExecutor:
    """Start workers as threads of this process; nothing listens beyond the loopback address.

    Raises
    ------
    ExtraMissing
        X001, without the extra `cluster`.
    """
    require("distributed", "cluster")
    import dask
    from distributed import Client, LocalCluster

    with dask.config.set(SETTINGS):
        cluster = LocalCluster(
            processes=False,
            n_workers=1,
            threads_per_worker=cores,
            resources={"cores": cores},
            # None would listen on all addresses.
            dashboard_address=LOOPBACK,
            worker_dashboard_address=LOOPBACK,
            silence_logs=50,
        )
        client = Client(cluster)

    def end() -> None:
        cluster.close()

    name = f"local ({cores} core{'s' if cores > 1 else ''})"
    share = memory_limit() // cores
    return DaskExecutor(
        client, name, run_job, topic, capacity=cores, size=cores, memory=share, is_here=True, on_close=end
    )


def existing_executor(
    address: str, topic: str, out: Path, *, scheduler_file: Path | None = None
) -> DaskExecutor:
    """Use a scheduler that is there.

    Raises
    ------
    ExtraMissing
        X001, without the extra `cluster`.
    EngineError
        Q607, if it is not reached, has no worker, or a worker has another mystax or does not see the folder
        of outcomes.
    """
    require("distributed", "cluster")
    import dask
    from distributed import Client

    where = str(scheduler_file or address)
    try:
        with dask.config.set(SETTINGS):
            client = (
                Client(scheduler_file=str(scheduler_file), timeout=START)
                if scheduler_file is not None
                else Client(address, timeout=START)
            )
        with suppress(TimeoutError):
            client.wait_for_workers(1, timeout=FIRST)
        found = client.run(worker_facts, str(out))
    except (OSError, ValueError, TimeoutError, ImportError) as error:
        raise EngineError(
            "Q607", where, "the scheduler cannot be used", got=str(error).partition("\n")[0][:200]
        ) from error
    _check_workers(client, where, found, out)
    workers = client.scheduler_info(n_workers=-1)["workers"].values()
    counted = all("cores" in item.get("resources", {}) for item in workers)
    each = [int(item["resources"]["cores"] if counted else item["nthreads"]) for item in workers]
    return DaskExecutor(
        client,
        f"scheduler {where}",
        run_job,
        topic,
        capacity=sum(each),
        size=max(each),
        has_resources=counted,
    )


def _check_workers(client: Any, where: str, found: Mapping[str, Mapping[str, Any]], out: Path) -> None:
    """Refuse workers that cannot do the work."""
    from importlib.metadata import version

    own = version("mystax")
    problem = "" if found else "it has no worker"
    for facts in found.values():
        if facts["version"] != own:
            problem = f"the worker on {facts['host']} has mystax {facts['version']}, this is {own}"
        elif not facts["sees"]:
            problem = f"the worker on {facts['host']} does not see {out}"
    if problem:
        client.close()
        raise EngineError("Q607", where, "the scheduler cannot be used", got=problem)


def batch_executor(system: str, wish: ClusterWish, topic: str, out: Path) -> DaskExecutor:
    """Start workers as jobs of a batch system; they come and go with the work.

    Raises
    ------
    ExtraMissing
        X001, without the extra `cluster`.
    EngineError
        Q607, if the batch system is not known, or its commands are not there.
    """
    with kept_handlers():  # its runner makes Ctrl-C leave at once, with status 0 and jobs that run on
        require("dask_jobqueue", "cluster")
        import dask
        import dask_jobqueue
        from distributed import Client

    kind = getattr(dask_jobqueue, BATCH_SYSTEMS[system])
    certificates = _Certificates(out / ".mystax" / "tls", topic)
    logs = out / ".mystax" / "log"
    try:
        with dask.config.set(SETTINGS):
            cluster = kind(**_options(system, wish, certificates.security(), logs))
            cluster.adapt(minimum_jobs=0, maximum_jobs=wish.max_workers)
            client = Client(cluster)
    except (OSError, ValueError, RuntimeError) as error:
        certificates.remove()
        raise EngineError("Q607", system, "the engine cannot be used", got=str(error)[:200]) from error

    def end() -> None:
        cluster.close()
        certificates.remove()

    return DaskExecutor(
        client,
        f"{system} (up to {wish.max_workers} workers)",
        run_job,
        topic,
        capacity=wish.max_workers * wish.cores,
        size=wish.cores,
        memory=wish.memory * MIB // wish.cores,
        on_close=end,
    )


class _Certificates:
    """A certificate of one driver and its workers: whoever reaches the port of a scheduler can run code."""

    def __init__(self, folder: Path, name: str) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.chmod(0o700)
        self._certificate, self._key = folder / f"{name}.cert", folder / f"{name}.key"

    def security(self) -> Any:
        """Write a fresh certificate and return the settings that use it for all roles."""
        from distributed.security import Security

        made = Security.temporary().get_tls_config_for_role("scheduler")
        for path, text in ((self._certificate, made["cert"]), (self._key, made["key"])):
            path.touch(mode=0o600)
            path.write_text(text, "ascii")
        roles: dict[str, str] = {}
        for role in ("client", "scheduler", "worker"):
            roles[f"tls_{role}_cert"] = str(self._certificate)
            roles[f"tls_{role}_key"] = str(self._key)
        return Security(tls_ca_file=str(self._certificate), require_encryption=True, **roles)

    def remove(self) -> None:
        """Remove them: nobody needs them again."""
        for path in (self._certificate, self._key):
            path.unlink(missing_ok=True)


def _options(system: str, wish: ClusterWish, security: Any, logs: Path) -> dict[str, Any]:
    """Return the arguments of a cluster of dask-jobqueue."""
    hours, rest = divmod(wish.walltime, 3600)
    resources = f"cores={wish.cores}" + (f",gpus={wish.gpus}" if wish.gpus else "")
    environment = [
        f"export MYSTAX_DEADLINE=$(( $(date +%s) + {wish.walltime} ))",
        *(
            f"export DASK_DISTRIBUTED__WORKER__MEMORY__{name}=False"
            for name in ("TARGET", "SPILL", "PAUSE", "TERMINATE")
        ),
        *(f"export {name}={os.environ[name]}" for name in ("PYTHONPATH",) if os.environ.get(name)),
    ]
    return {
        "queue": wish.queue or None,
        "account" if system in ("slurm", "pbs") else "project": wish.account or None,
        "cores": wish.cores,
        "processes": 1,
        "memory": f"{wish.memory} MiB",
        "walltime": f"{hours:02d}:{rest // 60:02d}:{rest % 60:02d}",
        "interface": wish.interface or None,
        "protocol": "tls://",
        "security": security,
        "log_directory": str(logs),
        "scheduler_options": {"dashboard_address": LOOPBACK},
        "worker_extra_args": ["--no-dashboard", "--resources", resources],
        "job_script_prologue": environment,
        "job_extra_directives": list(wish.directives),
        "python": sys.executable,
        "silence_logs": "error",
    }
