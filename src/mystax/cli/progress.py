"""Progress of long work: a bar on a terminal, else a plain line every ten seconds."""

import sys
import time
from typing import TYPE_CHECKING

from mystax.core.events import Event

if TYPE_CHECKING:
    import rich.progress

__all__ = ["Progress", "progress_line"]

SECONDS_BETWEEN_LINES = 10.0


def progress_line(event: Event, seconds: float) -> str:
    """Write progress as one line: ``pupil 45 % 12345/27300 frames 412 fps, 36 s left``.

    Parameters
    ----------
    event : Event
        Progress with `done` and `total`.
    seconds : float
        Time since the stage began [s].

    Returns
    -------
    str
        The line.

    Examples
    --------
    >>> progress_line(Event("progress", "pass", 50, 200), 5.0)
    'pass 25 % 50/200 frames 10 fps, 15 s left'
    """
    share = f"{100 * event.done // event.total} % " if event.total else ""
    unit = str(event.data.get("unit", "frames"))
    line = f"{event.stage} {share}{event.done}/{event.total} {unit}"
    if seconds > 0 and event.done > 0:
        speed = event.done / seconds
        if unit == "frames":
            line += f" {speed:.0f} fps"
        if event.total:
            line += f", {(event.total - event.done) / speed:.0f} s left"
    return line


class Progress:
    """Shows progress events on stderr."""

    def __init__(self, *, color: bool) -> None:
        self._bar: rich.progress.Progress | None = None
        self._task: rich.progress.TaskID | None = None
        self._stage, self._began, self._last = "", 0.0, 0.0
        if sys.stderr.isatty():
            self._bar = self._make_bar(color)
            self._bar.start()

    @staticmethod
    def _make_bar(color: bool) -> "rich.progress.Progress":
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        return Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[speed]}"),
            TimeRemainingColumn(),
            console=Console(stderr=True, no_color=not color),
            transient=True,
        )

    def show(self, event: Event) -> None:
        """Show one progress event."""
        now = time.monotonic()
        if event.stage != self._stage:
            self._stage, self._began, self._last = event.stage, now, now
            self._task = None
        if self._bar is not None:
            if self._task is None:
                for task in self._bar.task_ids:
                    self._bar.remove_task(task)
                self._task = self._bar.add_task(event.stage, total=event.total or None, speed="")
            elapsed = now - self._began
            speed = f"{event.done / elapsed:.0f}/s" if elapsed > 0.5 else ""
            self._bar.update(self._task, completed=event.done, speed=speed)
        elif now - self._last >= SECONDS_BETWEEN_LINES:
            self._last = now
            sys.stderr.write(progress_line(event, now - self._began) + "\n")

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.stop()
