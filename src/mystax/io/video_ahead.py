"""A thread that reads ahead."""

import queue
import threading
from collections.abc import Generator

from mystax.core.recording import FrameChunk

__all__ = ["read_ahead"]


def read_ahead(chunks: Generator[FrameChunk, None, None]) -> Generator[FrameChunk, None, None]:
    """Give the items of a generator that runs in a thread of its own, one item ahead.

    The thread ends when the consumer stops, and its exceptions are raised here.
    """
    ready: queue.Queue[FrameChunk | BaseException | None] = queue.Queue(maxsize=1)
    stopped = threading.Event()

    def hand_over(item: FrameChunk | BaseException | None) -> bool:
        while not stopped.is_set():
            try:
                ready.put(item, timeout=0.2)
            except queue.Full:
                continue
            return True
        return False

    def work() -> None:
        last: BaseException | None = None
        try:
            for chunk in chunks:
                if not hand_over(chunk):
                    break
                del chunk
        except BaseException as error:  # noqa: BLE001 - raised again in the consumer's thread
            last = error
        chunks.close()
        hand_over(last)

    thread = threading.Thread(target=work, name="mystax-reader", daemon=True)
    thread.start()
    try:
        while True:
            item = ready.get()
            if isinstance(item, BaseException):
                raise item
            if item is None:
                return
            yield item
            item = None  # let go of the pixels while waiting
    finally:
        stopped.set()
        thread.join()
