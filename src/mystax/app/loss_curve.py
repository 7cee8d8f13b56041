"""The curve of a training while it runs: as many points as a screen shows, however many steps there are."""

import math
from collections.abc import Mapping
from typing import Any

from mystax.app.schemas import HeldOut, JobCurve

__all__ = ["LossCurve"]

MOST_POINTS = 400
MOST_HELD_OUT = 1000


class LossCurve:
    """Losses by step, averaged over more and more steps as they come.

    Parameters
    ----------
    most : int, optional
        Most points; an even number.
    """

    def __init__(self, most: int = MOST_POINTS) -> None:
        self._most = most
        self._steps: list[int] = []
        self._losses: list[float] = []
        self._starts: list[int] = []
        self._held_out: list[HeldOut] = []
        self._width = 1
        self._waiting: list[float] = []
        self._step = self._total = 0
        self._seconds = math.inf

    def take(self, event: Mapping[str, Any]) -> None:
        """Take an event of a training: a step with its loss, or a look at the held-out frames.

        Parameters
        ----------
        event : mapping
            As `mystax.core.events.Event.as_dict` gives it; all others are passed over.
        """
        data = event.get("data")
        if not isinstance(data, Mapping):
            return
        if event.get("kind") == "progress" and _is_number(data.get("loss")):
            self._add(int(event.get("done", 0)), float(data["loss"]), data.get("seconds"))
            self._total = int(event.get("total", 0))
        is_look = event.get("stage") == "hold-out" and _is_number(data.get("error"))
        if is_look and len(self._held_out) < MOST_HELD_OUT:
            self._held_out.append(HeldOut(step=self._step, error=float(data["error"])))

    def _add(self, step: int, loss: float, seconds: object) -> None:
        if _is_number(seconds):
            assert isinstance(seconds, int | float)  # noqa: S101 - a number
            if seconds < self._seconds:  # each fit has a clock of its own
                self._flush()
                self._starts.append(step)
            self._seconds = seconds
        self._step = step
        self._waiting.append(loss)
        if len(self._waiting) >= self._width:
            self._flush()

    def _flush(self) -> None:
        if not self._waiting:
            return
        self._steps.append(self._step)
        self._losses.append(sum(self._waiting) / len(self._waiting))
        self._waiting.clear()
        if len(self._steps) >= self._most:
            self._width *= 2
            self._steps = self._steps[1::2]
            pairs = zip(self._losses[::2], self._losses[1::2], strict=True)
            self._losses = [(a + b) / 2 for a, b in pairs]

    def shown(self) -> JobCurve:
        """Return the curve as the page gets it."""
        return JobCurve(
            steps=list(self._steps),
            losses=list(self._losses),
            starts=list(self._starts),
            held_out=list(self._held_out),
            total=self._total,
        )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
