"""Jobs as tasks of a Dask scheduler: given to it, heard of, told to stop, and taken for lost.

The scheduler is never the truth of the queue: a job that it loses, runs twice or forgets is noticed by the
driver, whose database decides.
"""

import queue
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from mystax.engine.nursery import close_nursery
from mystax.engine.queue.executor import JobSpec, Message, drained, order

__all__ = ["DaskExecutor"]


class DaskExecutor:
    """Runs jobs on the workers of a Dask scheduler.

    Parameters
    ----------
    client : Client
        Connected.
    name : str
        Name for people.
    task : callable
        Runs on a worker: values of a `JobSpec` and a topic in, the fields of the last message out.
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
        task: Callable[[Mapping[str, Any], str], dict[str, Any]],
        topic: str,
        *,
        capacity: int,
        size: int,
        memory: int = 0,
        is_here: bool = False,
        has_resources: bool = True,
        on_close: Callable[[], None] | None = None,
    ) -> None:
        self._client, self._name, self._task, self._topic = client, name, task, topic
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
            self._task,
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
        if self._is_here:
            close_nursery()

    def _wait_for_ends(self) -> None:
        """Wait for jobs that were asked to stop: their supervisors kill what does not within 5 s."""
        kept: list[Message] = []
        for _ in range(70):
            if not self._workers:
                break
            kept += self.poll(0.1)
        for message in kept:
            self._messages.put(message)
