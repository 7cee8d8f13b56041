"""Threads for independent pieces of work; what a piece is never depends on how many threads there are."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any

__all__ = ["TilePool"]


class TilePool:
    """Pool of threads (implements `mystax.core.analysis.Tiles`).

    Matrix products and compiled kernels release the interpreter's lock, so plain threads are enough.

    Parameters
    ----------
    cores : int, optional
        Number of threads; with 1 everything runs in the caller's thread.

    Examples
    --------
    >>> with TilePool(2) as pool:
    ...     pool.map(abs, [-1, 2, -3])
    [1, 2, 3]
    """

    def __init__(self, cores: int = 1) -> None:
        if cores < 1:
            raise ValueError(f"a pool needs at least one core, got {cores}")
        self._cores = cores
        self._pool = ThreadPoolExecutor(cores, thread_name_prefix="tile") if cores > 1 else None

    @property
    def cores(self) -> int:
        """Number of threads."""
        return self._cores

    def map(self, work: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
        """Return work(item) for all items, in their order; the first error is raised after all have ended."""
        if self._pool is None or len(items) < 2:
            return [work(item) for item in items]
        futures = [self._pool.submit(work, item) for item in items]
        errors = [error for future in futures if (error := future.exception()) is not None]
        if errors:
            raise errors[0]
        return [future.result() for future in futures]

    def close(self) -> None:
        """End the threads."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None

    def __enter__(self) -> "TilePool":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
