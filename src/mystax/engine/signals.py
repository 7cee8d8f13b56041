"""Ctrl-C and SIGTERM as a wish: work goes on to the next safe place and stops there."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

from mystax.core.events import Event, Report
from mystax.errors import Cancelled

__all__ = ["Stop", "kept_handlers", "stop_wishes"]


@dataclass(slots=True)
class Stop:
    """Whether the user wants the work to stop, and by which signal."""

    signal: int = 0

    def check(self) -> None:
        """Raise `Cancelled` if the work is to stop.

        Raises
        ------
        Cancelled
            If a signal has come.
        """
        if self.signal:
            raise Cancelled("run", self.signal)

    def reach(self, tell: Callable[[str], None]) -> None:
        """Take the way to a child that was started; a plain wish to stop needs none."""

    def pulse(self, peak: int) -> None:
        """Hear, several times a second, that a child runs and how much memory it has taken [byte]."""

    def watching(self, report: Report) -> Report:
        """Return a callback that hands events on and then looks for the wish to stop."""

        def watched(event: Event) -> None:
            report(event)
            self.check()

        return watched


@contextmanager
def stop_wishes() -> Iterator[Stop]:
    """Take Ctrl-C and SIGTERM as wishes while the context lasts; a second one stops at once.

    Outside the main thread signals stay as they are.

    Yields
    ------
    Stop
        Holds the signal once it has come.
    """
    stop = Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def wish(number: int, _: FrameType | None) -> None:
        if stop.signal:
            raise KeyboardInterrupt
        stop.signal = number

    before = {number: signal.signal(number, wish) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def kept_handlers() -> Iterator[None]:
    """Put the handlers of Ctrl-C and SIGTERM back after work that may replace them, as some imports do."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            if signal.getsignal(number) is not handler:
                signal.signal(number, handler)
