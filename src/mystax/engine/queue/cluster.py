"""Jobs on dask.distributed: in this process, on a scheduler that is there, or under a batch system.

This is the only module that imports dask.  Its scheduler is never the truth of the queue: a job that it
loses, runs twice or forgets is noticed by the driver, whose database decides.
"""

import os
import platform
import queue
import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mystax.core.extras import require
from mystax.engine.machine import memory_limit
from mystax.engine.queue.executor import JobSpec, Message, attend, drained, order
from mystax.errors import EngineError

__all__ = [
    "BATCH_SYSTEMS",
    "ClusterWish",
    "DaskExecutor",
    "batch_executor",
    "existing_executor",
    "local_executor",
]

BATCH_SYSTEMS = {"slurm": "SLURMCluster", "pbs": "PBSCluster", "sge": "SGECluster", "lsf": "LSFCluster"}
LOOPBACK = "127.0.0.1:0"
MIB = 1 << 20
START = 60.0
"""Time to reach a scheduler [s]."""

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


class DaskExecutor:
    """Runs jobs on the workers of a Dask scheduler.

    Parameters
    ----------
    client : Client
        Connected.
    name : str
        Name for people.
    topic : str
        Topic of the messages.
    capacity : int
        Cores of all workers together.
    size : int
        Cores of one worker.
    memory : int
        Memory of a worker for each of its cores [byte]; 0 where only the worker knows.
    is_here : bool
        Whether the workers are threads of this process.
    has_resources : bool
        Whether the workers count `cores`.
    on_close : callable, optional
        Ends what belongs to the client.
    """

    def __init__(
        self,
        client: Any,
        name: str,
        topic: str,
        *,
        capacity: int,
        size: int,
        memory: int = 0,
        is_here: bool = False,
        has_resources: bool = True,
        on_close: Callable[[], None] | None = None,
    ) -> None:
        self._client, self._name, self._topic = client, name, topic
        self._capacity, self._size, self._memory = capacity, size, memory
        self._is_here, self._has_resources, self._on_close = is_here, has_resources, on_close
        self._messages: queue.Queue[Message] = queue.Queue()
        self._futures: dict[str, Any] = {}
        self._cores: dict[str, int] = {}
        self._workers: dict[str, str] = {}
        self._is_closed = False
        client.subscribe_topic(topic, self._heard)

    @property
    def name(self) -> str:
        """Name for people."""
        return self._name

    @property
    def size(self) -> int:
        """Cores of one worker."""
        return self._size

    @property
    def memory(self) -> int:
        """Memory of a worker for each of its cores [byte]; 0 where only the worker knows."""
        return self._memory

    @property
    def is_here(self) -> bool:
        """Whether its jobs run on this host."""
        return self._is_here

    def slots(self) -> int:
        """Return the free cores."""
        return max(0, self._capacity - sum(self._cores.values()))

    def start(self, spec: JobSpec) -> None:
        """Give a job to the scheduler."""
        cores = min(spec.cores, self._size) if self._has_resources else 1
        wanted: dict[str, int] = {"cores": cores} if self._has_resources else {}
        if spec.gpus:
            wanted["gpus"] = spec.gpus
        future = self._client.submit(
            run_job,
            spec.as_dict(),
            self._topic,
            key=f"mystax-{spec.token}",
            pure=False,
            retries=0,
            resources=wanted or None,
            priority=spec.priority,
        )
        self._futures[spec.token], self._cores[spec.token] = future, cores
        future.add_done_callback(lambda done, token=spec.token: self._ended(token, done))

    def renew(self, tokens: Iterable[str]) -> None:
        """Tell jobs that their driver still holds them: one message to each busy worker."""
        self._order("renew", tokens)

    def allow(self, token: str) -> None:
        """Let a job publish the outcome that is ready."""
        self._order("allow", [token])

    def stop(self, token: str, how: str) -> None:
        """Ask a job to stop; one that no worker has begun is taken back."""
        if token not in self._workers and token in self._futures:
            future = self._futures.pop(token)
            self._client.cancel([future], force=True)
            self._messages.put(Message(token, "ended", {"ending": "stopped", "why": how, "peak": 0}))
            return
        self._order("stop", [token], how)

    def _order(self, what: str, tokens: Iterable[str], how: str = "") -> None:
        """Send an order to workers; none of them can hold the driver up."""
        if self._is_here:
            order(what, tokens, how)
            return
        by_worker: dict[str, list[str]] = {}
        for token in tokens:
            if token in self._workers:
                by_worker.setdefault(self._workers[token], []).append(token)
        for address, own in by_worker.items():
            threading.Thread(
                target=self._send, args=(address, what, own, how), name="mystax-order", daemon=True
            ).start()

    def _send(self, address: str, what: str, tokens: list[str], how: str) -> None:
        try:
            self._client.run(order, what, tokens, how, workers=[address], on_error="ignore")
        except (OSError, ValueError, RuntimeError, TimeoutError):
            return  # a worker that is gone is told by its future

    def poll(self, seconds: float) -> list[Message]:
        """Return what has been told."""
        return drained(self._messages, seconds, self._note)

    def _heard(self, event: tuple[float, Any]) -> None:
        """Take an event of the topic (called from the thread of the client)."""
        fields = event[1]
        if isinstance(fields, Mapping) and {"token", "what", "data"} <= set(fields):
            self._messages.put(Message(str(fields["token"]), fields["what"], fields["data"]))

    def _ended(self, token: str, future: Any) -> None:
        """Take the end of a task (called from a thread of the client)."""
        if self._is_closed or token not in self._futures:
            return
        if future.status == "finished":
            found = future.result()
            self._messages.put(Message(token, "ended", found["data"]))
        elif future.status == "error":
            cause = type(future.exception()).__name__
            self._messages.put(Message(token, "lost", {"cause": f"the worker was lost ({cause})"}))
        else:
            self._messages.put(
                Message(token, "lost", {"cause": f"the scheduler dropped it ({future.status})"})
            )

    def _note(self, message: Message) -> None:
        """Keep in mind where a job runs, and what is free."""
        if message.what == "started":
            self._workers[message.token] = str(message.data["worker"])
        elif message.what in ("ended", "lost"):
            address = self._workers.pop(message.token, "")
            self._futures.pop(message.token, None)
            self._cores.pop(message.token, None)
            if message.data.get("why") in ("no_time", "deadline") and address:
                self._retire(address)

    def _retire(self, address: str) -> None:
        """Let a worker go that will end soon."""

        def retire() -> None:
            try:
                self._client.retire_workers([address])
            except (OSError, ValueError, RuntimeError, TimeoutError):
                return

        threading.Thread(target=retire, name="mystax-retire", daemon=True).start()

    def close(self) -> None:
        """Stop everything that still runs, and leave the scheduler."""
        if self._is_closed:
            return
        for token in list(self._workers):
            self._order("stop", [token], "yield")
        self._wait_for_ends()
        self._is_closed = True
        self._client.close()
        if self._on_close is not None:
            self._on_close()

    def _wait_for_ends(self) -> None:
        """Wait for jobs that were asked to stop: their supervisors kill what does not within 5 s."""
        kept: list[Message] = []
        for _ in range(70):
            if not self._workers:
                break
            kept += self.poll(0.1)
        for message in kept:
            self._messages.put(message)


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
        client, name, topic, capacity=cores, size=cores, memory=share, is_here=True, on_close=end
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
