"""What is kept of a training, so that one that was stopped goes on where it was."""

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path

import numpy as np

from mystax.io.training_state import read_state, write_state

__all__ = ["Unfinished", "training_digest"]

EVERY = 30.0
"""Seconds between two writings of a state: what a killed training loses at most."""


def training_digest(*parts: object) -> str:
    """Return the sum of all that a training depends on.

    Parameters
    ----------
    *parts : object
        Arrays, mappings, sequences, dataclasses and plain values.

    Returns
    -------
    str
        sha256; equal parts give equal sums.

    Examples
    --------
    >>> training_digest(1, ("a",)) == training_digest(1, ["a"]), training_digest(1) == training_digest(2)
    (True, False)
    """
    found = hashlib.sha256()
    _add(found, parts)
    return found.hexdigest()


def _add(found: "hashlib._Hash", part: object) -> None:
    if isinstance(part, np.ndarray):
        found.update(f"{part.dtype}{part.shape}".encode())
        found.update(np.ascontiguousarray(part).tobytes())
    elif is_dataclass(part) and not isinstance(part, type):
        _add(found, [(field.name, getattr(part, field.name)) for field in fields(part)])
    elif isinstance(part, Mapping):
        _add(found, sorted(part.items()))
    elif isinstance(part, list | tuple):
        found.update(f"[{len(part)}".encode())
        for item in part:
            _add(found, item)
    else:
        found.update(repr(part).encode())
    found.update(b";")


class Unfinished:
    """The fits of a training that are done, and the state of the one under way.

    Parameters
    ----------
    path : Path, optional
        Where it is kept; without one nothing is kept.
    digest : str, optional
        Of all that the training depends on; a state of another training is not used.
    every : float, optional
        Seconds between two writings (30).
    """

    def __init__(self, path: Path | None = None, digest: str = "", *, every: float = EVERY) -> None:
        self._path, self._digest, self._every = path, digest, every
        self._tensors: dict[str, np.ndarray] = {}
        self._done: dict[str, int] = {}
        self._running: tuple[str, int] | None = None
        self.steps = 0
        self._written = time.monotonic()
        found = None if path is None else read_state(path)
        if found is not None and found[1].get("digest") == digest:
            self._tensors = found[0]
            notes = json.loads(found[1]["fits"])
            self.steps = int(notes["steps"])
            self._done = {str(name): int(count) for name, count in notes["done"].items()}
            running = notes["running"]
            self._running = None if running is None else (str(running[0]), int(running[1]))

    @property
    def n_steps(self) -> int:
        """Steps that need not be done again."""
        return sum(self._done.values()) + (0 if self._running is None else self._running[1])

    def plan(self, steps: int) -> None:
        """Say how many steps the final fit has; a state made for another number is of no use."""
        if steps != self.steps:
            self._tensors, self._done, self._running, self.steps = {}, {}, None, steps

    def finished(self, fit: str) -> dict[str, np.ndarray] | None:
        """Return what a fit gave, None if it is not done."""
        return self._part(f"{fit}.") if fit in self._done else None

    def running(self, fit: str) -> tuple[int, dict[str, np.ndarray]] | None:
        """Return the steps of a fit that are done and its state, None if it has not begun."""
        if self._running is None or self._running[0] != fit:
            return None
        return self._running[1], self._part("running.")

    def keep(
        self, fit: str, step: int, state: Callable[[], Mapping[str, np.ndarray]], *, now: bool = False
    ) -> None:
        """Write the state of a fit after a step, if it is time to (or `now`)."""
        if self._path is None or (not now and time.monotonic() - self._written < self._every):
            return
        self._drop("running.")
        self._tensors |= {f"running.{name}": value for name, value in state().items()}
        self._running = (fit, step)
        self._write()

    def finish(self, fit: str, steps: int, outcome: Mapping[str, np.ndarray]) -> None:
        """Write what a fit of some steps gave."""
        if self._path is None:
            return
        self._drop("running.")
        self._running = None
        self._tensors |= {f"{fit}.{name}": value for name, value in outcome.items()}
        self._done[fit] = steps
        self._write()

    def remove(self) -> None:
        """Forget everything: the training is finished."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)

    def _part(self, prefix: str) -> dict[str, np.ndarray]:
        return {name[len(prefix) :]: v for name, v in self._tensors.items() if name.startswith(prefix)}

    def _drop(self, prefix: str) -> None:
        self._tensors = {name: v for name, v in self._tensors.items() if not name.startswith(prefix)}

    def _write(self) -> None:
        if self._path is not None:
            notes = {"steps": self.steps, "done": self._done, "running": self._running}
            write_state(self._path, self._tensors, {"digest": self._digest, "fits": json.dumps(notes)})
            self._written = time.monotonic()
